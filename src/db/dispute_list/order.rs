//! The orders of the table, each from a row on.

use diesel::prelude::*;

use super::{DisputeLine, DisputeSort, Mark, Query};
use crate::auth::Scope;
use crate::db::schema::disputes;
use crate::db::{AnyConnection, disputes as finders};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, DisputeId};

/// Orders by a column and the id, from a row on where one is given.
macro_rules! keyset {
    ($rows:expr, $column:expr, $is_descending:expr, $from:expr) => {{
        let rows = $rows;
        let rows = match ($from, $is_descending) {
            (None, _) => rows,
            (Some((value, id)), true) => {
                rows.filter($column.le(value.clone())).filter($column.lt(value).or(disputes::id.lt(id)))
            }
            (Some((value, id)), false) => {
                rows.filter($column.ge(value.clone())).filter($column.gt(value).or(disputes::id.gt(id)))
            }
        };
        if $is_descending {
            rows.order(($column.desc(), disputes::id.desc()))
        } else {
            rows.order(($column.asc(), disputes::id.asc()))
        }
    }};
}

/// Where a page begins: the values of the row it lies beside.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = disputes)]
pub(super) struct Anchor {
    id: DisputeId,
    status_rank: i32,
    listed_at: Instant,
    call_started_at: Instant,
    caller_id: String,
    destination: String,
    payout_sort: i64,
    publisher_payout_sort: i64,
    duration_sort: i32,
    reason: String,
    buyer_id: BuyerId,
    due_at: Instant,
}

impl Anchor {
    /// The values of a row that the viewer can see.
    pub(super) fn find(conn: &mut AnyConnection, scope: Scope, mark: Mark) -> QueryResult<Self> {
        let row = finders::visible(scope).filter(disputes::id.eq(mark.id));
        let found: Self = row.select(Self::as_select()).first(conn)?;
        Ok(Self { status_rank: mark.rank.unwrap_or(found.status_rank), ..found })
    }
}

/// Orders by a column, then the id, from a row on where one is given.
pub(super) fn ordered(rows: Query, key: DisputeSort, is_descending: bool, anchor: Option<Anchor>) -> Query {
    macro_rules! by {
        ($column:ident) => {
            keyset!(rows, disputes::$column, is_descending, anchor.map(|anchor| (anchor.$column, anchor.id)))
        };
    }
    match key {
        DisputeSort::Status | DisputeSort::Submitted => by!(listed_at),
        DisputeSort::CallDate => by!(call_started_at),
        DisputeSort::CallerId => by!(caller_id),
        DisputeSort::Destination => by!(destination),
        DisputeSort::Payout => by!(payout_sort),
        DisputeSort::PublisherPayout => by!(publisher_payout_sort),
        DisputeSort::Duration => by!(duration_sort),
        DisputeSort::Reason => by!(reason),
        DisputeSort::Buyer => by!(buyer_id),
        DisputeSort::Due => by!(due_at),
    }
}

/// Default order has a group (the status) and an order within: the rest of the row's own group, then the groups beyond.
/// Two reads, each a range of one index; a single condition over both would scan everything before the row.
pub(super) fn in_default_order(
    conn: &mut AnyConnection,
    rows: impl Fn() -> Query,
    anchor: Option<&Anchor>,
    is_descending: bool,
    limit: i64,
) -> QueryResult<Vec<DisputeLine>> {
    let load = |conn: &mut AnyConnection, rows: Query, limit: i64| {
        let rows = if is_descending {
            rows.order((disputes::status_rank.desc(), disputes::listed_at.asc(), disputes::id.asc()))
        } else {
            rows.order((disputes::status_rank.asc(), disputes::listed_at.desc(), disputes::id.desc()))
        };
        rows.limit(limit).select(DisputeLine::as_select()).load::<DisputeLine>(conn)
    };
    let Some(anchor) = anchor else { return load(conn, rows(), limit) };
    let (rank, at, id) = (anchor.status_rank, anchor.listed_at, anchor.id);
    let own_group = rows().filter(disputes::status_rank.eq(rank));
    let own_group = if is_descending {
        own_group.filter(disputes::listed_at.ge(at)).filter(disputes::listed_at.gt(at).or(disputes::id.gt(id)))
    } else {
        own_group.filter(disputes::listed_at.le(at)).filter(disputes::listed_at.lt(at).or(disputes::id.lt(id)))
    };
    let mut found = load(conn, own_group, limit)?;
    let missing = limit.saturating_sub(i64::try_from(found.len()).unwrap_or(limit));
    if missing > 0 {
        let beyond = rows();
        let beyond = if is_descending {
            beyond.filter(disputes::status_rank.lt(rank))
        } else {
            beyond.filter(disputes::status_rank.gt(rank))
        };
        found.extend(load(conn, beyond, missing)?);
    }
    Ok(found)
}
