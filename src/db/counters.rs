//! What the pages count without counting: a row a buyer and one for the whole network, kept in the transaction of the change.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{AddAssign, Neg};

use diesel::prelude::*;

use super::AnyConnection;
use super::dialect::lock_counters;
use super::schema::counters;
use crate::auth::Scope;
use crate::domain::dispute::Status;
use crate::domain::ids::BuyerId;

/// The row of the whole network.
pub(super) const NETWORK: i64 = 0;

/// What the counters of a buyer or of the network say, or what a change adds to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = counters)]
pub struct Counts {
    /// Disputes that are Pending.
    pub pending: i64,
    pub accepted: i64,
    pub accepted_partial: i64,
    pub rejected: i64,
    pub withdrawn: i64,
    /// Disputes that were ever sent, whatever became of them.
    pub sent: i64,
    pub calls: i64,
}

impl Counts {
    /// So many disputes that were sent and have this status.
    pub(super) fn disputes(status: Status, number: i64) -> Self {
        let none = Self::default();
        match status {
            // Nobody has sent it.
            Status::Draft => none,
            Status::Pending => Self { pending: number, sent: number, ..none },
            Status::Accepted => Self { accepted: number, sent: number, ..none },
            Status::AcceptedPartial => Self { accepted_partial: number, sent: number, ..none },
            Status::Rejected => Self { rejected: number, sent: number, ..none },
            Status::Withdrawn => Self { withdrawn: number, sent: number, ..none },
        }
    }

    /// A dispute went from one status to another, [`Status::Draft`] where it was sent.
    pub(super) fn moved(from: Status, to: Status) -> Self {
        let mut change = -Self::disputes(from, 1);
        change += Self::disputes(to, 1);
        change
    }

    /// How many disputes have this status.
    #[must_use]
    pub fn of_status(self, status: Status) -> i64 {
        match status {
            Status::Draft => 0,
            Status::Pending => self.pending,
            Status::Accepted => self.accepted,
            Status::AcceptedPartial => self.accepted_partial,
            Status::Rejected => self.rejected,
            Status::Withdrawn => self.withdrawn,
        }
    }

    /// Calls came in.
    pub(super) fn calls(calls: i64) -> Self {
        Self { calls, ..Self::default() }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.pending += other.pending;
        self.accepted += other.accepted;
        self.accepted_partial += other.accepted_partial;
        self.rejected += other.rejected;
        self.withdrawn += other.withdrawn;
        self.sent += other.sent;
        self.calls += other.calls;
    }
}

impl Neg for Counts {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            pending: -self.pending,
            accepted: -self.accepted,
            accepted_partial: -self.accepted_partial,
            rejected: -self.rejected,
            withdrawn: -self.withdrawn,
            sent: -self.sent,
            calls: -self.calls,
        }
    }
}

/// What is counted of all that this viewer can see.
pub fn of(conn: &mut AnyConnection, scope: Scope) -> QueryResult<Counts> {
    let key = scope.buyer().map_or(NETWORK, BuyerId::number);
    counters::table.find(key).select(Counts::as_select()).first(conn)
}

/// How many disputes this viewer can see are Pending.
pub fn pending(conn: &mut AnyConnection, scope: Scope) -> QueryResult<i64> {
    of(conn, scope).map(|counts| counts.pending)
}

/// Starts a new buyer's counters at zero.
pub(super) fn start(conn: &mut AnyConnection, buyer: BuyerId) -> QueryResult<()> {
    diesel::insert_into(counters::table).values(counters::buyer_key.eq(buyer.number())).execute(conn)?;
    Ok(())
}

/// Takes the counters of these buyers and the network's before they change: for a write whose audit entries come before
/// what is counted, since the audit head is the last lock of all.
pub(super) fn hold(conn: &mut AnyConnection, buyers: &BTreeSet<BuyerId>) -> QueryResult<()> {
    if buyers.is_empty() {
        return Ok(());
    }
    let keys: Vec<i64> = buyers.iter().copied().map(BuyerId::number).collect();
    lock_counters(conn, &keys)?;
    lock_counters(conn, &[NETWORK])
}

/// Counts one change of a buyer's.
pub(super) fn add(conn: &mut AnyConnection, buyer: BuyerId, change: Counts) -> QueryResult<()> {
    add_all(conn, &BTreeMap::from([(buyer, change)]))
}

/// Counts many at once. Lock order: the buyers' rows by id, then the network's.
pub(super) fn add_all(conn: &mut AnyConnection, changes: &BTreeMap<BuyerId, Counts>) -> QueryResult<()> {
    let mut all = Counts::default();
    for change in changes.values() {
        all += *change;
    }
    let rows = changes.iter().map(|(buyer, change)| (buyer.number(), *change)).chain([(NETWORK, all)]);
    for (key, change) in rows.filter(|(_, change)| *change != Counts::default()) {
        diesel::update(counters::table.find(key))
            .set((
                counters::pending.eq(counters::pending + change.pending),
                counters::accepted.eq(counters::accepted + change.accepted),
                counters::accepted_partial.eq(counters::accepted_partial + change.accepted_partial),
                counters::rejected.eq(counters::rejected + change.rejected),
                counters::withdrawn.eq(counters::withdrawn + change.withdrawn),
                counters::sent.eq(counters::sent + change.sent),
                counters::calls.eq(counters::calls + change.calls),
            ))
            .execute(conn)?;
    }
    Ok(())
}
