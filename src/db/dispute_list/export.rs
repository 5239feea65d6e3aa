//! The table as a file: everything that matches, however much.

use diesel::prelude::*;

use super::order::{Anchor, in_default_order, ordered};
use super::{DisputeFilter, DisputeLine, DisputeSort, Mark, Query, Read, matching, search};
use crate::auth::Scope;
use crate::db::AnyConnection;
use crate::db::paging::{CAP, Sort};

/// The rows of a filter without any cap: also a search gives all of its hits.
fn everything(scope: Scope, filter: &DisputeFilter, key: DisputeSort) -> Query {
    let rest = DisputeFilter { search: None, ..filter.clone() };
    match &filter.search {
        Some(text) => search(matching(scope, &rest, Read::ByIds), scope, text, i64::MAX),
        None if key == DisputeSort::Status => matching(scope, &rest, Read::InOrder),
        None => matching(scope, &rest, Read::ByColumn),
    }
}

/// The next rows of an export, in an order that [`export_sort`] gave.
///
/// Where no index has the order of the page and there are more rows than are worth sorting it is the default order: each
/// part then is a range of an index, and none is read twice.
pub fn export_page(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &DisputeFilter,
    sort: Sort<DisputeSort>,
    (after, limit): (Option<Mark>, i64),
) -> QueryResult<Vec<DisputeLine>> {
    let anchor: Option<Anchor> = match after {
        // Sent disputes don't go away: without the row nobody can say what comes after it.
        Some(mark) => Some(Anchor::find(conn, scope, mark)?),
        None => None,
    };
    let rows = || everything(scope, filter, sort.key);
    if sort.key == DisputeSort::Status {
        return in_default_order(conn, rows, anchor.as_ref(), sort.is_descending, limit);
    }
    ordered(rows(), sort.key, sort.is_descending, anchor).limit(limit).select(DisputeLine::as_select()).load(conn)
}

/// The order an export can be read in: the page's own where it is cheap, else the default order.
pub fn export_sort(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &DisputeFilter,
    sort: Sort<DisputeSort>,
) -> QueryResult<Sort<DisputeSort>> {
    let has_index = match sort.key {
        DisputeSort::Status => true,
        DisputeSort::Buyer => false,
        _ => filter.size() == 0,
    };
    if has_index {
        return Ok(sort);
    }
    let is_large = super::capped_count(conn, everything(scope, filter, sort.key), CAP.saturating_add(1))? > CAP;
    Ok(if is_large { super::DEFAULT_SORT } else { sort })
}
