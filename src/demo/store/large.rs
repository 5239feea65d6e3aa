//! A large world's disputes, in bulk: rows as they would be, without files, messages and notifications.

use std::sync::mpsc;

use chrono::Duration;

use crate::db::bulk::{self, WholeDispute};
use crate::db::{Db, inspection};
use crate::demo::calls::DemoCall;
use crate::demo::disputes::DemoDispute;
use crate::demo::world::World;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, HangupBy};
use crate::domain::decision::{Decision, Verdict};
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::DisputeId;
use crate::domain::money;

use super::{Known, StoreError, add_calls, batches, refused};

/// Adds all calls and disputes on one connection, which nobody else needs yet: indexes come last, counters at the end.
pub(super) fn fill(
    db: &Db,
    world: &World,
    known: &mut Known,
    now: Instant,
    step: &impl Fn(u64),
) -> Result<(), StoreError> {
    db.read_blocking(|conn| {
        bulk::hurry(conn)?;
        let indexes = bulk::take_indexes_away(conn)?;
        let scale = world.scale();
        made_ahead(scale.calls, &|index| world.call(index), |calls| {
            let added = bulk::transaction(conn, |conn| add_calls(conn, world, known, &calls))?;
            known.calls.extend(&added);
            step(count(&calls));
            Ok(())
        })?;
        let told = |index| {
            let dispute = world.dispute(index);
            let call = world.call(dispute.call);
            (dispute, call)
        };
        made_ahead(scale.disputes, &told, |stories: Vec<(DemoDispute, DemoCall<'_>)>| {
            let rows = stories.iter().map(|(dispute, call)| row(known, dispute, call, now));
            let rows: Vec<WholeDispute<'_>> = rows.collect::<Result<_, _>>()?;
            bulk::transaction::<_, StoreError>(conn, |conn| Ok(bulk::add_disputes(conn, &rows)?))?;
            step(count(&rows));
            Ok(())
        })?;
        bulk::bring_indexes_back(conn, &indexes)?;
        bulk::transaction(conn, |conn| inspection::recount(conn).map(drop).map_err(StoreError::from))
    })
}

fn count<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

/// Makes batch after batch on a thread of its own while the one before is stored.
fn made_ahead<T: Send>(
    count: u64,
    make: &(impl Fn(u64) -> T + Sync),
    mut store: impl FnMut(Vec<T>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    std::thread::scope(|scope| {
        let (sender, made) = mpsc::sync_channel(2);
        scope.spawn(move || {
            for range in batches(count) {
                // An error ends the storing side, and there is nobody to make more for.
                if sender.send(range.map(make).collect::<Vec<T>>()).is_err() {
                    break;
                }
            }
        });
        made.into_iter().try_for_each(&mut store)
    })
}

fn row<'d>(
    known: &Known,
    dispute: &'d DemoDispute,
    call: &'d DemoCall<'_>,
    now: Instant,
) -> Result<WholeDispute<'d>, StoreError> {
    let status = Status::from_code(dispute.status).ok_or_else(|| refused(dispute.status))?;
    let author = known.user(dispute.created_by)?;
    let listed_at = dispute.submitted_at.unwrap_or(dispute.created_at);
    let decided = match &dispute.decision {
        Some(decision) => {
            let verdict = Verdict::from_code(decision.verdict).ok_or_else(|| refused(decision.verdict))?;
            let payout = call.payout.unwrap_or(0);
            let credit = (verdict == Verdict::AcceptedPartial)
                .then(|| money::percent_of(payout, decision.credit_percent.saturating_mul(100)));
            let amounts =
                Decision::new(verdict, credit, None, String::new(), payout, call.publisher_payout).map_err(refused)?;
            Some((amounts, known.user(decision.decided_by)?, decision.decided_at, decision.note.clone()))
        }
        None => None,
    };
    let changed_at = decided.as_ref().map(|(_, _, at, _)| *at).or(dispute.withdrawn_at).unwrap_or(listed_at);
    Ok(WholeDispute {
        id: DisputeId::generate(),
        call_id: known.call(dispute.call)?,
        buyer_id: *known.buyers.get(call.buyer).ok_or_else(|| refused("a call of no buyer"))?,
        status,
        status_rank: status.rank(),
        reason: dispute.reason,
        additional_information: dispute.additional_information.clone(),
        source: call.source,
        external_id: call.external_id.clone(),
        call_started_at: call.started_at,
        caller_id: call.caller_id.clone(),
        destination: call.destination,
        campaign_id: call.campaign.and_then(|at| known.campaigns.get(at).copied()),
        publisher_id: call.publisher.and_then(|at| known.publishers.get(at).copied()),
        currency: call.currency,
        payout: call.payout,
        payout_sort: call.payout.unwrap_or(-1),
        publisher_payout: call.publisher_payout,
        publisher_payout_sort: call.publisher_payout.unwrap_or(-1),
        duration_s: call.duration_s,
        duration_sort: call.duration_s.unwrap_or(-1),
        call_status: CallStatus::from_code(call.status).ok_or_else(|| refused("a call without a status"))?,
        hangup_by: HangupBy::from_code(call.hangup_by).unwrap_or(HangupBy::Unknown),
        hangup_cause: call.hangup_cause,
        has_recording: call.recording.is_some(),
        has_evidence: false,
        created_by: author,
        created_at: dispute.created_at,
        updated_at: changed_at.min(now),
        listed_at,
        submitted_by: dispute.submitted_at.map(|_| author),
        submitted_at: dispute.submitted_at,
        due_at: listed_at + Duration::days(10),
        credit: decided.as_ref().map(|(amounts, ..)| amounts.credit()),
        clawback: decided.as_ref().map(|(amounts, ..)| amounts.clawback()),
        decided_by: decided.as_ref().map(|(_, by, ..)| *by),
        decided_at: decided.as_ref().map(|(_, _, at, _)| *at),
        decision_note: decided.map(|(.., note)| note).unwrap_or_default(),
        last_speaker: Side::Buyer,
        version: 1,
        destination_number: call.destination_number,
    })
}
