//! One connection type over both databases, chosen by the URL's scheme.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use diesel::connection::SimpleConnection;
use diesel::r2d2::R2D2Connection;
use diesel::sql_types::Text;
use diesel::{Connection, ConnectionError, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use url::Url;

/// A connection to either database. Only `dialect.rs` and this file look inside.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    /// A file of SQLite's that nobody writes any more, read as it lies: nothing is made beside it.
    ///
    /// # Errors
    /// If it is no such file.
    pub fn finished_file(path: &Path) -> anyhow::Result<Self> {
        let path = path.canonicalize().with_context(|| format!("{}: there is no such file", path.display()))?;
        let mut url = Url::from_file_path(&path)
            .map_err(|()| anyhow::anyhow!("{}: this is no path of a file", path.display()))?;
        url.set_query(Some("mode=ro&immutable=1"));
        Ok(Self::Sqlite(SqliteConnection::establish(url.as_str())?))
    }

    /// Brings what SQLite keeps beside a file into the file itself.
    ///
    /// # Errors
    /// If it is no such file, or is damaged.
    pub fn fold_log(file: &Path) -> anyhow::Result<()> {
        let mut conn = SqliteConnection::establish(&file.to_string_lossy())?;
        conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(())
    }

    /// Writes what an SQLite database holds at this moment into a new file, without room to spare. Others may write meanwhile.
    ///
    /// # Errors
    /// If the file is there already, or can't be written.
    pub fn compact_into(&mut self, file: &Path) -> QueryResult<()> {
        // The settings of this connection would hold what is sorted in memory.
        diesel::sql_query("PRAGMA temp_store = FILE").execute(self)?;
        let file = file.to_string_lossy().into_owned();
        diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(file).execute(self).map(drop)
    }
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

impl DatabaseUrl {
    /// The SQLite file of a data folder.
    #[must_use]
    pub fn in_folder(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join(crate::backup::DATABASE))
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        const ALLOWED: &str =
            "not a database Fairdial knows; allowed: postgres://user@host/name, sqlite:PATH or a path";
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(url.to_owned()))
        } else if path.is_empty() || path.contains("://") {
            Err(ALLOWED.to_owned())
        } else {
            Ok(Self::Sqlite(PathBuf::from(path)))
        }
    }
}

// A PostgreSQL URL carries a password: never print it.
impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Self::Postgres(_) => out.write_str("postgres://…"),
        }
    }
}

/// Stated for each connection, not inherited from how SQLite was built; the timeout first, so that the rest may wait.
const SQLITE_SETTINGS: &[&str] = &[
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
    // A batch of decisions alone writes ten megabytes of pages; by SQLite's own measure of four each would wait for a checkpoint.
    "PRAGMA wal_autocheckpoint = 4000",
];

/// Nothing a request does may hold PostgreSQL longer.
const POSTGRES_SETTINGS: &str = "SET TIME ZONE 'UTC'; SET lock_timeout = '5s'; SET statement_timeout = '60s'";

impl r2d2::ManageConnection for DatabaseUrl {
    type Connection = AnyConnection;
    type Error = ConnectionError;

    fn connect(&self) -> Result<AnyConnection, ConnectionError> {
        match self {
            Self::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
                for setting in SQLITE_SETTINGS {
                    conn.batch_execute(setting).map_err(ConnectionError::CouldntSetupConfiguration)?;
                }
                Ok(AnyConnection::Sqlite(conn))
            }
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(url)?;
                conn.batch_execute(POSTGRES_SETTINGS).map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(AnyConnection::Postgres(conn))
            }
        }
    }

    fn is_valid(&self, conn: &mut AnyConnection) -> Result<(), ConnectionError> {
        conn.ping().map_err(ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, conn: &mut AnyConnection) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}
