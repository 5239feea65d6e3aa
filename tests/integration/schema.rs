//! Two sets of migrations, one schema: both databases and `src/db/schema.rs` have the same tables and columns.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use tempfile::TempDir;

use crate::support::database::{Backend, TestDatabase};

/// By table and column: whether it may be null.
pub(crate) type Columns = BTreeMap<(String, String), bool>;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    detail: String,
}

fn ask(statement: &str) -> Vec<Found> {
    let folder = TempDir::new().expect("a folder");
    let database = TestDatabase::create(folder.path());
    sql_query(statement).load(&mut database.connect()).expect("the catalogue answers")
}

/// What the database has, diesel's own table aside.
fn columns() -> Columns {
    let statement = match Backend::of_this_run() {
        Backend::Sqlite => {
            "SELECT t.name AS place, c.name AS name, CASE WHEN c.\"notnull\" THEN 'NO' ELSE 'YES' END AS detail \
             FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' \
             AND t.name <> '__diesel_schema_migrations'"
        }
        Backend::Postgres => {
            "SELECT table_name::text AS place, column_name::text AS name, is_nullable::text AS detail \
             FROM information_schema.columns WHERE table_schema = 'public' \
             AND table_name <> '__diesel_schema_migrations'"
        }
    };
    ask(statement).into_iter().map(|found| ((found.place, found.name), found.detail == "YES")).collect()
}

/// What `src/db/schema.rs` says, read as text: the macro's own names are types.
pub(crate) fn declared() -> Columns {
    let mut columns = Columns::new();
    let mut table = None;
    for line in include_str!("../../src/db/schema.rs").lines().map(str::trim) {
        if line == "}" {
            table = None;
        }
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            table = Some(name.to_owned());
        } else if let (Some(table), Some((column, kind))) = (&table, line.split_once(" -> ")) {
            columns.insert((table.clone(), column.to_owned()), kind.starts_with("Nullable<"));
        }
    }
    columns
}

#[test]
fn the_database_has_the_tables_and_columns_that_the_program_names() {
    let (found, declared) = (columns(), declared());
    assert!(declared.len() > 150, "only {} columns are declared", declared.len());
    let only = |one: &Columns, other: &Columns| -> Vec<String> {
        let differs = one.iter().filter(|(place, null)| other.get(*place) != Some(null));
        differs.map(|((table, column), null)| format!("{table}.{column}, null: {null}")).collect()
    };
    assert_eq!(only(&found, &declared), Vec::<String>::new(), "in the database, and not so in schema.rs");
    assert_eq!(only(&declared, &found), Vec::<String>::new(), "in schema.rs, and not so in the database");
}

/// Foreign keys without an index of their own, each with its reason.
const WITHOUT_INDEX: &[(&str, &str)] = &[
    // Publishers, campaigns and users are never removed, and nothing looks calls up by them, or disputes by these, alone.
    ("calls", "publisher_id"),
    ("calls", "campaign_id"),
    ("disputes", "created_by"),
    ("disputes", "submitted_by"),
    ("disputes", "filed_by_manager"),
    ("evidence", "uploaded_by"),
    ("messages", "author_id"),
    ("adjustments", "created_by"),
    // The uploads of a call are only asked for with their user, and there are few: they go after a day.
    ("staged_uploads", "call_id"),
    // Buyers are never removed, events go after a month, and there are at most fifty receivers.
    ("outbox", "buyer_id"),
    ("webhook_endpoints", "buyer_id"),
];

#[test]
fn every_foreign_key_has_an_index_or_a_reason() {
    // The first columns of indexes, those of keys too.
    let (keys, firsts) = match Backend::of_this_run() {
        Backend::Sqlite => (
            "SELECT t.name AS place, f.\"from\" AS name, '' AS detail \
             FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
            "SELECT t.name AS place, c.name AS name, '' AS detail \
             FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c \
             WHERE t.type = 'table' AND c.seqno = 0 AND i.partial = 0 \
             UNION SELECT t.name, c.name, '' FROM sqlite_schema t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND c.pk = 1",
        ),
        Backend::Postgres => (
            "SELECT conrelid::regclass::text AS place, attname::text AS name, '' AS detail FROM pg_constraint \
             JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'f'",
            "SELECT indrelid::regclass::text AS place, attname::text AS name, '' AS detail FROM pg_index \
             JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] WHERE indpred IS NULL",
        ),
    };
    let places = |statement| -> BTreeSet<(String, String)> {
        ask(statement).into_iter().map(|found| (found.place, found.name)).collect()
    };
    let (keys, firsts) = (places(keys), places(firsts));
    assert!(keys.len() > 30, "only {} foreign keys", keys.len());
    let bare: BTreeSet<(&str, &str)> =
        keys.difference(&firsts).map(|(table, column)| (table.as_str(), column.as_str())).collect();
    assert_eq!(bare, WITHOUT_INDEX.iter().copied().collect(), "a key without an index, or a reason without a key");
}
