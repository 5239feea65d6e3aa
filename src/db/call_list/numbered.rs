//! Calls by page number, newest first and with exact totals, as programs read them.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::Query;
use crate::auth::{DisputeViewer, Scope};
use crate::db::AnyConnection;
use crate::db::calls::{self as finders, CallRow};
use crate::db::schema::calls;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, DisputeState};
use crate::domain::ids::{BuyerId, CallId};

/// Which calls are listed; empty: every one the viewer can see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberedFilter {
    pub status: Option<CallStatus>,
    /// Only for those who may see disputes.
    pub dispute_state: Option<DisputeState>,
    pub buyer: Option<BuyerId>,
    /// These calls alone.
    pub ids: Option<Vec<CallId>>,
    pub source: Option<String>,
    pub started_from: Option<Instant>,
    pub started_before: Option<Instant>,
}

impl NumberedFilter {
    /// Asks for calls by their dispute state too: proof is needed that the viewer may know it.
    #[must_use]
    pub fn with_dispute_state(self, _proof: &DisputeViewer, state: DisputeState) -> Self {
        Self { dispute_state: Some(state), ..self }
    }

    fn matching(&self, scope: Scope) -> Query {
        let mut rows = finders::visible(scope);
        if let Some(status) = self.status {
            rows = rows.filter(calls::status.eq(status));
        }
        if let Some(state) = self.dispute_state {
            rows = rows.filter(calls::dispute_state.eq(state));
            if state != DisputeState::None {
                // In the words of the index, or SQLite can't know that it holds them all.
                rows = rows.filter(sql::<Bool>("dispute_state <> 'none'"));
            }
        }
        if let Some(buyer) = self.buyer {
            rows = rows.filter(calls::buyer_id.eq(buyer));
        }
        if let Some(ids) = &self.ids {
            rows = rows.filter(calls::id.eq_any(ids.clone()));
        }
        if let Some(source) = &self.source {
            rows = rows.filter(calls::source.eq(source.clone()));
        }
        if let Some(from) = self.started_from {
            rows = rows.filter(calls::started_at.ge(from));
        }
        if let Some(before) = self.started_before {
            rows = rows.filter(calls::started_at.lt(before));
        }
        rows
    }
}

/// One page, and how many there are in all.
pub fn page(
    conn: &mut AnyConnection,
    scope: Scope,
    filter: &NumberedFilter,
    (offset, limit): (i64, i64),
) -> QueryResult<(Vec<CallRow>, i64)> {
    let total = filter.matching(scope).count().get_result(conn)?;
    if offset >= total {
        return Ok((Vec::new(), total));
    }
    let rows = filter
        .matching(scope)
        .order((calls::started_at.desc(), calls::id.desc()))
        .offset(offset)
        .limit(limit)
        .select(CallRow::as_select())
        .load(conn)?;
    Ok((rows, total))
}
