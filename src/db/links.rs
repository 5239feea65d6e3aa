//! Links that work once: the set-up of the first manager, and invitations. The database holds only their hashes.

use chrono::Duration;
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::audit::{self, Entry};
use super::schema::one_time_links::{self, table};
use super::users::{self, UserRow};
use super::{AnyConnection, dialect};
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::ids::UserId;

text_enum! {
    /// What a link is for.
    Purpose {
        Setup = "setup", "Set-up";
        Invitation = "invitation", "Invitation";
    }
}

impl Purpose {
    /// How long a link works. An invitation may wait for somebody's Monday.
    #[must_use]
    pub fn lasts(self) -> Duration {
        match self {
            Self::Setup => Duration::hours(24),
            Self::Invitation => Duration::days(7),
        }
    }
}

/// What a link holds that nobody can guess: 244 random bits.
fn new_token() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

fn hash_of(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn insert(conn: &mut AnyConnection, purpose: Purpose, user: Option<UserId>, now: Instant) -> QueryResult<String> {
    let token = new_token();
    diesel::insert_into(table)
        .values((
            one_time_links::token_hash.eq(hash_of(&token)),
            one_time_links::purpose.eq(purpose),
            one_time_links::user_id.eq(user),
            one_time_links::created_at.eq(now),
            one_time_links::expires_at.eq(now + purpose.lasts()),
        ))
        .execute(conn)?;
    Ok(token)
}

/// A new set-up link while there is no user yet; gives its token, which is never to be had again.
pub fn start_setup(conn: &mut AnyConnection, now: Instant) -> QueryResult<Option<String>> {
    if users::is_anyone_there(conn)? {
        return Ok(None);
    }
    forget_old(conn, now)?;
    insert(conn, Purpose::Setup, None, now).map(Some)
}

/// A new link to choose a password, in place of the user's earlier ones; gives its token. Whoever has no password yet
/// is invited by it.
pub fn invite(conn: &mut AnyConnection, actor: &Actor, user: UserId, now: Instant) -> QueryResult<String> {
    forget_of(conn, user)?;
    let token = insert(conn, Purpose::Invitation, Some(user), now)?;
    let has_password = users::find(conn, user)?.is_some_and(|user| user.password_hash.is_some());
    let action = if has_password { "user.reset_link_made" } else { "user.invited" };
    audit::append(conn, actor, now, &Entry::new(action, "user", &user))?;
    Ok(token)
}

/// Whether a set-up link works now: not run out, not used, and nobody is there yet.
pub fn is_setup_open(conn: &mut AnyConnection, token: &str, now: Instant) -> QueryResult<bool> {
    let is_known = diesel::select(diesel::dsl::exists(
        table
            .find(hash_of(token))
            .filter(one_time_links::purpose.eq(Purpose::Setup))
            .filter(one_time_links::expires_at.gt(now))
            .select(one_time_links::created_at),
    ))
    .get_result::<bool>(conn)?;
    Ok(is_known && !users::is_anyone_there(conn)?)
}

/// Uses a set-up link up: `true` for one caller alone, before the first user is added.
pub fn take_setup(conn: &mut AnyConnection, token: &str, now: Instant) -> QueryResult<bool> {
    // Two links may be out, one from each process that was started.
    dialect::lock_key(conn, "setup")?;
    if !is_setup_open(conn, token, now)? {
        return Ok(false);
    }
    diesel::delete(table.filter(one_time_links::purpose.eq(Purpose::Setup))).execute(conn)?;
    Ok(true)
}

/// The user whom an invitation lets in now; `None` if it was used, ran out, or the user is disabled.
pub fn invited(conn: &mut AnyConnection, token: &str, now: Instant) -> QueryResult<Option<UserRow>> {
    let user: Option<Option<UserId>> = table
        .find(hash_of(token))
        .filter(one_time_links::purpose.eq(Purpose::Invitation))
        .filter(one_time_links::expires_at.gt(now))
        .select(one_time_links::user_id)
        .first(conn)
        .optional()?;
    let Some(user) = user.flatten() else { return Ok(None) };
    Ok(users::find(conn, user)?.filter(|user| !user.is_disabled))
}

/// Uses an invitation up, for one caller alone.
pub fn take_invitation(conn: &mut AnyConnection, token: &str, now: Instant) -> QueryResult<Option<UserRow>> {
    let Some(user) = invited(conn, token, now)? else { return Ok(None) };
    let deleted = diesel::delete(table.find(hash_of(token))).execute(conn)?;
    Ok((deleted == 1).then_some(user))
}

/// Forgets the links of a user: they have a password that nobody else was sent.
pub(super) fn forget_of(conn: &mut AnyConnection, user: UserId) -> QueryResult<usize> {
    diesel::delete(table.filter(one_time_links::user_id.eq(user))).execute(conn)
}

/// Forgets links that have run out.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    diesel::delete(table.filter(one_time_links::expires_at.le(now))).execute(conn)
}
