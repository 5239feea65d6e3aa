//! A running desk with its data folder, the backups beside it, and the homes they are brought back to.

use std::path::{Path, PathBuf};

use fairdial::auth::{Granted, Viewer};
use fairdial::clock::Clock;
use fairdial::db::Db;
use fairdial::db::evidence::StoredFile;
use fairdial::db::sending::{self, Files};
use fairdial::domain::claim::{Claim, Intent};
use fairdial::file_store::FileStore;
use tempfile::TempDir;

use super::desk::{Desk, Done, command, run};
use crate::support::database::{Backend, TestDatabase};
use crate::support::people::Person;
use crate::support::story::NewCall;

/// A desk whose data folder has only what the program put there.
pub(super) struct Place {
    pub(super) desk: Desk,
    pub(super) around: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let place = Self { desk: Desk::new(), around: TempDir::with_prefix("fairdial-backups-").unwrap() };
        Person::buyer("acme").ensure(&place.db(), Clock::System.now());
        place
    }

    pub(super) fn db(&self) -> Db {
        self.desk.db()
    }

    pub(super) fn store(&self) -> FileStore {
        FileStore::open(self.desk.folder.path()).unwrap()
    }

    /// A path beside the data folder.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.around.path().join(name)
    }

    pub(super) fn back_up(&self, name: &str) -> Done {
        self.desk.run(&["backup", self.beside(name).to_str().unwrap()])
    }

    /// A new data folder and database of the run's kind, for a restore.
    pub(super) fn new_home(&self, name: &str) -> Home {
        let folder = self.beside(name);
        let database = match Backend::of_this_run() {
            Backend::Sqlite => None,
            Backend::Postgres => Some(TestDatabase::create(self.around.path())),
        };
        Home { folder, database }
    }

    /// A dispute with a file, as the form sends it.
    pub(super) fn dispute(&self, text: &str) -> StoredFile {
        file_dispute(&self.db(), &self.store(), text)
    }
}

/// Where a backup is brought back to.
pub(super) struct Home {
    pub(super) folder: PathBuf,
    /// PostgreSQL; SQLite's file lies in the folder.
    pub(super) database: Option<TestDatabase>,
}

impl Home {
    pub(super) fn url(&self) -> String {
        let file = || format!("sqlite:{}", self.folder.join("fairdial.sqlite3").display());
        self.database.as_ref().map_or_else(file, |database| database.url().to_owned())
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Done {
        run(command(&self.folder, &self.url(), arguments), "")
    }

    pub(super) fn restore(&self, backup: &Path, more: &[&str]) -> Done {
        self.run(&[&["restore", backup.to_str().unwrap()], more].concat())
    }

    pub(super) fn db(&self) -> Db {
        Db::open(self.url().parse().unwrap()).unwrap()
    }
}

/// A dispute of acme's with a file, as the form sends it.
pub(super) fn file_dispute(db: &Db, store: &FileStore, text: &str) -> StoredFile {
    let clock = Clock::System;
    let viewer: Viewer = Person::buyer("acme").ensure(db, clock.now());
    let call = NewCall::ordinary(&viewer, clock.now()).add(db);
    let stored = store.put("note.txt", "text/plain", text.as_bytes()).unwrap();
    let grant = Granted::check(&viewer).unwrap();
    let claim = Claim::new("other", "Nobody spoke.", Vec::new());
    let files = Files { received: vec![stored.clone()], limit: 10, ..Files::default() };
    db.write_blocking(|conn| sending::create(conn, &grant, &clock, call, (&claim, &files, Intent::Send))).unwrap();
    stored
}
