//! The migrations of both databases, embedded.

use diesel::sql_types::{Nullable, Text};
use diesel::{QueryResult, RunQueryDsl};
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
    #[error(
        "the database has the schema {found}, and this program's is {known}: use the program that serves it, or let this one \
         serve it first"
    )]
    NotCurrent { found: String, known: String },
    #[error("this is no database of Fairdial's: {0}")]
    NotOurs(String),
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

/// Refuses a database whose schema isn't this program's, and changes nothing: a server of another version may be at work on it.
///
/// # Errors
/// If the schema is older or newer, or there is none.
pub fn demand_current(db: &Db) -> Result<(), MigrateError> {
    db.read_blocking(|conn| {
        let known = match conn {
            AnyConnection::Sqlite(_) => latest::<diesel::sqlite::Sqlite>(&SQLITE)?,
            AnyConnection::Postgres(_) => latest::<diesel::pg::Pg>(&POSTGRES)?,
        };
        match newest(conn)? {
            found if found > known => Err(MigrateError::TooNew { found, known }),
            found if found < known => Err(MigrateError::NotCurrent { found, known }),
            _ => Ok(()),
        }
    })
}

/// Refuses the schema of an SQLite file that this program can't bring up to date.
///
/// # Errors
/// If it is newer.
pub fn demand_known(found: &str) -> Result<(), MigrateError> {
    let known = latest::<diesel::sqlite::Sqlite>(&SQLITE)?;
    if found > known.as_str() { Err(MigrateError::TooNew { found: found.to_owned(), known }) } else { Ok(()) }
}

/// The version of the newest migration that a database has.
///
/// # Errors
/// If it is none of ours.
pub fn newest(conn: &mut AnyConnection) -> Result<String, MigrateError> {
    let newest = "SELECT MAX(version) FROM __diesel_schema_migrations";
    let found: QueryResult<Option<String>> = diesel::dsl::sql::<Nullable<Text>>(newest).get_result(conn);
    found.map(Option::unwrap_or_default).map_err(|error| MigrateError::NotOurs(error.to_string()))
}

/// Takes the whole schema away and lays it down anew: every row is gone. For the demo, and for a restore that is forced.
///
/// # Errors
/// If a migration fails either way.
pub fn start_over(conn: &mut AnyConnection) -> Result<(), MigrateError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    match conn {
        AnyConnection::Sqlite(conn) => {
            conn.revert_all_migrations(SQLITE).map_err(failed)?;
            bring_up(conn, SQLITE)
        }
        AnyConnection::Postgres(conn) => {
            conn.revert_all_migrations(POSTGRES).map_err(failed)?;
            bring_up(conn, POSTGRES)
        }
    }
}

fn bring_up<DB, C>(conn: &mut C, known: EmbeddedMigrations) -> Result<(), MigrateError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    let latest = latest::<DB>(&known)?;
    if let Some(found) = conn.applied_migrations().map_err(failed)?.first().map(ToString::to_string)
        && found > latest
    {
        return Err(MigrateError::TooNew { found, known: latest });
    }
    conn.run_pending_migrations(known).map_err(failed)?;
    Ok(())
}

/// The version of the newest migration that this program has.
fn latest<DB>(known: &EmbeddedMigrations) -> Result<String, MigrateError>
where
    DB: diesel::backend::Backend,
    EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
{
    use diesel::migration::MigrationSource;

    let known = MigrationSource::<DB>::migrations(known).map_err(|error| MigrateError::Failed(error.to_string()))?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).max().unwrap_or_default())
}
