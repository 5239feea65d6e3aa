//! Disputes. Every finder starts from a scope: a manager's never shows a Draft.

use std::cmp::Reverse;

use diesel::prelude::*;

use super::dialect::{Lock, lock};
use super::schema::{disputes, evidence};
use super::subquery::{among, checked};
use super::{AnyConnection, Backend};
use crate::auth::Scope;
use crate::auth::scope::Visible;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, HangupBy};
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::{BuyerId, CallId, CampaignId, DisputeId, PublisherId, UserId};

/// A dispute's row: what was claimed, the call as it was at Send, what was decided.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = disputes)]
pub struct DisputeRow {
    pub id: DisputeId,
    pub call_id: CallId,
    pub buyer_id: BuyerId,
    pub status: Status,
    pub reason: String,
    pub additional_information: String,
    pub source: String,
    pub external_id: String,
    pub call_started_at: Instant,
    pub caller_id: String,
    pub destination: String,
    pub campaign_id: Option<CampaignId>,
    pub publisher_id: Option<PublisherId>,
    pub currency: String,
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub duration_s: Option<i32>,
    pub call_status: CallStatus,
    pub hangup_by: HangupBy,
    pub hangup_cause: String,
    pub has_recording: bool,
    pub has_evidence: bool,
    pub created_by: UserId,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub listed_at: Instant,
    pub submitted_by: Option<UserId>,
    pub submitted_at: Option<Instant>,
    pub due_at: Instant,
    pub filed_by_manager: Option<UserId>,
    pub credit: Option<i64>,
    pub clawback: Option<i64>,
    pub decision_note: String,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<Instant>,
    pub last_speaker: Side,
    pub assignee_id: Option<UserId>,
    pub metadata: String,
    pub version: i32,
}

/// The only base query of the table.
pub(super) fn visible(scope: Scope) -> disputes::BoxedQuery<'static, Backend> {
    let rows = disputes::table.into_boxed();
    match scope.visible() {
        Visible::OwnedBy(buyer) => rows.filter(disputes::buyer_id.eq(buyer)),
        // By rank, which the indexes of the lists hold: counting by them needn't fetch the rows.
        Visible::WholeNetwork => rows.filter(disputes::status_rank.ne(Status::Draft.rank())),
    }
}

/// The same, for a query that says otherwise which rows it wants.
pub(super) fn visible_if_found(scope: Scope) -> disputes::BoxedQuery<'static, Backend> {
    let rows = disputes::table.into_boxed();
    match scope.visible() {
        Visible::OwnedBy(buyer) => rows.filter(checked(disputes::buyer_id.eq(buyer))),
        Visible::WholeNetwork => rows.filter(checked(disputes::status_rank.ne(Status::Draft.rank()))),
    }
}

/// A dispute this viewer can see.
pub fn find(conn: &mut AnyConnection, scope: Scope, id: DisputeId) -> QueryResult<Option<DisputeRow>> {
    visible(scope).filter(disputes::id.eq(id)).select(DisputeRow::as_select()).first(conn).optional()
}

/// A dispute this viewer can see, held with its call until the end of the transaction.
pub(super) fn find_locked(conn: &mut AnyConnection, scope: Scope, id: DisputeId) -> QueryResult<Option<DisputeRow>> {
    let call: Option<CallId> =
        visible(scope).filter(disputes::id.eq(id)).select(disputes::call_id).first(conn).optional()?;
    let Some(call) = call else { return Ok(None) };
    // Lock order: the call before its dispute. What was read above may be old by now, so read again.
    lock(conn, Lock::Call(call.number()))?;
    lock(conn, Lock::Dispute(id.number()))?;
    find(conn, scope, id)
}

/// The disputes of a call that this viewer can see, newest first.
pub fn of_call(conn: &mut AnyConnection, scope: Scope, call: CallId) -> QueryResult<Vec<DisputeRow>> {
    visible(scope)
        .filter(disputes::call_id.eq(call))
        .order((disputes::listed_at.desc(), disputes::id.desc()))
        .select(DisputeRow::as_select())
        .load(conn)
}

/// The disputes of some calls, newest first.
pub(super) fn of_calls(
    conn: &mut AnyConnection,
    scope: Scope,
    calls: &[CallId],
) -> QueryResult<Vec<(CallId, DisputeId, Status)>> {
    // `+ 0` keeps SQLite from reading all disputes of the buyer, and no order from reading all there are by date.
    let rows = match scope.visible() {
        Visible::OwnedBy(buyer) => disputes::table.filter((disputes::buyer_id + 0).eq(buyer.number())).into_boxed(),
        Visible::WholeNetwork => visible(scope),
    };
    let mut found: Vec<(CallId, DisputeId, Status, Instant)> = rows
        .filter(among(disputes::call_id, calls.iter().copied()))
        .select((disputes::call_id, disputes::id, disputes::status, disputes::listed_at))
        .load(conn)?;
    found.sort_unstable_by_key(|(_, id, _, listed_at)| Reverse((*listed_at, *id)));
    Ok(found.into_iter().map(|(call, id, status, _)| (call, id, status)).collect())
}

/// Keeps `has_evidence` in step with the files there are.
pub(super) fn count_evidence(conn: &mut AnyConnection, id: DisputeId) -> QueryResult<i64> {
    let files: i64 = evidence::table.filter(evidence::dispute_id.eq(id)).count().get_result(conn)?;
    diesel::update(disputes::table.find(id)).set(disputes::has_evidence.eq(files > 0)).execute(conn)?;
    Ok(files)
}

/// Marks a dispute as changed: whoever saw an earlier version is told.
pub(super) fn touch(conn: &mut AnyConnection, id: DisputeId, now: Instant) -> QueryResult<()> {
    diesel::update(disputes::table.find(id))
        .set((disputes::version.eq(disputes::version + 1), disputes::updated_at.eq(now)))
        .execute(conn)?;
    Ok(())
}
