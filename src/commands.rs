//! The command line: which commands there are, and where each goes.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::db::{DatabaseUrl, Db, DbError, migrations};

mod audit;
mod backup;
mod buyer;
mod copy;
mod demo;
mod doctor;
mod import;
mod output;
mod password;
mod restore;
mod serve;
mod token;
mod user;

/// An open-source call-dispute desk for pay-per-call networks.
#[derive(Parser, Debug)]
#[command(name = "fairdial", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub config: Config,
    #[command(subcommand)]
    pub command: Command,
}

/// One line a command; each is filled in its own file under `commands/`.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start the server: create what is missing, migrate, listen
    Serve,
    /// Start the server with a believable network in it, on a folder of its own
    Demo(demo::Arguments),
    /// Take in calls, or recordings of calls
    Import(import::Arguments),
    /// Add, list and change buyers, and link the names by which sources call them
    #[command(subcommand)]
    Buyer(buyer::BuyerCommand),
    /// Add, list and change the people who sign in
    #[command(subcommand)]
    User(user::UserCommand),
    /// Create, list and revoke the tokens that programs send to the JSON API
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Print the `OpenAPI` document of the JSON API
    Openapi,
    /// Make a consistent copy of the database and its files while the server runs
    Backup(backup::BackupCommand),
    /// Check a backup, and bring it back into the data folder and the database of the settings
    Restore(restore::RestoreCommand),
    /// Copy a whole database into an empty one, from SQLite to PostgreSQL or back; ids and addresses stay
    Copy(copy::CopyCommand),
    /// Check the database, and compare rows, files, counters and the audit chain; exit code 1 if anything is wrong
    Doctor(doctor::DoctorCommand),
    /// Follow the audit log's hash chain, or write the log out
    #[command(subcommand)]
    Audit(audit::AuditCommand),
}

/// The command was used in a way that makes no sense: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongUse(String);

/// What a command that changes the database can end in.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Database(DbError),
}

crate::db::database_failure!(CommandError);

impl Cli {
    /// Runs the command; every failure has been said on standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Self { config, command } = self;
        let done = match command {
            Command::Serve => serve::run(config),
            Command::Demo(arguments) => demo::run(config, &arguments),
            Command::Import(arguments) => import::run(&config, &arguments),
            Command::Buyer(command) => buyer::run(&config, command),
            Command::User(command) => user::run(&config, command),
            Command::Token(command) => token::run(&config, command),
            Command::Openapi => openapi(),
            Command::Backup(command) => backup::run(&config, &command),
            Command::Restore(command) => restore::run(&config, &command),
            Command::Copy(command) => copy::run(&command),
            Command::Doctor(command) => doctor::run(&config, &command),
            Command::Audit(command) => audit::run(&config, &command),
        };
        match done {
            Ok(code) => code,
            Err(error) => {
                eprintln!("fairdial: {error:#}");
                if error.is::<WrongUse>() { ExitCode::from(2) } else { ExitCode::FAILURE }
            }
        }
    }
}

/// The same document as `/api/v1/openapi.json`.
fn openapi() -> anyhow::Result<ExitCode> {
    output::line(&crate::web::api::document().to_pretty_json()?)?;
    Ok(ExitCode::SUCCESS)
}

/// The database of a command that may be the first one ever: creates what is missing.
fn open_or_create(config: &Config) -> anyhow::Result<Db> {
    create_data_dir(config)?;
    Db::open_current(config)
}

/// Creates the data folder if it is missing. Recordings and keys are nobody else's business on a shared machine.
fn create_data_dir(config: &Config) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)
        .with_context(|| format!("data-dir {}: the folder can't be created", config.data_dir.display()))
}

/// The database of a command that works on what is there: a mistyped folder isn't filled with an empty one.
fn open_existing(config: &Config) -> anyhow::Result<Db> {
    demand_there(&config.database())?;
    Db::open_current(config)
}

/// The database of a command that only reads: it must be there, and is not brought up to date, for a server may run on it.
fn open_as_it_is(url: DatabaseUrl) -> anyhow::Result<Db> {
    demand_there(&url)?;
    let db = Db::open(url.clone()).with_context(|| format!("the database {url:?} can't be opened"))?;
    migrations::demand_current(&db)?;
    Ok(db)
}

fn demand_there(url: &DatabaseUrl) -> anyhow::Result<()> {
    match url {
        DatabaseUrl::Sqlite(file) if !file.exists() => anyhow::bail!("{}: there is no database yet", file.display()),
        _ => Ok(()),
    }
}
