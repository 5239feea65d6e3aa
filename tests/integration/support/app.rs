//! The app under test, in this process, with its own database and folder.

use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;

use actix_web::dev::ServerHandle;
use clap::Parser;
use fairdial::auth::Viewer;
use fairdial::clock::Clock;
use fairdial::commands::Cli;
use fairdial::config::Config;
use fairdial::db::{DatabaseUrl, Db};
use tempfile::TempDir;

use super::actor::Actor;
use super::database::TestDatabase;
use super::people::{PASSWORD, Person};

/// What a server is started with.
pub(crate) struct Launch {
    pub(crate) listener: TcpListener,
    pub(crate) database_url: String,
    pub(crate) data_dir: PathBuf,
}

/// A running server; it ends with the test.
pub(crate) struct TestApp {
    origin: String,
    server: ServerHandle,
    clock: Clock,
    db: Db,
    // Dropped in this order: the database before the folder that may hold its file.
    database: TestDatabase,
    folder: TempDir,
}

/// When the tests' clock stands at first: a Friday morning in New York.
pub(crate) const NOW: &str = "2026-11-20T15:42:00";

/// The settings a server would have, from the same command line.
pub(crate) fn config(data_dir: &std::path::Path, database_url: &str) -> Config {
    config_with(data_dir, database_url, &[])
}

/// The same with more of the command line.
pub(crate) fn config_with(data_dir: &std::path::Path, database_url: &str, more: &[&str]) -> Config {
    let data_dir = data_dir.to_str().expect("the folder's name is UTF-8");
    let arguments = ["fairdial", "serve", "--data-dir", data_dir, "--database-url", database_url, "--workers", "2"];
    Cli::try_parse_from(arguments.iter().chain(more)).expect("these settings are right").config
}

impl TestApp {
    /// Starts the app as `fairdial serve` does, on a clock that stands still.
    pub(crate) async fn start() -> Self {
        Self::start_set(|_| {}).await
    }

    /// The same with some settings changed.
    pub(crate) async fn start_set(change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::fixed(NOW.parse().expect("an instant"));
        let own = clock.clone();
        Self::start_on(clock, async |launch: Launch| {
            let mut config = config(&launch.data_dir, &launch.database_url);
            change(&mut config);
            let db = Db::open_current(&config).expect("the database opens");
            let running = fairdial::app::start(config, db, own, launch.listener).expect("the app starts");
            let handle = running.server.handle();
            actix_web::rt::spawn(running.server);
            handle
        })
        .await
    }

    /// Starts whatever `start` starts on a free port of its own.
    pub(crate) async fn start_with<F>(start: impl FnOnce(Launch) -> F) -> Self
    where
        F: Future<Output = ServerHandle>,
    {
        Self::start_on(Clock::fixed(NOW.parse().expect("an instant")), start).await
    }

    async fn start_on<F>(clock: Clock, start: impl FnOnce(Launch) -> F) -> Self
    where
        F: Future<Output = ServerHandle>,
    {
        let folder = TempDir::with_prefix("fairdial-test-").expect("a folder for the test");
        let database = TestDatabase::create(folder.path());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port is known");
        let launch =
            Launch { listener, database_url: database.url().to_owned(), data_dir: folder.path().to_path_buf() };
        let server = start(launch).await;
        let url: DatabaseUrl = database.url().parse().expect("a database URL");
        let db = Db::open(url).expect("the database opens");
        Self { origin: format!("http://{address}"), server, clock, db, database, folder }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The database through the library's own functions.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The clock of the server; `advance` moves it.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How much there is of everything that a request could change, and the last audit entry.
    pub(crate) fn digest(&self) -> Vec<i64> {
        use diesel::dsl::sql;
        use diesel::prelude::*;
        use diesel::sql_types::BigInt;
        use fairdial::db::DbError;
        let tables = "SELECT seq AS n FROM audit_head UNION ALL SELECT COUNT(*) FROM disputes UNION ALL \
            SELECT COALESCE(SUM(version), 0) FROM disputes UNION ALL SELECT COUNT(*) FROM messages UNION ALL \
            SELECT COUNT(*) FROM evidence UNION ALL SELECT COUNT(*) FROM staged_uploads UNION ALL \
            SELECT COUNT(*) FROM notifications WHERE read_at IS NULL UNION ALL SELECT COUNT(*) FROM sessions UNION ALL \
            SELECT COUNT(*) FROM table_settings UNION ALL SELECT COUNT(*) FROM answers";
        self.db
            .read_blocking::<_, DbError>(|conn| Ok(sql::<BigInt>(tables).load(conn)?))
            .expect("the tables are counted")
    }

    /// A person as the library knows them, without signing in.
    pub(crate) fn viewer(&self, person: Person) -> Viewer {
        person.ensure(&self.db, self.clock.now())
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// Somebody who is not signed in.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor::anonymous(&self.origin)
    }

    /// A signed-in user of the buyer, with Dispute Calls; both are made at the first call.
    pub(crate) async fn buyer(&self, company: &'static str) -> Actor {
        self.person(Person::buyer(company)).await
    }

    /// A signed-in manager with every permission, made at the first call.
    pub(crate) async fn manager(&self, name: &'static str) -> Actor {
        self.person(Person::manager(name)).await
    }

    /// Somebody with exactly these permissions, signed in by the real form.
    pub(crate) async fn person(&self, person: Person) -> Actor {
        person.ensure(&self.db, self.clock.now());
        let actor = self.anonymous();
        actor.sign_in(&person.email(), PASSWORD).await;
        actor
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The command is sent by the call; nobody is left to wait for the answer.
        drop(self.server.stop(false));
    }
}
