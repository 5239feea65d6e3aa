//! Saving and sending a dispute: rule 1, true at commit.

use std::collections::BTreeSet;

use chrono::Duration;
use diesel::prelude::*;

use super::audit::{self, Entry};
use super::calls::{self, CallRow};
use super::counters::{self, Counts};
use super::dialect::{Lock, lock};
use super::disputes::{self, DisputeRow};
use super::evidence::{self, StoredFile};
use super::notifications::{self, Audience, Kind};
use super::outbox::{self, Topic};
use super::schema::{buyers, calls as calls_table, disputes as table};
use super::{AnyConnection, DbError, database_failure, facts, policy, suffixes, users};
use crate::auth::{Actor, DisputeCalls, Granted, Viewer};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, DisputeWindow, HangupBy};
use crate::domain::claim::{Claim, Intent, Problem};
use crate::domain::dispute::{Disputability, Refusal, Status};
use crate::domain::ids::{BuyerId, CallId, CampaignId, DisputeId, FileId, PublisherId};
use crate::domain::policy::Policy;

/// Why a dispute could not be saved or sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no such call or dispute, or it is somebody else's: nobody learns which.
    #[error("no such call or dispute")]
    Missing,
    /// The permission was taken away, or the user disabled, before this was committed.
    #[error("the permission Dispute Calls is missing")]
    NotAllowed,
    #[error("refused: {0:?}")]
    Refused(Refusal),
    #[error("the claim must be mended")]
    Invalid(Vec<Problem>),
    /// The dispute is no longer open for this.
    #[error("the dispute is {}", .0.label())]
    Closed(Status),
    #[error("a dispute can have at most {limit} files")]
    TooManyFiles { limit: u32 },
    #[error("a file kept for this form is no longer there")]
    KeptFileGone,
    /// What was sent can't be changed; the name of the fact.
    #[error("the fact {0} was sent already")]
    AlreadySent(String),
    #[error(transparent)]
    Database(DbError),
}

database_failure!(SendError);

/// The files of one save: just received, and kept by an earlier try.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub received: Vec<StoredFile>,
    pub kept: Vec<FileId>,
    /// How many a dispute can have in all.
    pub limit: u32,
}

/// The call as it is at this moment, as it goes into a dispute.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = table, treat_none_as_null = true)]
struct Snapshot<'a> {
    source: &'a str,
    external_id: &'a str,
    call_started_at: Instant,
    caller_id: &'a str,
    destination: &'a str,
    campaign_id: Option<CampaignId>,
    publisher_id: Option<PublisherId>,
    currency: &'a str,
    payout: Option<i64>,
    payout_sort: i64,
    publisher_payout: Option<i64>,
    publisher_payout_sort: i64,
    duration_s: Option<i32>,
    duration_sort: i32,
    call_status: CallStatus,
    hangup_by: HangupBy,
    hangup_cause: &'a str,
    has_recording: bool,
}

impl<'a> Snapshot<'a> {
    fn of(call: &'a CallRow) -> Self {
        Self {
            source: &call.source,
            external_id: &call.external_id,
            call_started_at: call.started_at,
            caller_id: &call.caller_id,
            destination: &call.destination,
            campaign_id: call.campaign_id,
            publisher_id: call.publisher_id,
            currency: &call.currency,
            payout: call.payout,
            payout_sort: call.payout.unwrap_or(-1),
            publisher_payout: call.publisher_payout,
            publisher_payout_sort: call.publisher_payout.unwrap_or(-1),
            duration_s: call.duration_s,
            duration_sort: call.duration_s.unwrap_or(-1),
            call_status: call.status,
            hangup_by: call.hangup_by,
            hangup_cause: &call.hangup_cause,
            has_recording: call.has_recording,
        }
    }
}

/// When the decision on a Draft is due: never, and last in every order.
pub(super) fn never() -> Instant {
    chrono::NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(chrono::NaiveDate::MAX).and_time(chrono::NaiveTime::MIN)
}

/// Asks again, under locks, whether the person may do this: what was committed before wins.
pub(super) fn recheck(conn: &mut AnyConnection, grant: &Granted<DisputeCalls>) -> Result<(Policy, BuyerId), SendError> {
    lock(conn, Lock::Policy)?;
    lock(conn, Lock::User(grant.user().number()))?;
    let row = users::find(conn, grant.user())?.ok_or(SendError::NotAllowed)?;
    let is_current = row.epoch == grant.viewer().profile().epoch;
    let viewer = Viewer::from_row(&row, grant.actor().origin).ok_or(SendError::NotAllowed)?;
    let buyer = Granted::<DisputeCalls>::check(&viewer).filter(|_| is_current).and_then(|grant| grant.account());
    let buyer = buyer.filter(|buyer| Some(*buyer) == grant.account()).ok_or(SendError::NotAllowed)?;
    lock(conn, Lock::Buyer(buyer.number()))?;
    Ok((policy::load(conn)?, buyer))
}

/// The dispute window of a buyer's call, by the buyer's own setting or the platform's.
pub fn window_of(
    conn: &mut AnyConnection,
    policy: &Policy,
    buyer: BuyerId,
    started_at: Instant,
) -> QueryResult<DisputeWindow> {
    let own: Option<i32> = buyers::table.find(buyer).select(buyers::dispute_window_days).first(conn)?;
    Ok(DisputeWindow::of(started_at, own.unwrap_or(policy.dispute_window_days)))
}

/// What stands against a dispute of this call now, another dispute than `own` included.
pub fn refusal(
    conn: &mut AnyConnection,
    policy: &Policy,
    call: &CallRow,
    own: Option<DisputeId>,
    now: Instant,
) -> QueryResult<Option<Refusal>> {
    let active = another_active(conn, call.id, own)?;
    let window = window_of(conn, policy, call.buyer_id, call.started_at)?;
    Ok(Disputability { status: call.status, window, payout: call.payout, active }.refusal(policy, now))
}

/// The status of the call's active dispute, if that is another than `own`.
fn another_active(conn: &mut AnyConnection, call: CallId, own: Option<DisputeId>) -> QueryResult<Option<Status>> {
    Ok(calls::active_dispute(conn, call)?.filter(|(id, _)| Some(*id) != own).map(|(_, status)| status))
}

/// Saves a new dispute of a call as a Draft, or sends it.
///
/// # Errors
/// By rule 1, checked under locks; nothing is changed then.
pub fn create(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    call: CallId,
    (claim, files, intent): (&Claim, &Files, Intent),
) -> Result<DisputeId, SendError> {
    let (policy, buyer) = recheck(conn, grant)?;
    let call = calls::find_locked(conn, grant.scope(), call)?.ok_or(SendError::Missing)?;
    let now = clock.now();
    check(conn, &policy, &call, None, (claim, intent), now)?;

    let id = DisputeId::generate();
    diesel::insert_into(table::table)
        .values((
            (table::id.eq(id), table::call_id.eq(call.id), table::buyer_id.eq(buyer)),
            (table::status.eq(Status::Draft), table::status_rank.eq(Status::Draft.rank())),
            (table::reason.eq(claim.reason()), table::additional_information.eq(claim.additional_information())),
            Snapshot::of(&call),
            (table::has_evidence.eq(false), table::due_at.eq(never()), table::version.eq(1)),
            (
                table::created_by.eq(grant.user()),
                table::created_at.eq(now),
                table::updated_at.eq(now),
                table::listed_at.eq(now),
            ),
        ))
        .execute(conn)?;
    facts::replace(conn, id, claim.fitting_facts(), now)?;
    if intent == Intent::Send {
        counters::hold(conn, &BTreeSet::from([call.buyer_id]))?;
    }
    evidence::attach(conn, grant.viewer(), (id, call.id), files, now)?;
    if intent == Intent::Draft {
        audit::append(conn, &grant.actor(), now, &Entry::of_dispute("dispute.draft_saved", id).now_is(as_said(claim)))?;
    } else {
        submit(conn, grant, &policy, &call, (id, claim), now)?;
    }
    Ok(id)
}

/// Changes a Draft, or sends it.
///
/// # Errors
/// By rule 1, checked anew under locks; nothing is changed then.
pub fn update(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    id: DisputeId,
    (claim, files, intent): (&Claim, &Files, Intent),
) -> Result<(), SendError> {
    let (policy, _) = recheck(conn, grant)?;
    let draft = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    if draft.status != Status::Draft {
        return Err(SendError::Closed(draft.status));
    }
    let call = calls::find(conn, grant.scope(), draft.call_id)?.ok_or(SendError::Missing)?;
    let now = clock.now();
    check(conn, &policy, &call, Some(id), (claim, intent), now)?;

    diesel::update(table::table.find(id))
        .set((
            table::reason.eq(claim.reason()),
            table::additional_information.eq(claim.additional_information()),
            Snapshot::of(&call),
            table::listed_at.eq(now),
        ))
        .execute(conn)?;
    disputes::touch(conn, id, now)?;
    facts::replace(conn, id, claim.fitting_facts(), now)?;
    if intent == Intent::Send {
        counters::hold(conn, &BTreeSet::from([call.buyer_id]))?;
    }
    evidence::attach(conn, grant.viewer(), (id, call.id), files, now)?;
    if intent == Intent::Draft {
        let entry = Entry::of_dispute("dispute.draft_changed", id).was(as_was(&draft)).now_is(as_said(claim));
        audit::append(conn, &grant.actor(), now, &entry)?;
    } else {
        submit(conn, grant, &policy, &call, (id, claim), now)?;
    }
    Ok(())
}

/// Lets the Draft of a call show the call as it is now.
pub(super) fn refresh_draft(conn: &mut AnyConnection, call: CallId) -> QueryResult<()> {
    let call: CallRow = calls_table::table.find(call).select(CallRow::as_select()).first(conn)?;
    diesel::update(table::table.filter(table::call_id.eq(call.id)).filter(table::status.eq(Status::Draft)))
        .set(Snapshot::of(&call))
        .execute(conn)?;
    Ok(())
}

/// A Draft needs uniqueness alone; sending needs all of rule 1.
fn check(
    conn: &mut AnyConnection,
    policy: &Policy,
    call: &CallRow,
    own: Option<DisputeId>,
    (claim, intent): (&Claim, Intent),
    now: Instant,
) -> Result<(), SendError> {
    let refusal = match intent {
        Intent::Send => refusal(conn, policy, call, own, now)?,
        // Asked by itself: what else stands against the call may hide it.
        Intent::Draft => another_active(conn, call.id, own)?.map(Refusal::AlreadyDisputed),
    };
    if let Some(refusal) = refusal {
        return Err(SendError::Refused(refusal));
    }
    let problems = claim.problems(policy, intent);
    if problems.is_empty() { Ok(()) } else { Err(SendError::Invalid(problems)) }
}

/// Makes a checked Draft Pending, and tells everybody concerned.
fn submit(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    policy: &Policy,
    call: &CallRow,
    (id, claim): (DisputeId, &Claim),
    now: Instant,
) -> Result<(), SendError> {
    let due_at = now.checked_add_signed(Duration::days(i64::from(policy.decision_deadline_days))).unwrap_or_else(never);
    let needs_evidence = policy.reason(claim.reason()).is_some_and(|reason| reason.needs_evidence);
    if needs_evidence && disputes::count_evidence(conn, id)? == 0 {
        return Err(SendError::Invalid(vec![Problem::new(
            "evidence",
            "Add at least one file: this reason needs evidence",
        )]));
    }
    diesel::update(table::table.find(id))
        .set((
            table::status.eq(Status::Pending),
            table::status_rank.eq(Status::Pending.rank()),
            table::submitted_by.eq(grant.user()),
            table::submitted_at.eq(now),
            table::listed_at.eq(now),
            table::due_at.eq(due_at),
        ))
        .execute(conn)?;
    suffixes::insert(conn, (id, call.buyer_id), &[&call.caller_id, &call.destination_number])?;
    calls::derive_dispute_state(conn, call.id)?;
    let mut told = as_said(claim);
    if let Some(told) = told.as_object_mut() {
        told.insert("call".into(), call.id.to_string().into());
        told.insert("payout".into(), call.payout.into());
        told.insert("currency".into(), call.currency.clone().into());
    }
    notifications::tell(conn, Audience::Managers, Some(grant.user()), id, (Kind::DisputeSent, ""), now)?;
    let payload = serde_json::json!({ "status": Status::Pending });
    outbox::push(conn, Topic::Created, (id, call.buyer_id), &payload, now)?;
    counters::add(conn, call.buyer_id, Counts::moved(Status::Draft, Status::Pending))?;
    audit::append(conn, &grant.actor(), now, &Entry::of_dispute("dispute.sent", id).now_is(told))?;
    Ok(())
}

fn as_said(claim: &Claim) -> serde_json::Value {
    let facts: serde_json::Map<_, _> =
        claim.fitting_facts().map(|(name, value)| (name.to_owned(), value.into())).collect();
    serde_json::json!({ "reason": claim.reason(), "additional_information": claim.additional_information(), "facts": facts })
}

fn as_was(draft: &DisputeRow) -> serde_json::Value {
    serde_json::json!({ "reason": draft.reason, "additional_information": draft.additional_information })
}

/// Throws a Draft away, with its facts; the sweep removes its files.
///
/// # Errors
/// If there is no such dispute of the viewer's, or it was sent.
pub fn discard(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    id: DisputeId,
) -> Result<(), SendError> {
    recheck(conn, grant)?;
    let draft = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    if draft.status != Status::Draft {
        return Err(SendError::Closed(draft.status));
    }
    throw_away(conn, &grant.actor(), &draft, clock.now())?;
    Ok(())
}

/// Throws away Drafts whose window has been closed for 30 days; gives how many.
pub fn discard_expired(conn: &mut AnyConnection, clock: &Clock) -> Result<usize, DbError> {
    let (policy, now) = (policy::load(conn)?, clock.now());
    let drafts: Vec<DisputeRow> = table::table
        .filter(table::status_rank.eq(Status::Draft.rank()))
        .filter(table::listed_at.lt(now - Duration::days(30)))
        .order((table::listed_at, table::id))
        .limit(500)
        .select(DisputeRow::as_select())
        .load(conn)?;
    let mut discarded = 0_usize;
    for draft in drafts {
        let closed_at = window_of(conn, &policy, draft.buyer_id, draft.call_started_at)?.closes_at();
        if closed_at.checked_add_signed(Duration::days(30)).is_some_and(|expires_at| expires_at <= now) {
            lock(conn, Lock::Dispute(draft.id.number()))?;
            throw_away(conn, &Actor::system(), &draft, now)?;
            discarded = discarded.saturating_add(1);
        }
    }
    Ok(discarded)
}

fn throw_away(conn: &mut AnyConnection, actor: &Actor, draft: &DisputeRow, now: Instant) -> QueryResult<()> {
    use super::schema::{evidence, facts};
    diesel::delete(facts::table.filter(facts::dispute_id.eq(draft.id))).execute(conn)?;
    diesel::delete(evidence::table.filter(evidence::dispute_id.eq(draft.id))).execute(conn)?;
    diesel::delete(table::table.find(draft.id).filter(table::status.eq(Status::Draft))).execute(conn)?;
    audit::append(conn, actor, now, &Entry::of_dispute("dispute.draft_discarded", draft.id).was(as_was(draft)))
}
