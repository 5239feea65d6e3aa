//! API tokens: shown once, kept as a digest.

use diesel::prelude::*;
use rand::RngCore;
use sha2::{Digest, Sha256};

use super::audit::{self, Entry};
use super::schema::{tokens, users};
use super::users::UserRow;
use super::{AnyConnection, DbError, database_failure};
use crate::auth::{Actor, Scopes};
use crate::domain::Instant;
use crate::domain::ids::{TokenId, UserId};

/// How often a token in use is marked as used.
pub const TOUCHED_EVERY: chrono::Duration = chrono::Duration::minutes(1);

/// What every token begins with, so that programs which look for leaked ones know it.
pub const MARK: &str = "fairdial_";

/// How much of a token is kept as it is: the mark and eight digits.
const PREFIX: usize = MARK.len() + 8;

/// The most tokens a user can have that are not revoked.
const MOST: i64 = 100;

/// A token's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = tokens)]
pub struct TokenRow {
    pub id: TokenId,
    pub user_id: UserId,
    pub name: String,
    pub prefix: String,
    pub scopes: String,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

impl TokenRow {
    /// Whether it opens anything at this moment.
    #[must_use]
    pub fn is_good(&self, now: Instant) -> bool {
        self.revoked_at.is_none() && !self.is_expired(now)
    }

    #[must_use]
    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub user: UserId,
    pub name: String,
    pub scopes: Scopes,
    pub expires_at: Option<Instant>,
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("A name has 1 to 100 characters, all of them visible")]
    NameUnusable,
    #[error("Revoke a token first: a user can have 100")]
    TooMany,
    #[error(transparent)]
    Database(DbError),
}

database_failure!(TokenError);

fn hash_of(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// 256 random bits behind the mark.
fn new_secret() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{MARK}{}", hex::encode(bytes))
}

/// Makes a token; gives what opens it, which is never to be had again.
///
/// # Errors
/// If its name can't be kept, or the user has too many.
pub fn create(
    conn: &mut AnyConnection,
    actor: &Actor,
    new: &NewToken,
    now: Instant,
) -> Result<(TokenId, String), TokenError> {
    let name = new.name.trim();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(TokenError::NameUnusable);
    }
    let there: i64 = tokens::table
        .filter(tokens::user_id.eq(new.user))
        .filter(tokens::revoked_at.is_null())
        .count()
        .get_result(conn)?;
    if there >= MOST {
        return Err(TokenError::TooMany);
    }
    let (id, secret) = (TokenId::generate(), new_secret());
    let prefix: String = secret.chars().take(PREFIX).collect();
    diesel::insert_into(tokens::table)
        .values((
            (tokens::id.eq(id), tokens::user_id.eq(new.user), tokens::name.eq(name)),
            (tokens::prefix.eq(&prefix), tokens::token_hash.eq(hash_of(&secret))),
            tokens::scopes.eq(new.scopes.text()),
            (tokens::created_at.eq(now), tokens::expires_at.eq(new.expires_at)),
        ))
        .execute(conn)?;
    let values = serde_json::json!({ "user": new.user, "name": name, "prefix": prefix, "scopes": new.scopes.text(),
        "expires_at": new.expires_at });
    audit::append(conn, actor, now, &Entry::new("token.created", "token", &id).now_is(values))?;
    Ok((id, secret))
}

/// The token that was sent, with its user as they are now, if it is good.
pub fn find_good(conn: &mut AnyConnection, secret: &str, now: Instant) -> QueryResult<Option<(TokenRow, UserRow)>> {
    let found: Option<(TokenRow, UserRow)> = tokens::table
        .inner_join(users::table)
        .filter(tokens::token_hash.eq(hash_of(secret)))
        .select((TokenRow::as_select(), UserRow::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.filter(|(token, user)| token.is_good(now) && !user.is_disabled))
}

/// Marks a token as used now.
pub fn touch(conn: &mut AnyConnection, id: TokenId, now: Instant) -> QueryResult<()> {
    let earlier = now - TOUCHED_EVERY;
    let row = tokens::table.find(id).filter(tokens::last_used_at.is_null().or(tokens::last_used_at.le(earlier)));
    diesel::update(row).set(tokens::last_used_at.eq(now)).execute(conn)?;
    Ok(())
}

/// A user's tokens that are not revoked, newest first.
pub fn list(conn: &mut AnyConnection, user: UserId) -> QueryResult<Vec<TokenRow>> {
    tokens::table
        .filter(tokens::user_id.eq(user))
        .filter(tokens::revoked_at.is_null())
        .order(tokens::id.desc())
        .select(TokenRow::as_select())
        .load(conn)
}

/// Every token there is or was, newest first, with its user's e-mail; for commands.
pub fn list_all(conn: &mut AnyConnection) -> QueryResult<Vec<(TokenRow, String)>> {
    tokens::table
        .inner_join(users::table)
        .order(tokens::id.desc())
        .select((TokenRow::as_select(), users::email))
        .load(conn)
}

/// Revokes a token, of this user where one is named; `false` if there is none that could be.
pub fn revoke(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: Option<UserId>,
    id: TokenId,
    now: Instant,
) -> QueryResult<bool> {
    let row: Option<TokenRow> = tokens::table
        .find(id)
        .filter(tokens::revoked_at.is_null())
        .select(TokenRow::as_select())
        .first(conn)
        .optional()?;
    let Some(row) = row.filter(|row| user.is_none_or(|user| row.user_id == user)) else { return Ok(false) };
    let good = tokens::table.find(id).filter(tokens::revoked_at.is_null());
    if diesel::update(good).set(tokens::revoked_at.eq(now)).execute(conn)? == 0 {
        return Ok(false);
    }
    let values = serde_json::json!({ "user": row.user_id, "name": row.name, "prefix": row.prefix });
    audit::append(conn, actor, now, &Entry::new("token.revoked", "token", &id).was(values))?;
    Ok(true)
}
