//! `fairdial backup`: a copy of the database and its files, made while the server runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{open_as_it_is, output};
use crate::backup::making::{self, From};
use crate::clock::Clock;
use crate::config::Config;

/// Where the backup goes.
#[derive(Args, Debug)]
pub struct BackupCommand {
    /// Folder that isn't there yet, or is empty; the folder around it must be there
    dir: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Makes the backup; 1 if it lacks files that were missing or damaged before.
pub(super) fn run(config: &Config, command: &BackupCommand) -> anyhow::Result<ExitCode> {
    let url = config.database();
    let db = open_as_it_is(url.clone())?;
    let bar = output::progress(0, "files");
    let from = From { db: &db, url: &url, data_dir: &config.data_dir };
    let made = making::make(&from, &command.dir, Clock::System.now(), |done, whole| {
        bar.set_length(whole);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let made = made?;
    let dir = command.dir.display();
    if command.json {
        let unsound = &made.unsound;
        output::json(&json!({ "dir": command.dir, "files": made.files, "bytes": made.bytes, "unsound": unsound }))?;
    } else {
        output::line(&format!("{dir}: the database and {} files, {} bytes", made.files, made.bytes))?;
    }
    if made.unsound.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for file in &made.unsound {
        eprintln!("fairdial: {file}");
    }
    eprintln!("fairdial: the backup is whole but for {} files that aren't; see `fairdial doctor`", made.unsound.len());
    Ok(ExitCode::FAILURE)
}
