//! Receivers of events: who they are, what they want, and what they were sent.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use diesel::prelude::*;
use rand::RngCore;
use serde_json::{Value, json};

use super::audit::{self, Entry};
use super::outbox::{self, Topic};
use super::schema::{buyers, outbox as events, webhook_attempts, webhook_deliveries, webhook_endpoints as table};
use super::{AnyConnection, DbError, database_failure};
use crate::auth::{Granted, ManageSettings};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, DeliveryId, DisputeId, EndpointId, EventId};
use crate::domain::webhook::{OVERLAP, TRIED_FOR};

/// What every secret begins with (Standard Webhooks).
pub const MARK: &str = "whsec_";

/// The most receivers there can be: each change of a dispute looks through them.
const MOST: i64 = 50;

/// A receiver.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct EndpointRow {
    pub id: EndpointId,
    pub url: String,
    /// Whose disputes it is told of; `None`: everybody's.
    pub buyer_id: Option<BuyerId>,
    topics: String,
    pub secret: String,
    pub old_secret: Option<String>,
    pub old_secret_until: Option<Instant>,
    pub is_active: bool,
    pub off_reason: String,
    pub failures: i32,
    pub failing_since: Option<Instant>,
}

impl EndpointRow {
    /// What it wants to be told.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        self.topics.split_whitespace().filter_map(Topic::from_code).collect()
    }

    /// What signs at this moment: its secret, and for a day the one before.
    #[must_use]
    pub fn secrets(&self, now: Instant) -> Vec<&str> {
        let old = self.old_secret.as_deref().filter(|_| self.old_secret_until.is_some_and(|until| until > now));
        std::iter::once(self.secret.as_str()).chain(old).collect()
    }

    /// What the audit log keeps of it: all but its secrets.
    fn values(&self) -> Value {
        json!({ "url": self.url, "buyer": self.buyer_id, "topics": self.topics.trim(), "is_active": self.is_active })
    }
}

/// What a manager wants a receiver to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub url: String,
    pub topics: Vec<Topic>,
}

impl Wanted {
    fn topics(&self) -> String {
        format!(" {} ", self.topics.iter().map(|topic| topic.code()).collect::<Vec<_>>().join(" "))
    }
}

/// Why a receiver can't be had.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("Remove a webhook first: there can be 50")]
    TooMany,
    #[error("This buyer isn\u{2019}t there any more")]
    BuyerMissing,
    #[error(transparent)]
    Database(DbError),
}

database_failure!(WebhookError);

/// 256 random bits behind the mark.
fn new_secret() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{MARK}{}", BASE64_STANDARD.encode(bytes))
}

/// All receivers with their buyers' names, oldest first.
pub fn list(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
) -> QueryResult<Vec<(EndpointRow, Option<String>)>> {
    table::table
        .left_join(buyers::table)
        .order(table::id)
        .select((EndpointRow::as_select(), buyers::name.nullable()))
        .load(conn)
}

/// One receiver.
pub fn find(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    id: EndpointId,
) -> QueryResult<Option<EndpointRow>> {
    row(conn, id)
}

pub(super) fn row(conn: &mut AnyConnection, id: EndpointId) -> QueryResult<Option<EndpointRow>> {
    table::table.find(id).select(EndpointRow::as_select()).first(conn).optional()
}

/// Adds a receiver, of the platform or of one buyer. Its secret is shown now, and never again.
///
/// # Errors
/// If there are too many, or no such buyer.
pub fn add(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    (buyer, wanted): (Option<BuyerId>, &Wanted),
    now: Instant,
) -> Result<(EndpointId, String), WebhookError> {
    if table::table.count().get_result::<i64>(conn)? >= MOST {
        return Err(WebhookError::TooMany);
    }
    if let Some(buyer) = buyer
        && buyers::table.find(buyer).select(buyers::id).first::<BuyerId>(conn).optional()?.is_none()
    {
        return Err(WebhookError::BuyerMissing);
    }
    let (id, secret) = (EndpointId::generate(), new_secret());
    diesel::insert_into(table::table)
        .values((
            (table::id.eq(id), table::url.eq(&wanted.url), table::buyer_id.eq(buyer)),
            (table::topics.eq(wanted.topics()), table::secret.eq(&secret)),
            (table::rests_until.eq(now), table::created_at.eq(now)),
        ))
        .execute(conn)?;
    let values = json!({ "url": wanted.url, "buyer": buyer, "topics": wanted.topics().trim(), "is_active": true });
    audit::append(conn, &grant.actor(), now, &Entry::new("webhook.added", "webhook", &id).now_is(values))?;
    Ok((id, secret))
}

/// What can be done with a receiver that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Become(Wanted),
    /// Another secret; the one before signs too for a day.
    Rotate,
    SwitchOn,
    /// What it was to be sent is given up.
    SwitchOff,
    Remove,
    /// Sends it something that tells of nothing.
    Test,
}

/// Changes a receiver; gives its new secret where it got one, `None` if there is no such receiver.
pub fn change(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: EndpointId,
    change: &Change,
    now: Instant,
) -> QueryResult<Option<Option<String>>> {
    let Some(before) = row(conn, id)? else { return Ok(None) };
    let own = table::table.find(id);
    let mut secret = None;
    let action = match change {
        Change::Become(wanted) => {
            diesel::update(own).set((table::url.eq(&wanted.url), table::topics.eq(wanted.topics()))).execute(conn)?;
            "webhook.changed"
        }
        Change::Rotate => {
            let new = new_secret();
            let until = now + OVERLAP;
            diesel::update(own)
                .set((
                    table::secret.eq(&new),
                    table::old_secret.eq(&before.secret),
                    table::old_secret_until.eq(Some(until)),
                ))
                .execute(conn)?;
            secret = Some(new);
            "webhook.secret_rotated"
        }
        Change::SwitchOn => {
            diesel::update(own)
                .set((
                    (table::is_active.eq(true), table::off_reason.eq(""), table::rests_until.eq(now)),
                    (table::failures.eq(0), table::failing_since.eq(None::<Instant>)),
                ))
                .execute(conn)?;
            "webhook.switched_on"
        }
        Change::SwitchOff => {
            switch_off(conn, id, "")?;
            "webhook.switched_off"
        }
        Change::Remove => {
            diesel::delete(own).execute(conn)?;
            "webhook.removed"
        }
        Change::Test => {
            outbox::push_test(conn, id, now)?;
            "webhook.tested"
        }
    };
    let after = row(conn, id)?.map_or(Value::Null, |row| row.values());
    let entry = Entry::new(action, "webhook", &id).was(before.values()).now_is(after);
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(Some(secret))
}

/// Sends no more, and gives up what was waiting.
pub(super) fn switch_off(conn: &mut AnyConnection, id: EndpointId, reason: &str) -> QueryResult<()> {
    diesel::update(table::table.find(id))
        .set((table::is_active.eq(false), table::off_reason.eq(reason)))
        .execute(conn)?;
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint_id.eq(id))
        .filter(webhook_deliveries::next_at.is_not_null());
    diesel::update(waiting).set(webhook_deliveries::next_at.eq(None::<Instant>)).execute(conn)?;
    Ok(())
}

/// What became of an event for a receiver.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = webhook_deliveries)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub event_id: EventId,
    pub dispute_id: Option<DisputeId>,
    /// When it is tried next; `None`: delivered, or given up.
    pub next_at: Option<Instant>,
    pub is_delivered: bool,
}

/// One attempt to deliver.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = webhook_attempts)]
pub struct AttemptRow {
    pub delivery_id: DeliveryId,
    pub at: Instant,
    pub milliseconds: i32,
    pub signature: String,
    /// `None`: there was no answer, and `answer` says why.
    pub status: Option<i32>,
    /// The beginning of the answer.
    pub answer: String,
}

/// An event in the words that were sent.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct EventRow {
    pub id: EventId,
    pub topic: Topic,
    payload: String,
    pub created_at: Instant,
}

impl EventRow {
    /// The body, the same at every attempt.
    #[must_use]
    pub fn body(&self) -> String {
        // The payload was written as JSON.
        let data: Value = serde_json::from_str(&self.payload).unwrap_or_default();
        let at = self.created_at.and_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        json!({ "type": self.topic, "timestamp": at, "data": data }).to_string()
    }
}

/// A line of a receiver's log.
#[derive(Clone, Debug)]
pub struct Logged {
    pub delivery: DeliveryRow,
    pub event: EventRow,
    /// Oldest first.
    pub attempts: Vec<AttemptRow>,
}

/// What a receiver was sent, newest first; `before`: what comes after this line.
pub fn log(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    id: EndpointId,
    (before, limit): (Option<EventId>, i64),
) -> QueryResult<Vec<Logged>> {
    let mut rows = webhook_deliveries::table
        .inner_join(events::table)
        .filter(webhook_deliveries::endpoint_id.eq(id))
        .order(webhook_deliveries::event_id.desc())
        .limit(limit)
        .select((DeliveryRow::as_select(), EventRow::as_select()))
        .into_boxed();
    if let Some(before) = before {
        rows = rows.filter(webhook_deliveries::event_id.lt(before));
    }
    let rows: Vec<(DeliveryRow, EventRow)> = rows.load(conn)?;
    let ids: Vec<DeliveryId> = rows.iter().map(|(delivery, _)| delivery.id).collect();
    let attempts: Vec<AttemptRow> = webhook_attempts::table
        .filter(webhook_attempts::delivery_id.eq_any(ids))
        .order((webhook_attempts::delivery_id, webhook_attempts::number))
        .select(AttemptRow::as_select())
        .load(conn)?;
    let of = |id: DeliveryId| attempts.iter().filter(|attempt| attempt.delivery_id == id).cloned().collect();
    Ok(rows.into_iter().map(|(delivery, event)| Logged { attempts: of(delivery.id), delivery, event }).collect())
}

/// Sends an event again, whatever became of it, from now on for a day; whether the receiver is there and on.
pub fn resend(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    (id, delivery): (EndpointId, DeliveryId),
    now: Instant,
) -> QueryResult<bool> {
    if !row(conn, id)?.is_some_and(|row| row.is_active) {
        return Ok(false);
    }
    let own = webhook_deliveries::table.find(delivery).filter(webhook_deliveries::endpoint_id.eq(id));
    let changed = diesel::update(own)
        .set((
            (webhook_deliveries::next_at.eq(Some(now)), webhook_deliveries::give_up_at.eq(now + TRIED_FOR)),
            (webhook_deliveries::is_delivered.eq(false), webhook_deliveries::tries.eq(0)),
        ))
        .execute(conn)?;
    if changed == 0 {
        return Ok(false);
    }
    let entry = Entry::new("webhook.sent_again", "webhook", &id).now_is(json!({ "delivery": delivery }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(true)
}
