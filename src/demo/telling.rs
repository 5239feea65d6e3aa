//! The words of one dispute, taken from its call, and the order in which its messages were written.

use chrono::{Duration, NaiveDateTime, SubsecRound as _};
use rand::Rng as _;

use super::calls::DemoCall;
use super::disputes::DemoMessage;
use super::names::{FIRST_NAMES, LAST_NAMES};
use super::stories::{self, Words, tell};
use super::world::{Plan, World};
use super::{Dice, audio, chance, pick, threads};

/// The dice that choose a dispute's words: its texts and its files use the same.
pub(super) fn dice_of(world: &World, plan: &Plan) -> Dice {
    super::dice(world.seed, 4, plan.dispute)
}

/// Everything a template may name.
pub(super) fn words(dice: &mut Dice, world: &World, call: &DemoCall<'_>, plan: &Plan, percent: i64) -> Words {
    let mut words = Words::default();
    let buyer = world.buyers.get(call.buyer);
    let campaign = call.campaign.and_then(|place| world.campaigns.get(place));
    let vertical = campaign.map(|campaign| campaign.vertical).unwrap_or_default();
    let zone: chrono_tz::Tz =
        buyer.and_then(|buyer| buyer.time_zone.parse().ok()).unwrap_or(chrono_tz::America::New_York);
    let local = |at: NaiveDateTime| at.and_utc().with_timezone(&zone);
    let talk = call.connected_s.unwrap_or(0);
    let first = pick(dice, FIRST_NAMES);
    let agent = pick(dice, FIRST_NAMES);
    let started = local(call.started_at);

    words.set("first", first);
    words.set("customer", format!("{first} {}", pick(dice, LAST_NAMES)));
    words.set("agent", agent);
    words.set("agent2", pick(dice, FIRST_NAMES));
    words.set("company", buyer.map_or("", |buyer| buyer.name.as_str()));
    words.set(
        "publisher",
        call.publisher.and_then(|place| world.publishers.get(place)).map_or("The publisher", |known| known.name),
    );
    words.set("campaign", campaign.map_or("", |campaign| campaign.name));
    words.set("dest", call.destination);
    words.set("caller", shown(&call.caller_id));
    words.set("number", if call.caller_id == "anonymous" { "withheld".to_owned() } else { shown(&call.caller_id) });
    words.set("talk", talk.to_string());
    words.set(
        "minutes",
        if talk >= 60 { format!("{} min {} s", talk / 60, talk % 60) } else { format!("{talk} seconds") },
    );
    words.set("ring", (call.duration_s.unwrap_or(0) - talk).to_string());
    words.set("cause", call.hangup_cause.replace('_', " "));
    words.set("day", started.format("%a %-d %b").to_string());
    words.set("iso_day", started.format("%Y-%m-%d").to_string());
    words.set("file_day", started.format("%d-%B").to_string().to_lowercase());
    words.set("time", started.format("%H:%M").to_string());
    words.set("payout", money(call.payout.unwrap_or(0), call.currency));
    words.set("percent", percent.to_string());
    let product = stories::product(dice, vertical);
    let article = if product.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    words.set("product", product);
    words.set("a_product", format!("{article} {product}"));
    words.set("criterion", stories::criterion(dice, vertical));
    let prefix: String =
        buyer.map_or("", |buyer| buyer.name.as_str()).chars().filter(|letter| letter.is_uppercase()).collect();
    words.set("file_number", format!("{prefix}-{}", dice.random_range(20_000..99_999)));
    // A point in the recording, which may be shorter than the call.
    let recorded = call.recording.and_then(|place| audio::CATALOGUE.get(place)).and_then(|&s| i32::try_from(s).ok());
    let heard = recorded.map_or(talk, |recorded| recorded.min(talk));
    let from = dice.random_range(0..(heard / 2).max(1));
    let to = (from + dice.random_range(4..26)).min(heard).max(from);
    words.set("mark", clock(from));
    words.set("mark_end", clock(to));
    words.set("mark_label", mark_label(dice, plan.reason));
    if let Some(original) = plan.original {
        let earlier = world.call(original);
        words.set("earlier", local(earlier.started_at).format("%a %-d %b, %H:%M").to_string());
        words.set("gap", gap(call.started_at - earlier.started_at));
    }
    words
}

fn mark_label(dice: &mut Dice, reason: &str) -> &'static str {
    match reason {
        "duplicate_call" => pick(dice, &["Caller mentions the earlier call", "Gives the file number from last time"]),
        "not_qualified" => {
            pick(dice, &["Answers the screening question", "Says so in plain words", "Criterion comes up"])
        }
        "invalid_caller" => pick(dice, &["Recorded voice", "No reaction to the agent", "Silence"]),
        "technical_issues" => pick(dice, &["Audio breaks off", "Echo", "Caller can't hear us"]),
        _ => pick(dice, &["Listen here", "Caller hangs up"]),
    }
}

fn clock(seconds: i32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn gap(time: Duration) -> String {
    match time.num_minutes() {
        minutes @ ..90 => format!("{minutes} minutes"),
        minutes @ 90..3_600 => format!("{} hours", (minutes + 30) / 60),
        minutes => format!("{} days", (minutes + 720) / 1_440),
    }
}

/// A caller as people write it in a sentence.
fn shown(caller_id: &str) -> String {
    match (caller_id.get(2..5), caller_id.get(5..8), caller_id.get(8..12)) {
        (Some(area), Some(exchange), Some(line)) if caller_id.starts_with("+1") => {
            format!("({area}) {exchange}-{line}")
        }
        _ => "the anonymous caller".to_owned(),
    }
}

/// An amount of the demo's currencies, which all have cents.
fn money(minor: i64, currency: &str) -> String {
    let sign = if currency == "CAD" { "CA$" } else { "$" };
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

/// From sending to deciding (or withdrawing), and until now.
pub(super) struct Span {
    pub(super) from: NaiveDateTime,
    pub(super) decided: Option<NaiveDateTime>,
    pub(super) now: NaiveDateTime,
}

/// Two to six lines where there was something to talk about: (buyer's user, manager) take turns.
pub(super) fn messages(
    dice: &mut Dice,
    words: &Words,
    reason: &str,
    status: &str,
    (user, manager): (usize, usize),
    span: &Span,
) -> Vec<DemoMessage> {
    // Nobody has looked at it yet.
    if span.now - span.from < Duration::minutes(90) {
        return Vec::new();
    }
    let mut lines: Vec<(bool, bool, String)> = Vec::new();
    let likely = if status == "pending" { 480 } else { 680 };
    if chance(dice, likely) {
        let (question, answer) = threads::exchange(dice, reason);
        lines.push((true, false, tell(dice, question, words)));
        // A third of the questions on Pending disputes wait for the buyer.
        if status != "pending" || chance(dice, 680) {
            lines.push((false, false, tell(dice, answer, words)));
            if chance(dice, 380) {
                let (question, answer) = pick(dice, threads::FOLLOW_UPS);
                lines.push((true, false, tell(dice, question, words)));
                lines.push((false, false, tell(dice, answer, words)));
            }
        }
        if chance(dice, 160) {
            let reminder = pick(dice, threads::REMINDERS);
            lines.push((false, false, tell(dice, reminder, words)));
        }
    }
    if chance(dice, 200) {
        let note = pick(dice, threads::INTERNAL);
        lines.push((true, true, tell(dice, note, words)));
    }
    if status == "withdrawn" {
        let last = pick(dice, threads::WITHDRAWALS);
        lines.push((false, false, tell(dice, last, words)));
    }
    let mut messages = spread(dice, lines, (user, manager), span.from, span.decided.unwrap_or(span.now));
    let after = match status {
        "accepted" | "accepted_partial" if chance(dice, 200) => pick(dice, threads::THANKS),
        "rejected" if chance(dice, 260) => pick(dice, threads::OBJECTIONS),
        _ => "",
    };
    if let Some(decided) = span.decided.filter(|_| !after.is_empty()) {
        let lines = vec![(false, false, tell(dice, after, words))];
        let until = (decided + Duration::hours(30)).min(span.now);
        messages.extend(spread(dice, lines, (user, manager), decided, until));
    }
    messages
}

/// Puts lines into a span of time, in order, none on its edges.
fn spread(
    dice: &mut Dice,
    lines: Vec<(bool, bool, String)>,
    (user, manager): (usize, usize),
    from: NaiveDateTime,
    until: NaiveDateTime,
) -> Vec<DemoMessage> {
    let steps = i32::try_from(lines.len()).unwrap_or(0) + 1;
    let step = (until - from) / steps;
    let (mut at, mut last) = (from, from);
    lines
        .into_iter()
        .map(|(is_platform, is_internal, body)| {
            at += step * dice.random_range(55..98) / 100;
            // People write by day, unless that would be later than now or out of order.
            let by_day = super::disputes::by_day(at);
            let written = if by_day > last && by_day < until {
                by_day
            } else if at > last {
                at
            } else {
                last + (until - last) / 8
            };
            last = written;
            let at = written.trunc_subsecs(6);
            DemoMessage { author: if is_platform { manager } else { user }, is_platform, is_internal, body, at }
        })
        .collect()
}
