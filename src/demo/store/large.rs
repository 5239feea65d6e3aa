//! A large world's disputes, in bulk: rows as they would be, without files, messages and notifications.

use chrono::Duration;

use crate::db::bulk::{self, WholeDispute};
use crate::db::{Db, DbError};
use crate::demo::calls::DemoCall;
use crate::demo::disputes::DemoDispute;
use crate::demo::world::World;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, HangupBy};
use crate::domain::decision::{Decision, Verdict};
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::DisputeId;
use crate::domain::money;

use super::{BATCH, Known, StoreError, refused};

/// Adds all disputes, batch by batch, and counts the Pending ones at the end.
pub(super) fn add(db: &Db, world: &World, known: &Known, now: Instant, step: &impl Fn(u64)) -> anyhow::Result<()> {
    let mut from = 0;
    while from < world.scale().disputes {
        let until = from.saturating_add(BATCH).min(world.scale().disputes);
        let stories: Vec<(DemoDispute, DemoCall<'_>)> = (from..until)
            .map(|index| {
                let dispute = world.dispute(index);
                let call = world.call(dispute.call);
                (dispute, call)
            })
            .collect();
        let rows: Vec<WholeDispute<'_>> =
            stories.iter().map(|(dispute, call)| row(known, dispute, call, now)).collect::<Result<_, _>>()?;
        db.write_blocking::<_, DbError>(|conn| Ok(bulk::add_disputes(conn, &rows)?))?;
        step(until.saturating_sub(from));
        from = until;
    }
    db.write_blocking::<_, DbError>(|conn| Ok(bulk::count_pending(conn)?))?;
    Ok(())
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
