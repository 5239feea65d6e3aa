//! What people are told: a list, and how many are unread.

use diesel::prelude::*;

use super::AnyConnection;
use super::dialect::on_backend;
use super::schema::{buyers, disputes, notifications, users};
use crate::auth::DisputeViewer;
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, DisputeId, NotificationId, UserId};

text_enum! {
    /// What a notification tells.
    Kind {
        DisputeSent = "dispute_sent", "A dispute was sent";
        DisputeWithdrawn = "dispute_withdrawn", "A dispute was withdrawn";
        DisputeDecided = "dispute_decided", "A dispute was decided";
        DisputeReopened = "dispute_reopened", "A dispute was reopened";
        MessageWritten = "message_written", "A message was written";
        EvidenceAdded = "evidence_added", "Evidence was added";
    }
}

/// A notification's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notifications)]
pub struct NotificationRow {
    pub id: NotificationId,
    pub dispute_id: DisputeId,
    pub kind: Kind,
    /// A few words beside the kind: a verdict, the beginning of a message.
    pub detail: String,
    pub created_at: Instant,
    pub read_at: Option<Instant>,
}

/// A row to be added.
#[derive(Insertable)]
#[diesel(table_name = notifications)]
struct NewNotification<'a> {
    id: NotificationId,
    user_id: UserId,
    dispute_id: DisputeId,
    kind: Kind,
    detail: &'a str,
    created_at: Instant,
}

/// Whom a change is told to; never the one who made it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Audience {
    /// Every manager with View.
    Managers,
    /// The buyer's users with Dispute Calls.
    Buyer(BuyerId),
}

/// Tells everybody concerned.
pub(super) fn tell(
    conn: &mut AnyConnection,
    audience: Audience,
    but: Option<UserId>,
    dispute: DisputeId,
    (kind, detail): (Kind, &str),
    now: Instant,
) -> QueryResult<()> {
    let people = users::table.select(users::id).filter(users::is_disabled.eq(false)).order(users::id);
    let people: Vec<UserId> = match audience {
        Audience::Managers => people.filter(users::disputes_view.eq(true)).load(conn)?,
        Audience::Buyer(buyer) => {
            people.filter(users::buyer_id.eq(buyer)).filter(users::dispute_calls.eq(true)).load(conn)?
        }
    };
    let rows: Vec<_> = people
        .into_iter()
        .filter(|user| Some(*user) != but)
        .map(|user_id| NewNotification {
            id: NotificationId::generate(),
            user_id,
            dispute_id: dispute,
            kind,
            detail,
            created_at: now,
        })
        .collect();
    on_backend!(conn, |conn| diesel::insert_into(notifications::table).values(&rows).execute(conn))?;
    Ok(())
}

/// A person's newest notifications.
pub fn list(conn: &mut AnyConnection, user: UserId, limit: i64) -> QueryResult<Vec<NotificationRow>> {
    notifications::table
        .filter(notifications::user_id.eq(user))
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .limit(limit)
        .select(NotificationRow::as_select())
        .load(conn)
}

/// A notification with what it is about.
#[derive(Clone, Debug)]
pub struct Told {
    pub row: NotificationRow,
    pub caller_id: String,
    pub buyer: String,
}

/// A person's newest notifications, of disputes they can still see.
pub fn told(conn: &mut AnyConnection, viewer: &DisputeViewer, limit: i64) -> QueryResult<Vec<Told>> {
    let rows = notifications::table
        .inner_join(disputes::table.inner_join(buyers::table))
        .filter(notifications::user_id.eq(viewer.viewer().user()))
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .limit(limit)
        .select((NotificationRow::as_select(), disputes::caller_id, buyers::name));
    let found: Vec<(NotificationRow, String, String)> = match viewer.scope().buyer() {
        Some(buyer) => rows.filter(disputes::buyer_id.eq(buyer)).load(conn)?,
        None => rows.load(conn)?,
    };
    Ok(found.into_iter().map(|(row, caller_id, buyer)| Told { row, caller_id, buyer }).collect())
}

/// How many a person hasn't read.
pub fn unread(conn: &mut AnyConnection, user: UserId) -> QueryResult<i64> {
    notifications::table
        .filter(notifications::user_id.eq(user))
        .filter(notifications::read_at.is_null())
        .count()
        .get_result(conn)
}

/// Marks one as read, or with `None` all of a person's.
pub fn mark_read(conn: &mut AnyConnection, user: UserId, one: Option<NotificationId>, now: Instant) -> QueryResult<()> {
    let unread = notifications::table.filter(notifications::user_id.eq(user)).filter(notifications::read_at.is_null());
    let set = notifications::read_at.eq(Some(now));
    match one {
        Some(id) => diesel::update(unread.filter(notifications::id.eq(id))).set(set).execute(conn)?,
        None => diesel::update(unread).set(set).execute(conn)?,
    };
    Ok(())
}
