//! Which managers have a dispute open, and who of them writes a decision. Told to managers alone, and never written down
//! for longer than a page is seen: no audit entry, no history.

use chrono::Duration;
use diesel::prelude::*;

use super::AnyConnection;
use super::dialect::on_backend;
use super::schema::{presences, users};
use crate::auth::{Granted, ViewDisputes};
use crate::domain::Instant;
use crate::domain::ids::{DisputeId, UserId};

/// How long somebody is there after their page last spoke.
pub const LASTS: Duration = Duration::seconds(45);

/// A page that speaks again before so much of it has passed costs no write.
const FRESH: Duration = Duration::seconds(15);

/// More people than this are never shown at once.
const MOST: i64 = 500;

/// Somebody who has a dispute open.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Present {
    pub dispute: DisputeId,
    pub user: UserId,
    pub name: String,
    pub is_writing: bool,
}

/// Everybody who is on a dispute now and may still be: what the lists and streams of managers tell.
///
/// # Errors
/// If the database can't be asked.
pub(crate) fn everybody(conn: &mut AnyConnection, now: Instant) -> QueryResult<Vec<Present>> {
    let mut found: Vec<Present> = presences::table
        .inner_join(users::table)
        .filter(presences::ends_at.gt(now))
        .filter(users::disputes_view.eq(true))
        .filter(users::is_disabled.eq(false))
        .order((presences::ends_at, presences::dispute_id, presences::user_id))
        .limit(MOST)
        .select((presences::dispute_id, presences::user_id, users::name, presences::is_writing))
        .load(conn)?;
    // Not in the order in which they last spoke: who only stays is no news.
    found.sort_unstable_by_key(|person| (person.dispute, person.user));
    Ok(found)
}

/// The other managers who are on this dispute now.
///
/// # Errors
/// If the database can't be asked.
pub fn others(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    dispute: DisputeId,
    now: Instant,
) -> QueryResult<Vec<Present>> {
    presences::table
        .inner_join(users::table)
        .filter(presences::dispute_id.eq(dispute))
        .filter(presences::ends_at.gt(now))
        .filter(presences::user_id.ne(manager.user()))
        .filter(users::disputes_view.eq(true))
        .filter(users::is_disabled.eq(false))
        .select((presences::dispute_id, presences::user_id, users::name, presences::is_writing))
        .load(conn)
}

/// What is known of this manager and dispute: until when, and whether they write.
fn known(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    dispute: DisputeId,
    now: Instant,
) -> QueryResult<Option<(Instant, bool)>> {
    presences::table
        .find((dispute, manager.user()))
        .filter(presences::ends_at.gt(now))
        .select((presences::ends_at, presences::is_writing))
        .first(conn)
        .optional()
}

/// Whether all of it is known already, so that nothing is to be written.
///
/// # Errors
/// If the database can't be asked.
pub fn is_known(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    dispute: DisputeId,
    (is_writing, now): (bool, Instant),
) -> QueryResult<bool> {
    let found = known(conn, manager, dispute, now)?;
    Ok(found.is_some_and(|(ends_at, writes)| ends_at > now + LASTS - FRESH && (writes || !is_writing)))
}

/// The manager has it open. Who writes goes on writing until they leave: another tab of theirs doesn't know of it.
///
/// # Errors
/// If the row can't be written.
pub fn mark(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    dispute: DisputeId,
    (is_writing, now): (bool, Instant),
) -> QueryResult<()> {
    let is_writing = is_writing || known(conn, manager, dispute, now)?.is_some_and(|(_, writes)| writes);
    let state = (presences::is_writing.eq(is_writing), presences::ends_at.eq(now + LASTS));
    let row = (presences::dispute_id.eq(dispute), presences::user_id.eq(manager.user()), state);
    on_backend!(conn, |conn| diesel::insert_into(presences::table)
        .values(row)
        .on_conflict((presences::dispute_id, presences::user_id))
        .do_update()
        .set(state)
        .execute(conn))?;
    Ok(())
}

/// The manager has left it.
///
/// # Errors
/// If the row can't be removed.
pub fn leave(conn: &mut AnyConnection, manager: &Granted<ViewDisputes>, dispute: DisputeId) -> QueryResult<()> {
    diesel::delete(presences::table.find((dispute, manager.user()))).execute(conn)?;
    Ok(())
}

/// Forgets those who are gone.
///
/// # Errors
/// If the rows can't be removed.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    diesel::delete(presences::table.filter(presences::ends_at.le(now))).execute(conn)
}
