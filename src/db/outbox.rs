//! Events for webhooks, written in the transaction of the change they tell of, with a delivery for each receiver that
//! wants them. Notifications are their own outbox for e-mail.

use diesel::prelude::*;
use serde_json::Value;

use super::AnyConnection;
use super::dialect::on_backend;
use super::schema::{outbox, webhook_deliveries, webhook_endpoints};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, DeliveryId, DisputeId, EndpointId, EventId};
use crate::domain::webhook::TRIED_FOR;

text_enum! {
    /// What happened, in the words of the API.
    Topic {
        Created = "dispute.created", "Dispute sent";
        Updated = "dispute.updated", "Dispute changed";
        Decided = "dispute.decided", "Dispute decided";
        Reopened = "dispute.reopened", "Dispute reopened";
        Withdrawn = "dispute.withdrawn", "Dispute withdrawn";
        Message = "message.created", "Message written";
        Test = "webhook.test", "Test";
    }
}

impl Topic {
    /// Those a receiver can choose.
    pub fn chosen() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|topic| *topic != Self::Test)
    }
}

/// An event that is written.
#[derive(Insertable)]
#[diesel(table_name = outbox)]
struct NewEvent {
    id: EventId,
    topic: Topic,
    dispute_id: Option<DisputeId>,
    buyer_id: Option<BuyerId>,
    payload: String,
    created_at: Instant,
}

/// An event on its way to a receiver.
#[derive(Insertable)]
#[diesel(table_name = webhook_deliveries)]
struct NewDelivery {
    id: DeliveryId,
    endpoint_id: EndpointId,
    event_id: EventId,
    dispute_id: Option<DisputeId>,
    next_at: Instant,
    give_up_at: Instant,
    created_at: Instant,
}

/// Keeps an event to be delivered, under the ids of its dispute and buyer. The payload names no publisher and nothing
/// else that is between managers: it goes to buyers too.
pub(super) fn push(
    conn: &mut AnyConnection,
    topic: Topic,
    (dispute, buyer): (DisputeId, BuyerId),
    payload: &Value,
    now: Instant,
) -> QueryResult<()> {
    let receivers = receivers(conn, topic, buyer)?;
    push_to(conn, topic, (dispute, buyer), payload, &receivers, now)
}

/// The webhooks that want to know of such events of a buyer's.
pub(super) fn receivers(conn: &mut AnyConnection, topic: Topic, buyer: BuyerId) -> QueryResult<Vec<EndpointId>> {
    let wanting: Vec<(EndpointId, String)> = webhook_endpoints::table
        .filter(webhook_endpoints::is_active.eq(true))
        .filter(webhook_endpoints::buyer_id.is_null().or(webhook_endpoints::buyer_id.eq(buyer)))
        .select((webhook_endpoints::id, webhook_endpoints::topics))
        .load(conn)?;
    let mark = format!(" {} ", topic.code());
    Ok(wanting.into_iter().filter(|(_, topics)| topics.contains(&mark)).map(|(id, _)| id).collect())
}

/// The same as [`push`], to receivers that are known.
pub(super) fn push_to(
    conn: &mut AnyConnection,
    topic: Topic,
    (dispute, buyer): (DisputeId, BuyerId),
    payload: &Value,
    receivers: &[EndpointId],
    now: Instant,
) -> QueryResult<()> {
    let mut payload = payload.clone();
    if let Some(data) = payload.as_object_mut() {
        data.insert("dispute_id".to_owned(), dispute.to_string().into());
        data.insert("buyer_id".to_owned(), buyer.to_string().into());
    }
    write(conn, topic, (Some(dispute), Some(buyer)), payload.to_string(), receivers, now)
}

/// Sends a receiver something that tells of nothing.
pub(super) fn push_test(conn: &mut AnyConnection, endpoint: EndpointId, now: Instant) -> QueryResult<()> {
    let payload = serde_json::json!({ "message": "This is a test." });
    write(conn, Topic::Test, (None, None), payload.to_string(), &[endpoint], now)
}

fn write(
    conn: &mut AnyConnection,
    topic: Topic,
    (dispute_id, buyer_id): (Option<DisputeId>, Option<BuyerId>),
    payload: String,
    receivers: &[EndpointId],
    now: Instant,
) -> QueryResult<()> {
    let event = NewEvent { id: EventId::generate(), topic, dispute_id, buyer_id, payload, created_at: now };
    diesel::insert_into(outbox::table).values(&event).execute(conn)?;
    if receivers.is_empty() {
        return Ok(());
    }
    let deliveries: Vec<NewDelivery> = receivers
        .iter()
        .map(|endpoint| NewDelivery {
            id: DeliveryId::generate(),
            endpoint_id: *endpoint,
            event_id: event.id,
            dispute_id,
            next_at: now,
            give_up_at: now + TRIED_FOR,
            created_at: now,
        })
        .collect();
    on_backend!(conn, |conn| diesel::insert_into(webhook_deliveries::table).values(&deliveries).execute(conn))?;
    Ok(())
}
