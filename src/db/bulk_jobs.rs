//! Many disputes decided at once: what was selected, and how far the work on it has come.
//!
//! A job's place moves in the transaction that decides, so that a job that broke off goes on where it was, and
//! decides no dispute twice.

mod batch;

use std::collections::{BTreeMap, HashMap};

use chrono::Duration;
use diesel::prelude::*;

use super::dialect::{Lock, insert_all, lock, with_wide_cache};
use super::schema::{bulk_items, bulk_jobs, calls, disputes};
use super::transitions::DecideError;
use super::{AnyConnection, DbError};
use crate::auth::{EditDisputes, Granted};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::decision::{Decision, DecisionProblem, Verdict};
use crate::domain::dispute::Status;
use crate::domain::ids::{BulkJobId, BuyerId, DisputeId, UserId};
use crate::domain::money::percent_of;
use batch::Standing;

/// The most disputes that one transaction decides.
pub const BATCH: i64 = 100;

/// How long a selection can be decided.
const KEPT: Duration = Duration::hours(1);

text_enum! {
    /// How far a job is.
    State {
        Selected = "selected", "Selected";
        Running = "running", "Running";
        Stopped = "stopped", "Stopped";
        Done = "done", "Done";
    }
}

text_enum! {
    /// What became of one dispute of a job.
    Outcome {
        Waiting = "", "Not yet its turn";
        Decided = "decided", "Decided";
        Missing = "missing", "It is gone";
        NotPending = "not_pending", "It was not Pending any more";
        Changed = "changed", "It changed after it was selected";
        CallChanged = "call_changed", "Its call changed after Send: look at the difference first";
        FiledBySelf = "filed_by_self", "You filed it yourself";
        CreditZero = "credit_zero", "The percentage gives no credit";
        CreditWhole = "credit_whole", "The percentage gives the whole payout";
        NetOutOfRange = "net_out_of_range", "The call\u{2019}s credit would be more than its payout";
        NotAllowed = "not_allowed", "The permission to decide was taken away meanwhile";
    }
}

/// A job's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = bulk_jobs)]
pub struct JobRow {
    pub id: BulkJobId,
    pub user_id: UserId,
    pub state: State,
    pub list_query: String,
    pub total: i64,
    pub next_position: i64,
    pub decided: i64,
    pub verdict: Option<Verdict>,
    pub credit_percent: Option<i64>,
    pub note: String,
    pub address: String,
    pub request_id: String,
    /// Why it stopped, where it is stopped.
    pub trouble: String,
    pub created_at: Instant,
    pub finished_at: Option<Instant>,
}

/// What is to be done with all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub verdict: Verdict,
    /// Hundredths of a percent of each payout, with Accepted Partial alone.
    pub credit_percent: Option<i64>,
    pub note: String,
}

impl Plan {
    fn of(job: &JobRow) -> Option<Self> {
        Some(Self { verdict: job.verdict?, credit_percent: job.credit_percent, note: job.note.clone() })
    }

    /// The decision about one dispute.
    fn decision(&self, payout: i64, publisher_payout: Option<i64>) -> Result<Decision, Outcome> {
        let credit = self.credit_percent.map(|percent| percent_of(payout, percent));
        match credit {
            Some(..=0) => return Err(Outcome::CreditZero),
            Some(credit) if credit >= payout => return Err(Outcome::CreditWhole),
            _ => {}
        }
        Decision::new(self.verdict, credit, None, self.note.clone(), payout, publisher_payout)
            .map_err(|_problem: DecisionProblem| Outcome::CreditZero)
    }
}

/// A selection that is too old, or somebody else's.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("no such selection")]
    Missing,
    #[error("the selection is older than an hour")]
    Expired,
    #[error(transparent)]
    Database(DbError),
}

super::database_failure!(StartError);

#[derive(Insertable)]
#[diesel(table_name = bulk_items)]
struct NewItem {
    job_id: BulkJobId,
    position: i64,
    dispute_id: DisputeId,
    version: i32,
}

/// Keeps what was selected, as it is now.
pub fn select(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    rows: &[(DisputeId, i32)],
    list_query: &str,
    now: Instant,
) -> QueryResult<BulkJobId> {
    let id = BulkJobId::generate();
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    diesel::insert_into(bulk_jobs::table)
        .values((
            bulk_jobs::id.eq(id),
            bulk_jobs::user_id.eq(grant.user()),
            bulk_jobs::state.eq(State::Selected),
            bulk_jobs::list_query.eq(list_query),
            bulk_jobs::total.eq(total),
            bulk_jobs::created_at.eq(now),
        ))
        .execute(conn)?;
    let items: Vec<NewItem> = rows
        .iter()
        .zip(0_i64..)
        .map(|((dispute_id, version), position)| NewItem {
            job_id: id,
            position,
            dispute_id: *dispute_id,
            version: *version,
        })
        .collect();
    insert_all!(conn, bulk_items::table, items.as_slice());
    Ok(id)
}

/// The versions of disputes named one by one, in the order they were named, each once.
pub fn versions(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    ids: &[DisputeId],
) -> QueryResult<Vec<(DisputeId, i32)>> {
    let mut known: HashMap<DisputeId, i32> = HashMap::new();
    for some in ids.chunks(500) {
        let rows = super::disputes::visible(grant.scope())
            .filter(disputes::id.eq_any(some.to_vec()))
            .select((disputes::id, disputes::version))
            .load::<(DisputeId, i32)>(conn)?;
        known.extend(rows);
    }
    Ok(ids.iter().filter_map(|id| known.remove_entry(id)).collect())
}

/// A job of this manager.
pub fn find(conn: &mut AnyConnection, grant: &Granted<EditDisputes>, id: BulkJobId) -> QueryResult<Option<JobRow>> {
    bulk_jobs::table
        .find(id)
        .filter(bulk_jobs::user_id.eq(grant.user()))
        .select(JobRow::as_select())
        .first(conn)
        .optional()
}

/// What a plan would do to a selection, by currency; those that would be skipped aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub currency: String,
    pub count: i64,
    pub payout: i64,
    pub credit: i64,
    pub clawback: i64,
}

/// The totals of a selection under a plan (without one: its payouts alone), and how many would be skipped.
pub fn totals(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    id: BulkJobId,
    plan: Option<&Plan>,
) -> QueryResult<(Vec<Totals>, i64)> {
    let rows: Vec<(i32, String, Standing)> = bulk_items::table
        .inner_join(disputes::table.inner_join(calls::table))
        .filter(bulk_items::job_id.eq(id))
        .select((bulk_items::version, disputes::currency, Standing::as_select()))
        .load(conn)?;
    let (mut found, mut skipped) = (BTreeMap::<String, Totals>::new(), 0_i64);
    for (seen, currency, standing) in rows {
        let amounts = standing.payout_for(grant.user(), seen).and_then(|payout| {
            let decision = plan.map(|plan| standing.decision(plan, payout)).transpose()?;
            Ok((payout, decision.map_or((0, 0), |decision| (decision.credit(), decision.clawback()))))
        });
        let Ok((payout, (credit, clawback))) = amounts else {
            skipped = skipped.saturating_add(1);
            continue;
        };
        let sum = found.entry(currency.clone()).or_insert_with(|| Totals { currency, ..Totals::default() });
        sum.count = sum.count.saturating_add(1);
        sum.payout = sum.payout.saturating_add(payout);
        sum.credit = sum.credit.saturating_add(credit);
        sum.clawback = sum.clawback.saturating_add(clawback);
    }
    Ok((found.into_values().collect(), skipped))
}

/// Starts the work on a selection, or goes on with what stopped. One that was started already stays as it is: a second
/// click changes nothing.
///
/// # Errors
/// If it isn't this manager's, or older than an hour.
pub fn start(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    id: BulkJobId,
    plan: &Plan,
    now: Instant,
) -> Result<JobRow, StartError> {
    lock(conn, Lock::BulkJob(id.number()))?;
    let job = find(conn, grant, id)?.ok_or(StartError::Missing)?;
    match job.state {
        State::Selected => {}
        State::Stopped => {
            go_on(conn, Some(id))?;
            return find(conn, grant, id)?.ok_or(StartError::Missing);
        }
        State::Running | State::Done => return Ok(job),
    }
    if now - job.created_at >= KEPT {
        return Err(StartError::Expired);
    }
    let origin = grant.actor().origin;
    diesel::update(bulk_jobs::table.find(id))
        .set((
            bulk_jobs::state.eq(State::Running),
            bulk_jobs::verdict.eq(plan.verdict),
            bulk_jobs::credit_percent.eq(plan.credit_percent),
            bulk_jobs::note.eq(&plan.note),
            bulk_jobs::address.eq(origin.address),
            bulk_jobs::request_id.eq(origin.request_id),
        ))
        .execute(conn)?;
    find(conn, grant, id)?.ok_or(StartError::Missing)
}

/// Takes up every job that was begun and not finished, oldest first.
pub fn take_up(conn: &mut AnyConnection) -> QueryResult<Vec<BulkJobId>> {
    go_on(conn, None)?;
    bulk_jobs::table
        .filter(bulk_jobs::state.eq(State::Running))
        .order((bulk_jobs::created_at, bulk_jobs::id))
        .select(bulk_jobs::id)
        .load(conn)
}

/// Keeps why a job stopped, so that its manager can see it and go on.
pub fn stop(conn: &mut AnyConnection, id: BulkJobId, trouble: &str) -> QueryResult<()> {
    lock(conn, Lock::BulkJob(id.number()))?;
    let trouble = if trouble.is_empty() { "unknown" } else { trouble };
    diesel::update(bulk_jobs::table.find(id).filter(bulk_jobs::state.eq(State::Running)))
        .set((bulk_jobs::state.eq(State::Stopped), bulk_jobs::trouble.eq(trouble)))
        .execute(conn)?;
    Ok(())
}

/// What stopped runs again: one job, or every one.
fn go_on(conn: &mut AnyConnection, only: Option<BulkJobId>) -> QueryResult<()> {
    let stopped = bulk_jobs::table.filter(bulk_jobs::state.eq(State::Stopped));
    let running = (bulk_jobs::state.eq(State::Running), bulk_jobs::trouble.eq(""));
    match only {
        Some(id) => diesel::update(stopped.filter(bulk_jobs::id.eq(id))).set(running).execute(conn)?,
        None => diesel::update(stopped).set(running).execute(conn)?,
    };
    Ok(())
}

/// Forgets selections that were never decided and can't be any more.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    let old = bulk_jobs::table
        .filter(bulk_jobs::state.eq(State::Selected))
        .filter(bulk_jobs::created_at.le(now - KEPT))
        .limit(100)
        .select(bulk_jobs::id)
        .load::<BulkJobId>(conn)?;
    diesel::delete(bulk_items::table.filter(bulk_items::job_id.eq_any(&old))).execute(conn)?;
    diesel::delete(bulk_jobs::table.filter(bulk_jobs::id.eq_any(&old))).execute(conn)
}

/// Decides the next disputes of a job, at most [`BATCH`], in this transaction; whether any are left.
pub fn work(conn: &mut AnyConnection, clock: &Clock, id: BulkJobId) -> Result<bool, DecideError> {
    with_wide_cache(conn, |conn| work_batch(conn, clock, id))
}

fn work_batch(conn: &mut AnyConnection, clock: &Clock, id: BulkJobId) -> Result<bool, DecideError> {
    // Several servers may have taken up the same job: one at a time moves its place.
    lock(conn, Lock::BulkJob(id.number()))?;
    let job: JobRow = bulk_jobs::table.find(id).select(JobRow::as_select()).first(conn)?;
    let (State::Running, Some(plan)) = (job.state, Plan::of(&job)) else { return Ok(false) };
    let items: Vec<(i64, DisputeId, i32)> = bulk_items::table
        .filter(bulk_items::job_id.eq(id))
        .filter(bulk_items::position.ge(job.next_position))
        .order(bulk_items::position)
        .limit(BATCH)
        .select((bulk_items::position, bulk_items::dispute_id, bulk_items::version))
        .load(conn)?;
    let ids: Vec<DisputeId> = items.iter().map(|(_, dispute, _)| *dispute).collect();
    let outcomes = match batch::deciding(conn, &job)? {
        Some(grant) => batch::decide_all(conn, &grant, &plan, &items, clock.now())?,
        None => ids.iter().map(|id| (*id, Outcome::NotAllowed)).collect(),
    };
    let mut positions: HashMap<Outcome, Vec<i64>> = HashMap::new();
    for (position, dispute, _) in &items {
        let outcome = outcomes.get(dispute).copied().unwrap_or(Outcome::Missing);
        positions.entry(outcome).or_default().push(*position);
    }
    let new = positions.get(&Outcome::Decided).map_or(0, Vec::len);
    let decided = job.decided.saturating_add(i64::try_from(new).unwrap_or(i64::MAX));
    for (outcome, positions) in positions {
        let those = bulk_items::table.filter(bulk_items::job_id.eq(id)).filter(bulk_items::position.eq_any(positions));
        diesel::update(those).set(bulk_items::outcome.eq(outcome)).execute(conn)?;
    }
    let next = items.last().map_or(job.total, |(position, ..)| position.saturating_add(1));
    let is_done = next >= job.total;
    diesel::update(bulk_jobs::table.find(id))
        .set((bulk_jobs::next_position.eq(next), bulk_jobs::decided.eq(decided)))
        .execute(conn)?;
    if is_done {
        diesel::update(bulk_jobs::table.find(id))
            .set((bulk_jobs::state.eq(State::Done), bulk_jobs::finished_at.eq(Some(clock.now()))))
            .execute(conn)?;
    }
    Ok(!is_done)
}

/// A dispute of a job as its result lists it.
#[derive(Clone, Debug, Queryable)]
pub struct ItemRow {
    pub dispute: DisputeId,
    pub outcome: Outcome,
    pub status: Status,
    pub caller_id: String,
    pub buyer_id: BuyerId,
    pub currency: String,
    pub payout: Option<i64>,
    pub credit: Option<i64>,
    pub clawback: Option<i64>,
}

/// Disputes of a job: those that were decided, or those that were skipped; at most so many.
pub fn items(conn: &mut AnyConnection, id: BulkJobId, is_decided: bool, limit: i64) -> QueryResult<Vec<ItemRow>> {
    let rows = bulk_items::table
        .inner_join(disputes::table)
        .filter(bulk_items::job_id.eq(id))
        .filter(bulk_items::outcome.ne(Outcome::Waiting))
        .order(bulk_items::position)
        .limit(limit)
        .select((
            bulk_items::dispute_id,
            bulk_items::outcome,
            disputes::status,
            disputes::caller_id,
            disputes::buyer_id,
            disputes::currency,
            disputes::payout,
            disputes::credit,
            disputes::clawback,
        ));
    if is_decided {
        rows.filter(bulk_items::outcome.eq(Outcome::Decided)).load(conn)
    } else {
        rows.filter(bulk_items::outcome.ne(Outcome::Decided)).load(conn)
    }
}
