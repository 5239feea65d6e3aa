//! Named evidence facts of a dispute.

use diesel::prelude::*;

use super::AnyConnection;
use super::dialect::on_backend;
use super::schema::facts;
use crate::domain::Instant;
use crate::domain::ids::DisputeId;

/// A fact's row. A staged one is the buyer's alone until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = facts)]
pub struct FactRow {
    pub dispute_id: DisputeId,
    pub name: String,
    pub is_staged: bool,
    pub value: String,
    pub created_at: Instant,
}

/// The facts of a dispute the viewer has found before; staged ones only where asked for.
pub fn list(conn: &mut AnyConnection, dispute: DisputeId, with_staged: bool) -> QueryResult<Vec<FactRow>> {
    let rows = facts::table.filter(facts::dispute_id.eq(dispute)).order((facts::name, facts::is_staged));
    if with_staged {
        rows.select(FactRow::as_select()).load(conn)
    } else {
        rows.filter(facts::is_staged.eq(false)).select(FactRow::as_select()).load(conn)
    }
}

/// Makes these the facts of a Draft.
pub(super) fn replace<'a>(
    conn: &mut AnyConnection,
    dispute: DisputeId,
    wanted: impl Iterator<Item = (&'a str, &'a str)>,
    now: Instant,
) -> QueryResult<()> {
    diesel::delete(facts::table.filter(facts::dispute_id.eq(dispute))).execute(conn)?;
    add(conn, dispute, wanted, false, now)
}

/// Adds facts.
pub(super) fn add<'a>(
    conn: &mut AnyConnection,
    dispute: DisputeId,
    new: impl Iterator<Item = (&'a str, &'a str)>,
    is_staged: bool,
    now: Instant,
) -> QueryResult<()> {
    let rows: Vec<FactRow> = new
        .map(|(name, value)| FactRow {
            dispute_id: dispute,
            name: name.to_owned(),
            is_staged,
            value: value.to_owned(),
            created_at: now,
        })
        .collect();
    on_backend!(conn, |conn| diesel::insert_into(facts::table).values(&rows).execute(conn))?;
    Ok(())
}
