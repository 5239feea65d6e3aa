//! The command line: which commands there are, and where each goes.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

mod import;
mod serve;

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
    /// Take in calls, or recordings of calls
    Import(import::Arguments),
}

impl Cli {
    /// Runs the command; every failure has been said on standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Self { config, command } = self;
        let done = match command {
            Command::Serve => serve::run(config),
            Command::Import(arguments) => import::run(config, arguments),
        };
        match done {
            Ok(code) => code,
            Err(error) => {
                eprintln!("fairdial: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}
