//! The Call Log: filters, orders and pages, each by an index where there is one.

mod choices;
mod disputable;
pub mod numbered;
mod search;

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::paging::{CAP, Count, Listed, Place, Sort};
use super::schema::calls;
use super::stamp::Stamp;
use super::subquery::{CountOf, checked, is_in, nothing};
use super::{AnyConnection, Backend, calls as finders, counters};
use crate::auth::Scope;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, DisputeState, HangupBy};
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CallId, CampaignId, DisputeId, PublisherId};
pub use choices::{campaign_choices, destinations};
pub use disputable::Disputable;
use disputable::only_disputable;
pub use search::CallSearch;

type Query = calls::BoxedQuery<'static, Backend>;

/// A line of the Call Log.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = calls)]
pub struct CallLine {
    pub id: CallId,
    pub buyer_id: BuyerId,
    pub publisher_id: Option<PublisherId>,
    pub campaign_id: Option<CampaignId>,
    pub source: String,
    pub external_id: String,
    #[diesel(deserialize_as = Stamp)]
    pub started_at: Instant,
    pub caller_id: String,
    pub dialed: String,
    pub destination_number: String,
    pub destination: String,
    pub currency: String,
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub duration_s: Option<i32>,
    pub connected_s: Option<i32>,
    pub status: CallStatus,
    pub hangup_by: HangupBy,
    pub hangup_cause: String,
    pub is_duplicate: bool,
    pub recording_url: String,
    pub has_recording: bool,
    pub dispute_state: DisputeState,
}

/// What a page asks for; empty: every call the viewer can see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    pub search: Option<CallSearch>,
    pub status: Option<CallStatus>,
    pub started_from: Option<Instant>,
    pub started_before: Option<Instant>,
    pub buyer: Option<BuyerId>,
    pub campaign: Option<CampaignId>,
    pub destination: Option<String>,
    /// Only calls that can be disputed now.
    pub is_disputable: bool,
    pub has_recording: bool,
}

text_enum! {
    /// What the Call Log can be sorted by. `call_date` descending is the default order.
    CallSort {
        CallDate = "call_date", "Call Date";
        CallerId = "caller_id", "Caller ID";
        Destination = "destination", "Destination";
        Payout = "payout", "Payout";
        Duration = "duration", "Duration";
        Status = "status", "Status";
    }
}

/// Newest call first.
pub const DEFAULT_SORT: Sort<CallSort> = Sort { key: CallSort::CallDate, is_descending: true };

impl CallFilter {
    /// Whether an index holds the matching rows in order of call date.
    fn reads_an_index(&self) -> bool {
        !self.has_recording
            && self.campaign.is_none()
            && self.destination.is_none()
            && (self.status.is_none() || !self.is_disputable)
    }

    /// Whether nothing narrows the viewer's calls.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The rows of a filter, in no order yet.
fn matching(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &CallFilter,
    disputable: &Disputable<'_>,
) -> QueryResult<Query> {
    let mut rows = match &filter.search {
        None => finders::visible(scope),
        Some(search) => found(conn, scope, search)?,
    };
    macro_rules! narrow {
        ($condition:expr) => {
            rows = if filter.search.is_some() { rows.filter(checked($condition)) } else { rows.filter($condition) }
        };
    }
    if let Some(status) = filter.status {
        narrow!(calls::status.eq(status));
    }
    if let Some(from) = filter.started_from {
        narrow!(calls::started_at.ge(from));
    }
    if let Some(before) = filter.started_before {
        narrow!(calls::started_at.lt(before));
    }
    if let Some(buyer) = filter.buyer {
        narrow!(calls::buyer_id.eq(buyer));
    }
    if let Some(campaign) = filter.campaign {
        narrow!(calls::campaign_id.eq(campaign));
    }
    if let Some(destination) = &filter.destination {
        narrow!(calls::destination.eq(destination.clone()));
    }
    if filter.has_recording {
        narrow!(calls::has_recording.eq(true));
    }
    if filter.is_disputable {
        rows = only_disputable(conn, rows, scope, disputable)?;
    }
    Ok(rows)
}

/// What a search finds, each kind by an index of its own.
fn found(conn: &mut AnyConnection, scope: Scope, search: &CallSearch) -> QueryResult<Query> {
    let rows = finders::visible_if_found(scope);
    Ok(match search {
        CallSearch::Id(id) => rows.filter(calls::id.eq(*id)),
        CallSearch::ExternalId(id) => {
            rows.filter(is_in(calls::id, finders::of_external_id(conn, id)?.select(calls::id)))
        }
        CallSearch::Last7(digits) => rows.filter(calls::caller_last7.eq(digits.clone())),
        CallSearch::Prefix(prefixes) => {
            let starting = |prefix: &String| {
                let range = calls::caller_id.ge(prefix.clone()).and(calls::caller_id.lt(beyond(prefix)));
                is_in(calls::id, finders::visible(scope).filter(range).limit(CAP.saturating_add(1)).select(calls::id))
            };
            match prefixes.as_slice() {
                [] => rows,
                [one] => rows.filter(starting(one)),
                [one, other] => rows.filter(starting(one).or(starting(other))),
                [one, other, third, ..] => rows.filter(starting(one).or(starting(other)).or(starting(third))),
            }
        }
    })
}

/// The first text after all that begin so: numbers hold nothing that comes after `~`.
fn beyond(prefix: &str) -> String {
    format!("{prefix}~")
}

/// Where a page begins: the values of the row it lies beside.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = calls)]
struct Anchor {
    id: CallId,
    started_at: Instant,
    caller_id: String,
    destination: String,
    payout_sort: i64,
    duration_s: Option<i32>,
    status: CallStatus,
}

/// Orders by a column and the id, from a row on where one is given.
macro_rules! keyset {
    ($rows:expr, $column:expr, $is_descending:expr, $from:expr) => {{
        let rows = $rows;
        let rows = match ($from, $is_descending) {
            (None, _) => rows,
            (Some((value, id)), true) => {
                rows.filter($column.le(value.clone())).filter($column.lt(value).or(calls::id.lt(id)))
            }
            (Some((value, id)), false) => {
                rows.filter($column.ge(value.clone())).filter($column.gt(value).or(calls::id.gt(id)))
            }
        };
        if $is_descending {
            rows.order(($column.desc(), calls::id.desc()))
        } else {
            rows.order(($column.asc(), calls::id.asc()))
        }
    }};
}

/// One page of the Call Log, for this viewer.
pub fn page(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &CallFilter,
    (sort, disputable): (Sort<CallSort>, &Disputable<'_>),
    (place, per_page): (Place<CallId>, i64),
) -> QueryResult<Listed<CallLine>> {
    let anchor = match place.row() {
        // A row that is gone or out of sight: the first page says more than an error.
        Some(id) => {
            finders::visible(scope).filter(calls::id.eq(id)).select(Anchor::as_select()).first(conn).optional()?
        }
        None => None,
    };
    let place = if anchor.is_some() { place } else { Place::First };
    let is_descending = sort.is_descending != place.is_backwards();
    let is_plain = match sort.key {
        CallSort::CallDate => filter.reads_an_index() && filter.search.is_none(),
        CallSort::CallerId | CallSort::Payout => filter.is_empty(),
        CallSort::Destination | CallSort::Duration | CallSort::Status => false,
    };
    let mut rows = matching(conn, scope, filter, disputable)?;
    let mut is_capped = false;
    if !is_plain {
        is_capped = CountOf(candidates(conn, scope, filter, disputable)?).get_result::<i64>(conn)? >= CAP;
        rows = rows.filter(is_in(calls::id, candidates(conn, scope, filter, disputable)?));
    }
    let limit = per_page.saturating_add(1);
    let found = ordered(rows, sort.key, is_descending, anchor).limit(limit).select(CallLine::as_select()).load(conn)?;
    Ok(Listed::cut(found, usize::try_from(per_page).unwrap_or(usize::MAX), &place, is_capped))
}

/// What an unusual combination looks through: the newest calls of its search, or of its buyer and dates.
fn candidates(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &CallFilter,
    disputable: &Disputable<'_>,
) -> QueryResult<calls::BoxedQuery<'static, Backend, BigInt>> {
    let driver = CallFilter {
        search: filter.search.clone(),
        buyer: filter.buyer,
        started_from: filter.started_from,
        started_before: filter.started_before,
        ..CallFilter::default()
    };
    let rows = matching(conn, scope, &driver, disputable)?;
    let rows = match &filter.search {
        // Found by an index of their own; a sort of the few rows found is cheaper than the whole log in order.
        Some(_) => rows,
        None => rows.order((calls::started_at.desc(), calls::id.desc())),
    };
    Ok(rows.limit(CAP).select(calls::id))
}

/// One line, if the viewer can see the call.
pub fn find(conn: &mut AnyConnection, scope: Scope, id: CallId) -> QueryResult<Option<CallLine>> {
    finders::visible(scope).filter(calls::id.eq(id)).select(CallLine::as_select()).first(conn).optional()
}

/// The next rows of an export: everything that matches, however much, in the order of the page.
///
/// Where no index has that order and there are more rows than are worth sorting, newest first: each part then is a
/// range of an index, and none is read twice.
pub fn export_page(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &CallFilter,
    (sort, disputable): (Sort<CallSort>, &Disputable<'_>),
    (after, limit): (Option<CallId>, i64),
) -> QueryResult<Vec<CallLine>> {
    let anchor = match after {
        Some(id) => {
            finders::visible(scope).filter(calls::id.eq(id)).select(Anchor::as_select()).first(conn).optional()?
        }
        None => None,
    };
    if after.is_some() && anchor.is_none() {
        // Calls don't go away; without the row nobody can say what comes after it.
        return Err(diesel::result::Error::NotFound);
    }
    let rows = matching(conn, scope, filter, disputable)?;
    ordered(rows, sort.key, sort.is_descending, anchor).limit(limit).select(CallLine::as_select()).load(conn)
}

/// The order an export can be read in: the page's own where it is cheap, else newest first.
pub fn export_sort(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &CallFilter,
    (sort, disputable): (Sort<CallSort>, &Disputable<'_>),
) -> QueryResult<Sort<CallSort>> {
    let has_index = match sort.key {
        CallSort::CallDate => true,
        CallSort::CallerId | CallSort::Payout => filter.is_empty(),
        CallSort::Destination | CallSort::Duration | CallSort::Status => false,
    };
    if has_index {
        return Ok(sort);
    }
    let rows = matching(conn, scope, filter, disputable)?.limit(CAP.saturating_add(1)).select(nothing());
    let count = CountOf(rows).get_result(conn).map(Count::up_to_cap)?;
    Ok(if count.is_more() { DEFAULT_SORT } else { sort })
}

fn ordered(rows: Query, key: CallSort, is_descending: bool, anchor: Option<Anchor>) -> Query {
    macro_rules! by {
        ($column:ident) => {
            keyset!(rows, calls::$column, is_descending, anchor.map(|anchor| (anchor.$column, anchor.id)))
        };
    }
    match key {
        CallSort::CallDate => by!(started_at),
        CallSort::CallerId => by!(caller_id),
        CallSort::Destination => by!(destination),
        CallSort::Payout => by!(payout_sort),
        CallSort::Status => by!(status),
        CallSort::Duration => {
            // An unknown duration counts as zero here: nulls have no place in a keyset.
            let duration = diesel::dsl::sql::<diesel::sql_types::Integer>("coalesce(duration_s, 0)");
            let from = anchor.map(|anchor| (anchor.duration_s.unwrap_or(0), anchor.id));
            let rows = match (from, is_descending) {
                (None, _) => rows,
                (Some((value, id)), true) => {
                    rows.filter(duration.clone().lt(value).or(duration.clone().eq(value).and(calls::id.lt(id))))
                }
                (Some((value, id)), false) => {
                    rows.filter(duration.clone().gt(value).or(duration.clone().eq(value).and(calls::id.gt(id))))
                }
            };
            if is_descending {
                rows.order((
                    diesel::dsl::sql::<diesel::sql_types::Integer>("coalesce(duration_s, 0) DESC"),
                    calls::id.desc(),
                ))
            } else {
                rows.order((diesel::dsl::sql::<diesel::sql_types::Integer>("coalesce(duration_s, 0)"), calls::id.asc()))
            }
        }
    }
}

/// How many rows match: without a filter exactly, as counted all along, else up to one past the cap.
pub fn count(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &CallFilter,
    disputable: &Disputable<'_>,
) -> QueryResult<Count> {
    if filter.is_empty() {
        return counters::of(conn, scope).map(|counts| Count::exact(counts.calls));
    }
    let mut rows = matching(conn, scope, filter, disputable)?;
    if !filter.reads_an_index() {
        rows = rows.filter(is_in(calls::id, candidates(conn, scope, filter, disputable)?));
    }
    CountOf(rows.limit(CAP.saturating_add(1)).select(nothing())).get_result(conn).map(Count::up_to_cap)
}

/// The dispute that tells of each call: the active one, else the newest, of those the viewer can see.
pub fn disputes_of(
    conn: &mut AnyConnection,
    scope: Scope,
    calls: &[CallId],
) -> QueryResult<Vec<(CallId, DisputeId, Status)>> {
    let mut found = super::disputes::of_calls(conn, scope, calls)?;
    found.sort_by_key(|(_, _, status)| !status.is_active());
    let mut seen = std::collections::HashSet::new();
    found.retain(|(call, _, _)| seen.insert(*call));
    Ok(found)
}

#[cfg(test)]
mod tests;
