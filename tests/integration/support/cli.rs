//! The program itself, run as a command on its own database and folder.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use diesel::prelude::*;
use fairdial::db::{AnyConnection, Db, DbError};
use tempfile::TempDir;

use super::database::TestDatabase;

/// A folder and a database for the commands of one test.
pub(crate) struct Desk {
    db: Db,
    database: TestDatabase,
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("fairdial-test-").expect("a folder for the test");
        let database = TestDatabase::create(folder.path());
        let db = Db::open(database.url().parse().expect("a database URL")).expect("the database opens");
        Self { db, database, folder }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// A path in the folder of the test.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("the folder's name is UTF-8").to_owned()
    }

    /// Writes a file into the folder of the test; gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("the file is written");
        path
    }

    /// `fairdial`, with the settings of this test.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairdial"));
        command.args(arguments).arg("--data-dir").arg(self.folder.path());
        command.arg("--database-url").arg(self.database.url());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// What the test asks the database.
    pub(crate) fn read<T>(&self, ask: impl FnOnce(&mut AnyConnection) -> QueryResult<T>) -> T {
        self.db.read_blocking::<_, DbError>(|conn| Ok(ask(conn)?)).expect("the database answers")
    }

    /// Changes with every change that an import could make.
    pub(crate) fn digest(&self) -> Vec<String> {
        use diesel::dsl::sql;
        use diesel::sql_types::Text;
        let tables = "SELECT 'audit ' || seq AS n FROM audit_head UNION ALL \
            SELECT 'calls ' || COUNT(*) || ' ' || COALESCE(SUM(payout), 0) || ' ' || COALESCE(CAST(MAX(updated_at) AS TEXT), '') FROM calls UNION ALL \
            SELECT 'raws ' || COUNT(*) || ' ' || COALESCE(SUM(LENGTH(raw)), 0) FROM call_raws UNION ALL \
            SELECT 'buyers ' || COUNT(*) FROM buyers UNION ALL SELECT 'publishers ' || COUNT(*) FROM publishers UNION ALL \
            SELECT 'campaigns ' || COUNT(*) FROM campaigns UNION ALL \
            SELECT 'choices ' || COUNT(*) FROM buyer_destinations UNION ALL \
            SELECT 'disputes ' || COUNT(*) || ' ' || COALESCE(SUM(payout), 0) FROM disputes";
        self.read(|conn| sql::<Text>(tables).load(conn))
    }
}
