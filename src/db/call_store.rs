//! Calls come in: each record of a batch becomes a new call, changes one, repeats one, or is refused.
//!
//! What was decided about a dispute is out of reach here: neither dispute states nor net amounts are ever written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::counters::{self, Counts};
use super::dialect::{Lock, lock, lock_calls, lock_key, widen_cache};
use super::{AnyConnection, sending, users};
use crate::auth::{Actor, Granted, ImportCalls, Viewer};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, CallId};
use crate::import::preset::Field;
use crate::import::{CallRecord, RowError};

pub(super) mod disputed;
mod names;
mod rows;

pub use names::{CreatedName, NameKind, StoreError};
pub use rows::{Facts, NewCall};

use disputed::Disputed;
use names::Names;
use rows::StoredCall;

/// The key that lets one batch at a time in, whoever sends it: names and calls are looked up before they are written.
pub(super) const INTAKE: &str = "calls come in";

/// How a batch is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether unknown buyers, publishers and campaigns are created; else they are row errors.
    pub creates_names: bool,
    pub now: Instant,
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchReport {
    /// One for each record, in their order.
    pub outcomes: Vec<Outcome>,
    pub created: Vec<CreatedName>,
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    New(CallId),
    Updated(CallId),
    Unchanged(CallId),
    Failed(Refusal),
}

/// Why a record can't be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub field: Field,
    pub value: String,
    pub expected: Cow<'static, str>,
}

impl Refusal {
    fn new(field: Field, value: impl Into<String>, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { field, value: value.into(), expected: expected.into() }
    }

    /// The refusal as an error of the row at this line.
    #[must_use]
    pub fn at(self, line: u64) -> RowError {
        RowError { line, column: self.field.to_string(), value: self.value, expected: self.expected }
    }
}

/// Stores a batch of some thousand records in the transaction of the caller.
///
/// # Errors
/// If the database fails; what is wrong with a record is its outcome.
pub fn store(
    conn: &mut AnyConnection,
    actor: &Actor,
    batch: &[CallRecord],
    options: Options,
) -> Result<BatchReport, StoreError> {
    lock_key(conn, INTAKE)?;
    let mut names = Names::resolve(conn, batch)?;
    let mut plan = Plan::of(conn, batch, &names, options)?;
    // The lock order: calls before what belongs to them, the audit head last.
    lock_calls(conn, &plan.changed.iter().map(|change| change.stored.id).collect::<Vec<_>>())?;
    let disputed = plan.refuse_disputed(conn)?;

    if names.has_new_buyers() {
        counters::hold(conn, &plan.owners())?;
    }
    let created = names.create(conn, actor, plan.accepted(), options.now)?;
    let new: Vec<NewCall<'_>> = plan.new.iter().map(|(_, call)| call.clone()).collect();
    rows::insert_new(conn, &new, options.now)?;
    for change in &plan.changed {
        rows::update(conn, change.stored.id, &change.facts, change.record, options.now)?;
    }
    rows::remember_choices(conn, plan.changed.iter().map(|change| &change.facts))?;
    for (call, _) in disputed.iter().filter(|(_, disputed)| disputed.has_draft) {
        sending::refresh_draft(conn, *call)?;
    }
    let mut counted = counts_of(&new);
    for change in plan.changed.iter().filter(|change| change.stored.buyer_id != change.facts.buyer_id) {
        *counted.entry(change.stored.buyer_id).or_default() += Counts::calls(-1);
        *counted.entry(change.facts.buyer_id).or_default() += Counts::calls(1);
    }
    counters::add_all(conn, &counted)?;
    for change in &plan.changed {
        let Some(disputed) = disputed.get(&change.stored.id) else { continue };
        if let Some(dispute) = disputed.sent {
            let (old, new) = disputed::difference(&change.stored.facts(), &change.facts);
            let entry = Entry::new("call.updated", "call", &change.stored.id).under(dispute).was(old).now_is(new);
            audit::append(conn, actor, options.now, &entry)?;
        }
    }
    Ok(BatchReport { outcomes: plan.into_outcomes(), created })
}

/// Inserts calls that are known to be new, their buyers, publishers and campaigns known to be there, and counts them.
///
/// # Errors
/// If the database fails, or a call isn't new.
pub fn insert_new(conn: &mut AnyConnection, new: &[NewCall<'_>], now: Instant) -> QueryResult<()> {
    rows::insert_new(conn, new, now)?;
    counters::add_all(conn, &counts_of(new))
}

/// How many calls each buyer has got.
fn counts_of(new: &[NewCall<'_>]) -> BTreeMap<BuyerId, Counts> {
    let mut counted: BTreeMap<BuyerId, Counts> = BTreeMap::new();
    for call in new {
        *counted.entry(call.facts.buyer_id).or_default() += Counts::calls(1);
    }
    counted
}

/// What [`store`] would do, without doing it and without a lock.
///
/// # Errors
/// If the database fails.
pub fn preview(conn: &mut AnyConnection, batch: &[CallRecord], options: Options) -> Result<BatchReport, StoreError> {
    let names = Names::resolve(conn, batch)?;
    let mut plan = Plan::of(conn, batch, &names, options)?;
    plan.refuse_disputed(conn)?;
    let created = names.needed(plan.accepted());
    Ok(BatchReport { outcomes: plan.into_outcomes(), created })
}

/// Readies a connection of a process that does nothing but store batches.
///
/// # Errors
/// If the database fails.
pub fn prepare(conn: &mut AnyConnection) -> QueryResult<()> {
    widen_cache(conn)
}

/// Asks again, under a lock, whether the manager may import: what was committed before wins.
///
/// # Errors
/// If the database fails.
pub fn may_import(conn: &mut AnyConnection, grant: &Granted<ImportCalls>) -> QueryResult<bool> {
    lock(conn, Lock::User(grant.user().number()))?;
    let row = users::find(conn, grant.user())?.filter(|row| row.epoch == grant.viewer().profile().epoch);
    let viewer = row.and_then(|row| Viewer::from_row(&row, grant.actor().origin));
    Ok(viewer.is_some_and(|viewer| Granted::<ImportCalls>::check(&viewer).is_some()))
}

/// Writes the audit entry of a whole import.
///
/// # Errors
/// If the database fails.
pub fn record_import(
    conn: &mut AnyConnection,
    actor: &Actor,
    what: serde_json::Value,
    now: Instant,
) -> QueryResult<()> {
    let entry = Entry::new("calls.imported", "import", &CallId::generate()).now_is(what);
    audit::append(conn, actor, now, &entry)
}

/// What is to be done with each record of a batch.
struct Plan<'r> {
    outcomes: Vec<Outcome>,
    new: Vec<(usize, NewCall<'r>)>,
    changed: Vec<Change<'r>>,
}

/// A record that differs from the call as it is stored.
struct Change<'r> {
    place: usize,
    record: &'r CallRecord,
    facts: Facts<'r>,
    stored: StoredCall,
}

impl<'r> Plan<'r> {
    fn of(conn: &mut AnyConnection, batch: &'r [CallRecord], names: &Names, options: Options) -> QueryResult<Self> {
        let mut existing = rows::existing(conn, batch)?;
        let mut plan = Self { outcomes: Vec::with_capacity(batch.len()), new: Vec::new(), changed: Vec::new() };
        let mut first: HashMap<(&str, &str), usize> = HashMap::with_capacity(batch.len());
        for (place, record) in batch.iter().enumerate() {
            let id = (record.source.as_str(), record.external_id.as_str());
            if let Some(earlier) = first.get(&id).copied() {
                let outcome = plan.repeated(earlier, batch.get(earlier), record);
                plan.outcomes.push(outcome);
                continue;
            }
            first.insert(id, place);
            let facts = match names.of(record, options.creates_names) {
                Ok(names) => Facts::of(record, names),
                Err(refusal) => {
                    plan.outcomes.push(Outcome::Failed(refusal));
                    continue;
                }
            };
            plan.outcomes.push(match existing.remove(&record.source, &record.external_id) {
                None => {
                    let call = NewCall::of(record, facts);
                    let id = call.id;
                    plan.new.push((place, call));
                    Outcome::New(id)
                }
                Some(stored) if stored.facts() == facts => Outcome::Unchanged(stored.id),
                Some(stored) => {
                    let id = stored.id;
                    plan.changed.push(Change { place, record, facts, stored });
                    Outcome::Updated(id)
                }
            });
        }
        plan.changed.sort_by_key(|change| change.stored.id);
        Ok(plan)
    }

    /// A record under an id that this batch has had before: the same again is no news, another one is an error.
    fn repeated(&self, earlier: usize, first: Option<&CallRecord>, record: &CallRecord) -> Outcome {
        match self.outcomes.get(earlier) {
            _ if !first.is_some_and(|first| first.is_same_call(record)) => Outcome::Failed(Refusal::new(
                Field::ExternalId,
                &record.external_id,
                "one row for each call: an earlier one has this id and other values",
            )),
            Some(Outcome::New(id) | Outcome::Updated(id) | Outcome::Unchanged(id)) => Outcome::Unchanged(*id),
            Some(Outcome::Failed(refusal)) => Outcome::Failed(refusal.clone()),
            None => Outcome::Failed(Refusal::new(Field::ExternalId, &record.external_id, "one row for each call")),
        }
    }

    /// Takes out what would change the buyer or the currency of a call that ever had a dispute.
    fn refuse_disputed(&mut self, conn: &mut AnyConnection) -> QueryResult<BTreeMap<CallId, Disputed>> {
        let ids: Vec<CallId> = self.changed.iter().map(|change| change.stored.id).collect();
        let disputed = disputed::among(conn, &ids)?;
        let outcomes = &mut self.outcomes;
        self.changed.retain(|change| {
            let refusal = disputed.get(&change.stored.id).and_then(|_| disputed::refusal(change.record, change));
            let Some(refusal) = refusal else { return true };
            if let Some(outcome) = outcomes.get_mut(change.place) {
                *outcome = Outcome::Failed(refusal);
            }
            false
        });
        Ok(disputed)
    }

    /// The buyers whose calls become more or fewer.
    fn owners(&self) -> BTreeSet<BuyerId> {
        let left = self.changed.iter().map(|change| change.stored.buyer_id);
        self.accepted().map(|facts| facts.buyer_id).chain(left).collect()
    }

    /// The facts of everything that goes in.
    fn accepted(&self) -> impl Iterator<Item = &Facts<'r>> {
        self.new.iter().map(|(_, call)| &call.facts).chain(self.changed.iter().map(|change| &change.facts))
    }

    fn into_outcomes(self) -> Vec<Outcome> {
        self.outcomes
    }
}
