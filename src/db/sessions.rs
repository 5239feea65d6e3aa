//! Sign-ins. A session lives in the database: it can be listed, ended, and dies with its user's rights.

use chrono::Duration;
use diesel::prelude::*;

use super::AnyConnection;
use super::audit::{self, Entry};
use super::schema::{sessions, users};
use super::users::UserRow;
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::ids::{SessionId, UserId};

/// A session nobody used for so long is over.
pub const IDLE: Duration = Duration::hours(12);

/// A session is over after so long, however busy it was.
pub const ABSOLUTE: Duration = Duration::days(7);

/// How often a session in use is marked as seen.
pub const TOUCHED_EVERY: Duration = Duration::minutes(1);

/// A session as the account page lists it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    pub id: SessionId,
    pub token_hash: String,
    pub epoch: i32,
    pub state: String,
    pub address: String,
    pub user_agent: String,
    pub created_at: Instant,
    pub last_seen_at: Instant,
}

/// A session to be added.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession {
    pub token_hash: String,
    pub id: SessionId,
    pub user_id: Option<UserId>,
    pub epoch: i32,
    pub state: String,
    pub address: String,
    pub user_agent: String,
    pub created_at: Instant,
    pub last_seen_at: Instant,
}

/// Keeps a new session, and when its user signed in last.
pub fn insert(conn: &mut AnyConnection, new: &NewSession) -> QueryResult<()> {
    if let Some(user) = new.user_id {
        super::users::signed_in(conn, user, new.created_at)?;
    }
    diesel::insert_into(sessions::table).values(new).execute(conn)?;
    Ok(())
}

/// A session that is neither idle nor old for too long, with its user as they are now.
///
/// It is dead where the user was disabled or moved on to another epoch.
pub fn find_alive(
    conn: &mut AnyConnection,
    token_hash: &str,
    now: Instant,
) -> QueryResult<Option<(SessionRow, Option<UserRow>)>> {
    let found: Option<(SessionRow, Option<UserRow>)> = sessions::table
        .left_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .select((SessionRow::as_select(), Option::<UserRow>::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.filter(|(session, user)| {
        let is_current = user.as_ref().is_none_or(|user| !user.is_disabled && user.epoch == session.epoch);
        is_current && now < session.last_seen_at + IDLE && now < session.created_at + ABSOLUTE
    }))
}

/// Marks a session as used now.
pub fn touch(conn: &mut AnyConnection, token_hash: &str, now: Instant) -> QueryResult<()> {
    let row = sessions::table.find(token_hash).filter(sessions::last_seen_at.lt(now));
    diesel::update(row).set(sessions::last_seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Replaces the state of a session.
pub fn set_state(conn: &mut AnyConnection, token_hash: &str, state: &str) -> QueryResult<usize> {
    diesel::update(sessions::table.find(token_hash)).set(sessions::state.eq(state)).execute(conn)
}

/// Ends a session.
pub fn delete(conn: &mut AnyConnection, token_hash: &str) -> QueryResult<()> {
    diesel::delete(sessions::table.find(token_hash)).execute(conn)?;
    Ok(())
}

/// The sessions of a user that are alive, newest use first.
pub fn list(conn: &mut AnyConnection, user: &UserRow, now: Instant) -> QueryResult<Vec<SessionRow>> {
    sessions::table
        .filter(sessions::user_id.eq(user.id))
        .filter(sessions::epoch.eq(user.epoch))
        .filter(sessions::last_seen_at.gt(now - IDLE))
        .filter(sessions::created_at.gt(now - ABSOLUTE))
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .select(SessionRow::as_select())
        .load(conn)
}

/// Ends one of a user's sessions, by its id on the account page; `false` if the user has no such session.
pub fn end(conn: &mut AnyConnection, actor: &Actor, user: UserId, id: SessionId, now: Instant) -> QueryResult<bool> {
    let own = sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::id.eq(id));
    if diesel::delete(own).execute(conn)? == 0 {
        return Ok(false);
    }
    let entry = Entry::new("user.session_ended", "user", &user).was(serde_json::json!({ "session": id }));
    audit::append(conn, actor, now, &entry)?;
    Ok(true)
}

/// Moves a session to its user's new epoch, where all others stay behind.
pub fn keep_alive(conn: &mut AnyConnection, token_hash: &str, epoch: i32) -> QueryResult<()> {
    diesel::update(sessions::table.find(token_hash)).set(sessions::epoch.eq(epoch)).execute(conn)?;
    Ok(())
}

/// Forgets sessions that are over.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::created_at.le(now - ABSOLUTE))).execute(conn)
}
