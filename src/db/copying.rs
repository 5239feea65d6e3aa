//! Copies everything from one database into another, empty one: every table that the databases themselves name, row by row.
//!
//! Nothing here knows a table, so none can be forgotten. One transaction on each side: the copy is what was there at one
//! moment, and it is there whole or not at all.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::dialect::catalogue::{self, Column, Reference, Tables, Value, Written};
use super::dialect::{in_snapshot, in_write_transaction, prepare_copying, secondary_indexes};
use super::migrations::{self, MigrateError};
use super::{AnyConnection, Db, DbError, audit, database_failure};

/// Tables that migrations put a row into; these rows give way to the copied ones. A change of theirs is always audited, so
/// that an empty audit log says that they are as they were made.
const SEEDED: [&str; 3] = ["audit_head", "counters", "policy"];

/// So many values go with one statement: SQLite takes 32,766.
const MOST_VALUES: usize = 8_000;

/// So many bytes of text are held at once.
const MOST_BYTES: usize = 1 << 20;

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the target has rows already, in the table {0}: name an empty database")]
    NotEmpty(String),
    #[error("the databases differ in their tables: {0}")]
    TablesDiffer(String),
    #[error("the tables {0} refer to each other in a circle")]
    Circle(String),
    #[error("{table}: a row holds something else in {column} than its kind")]
    Unreadable { table: String, column: String },
    #[error("{table}: a row can't be written: {error}")]
    Unwritable { table: String, error: diesel::result::Error },
    #[error("{table}: {there} rows were there, and {copied} were copied")]
    Miscounted { table: String, there: i64, copied: i64 },
    #[error("the source was changed while it was copied: stop its servers, then copy again")]
    Changed,
    #[error(transparent)]
    Schema(#[from] MigrateError),
    #[error(transparent)]
    Database(DbError),
}

database_failure!(CopyError);

/// Whether the source may be changed while it is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A server may go on: the copy is what was there when it began.
    MayChange,
    /// What would be written meanwhile would be lost, so nothing may be.
    StandsStill,
}

/// How many rows each table has, in both databases.
pub type Copied = BTreeMap<String, i64>;

/// Copies all rows of `from` into `to`, which has the same schema and no rows; `step` hears of each batch.
///
/// # Errors
/// If the target has rows, the schemas differ, or a database fails; then the target is as it was.
pub fn everything(from: &Db, to: &Db, source: Source, step: impl FnMut(u64)) -> Result<Copied, CopyError> {
    to.read_blocking(|conn| {
        prepare_copying(conn)?;
        in_write_transaction(conn, |to| into_transaction(from, to, source, step))
    })
}

/// The same into a database whose tables and rows all give way, in the same transaction.
///
/// # Errors
/// As there.
pub fn instead_of_everything(from: &Db, to: &Db) -> Result<Copied, CopyError> {
    to.read_blocking(|conn| {
        prepare_copying(conn)?;
        in_write_transaction(conn, |to| {
            migrations::start_over(to)?;
            into_transaction(from, to, Source::MayChange, |_| ())
        })
    })
}

/// Refuses a database with rows. One without any tables has none.
///
/// # Errors
/// If it has, or can't be asked.
pub fn demand_empty(db: &Db) -> Result<(), CopyError> {
    db.read_blocking(|conn| {
        let tables = catalogue::tables(conn)?;
        refuse_rows(conn, &tables)
    })
}

fn into_transaction(
    from: &Db,
    to: &mut AnyConnection,
    source: Source,
    mut step: impl FnMut(u64),
) -> Result<Copied, CopyError> {
    let (copied, last) = from.read_blocking(|conn| {
        prepare_copying(conn)?;
        in_snapshot(conn, |from| {
            let last = audit::last_number(from)?;
            Ok::<_, CopyError>((copy_tables(from, to, &mut step)?, last))
        })
    })?;
    // Whatever people and programs change is audited.
    if source == Source::StandsStill && from.read_blocking::<_, DbError>(|conn| Ok(audit::last_number(conn)?))? != last
    {
        return Err(CopyError::Changed);
    }
    Ok(copied)
}

/// How many rows there are to copy, for those who want to show how far it has come.
///
/// # Errors
/// If the database can't be asked.
pub fn count_rows(db: &Db) -> Result<u64, DbError> {
    db.read_blocking(|conn| {
        prepare_copying(conn)?;
        let tables = catalogue::tables(conn)?;
        let counts = tables.keys().map(|table| count(conn, table)).collect::<QueryResult<Vec<_>>>()?;
        Ok(u64::try_from(counts.iter().sum::<i64>()).unwrap_or_default())
    })
}

fn copy_tables(
    from: &mut AnyConnection,
    to: &mut AnyConnection,
    step: &mut impl FnMut(u64),
) -> Result<Copied, CopyError> {
    let tables = catalogue::tables(to)?;
    let theirs = catalogue::tables(from)?;
    if let Some(table) = tables.keys().chain(theirs.keys()).find(|table| tables.get(*table) != theirs.get(*table)) {
        return Err(CopyError::TablesDiffer(table.clone()));
    }
    let references = catalogue::references(to)?;
    let order = in_order(&tables, &references)?;
    refuse_rows(to, &tables)?;
    for table in SEEDED {
        diesel::sql_query(format!("DELETE FROM {table}")).execute(to)?;
    }
    let indexes = take_indexes_away(to, &tables)?;
    let mut copied = Copied::new();
    for table in order {
        let columns = tables.get(table).map(Vec::as_slice).unwrap_or_default();
        copy_rows(from, to, (table, columns, &order_of_rows(table, columns, &references)), step)?;
    }
    for statement in indexes {
        diesel::sql_query(statement).execute(to)?;
    }
    for table in tables.into_keys() {
        let (there, now) = (count(from, &table)?, count(to, &table)?);
        if there != now {
            return Err(CopyError::Miscounted { table, there, copied: now });
        }
        copied.insert(table, now);
    }
    Ok(copied)
}

/// The tables so that each comes after those it refers to.
fn in_order<'t>(tables: &'t Tables, references: &[Reference]) -> Result<Vec<&'t str>, CopyError> {
    let mut order: Vec<&str> = Vec::with_capacity(tables.len());
    let mut left: Vec<&str> = tables.keys().map(String::as_str).collect();
    while !left.is_empty() {
        let is_ready = |table: &&str| {
            let mut needs = references.iter().filter(|reference| reference.from == *table && reference.to != *table);
            needs.all(|reference| order.contains(&reference.to.as_str()))
        };
        let (ready, waiting): (Vec<&str>, Vec<&str>) = left.into_iter().partition(is_ready);
        if ready.is_empty() {
            return Err(CopyError::Circle(waiting.join(", ")));
        }
        order.extend(ready);
        left = waiting;
    }
    Ok(order)
}

/// By the key, as an index keeps them; before that the rows that name no other row of their table.
fn order_of_rows(table: &str, columns: &[Column], references: &[Reference]) -> String {
    let own = references.iter().filter(|reference| reference.from == table && reference.to == table);
    let own = own.map(|reference| format!("\"{}\" IS NOT NULL", reference.column));
    let mut key: Vec<&Column> = columns.iter().filter(|column| column.in_key > 0).collect();
    key.sort_by_key(|column| column.in_key);
    own.chain(key.iter().map(|column| format!("\"{}\"", column.name))).collect::<Vec<_>>().join(", ")
}

fn refuse_rows(to: &mut AnyConnection, tables: &Tables) -> Result<(), CopyError> {
    for table in tables.keys().filter(|table| !SEEDED.contains(&table.as_str())) {
        if has_rows(to, table)? {
            return Err(CopyError::NotEmpty(table.clone()));
        }
    }
    Ok(())
}

/// Drops the indexes that are no keys; gives the statements that make them again. Sorting once at the end costs a fraction of
/// a million insertions all over the place.
fn take_indexes_away(to: &mut AnyConnection, tables: &Tables) -> QueryResult<Vec<String>> {
    let mut statements = Vec::new();
    for table in tables.keys() {
        for (name, statement) in secondary_indexes(to, table)? {
            diesel::sql_query(format!("DROP INDEX \"{name}\"")).execute(to)?;
            statements.push(statement);
        }
    }
    Ok(statements)
}

fn copy_rows(
    from: &mut AnyConnection,
    to: &mut AnyConnection,
    (table, columns, order): (&str, &[Column], &str),
    step: &mut impl FnMut(u64),
) -> Result<(), CopyError> {
    let most = (MOST_VALUES / columns.len().max(1)).max(1);
    let (mut batch, mut bytes) = (Vec::with_capacity(most), 0_usize);
    let mut write = |batch: &mut Vec<Vec<Value>>| {
        catalogue::insert_rows(to, table, columns, batch)
            .map_err(|error| CopyError::Unwritable { table: table.to_owned(), error })?;
        step(u64::try_from(batch.len()).unwrap_or_default());
        batch.clear();
        Ok::<(), CopyError>(())
    };
    catalogue::each_row(from, table, columns, order, |Written(cells)| {
        let mut row = Vec::with_capacity(columns.len());
        for (column, cell) in columns.iter().zip(cells) {
            bytes = bytes.saturating_add(cell.as_ref().map_or(0, String::len));
            let unreadable = || CopyError::Unreadable { table: table.to_owned(), column: column.name.clone() };
            row.push(Value::read(column.kind, cell).ok_or_else(unreadable)?);
        }
        batch.push(row);
        if batch.len() >= most || bytes >= MOST_BYTES {
            bytes = 0;
            write(&mut batch)?;
        }
        Ok::<(), CopyError>(())
    })?;
    write(&mut batch)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(conn: &mut AnyConnection, table: &str) -> QueryResult<i64> {
    diesel::sql_query(format!("SELECT COUNT(*) AS count FROM \"{table}\""))
        .get_result(conn)
        .map(|found: Count| found.count)
}

fn has_rows(conn: &mut AnyConnection, table: &str) -> QueryResult<bool> {
    let one = format!("SELECT COUNT(*) AS count FROM (SELECT 1 FROM \"{table}\" LIMIT 1) AS first");
    diesel::sql_query(one).get_result(conn).map(|found: Count| found.count > 0)
}
