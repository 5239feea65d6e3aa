//! Disputes by page number, newest first and with exact totals, as programs read them. A buyer's Drafts are among them.

use diesel::prelude::*;

use super::Query;
use crate::auth::Scope;
use crate::db::AnyConnection;
use crate::db::disputes::{self as finders, DisputeRow};
use crate::db::schema::disputes;
use crate::domain::Instant;
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::{BuyerId, CallId};

/// Which disputes are listed; empty: every one the viewer can see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberedFilter {
    pub standings: Vec<Standing>,
    pub reason: Option<String>,
    pub buyer: Option<BuyerId>,
    /// Of these calls.
    pub calls: Option<Vec<CallId>>,
    pub created_from: Option<Instant>,
    pub created_before: Option<Instant>,
}

/// How a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Status(Status),
    /// Pending, and this side spoke last.
    SpokeLast(Side),
}

impl NumberedFilter {
    fn matching(&self, scope: Scope) -> Query {
        let mut rows = finders::visible(scope);
        if let Some((ranks, side)) = self.ranks() {
            rows = match side {
                None => rows.filter(disputes::status_rank.eq_any(ranks)),
                Some(side) if ranks.is_empty() => rows
                    .filter(disputes::status_rank.eq(Status::Pending.rank()))
                    .filter(disputes::last_speaker.eq(side)),
                Some(side) => rows.filter(
                    disputes::status_rank
                        .eq_any(ranks)
                        .or(disputes::status_rank.eq(Status::Pending.rank()).and(disputes::last_speaker.eq(side))),
                ),
            };
        }
        if let Some(reason) = &self.reason {
            rows = rows.filter(disputes::reason.eq(reason.clone()));
        }
        if let Some(buyer) = self.buyer {
            rows = rows.filter(disputes::buyer_id.eq(buyer));
        }
        if let Some(calls) = &self.calls {
            rows = rows.filter(disputes::call_id.eq_any(calls.clone()));
        }
        if let Some(from) = self.created_from {
            rows = rows.filter(disputes::created_at.ge(from));
        }
        if let Some(before) = self.created_before {
            rows = rows.filter(disputes::created_at.lt(before));
        }
        rows
    }

    /// The ranks that are wanted whoever spoke last, and the side of the Pending ones that are wanted by it.
    fn ranks(&self) -> Option<(Vec<i32>, Option<Side>)> {
        if self.standings.is_empty() {
            return None;
        }
        let has = |standing: Standing| self.standings.contains(&standing);
        let mut ranks: Vec<i32> =
            Status::ALL.iter().filter(|status| has(Standing::Status(**status))).map(|status| status.rank()).collect();
        let sides: Vec<Side> = Side::ALL.iter().copied().filter(|side| has(Standing::SpokeLast(*side))).collect();
        let pending = Status::Pending.rank();
        match sides.as_slice() {
            [side] if !ranks.contains(&pending) => Some((ranks, Some(*side))),
            [_, _] if !ranks.contains(&pending) => {
                ranks.push(pending);
                Some((ranks, None))
            }
            _ => Some((ranks, None)),
        }
    }
}

/// One page, and how many there are in all.
pub fn page(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &NumberedFilter,
    (offset, limit): (i64, i64),
) -> QueryResult<(Vec<DisputeRow>, i64)> {
    let total = filter.matching(scope).count().get_result(conn)?;
    if offset >= total {
        return Ok((Vec::new(), total));
    }
    let rows = filter
        .matching(scope)
        .order((disputes::created_at.desc(), disputes::id.desc()))
        .offset(offset)
        .limit(limit)
        .select(DisputeRow::as_select())
        .load(conn)?;
    Ok((rows, total))
}
