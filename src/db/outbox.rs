//! Events for webhooks and e-mail, written in the transaction of the change they tell of.

use diesel::prelude::*;

use super::AnyConnection;
use super::schema::outbox;
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, DisputeId, EventId};

text_enum! {
    /// What happened, in the words of the API.
    Topic {
        Created = "dispute.created", "Dispute sent";
        Updated = "dispute.updated", "Dispute changed";
        Decided = "dispute.decided", "Dispute decided";
        Reopened = "dispute.reopened", "Dispute reopened";
        Withdrawn = "dispute.withdrawn", "Dispute withdrawn";
        Message = "message.created", "Message written";
    }
}

/// Keeps an event to be delivered. The payload names no publisher: it goes to buyers too.
pub(super) fn push(
    conn: &mut AnyConnection,
    topic: Topic,
    (dispute, buyer): (DisputeId, BuyerId),
    payload: &serde_json::Value,
    now: Instant,
) -> QueryResult<()> {
    diesel::insert_into(outbox::table)
        .values((
            outbox::id.eq(EventId::generate()),
            outbox::topic.eq(topic),
            outbox::dispute_id.eq(dispute),
            outbox::buyer_id.eq(buyer),
            outbox::payload.eq(payload.to_string()),
            outbox::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}
