//! `fairdial copy`: moves everything from one database into another, from SQLite to PostgreSQL or back.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::{WrongUse, open_as_it_is, output};
use crate::db::copying::{self, Source};
use crate::db::{DatabaseUrl, Db, migrations};

/// From where, and where to.
#[derive(Args, Debug)]
pub struct CopyCommand {
    /// Database to read, such as `sqlite:data/fairdial.sqlite3`; its servers must be stopped
    #[arg(long, value_name = "URL")]
    from: DatabaseUrl,
    /// Database to fill, such as `postgres://desk@host/fairdial`: an empty one; its tables are made here
    #[arg(long, value_name = "URL")]
    to: DatabaseUrl,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Copies all rows, or none. Files aren't touched: they lie in the data folder whichever database names them.
pub(super) fn run(command: &CopyCommand) -> anyhow::Result<ExitCode> {
    if command.from == command.to {
        return Err(WrongUse("--from and --to are the same database".to_owned()).into());
    }
    let from = open_as_it_is(command.from.clone())?;
    let to = Db::open(command.to.clone()).with_context(|| format!("the database {:?} can't be opened", command.to))?;
    migrations::run(&to)?;
    let bar = output::progress(copying::count_rows(&from)?, "rows");
    let copied = copying::everything(&from, &to, Source::StandsStill, |rows| bar.inc(rows));
    bar.finish_and_clear();
    let copied = copied?;
    let rows: i64 = copied.values().sum();
    if command.json {
        output::json(&json!({ "rows": rows, "tables": copied }))?;
    } else {
        let mut lines: Vec<[String; 2]> = copied.into_iter().map(|(table, rows)| [table, rows.to_string()]).collect();
        lines.push(["together".to_owned(), rows.to_string()]);
        output::table(["TABLE", "ROWS"], &lines)?;
    }
    Ok(ExitCode::SUCCESS)
}
