//! Calls and disputes for tests: what isn't said is ordinary.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::auth::{DisputeCalls, Granted, Viewer};
use fairdial::clock::Clock;
use fairdial::db::sending::{self, Files, SendError};
use fairdial::db::{Db, DbError, schema};
use fairdial::domain::Instant;
use fairdial::domain::call::{CallStatus, HangupBy};
use fairdial::domain::claim::{Claim, Intent};
use fairdial::domain::ids::{BuyerId, CallId, DisputeId};

/// A call to be added. `ordinary` can be disputed.
#[derive(Clone, Debug)]
pub(crate) struct NewCall {
    pub(crate) buyer: BuyerId,
    pub(crate) external_id: String,
    pub(crate) started_at: Instant,
    pub(crate) caller_id: String,
    pub(crate) destination: String,
    pub(crate) destination_number: String,
    pub(crate) payout: Option<i64>,
    pub(crate) publisher_payout: Option<i64>,
    pub(crate) duration_s: Option<i32>,
    pub(crate) status: CallStatus,
    pub(crate) has_recording: bool,
}

impl NewCall {
    /// A converted call of yesterday that cost $42.00, of which the publisher gets $25.00.
    pub(crate) fn ordinary(buyer: &Viewer, now: Instant) -> Self {
        let id = CallId::generate();
        Self {
            buyer: buyer.scope().buyer().expect("a buyer's user"),
            external_id: format!("EXT-{id}"),
            started_at: now - Duration::days(1),
            caller_id: "+12145550164".to_owned(),
            destination: "Dallas intake".to_owned(),
            destination_number: "+12145550118".to_owned(),
            payout: Some(4200),
            publisher_payout: Some(2500),
            duration_s: Some(91),
            status: CallStatus::CompletedWithConversion,
            has_recording: false,
        }
    }

    /// Writes the row.
    pub(crate) fn add(&self, db: &Db) -> CallId {
        use schema::{calls as c, counters};
        let id = CallId::generate();
        let last7: String = fairdial::domain::phone::last7(&self.caller_id);
        let added = db.write_blocking::<_, DbError>(|conn| {
            diesel::insert_into(c::table)
                .values((
                    (
                        c::id.eq(id),
                        c::source.eq("ringba"),
                        c::external_id.eq(&self.external_id),
                        c::buyer_id.eq(self.buyer),
                    ),
                    (c::started_at.eq(self.started_at), c::caller_id.eq(&self.caller_id), c::caller_last7.eq(&last7)),
                    (c::dialed.eq("+18005550111"), c::destination_number.eq(&self.destination_number)),
                    (c::destination.eq(&self.destination), c::currency.eq("USD"), c::payout.eq(self.payout)),
                    (c::payout_sort.eq(self.payout.unwrap_or(-1)), c::publisher_payout.eq(self.publisher_payout)),
                    (c::duration_s.eq(self.duration_s), c::status.eq(self.status), c::hangup_by.eq(HangupBy::Caller)),
                    (c::hangup_cause.eq(""), c::is_duplicate.eq(false), c::recording_url.eq("")),
                    (c::has_recording.eq(self.has_recording), c::created_at.eq(self.started_at)),
                    c::updated_at.eq(self.started_at),
                ))
                .execute(conn)?;
            // In the lock order: a server may count at the same time.
            for key in [self.buyer.number(), 0] {
                diesel::update(counters::table.find(key)).set(counters::calls.eq(counters::calls + 1)).execute(conn)?;
            }
            Ok(())
        });
        added.expect("the call is added");
        id
    }
}

/// Files a dispute of a call, as the form does.
pub(crate) fn dispute(
    db: &Db,
    clock: &Clock,
    buyer: &Viewer,
    call: CallId,
    intent: Intent,
) -> Result<DisputeId, SendError> {
    let grant = Granted::<DisputeCalls>::check(buyer).expect("Dispute Calls is held");
    let claim = Claim::new("caller_hung_up", "The caller said nothing and hung up.", Vec::new());
    let files = Files { limit: 10, ..Files::default() };
    db.write_blocking(|conn| sending::create(conn, &grant, clock, call, (&claim, &files, intent)))
}
