//! `fairdial buyer`: companies that pay for calls, and the names by which sources call them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{CommandError, WrongUse, open_existing, open_or_create, output};
use crate::auth::Actor;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::aliases::{self, Alias, AliasError};
use crate::db::buyers::{self, BuyerError, BuyerRow};
use crate::db::{AnyConnection, DbError, policy};

/// What can be done with buyers.
#[derive(Subcommand, Debug)]
pub enum BuyerCommand {
    /// Add a buyer
    Add {
        /// What the buyer is called
        #[arg(long)]
        name: String,
        /// The buyer's own dispute window; without it the platform's
        #[arg(long, value_name = "DAYS")]
        window_days: Option<i32>,
    },
    /// List the buyers, with their aliases
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change the name or the dispute window of a buyer
    Set(Set),
    /// Link the name by which a source calls a buyer; calls under it that were never disputed move to the buyer
    Alias {
        /// What the buyer is called here
        #[arg(long)]
        name: String,
        /// The source, as in its calls
        #[arg(long)]
        source: String,
        /// What the source calls the buyer
        #[arg(long)]
        alias: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What is to change of a buyer.
#[derive(Args, Debug)]
pub struct Set {
    /// What the buyer is called
    #[arg(long)]
    name: String,
    /// What the buyer shall be called
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// The buyer's own dispute window
    #[arg(long, value_name = "DAYS", conflicts_with = "default_window")]
    window_days: Option<i32>,
    /// Give the buyer the platform's dispute window again
    #[arg(long)]
    default_window: bool,
}

/// Runs the command.
pub(super) fn run(config: &Config, command: BuyerCommand) -> anyhow::Result<ExitCode> {
    match command {
        BuyerCommand::Add { name, window_days } => add(config, &name, window_days)?,
        BuyerCommand::List { json } => list(config, json)?,
        BuyerCommand::Set(set) => change(config, &set)?,
        BuyerCommand::Alias { name, source, alias, json } => {
            link(config, &name, &Alias { source, name: alias }, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn add(config: &Config, name: &str, window_days: Option<i32>) -> anyhow::Result<()> {
    let db = open_or_create(config)?;
    let now = Clock::System.now();
    let id = db.write_blocking(|conn| buyers::insert(conn, &Actor::operator(), name, window_days, now))?;
    output::line(&format!("{} is added ({id})", name.trim()))
}

fn list(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let db = open_existing(config)?;
    let (buyers, aliases, window) = db.read_blocking::<_, DbError>(|conn| {
        Ok((buyers::list(conn)?, aliases::list(conn)?, policy::load(conn)?.dispute_window_days))
    })?;
    let of = |buyer: &BuyerRow| {
        let own = aliases.iter().filter(|(owner, _)| *owner == buyer.id);
        own.map(|(_, alias)| alias).collect::<Vec<_>>()
    };
    if as_json {
        let buyers = buyers.iter().map(|buyer| {
            json!({
                "id": buyer.id, "name": buyer.name, "aliases": of(buyer),
                "window_days": buyer.dispute_window_days.unwrap_or(window),
                "has_own_window": buyer.dispute_window_days.is_some(),
            })
        });
        return output::json(&buyers.collect());
    }
    let rows: Vec<[String; 4]> = buyers
        .iter()
        .map(|buyer| {
            let days = match buyer.dispute_window_days {
                Some(days) => format!("{days} days"),
                None => format!("{window} days (default)"),
            };
            let names: Vec<String> =
                of(buyer).iter().map(|alias| format!("{}: {}", alias.source, alias.name)).collect();
            [buyer.name.clone(), days, buyer.id.to_string(), names.join(", ")]
        })
        .collect();
    output::table(["NAME", "DISPUTE WINDOW", "ID", "ALIASES"], &rows)
}

fn change(config: &Config, set: &Set) -> anyhow::Result<()> {
    if set.rename.is_none() && set.window_days.is_none() && !set.default_window {
        let sentence = "nothing to change: name at least one of --rename, --window-days, --default-window";
        return Err(WrongUse(sentence.to_owned()).into());
    }
    let db = open_existing(config)?;
    let (actor, now) = (Actor::operator(), Clock::System.now());
    db.write_blocking::<_, CommandError>(|conn| {
        let buyer = find(conn, &set.name)?;
        if set.window_days.is_some() || set.default_window {
            buyers::set_window(conn, &actor, &buyer, set.window_days, now)?;
        }
        if let Some(name) = &set.rename {
            buyers::set_name(conn, &actor, &buyer, name, now)?;
        }
        Ok(())
    })?;
    output::line(&format!("{} is changed", set.rename.as_ref().unwrap_or(&set.name).trim()))
}

fn link(config: &Config, name: &str, alias: &Alias, as_json: bool) -> anyhow::Result<()> {
    let db = open_existing(config)?;
    let (actor, now) = (Actor::operator(), Clock::System.now());
    let (buyer, moved) = db.write_blocking::<_, CommandError>(|conn| {
        let buyer = find(conn, name)?;
        let moved = aliases::link(conn, &actor, &buyer, alias, now)?;
        Ok((buyer, moved))
    })?;
    if as_json {
        return output::json(&json!({ "buyer": buyer.name, "alias": alias, "moved_calls": moved }));
    }
    let calls = if moved == 1 { "1 call".to_owned() } else { format!("{moved} calls") };
    let (source, alias) = (alias.source.trim(), alias.name.trim());
    output::line(&format!("{alias} of {source} is {} now; {calls} moved", buyer.name))
}

fn find(conn: &mut AnyConnection, name: &str) -> Result<BuyerRow, CommandError> {
    let found = buyers::find_by_name(conn, name)?;
    found.ok_or_else(|| CommandError::Refused(format!("there is no buyer of the name {name}")))
}

impl From<BuyerError> for CommandError {
    fn from(error: BuyerError) -> Self {
        match error {
            BuyerError::Database(error) => Self::Database(error),
            refused => Self::Refused(refused.to_string()),
        }
    }
}

impl From<AliasError> for CommandError {
    fn from(error: AliasError) -> Self {
        match error {
            AliasError::Database(error) => Self::Database(error),
            refused @ AliasError::Unusable => Self::Refused(refused.to_string()),
        }
    }
}
