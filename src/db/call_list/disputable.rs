//! The filter "can be disputed now".

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::Query;
use crate::auth::Scope;
use crate::db::AnyConnection;
use crate::db::schema::{buyers, calls, disputes};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::BuyerId;
use crate::domain::policy::Policy;

/// What "can be disputed now" means, for filters.
#[derive(Clone, Debug)]
pub struct Disputable<'a> {
    pub policy: &'a Policy,
    pub now: Instant,
}

/// Rule 1 as far as it can be asked of rows: status, payout, window, no active dispute.
pub(super) fn only_disputable(
    conn: &mut AnyConnection,
    rows: Query,
    scope: Scope,
    disputable: &Disputable<'_>,
) -> QueryResult<Query> {
    let mut with_own = buyers::table
        .filter(buyers::dispute_window_days.is_not_null())
        .select((buyers::id, buyers::dispute_window_days.assume_not_null()))
        .into_boxed();
    if let Some(buyer) = scope.buyer() {
        with_own = with_own.filter(buyers::id.eq(buyer));
    }
    let own_windows: Vec<(BuyerId, i32)> = with_own.load(conn)?;
    let opened_after =
        |days: i32| disputable.now.checked_sub_signed(chrono::Duration::days(i64::from(days))).unwrap_or(Instant::MIN);
    let longest = own_windows.iter().map(|(_, days)| *days).chain([disputable.policy.dispute_window_days]).max();
    let default = disputable.policy.dispute_window_days;
    // As expressions, or SQLite reads by status or payout and sorts what it finds; the window is the narrow range.
    let mut rows = rows
        .filter(calls::status.concat("").eq_any(disputable.policy.disputable_statuses.clone()))
        .filter((calls::payout_sort + 0).gt(0))
        .filter(calls::started_at.gt(opened_after(longest.unwrap_or(default))))
        .filter(not(exists(
            disputes::table
                .filter(disputes::call_id.eq(calls::id))
                .filter(disputes::status.ne_all([Status::Rejected, Status::Withdrawn])),
        )));
    let mut days: Vec<i32> = own_windows.iter().map(|(_, days)| *days).collect();
    days.sort_unstable();
    days.dedup();
    let with_own: Vec<BuyerId> = own_windows.iter().map(|(buyer, _)| *buyer).collect();
    rows = rows.filter(calls::buyer_id.eq_any(with_own).or(calls::started_at.gt(opened_after(default))));
    for days in days {
        let theirs: Vec<BuyerId> =
            own_windows.iter().filter(|(_, own)| *own == days).map(|(buyer, _)| *buyer).collect();
        rows = rows.filter(calls::buyer_id.ne_all(theirs).or(calls::started_at.gt(opened_after(days))));
    }
    Ok(rows)
}
