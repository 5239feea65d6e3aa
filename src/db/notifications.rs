//! What people are told: a list, and how many are unread.

use diesel::prelude::*;

use super::dialect::insert_all;
use super::schema::{buyers, disputes, notifications, users};
use super::subquery::CountOf;
use super::{AnyConnection, mail};
use crate::auth::Viewer;
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
        WebhookOff = "webhook_off", "A webhook was switched off";
    }
}

/// A notification's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notifications)]
pub struct NotificationRow {
    pub id: NotificationId,
    /// `None`: it tells of no dispute.
    pub dispute_id: Option<DisputeId>,
    pub kind: Kind,
    /// A few words beside the kind: a verdict, the beginning of a message, an address.
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
    dispute_id: Option<DisputeId>,
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
    let mut people = people(conn, audience)?;
    people.retain(|(user, _)| Some(*user) != but);
    tell_people(conn, people.into_iter().map(|person| (person, (Some(dispute), kind, detail))), now)
}

/// Somebody to be told, and whether by mail too.
pub(super) type Person = (UserId, bool);

/// Who belongs to an audience now.
pub(super) fn people(conn: &mut AnyConnection, audience: Audience) -> QueryResult<Vec<Person>> {
    let people = users::table
        .select((users::id, users::mail_notifications))
        .filter(users::is_disabled.eq(false))
        .order(users::id);
    match audience {
        Audience::Managers => people.filter(users::disputes_view.eq(true)).load(conn),
        Audience::Buyer(buyer) => {
            people.filter(users::buyer_id.eq(buyer)).filter(users::dispute_calls.eq(true)).load(conn)
        }
    }
}

/// Tells every manager with Settings of something that is about no dispute.
pub(super) fn tell_settings(conn: &mut AnyConnection, (kind, detail): (Kind, &str), now: Instant) -> QueryResult<()> {
    let people: Vec<Person> = users::table
        .filter(users::is_disabled.eq(false))
        .filter(users::settings.eq(true))
        .select((users::id, users::mail_notifications))
        .order(users::id)
        .load(conn)?;
    tell_people(conn, people.into_iter().map(|person| (person, (None, kind, detail))), now)
}

/// What somebody is told: of which dispute, what happened, and a few words more.
pub(super) type About<'a> = (Option<DisputeId>, Kind, &'a str);

/// Tells these people.
pub(super) fn tell_people<'a>(
    conn: &mut AnyConnection,
    told: impl Iterator<Item = (Person, About<'a>)>,
    now: Instant,
) -> QueryResult<()> {
    let rows: Vec<_> = told
        .map(|((user_id, by_mail), (dispute_id, kind, detail))| NewNotification {
            id: NotificationId::generate(),
            user_id,
            dispute_id,
            kind,
            detail,
            created_at: now,
            mail_due_at: by_mail.then(|| now + mail::DELAY),
        })
        .collect();
    insert_all!(conn, notifications::table, rows.as_slice());
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

/// A notification with what it is about; caller and buyer are empty where that is no dispute.
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
            Kind::WebhookOff => "A webhook was switched off".to_owned(),
        }
    }

    /// A few words more, where this side may read them.
    #[must_use]
    pub fn detail(&self, is_manager: bool) -> &str {
        match self.row.kind {
            Kind::MessageWritten | Kind::WebhookOff => &self.row.detail,
            // Why a manager reopened it is between managers.
            Kind::DisputeReopened if is_manager => &self.row.detail,
            _ => "",
        }
    }
}

/// A person's newest notifications: of disputes those they can still see; with `leased` those of one letter.
pub fn told(conn: &mut AnyConnection, viewer: &Viewer, leased: Option<Instant>, limit: i64) -> QueryResult<Vec<Told>> {
    let mut rows = notifications::table
        .left_join(disputes::table.inner_join(buyers::table))
        .filter(notifications::user_id.eq(viewer.user()))
        .order((notifications::created_at.desc(), notifications::id.desc()))
        .limit(limit)
        .select((NotificationRow::as_select(), disputes::caller_id.nullable(), buyers::name.nullable()))
        .into_boxed();
    rows = match viewer.dispute_viewer().map(|viewer| viewer.scope().buyer()) {
        Some(Some(buyer)) => rows.filter(disputes::buyer_id.eq(buyer)),
        Some(None) => rows,
        None => rows.filter(notifications::dispute_id.is_null()),
    };
    if let Some(leased) = leased {
        rows = rows.filter(notifications::mail_due_at.eq(leased));
    }
    let found: Vec<(NotificationRow, Option<String>, Option<String>)> = rows.load(conn)?;
    let told = |(row, caller_id, buyer): (_, Option<String>, Option<String>)| Told {
        row,
        caller_id: caller_id.unwrap_or_default(),
        buyer: buyer.unwrap_or_default(),
    };
    Ok(found.into_iter().map(told).collect())
}

/// So many are counted; beyond that nobody looks at the number.
pub const COUNTED: i64 = 100;

/// How many a person hasn't read of what they may see, at most [`COUNTED`].
pub fn unread(conn: &mut AnyConnection, viewer: &Viewer) -> QueryResult<i64> {
    let mut rows = notifications::table
        .filter(notifications::user_id.eq(viewer.user()))
        .filter(notifications::read_at.is_null())
        .limit(COUNTED)
        .select(notifications::id)
        .into_boxed();
    if viewer.dispute_viewer().is_none() {
        rows = rows.filter(notifications::dispute_id.is_null());
    }
    CountOf(rows).get_result(conn)
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
