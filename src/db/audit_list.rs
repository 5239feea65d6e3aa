//! The audit log as a list: newest first, filtered, by keyset. For managers with Settings alone.
//!
//! A Draft is its buyer's own (rule 9): what was written under it is in the log and in its chain, but isn't read here.

use std::collections::HashSet;

use diesel::prelude::*;

use super::audit::AuditRow;
use super::paging::{Listed, Place};
use super::schema::{audit_head, audit_log, disputes};
use super::{AnyConnection, Backend};
use crate::auth::{Granted, ManageSettings};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{DisputeId, UserId};

/// Which entries are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<UserId>,
    pub entity: Option<String>,
    pub entity_id: Option<String>,
    pub action: Option<String>,
    pub from: Option<Instant>,
    pub before: Option<Instant>,
}

type Query<'a> = audit_log::BoxedQuery<'a, Backend>;

fn matching<'a>(filter: &AuditFilter) -> Query<'a> {
    let mut query = audit_log::table.into_boxed::<Backend>();
    if let Some(actor) = filter.actor {
        query = query.filter(audit_log::actor_id.eq(actor));
    }
    if let Some(entity) = filter.entity.clone() {
        query = query.filter(audit_log::entity.eq(entity));
    }
    if let Some(id) = filter.entity_id.clone() {
        query = query.filter(audit_log::entity_id.eq(id));
    }
    if let Some(action) = filter.action.clone() {
        query = query.filter(audit_log::action.eq(action));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_log::at.ge(from));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_log::at.lt(before));
    }
    query
}

fn older(query: Query<'_>, at: Instant, seq: i64) -> Query<'_> {
    query.filter(audit_log::at.le(at)).filter(audit_log::at.lt(at).or(audit_log::seq.lt(seq)))
}

fn newer(query: Query<'_>, at: Instant, seq: i64) -> Query<'_> {
    query.filter(audit_log::at.ge(at)).filter(audit_log::at.gt(at).or(audit_log::seq.gt(seq)))
}

fn at_of(conn: &mut AnyConnection, seq: i64) -> QueryResult<Option<Instant>> {
    audit_log::table.find(seq).select(audit_log::at).first(conn).optional()
}

/// One page, newest first.
pub fn page(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    filter: &AuditFilter,
    (place, per_page): (Place<i64>, i64),
) -> QueryResult<Listed<AuditRow>> {
    let beside = match place.row() {
        Some(seq) => at_of(conn, seq)?.map(|at| (at, seq)),
        None => None,
    };
    let query = match (beside, place.is_backwards()) {
        (None, _) => matching(filter),
        (Some((at, seq)), false) => older(matching(filter), at, seq),
        (Some((at, seq)), true) => newer(matching(filter), at, seq),
    };
    let query = if place.is_backwards() {
        query.order((audit_log::at.asc(), audit_log::seq.asc()))
    } else {
        query.order((audit_log::at.desc(), audit_log::seq.desc()))
    };
    let rows = query.limit(per_page.saturating_add(1)).select(AuditRow::as_select()).load(conn)?;
    let rows = without_drafts(conn, rows)?;
    Ok(Listed::cut(rows, usize::try_from(per_page).unwrap_or(usize::MAX), &place, false))
}

/// The entries after one, oldest first, for exports.
pub fn oldest_first(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    filter: &AuditFilter,
    (after, limit): (Option<i64>, i64),
) -> QueryResult<Vec<AuditRow>> {
    let beside = match after {
        Some(seq) => at_of(conn, seq)?.map(|at| (at, seq)),
        None => None,
    };
    let query = match beside {
        Some((at, seq)) => newer(matching(filter), at, seq),
        None => matching(filter),
    };
    let rows = query
        .order((audit_log::at.asc(), audit_log::seq.asc()))
        .limit(limit)
        .select(AuditRow::as_select())
        .load(conn)?;
    without_drafts(conn, rows)
}

/// How long the chain is, and the hash of its last entry: `COUNT:HASH` for `fairdial audit verify --expect`.
pub fn head(conn: &mut AnyConnection, _grant: &Granted<ManageSettings>) -> QueryResult<(i64, String)> {
    audit_head::table.select((audit_head::seq, audit_head::hash)).first(conn)
}

/// One page by number, newest first, and how many entries there are in all.
pub fn numbered(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    filter: &AuditFilter,
    (offset, limit): (i64, i64),
) -> QueryResult<(Vec<AuditRow>, i64)> {
    let total = match filter {
        // Numbers have no gaps.
        filter if *filter == AuditFilter::default() => audit_head::table.find(1).select(audit_head::seq).first(conn)?,
        filter => matching(filter).count().get_result(conn)?,
    };
    let rows = matching(filter)
        .order((audit_log::at.desc(), audit_log::seq.desc()))
        .offset(offset)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(conn)?;
    Ok((without_drafts(conn, rows)?, total))
}

/// What stands in the place of values that are not told.
const WITHHELD: &str = r#"{"withheld":"a Draft is its buyer's own"}"#;

/// Takes the values out of entries about Drafts, whether they are Drafts still, were sent later, or were thrown away.
fn without_drafts(conn: &mut AnyConnection, mut rows: Vec<AuditRow>) -> QueryResult<Vec<AuditRow>> {
    let mut under: Vec<DisputeId> = rows.iter().filter_map(|row| row.dispute_id).collect();
    under.sort_unstable();
    under.dedup();
    let sent: HashSet<DisputeId> = disputes::table
        .filter(disputes::id.eq_any(under))
        .filter(disputes::status.ne(Status::Draft))
        .select(disputes::id)
        .load::<DisputeId>(conn)?
        .into_iter()
        .collect();
    for row in &mut rows {
        let is_drafts =
            row.dispute_id.is_some_and(|id| !sent.contains(&id)) || row.action.starts_with("dispute.draft_");
        if is_drafts {
            row.old_values.clear();
            WITHHELD.clone_into(&mut row.new_values);
        }
    }
    Ok(rows)
}
