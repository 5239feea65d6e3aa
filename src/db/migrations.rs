//! The migrations of both databases, embedded.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{AnyConnection, Db, DbError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("the database could not be migrated: {0}")]
    Failed(String),
    #[error("the database has the schema {found}, newer than this program's {known}: use the newer program")]
    TooNew { found: String, known: String },
    #[error(transparent)]
    Database(DbError),
}

super::database_failure!(MigrateError);

/// Brings the schema up to date; refuses one that is newer than this program.
///
/// # Errors
/// If it is newer, or a migration fails: then the old schema stands.
pub fn run(db: &Db) -> Result<(), MigrateError> {
    db.read_blocking(|conn| match conn {
        AnyConnection::Sqlite(conn) => bring_up(conn, SQLITE),
        AnyConnection::Postgres(conn) => bring_up(conn, POSTGRES),
    })
}

/// Takes the whole schema away and lays it down anew: every row is gone. For the demo alone.
///
/// # Errors
/// If a migration fails either way.
pub fn start_over(db: &Db) -> Result<(), MigrateError> {
    db.read_blocking::<_, MigrateError>(|conn| {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
        match conn {
            AnyConnection::Sqlite(conn) => conn.revert_all_migrations(SQLITE).map_err(failed)?,
            AnyConnection::Postgres(conn) => conn.revert_all_migrations(POSTGRES).map_err(failed)?,
        };
        Ok(())
    })?;
    run(db)
}

fn bring_up<DB, C>(conn: &mut C, known: EmbeddedMigrations) -> Result<(), MigrateError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
{
    use diesel::migration::MigrationSource;

    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    let latest = MigrationSource::<DB>::migrations(&known)
        .map_err(failed)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .max()
        .unwrap_or_default();
    if let Some(found) = conn.applied_migrations().map_err(failed)?.first().map(ToString::to_string)
        && found > latest
    {
        return Err(MigrateError::TooNew { found, known: latest });
    }
    conn.run_pending_migrations(known).map_err(failed)?;
    Ok(())
}
