//! What happens to a dispute after it was sent: decide, reopen, withdraw. Each checks the state it leaves, under locks.

use chrono::Duration;
use diesel::prelude::*;

use super::adjustments;
use super::audit::{self, Entry};
use super::calls;
use super::counters::{self, Counts};
use super::decisions::{self, Decided};
use super::dialect::{Lock, lock};
use super::disputes::{self, DisputeRow};
use super::notifications::{self, Audience, Kind};
use super::outbox::{self, Topic};
use super::schema::{calls as calls_table, disputes as table, users as people};
use super::sending::{self, SendError};
use super::{AnyConnection, DbError, database_failure, policy, users};
use crate::auth::{Actor, DisputeCalls, EditDisputes, Granted, Viewer};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::call::CallStatus;
use crate::domain::decision::{Decision, DecisionProblem, Verdict};
use crate::domain::dispute::{Side, Status};
use crate::domain::fact::MAX_TEXT;
use crate::domain::ids::{DisputeId, UserId};

/// What a manager entered. Amounts are minor units of the dispute's currency.
#[derive(Clone, Debug)]
pub struct DecisionInput {
    pub verdict: Verdict,
    pub credit: Option<i64>,
    pub clawback: Option<i64>,
    pub note: String,
    /// The version the manager saw; `None` checks the status alone.
    pub version: Option<i32>,
    /// "I have seen the difference" between the call now and the snapshot.
    pub difference_seen: bool,
}

/// Why a dispute could not be decided or reopened.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error("no such dispute")]
    Missing,
    #[error("the permission to decide disputes is missing")]
    NotAllowed,
    /// Who filed a dispute on the buyer's behalf can't decide it.
    #[error("whoever filed a dispute can't decide it")]
    FiledBySelf,
    /// It is not Pending: who decided what and when, if somebody did.
    #[error("the dispute is {}", status.label())]
    NotPending { status: Status, by: Option<String>, at: Option<Instant> },
    #[error("the dispute changed since it was read")]
    Changed { version: i32 },
    #[error("the call differs from the dispute's snapshot")]
    DifferenceUnseen,
    #[error("the dispute is {} and can't be reopened", .0.label())]
    NotDecided(Status),
    #[error("the call has another active dispute")]
    AnotherActive(Status),
    #[error("Say why it is reopened")]
    ReasonMissing,
    #[error("A reason has at most 5,000 characters")]
    ReasonTooLong,
    #[error(transparent)]
    Amounts(#[from] DecisionProblem),
    #[error("the call's credit would exceed its payout")]
    NetOutOfRange,
    #[error(transparent)]
    Database(DbError),
}

database_failure!(DecideError);

/// Asks again, under a lock, whether the manager may decide.
pub(super) fn recheck(conn: &mut AnyConnection, grant: &Granted<EditDisputes>) -> Result<(), DecideError> {
    lock(conn, Lock::Policy)?;
    lock(conn, Lock::User(grant.user().number()))?;
    let row = users::find(conn, grant.user())?.ok_or(DecideError::NotAllowed)?;
    let is_current = row.epoch == grant.viewer().profile().epoch;
    let viewer = Viewer::from_row(&row, grant.actor().origin).filter(|_| is_current).ok_or(DecideError::NotAllowed)?;
    Granted::<EditDisputes>::check(&viewer).map(drop).ok_or(DecideError::NotAllowed)
}

/// The money and status of a call as they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct CallNow {
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub status: CallStatus,
}

/// What the call is now, where that differs from what the dispute was sent with (rule 10).
pub fn difference(conn: &mut AnyConnection, dispute: &DisputeRow) -> QueryResult<Option<CallNow>> {
    use super::schema::calls as now;
    let call: CallNow =
        now::table.find(dispute.call_id).select((now::payout, now::publisher_payout, now::status)).first(conn)?;
    let sent =
        CallNow { payout: dispute.payout, publisher_payout: dispute.publisher_payout, status: dispute.call_status };
    Ok((call != sent).then_some(call))
}

/// Only a Pending dispute can be decided; who decided another one, and when, is told.
///
/// # Errors
/// `NotPending`.
pub fn refuse_unless_pending(conn: &mut AnyConnection, dispute: &DisputeRow) -> Result<(), DecideError> {
    if dispute.status == Status::Pending {
        return Ok(());
    }
    let by = dispute.decided_by.map(|user| people::table.find(user).select(people::name).first(conn)).transpose()?;
    Err(DecideError::NotPending { status: dispute.status, by, at: dispute.decided_at })
}

/// Decides a Pending dispute.
///
/// # Errors
/// If it isn't Pending any more, changed, or the amounts don't fit; nothing is changed then.
pub fn decide(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    clock: &Clock,
    id: DisputeId,
    input: &DecisionInput,
) -> Result<(), DecideError> {
    recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(DecideError::Missing)?;
    let now = clock.now();
    refuse_unless_pending(conn, &dispute)?;
    if input.version.is_some_and(|seen| seen != dispute.version) {
        return Err(DecideError::Changed { version: dispute.version });
    }
    if dispute.filed_by_manager == Some(grant.user()) {
        return Err(DecideError::FiledBySelf);
    }
    if !input.difference_seen && difference(conn, &dispute)?.is_some() {
        return Err(DecideError::DifferenceUnseen);
    }
    let payout = dispute.payout.ok_or(DecideError::Missing)?;
    let decision = Decision::new(
        input.verdict,
        input.credit,
        input.clawback,
        input.note.clone(),
        payout,
        dispute.publisher_payout,
    )?;
    let net_credit = calls_table::table.find(dispute.call_id).select(calls_table::net_credit).first(conn)?;
    decisions::record(conn, grant, &[Decided { dispute, net_credit, decision }], now)
}

/// Makes a decided dispute Pending again; its adjustments are reversed by new rows.
///
/// # Errors
/// If it wasn't decided, no reason is given, or the call has another active dispute.
pub fn reopen(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    clock: &Clock,
    id: DisputeId,
    reason: &str,
) -> Result<(), DecideError> {
    recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(DecideError::Missing)?;
    if reason.is_empty() {
        return Err(DecideError::ReasonMissing);
    }
    if reason.chars().count() > MAX_TEXT {
        return Err(DecideError::ReasonTooLong);
    }
    if !dispute.status.is_decided() {
        return Err(DecideError::NotDecided(dispute.status));
    }
    if let Some((_, status)) = calls::active_dispute(conn, dispute.call_id)?.filter(|(active, _)| *active != id) {
        return Err(DecideError::AnotherActive(status));
    }
    make_pending_again(conn, &grant.actor(), &dispute, grant.user(), (Side::Platform, reason), clock.now())?;
    Ok(())
}

/// The part of reopening that a manager's reopening and a buyer's reply share.
pub(super) fn make_pending_again(
    conn: &mut AnyConnection,
    actor: &Actor,
    dispute: &DisputeRow,
    by: UserId,
    (side, reason): (Side, &str),
    now: Instant,
) -> Result<(), DbError> {
    let id = dispute.id;
    let days = policy::load(conn)?.decision_deadline_days;
    let due_at = now.checked_add_signed(Duration::days(i64::from(days))).unwrap_or_else(sending::never);
    diesel::update(table::table.find(id))
        .set((
            (table::status.eq(Status::Pending), table::status_rank.eq(Status::Pending.rank())),
            (table::credit.eq(None::<i64>), table::clawback.eq(None::<i64>), table::decision_note.eq("")),
            (table::decided_by.eq(None::<UserId>), table::decided_at.eq(None::<Instant>)),
            (table::due_at.eq(due_at), table::last_speaker.eq(side)),
        ))
        .execute(conn)?;
    disputes::touch(conn, id, now)?;
    adjustments::reverse(conn, id, by, now)?;
    calls::derive_dispute_state(conn, dispute.call_id)?;
    let audience = match side {
        Side::Platform => Audience::Buyer(dispute.buyer_id),
        Side::Buyer => Audience::Managers,
    };
    notifications::tell(conn, audience, Some(by), id, (Kind::DisputeReopened, reason), now)?;
    let payload = serde_json::json!({ "status": Status::Pending });
    outbox::push(conn, Topic::Reopened, (id, dispute.buyer_id), &payload, now)?;
    counters::add(conn, dispute.buyer_id, Counts::moved(dispute.status, Status::Pending))?;
    let entry = Entry::of_dispute("dispute.reopened", id)
        .was(serde_json::json!({ "status": dispute.status, "credit": dispute.credit, "clawback": dispute.clawback }))
        .now_is(serde_json::json!({ "status": Status::Pending, "reason": reason }));
    audit::append(conn, actor, now, &entry)?;
    Ok(())
}

/// Takes a Pending dispute back.
///
/// # Errors
/// If it isn't the viewer's, or isn't Pending any more.
pub fn withdraw(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    id: DisputeId,
) -> Result<(), SendError> {
    sending::recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    if dispute.status != Status::Pending {
        return Err(SendError::Closed(dispute.status));
    }
    let now = clock.now();
    diesel::update(table::table.find(id))
        .set((table::status.eq(Status::Withdrawn), table::status_rank.eq(Status::Withdrawn.rank())))
        .execute(conn)?;
    disputes::touch(conn, id, now)?;
    calls::derive_dispute_state(conn, dispute.call_id)?;
    notifications::tell(conn, Audience::Managers, Some(grant.user()), id, (Kind::DisputeWithdrawn, ""), now)?;
    let payload = serde_json::json!({ "status": Status::Withdrawn });
    outbox::push(conn, Topic::Withdrawn, (id, dispute.buyer_id), &payload, now)?;
    counters::add(conn, dispute.buyer_id, Counts::moved(Status::Pending, Status::Withdrawn))?;
    let entry = Entry::of_dispute("dispute.withdrawn", id)
        .was(serde_json::json!({ "status": Status::Pending }))
        .now_is(serde_json::json!({ "status": Status::Withdrawn }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(())
}
