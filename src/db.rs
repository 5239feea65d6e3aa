//! Every query. Finders start from a scope, writes demand a proof of permission, and both run off the async threads.

pub mod adjustments;
pub mod administration;
pub mod aliases;
pub mod amending;
pub mod answers;
pub mod assignments;
pub mod audit;
pub mod audit_list;
pub mod bulk;
pub mod bulk_jobs;
pub mod buyer_settings;
pub mod buyers;
pub mod call_list;
pub mod call_names;
pub mod call_store;
pub mod calls;
pub mod canned_notes;
pub mod connection;
pub mod copying;
pub mod counters;
mod decisions;
pub mod deliveries;
mod dialect;
pub mod dispute_list;
pub mod disputes;
pub mod evidence;
pub mod facts;
pub mod history;
pub mod imports;
pub mod inspection;
pub mod links;
pub mod mail;
pub mod messages;
pub mod metadata;
pub mod migrations;
pub mod names;
pub mod notifications;
pub mod outbox;
pub mod paging;
pub mod policy;
pub mod presences;
pub mod recording_store;
pub mod recordings;
pub mod reports;
pub mod schema;
pub mod sending;
pub mod sessions;
pub mod stamp;
mod subquery;
pub mod suffixes;
pub mod table_settings;
pub mod throttles;
pub mod tokens;
pub mod transitions;
pub mod users;
pub mod views;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use tokio::sync::Semaphore;

use crate::config::Config;
pub use connection::{AnyConnection, DatabaseUrl};

/// The backend behind [`AnyConnection`], for boxed queries.
pub type Backend = <AnyConnection as diesel::Connection>::Backend;

/// How long a request waits for its turn before it is told that the database is busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a write is tried that lost to another one.
const TRIES: u32 = 3;

/// How many connections serve reads.
const READERS: u32 = 8;

/// What can go wrong with the database itself.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("the database is busy or away")]
    Busy,
    #[error(transparent)]
    Query(QueryError),
    #[error("work on the database broke off: {0}")]
    Broken(String),
}

impl From<QueryError> for DbError {
    fn from(error: QueryError) -> Self {
        if is_passing(&error) { Self::Busy } else { Self::Query(error) }
    }
}

/// An error that work on the database can end in.
pub trait Failure: From<DbError> + From<QueryError> + Send + 'static {
    /// The database's own error behind this one, if any.
    fn db_error(&self) -> Option<&DbError>;
}

impl Failure for DbError {
    fn db_error(&self) -> Option<&DbError> {
        Some(self)
    }
}

/// Gives an error enum with a `Database(DbError)` variant what [`Db`] needs of it.
macro_rules! database_failure {
    ($error:ty) => {
        impl From<$crate::db::DbError> for $error {
            fn from(error: $crate::db::DbError) -> Self {
                Self::Database(error)
            }
        }
        impl From<diesel::result::Error> for $error {
            fn from(error: diesel::result::Error) -> Self {
                Self::Database(error.into())
            }
        }
        impl $crate::db::Failure for $error {
            fn db_error(&self) -> Option<&$crate::db::DbError> {
                match self {
                    Self::Database(error) => Some(error),
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use database_failure;

/// Whether trying again may help: a lock not won in time, a lost connection, a serialization failure, a deadlock.
fn is_passing(error: &QueryError) -> bool {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection, _)
        | QueryError::BrokenTransactionManager => true,
        QueryError::DatabaseError(_, info) => {
            let said = info.message();
            said.contains("database is locked")
                || said.contains("due to lock timeout")
                || said.contains("database table is locked")
                || said.contains("deadlock detected")
                || said.contains("server closed the connection")
                || said.contains("terminating connection")
                || said.contains("no connection to the server")
        }
        _ => false,
    }
}

/// The database: a pool, and a gate that lets one writer at a time into SQLite, in the order they came.
#[derive(Clone)]
pub struct Db {
    pool: r2d2::Pool<DatabaseUrl>,
    readers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
}

/// How much of the database's connections and turns is in use.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: u32,
    pub idle: u32,
    pub readers_free: u32,
    pub writers_free: u32,
}

impl Db {
    /// Opens the database without changing it.
    ///
    /// # Errors
    /// If no connection can be made within some seconds.
    pub fn open(url: DatabaseUrl) -> anyhow::Result<Self> {
        let is_sqlite = url.is_sqlite();
        let writers = if is_sqlite { 1 } else { 8 };
        let pool = r2d2::Pool::builder()
            .max_size(READERS.saturating_add(writers))
            .min_idle(Some(1))
            .test_on_check_out(!is_sqlite)
            .connection_timeout(PATIENCE)
            .error_handler(Box::new(r2d2::LoggingErrorHandler))
            .build(url)?;
        let permits = |count: u32| Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(1)));
        Ok(Self { pool, readers: permits(READERS), writers: permits(writers) })
    }

    /// Opens the database of the settings and brings its schema up to date.
    ///
    /// # Errors
    /// If it can't be reached, migrated, or is newer than this program.
    pub fn open_current(config: &Config) -> anyhow::Result<Self> {
        let url = config.database();
        let db = Self::open(url.clone()).with_context(|| format!("the database {url:?} can't be opened"))?;
        migrations::run(&db)?;
        Ok(db)
    }

    /// How much of it is in use.
    #[must_use]
    pub fn load(&self) -> Load {
        let state = self.pool.state();
        let free = |gate: &Semaphore| u32::try_from(gate.available_permits()).unwrap_or(u32::MAX);
        Load {
            connections: state.connections,
            idle: state.idle_connections,
            readers_free: free(&self.readers),
            writers_free: free(&self.writers),
        }
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// If it doesn't, within some seconds.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.read(|conn| policy::load(conn).map(drop)).await
    }

    /// One connection, off the async threads, for reading only.
    ///
    /// # Errors
    /// What the work ends in, or `Busy` if no connection is free in time.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut AnyConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Failure,
    {
        let _turn = turn(&self.readers).await?;
        let db = self.clone();
        off_thread(move || db.read_blocking(work)).await
    }

    /// One transaction that may write, off the async threads; tried again if it lost to another one.
    ///
    /// # Errors
    /// What the work ends in (nothing is changed then), or `Busy`.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&mut AnyConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Failure,
    {
        let turn = turn(&self.writers).await?;
        let db = self.clone();
        off_thread(move || {
            // Held until the work has ended, also when the request that asked for it is gone.
            let _turn = turn;
            db.write_blocking(work)
        })
        .await
    }

    /// [`Db::read`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn read_blocking<T, E: Failure>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        let mut conn = self.pool.get().map_err(|_timeout| DbError::Busy)?;
        work(&mut conn)
    }

    /// [`Db::write`] for commands.
    ///
    /// # Errors
    /// As there.
    pub fn write_blocking<T, E: Failure>(&self, work: impl Fn(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        let mut conn = self.pool.get().map_err(|_timeout| DbError::Busy)?;
        let mut tries = 1;
        loop {
            match dialect::in_write_transaction(&mut conn, &work) {
                Err(error) if tries < TRIES && matches!(error.db_error(), Some(DbError::Busy)) => {
                    tries = tries.saturating_add(1);
                }
                outcome => return outcome,
            }
        }
    }
}

async fn turn(gate: &Arc<Semaphore>) -> Result<tokio::sync::OwnedSemaphorePermit, DbError> {
    match tokio::time::timeout(PATIENCE, Arc::clone(gate).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(DbError::Busy),
    }
}

async fn off_thread<T, E, F>(work: F) -> Result<T, E>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Failure,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panicked) => Err(DbError::Broken(panicked.to_string()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_not_won_in_time_may_be_won_later() {
        let said = |text: &str| {
            let text = Box::new(text.to_owned());
            is_passing(&QueryError::DatabaseError(DatabaseErrorKind::Unknown, text))
        };
        assert!(said("canceling statement due to lock timeout"), "PostgreSQL");
        assert!(said("database is locked"), "SQLite");
        assert!(!said("canceling statement due to statement timeout"));
    }
}
