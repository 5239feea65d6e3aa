//! Who hears of decisions: the buyer's people and the webhooks, looked up once for each buyer of a transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use diesel::prelude::*;
use serde_json::Value;

use super::AnyConnection;
use super::notifications::{self, Audience, Kind, Person};
use super::outbox::{self, Topic};
use crate::domain::Instant;
use crate::domain::decision::Verdict;
use crate::domain::ids::{BuyerId, DisputeId, EndpointId};

/// Those looked up so far.
#[derive(Debug, Default)]
pub(super) struct Hearers(HashMap<BuyerId, (Vec<Person>, Vec<EndpointId>)>);

impl Hearers {
    /// Tells everybody concerned that a dispute was decided.
    pub(super) fn tell(
        &mut self,
        conn: &mut AnyConnection,
        (dispute, buyer): (DisputeId, BuyerId),
        (verdict, payload): (Verdict, &Value),
        now: Instant,
    ) -> QueryResult<()> {
        let (people, receivers) = match self.0.entry(buyer) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let people = notifications::people(conn, Audience::Buyer(buyer))?;
                unknown.insert((people, outbox::receivers(conn, Topic::Decided, buyer)?))
            }
        };
        notifications::tell_people(conn, people, Some(dispute), (Kind::DisputeDecided, verdict.label()), now)?;
        outbox::push_to(conn, Topic::Decided, (dispute, buyer), payload, receivers, now)
    }
}
