//! `fairdial copy`: everything from one database into another, and back, and nothing into one that is in use.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use fairdial::auth::Actor;
use fairdial::db::copying::{self, CopyError, Source};
use fairdial::db::{Db, buyers};
use fairdial::domain::Instant;
use tempfile::TempDir;

use super::desk::{Done, STRONG, command, run};
use crate::schema::declared;
use crate::support::app::NOW;
use crate::support::database::{Backend, RawConnection, TestDatabase};

/// A folder with databases in it.
struct Shelf {
    folder: TempDir,
}

impl Shelf {
    fn new() -> Self {
        Self { folder: TempDir::with_prefix("fairdial-copying-").unwrap() }
    }

    /// A new database of one kind; each SQLite file has a folder of its own.
    fn database(&self, backend: Backend, name: &str) -> TestDatabase {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        TestDatabase::create_on(backend, &folder)
    }

    /// An SQLite database in which every table has a row, and the audit log a chain.
    fn full(&self, name: &str) -> TestDatabase {
        let database = self.database(Backend::Sqlite, name);
        database.connect().batch_execute(include_str!("one_of_each.sql")).unwrap();
        let add = ["user", "add", "--email", "ada@desk.example", "--name", "Ada", "--role", "manager"];
        let add = [&add[..], &["--permission", "settings", "--password-stdin"]].concat();
        run(command(self.folder.path(), database.url(), &add), STRONG).ok();
        database
    }

    fn copy(&self, from: &TestDatabase, to: &TestDatabase) -> Done {
        copy(self.folder.path(), from.url(), to.url())
    }
}

fn copy(folder: &Path, from: &str, to: &str) -> Done {
    run(command(folder, "sqlite:/nowhere", &["copy", "--from", from, "--to", to, "--json"]), "")
}

fn open(database: &TestDatabase) -> Db {
    Db::open(database.url().parse().unwrap()).unwrap()
}

fn texts(database: &TestDatabase, query: &str) -> Vec<String> {
    diesel::dsl::sql::<Text>(query).load(&mut database.connect()).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn count(connection: &mut RawConnection, of: &str) -> i64 {
    diesel::dsl::sql::<BigInt>(&format!("SELECT COUNT(*) FROM {of}")).get_result(connection).unwrap()
}

/// Every table that the program declares.
fn declared_tables() -> Vec<String> {
    let mut tables: Vec<String> = declared().into_keys().map(|(table, _)| table).collect();
    tables.dedup();
    assert!(tables.len() > 35, "only {} tables", tables.len());
    tables
}

/// Every row of every table as SQLite keeps it, its kinds of values and what is reckoned too.
fn contents(database: &TestDatabase) -> Vec<String> {
    let row_of = |table: &str| {
        let columns = format!("SELECT name FROM pragma_table_xinfo('{table}') ORDER BY name");
        let columns: Vec<String> = texts(database, &columns).iter().map(|name| format!("quote(\"{name}\")")).collect();
        let row = format!("SELECT '{table}|' || {} AS line FROM {table} ORDER BY line", columns.join(" || '|' || "));
        texts(database, &row)
    };
    declared_tables().iter().flat_map(|table| row_of(table)).collect()
}

/// The tables, indexes and triggers.
fn shape(database: &TestDatabase) -> Vec<String> {
    texts(
        database,
        match database.backend() {
            Backend::Sqlite => "SELECT name || ': ' || coalesce(sql, '') AS line FROM sqlite_schema ORDER BY line",
            Backend::Postgres => {
                "SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'public' \
                 UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal \
                 UNION ALL SELECT conrelid::regclass || pg_get_constraintdef(oid) FROM pg_constraint ORDER BY line"
            }
        },
    )
}

#[test]
fn everything_goes_to_the_other_database_and_comes_back_as_it_was() {
    let shelf = Shelf::new();
    let there = shelf.full("there");
    let between = shelf.database(Backend::of_this_run(), "between");
    let back = shelf.database(Backend::Sqlite, "back");
    let (bare, bare_back) = (shape(&between), shape(&back));

    let gone = shelf.copy(&there, &between).ok().json();
    let returned = shelf.copy(&between, &back).ok().json();

    for table in declared_tables() {
        let rows = count(&mut there.connect(), &table);
        assert!(rows > 0, "{table}: give it a row in one_of_each.sql, so that this test sees it copied");
        assert_eq!((&gone["tables"][&table], count(&mut between.connect(), &table)), (&rows.into(), rows), "{table}");
    }
    assert_eq!(gone, returned);
    assert_eq!(contents(&there), contents(&back));
    assert_eq!((shape(&between), shape(&back)), (bare, bare_back), "indexes and triggers are as in a new database");
    let verified =
        |database: &TestDatabase| run(command(shelf.folder.path(), database.url(), &["audit", "verify"]), "").ok().out;
    assert!(verified(&there).starts_with("1:"));
    assert_eq!((verified(&between), verified(&back)), (verified(&there), verified(&there)));
}

#[test]
fn a_row_that_was_copied_is_as_unchangeable_as_it_was() {
    let shelf = Shelf::new();
    let (from, to) = (shelf.full("from"), shelf.database(Backend::of_this_run(), "to"));
    shelf.copy(&from, &to).ok();
    for change in ["DELETE FROM audit_log", "UPDATE adjustments SET credit = 1", "DELETE FROM adjustments"] {
        let refused = to.connect().batch_execute(change).unwrap_err().to_string();
        assert!(refused.contains("can't be changed"), "{change}: {refused}");
    }
}

#[test]
fn only_an_empty_database_is_filled() {
    let shelf = Shelf::new();
    let (from, to) = (shelf.full("from"), shelf.database(Backend::of_this_run(), "to"));
    run(command(shelf.folder.path(), to.url(), &["buyer", "add", "--name", "Acme"]), "").ok();

    shelf.copy(&from, &to).refused(1, "has rows already, in the table audit_log");

    assert_eq!(texts(&to, "SELECT name FROM buyers"), ["Acme"]);
    shelf.copy(&from, &from).refused(2, "the same database");
}

#[test]
fn only_a_database_of_this_programs_schema_is_copied() {
    let shelf = Shelf::new();
    let (from, to) = (shelf.full("from"), shelf.database(Backend::of_this_run(), "to"));
    let missing = format!("sqlite:{}", shelf.folder.path().join("nowhere.sqlite3").display());
    copy(shelf.folder.path(), &missing, to.url()).refused(1, "there is no database yet");
    assert!(!shelf.folder.path().join("nowhere.sqlite3").exists());

    let newest = texts(&from, "SELECT MAX(version) FROM __diesel_schema_migrations").remove(0);
    let pretend = |version: &str| {
        let change = format!("UPDATE __diesel_schema_migrations SET version = '{version}' WHERE version = '{newest}'");
        from.connect().batch_execute(&change).unwrap();
    };
    pretend("20991231000000");
    shelf.copy(&from, &to).refused(1, "20991231000000, newer than this program's");
    from.connect().batch_execute("DELETE FROM __diesel_schema_migrations WHERE version > '2099'").unwrap();
    shelf.copy(&from, &to).refused(1, &format!("this program's is {newest}"));
    from.connect().batch_execute("DROP TABLE __diesel_schema_migrations").unwrap();
    shelf.copy(&from, &to).refused(1, "no database of Fairdial's");
    assert_eq!(count(&mut to.connect(), "users"), 0);
}

#[test]
fn a_source_that_is_changed_meanwhile_is_not_copied_unless_that_is_meant() {
    let shelf = Shelf::new();
    let (from, to) = (shelf.full("from"), shelf.database(Backend::of_this_run(), "to"));
    let now: Instant = NOW.parse().unwrap();
    let (source, target) = (open(&from), open(&to));
    let copying = |how, name: &str| {
        let mut is_first = true;
        copying::everything(&source, &target, how, |_| {
            if std::mem::take(&mut is_first) {
                source.write_blocking(|conn| buyers::insert(conn, &Actor::operator(), name, None, now)).unwrap();
            }
        })
    };

    assert!(matches!(copying(Source::StandsStill, "Thornbury"), Err(CopyError::Changed)));
    assert_eq!((count(&mut to.connect(), "buyers"), count(&mut to.connect(), "policy")), (0, 1), "it is as it was");

    // What is written meanwhile isn't in it, nor half of it.
    copying(Source::MayChange, "Wexcombe").unwrap();
    let names = texts(&to, "SELECT name FROM buyers ORDER BY name");
    assert!(names.contains(&"Thornbury".to_owned()) && !names.contains(&"Wexcombe".to_owned()), "{names:?}");
    assert_eq!(count(&mut to.connect(), "audit_log"), 2);
}

#[test]
fn a_row_that_does_not_fit_leaves_the_target_as_it_was() {
    let shelf = Shelf::new();
    let (from, to) = (shelf.full("from"), shelf.database(Backend::of_this_run(), "to"));
    let bare = shape(&to);
    let damage = "PRAGMA foreign_keys = OFF; UPDATE messages SET dispute_id = 799";
    from.connect().batch_execute(damage).unwrap();

    shelf.copy(&from, &to).refused(1, "messages: a row can't be written");

    assert_eq!((count(&mut to.connect(), "users"), count(&mut to.connect(), "policy")), (0, 1));
    assert_eq!(shape(&to), bare);
    from.connect().batch_execute("UPDATE messages SET dispute_id = 702; UPDATE users SET epoch = 'many'").unwrap();
    shelf.copy(&from, &to).refused(1, "users: a row holds something else in epoch than its kind");
}
