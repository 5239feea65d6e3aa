//! One batch of a job: judged and decided under locks, each dispute once.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

use super::{JobRow, Outcome, Plan};
use crate::auth::{EditDisputes, Granted, Origin, Via, Viewer};
use crate::db::counters::{self, Counts};
use crate::db::dialect::{Lock, lock, lock_calls, lock_disputes};
use crate::db::disputes::DisputeRow;
use crate::db::schema::{calls, disputes};
use crate::db::transitions::{self, DecideError};
use crate::db::{AnyConnection, audit, users};
use crate::domain::Instant;
use crate::domain::call::CallStatus;
use crate::domain::decision::Decision;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, DisputeId};

/// The proof that the job's manager may decide now, asked for again at every batch.
pub(super) fn deciding(conn: &mut AnyConnection, job: &JobRow) -> Result<Option<Granted<EditDisputes>>, DecideError> {
    lock(conn, Lock::Policy)?;
    lock(conn, Lock::User(job.user_id.number()))?;
    let origin = Origin { via: Via::Browser, address: job.address.clone(), request_id: job.request_id.clone() };
    let viewer = users::find(conn, job.user_id)?.and_then(|row| Viewer::from_row(&row, origin));
    Ok(viewer.and_then(|viewer| Granted::<EditDisputes>::check(&viewer)))
}

/// A dispute with its call's money and status as they are now.
type Standing = (DisputeRow, Option<i64>, Option<i64>, CallStatus, i64);

/// Decides what can be decided of a batch, and says what became of each.
pub(super) fn decide_all(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    plan: &Plan,
    items: &[(i64, DisputeId, i32)],
    now: Instant,
) -> Result<HashMap<DisputeId, Outcome>, DecideError> {
    let ids: Vec<DisputeId> = items.iter().map(|(_, dispute, _)| *dispute).collect();
    let mut held: Vec<_> = disputes::table.filter(disputes::id.eq_any(&ids)).select(disputes::call_id).load(conn)?;
    held.sort_unstable();
    lock_calls(conn, &held)?;
    lock_disputes(conn, &ids)?;
    // Only now, under the locks, it is read what is decided upon.
    let rows: Vec<Standing> = disputes::table
        .inner_join(calls::table)
        .filter(disputes::id.eq_any(&ids))
        .select((DisputeRow::as_select(), calls::payout, calls::publisher_payout, calls::status, calls::net_credit))
        .load(conn)?;
    let mut standing: HashMap<DisputeId, Standing> = rows.into_iter().map(|row| (row.0.id, row)).collect();
    let (mut outcomes, mut entries) = (HashMap::new(), Vec::new());
    let mut changes: BTreeMap<BuyerId, Counts> = BTreeMap::new();
    for (_, id, seen) in items {
        let Some(row) = standing.remove(id) else { continue };
        let outcome = match judge(grant, plan, *seen, &row) {
            Ok(decision) => {
                entries.push(transitions::record(conn, grant, &row.0, &decision, now)?);
                *changes.entry(row.0.buyer_id).or_default() += Counts::SETTLED;
                Outcome::Decided
            }
            Err(outcome) => outcome,
        };
        outcomes.insert(*id, outcome);
    }
    counters::add_all(conn, &changes)?;
    audit::append_all(conn, &grant.actor(), now, &entries)?;
    Ok(outcomes)
}

/// The decision about one dispute, or why it is skipped.
fn judge(
    grant: &Granted<EditDisputes>,
    plan: &Plan,
    seen: i32,
    (row, payout_now, publisher_now, status_now, net_credit): &Standing,
) -> Result<Decision, Outcome> {
    let Some(payout) = row.payout.filter(|_| row.status == Status::Pending) else {
        return Err(Outcome::NotPending);
    };
    if row.version != seen {
        return Err(Outcome::Changed);
    }
    if row.filed_by_manager == Some(grant.user()) {
        return Err(Outcome::FiledBySelf);
    }
    if (*payout_now, *publisher_now, *status_now) != (row.payout, row.publisher_payout, row.call_status) {
        return Err(Outcome::CallChanged);
    }
    let decision = plan.decision(payout, row.publisher_payout)?;
    if net_credit.saturating_add(decision.credit()) > payout {
        return Err(Outcome::NetOutOfRange);
    }
    Ok(decision)
}
