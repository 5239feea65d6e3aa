//! The Disputes table: filters, orders and pages, each by an index.
//!
//! The default view, each single filter in default order and each sort alone read an index in its order. Any other
//! combination looks through at most [`CAP`] candidates of its most telling filter, and says so.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::paging::{CAP, Count, Listed, Place, Sort};
use super::schema::{dispute_suffixes, disputes};
use super::stamp::Stamp;
use super::subquery::{CountOf, checked, is_in, nothing};
use super::suffixes::{FEWEST_DIGITS, digits, is_number};
use super::{AnyConnection, Backend, counters, disputes as finders};
use crate::auth::Scope;
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CallId, DisputeId};

mod export;
mod filter;
mod mark;
pub mod numbered;
mod order;

pub use export::{export_page, export_sort};
use filter::Range;
pub use filter::{DisputeFilter, Missing};
pub use mark::Mark;
use order::{Anchor, in_default_order, ordered};

type Query = disputes::BoxedQuery<'static, Backend>;

/// A line of the table.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = disputes)]
pub struct DisputeLine {
    pub id: DisputeId,
    pub call_id: CallId,
    pub buyer_id: BuyerId,
    pub status: Status,
    pub reason: String,
    #[diesel(deserialize_as = Stamp)]
    pub call_started_at: Instant,
    pub caller_id: String,
    pub destination: String,
    pub currency: String,
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub has_recording: bool,
    /// When it was saved, then when it was submitted.
    #[diesel(deserialize_as = Stamp)]
    pub listed_at: Instant,
    #[diesel(deserialize_as = Stamp)]
    pub due_at: Instant,
    pub credit: Option<i64>,
}

text_enum! {
    /// What the table can be sorted by. `status` is the default order.
    DisputeSort {
        Status = "status", "Status";
        Submitted = "submitted", "Submitted";
        CallDate = "call_date", "Call Date";
        CallerId = "caller_id", "Caller ID";
        Destination = "destination", "Destination";
        Payout = "payout", "Payout";
        PublisherPayout = "publisher_payout", "Publisher payout";
        Duration = "duration", "Duration";
        Reason = "reason", "Reason";
        Buyer = "buyer", "Buyer";
        Due = "due", "Due";
    }
}

/// The default order: Pending first, then by verdict, newest submitted first.
pub const DEFAULT_SORT: Sort<DisputeSort> = Sort { key: DisputeSort::Status, is_descending: false };

/// How the rows of a filter are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// In default order.
    InOrder,
    /// By the index of another column, never by rank.
    ByColumn,
    /// By ids that another query gives; what is filtered by is only checked.
    ByIds,
}

/// The rows of a filter, Drafts aside, in no order yet.
fn matching(scope: Scope, filter: &DisputeFilter, read: Read) -> Query {
    let is_sent = disputes::status_rank.le(Status::Withdrawn.rank());
    let read = if filter.search.is_some() { Read::ByIds } else { read };
    let mut rows = match read {
        Read::InOrder => finders::visible(scope).filter(is_sent),
        Read::ByColumn => finders::visible(scope).filter(checked(is_sent)),
        Read::ByIds => finders::visible_if_found(scope).filter(checked(is_sent)),
    };
    macro_rules! narrow {
        ($condition:expr) => {
            rows = if read == Read::ByIds { rows.filter(checked($condition)) } else { rows.filter($condition) }
        };
    }
    if let Some(text) = &filter.search {
        rows = search(rows, scope, text, CAP);
    }
    match filter.statuses.as_slice() {
        [] => {}
        [status] => narrow!(disputes::status_rank.eq(status.rank())),
        statuses => {
            narrow!(disputes::status_rank.eq_any(statuses.iter().map(|status| status.rank()).collect::<Vec<_>>()));
        }
    }
    if let Some(reason) = &filter.reason {
        narrow!(disputes::reason.eq(reason.clone()));
    }
    if let Some(buyer) = filter.buyer {
        narrow!(disputes::buyer_id.eq(buyer));
    }
    if let Some(campaign) = filter.campaign {
        narrow!(disputes::campaign_id.eq(campaign));
    }
    if let Some(destination) = &filter.destination {
        narrow!(disputes::destination.eq(destination.clone()));
    }
    if let Some(from) = filter.called_from {
        narrow!(disputes::call_started_at.ge(from));
    }
    if let Some(before) = filter.called_before {
        narrow!(disputes::call_started_at.lt(before));
    }
    // Once sent, a dispute is listed by when it was submitted.
    if let Some(from) = filter.submitted_from {
        narrow!(disputes::listed_at.ge(from));
    }
    if let Some(before) = filter.submitted_before {
        narrow!(disputes::listed_at.lt(before));
    }
    if filter.has_recording {
        narrow!(disputes::has_recording.eq(true));
    }
    if filter.has_evidence {
        narrow!(disputes::has_evidence.eq(true));
    }
    if let Some(assignee) = filter.assignee {
        narrow!(disputes::assignee_id.eq(assignee));
    }
    if let Some(before) = filter.due_before {
        narrow!(disputes::status_rank.eq(Status::Pending.rank()));
        narrow!(disputes::due_at.lt(before));
    }
    if let Some(publisher) = filter.publisher {
        narrow!(disputes::publisher_id.eq(publisher));
    }
    if let Some(manager) = filter.decided_by {
        narrow!(disputes::decided_by.eq(manager));
    }
    match filter.without {
        None => {}
        Some(Missing::Publisher) => narrow!(disputes::publisher_id.is_null()),
        Some(Missing::Campaign) => narrow!(disputes::campaign_id.is_null()),
        Some(Missing::Destination) => narrow!(disputes::destination.eq("")),
    }
    if let Some(took) = filter.took {
        narrow!(disputes::seconds_to_decision.ge(took.from()));
        if let Some(before) = took.before() {
            narrow!(disputes::seconds_to_decision.lt(before));
        }
    }
    rows
}

/// Finds by an id, by digits anywhere in the Caller ID or the destination's number, or by the call's id at its source.
fn search(rows: Query, scope: Scope, text: &str, most: i64) -> Query {
    let text = text.trim();
    if let Ok(id) = text.parse::<DisputeId>() {
        return rows.filter(disputes::id.eq(id).or(disputes::call_id.eq(CallId::from_number(id.number()))));
    }
    let wanted = digits(text);
    if wanted.len() < FEWEST_DIGITS || !is_number(text) {
        let named = disputes::table.filter(disputes::external_id.eq(text.to_owned())).into_boxed();
        return rows.filter(is_in(disputes::id, named.limit(most).select(disputes::id)));
    }
    let beyond = after_prefix(&wanted);
    let mut found = dispute_suffixes::table
        .filter(dispute_suffixes::suffix.ge(wanted))
        .filter(dispute_suffixes::suffix.lt(beyond))
        .select(dispute_suffixes::dispute_id)
        .limit(most)
        .into_boxed();
    if let Some(buyer) = scope.buyer() {
        found = found.filter(dispute_suffixes::buyer_id.eq(buyer));
    }
    rows.filter(is_in(disputes::id, found))
}

/// The first text after all that begin so. Suffixes hold digits and X alone, which all come before `~`.
fn after_prefix(prefix: &str) -> String {
    format!("{prefix}~")
}

/// One page of the table, for this viewer.
pub fn page(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &DisputeFilter,
    sort: Sort<DisputeSort>,
    (place, per_page): (Place<Mark>, i64),
) -> QueryResult<Listed<DisputeLine>> {
    let anchor = match place.row() {
        // A row that is gone or out of sight: the first page says more than an error.
        Some(mark) => Anchor::find(conn, scope, mark).optional()?,
        None => None,
    };
    let place = if anchor.is_some() { place } else { Place::First };
    let is_descending = sort.is_descending != place.is_backwards();
    let is_plain = match sort.key {
        DisputeSort::Status => filter.reads_an_index(),
        DisputeSort::Buyer => false,
        DisputeSort::Due => filter.size() == 0 || (filter.size() == 1 && filter.statuses.len() == 1),
        _ => filter.size() == 0,
    };
    let rows = || {
        if !is_plain {
            let rows = matching(scope, filter, Read::ByIds);
            return rows.filter(is_in(disputes::id, candidates(scope, filter)));
        }
        let is_by_rank = sort.key == DisputeSort::Status;
        matching(scope, filter, if is_by_rank { Read::InOrder } else { Read::ByColumn })
    };
    let limit = per_page.saturating_add(1);
    let found = if sort.key == DisputeSort::Status {
        in_default_order(conn, rows, anchor.as_ref(), is_descending, limit)?
    } else {
        ordered(rows(), sort.key, is_descending, anchor).limit(limit).select(DisputeLine::as_select()).load(conn)?
    };
    let is_capped = !is_plain && candidate_count(conn, scope, filter)? >= CAP;
    Ok(Listed::cut(found, usize::try_from(per_page).unwrap_or(usize::MAX), &place, is_capped))
}

/// How many matching rows stand before this one in an order by a column, up to one past the cap: where it is in a queue.
pub fn before(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &DisputeFilter,
    sort: Sort<DisputeSort>,
    id: DisputeId,
) -> QueryResult<Count> {
    let anchor = Anchor::find(conn, scope, id.into())?;
    let rows = matching(scope, filter, Read::ByColumn);
    let rows = if filter.size() <= 1 { rows } else { rows.filter(is_in(disputes::id, candidates(scope, filter))) };
    let rows = ordered(rows, sort.key, !sort.is_descending, Some(anchor));
    capped_count(conn, rows, CAP.saturating_add(1)).map(Count::up_to_cap)
}

/// The rows an unusual combination looks through: the first of its most telling filter, in default order; of a range of
/// dates the newest.
fn candidates(scope: Scope, filter: &DisputeFilter) -> disputes::BoxedQuery<'static, Backend, BigInt> {
    let driver = filter.driver();
    let rows = counted(scope, &driver).limit(CAP).select(disputes::id);
    match driver.range() {
        Some(Range::Called) => rows.order((disputes::call_started_at.desc(), disputes::id.desc())),
        Some(Range::Submitted) => rows.order((disputes::listed_at.desc(), disputes::id.desc())),
        None => rows.order((disputes::status_rank.asc(), disputes::listed_at.desc(), disputes::id.desc())),
    }
}

fn candidate_count(conn: &mut AnyConnection, scope: Scope, filter: &DisputeFilter) -> QueryResult<i64> {
    capped_count(conn, counted(scope, &filter.driver()), CAP)
}

/// Rows by their dates where those are given, else as the default order has them.
fn counted(scope: Scope, filter: &DisputeFilter) -> Query {
    matching(scope, filter, if filter.range().is_some() { Read::ByColumn } else { Read::InOrder })
}

/// How many rows match: without a filter or by status alone exactly, as counted all along, else up to one past the cap.
pub fn count(conn: &mut AnyConnection, scope: Scope, filter: &DisputeFilter) -> QueryResult<Count> {
    if filter.size() == 0 {
        return counters::of(conn, scope).map(|counts| Count::exact(counts.sent));
    }
    if filter.size() == 1 && !filter.statuses.is_empty() {
        let counts = counters::of(conn, scope)?;
        return Ok(Count::exact(filter.statuses.iter().map(|status| counts.of_status(*status)).sum()));
    }
    let rows = if filter.size() <= 1 || filter.reads_an_index() {
        counted(scope, filter)
    } else {
        matching(scope, filter, Read::ByIds).filter(is_in(disputes::id, candidates(scope, filter)))
    };
    capped_count(conn, rows, CAP.saturating_add(1)).map(Count::up_to_cap)
}

/// Every row that matches, in default order, with the version it has; exact, however many there are.
pub fn all_matching(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &DisputeFilter,
) -> QueryResult<Vec<(DisputeId, i32)>> {
    counted(scope, filter)
        .order((disputes::status_rank.asc(), disputes::listed_at.desc(), disputes::id.desc()))
        .select((disputes::id, disputes::version))
        .load(conn)
}

fn capped_count(conn: &mut AnyConnection, rows: Query, cap: i64) -> QueryResult<i64> {
    CountOf(rows.limit(cap).select(nothing())).get_result(conn)
}

/// The Drafts of a buyer, newest first: they have their own list above the table.
pub fn drafts(conn: &mut AnyConnection, scope: Scope) -> QueryResult<Vec<DisputeLine>> {
    finders::visible(scope)
        .filter(disputes::status_rank.eq(Status::Draft.rank()))
        .order((disputes::listed_at.desc(), disputes::id.desc()))
        .limit(50)
        .select(DisputeLine::as_select())
        .load(conn)
}
