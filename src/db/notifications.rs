//! What people are told: a list, and how many are unread.

use diesel::prelude::*;

use super::dialect::on_backend;
use super::schema::{buyers, disputes, notifications, users};
use super::{AnyConnection, mail};
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
    mail_due_at: Option<Instant>,
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
    let people = users::table
        .select((users::id, users::mail_notifications))
        .filter(users::is_disabled.eq(false))
        .order(users::id);
    let people: Vec<(UserId, bool)> = match audience {
        Audience::Managers => people.filter(users::disputes_view.eq(true)).load(conn)?,
        Audience::Buyer(buyer) => {
            people.filter(users::buyer_id.eq(buyer)).filter(users::dispute_calls.eq(true)).load(conn)?
        }
    };
    let rows: Vec<_> = people
        .into_iter()
        .filter(|(user, _)| Some(*user) != but)
        .map(|(user_id, by_mail)| NewNotification {
            id: NotificationId::generate(),
            user_id,
            dispute_id: dispute,
            kind,
            detail,
            created_at: now,
            mail_due_at: by_mail.then(|| now + mail::DELAY),
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

impl Told {
    /// What happened, in a sentence for one side; buyers know the other one as the platform.
    #[must_use]
    pub fn sentence(&self, is_manager: bool, platform: &str) -> String {
        let other_side = if is_manager { self.buyer.as_str() } else { platform };
        match self.row.kind {
            Kind::DisputeSent => format!("{other_side} sent a dispute"),
            Kind::DisputeWithdrawn => format!("{other_side} withdrew its dispute"),
            Kind::DisputeDecided => format!("{other_side} decided your dispute: {}", self.row.detail),
            Kind::DisputeReopened => format!("{other_side} made the dispute Pending again"),
            Kind::MessageWritten => format!("{other_side} wrote a message"),
            Kind::EvidenceAdded => format!("{other_side} added evidence"),
        }
    }

    /// A few words more, where this side may read them.
    #[must_use]
    pub fn detail(&self, is_manager: bool) -> &str {
        match self.row.kind {
            Kind::MessageWritten => &self.row.detail,
            // Why a manager reopened it is between managers.
            Kind::DisputeReopened if is_manager => &self.row.detail,
            _ => "",
        }
    }
}

/// A person's newest notifications, of disputes they can still see; with `leased` those of one letter.
pub fn told(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    leased: Option<Instant>,
    limit: i64,
) -> QueryResult<Vec<Told>> {
    let mut rows = notifications::table
        .inner_join(disputes::table.inner_join(buyers::table))
        .filter(notifications::user_id.eq(viewer.viewer().user()))
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .limit(limit)
        .select((NotificationRow::as_select(), disputes::caller_id, buyers::name))
        .into_boxed();
    if let Some(buyer) = viewer.scope().buyer() {
        rows = rows.filter(disputes::buyer_id.eq(buyer));
    }
    if let Some(leased) = leased {
        rows = rows.filter(notifications::mail_due_at.eq(leased));
    }
    let found: Vec<(NotificationRow, String, String)> = rows.load(conn)?;
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
