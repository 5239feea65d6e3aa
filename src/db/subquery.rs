//! Two shapes of SQL that diesel doesn't offer through the connection enum: `id IN (boxed query)` and a capped count.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool};

/// `column IN (query)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct IsIn<Column, Q> {
    column: Column,
    query: Q,
}

/// Whether a column's value is among those of a boxed query.
pub(super) fn is_in<Column, Q>(column: Column, query: Q) -> IsIn<Column, Q> {
    IsIn { column, query }
}

impl<Column, Q> QueryId for IsIn<Column, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Column, Q> Expression for IsIn<Column, Q> {
    type SqlType = Bool;
}

impl<Column, Q, GroupBy> ValidGrouping<GroupBy> for IsIn<Column, Q> {
    type IsAggregate = is_aggregate::No;
}

impl<Column, Q, Source> AppearsOnTable<Source> for IsIn<Column, Q> where Column: AppearsOnTable<Source> {}

impl<Column, Q, Source> SelectableExpression<Source> for IsIn<Column, Q> where Column: SelectableExpression<Source> {}

impl<Column, Q, DB> QueryFragment<DB> for IsIn<Column, Q>
where
    DB: Backend,
    Column: QueryFragment<DB>,
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// `SELECT COUNT(*) FROM (query) AS counted`, where the query has its own limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountOf<Q>(pub(super) Q);

impl<Q> QueryId for CountOf<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for CountOf<Q> {
    type SqlType = BigInt;
}

impl<Q, Conn> RunQueryDsl<Conn> for CountOf<Q> {}

impl<Q, DB> QueryFragment<DB> for CountOf<Q>
where
    DB: Backend,
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT COUNT(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}
