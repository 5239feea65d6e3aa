//! One batch of a job: judged and decided under locks, each dispute once.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{JobRow, Outcome, Plan};
use crate::auth::{EditDisputes, Granted, Origin, Via, Viewer};
use crate::db::decisions::{self, Decided};
use crate::db::dialect::{Lock, lock, lock_calls, lock_disputes};
use crate::db::disputes::DisputeRow;
use crate::db::schema::{calls, disputes};
use crate::db::transitions::DecideError;
use crate::db::{AnyConnection, users};
use crate::domain::Instant;
use crate::domain::call::CallStatus;
use crate::domain::decision::Decision;
use crate::domain::dispute::Status;
use crate::domain::ids::{DisputeId, UserId};

/// The proof that the job's manager may decide now, asked for again at every batch.
pub(super) fn deciding(conn: &mut AnyConnection, job: &JobRow) -> Result<Option<Granted<EditDisputes>>, DecideError> {
    lock(conn, Lock::Policy)?;
    lock(conn, Lock::User(job.user_id.number()))?;
    let origin = Origin { via: Via::Browser, address: job.address.clone(), request_id: job.request_id.clone() };
    let viewer = users::find(conn, job.user_id)?.and_then(|row| Viewer::from_row(&row, origin));
    Ok(viewer.and_then(|viewer| Granted::<EditDisputes>::check(&viewer)))
}

/// What a decision depends on: the dispute, and its call's money and status as they are now.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = disputes)]
pub(super) struct Standing {
    status: Status,
    version: i32,
    filed_by_manager: Option<UserId>,
    payout: Option<i64>,
    publisher_payout: Option<i64>,
    call_status: CallStatus,
    #[diesel(select_expression = calls::payout)]
    payout_now: Option<i64>,
    #[diesel(select_expression = calls::publisher_payout)]
    publisher_payout_now: Option<i64>,
    #[diesel(select_expression = calls::status)]
    call_status_now: CallStatus,
    #[diesel(select_expression = calls::net_credit)]
    net_credit: i64,
}

impl Standing {
    /// The payout that can be decided upon by this manager, who saw the dispute at a version; or why it is skipped.
    pub(super) fn payout_for(&self, user: UserId, seen: i32) -> Result<i64, Outcome> {
        let payout = self.payout.filter(|_| self.status == Status::Pending).ok_or(Outcome::NotPending)?;
        let was = (Some(payout), self.publisher_payout, self.call_status);
        if self.version != seen {
            Err(Outcome::Changed)
        } else if self.filed_by_manager == Some(user) {
            Err(Outcome::FiledBySelf)
        } else if (self.payout_now, self.publisher_payout_now, self.call_status_now) != was {
            Err(Outcome::CallChanged)
        } else {
            Ok(payout)
        }
    }

    /// The decision that a plan makes of a payout; or why it is skipped.
    pub(super) fn decision(&self, plan: &Plan, payout: i64) -> Result<Decision, Outcome> {
        let decision = plan.decision(payout, self.publisher_payout)?;
        let is_within = self.net_credit.saturating_add(decision.credit()) <= payout;
        is_within.then_some(decision).ok_or(Outcome::NetOutOfRange)
    }
}

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
    let rows: Vec<(DisputeRow, Standing)> = disputes::table
        .inner_join(calls::table)
        .filter(disputes::id.eq_any(&ids))
        .select((DisputeRow::as_select(), Standing::as_select()))
        .load(conn)?;
    let mut found: HashMap<DisputeId, _> = rows.into_iter().map(|row| (row.0.id, row)).collect();
    let (mut outcomes, mut decided) = (HashMap::new(), Vec::new());
    for (_, id, seen) in items {
        let Some((dispute, standing)) = found.remove(id) else { continue };
        let payout = standing.payout_for(grant.user(), *seen);
        let outcome = match payout.and_then(|payout| standing.decision(plan, payout)) {
            Ok(decision) => {
                decided.push(Decided { dispute, net_credit: standing.net_credit, decision });
                Outcome::Decided
            }
            Err(outcome) => outcome,
        };
        outcomes.insert(*id, outcome);
    }
    decisions::record(conn, grant, &decided, now)?;
    Ok(outcomes)
}
