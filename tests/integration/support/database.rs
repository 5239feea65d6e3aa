//! A database of its own for every test: a copy of a template that is migrated once.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use tempfile::TempDir;

use super::postgres::Postgres;

/// Which database the whole run uses: `FAIRDIAL_TEST_DATABASE=sqlite` (the default) or `postgres`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// The backend of this run.
    pub(crate) fn of_this_run() -> Self {
        match std::env::var_os("FAIRDIAL_TEST_DATABASE") {
            None => Self::Sqlite,
            Some(name) if name == "sqlite" => Self::Sqlite,
            Some(name) if name == "postgres" => Self::Postgres,
            Some(other) => panic!("FAIRDIAL_TEST_DATABASE is {}: sqlite or postgres", other.display()),
        }
    }
}

/// One migrated, otherwise empty database.
pub(crate) struct TestDatabase {
    backend: Backend,
    url: String,
    /// The file, or the name on the server.
    name: String,
}

impl TestDatabase {
    /// A database for one test; the SQLite file lies in `folder`.
    pub(crate) fn create(folder: &Path) -> Self {
        Self::create_on(Backend::of_this_run(), folder)
    }

    /// The same on a named backend, for tests about both.
    pub(crate) fn create_on(backend: Backend, folder: &Path) -> Self {
        match backend {
            Backend::Sqlite => {
                let file = folder.join("fairdial.sqlite3");
                fs::write(&file, sqlite_template()).expect("the template is written");
                let name = file.to_str().expect("the folder's name is UTF-8").to_owned();
                let url = format!("sqlite:{name}");
                Self { backend, url, name }
            }
            Backend::Postgres => {
                static NUMBER: AtomicU32 = AtomicU32::new(0);
                let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
                let template = postgres_template();
                administrate(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
                Self { backend, url: Postgres::shared().url(&name), name }
            }
        }
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// What `--database-url` takes.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection past the app, for tests that look at or damage rows.
    pub(crate) fn connect(&self) -> RawConnection {
        match self.backend {
            Backend::Sqlite => {
                let mut connection = SqliteConnection::establish(&self.name).expect("the file opens");
                connection
                    .batch_execute("PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;")
                    .expect("the pragmas are taken");
                RawConnection::Sqlite(connection)
            }
            Backend::Postgres => {
                RawConnection::Postgres(PgConnection::establish(&self.url).expect("the server answers"))
            }
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A pool may still hold connections; they belong to a test that is over. A panic in here
        // would hide the test's own.
        if self.backend == Backend::Postgres
            && let Ok(mut connection) = PgConnection::establish(&Postgres::shared().url("postgres"))
            && let Err(error) = connection.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name))
        {
            eprintln!("{} stays until the server stops: {error}", self.name);
        }
    }
}

/// A connection of the test itself.
#[derive(diesel::MultiConnection)]
pub(crate) enum RawConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

fn sqlite_template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = TempDir::with_prefix("fairdial-template-").expect("a folder for the template");
        let file = folder.path().join("template.db");
        let url = file.to_str().expect("the folder's name is UTF-8");
        let mut connection = SqliteConnection::establish(url).expect("the template opens");
        migrate(&mut connection, "migrations/sqlite");
        drop(connection);
        fs::read(&file).expect("the template is readable")
    })
}

fn postgres_template() -> &'static str {
    static TEMPLATE: OnceLock<()> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        administrate("CREATE DATABASE fairdial_template");
        let url = Postgres::shared().url("fairdial_template");
        let mut connection = PgConnection::establish(&url).expect("the template opens");
        migrate(&mut connection, "migrations/postgres");
    });
    "fairdial_template"
}

fn migrate<C: MigrationHarness<DB>, DB: diesel::backend::Backend>(connection: &mut C, folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let migrations = FileBasedMigrations::from_path(folder).expect("the migrations are readable");
    connection.run_pending_migrations(migrations).expect("every migration runs");
}

/// Runs a statement about whole databases.
fn administrate(statement: &str) {
    let mut connection = PgConnection::establish(&Postgres::shared().url("postgres")).expect("the server answers");
    connection.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
}
