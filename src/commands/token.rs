//! `fairdial token`: what programs send to the JSON API.

use std::process::ExitCode;

use chrono::Duration;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{open_existing, output};
use crate::auth::{Actor, Scopes, TokenScope};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::tokens::{self, NewToken, TokenError, TokenRow};
use crate::db::{DbError, users};
use crate::domain::Instant;
use crate::domain::ids::TokenId;

/// What can be done with tokens.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Make a token and print it alone; it can't be shown again
    Create(Create),
    /// List the tokens, revoked and expired ones too
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token; it opens nothing from then on
    Revoke {
        /// The token's id, as listed
        id: TokenId,
    },
}

/// A new token.
#[derive(Args, Debug)]
pub struct Create {
    /// E-mail of the user the token acts for
    #[arg(long, value_name = "EMAIL")]
    user: String,
    /// What the token is for
    #[arg(long, default_value = "API")]
    name: String,
    /// What it may be used for, once for each; none: all that its user may do
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<TokenScope>,
    /// Days until it expires; without it never
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    expires_days: Option<u32>,
}

fn scope(text: &str) -> Result<TokenScope, String> {
    let all = || TokenScope::ALL.iter().map(|scope| scope.code()).collect::<Vec<_>>().join(", ");
    TokenScope::from_code(text).ok_or_else(|| format!("allowed: {}", all()))
}

/// Runs the command.
pub(super) fn run(config: &Config, command: TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Create(create) => make(config, &create)?,
        TokenCommand::List { json } => list(config, json)?,
        TokenCommand::Revoke { id } => revoke(config, id)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn make(config: &Config, create: &Create) -> anyhow::Result<()> {
    let db = open_existing(config)?;
    let now = Clock::System.now();
    let user = db
        .read_blocking::<_, DbError>(|conn| Ok(users::find_by_email(conn, &create.user)?))?
        .ok_or_else(|| anyhow::anyhow!("there is no user with the e-mail {}", create.user))?;
    let new = NewToken {
        user: user.id,
        name: create.name.clone(),
        scopes: Scopes::new(&create.scopes),
        expires_at: create.expires_days.map(|days| now + Duration::days(i64::from(days))),
    };
    let (_, secret) = db.write_blocking::<_, TokenError>(|conn| tokens::create(conn, &Actor::operator(), &new, now))?;
    output::line(&secret)
}

fn list(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let db = open_existing(config)?;
    let rows = db.read_blocking::<_, DbError>(|conn| Ok(tokens::list_all(conn)?))?;
    let now = Clock::System.now();
    if as_json {
        let at = |at: Option<Instant>| at.map(|at| at.and_utc().to_rfc3339());
        let rows = rows.iter().map(|(row, email)| {
            json!({
                "id": row.id, "user": email, "name": row.name, "prefix": row.prefix,
                "scopes": row.scopes.split_whitespace().collect::<Vec<_>>(), "state": state(row, now),
                "created": at(Some(row.created_at)), "expires": at(row.expires_at),
                "last_used": at(row.last_used_at), "revoked": at(row.revoked_at),
            })
        });
        return output::json(&rows.collect());
    }
    let day = |at: Option<Instant>| at.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default();
    let rows: Vec<[String; 8]> = rows
        .iter()
        .map(|(row, email)| {
            let scopes = if row.scopes.is_empty() { "all" } else { row.scopes.as_str() };
            [
                row.id.to_string(),
                email.clone(),
                row.name.clone(),
                row.prefix.clone(),
                scopes.to_owned(),
                day(row.expires_at),
                day(row.last_used_at),
                state(row, now).to_owned(),
            ]
        })
        .collect();
    output::table(["ID", "USER", "NAME", "PREFIX", "SCOPES", "EXPIRES", "LAST USED", "STATE"], &rows)
}

fn state(row: &TokenRow, now: Instant) -> &'static str {
    match row {
        row if row.revoked_at.is_some() => "revoked",
        row if row.is_expired(now) => "expired",
        _ => "good",
    }
}

fn revoke(config: &Config, id: TokenId) -> anyhow::Result<()> {
    let db = open_existing(config)?;
    let now = Clock::System.now();
    let revoked =
        db.write_blocking::<_, DbError>(|conn| Ok(tokens::revoke(conn, &Actor::operator(), None, id, now)?))?;
    if !revoked {
        anyhow::bail!("there is no token {id} that could be revoked");
    }
    output::line(&format!("{id} is revoked"))
}
