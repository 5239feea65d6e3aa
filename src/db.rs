//! Stand-in until the database branch is merged; that branch's file wins.

use crate::config::Config;

/// Why the database didn't do something.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("database busy")]
    Busy,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
    #[error(transparent)]
    Pool(#[from] r2d2::Error),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// The database.
#[derive(Clone, Debug)]
pub struct Db;

impl Db {
    /// Opens what the settings name.
    pub fn open(_: &Config) -> Result<Self, DbError> {
        Ok(Self)
    }

    /// For tests that never ask it anything.
    #[cfg(test)]
    #[must_use]
    pub fn stand_in() -> Self {
        Self
    }

    /// Whether it answers.
    #[expect(clippy::unused_async, reason = "the real one waits for a connection")]
    pub async fn ping(&self) -> Result<(), DbError> {
        Ok(())
    }
}
