//! What decisions write: the disputes, the money, the calls, and who hears of it; of one dispute or of many at once.

use std::collections::HashMap;
use std::collections::btree_map::{self, BTreeMap};

use diesel::prelude::*;
use serde_json::{Value, json};

use super::AnyConnection;
use super::adjustments::{self, AdjustmentRow};
use super::audit::{self, Entry};
use super::counters::{self, Counts};
use super::disputes::DisputeRow;
use super::notifications::{self, Audience, Kind, Person};
use super::outbox::{self, Event, Topic};
use super::schema::{calls, disputes as table};
use super::transitions::DecideError;
use crate::auth::{EditDisputes, Granted};
use crate::domain::Instant;
use crate::domain::call::DisputeState;
use crate::domain::decision::Decision;
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::{AdjustmentId, BuyerId, CallId, DisputeId, EndpointId, UserId};

/// A Pending dispute, the net credit of its call before, and what is decided.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) dispute: DisputeRow,
    pub(super) net_credit: i64,
    pub(super) decision: Decision,
}

impl Decided {
    /// The net credit of its call afterwards, which is never more than the payout.
    fn net_credit(&self) -> Result<i64, DecideError> {
        let credit = self.decision.credit();
        let net_credit = self.net_credit.saturating_add(credit);
        let is_over = credit > 0 && self.dispute.payout.is_none_or(|payout| net_credit > payout);
        if is_over { Err(DecideError::NetOutOfRange) } else { Ok(net_credit) }
    }

    fn adjustment(&self, by: UserId, now: Instant) -> Option<AdjustmentRow> {
        let (credit, clawback) = (self.decision.credit(), self.decision.clawback());
        (credit > 0 || clawback > 0).then(|| AdjustmentRow {
            id: AdjustmentId::generate(),
            call_id: self.dispute.call_id,
            dispute_id: self.dispute.id,
            kind: "decision".to_owned(),
            reverses_id: None,
            currency: self.dispute.currency.clone(),
            credit,
            clawback,
            created_by: by,
            created_at: now,
        })
    }

    /// What receivers are told: nothing of the publisher.
    fn payload(&self) -> Value {
        let verdict = self.decision.verdict();
        json!({ "status": verdict.status(), "verdict": verdict,
            "credit": { "amount": self.decision.credit(), "currency": self.dispute.currency } })
    }

    fn entry(&self) -> Entry {
        let (dispute, decision) = (&self.dispute, &self.decision);
        Entry::of_dispute("dispute.decided", dispute.id).was(json!({ "status": dispute.status })).now_is(json!({
            "status": decision.verdict().status(), "credit": decision.credit(), "clawback": decision.clawback(),
            "currency": dispute.currency, "note": decision.note() }))
    }
}

/// Writes all of these decisions, in the lock order: calls and disputes are locked already, the audit head comes last.
///
/// # Errors
/// If a call's credit would exceed its payout; the transaction is to be rolled back then.
pub(super) fn record(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    decided: &[Decided],
    now: Instant,
) -> Result<(), DecideError> {
    // Disputes that are decided alike are changed by one statement: it costs more to prepare than to run.
    let mut alike: HashMap<_, (Vec<DisputeId>, Vec<CallId>)> = HashMap::new();
    let mut changes = BTreeMap::<BuyerId, Counts>::new();
    for one in decided {
        // A call has one active dispute at most, and this one is Pending no more.
        let state = DisputeState::of(false, one.net_credit()?);
        let (disputes, calls) = alike.entry((&one.decision, state)).or_default();
        disputes.push(one.dispute.id);
        calls.push(one.dispute.call_id);
        *changes.entry(one.dispute.buyer_id).or_default() +=
            Counts::moved(Status::Pending, one.decision.verdict().status());
    }
    for ((decision, state), (disputes, calls)) in alike {
        write(conn, (grant.user(), now), decision, disputes)?;
        move_net(conn, decision, state, calls)?;
    }
    let adjustments: Vec<_> = decided.iter().filter_map(|one| one.adjustment(grant.user(), now)).collect();
    adjustments::insert_all(conn, &adjustments)?;
    tell(conn, decided, now)?;
    counters::add_all(conn, &changes)?;
    let entries: Vec<Entry> = decided.iter().map(Decided::entry).collect();
    Ok(audit::append_all(conn, &grant.actor(), now, &entries)?)
}

fn write(
    conn: &mut AnyConnection,
    (by, now): (UserId, Instant),
    decision: &Decision,
    disputes: Vec<DisputeId>,
) -> QueryResult<()> {
    let status = decision.verdict().status();
    diesel::update(table::table.filter(table::id.eq_any(disputes)))
        .set((
            (table::status.eq(status), table::status_rank.eq(status.rank())),
            (table::credit.eq(decision.credit()), table::clawback.eq(decision.clawback())),
            table::decision_note.eq(decision.note()),
            (table::decided_by.eq(by), table::decided_at.eq(now)),
            table::last_speaker.eq(Side::Platform),
            (table::version.eq(table::version + 1), table::updated_at.eq(now)),
        ))
        .execute(conn)
        .map(drop)
}

/// Moves the net amounts of calls by what was decided about their disputes.
fn move_net(conn: &mut AnyConnection, decision: &Decision, state: DisputeState, of: Vec<CallId>) -> QueryResult<()> {
    diesel::update(calls::table.filter(calls::id.eq_any(of)))
        .set((
            calls::net_credit.eq(calls::net_credit + decision.credit()),
            calls::net_clawback.eq(calls::net_clawback + decision.clawback()),
            calls::dispute_state.eq(state),
        ))
        .execute(conn)
        .map(drop)
}

/// Tells the people and the webhooks of each buyer, looked up once.
fn tell(conn: &mut AnyConnection, decided: &[Decided], now: Instant) -> QueryResult<()> {
    let mut hearers: BTreeMap<BuyerId, (Vec<Person>, Vec<EndpointId>)> = BTreeMap::new();
    for one in decided {
        let buyer = one.dispute.buyer_id;
        if let btree_map::Entry::Vacant(unknown) = hearers.entry(buyer) {
            let people = notifications::people(conn, Audience::Buyer(buyer))?;
            unknown.insert((people, outbox::receivers(conn, Topic::Decided, buyer)?));
        }
    }
    let told = || decided.iter().filter_map(|one| Some((one, hearers.get(&one.dispute.buyer_id)?)));
    let people = told().flat_map(|(one, (people, _))| {
        let about = (Some(one.dispute.id), Kind::DisputeDecided, one.decision.verdict().label());
        people.iter().map(move |person| (*person, about))
    });
    notifications::tell_people(conn, people, now)?;
    let events = told().map(|(one, (_, receivers))| {
        Event::of_dispute(Topic::Decided, (one.dispute.id, one.dispute.buyer_id), one.payload(), receivers)
    });
    outbox::push_all(conn, events, now)
}
