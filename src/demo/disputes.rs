//! One dispute of the demo: what was claimed, with which facts and files, what was said, and how it ended.

use chrono::{Duration, NaiveDateTime, SubsecRound as _};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;

use super::calls::DemoCall;
use super::files::EvidenceKind;
use super::stories::{self, Words};
use super::telling;
use super::world::{Plan, World};
use super::{Dice, chance, dice, pick};

/// A file of a dispute; its bytes come from `files::bytes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoEvidence {
    pub kind: EvidenceKind,
    pub name: String,
    /// The named fact that points to this file, if any.
    pub fact: Option<&'static str>,
    pub at: NaiveDateTime,
    pub seed: u64,
}

/// A message of either side, or a manager's internal note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoMessage {
    pub author: usize,
    pub is_platform: bool,
    pub is_internal: bool,
    pub body: String,
    pub at: NaiveDateTime,
}

/// What a manager decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoDecision {
    pub verdict: &'static str,
    /// How much of the payout is credited.
    pub credit_percent: i64,
    pub note: String,
    pub decided_by: usize,
    pub decided_at: NaiveDateTime,
}

/// A dispute of the demo; users, buyers and calls are places in the world's lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoDispute {
    pub index: u64,
    pub call: u64,
    pub buyer: usize,
    /// For a duplicate: its id is the fact `original_call_id`.
    pub original_call: Option<u64>,
    pub status: &'static str,
    /// Empty only in a Draft.
    pub reason: &'static str,
    pub additional_information: String,
    pub facts: Vec<(&'static str, String)>,
    pub evidence: Vec<DemoEvidence>,
    pub messages: Vec<DemoMessage>,
    pub created_by: usize,
    pub created_at: NaiveDateTime,
    /// None in a Draft.
    pub submitted_at: Option<NaiveDateTime>,
    pub decision: Option<DemoDecision>,
    pub withdrawn_at: Option<NaiveDateTime>,
    pub assignee: Option<usize>,
}

/// When things happened, and what it came to.
struct Course {
    status: &'static str,
    created_at: NaiveDateTime,
    submitted_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
}

impl DemoDispute {
    pub(super) fn of(world: &World, plan: &Plan) -> Self {
        let call = world.call(plan.call);
        let mut dice = dice(world.seed, 3, plan.dispute);
        let course = Course::of(&mut dice, world, &call, plan.reason);
        let filers = world.filers(call.buyer);
        let created_by = pick(&mut dice, filers);
        let manager = pick(&mut dice, &world.deciders);
        let credit_percent = match course.status {
            "accepted" => 100,
            "accepted_partial" => pick(&mut dice, &[25, 30, 40, 50, 50, 60, 75]),
            _ => 0,
        };
        let words = telling::words(&mut telling::dice_of(world, plan), world, &call, plan, credit_percent);
        let is_draft = course.status == "draft";
        let decision = course.ended_at.filter(|_| course.status != "withdrawn").map(|decided_at| DemoDecision {
            verdict: course.status,
            credit_percent,
            note: super::threads::note(&mut dice, course.status, plan.reason, &words),
            decided_by: manager,
            decided_at,
        });
        let end = course.ended_at.unwrap_or(world.now);
        let messages = if is_draft {
            Vec::new()
        } else {
            let span = telling::Span { from: course.submitted_at, decided: course.ended_at, now: world.now };
            telling::messages(&mut dice, &words, plan.reason, course.status, (created_by, manager), &span)
        };
        let information = stories::information(&mut dice, plan.reason, &words);
        let evidence = evidence(&mut dice, plan, &words, &course, is_draft);
        let has_facts = !is_draft || chance(&mut dice, 600);
        Self {
            index: plan.dispute,
            call: plan.call,
            buyer: call.buyer,
            original_call: plan.original.filter(|_| has_facts),
            status: course.status,
            reason: if is_draft && chance(&mut dice, 250) { "" } else { plan.reason },
            additional_information: information,
            facts: if has_facts { facts(&mut dice, &call, plan.reason, &words) } else { Vec::new() },
            evidence,
            messages,
            created_by,
            created_at: course.created_at,
            submitted_at: (!is_draft).then_some(course.submitted_at),
            withdrawn_at: course.ended_at.filter(|_| course.status == "withdrawn"),
            assignee: (!is_draft && (decision.is_some() || end == world.now && chance(&mut dice, 550)))
                .then_some(manager),
            decision,
        }
    }
}

impl Course {
    /// Sent within the window, decided one to six days later; the newest are mostly still Pending.
    fn of(dice: &mut Dice, world: &World, call: &DemoCall<'_>, reason: &str) -> Self {
        let (created_at, submitted_at) = sent(dice, world, call);
        let age = (world.now - submitted_at).num_hours();
        let open = |status| Self { status, created_at, submitted_at, ended_at: None };
        if age < 288 && chance(dice, 95) {
            return open("draft");
        }
        let still_pending = match age {
            ..36 => 880,
            36..96 => 400,
            96..192 => 230,
            192..240 => 260,
            240..312 => 270,
            _ => 0,
        };
        let status = if chance(dice, still_pending) { "pending" } else { outcome(dice, reason) };
        let after = match status {
            "pending" => return open(status),
            "withdrawn" => dice.random_range(30..3 * 24 * 60),
            _ => dice.random_range(24 * 60..6 * 24 * 60),
        };
        let least = submitted_at + Duration::minutes(if status == "withdrawn" { 30 } else { 24 * 60 });
        let at = (submitted_at + Duration::minutes(after)).min(world.now - Duration::minutes(30));
        let latest = (submitted_at + Duration::days(6)).min(world.now - Duration::minutes(1));
        let ended_at = if (least..=latest).contains(&by_day(at)) { by_day(at) } else { at };
        // What could only have ended within its first day is still open.
        if ended_at < least {
            open("pending")
        } else {
            Self { status, created_at, submitted_at, ended_at: Some(ended_at) }
        }
    }
}

/// When a dispute was begun and sent: after the call, inside the window, before now, and by day where that fits.
fn sent(dice: &mut Dice, world: &World, call: &DemoCall<'_>) -> (NaiveDateTime, NaiveDateTime) {
    let window = i64::from(world.window_days(call.buyer)) * 1_440 - 60;
    let mut minutes = || dice.random_range(20..window.max(21));
    let delay = minutes().min(minutes());
    let writing = Duration::seconds(dice.random_range(100..2_300));
    let at = call.started_at + Duration::minutes(delay);
    let closes_at = call.started_at + Duration::minutes(window);
    let fits = |at: NaiveDateTime| at > call.created_at && at < closes_at && at + writing < world.now;
    if fits(by_day(at)) {
        return (by_day(at), by_day(at) + writing);
    }
    if fits(at) {
        return (at, at + writing);
    }
    // So new that everything happened between its end and now.
    let since = world.now - call.created_at;
    ((call.created_at + since / 3).trunc_subsecs(6), (call.created_at + since * 2 / 3).trunc_subsecs(6))
}

/// Moves an instant of any hour into a working day on the US east coast; what came later stays later.
pub(super) fn by_day(at: NaiveDateTime) -> NaiveDateTime {
    let local = at - Duration::hours(5);
    let midnight = local.date().and_time(chrono::NaiveTime::MIN);
    let moved = midnight + Duration::hours(8) + (local - midnight) * 11 / 24;
    (moved + Duration::hours(5)).trunc_subsecs(6)
}

/// How disputes of a reason end, in 1,040: Accepted, Accepted Partial, Rejected; the rest is Withdrawn.
fn outcome(dice: &mut Dice, reason: &str) -> &'static str {
    let (accepted, partial, rejected) = match reason {
        "caller_hung_up" => (350, 190, 400),
        "not_connected" => (660, 90, 190),
        "invalid_caller" => (430, 150, 350),
        "duplicate_call" => (360, 290, 280),
        "not_qualified" => (260, 300, 380),
        "technical_issues" => (380, 290, 260),
        _ => (260, 220, 450),
    };
    match dice.random_range(0..1_040) {
        draw if draw < accepted => "accepted",
        draw if draw < accepted + partial => "accepted_partial",
        draw if draw < accepted + partial + rejected => "rejected",
        _ => "withdrawn",
    }
}

/// The named facts a buyer gives for a reason.
fn facts(dice: &mut Dice, call: &DemoCall<'_>, reason: &str, words: &Words) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |name, dice: &mut Dice, per_mille, templates: &[&str]| {
        if chance(dice, per_mille) {
            let template = pick(dice, templates);
            facts.push((name, stories::tell(dice, template, words)));
        }
    };
    match reason {
        "duplicate_call" => fact(
            "duplicate_explanation",
            dice,
            900,
            &[
                "Same caller, same {product}, {gap} after the call on {earlier}.",
                "{customer} was already [quoted|screened|booked] on {earlier}; file {file_number}.",
                "Second call of one person about one {product}. The first was [paid|charged].",
            ],
        ),
        "not_qualified" => fact("qualification_criterion", dice, 950, &["{criterion}"]),
        "not_connected" | "technical_issues" => fact(
            "technical_details",
            dice,
            850,
            &[
                "SIP trace of {time}: {cause}. [No media from the platform's side.|Codec PCMU, no change during the call.]",
                "{cause} after {ring} s, [trunk 2|trunk 1|both trunks up], no alarm in our monitoring.",
            ],
        ),
        _ => {}
    }
    if call.has_recording() && call.connected_s > Some(20) {
        fact("recording_mark", dice, 420, &["{mark}-{mark_end} {mark_label}"]);
    }
    fact("customer_name", dice, 180, &["{customer}"]);
    fact(
        "customer_communication",
        dice,
        90,
        &["{first} wrote by text: \"[I did not ask for a call|please stop, I have a policy|wrong number, sorry]\""],
    );
    fact("access_activity_log", dice, 60, &["{time} offered to {agent}, answered; +{talk} s disconnect from far end"]);
    fact("service_date", dice, 70, &["{iso_day}"]);
    fact("uncategorized_text", dice, 50, &["Our reference: {file_number}"]);
    facts
}

/// None to three files, added while the dispute was written.
fn evidence(dice: &mut Dice, plan: &Plan, words: &Words, course: &Course, is_draft: bool) -> Vec<DemoEvidence> {
    let count = pick(dice, if is_draft { &[0, 0, 1] } else { &[0, 0, 1, 1, 1, 2, 2, 3] });
    let mut files: Vec<DemoEvidence> = Vec::new();
    let kinds = EvidenceKind::for_reason(plan.reason);
    for kind in kinds.choose_multiple(dice, count).copied() {
        let template = pick(dice, kind.names());
        let fact = match (kind, plan.reason) {
            (EvidenceKind::Pdf, "duplicate_call") => Some("duplicate_documentation"),
            (EvidenceKind::Pdf, _) if chance(dice, 400) => Some("service_documentation"),
            (EvidenceKind::Text, _) if chance(dice, 200) => Some("uncategorized_file"),
            _ => None,
        };
        let writing = course.submitted_at - course.created_at;
        let at = (course.created_at + writing * dice.random_range(10..90) / 100).trunc_subsecs(6);
        files.push(DemoEvidence { kind, name: stories::tell(dice, template, words), fact, at, seed: dice.random() });
    }
    files
}
