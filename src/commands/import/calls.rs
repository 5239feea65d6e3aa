//! `fairdial import calls`: looks through a file, then stores its rows batch by batch.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CallArguments;
use super::errors::Errors;
use super::input::Input;
use super::interrupt::Interrupt;
use super::repeats::{Repeats, Standing};
use super::report::{Counts, FileReport, Report};
use crate::auth::Actor;
use crate::clock::Clock;
use crate::commands::{WrongUse, open_or_create};
use crate::config::Config;
use crate::db::call_store::{self, BatchReport, Outcome, StoreError};
use crate::db::{Db, DbError};
use crate::import::{CallRecord, ImportError, Layout, Mapping, Options, read_calls};
use crate::telemetry;

/// How many rows the first transaction stores, and the fewest and the most of any.
const FIRST_BATCH: usize = 2_000;
const SMALLEST_BATCH: usize = 250;
const LARGEST_BATCH: usize = 8_000;

/// How long a transaction should take: long, so that a commit costs little, and short, so that others get their turn.
const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_millis(400);

/// How many bytes of rows are held at once, however long they are.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

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
    if !arguments.dry_run && total.new.saturating_add(total.updated) > 0 {
        let what = report.for_audit();
        let record = |conn: &mut _| {
            call_store::record_import(conn, &Actor::operator(), what.clone(), Clock::System.now())
                .map_err(DbError::from)
        };
        db.write_blocking(record)?;
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

/// Rows that wait for their transaction.
struct Batch {
    records: Vec<CallRecord>,
    lines: Vec<u64>,
    bytes: usize,
    size: usize,
}

impl Batch {
    fn new() -> Self {
        Self { records: Vec::new(), lines: Vec::new(), bytes: 0, size: FIRST_BATCH }
    }

    /// Makes the next batch as large as the time of this one tells.
    fn learn(&mut self, took: Duration) {
        if took > LONG {
            self.size = (self.size / 2).max(SMALLEST_BATCH);
        } else if took < SHORT {
            self.size = self.size.saturating_mul(2).min(LARGEST_BATCH);
        }
    }

    fn push(&mut self, line: u64, record: CallRecord) {
        self.bytes = self.bytes.saturating_add(record.raw.len());
        self.lines.push(line);
        self.records.push(record);
    }

    fn is_full(&self) -> bool {
        self.records.len() >= self.size || self.bytes >= BATCH_BYTES
    }

    fn clear(&mut self) {
        self.records.clear();
        self.lines.clear();
        self.bytes = 0;
    }
}

impl Import<'_> {
    fn file(self, path: &Path) -> anyhow::Result<()> {
        let mut input = Input::open(path)?;
        let bar = progress(input.size, &format!("Looking through {}", input.name))?;
        let mut repeats = Repeats::of(&mut input, self.options, |bytes| show(&bar, bytes, None))?;
        bar.finish_and_clear();

        let bar = progress(input.size, &format!("Importing {}", input.name))?;
        let file = FileReport { name: input.name.clone(), format: "", counts: Counts::default() };
        let mut intake = Intake { import: self, file, batch: Batch::new(), layout: None };
        let mut failure = None;
        let (bytes, read) = input.read_anew()?;
        let summary = read_calls(bytes, intake.import.options, |row| {
            let counts = &mut intake.file.counts;
            count(&mut counts.rows);
            show(&bar, read.get(), Some(counts.rows));
            let taken = match row.result {
                Err(failed) => intake.fail(row.layout, &failed.raw, &failed.to_string()),
                Ok(record) => intake.take(row.line, row.layout, record, &mut repeats),
            };
            match taken {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        let stored = match (failure, summary) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(error.into()),
            (None, Ok(summary)) => {
                intake.file.format = summary.format;
                intake.file.counts.ambiguous_times = summary.ambiguous_times;
                intake.store()
            }
        };
        bar.finish_and_clear();
        let Intake { import, file, .. } = intake;
        import.report.files.push(file);
        stored
    }
}

/// One file on its way into the database.
struct Intake<'i> {
    import: Import<'i>,
    file: FileReport,
    batch: Batch,
    layout: Option<Layout>,
}

impl Intake<'_> {
    fn take(&mut self, line: u64, layout: &Layout, record: CallRecord, repeats: &mut Repeats) -> anyhow::Result<()> {
        match repeats.standing(&record) {
            Standing::Repeat => count(&mut self.file.counts.unchanged),
            Standing::Contradiction => {
                let error = format!(
                    "Line {line}, column external_id: {:?}, expected one row for each call: another row of this file has this id and other values",
                    record.external_id
                );
                self.fail(layout, &record.raw, &error)?;
            }
            Standing::Only => {
                if self.layout.is_none() {
                    self.layout = Some(layout.clone());
                }
                self.batch.push(line, record);
                if self.batch.is_full() {
                    self.store()?;
                    if self.import.interrupt.is_asked() {
                        bail!("stopped when asked to: import the file again, and the rest goes in");
                    }
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, layout: &Layout, raw: &str, error: &str) -> anyhow::Result<()> {
        count(&mut self.file.counts.failed);
        self.import.errors.take(&self.file.name, layout, raw, error)
    }

    /// Stores the rows that wait, all in one transaction; in a dry run only looks what would become of them.
    fn store(&mut self) -> anyhow::Result<()> {
        if self.batch.records.is_empty() {
            return Ok(());
        }
        let records = &self.batch.records;
        let arguments = self.import.arguments;
        let options = call_store::Options { creates_names: !arguments.no_create, now: Clock::System.now() };
        let began = Instant::now();
        let stored: Result<BatchReport, StoreError> = if arguments.dry_run {
            self.import.db.read_blocking(|conn| call_store::preview(conn, records, options))
        } else {
            self.import.db.write_blocking(|conn| {
                call_store::prepare(conn)?;
                call_store::store(conn, &Actor::operator(), records, options)
            })
        };
        let BatchReport { outcomes, created } = stored?;
        self.batch.learn(began.elapsed());
        self.import.report.created(created);
        let mut batch = std::mem::replace(&mut self.batch, Batch::new());
        let layout = self.layout.clone();
        for ((outcome, record), line) in outcomes.into_iter().zip(&batch.records).zip(&batch.lines) {
            let counts = &mut self.file.counts;
            match (outcome, &layout) {
                (Outcome::New(_), _) => count(&mut counts.new),
                (Outcome::Updated(_), _) => count(&mut counts.updated),
                (Outcome::Unchanged(_), _) => count(&mut counts.unchanged),
                (Outcome::Failed(refusal), Some(layout)) => {
                    self.fail(layout, &record.raw, &refusal.at(*line).to_string())?;
                }
                (Outcome::Failed(_), None) => count(&mut counts.failed),
            }
        }
        batch.clear();
        self.batch = batch;
        Ok(())
    }
}

fn count(what: &mut u64) {
    *what = what.saturating_add(1);
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
