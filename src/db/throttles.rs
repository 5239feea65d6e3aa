//! Failed sign-ins, counted by account and by address, so that guessing is slow and shared by all processes.

use chrono::Duration;
use diesel::prelude::*;

use super::schema::throttles;
use super::{AnyConnection, dialect};
use crate::domain::Instant;

/// Tries are counted in windows of this length.
pub const WINDOW: Duration = Duration::minutes(1);

/// Takes a try before its outcome is known: `false` once the window has seen `most`.
pub fn take(conn: &mut AnyConnection, key: &str, most: i32, now: Instant) -> QueryResult<bool> {
    dialect::lock_key(conn, key)?;
    let counted: Option<(i32, Instant)> = throttles::table
        .find(key)
        .select((throttles::failures, throttles::window_started_at))
        .first(conn)
        .optional()?;
    let (failures, started_at) = counted.filter(|(_, started_at)| now < *started_at + WINDOW).unwrap_or((0, now));
    if failures >= most {
        return Ok(false);
    }
    forget(conn, key)?;
    diesel::insert_into(throttles::table)
        .values((
            throttles::throttle_key.eq(key),
            throttles::failures.eq(failures.saturating_add(1)),
            throttles::window_started_at.eq(started_at),
        ))
        .execute(conn)?;
    Ok(true)
}

/// Forgets the failures of a key: somebody proved who they are.
pub fn forget(conn: &mut AnyConnection, key: &str) -> QueryResult<()> {
    diesel::delete(throttles::table.find(key)).execute(conn)?;
    Ok(())
}

/// Gives a try back that was no failure: many people share an address.
pub fn give_back(conn: &mut AnyConnection, key: &str) -> QueryResult<()> {
    let row = throttles::table.find(key).filter(throttles::failures.gt(0));
    diesel::update(row).set(throttles::failures.eq(throttles::failures - 1)).execute(conn)?;
    Ok(())
}

/// Forgets windows that have passed.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    diesel::delete(throttles::table.filter(throttles::window_started_at.le(now - WINDOW))).execute(conn)
}
