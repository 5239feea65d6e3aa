//! Shapes of SQL that diesel doesn't offer through the connection enum: `id IN (boxed query)`, `id IN` some ids as a statement
//! that is kept, a condition that is only checked, and a capped count.

use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType};

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

/// `column IN (…)` for the rows of a page. Diesel's own list of values is prepared anew each time, which costs more than
/// running it: here lists of one size share a statement, and sizes are powers of two.
#[derive(Clone, Debug)]
pub(super) struct Among<Column, Id> {
    column: Column,
    ids: Vec<Id>,
}

/// Whether a column's value is one of these, each of which is asked for once.
pub(super) fn among<Column, Id: Copy + Ord>(column: Column, ids: impl IntoIterator<Item = Id>) -> Among<Column, Id> {
    let mut ids: Vec<Id> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    if let Some(last) = ids.last().copied() {
        ids.resize(ids.len().next_power_of_two(), last);
    }
    Among { column, ids }
}

impl<Column, Id> QueryId for Among<Column, Id> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Column, Id> Expression for Among<Column, Id> {
    type SqlType = Bool;
}

impl<Column, Id, GroupBy> ValidGrouping<GroupBy> for Among<Column, Id> {
    type IsAggregate = is_aggregate::No;
}

impl<Column, Id, Source> AppearsOnTable<Source> for Among<Column, Id> where Column: AppearsOnTable<Source> {}

impl<Column, Id, Source> SelectableExpression<Source> for Among<Column, Id> where Column: SelectableExpression<Source> {}

impl<Column, Id, DB> QueryFragment<DB> for Among<Column, Id>
where
    DB: Backend + HasSqlType<BigInt>,
    Column: QueryFragment<DB>,
    Id: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        // An empty list is none of them, in both databases.
        out.push_sql(if self.ids.is_empty() { " IN (NULL" } else { " IN (" });
        for (place, id) in self.ids.iter().enumerate() {
            if place > 0 {
                out.push_sql(", ");
            }
            out.push_bind_param::<BigInt, _>(id)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// `(condition) IS TRUE`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked<Condition>(Condition);

/// A condition that rows found otherwise are held against. No index answers it, so that SQLite, which knows nothing of how many
/// rows there are, isn't led to walk through all that fit it.
pub(super) fn checked<Condition>(condition: Condition) -> Checked<Condition> {
    Checked(condition)
}

impl<Condition: QueryId> QueryId for Checked<Condition> {
    type QueryId = Checked<Condition::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Condition::HAS_STATIC_QUERY_ID;
}

impl<Condition> Expression for Checked<Condition> {
    type SqlType = Bool;
}

impl<Condition, GroupBy> ValidGrouping<GroupBy> for Checked<Condition> {
    type IsAggregate = is_aggregate::No;
}

impl<Condition, Source> AppearsOnTable<Source> for Checked<Condition> where Condition: AppearsOnTable<Source> {}

impl<Condition, Source> SelectableExpression<Source> for Checked<Condition> where Condition: SelectableExpression<Source>
{}

impl<Condition, DB> QueryFragment<DB> for Checked<Condition>
where
    DB: Backend,
    Condition: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") IS TRUE");
        Ok(())
    }
}

/// What a query that is counted selects: a value of its own costs a third less than the id of each row.
pub(super) fn nothing() -> diesel::dsl::AsExprOf<i64, BigInt> {
    0_i64.into_sql::<BigInt>()
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
