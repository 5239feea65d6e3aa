//! Events on their way to receivers.
//!
//! A receiver belongs to one process while it is at work on it, so that each dispute's
//! events come in order; a process that is gone loses it after [`LEASE`], and what it had not settled is sent again.

use chrono::Duration;
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::audit::{self, Entry};
use super::notifications::{self, Kind};
use super::schema::{outbox, webhook_attempts, webhook_deliveries as table, webhook_endpoints as endpoints};
use super::webhooks::{self, EndpointRow, EventRow};
use super::{AnyConnection, DbError};
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::ids::{DeliveryId, EndpointId, EventId};
use crate::domain::webhook::{PATIENCE, pause, rest};

/// So long a receiver belongs to the process that took it up: longer than a batch can last.
pub const LEASE: Duration = Duration::seconds(30);

/// So many events are taken up at once.
pub const BATCH: i64 = 8;

/// Events and what became of them are kept so long.
const KEPT: Duration = Duration::days(30);

/// So many are forgotten in one sweep.
const FORGOTTEN_AT_ONCE: i64 = 20_000;

/// What is to be sent to a receiver now: of each dispute the earliest event.
#[derive(Clone)]
pub struct Work {
    pub endpoint: EndpointRow,
    pub events: Vec<(DeliveryId, EventRow)>,
}

/// What came of one attempt.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When it was begun: the time that is signed.
    pub at: Instant,
    pub milliseconds: i32,
    pub signature: String,
    /// `None`: there was no answer, and `answer` says why.
    pub status: Option<u16>,
    pub answer: String,
}

impl Outcome {
    /// Any 2xx says that the event arrived.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// 410 says that nobody wants events there any more.
    fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// Receivers for which something is due, and which don't rest.
pub fn due(conn: &mut AnyConnection, now: Instant) -> QueryResult<Vec<EndpointId>> {
    let is_due = table::table.filter(table::endpoint_id.eq(endpoints::id)).filter(table::next_at.le(now));
    endpoints::table
        .filter(endpoints::is_active.eq(true))
        .filter(endpoints::rests_until.le(now))
        .filter(exists(is_due))
        .select(endpoints::id)
        .load(conn)
}

/// Takes up a receiver, with what is due for it; `None` where another process has it, or it has nothing to do.
pub fn claim(conn: &mut AnyConnection, id: EndpointId, now: Instant) -> QueryResult<Option<Work>> {
    let free = endpoints::table.find(id).filter(endpoints::is_active.eq(true)).filter(endpoints::rests_until.le(now));
    if diesel::update(free).set(endpoints::rests_until.eq(now + LEASE)).execute(conn)? == 0 {
        return Ok(None);
    }
    take(conn, id, now)
}

/// What is due next for a receiver that is taken up.
pub fn take(conn: &mut AnyConnection, id: EndpointId, now: Instant) -> QueryResult<Option<Work>> {
    let earlier = diesel::alias!(table as earlier);
    let waits = earlier
        .filter(earlier.field(table::endpoint_id).eq(id))
        .filter(earlier.field(table::dispute_id).eq(table::dispute_id))
        .filter(earlier.field(table::next_at).is_not_null())
        .filter(earlier.field(table::event_id).lt(table::event_id));
    let events: Vec<(DeliveryId, EventRow)> = table::table
        .inner_join(outbox::table)
        .filter(table::endpoint_id.eq(id))
        .filter(table::next_at.le(now))
        .filter(not(exists(waits)))
        .order((table::next_at, table::event_id))
        .limit(BATCH)
        .select((table::id, EventRow::as_select()))
        .load(conn)?;
    let endpoint = webhooks::row(conn, id)?.filter(|endpoint| endpoint.is_active);
    let Some(endpoint) = endpoint.filter(|_| !events.is_empty()) else {
        release(conn, id, now)?;
        return Ok(None);
    };
    diesel::update(endpoints::table.find(id)).set(endpoints::rests_until.eq(now + LEASE)).execute(conn)?;
    Ok(Some(Work { endpoint, events }))
}

/// Gives a receiver back; after failures in a row it rests.
pub fn release(conn: &mut AnyConnection, id: EndpointId, now: Instant) -> QueryResult<()> {
    let failures: Option<i32> = endpoints::table.find(id).select(endpoints::failures).first(conn).optional()?;
    let rests_until = match failures {
        Some(failures) if failures > 0 => now + rest(failures),
        _ => now,
    };
    diesel::update(endpoints::table.find(id)).set(endpoints::rests_until.eq(rests_until)).execute(conn)?;
    Ok(())
}

/// Keeps what came of an attempt. A receiver that is gone, or failed at everything for days, is switched off, and the
/// managers with Settings are told. `chance` in 0 to 1,000 varies the pause.
pub fn settle(
    conn: &mut AnyConnection,
    (id, delivery): (EndpointId, DeliveryId),
    outcome: &Outcome,
    chance: i64,
) -> Result<(), DbError> {
    let now = outcome.at + Duration::milliseconds(i64::from(outcome.milliseconds));
    let own = table::table.find(delivery);
    let found: Option<(i32, Instant, Option<Instant>)> =
        own.select((table::tries, table::give_up_at, table::next_at)).first(conn).optional()?;
    // Removed meanwhile, with its log.
    let Some((tries, give_up_at, waiting)) = found else { return Ok(()) };
    let number: i64 =
        webhook_attempts::table.filter(webhook_attempts::delivery_id.eq(delivery)).count().get_result(conn)?;
    diesel::insert_into(webhook_attempts::table)
        .values((
            webhook_attempts::delivery_id.eq(delivery),
            webhook_attempts::number.eq(i32::try_from(number.saturating_add(1)).unwrap_or(i32::MAX)),
            (webhook_attempts::at.eq(outcome.at), webhook_attempts::milliseconds.eq(outcome.milliseconds)),
            webhook_attempts::signature.eq(&outcome.signature),
            (webhook_attempts::status.eq(outcome.status.map(i32::from)), webhook_attempts::answer.eq(&outcome.answer)),
        ))
        .execute(conn)?;
    let tries = tries.saturating_add(1);
    let endpoint = endpoints::table.find(id);
    if outcome.is_delivered() {
        diesel::update(own)
            .set((table::tries.eq(tries), table::is_delivered.eq(true), table::next_at.eq(None::<Instant>)))
            .execute(conn)?;
        diesel::update(endpoint)
            .set((endpoints::failures.eq(0), endpoints::failing_since.eq(None::<Instant>)))
            .execute(conn)?;
        return Ok(());
    }
    // Switched off meanwhile: it stays given up.
    let next_at = waiting.and((now < give_up_at).then(|| give_up_at.min(now + pause(tries, chance))));
    diesel::update(own).set((table::tries.eq(tries), table::next_at.eq(next_at))).execute(conn)?;
    let before: Option<(i32, Option<Instant>, bool)> = endpoint
        .select((endpoints::failures, endpoints::failing_since, endpoints::is_active))
        .first(conn)
        .optional()?;
    let Some((failures, since, is_active)) = before else { return Ok(()) };
    let since = since.unwrap_or(now);
    diesel::update(endpoint)
        .set((endpoints::failures.eq(failures.saturating_add(1)), endpoints::failing_since.eq(Some(since))))
        .execute(conn)?;
    if is_active && (outcome.is_gone() || now - since >= PATIENCE) {
        let reason =
            if outcome.is_gone() { "It answered 410 Gone." } else { "Nothing could be delivered for three days." };
        switch_off(conn, id, reason, now)?;
    }
    Ok(())
}

fn switch_off(conn: &mut AnyConnection, id: EndpointId, reason: &str, now: Instant) -> Result<(), DbError> {
    webhooks::switch_off(conn, id, reason)?;
    let url: String = endpoints::table.find(id).select(endpoints::url).first(conn)?;
    notifications::tell_settings(conn, (Kind::WebhookOff, &url), now)?;
    let entry = Entry::new("webhook.switched_off", "webhook", &id)
        .was(serde_json::json!({ "url": url, "is_active": true }))
        .now_is(serde_json::json!({ "url": url, "is_active": false, "reason": reason }));
    audit::append(conn, &Actor::system(), now, &entry)?;
    Ok(())
}

/// Forgets events of long ago that nobody waits for, with what became of them.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    let waits = table::table.filter(table::event_id.eq(outbox::id)).filter(table::next_at.is_not_null());
    let old: Vec<EventId> = outbox::table
        .filter(outbox::created_at.lt(now - KEPT))
        .filter(not(exists(waits)))
        .order(outbox::created_at)
        .limit(FORGOTTEN_AT_ONCE)
        .select(outbox::id)
        .load(conn)?;
    for some in old.chunks(500) {
        diesel::delete(table::table.filter(table::event_id.eq_any(some.to_vec()))).execute(conn)?;
        diesel::delete(outbox::table.filter(outbox::id.eq_any(some.to_vec()))).execute(conn)?;
    }
    Ok(old.len())
}
