//! The audit log as a list: newest first, filtered, by keyset. For managers with Settings alone.

use diesel::prelude::*;

use super::audit::AuditRow;
use super::paging::{Listed, Place};
use super::schema::{audit_head, audit_log};
use super::{AnyConnection, Backend};
use crate::auth::{Granted, ManageSettings};
use crate::domain::Instant;
use crate::domain::ids::UserId;

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
    query.order((audit_log::at.asc(), audit_log::seq.asc())).limit(limit).select(AuditRow::as_select()).load(conn)
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
    Ok((rows, total))
}
