//! What a manager with Settings does to buyers: name, dispute window, aliases.

use diesel::prelude::*;

use super::administration::{Edited, SettingsError, recheck};
use super::aliases::{self, Alias};
use super::buyers::{self, BuyerRow};
use super::paging::{Listed, Place};
use super::schema::{buyer_aliases, buyers as table, counters, users};
use super::{AnyConnection, Backend};
use crate::auth::{Granted, ManageSettings};
use crate::domain::Instant;
use crate::domain::ids::BuyerId;

/// A buyer as the list has it.
#[derive(Clone, Debug)]
pub struct BuyerLine {
    pub row: BuyerRow,
    pub users: i64,
    pub aliases: i64,
    pub pending: i64,
}

fn matching<'a>(search: Option<&str>) -> table::BoxedQuery<'a, Backend> {
    let query = table::table.into_boxed::<Backend>();
    match search {
        Some(search) => {
            let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            query.filter(table::name_key.like(format!("%{escaped}%")).escape('\\'))
        }
        None => query,
    }
}

/// One page of buyers by name.
pub fn list(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    search: Option<&str>,
    (place, per_page): (Place<BuyerId>, i64),
) -> QueryResult<Listed<BuyerLine>> {
    let beside: Option<String> = match place.row() {
        Some(id) => table::table.find(id).select(table::name_key).first(conn).optional()?,
        None => None,
    };
    let query = matching(search);
    let query = match (beside, place.is_backwards()) {
        (None, false) => query.order(table::name_key.asc()),
        (None, true) => query.order(table::name_key.desc()),
        (Some(key), false) => query.filter(table::name_key.gt(key)).order(table::name_key.asc()),
        (Some(key), true) => query.filter(table::name_key.lt(key)).order(table::name_key.desc()),
    };
    let rows: Vec<BuyerRow> = query.limit(per_page.saturating_add(1)).select(BuyerRow::as_select()).load(conn)?;
    let listed = Listed::cut(rows, usize::try_from(per_page).unwrap_or(usize::MAX), &place, false);
    let ids: Vec<BuyerId> = listed.rows.iter().map(|row| row.id).collect();
    let people: Vec<(Option<BuyerId>, i64)> = users::table
        .filter(users::buyer_id.eq_any(&ids))
        .group_by(users::buyer_id)
        .select((users::buyer_id, diesel::dsl::count_star()))
        .load(conn)?;
    let aliases: Vec<(BuyerId, i64)> = buyer_aliases::table
        .filter(buyer_aliases::buyer_id.eq_any(&ids))
        .group_by(buyer_aliases::buyer_id)
        .select((buyer_aliases::buyer_id, diesel::dsl::count_star()))
        .load(conn)?;
    let numbers: Vec<i64> = ids.iter().map(|id| id.number()).collect();
    let pending: Vec<(i64, i64)> = counters::table
        .filter(counters::buyer_key.eq_any(&numbers))
        .select((counters::buyer_key, counters::pending))
        .load(conn)?;
    let line = |row: BuyerRow| BuyerLine {
        users: people.iter().find(|(id, _)| *id == Some(row.id)).map_or(0, |(_, count)| *count),
        aliases: aliases.iter().find(|(id, _)| *id == row.id).map_or(0, |(_, count)| *count),
        pending: pending.iter().find(|(id, _)| *id == row.id.number()).map_or(0, |(_, count)| *count),
        row,
    };
    let Listed { rows, has_earlier, has_later, is_capped } = listed;
    Ok(Listed { rows: rows.into_iter().map(line).collect(), has_earlier, has_later, is_capped })
}

/// How many buyers match.
pub fn count(conn: &mut AnyConnection, _grant: &Granted<ManageSettings>, search: Option<&str>) -> QueryResult<i64> {
    matching(search).count().get_result(conn)
}

/// The aliases of a buyer.
pub fn aliases_of(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    buyer: BuyerId,
) -> QueryResult<Vec<Alias>> {
    let rows: Vec<(String, String)> = buyer_aliases::table
        .filter(buyer_aliases::buyer_id.eq(buyer))
        .order((buyer_aliases::source, buyer_aliases::name_key))
        .select((buyer_aliases::source, buyer_aliases::name))
        .load(conn)?;
    Ok(rows.into_iter().map(|(source, name)| Alias { source, name }).collect())
}

/// Adds a buyer.
///
/// # Errors
/// If the name is taken or unusable, or the window out of range.
pub fn add(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    (name, window_days): (&str, Option<i32>),
    now: Instant,
) -> Result<BuyerId, SettingsError> {
    recheck(conn, grant)?;
    Ok(buyers::insert(conn, &grant.actor(), name, window_days, now)?)
}

/// Gives a buyer another name or its own dispute window, from now on.
///
/// # Errors
/// If there is no such buyer, the name is taken or unusable, the window out of range, or somebody else changed the same
/// meanwhile.
pub fn change(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: BuyerId,
    (name, window_days): (&Edited<String>, &Edited<Option<i32>>),
    now: Instant,
) -> Result<(), SettingsError> {
    recheck(conn, grant)?;
    let row = buyers::find(conn, id)?.ok_or(SettingsError::Missing)?;
    let (name, window_days) = (name.upon(&row.name)?, window_days.upon(&row.dispute_window_days)?);
    buyers::set_window(conn, &grant.actor(), &row, window_days, now)?;
    buyers::set_name(conn, &grant.actor(), &row, &name, now)?;
    Ok(())
}

/// Links what a source calls somebody to a buyer; gives how many calls moved.
///
/// # Errors
/// If there is no such buyer, or a name is unusable.
pub fn link_alias(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: BuyerId,
    alias: &Alias,
    now: Instant,
) -> Result<usize, SettingsError> {
    recheck(conn, grant)?;
    let row = buyers::find(conn, id)?.ok_or(SettingsError::Missing)?;
    Ok(aliases::link(conn, &grant.actor(), &row, alias, now)?)
}
