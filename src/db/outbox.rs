//! Events for webhooks, written in the transaction of the change they tell of, with a delivery for each receiver that
//! wants them. Notifications are their own outbox for e-mail.

use diesel::prelude::*;
use serde_json::Value;

use super::AnyConnection;
use super::dialect::insert_all;
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

/// What happened, and who wants to know.
pub(super) struct Event<'a> {
    topic: Topic,
    dispute: Option<DisputeId>,
    buyer: Option<BuyerId>,
    payload: Value,
    receivers: &'a [EndpointId],
}

impl<'a> Event<'a> {
    /// An event of a dispute. The payload gets the ids of it and its buyer; it names no publisher and nothing else that is
    /// between managers: it goes to buyers too.
    pub(super) fn of_dispute(
        topic: Topic,
        (dispute, buyer): (DisputeId, BuyerId),
        mut payload: Value,
        receivers: &'a [EndpointId],
    ) -> Self {
        if let Some(data) = payload.as_object_mut() {
            data.insert("dispute_id".to_owned(), dispute.to_string().into());
            data.insert("buyer_id".to_owned(), buyer.to_string().into());
        }
        Self { topic, dispute: Some(dispute), buyer: Some(buyer), payload, receivers }
    }
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

/// Keeps an event of a dispute, to be delivered to whoever wants it now.
pub(super) fn push(
    conn: &mut AnyConnection,
    topic: Topic,
    of: (DisputeId, BuyerId),
    payload: &Value,
    now: Instant,
) -> QueryResult<()> {
    let receivers = receivers(conn, topic, of.1)?;
    push_all(conn, std::iter::once(Event::of_dispute(topic, of, payload.clone(), &receivers)), now)
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

/// Sends a receiver something that tells of nothing.
pub(super) fn push_test(conn: &mut AnyConnection, endpoint: EndpointId, now: Instant) -> QueryResult<()> {
    let payload = serde_json::json!({ "message": "This is a test." });
    let event = Event { topic: Topic::Test, dispute: None, buyer: None, payload, receivers: &[endpoint] };
    push_all(conn, std::iter::once(event), now)
}

/// Keeps events to be delivered.
pub(super) fn push_all<'a>(
    conn: &mut AnyConnection,
    told: impl Iterator<Item = Event<'a>>,
    now: Instant,
) -> QueryResult<()> {
    let (mut events, mut deliveries) = (Vec::new(), Vec::new());
    for Event { topic, dispute: dispute_id, buyer: buyer_id, payload, receivers } in told {
        let id = EventId::generate();
        events.push(NewEvent { id, topic, dispute_id, buyer_id, payload: payload.to_string(), created_at: now });
        deliveries.extend(receivers.iter().map(|endpoint| NewDelivery {
            id: DeliveryId::generate(),
            endpoint_id: *endpoint,
            event_id: id,
            dispute_id,
            next_at: now,
            give_up_at: now + TRIED_FOR,
            created_at: now,
        }));
    }
    insert_all!(conn, outbox::table, events.as_slice());
    insert_all!(conn, webhook_deliveries::table, deliveries.as_slice());
    Ok(())
}
