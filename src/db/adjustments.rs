//! The money: append-only rows, from which a call's net amounts are derived.

use diesel::prelude::*;

use super::schema::{adjustments, calls, users};
use super::{AnyConnection, dialect};
use crate::auth::{Granted, ViewDisputes};
use crate::domain::Instant;
use crate::domain::ids::{AdjustmentId, CallId, DisputeId, UserId};

/// A row of the ledger. Amounts are minor units of its currency; a reversal's are negative.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = adjustments)]
pub struct AdjustmentRow {
    pub id: AdjustmentId,
    pub call_id: CallId,
    pub dispute_id: DisputeId,
    pub kind: String,
    pub reverses_id: Option<AdjustmentId>,
    pub currency: String,
    pub credit: i64,
    pub clawback: i64,
    pub created_by: UserId,
    pub created_at: Instant,
}

/// The rows of a dispute, oldest first.
pub(super) fn of_dispute(conn: &mut AnyConnection, dispute: DisputeId) -> QueryResult<Vec<AdjustmentRow>> {
    adjustments::table
        .filter(adjustments::dispute_id.eq(dispute))
        .order(adjustments::id)
        .select(AdjustmentRow::as_select())
        .load(conn)
}

/// The rows of a dispute with who made each, oldest first. Managers only: they name clawbacks.
pub fn told(
    conn: &mut AnyConnection,
    _manager: &Granted<ViewDisputes>,
    dispute: DisputeId,
) -> QueryResult<Vec<(AdjustmentRow, String)>> {
    adjustments::table
        .inner_join(users::table.on(users::id.eq(adjustments::created_by)))
        .filter(adjustments::dispute_id.eq(dispute))
        .order(adjustments::id)
        .select((AdjustmentRow::as_select(), users::name))
        .load(conn)
}

/// What all adjustments of a call come to: credit and clawback.
pub fn net_of_call(
    conn: &mut AnyConnection,
    _manager: &Granted<ViewDisputes>,
    call: CallId,
) -> QueryResult<(i64, i64)> {
    calls::table.find(call).select((calls::net_credit, calls::net_clawback)).first(conn)
}

/// Adds rows; the caller moves the calls' net amounts by them, in the same transaction.
pub(super) fn insert_all(conn: &mut AnyConnection, rows: &[AdjustmentRow]) -> QueryResult<()> {
    dialect::insert_all!(conn, adjustments::table, rows);
    Ok(())
}

/// Adds a row and moves the call's net amounts by it, in one transaction.
fn add(conn: &mut AnyConnection, row: &AdjustmentRow) -> QueryResult<()> {
    diesel::insert_into(adjustments::table).values(row).execute(conn)?;
    diesel::update(calls::table.find(row.call_id))
        .set((
            calls::net_credit.eq(calls::net_credit + row.credit),
            calls::net_clawback.eq(calls::net_clawback + row.clawback),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes back whatever rows of a dispute still stand, by new rows.
pub(super) fn reverse(conn: &mut AnyConnection, dispute: DisputeId, by: UserId, now: Instant) -> QueryResult<()> {
    let rows = of_dispute(conn, dispute)?;
    let is_standing =
        |row: &&AdjustmentRow| row.kind == "decision" && rows.iter().all(|other| other.reverses_id != Some(row.id));
    for row in rows.iter().filter(is_standing) {
        let reversal = AdjustmentRow {
            id: AdjustmentId::generate(),
            kind: "reversal".to_owned(),
            reverses_id: Some(row.id),
            credit: row.credit.saturating_neg(),
            clawback: row.clawback.saturating_neg(),
            created_by: by,
            created_at: now,
            ..row.clone()
        };
        add(conn, &reversal)?;
    }
    Ok(())
}
