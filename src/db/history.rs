//! What a manager reads beside a dispute: the caller's earlier calls and disputes, and how often buyers dispute.
//!
//! Managers only: it crosses from one buyer to another. Each question reads a range of an index with an end.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::disputes::{self as dispute_finders, DisputeRow};
use super::schema::{calls, disputes};
use super::subquery::CountOf;
use super::{AnyConnection, calls as finders};
use crate::auth::{Granted, ViewDisputes};
use crate::domain::Instant;
use crate::domain::call::CallStatus;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CallId, CampaignId, DisputeId};
use crate::domain::phone;

/// So many of the caller's latest calls are looked through.
const LOOKED_THROUGH: i64 = 200;

/// So many lines of each kind are shown.
const SHOWN: usize = 8;

/// So many calls a rate is reckoned over at most: the latest ones.
pub const MOST_CALLS: i64 = 100_000;

/// How far back a rate looks.
pub const DAYS: i64 = 30;

/// An earlier call.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = calls)]
pub struct EarlierCall {
    pub id: CallId,
    pub buyer_id: BuyerId,
    pub campaign_id: Option<CampaignId>,
    pub started_at: Instant,
    pub currency: String,
    pub payout: Option<i64>,
    pub duration_s: Option<i32>,
    pub status: CallStatus,
}

/// An earlier dispute.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = disputes)]
pub struct EarlierDispute {
    pub id: DisputeId,
    pub buyer_id: BuyerId,
    pub status: Status,
    pub reason: String,
    pub currency: String,
    pub payout: Option<i64>,
    pub credit: Option<i64>,
    pub listed_at: Instant,
}

/// What the caller of a dispute did before.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// To this buyer or campaign, newest first, each with the status of its latest dispute.
    pub calls: Vec<(EarlierCall, Option<(DisputeId, Status)>)>,
    /// Whether there were more than are shown.
    pub has_more_calls: bool,
    /// By anybody, newest first.
    pub disputes: Vec<EarlierDispute>,
    pub has_more_disputes: bool,
}

/// The caller's earlier calls to the same buyer or campaign, and earlier disputes. `None` where the number doesn't say
/// who called: hidden, or masked.
///
/// # Errors
/// If the database fails.
pub fn of_caller(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    dispute: &DisputeRow,
) -> QueryResult<Option<Earlier>> {
    let last7 = phone::last7(&dispute.caller_id);
    if last7.len() < 7 || last7.contains('X') {
        return Ok(None);
    }
    let found: Vec<EarlierCall> = finders::visible(manager.scope())
        .filter(calls::caller_last7.eq(last7))
        .filter(calls::started_at.lt(dispute.call_started_at))
        .filter(calls::caller_id.eq(dispute.caller_id.clone()))
        .order((calls::started_at.desc(), calls::id.desc()))
        .limit(LOOKED_THROUGH)
        .select(EarlierCall::as_select())
        .load(conn)?;
    let is_near = |call: &EarlierCall| {
        call.buyer_id == dispute.buyer_id || (call.campaign_id.is_some() && call.campaign_id == dispute.campaign_id)
    };
    let mut near: Vec<EarlierCall> = found.into_iter().filter(is_near).collect();
    let has_more_calls = near.len() > SHOWN;
    near.truncate(SHOWN);
    let mut states = states(conn, manager, &near)?;
    let calls =
        near.into_iter().map(|call| (states.remove(&call.id), call)).map(|(state, call)| (call, state)).collect();
    let mut earlier: Vec<EarlierDispute> = dispute_finders::visible(manager.scope())
        .filter(disputes::caller_id.eq(dispute.caller_id.clone()))
        .filter(disputes::id.lt(dispute.id))
        .order((disputes::caller_id.desc(), disputes::id.desc()))
        .limit(i64::try_from(SHOWN).unwrap_or(i64::MAX).saturating_add(1))
        .select(EarlierDispute::as_select())
        .load(conn)?;
    let has_more_disputes = earlier.len() > SHOWN;
    earlier.truncate(SHOWN);
    Ok(Some(Earlier { calls, has_more_calls, disputes: earlier, has_more_disputes }))
}

/// The latest dispute of each of some calls.
fn states(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    found: &[EarlierCall],
) -> QueryResult<HashMap<CallId, (DisputeId, Status)>> {
    let ids: Vec<CallId> = found.iter().map(|call| call.id).collect();
    let newest_first = dispute_finders::of_calls(conn, manager.scope(), &ids)?;
    Ok(newest_first.into_iter().rev().map(|(call, id, status)| (call, (id, status))).collect())
}

/// How often calls of a period are disputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub calls: i64,
    pub disputes: i64,
    pub decided: i64,
    /// In full or in part.
    pub accepted: i64,
    /// Where the period begins, if the last [`MOST_CALLS`] calls are less than its days.
    pub since: Option<Instant>,
}

impl Rate {
    /// Disputes in ten thousand calls.
    #[must_use]
    pub fn basis_points(&self) -> Option<i64> {
        self.disputes.checked_mul(10_000)?.checked_div(self.calls)
    }
}

/// The rate of a buyer, or of the whole platform, over the calls of the last [`DAYS`] days.
///
/// # Errors
/// If the database fails.
pub fn rate(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    buyer: Option<BuyerId>,
    now: Instant,
) -> QueryResult<Rate> {
    let from = now.checked_sub_signed(TimeDelta::days(DAYS)).unwrap_or(now);
    let mut recent = finders::visible(manager.scope()).filter(calls::started_at.ge(from));
    let mut latest = finders::visible(manager.scope()).filter(calls::started_at.ge(from));
    if let Some(buyer) = buyer {
        recent = recent.filter(calls::buyer_id.eq(buyer));
        latest = latest.filter(calls::buyer_id.eq(buyer));
    }
    let newest_first = (calls::started_at.desc(), calls::id.desc());
    let counted = CountOf(recent.order(newest_first).limit(MOST_CALLS.saturating_add(1)).select(calls::id))
        .get_result::<i64>(conn)?;
    let since: Option<Instant> = if counted > MOST_CALLS {
        let last = latest.order(newest_first).offset(MOST_CALLS.saturating_sub(1)).select(calls::started_at);
        last.first(conn).optional()?
    } else {
        None
    };
    let since_when = since.unwrap_or(from);
    let mut sent = |ranks: RangeInclusive<i32>| {
        let mut rows = dispute_finders::visible(manager.scope())
            .filter(disputes::call_started_at.ge(since_when))
            .filter(disputes::status_rank.between(*ranks.start(), *ranks.end()));
        if let Some(buyer) = buyer {
            rows = rows.filter(disputes::buyer_id.eq(buyer));
        }
        CountOf(rows.limit(MOST_CALLS).select(disputes::id)).get_result::<i64>(conn)
    };
    Ok(Rate {
        calls: counted.min(MOST_CALLS),
        disputes: sent(Status::Pending.rank()..=Status::Withdrawn.rank())?,
        decided: sent(Status::Accepted.rank()..=Status::Rejected.rank())?,
        accepted: sent(Status::Accepted.rank()..=Status::AcceptedPartial.rank())?,
        since,
    })
}
