//! What the databases themselves say of their tables, and the rows of any table: for copying all of them.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::row::{NamedRow, Row};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Integer};
use diesel::sql_types::{Bool, HasSqlType, Nullable, Text, Timestamp};

use super::super::AnyConnection;
use crate::domain::Instant;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Kind {
    Number,
    Flag,
    Words,
    Moment,
}

/// A column that is written; one that the database reckons isn't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::db) struct Column {
    pub(in crate::db) name: String,
    pub(in crate::db) kind: Kind,
    /// Its place in the table's key, from 1; 0 outside of it.
    pub(in crate::db) in_key: i32,
}

/// The tables with their columns in the order of their names, diesel's own table aside.
pub(in crate::db) type Tables = BTreeMap<String, Vec<Column>>;

/// A column of one table that names a row of another, or of the same.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(in crate::db) struct Reference {
    #[diesel(sql_type = Text)]
    pub(in crate::db) from: String,
    #[diesel(sql_type = Text)]
    pub(in crate::db) column: String,
    #[diesel(sql_type = Text)]
    pub(in crate::db) to: String,
}

#[derive(QueryableByName)]
struct FoundColumn {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    in_key: i32,
}

/// Whether a table is ours, and not the record of migrations.
const OURS: &str = "<> '__diesel_schema_migrations'";

/// Every table there is.
pub(in crate::db) fn tables(conn: &mut AnyConnection) -> QueryResult<Tables> {
    let found: Vec<FoundColumn> = match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(format!(
            "SELECT t.name AS place, c.name AS name, c.type AS kind, c.pk AS in_key \
             FROM sqlite_schema t, pragma_table_xinfo(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND c.hidden = 0 AND t.name {OURS}"
        ))
        .load(conn)?,
        AnyConnection::Postgres(conn) => diesel::sql_query(format!(
            "SELECT c.relname::text AS place, a.attname::text AS name, format_type(a.atttypid, NULL) AS kind, \
             coalesce(array_position(k.indkey::smallint[], a.attnum), -1)::integer + 1 AS in_key \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
             LEFT JOIN pg_index k ON k.indrelid = c.oid AND k.indisprimary \
             WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 \
             AND NOT a.attisdropped AND a.attgenerated = '' AND c.relname {OURS}"
        ))
        .load(conn)?,
    };
    let mut tables = Tables::new();
    for column in found {
        let kind = match column.kind.to_ascii_lowercase().as_str() {
            "integer" | "bigint" => Kind::Number,
            "boolean" => Kind::Flag,
            "text" => Kind::Words,
            "timestamp" | "timestamp without time zone" => Kind::Moment,
            other => {
                let sentence = format!("{}.{} is of the kind {other}, which isn't copied", column.place, column.name);
                return Err(diesel::result::Error::QueryBuilderError(sentence.into()));
            }
        };
        tables.entry(column.place).or_default().push(Column { name: column.name, kind, in_key: column.in_key });
    }
    for columns in tables.values_mut() {
        columns.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(tables)
}

/// Every foreign key.
pub(in crate::db) fn references(conn: &mut AnyConnection) -> QueryResult<Vec<Reference>> {
    match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(
            "SELECT t.name AS \"from\", f.\"from\" AS \"column\", f.\"table\" AS \"to\" \
             FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
        )
        .load(conn),
        AnyConnection::Postgres(conn) => diesel::sql_query(
            "SELECT c.relname::text AS \"from\", a.attname::text AS \"column\", r.relname::text AS \"to\" \
             FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(k.conkey) \
             WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace",
        )
        .load(conn),
    }
}

/// A row as text, column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::db) struct Written(pub(in crate::db) Vec<Option<String>>);

impl<DB: diesel::backend::Backend> QueryableByName<DB> for Written
where
    Option<String>: diesel::deserialize::FromSql<Nullable<Text>, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> diesel::deserialize::Result<Self> {
        let cells = (0..Row::field_count(row)).map(|place| Row::get_value::<Nullable<Text>, _, _>(row, place));
        cells.collect::<Result<_, _>>().map(Self)
    }
}

/// Reads every row of a table in this order, one after the other, and never holds more than one.
pub(in crate::db) fn each_row<E: From<diesel::result::Error>>(
    conn: &mut AnyConnection,
    table: &str,
    columns: &[Column],
    order: &str,
    mut take: impl FnMut(Written) -> Result<(), E>,
) -> Result<(), E> {
    let as_text = |column: &Column| match (&*conn, column.kind) {
        (AnyConnection::Sqlite(_), _) => format!("CAST(\"{}\" AS TEXT)", column.name),
        (AnyConnection::Postgres(_), Kind::Flag) => format!("\"{}\"::integer::text", column.name),
        // Whatever style of dates the server prefers.
        (AnyConnection::Postgres(_), Kind::Moment) => {
            format!("to_char(\"{}\", 'YYYY-MM-DD HH24:MI:SS.US')", column.name)
        }
        (AnyConnection::Postgres(_), _) => format!("\"{}\"::text", column.name),
    };
    let columns: Vec<String> =
        columns.iter().enumerate().map(|(place, column)| format!("{} AS c{place}", as_text(column))).collect();
    let query = diesel::sql_query(format!("SELECT {} FROM \"{table}\" ORDER BY {order}", columns.join(", ")));
    match conn {
        AnyConnection::Sqlite(conn) => {
            for row in query.load_iter::<Written, diesel::connection::DefaultLoadingMode>(conn)? {
                take(row?)?;
            }
        }
        AnyConnection::Postgres(conn) => {
            for row in query.load_iter::<Written, diesel::pg::PgRowByRowLoadingMode>(conn)? {
                take(row?)?;
            }
        }
    }
    Ok(())
}

/// What one column of a row holds, as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::db) enum Value {
    Number(Option<i64>),
    Flag(Option<bool>),
    Words(Option<String>),
    Moment(Option<Instant>),
}

impl Value {
    /// What was written as text; `None` where it is no such thing.
    pub(in crate::db) fn read(kind: Kind, written: Option<String>) -> Option<Self> {
        Some(match kind {
            Kind::Words => Self::Words(written),
            Kind::Number => Self::Number(written.map(|text| text.parse()).transpose().ok()?),
            Kind::Flag => match written.as_deref() {
                None => Self::Flag(None),
                Some("0") => Self::Flag(Some(false)),
                Some("1") => Self::Flag(Some(true)),
                Some(_) => return None,
            },
            Kind::Moment => {
                let moment = written.map(|text| Instant::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f"));
                Self::Moment(moment.transpose().ok()?)
            }
        })
    }
}

/// `INSERT INTO table (columns) VALUES …`
struct Insert<'a> {
    table: &'a str,
    columns: &'a [Column],
    rows: &'a [Vec<Value>],
}

impl QueryId for Insert<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Insert<'_> {}

impl<DB> QueryFragment<DB> for Insert<'_>
where
    DB: diesel::backend::Backend + HasSqlType<BigInt> + HasSqlType<Bool> + HasSqlType<Text> + HasSqlType<Timestamp>,
    i64: ToSql<BigInt, DB>,
    bool: ToSql<Bool, DB>,
    String: ToSql<Text, DB>,
    Instant: ToSql<Timestamp, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Batches differ in length, and each table has its own.
        out.unsafe_to_cache_prepared();
        out.push_sql("INSERT INTO ");
        out.push_identifier(self.table)?;
        for (place, column) in self.columns.iter().enumerate() {
            out.push_sql(if place == 0 { " (" } else { ", " });
            out.push_identifier(&column.name)?;
        }
        out.push_sql(") VALUES ");
        for (place, row) in self.rows.iter().enumerate() {
            out.push_sql(if place == 0 { "(" } else { "), (" });
            for (place, value) in row.iter().enumerate() {
                if place > 0 {
                    out.push_sql(", ");
                }
                match value {
                    Value::Number(value) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                    Value::Flag(value) => out.push_bind_param::<Nullable<Bool>, _>(value)?,
                    Value::Words(value) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                    Value::Moment(value) => out.push_bind_param::<Nullable<Timestamp>, _>(value)?,
                }
            }
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Adds rows to a table.
pub(in crate::db) fn insert_rows(
    conn: &mut AnyConnection,
    table: &str,
    columns: &[Column],
    rows: &[Vec<Value>],
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let insert = Insert { table, columns, rows };
    super::on_backend!(conn, |conn| insert.execute(conn)).map(drop)
}
