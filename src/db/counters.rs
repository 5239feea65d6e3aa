//! How many disputes are Pending: a row a buyer and one for the whole network, kept in the transaction of the change.

use diesel::prelude::*;

use super::AnyConnection;
use super::schema::pending_counters;
use crate::auth::Scope;
use crate::domain::ids::BuyerId;

/// The row of the whole network.
const NETWORK: i64 = 0;

/// How many disputes this viewer can see are Pending.
pub fn pending(conn: &mut AnyConnection, scope: Scope) -> QueryResult<i64> {
    let key = scope.buyer().map_or(NETWORK, BuyerId::number);
    pending_counters::table.find(key).select(pending_counters::pending).first(conn)
}

/// Starts a new buyer's counter at zero.
pub(super) fn start(conn: &mut AnyConnection, buyer: BuyerId) -> QueryResult<()> {
    diesel::insert_into(pending_counters::table)
        .values((pending_counters::buyer_key.eq(buyer.number()), pending_counters::pending.eq(0)))
        .execute(conn)?;
    Ok(())
}

/// Counts many at once: by buyer in the order of the ids, then the network.
pub(super) fn add_all(conn: &mut AnyConnection, changes: &std::collections::BTreeMap<BuyerId, i64>) -> QueryResult<()> {
    let all = changes.values().sum::<i64>();
    let rows = changes.iter().map(|(buyer, change)| (buyer.number(), *change)).chain([(NETWORK, all)]);
    for (key, change) in rows.filter(|(_, change)| *change != 0) {
        diesel::update(pending_counters::table.find(key))
            .set(pending_counters::pending.eq(pending_counters::pending + change))
            .execute(conn)?;
    }
    Ok(())
}

/// Counts a dispute that became Pending (+1) or ceased to be (-1). Lock order: the buyer's row, then the network's.
pub(super) fn add(conn: &mut AnyConnection, buyer: BuyerId, change: i64) -> QueryResult<()> {
    for key in [buyer.number(), NETWORK] {
        diesel::update(pending_counters::table.find(key))
            .set(pending_counters::pending.eq(pending_counters::pending + change))
            .execute(conn)?;
    }
    Ok(())
}
