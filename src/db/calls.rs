//! Calls. Every finder starts from a scope.

use diesel::prelude::*;

use super::dialect::{Lock, lock};
use super::schema::{calls, disputes};
use super::subquery::checked;
use super::{AnyConnection, Backend};
use crate::auth::Scope;
use crate::auth::scope::Visible;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, DisputeState, HangupBy};
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CallId, CampaignId, DisputeId, PublisherId};

/// A call's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = calls)]
pub struct CallRow {
    pub id: CallId,
    pub source: String,
    pub external_id: String,
    pub buyer_id: BuyerId,
    pub publisher_id: Option<PublisherId>,
    pub campaign_id: Option<CampaignId>,
    pub started_at: Instant,
    pub caller_id: String,
    pub dialed: String,
    pub destination_number: String,
    pub destination: String,
    pub currency: String,
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub duration_s: Option<i32>,
    pub connected_s: Option<i32>,
    pub status: CallStatus,
    pub hangup_by: HangupBy,
    pub hangup_cause: String,
    pub is_duplicate: bool,
    pub recording_url: String,
    pub has_recording: bool,
    pub dispute_state: DisputeState,
    pub net_credit: i64,
    pub net_clawback: i64,
}

/// The only base query of the table.
pub(super) fn visible(scope: Scope) -> calls::BoxedQuery<'static, Backend> {
    let rows = calls::table.into_boxed();
    match scope.visible() {
        Visible::OwnedBy(buyer) => rows.filter(calls::buyer_id.eq(buyer)),
        Visible::WholeNetwork => rows,
    }
}

/// The same, for a query that says otherwise which rows it wants.
pub(super) fn visible_if_found(scope: Scope) -> calls::BoxedQuery<'static, Backend> {
    let rows = calls::table.into_boxed();
    match scope.visible() {
        Visible::OwnedBy(buyer) => rows.filter(checked(calls::buyer_id.eq(buyer))),
        Visible::WholeNetwork => rows,
    }
}

/// The rows of this external id, of whatever source.
pub(super) fn of_external_id(
    conn: &mut AnyConnection,
    external_id: &str,
) -> QueryResult<calls::BoxedQuery<'static, Backend>> {
    // With the source it is a key.
    let found = calls::table.filter(calls::source.eq_any(sources(conn)?)).into_boxed();
    Ok(found.filter(calls::external_id.eq(external_id.to_owned())))
}

/// A call this viewer can see.
pub fn find(conn: &mut AnyConnection, scope: Scope, id: CallId) -> QueryResult<Option<CallRow>> {
    visible(scope).filter(calls::id.eq(id)).select(CallRow::as_select()).first(conn).optional()
}

/// The calls with this external id that the viewer can see: one of each source, or of the source that is named.
pub fn find_external(
    conn: &mut AnyConnection,
    scope: Scope,
    external_id: &str,
    source: Option<&str>,
) -> QueryResult<Vec<CallRow>> {
    let sources = match source {
        Some(source) => vec![source.to_owned()],
        None => sources(conn)?,
    };
    visible(scope)
        .filter(calls::source.eq_any(sources))
        .filter(calls::external_id.eq(external_id.to_owned()))
        .order(calls::source)
        .select(CallRow::as_select())
        .load(conn)
}

/// The few sources there are, one after the other by the key that begins with them.
fn sources(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    loop {
        let after = found.last().cloned().unwrap_or_default();
        let next = calls::table.filter(calls::source.gt(after)).order(calls::source).select(calls::source);
        match next.first(conn).optional()? {
            Some(source) => found.push(source),
            None => return Ok(found),
        }
    }
}

/// The calls of some disputes that the viewer has found before.
pub fn list_of(conn: &mut AnyConnection, scope: Scope, ids: &[CallId]) -> QueryResult<Vec<CallRow>> {
    visible(scope).filter(calls::id.eq_any(ids.to_vec())).select(CallRow::as_select()).load(conn)
}

/// A call this viewer can see, held until the end of the transaction.
pub(super) fn find_locked(conn: &mut AnyConnection, scope: Scope, id: CallId) -> QueryResult<Option<CallRow>> {
    lock(conn, Lock::Call(id.number()))?;
    find(conn, scope, id)
}

/// The call's active dispute, if it has one. Only for rule 1: it says that there is one, also a Draft.
pub(super) fn active_dispute(conn: &mut AnyConnection, call: CallId) -> QueryResult<Option<(DisputeId, Status)>> {
    disputes::table
        .filter(disputes::call_id.eq(call))
        .filter(disputes::status.ne_all([Status::Rejected, Status::Withdrawn]))
        .select((disputes::id, disputes::status))
        .first(conn)
        .optional()
}

/// Derives the call's dispute state anew, after a dispute or the ledger changed.
pub(super) fn derive_dispute_state(conn: &mut AnyConnection, call: CallId) -> QueryResult<()> {
    let is_pending = matches!(active_dispute(conn, call)?, Some((_, Status::Pending)));
    let net_credit: i64 = calls::table.find(call).select(calls::net_credit).first(conn)?;
    let state = DisputeState::of(is_pending, net_credit);
    diesel::update(calls::table.find(call)).set(calls::dispute_state.eq(state)).execute(conn)?;
    Ok(())
}
