//! Buyers, and the names by which sources call them.

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::schema::{buyer_aliases, buyers};
use super::{AnyConnection, DbError, counters, database_failure};
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::ids::BuyerId;

/// A buyer's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = buyers)]
pub struct BuyerRow {
    pub id: BuyerId,
    pub name: String,
    /// The buyer's own dispute window, where it has one.
    pub dispute_window_days: Option<i32>,
    pub created_at: Instant,
}

/// Why a buyer couldn't be added or changed.
#[derive(Debug, thiserror::Error)]
pub enum BuyerError {
    #[error("there is a buyer of this name already")]
    NameTaken,
    #[error("a buyer's name has 1 to 200 characters")]
    NameUnusable,
    #[error("a dispute window has 0 to 3650 days")]
    WindowOutOfRange,
    #[error(transparent)]
    Database(DbError),
}

database_failure!(BuyerError);

/// How names are compared: trimmed and case-blind.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A buyer by id.
pub fn find(conn: &mut AnyConnection, id: BuyerId) -> QueryResult<Option<BuyerRow>> {
    buyers::table.find(id).select(BuyerRow::as_select()).first(conn).optional()
}

/// A buyer by name.
pub fn find_by_name(conn: &mut AnyConnection, name: &str) -> QueryResult<Option<BuyerRow>> {
    buyers::table.filter(buyers::name_key.eq(name_key(name))).select(BuyerRow::as_select()).first(conn).optional()
}

/// Every buyer, by name.
pub fn list(conn: &mut AnyConnection) -> QueryResult<Vec<BuyerRow>> {
    buyers::table.order(buyers::name_key).select(BuyerRow::as_select()).load(conn)
}

/// Adds a buyer, with its own dispute window if it has one.
///
/// # Errors
/// If the name is taken or unusable, or the window out of range.
pub fn insert(
    conn: &mut AnyConnection,
    actor: &Actor,
    name: &str,
    window_days: Option<i32>,
    now: Instant,
) -> Result<BuyerId, BuyerError> {
    let id = BuyerId::generate();
    insert_as(conn, actor, (id, name), window_days, now).map(|()| id)
}

/// Adds a buyer under an id that was given out before.
pub(super) fn insert_as(
    conn: &mut AnyConnection,
    actor: &Actor,
    (id, name): (BuyerId, &str),
    window_days: Option<i32>,
    now: Instant,
) -> Result<(), BuyerError> {
    let name = name.trim();
    check_name(name)?;
    check_window(window_days)?;
    if find_by_name(conn, name)?.is_some() {
        return Err(BuyerError::NameTaken);
    }
    diesel::insert_into(buyers::table)
        .values((
            buyers::id.eq(id),
            buyers::name.eq(name),
            buyers::name_key.eq(name_key(name)),
            buyers::dispute_window_days.eq(window_days),
            buyers::created_at.eq(now),
        ))
        .execute(conn)?;
    counters::start(conn, id)?;
    let added = serde_json::json!({ "name": name, "dispute_window_days": window_days });
    audit::append(conn, actor, now, &Entry::new("buyer.added", "buyer", &id).now_is(added))?;
    Ok(())
}

fn check_name(name: &str) -> Result<(), BuyerError> {
    let is_usable = (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if is_usable { Ok(()) } else { Err(BuyerError::NameUnusable) }
}

fn check_window(days: Option<i32>) -> Result<(), BuyerError> {
    match days {
        Some(days) if !(0..=3650).contains(&days) => Err(BuyerError::WindowOutOfRange),
        _ => Ok(()),
    }
}

/// Gives a buyer another name.
///
/// # Errors
/// If the name is taken or unusable.
pub fn set_name(
    conn: &mut AnyConnection,
    actor: &Actor,
    buyer: &BuyerRow,
    name: &str,
    now: Instant,
) -> Result<(), BuyerError> {
    let name = name.trim();
    check_name(name)?;
    if name == buyer.name {
        return Ok(());
    }
    if find_by_name(conn, name)?.is_some_and(|other| other.id != buyer.id) {
        return Err(BuyerError::NameTaken);
    }
    diesel::update(buyers::table.find(buyer.id))
        .set((buyers::name.eq(name), buyers::name_key.eq(name_key(name))))
        .execute(conn)?;
    let entry = Entry::new("buyer.renamed", "buyer", &buyer.id)
        .was(serde_json::json!({ "name": buyer.name }))
        .now_is(serde_json::json!({ "name": name }));
    audit::append(conn, actor, now, &entry)?;
    Ok(())
}

/// Gives a buyer its own dispute window, or the platform's with `None`.
///
/// # Errors
/// If the window is out of range.
pub fn set_window(
    conn: &mut AnyConnection,
    actor: &Actor,
    buyer: &BuyerRow,
    days: Option<i32>,
    now: Instant,
) -> Result<(), BuyerError> {
    check_window(days)?;
    if days == buyer.dispute_window_days {
        return Ok(());
    }
    diesel::update(buyers::table.find(buyer.id)).set(buyers::dispute_window_days.eq(days)).execute(conn)?;
    let entry = Entry::new("buyer.window_changed", "buyer", &buyer.id)
        .was(serde_json::json!({ "dispute_window_days": buyer.dispute_window_days }))
        .now_is(serde_json::json!({ "dispute_window_days": days }));
    audit::append(conn, actor, now, &entry)?;
    Ok(())
}

/// The buyer that a source calls by this name, by alias alone.
pub fn find_by_alias(conn: &mut AnyConnection, source: &str, name: &str) -> QueryResult<Option<BuyerId>> {
    buyer_aliases::table.find((name_key(source), name_key(name))).select(buyer_aliases::buyer_id).first(conn).optional()
}
