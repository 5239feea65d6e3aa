//! `fairdial restore`: checks a backup, and brings it back.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{create_data_dir, output, serve};
use crate::backup::restoring::{self, To};
use crate::config::Config;

/// What is brought back.
#[derive(Args, Debug)]
pub struct RestoreCommand {
    /// Folder that `fairdial backup` made
    dir: PathBuf,
    /// Let what is in the data folder and the database give way
    #[arg(long)]
    force: bool,
    /// Only check that the backup is whole and unchanged
    #[arg(long, conflicts_with = "force")]
    check: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Nothing is touched before the whole backup was found to be as it was made.
pub(super) fn run(config: &Config, command: &RestoreCommand) -> anyhow::Result<ExitCode> {
    let bar = output::progress(0, "files");
    let step = |done, whole| {
        bar.set_length(whole);
        bar.set_position(done);
    };
    let manifest = restoring::check(&command.dir, step)?;
    if !command.check {
        let url = config.database();
        let to = To { url: &url, data_dir: &config.data_dir, is_forced: command.force };
        restoring::demand_room(&command.dir, &to)?;
        create_data_dir(config)?;
        let _no_server = serve::lock_if_needed(config)?;
        if let Some(why) = restoring::bring_back(&command.dir, &to, &manifest, step)? {
            eprintln!("fairdial: the database that was there could not be opened, and is gone: {why}");
        }
    }
    bar.finish_and_clear();
    if command.json {
        output::json(&json!({
            "made_at": manifest.made_at, "files": manifest.files, "bytes": manifest.bytes,
            "unsound": manifest.unsound, "has_key": manifest.has_key, "restored": !command.check,
        }))?;
    } else {
        let done = if command.check { "The backup is whole" } else { "Restored" };
        let (made_at, files, bytes) = (&manifest.made_at, manifest.files, manifest.bytes);
        output::line(&format!("{done}: made at {made_at}, the database and {files} files, {bytes} bytes"))?;
    }
    if !manifest.unsound.is_empty() {
        let count = manifest.unsound.len();
        eprintln!("fairdial: {count} files were missing or damaged when it was made; `fairdial doctor` names them");
    }
    if !manifest.has_key {
        eprintln!("fairdial: the backup holds no session.key: everybody has to sign in again");
    }
    Ok(ExitCode::SUCCESS)
}
