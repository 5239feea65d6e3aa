//! Notifications on their way to people's mailboxes. A notification is its own outbox row: it was written, with the
//! instant it is due, in the transaction of the change it tells of.

use chrono::Duration;
use diesel::prelude::*;

use super::notifications::{self, Told};
use super::schema::notifications as table;
use super::{AnyConnection, DbError, policy, users};
use crate::auth::{Origin, Viewer};
use crate::domain::Instant;
use crate::domain::ids::UserId;

/// So long after the change an e-mail goes out: whoever has read it on the page by then needs none.
pub const DELAY: Duration = Duration::minutes(2);

/// So long a letter belongs to who sends it; then it is tried again, by the same process or another.
pub const LEASE: Duration = Duration::minutes(10);

/// After that nobody waits for it any more.
pub const TRIED_FOR: Duration = Duration::hours(24);

/// A letter holds so many notifications, and the number of the rest.
const LISTED: i64 = 30;

/// All that is new for one person.
#[derive(Clone, Debug)]
pub struct Letter {
    pub viewer: Viewer,
    pub email: String,
    pub platform: String,
    pub told: Vec<Told>,
    /// How many it tells of, those that aren't listed too.
    pub count: usize,
    /// Names the letter's rows until it is settled.
    pub lease: Instant,
}

/// People for whom something is due.
pub fn recipients(conn: &mut AnyConnection, now: Instant, limit: i64) -> QueryResult<Vec<UserId>> {
    table::table.filter(table::mail_due_at.le(now)).select(table::user_id).distinct().limit(limit).load(conn)
}

/// Takes what is due for a person into a letter, which nobody else sends meanwhile. `None` where there is nothing to
/// tell: it was read, the person chose no e-mail, or may not see disputes any more.
pub fn claim(conn: &mut AnyConnection, user: UserId, now: Instant) -> Result<Option<Letter>, DbError> {
    let due = table::table.filter(table::user_id.eq(user)).filter(table::mail_due_at.le(now));
    let read = due.filter(table::read_at.is_not_null().or(table::created_at.le(now - TRIED_FOR)));
    diesel::update(read).set(table::mail_due_at.eq(None::<Instant>)).execute(conn)?;
    let row = users::find(conn, user)?.filter(|row| row.mail_notifications);
    let person = row.and_then(|row| Some((Viewer::from_row(&row, Origin::command())?, row.email)));
    let Some((viewer, email)) = person else {
        diesel::update(due).set(table::mail_due_at.eq(None::<Instant>)).execute(conn)?;
        return Ok(None);
    };
    let lease = now + LEASE;
    let count = diesel::update(due).set(table::mail_due_at.eq(Some(lease))).execute(conn)?;
    if count == 0 {
        return Ok(None);
    }
    let told = notifications::told(conn, &viewer, Some(lease), LISTED)?;
    if told.is_empty() {
        diesel::update(due).set(table::mail_due_at.eq(None::<Instant>)).execute(conn)?;
        return Ok(None);
    }
    let platform = policy::platform_name(conn)?;
    Ok(Some(Letter { viewer, email, platform, told, count, lease }))
}

/// The letter has gone: its notifications are never sent again.
pub fn settle(conn: &mut AnyConnection, letter: &Letter) -> QueryResult<()> {
    let sent = table::table.filter(table::user_id.eq(letter.viewer.user())).filter(table::mail_due_at.eq(letter.lease));
    diesel::update(sent).set(table::mail_due_at.eq(None::<Instant>)).execute(conn)?;
    Ok(())
}

/// Takes back what nobody could send for a day, or nobody was set to send.
pub fn give_up(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    let late = table::table.filter(table::mail_due_at.is_not_null()).filter(table::created_at.le(now - TRIED_FOR));
    diesel::update(late).set(table::mail_due_at.eq(None::<Instant>)).execute(conn)
}
