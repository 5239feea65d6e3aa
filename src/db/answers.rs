//! Double clicks and retries: same user, same key, same answer.

use chrono::Duration;
use diesel::prelude::*;

use super::dialect;
use super::schema::answers;
use super::{AnyConnection, DbError};
use crate::domain::Instant;
use crate::domain::ids::UserId;

/// How long an answer is kept.
const KEPT: Duration = Duration::hours(24);

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = answers)]
pub struct Answer {
    /// A digest of the request: the same key with another request is a mistake.
    pub fingerprint: String,
    pub status: i32,
    pub location: String,
    pub body: String,
}

impl Answer {
    /// The answer of a form that led to another page.
    #[must_use]
    pub fn see_other(location: String) -> Self {
        Self { fingerprint: String::new(), status: 303, location, body: String::new() }
    }
}

/// The answer this key had, if any. Two requests with one key wait for each other here, before any other lock.
pub fn recall(conn: &mut AnyConnection, user: UserId, key: &str, now: Instant) -> Result<Option<Answer>, DbError> {
    dialect::lock_key(conn, &format!("{user}/{key}"))?;
    let answer = answers::table
        .find((user, key))
        .filter(answers::created_at.gt(now - KEPT))
        .select(Answer::as_select())
        .first(conn)
        .optional()?;
    Ok(answer)
}

/// Keeps an answer with the change it tells of.
pub fn remember(conn: &mut AnyConnection, user: UserId, key: &str, answer: &Answer, now: Instant) -> QueryResult<()> {
    diesel::delete(answers::table.find((user, key))).execute(conn)?;
    diesel::insert_into(answers::table)
        .values((
            answers::user_id.eq(user),
            answers::answer_key.eq(key),
            answers::fingerprint.eq(&answer.fingerprint),
            answers::status.eq(answer.status),
            answers::location.eq(&answer.location),
            answers::body.eq(&answer.body),
            answers::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets answers that are no longer kept.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    diesel::delete(answers::table.filter(answers::created_at.le(now - KEPT))).execute(conn)
}
