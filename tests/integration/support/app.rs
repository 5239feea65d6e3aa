//! The app under test, in this process, with its own database and folder.

use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;

use actix_web::dev::ServerHandle;
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
    // Dropped in this order: the database before the folder that may hold its file.
    database: TestDatabase,
    folder: TempDir,
}

impl TestApp {
    /// Starts whatever `start` starts on a free port of its own.
    pub(crate) async fn start_with<F>(start: impl FnOnce(Launch) -> F) -> Self
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
        Self { origin: format!("http://{address}"), server, database, folder }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn origin(&self) -> &str {
        &self.origin
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
        person.ensure(&self.database);
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
