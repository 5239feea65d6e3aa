//! `fairdial import recordings`: audio files, each named by the external id of its call, go to their calls.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::RecordingArguments;
use crate::auth::Actor;
use crate::clock::Clock;
use crate::commands::{WrongUse, open_existing};
use crate::config::Config;
use crate::db::evidence::StoredFile;
use crate::db::recording_store::{self, Candidate};
use crate::db::{Db, DbError};
use crate::domain::ids::CallId;
use crate::file_store::FileStore;
use crate::file_store::kinds::{Family, Watch};
use crate::telemetry;

/// How many files are attached in one transaction.
const BATCH: usize = 100;

/// The largest recording: an hour of uncompressed telephone audio several times over.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How many files that were left out are told of.
const TOLD: usize = 20;

/// Imports a folder.
pub(super) fn run(config: &Config, arguments: &RecordingArguments) -> anyhow::Result<ExitCode> {
    telemetry::start(config);
    let folder = &arguments.folder;
    let entries = fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    let db = open_existing(config)?;
    let store = FileStore::open(&config.data_dir).context("the folder of the files can't be opened")?;
    let known = db.read_blocking(|conn| recording_store::sources(conn).map_err(DbError::from))?;
    let sources = match &arguments.source {
        Some(source) if !known.contains(source) => {
            let problem = format!("--source {source}: no call has this source; allowed: {}", known.join(", "));
            return Err(WrongUse(problem).into());
        }
        Some(source) => vec![source.clone()],
        None => known,
    };
    let mut import = Import { db, store, sources, report: Report::default() };
    let mut batch = Vec::with_capacity(BATCH);
    for entry in entries {
        let entry = entry.with_context(|| format!("{} can't be read", folder.display()))?;
        if fs::metadata(entry.path()).is_ok_and(|about| about.is_file()) {
            batch.push(entry.path());
        }
        if batch.len() >= BATCH {
            import.files(&batch)?;
            batch.clear();
        }
    }
    import.files(&batch)?;
    import.finish(arguments)
}

#[derive(Debug, Default)]
struct Report {
    attached: u64,
    replaced: u64,
    unchanged: u64,
    /// Files that were left out, each with the reason: as many as are told of, and how many there are.
    told: Vec<String>,
    left_out: u64,
}

struct Import {
    db: Db,
    store: FileStore,
    sources: Vec<String>,
    report: Report,
}

impl Import {
    /// Stores the files of some paths, and then the rows that name them.
    fn files(&mut self, paths: &[PathBuf]) -> anyhow::Result<()> {
        let named: Vec<(&PathBuf, &str)> =
            paths.iter().filter_map(|path| Some((path, path.file_stem()?.to_str()?))).collect();
        let ids: Vec<&str> = named.iter().map(|(_, id)| *id).collect();
        let sources = &self.sources;
        let candidates =
            self.db.read_blocking(|conn| recording_store::candidates(conn, sources, &ids).map_err(DbError::from))?;
        let mut stored: Vec<(CallId, StoredFile)> = Vec::new();
        for path in paths {
            let id = named.iter().find(|(other, _)| *other == path).map(|(_, id)| *id);
            let found = id.and_then(|id| candidates.get(id)).map(Vec::as_slice).unwrap_or_default();
            match found {
                [] => self.leave_out(path, "no call has this external id"),
                [_] if stored.iter().any(|(call, _)| found.iter().any(|found| found.call == *call)) => {
                    self.leave_out(path, "another file of this folder is named by the same call");
                }
                [call] => {
                    if let Some(file) = self.file(path, call)? {
                        stored.push((call.call, file));
                    }
                }
                [..] => {
                    let sources: Vec<&str> = found.iter().map(|call| call.source.as_str()).collect();
                    let reason =
                        format!("calls of {} have this external id: say which with --source", sources.join(" and "));
                    self.leave_out(path, &reason);
                }
            }
        }
        if stored.is_empty() {
            return Ok(());
        }
        let now = Clock::System.now();
        self.db.write_blocking(|conn| {
            recording_store::attach(conn, &Actor::operator(), &stored, now).map_err(DbError::from)
        })?;
        Ok(())
    }

    /// Stores one file, unless the call has it already or it is no audio.
    fn file(&mut self, path: &Path, call: &Candidate) -> anyhow::Result<Option<StoredFile>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes));
        read.with_context(|| format!("{} can't be read", path.display()))?;
        if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_BYTES) {
            self.leave_out(path, "it is larger than 256 MiB");
            return Ok(None);
        }
        let mut watch = Watch::default();
        watch.see(&bytes);
        let kind = match watch.judge(&name) {
            Ok(kind) if kind.family == Family::Audio => kind,
            Ok(_) => {
                self.leave_out(path, "it is no audio");
                return Ok(None);
            }
            Err(unfit) => {
                self.leave_out(path, &unfit.to_string());
                return Ok(None);
            }
        };
        let own = call.file_with(&hex::encode(Sha256::digest(&bytes)));
        if own.is_some_and(|file| self.store.path(&file).exists()) {
            self.report.unchanged = self.report.unchanged.saturating_add(1);
            return Ok(None);
        }
        let count = if call.recording.is_some() { &mut self.report.replaced } else { &mut self.report.attached };
        *count = count.saturating_add(1);
        let stored = self.store.put(&name, kind.media_type, &bytes);
        stored.with_context(|| format!("{} can't be stored", path.display())).map(Some)
    }

    fn leave_out(&mut self, path: &Path, reason: &str) {
        self.report.left_out = self.report.left_out.saturating_add(1);
        if self.report.told.len() < TOLD {
            self.report.told.push(format!("{}: {reason}", path.display()));
        }
    }

    fn finish(self, arguments: &RecordingArguments) -> anyhow::Result<ExitCode> {
        let report = &self.report;
        let changed = report.attached.saturating_add(report.replaced);
        let figures = json!({
            "attached": report.attached,
            "replaced": report.replaced,
            "unchanged": report.unchanged,
            "left_out": report.left_out,
        });
        if changed > 0 {
            self.db.write_blocking(|conn| {
                let (what, now) = (figures.clone(), Clock::System.now());
                recording_store::record_import(conn, &Actor::operator(), what, now).map_err(DbError::from)
            })?;
        }
        let mut err = io::stderr().lock();
        for sentence in &report.told {
            writeln!(err, "{sentence}")?;
        }
        let rest = report.left_out.saturating_sub(u64::try_from(report.told.len()).unwrap_or(0));
        if rest > 0 {
            writeln!(err, "and {rest} more")?;
        }
        let mut out = io::stdout().lock();
        if arguments.json {
            let mut figures = figures;
            if let Value::Object(figures) = &mut figures {
                figures.insert("first_left_out".to_owned(), json!(report.told));
            }
            writeln!(out, "{figures}")?;
        } else {
            let Report { attached, replaced, unchanged, left_out, .. } = report;
            writeln!(out, "{attached} attached, {replaced} replaced, {unchanged} unchanged, {left_out} left out")?;
        }
        let is_nothing_done = report.left_out > 0 && changed.saturating_add(report.unchanged) == 0;
        Ok(if is_nothing_done { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
