//! `fairdial import calls`: looks through a file, then stores its rows batch by batch.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::errors::Errors;
use super::interrupt::Interrupt;
use super::report::{FileReport, Report};
use super::{CallArguments, input};
use crate::auth::Actor;
use crate::clock::Clock;
use crate::commands::{WrongUse, open_or_create};
use crate::config::Config;
use crate::db::call_store::{self, BatchReport, StoreError};
use crate::db::{Db, DbError};
use crate::import::{CallRecord, ImportError, Mapping, Options};
use crate::intake::{self, Came, Counts, FailedLine, Pace, Repeats, settings};
use crate::telemetry;

/// Imports the files, one after the other.
pub(super) fn run(config: &Config, arguments: &CallArguments) -> anyhow::Result<ExitCode> {
    telemetry::start(config);
    let options = reading(arguments)?;
    let mut errors = Errors::to(arguments.errors.as_deref(), &arguments.files)?;
    let db = open_or_create(config)?;

    let interrupt = Interrupt::listen()?;
    let mut report = Report::new(arguments.dry_run);
    let mut stopped = None;
    for path in &arguments.files {
        let (report, errors) = (&mut report, &mut errors);
        let import = Import { db: &db, options: &options, arguments, interrupt: &interrupt, report, errors };
        if let Err(error) = import.file(path) {
            stopped = Some(error.context(path.display().to_string()));
            break;
        }
    }
    report.stopped = stopped.as_ref().map(|error| format!("{error:#}"));
    let total = report.total();
    if !arguments.dry_run {
        let has_changed = total.new.saturating_add(total.updated) > 0;
        db.write_blocking::<_, DbError>(|conn| {
            let now = Clock::System.now();
            report.keep(conn, now)?;
            if has_changed {
                call_store::record_import(conn, &Actor::operator(), report.for_audit(), now)?;
            }
            Ok(())
        })?;
    }
    errors.finish()?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", report.json(&errors))?;
    } else {
        report.write(&mut out, &errors)?;
    }
    match stopped {
        Some(error) if error.downcast_ref::<ImportError>().is_some_and(is_wrong_use) => {
            Err(WrongUse(format!("{error:#}")).into())
        }
        Some(error) => Err(error),
        // Some rows failed: their errors were told. No row at all went in: the import failed.
        None if total.rows > 0 && total.failed == total.rows => Ok(ExitCode::FAILURE),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// How the files are to be read, or what is wrong with how that was said.
fn reading(arguments: &CallArguments) -> Result<Options, WrongUse> {
    let mapping = match &arguments.mapping {
        None => None,
        Some(path) => {
            let said = |error: &dyn Display| WrongUse(format!("--mapping {}: {error}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| said(&error))?;
            Some(Mapping::parse(&text).map_err(|error| said(&error))?)
        }
    };
    if arguments.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(WrongUse("standard input (-) can be imported once".to_owned()));
    }
    Ok(Options {
        format: arguments.format.clone(),
        timezone: arguments.timezone,
        date_order: arguments.date_order,
        mapping,
        source: arguments.source.clone(),
        currency: arguments.currency,
    })
}

/// Whether the file would do if the command said more.
fn is_wrong_use(error: &ImportError) -> bool {
    matches!(
        error,
        ImportError::UnknownFormat(_)
            | ImportError::Mapping(_)
            | ImportError::NeedsSource
            | ImportError::NeedsTimezone { .. }
            | ImportError::NeedsDateOrder { .. }
    )
}

/// The import of one file.
struct Import<'i> {
    db: &'i Db,
    options: &'i Options,
    arguments: &'i CallArguments,
    interrupt: &'i Interrupt,
    report: &'i mut Report,
    errors: &'i mut Errors,
}

impl Import<'_> {
    fn file(self, path: &Path) -> anyhow::Result<()> {
        let (name, mut input) = input::open(path)?;
        let bar = progress(input.size, &format!("Looking through {name}"))?;
        let mut repeats = Repeats::of(&mut input, self.options, |bytes| show(&bar, bytes, None))?;
        bar.finish_and_clear();

        let bar = progress(input.size, &format!("Importing {name}"))?;
        let Self { db, options, arguments, interrupt, report, errors } = self;
        let mut file = FileReport {
            name,
            size: input.size,
            format: "",
            source: settings::source_of(options, ""),
            is_whole: false,
            counts: Counts::default(),
        };
        let how = (options, &mut repeats, Pace::ALONE);
        let summary = intake::read::<anyhow::Error>(
            &mut input,
            how,
            0,
            |bytes, rows| show(&bar, bytes, Some(rows)),
            |batch| {
                if interrupt.is_asked() {
                    bail!("stopped when asked to: import the file again, and the rest goes in");
                }
                let began = Instant::now();
                let Came { counts, failed, created } = batch.came_to(store(db, arguments, &batch.records)?);
                let took = began.elapsed();
                file.counts.add(counts);
                report.created.add(created);
                for FailedLine { row, .. } in &failed {
                    if let Some(layout) = &batch.layout {
                        errors.take(&file.name, layout, &row.raw, &row.to_string())?;
                    }
                }
                Ok(took)
            },
        );
        bar.finish_and_clear();
        let outcome = summary.map(|summary| {
            file.format = summary.format;
            file.source = settings::source_of(options, summary.format);
            file.is_whole = true;
        });
        report.files.push(file);
        outcome
    }
}

/// Stores records, all in one transaction; in a dry run only looks what would become of them.
fn store(db: &Db, arguments: &CallArguments, records: &[CallRecord]) -> Result<BatchReport, StoreError> {
    let options = call_store::Options { creates_names: !arguments.no_create, now: Clock::System.now() };
    if arguments.dry_run {
        return db.read_blocking(|conn| call_store::preview(conn, records, options));
    }
    db.write_blocking(|conn| {
        call_store::prepare(conn)?;
        call_store::store(conn, &Actor::operator(), records, options)
    })
}

/// A progress bar on standard error, where that is a terminal.
fn progress(size: u64, what: &str) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent}%{msg}, {eta} left")?.progress_chars("=> ");
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    Ok(bar.with_style(style).with_prefix(what.to_owned()))
}

fn show(bar: &ProgressBar, bytes: u64, rows: Option<u64>) {
    if bar.is_hidden() {
        return;
    }
    bar.set_position(bytes);
    if let Some(rows) = rows
        && rows.is_multiple_of(500)
    {
        let milliseconds = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX);
        let speed = rows.saturating_mul(1_000).checked_div(milliseconds).unwrap_or(0);
        bar.set_message(format!(", {rows} rows, {speed} rows/s"));
    }
}
