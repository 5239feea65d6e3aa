//! Calls on their way from a file into the database, batch by batch: for the command line and for the Imports page.
//!
//! A file is looked through before any of its rows goes in. Whoever reads one decides what becomes of a batch: it is
//! stored, or only looked up, in the transaction of the caller.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::db::call_store::{BatchReport, CreatedName, Outcome};
use crate::import::{self, CallRecord, FailedRow, ImportError, Layout, Options, RowError, Summary};

mod input;
mod repeats;
mod report;
pub mod settings;
mod told;
mod work;

pub use input::Input;
pub use repeats::Repeats;
pub use report::{Counts, CreatedNames};
pub use settings::Settings;
pub use work::Imports;

use repeats::Standing;

/// How many bytes of rows are held at once, however long they are.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How large batches are, and how long one should take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many rows the first batch has, and the fewest and the most of any.
    pub first: usize,
    pub smallest: usize,
    pub largest: usize,
    /// A batch that takes less is followed by a larger one, one that takes more by a smaller one.
    pub short: Duration,
    pub long: Duration,
}

impl Pace {
    /// For a process that does nothing else: long, so that a commit costs little, and short, so that others get their turn.
    pub const ALONE: Self = Self {
        first: 2_000,
        smallest: 250,
        largest: 8_000,
        short: Duration::from_millis(150),
        long: Duration::from_millis(400),
    };

    /// For a server that answers others meanwhile: they wait for one batch at most.
    pub const BESIDE_OTHERS: Self = Self {
        first: 500,
        smallest: 100,
        largest: 2_000,
        short: Duration::from_millis(40),
        long: Duration::from_millis(120),
    };

    fn after(self, size: usize, took: Duration) -> usize {
        if took > self.long {
            (size / 2).max(self.smallest)
        } else if took < self.short {
            size.saturating_mul(2).min(self.largest)
        } else {
            size
        }
    }
}

/// Rows of a file that wait for their transaction.
#[derive(Debug, Default)]
pub struct Batch {
    /// How many rows of the file stand before them.
    pub from: u64,
    pub rows: u64,
    pub records: Vec<CallRecord>,
    /// The line of each record.
    pub lines: Vec<u64>,
    /// Rows that can't be taken whatever is in the database, in their order.
    pub failed: Vec<FailedLine>,
    /// Rows that stood in the file before.
    pub repeats: u64,
    pub ambiguous_times: u64,
    /// The shape of the file.
    pub layout: Option<Layout>,
    /// How many bytes of the file were read up to here.
    pub read: u64,
    bytes: usize,
}

/// A row that failed, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedLine {
    pub line: u64,
    pub row: FailedRow,
}

impl Batch {
    fn push(&mut self, line: u64, record: CallRecord) {
        self.bytes = self.bytes.saturating_add(record.raw.len());
        self.lines.push(line);
        self.records.push(record);
    }

    fn fail(&mut self, line: u64, row: FailedRow) {
        self.bytes = self.bytes.saturating_add(row.raw.len());
        self.failed.push(FailedLine { line, row });
    }

    fn is_full(&self, size: usize) -> bool {
        self.records.len().saturating_add(self.failed.len()) >= size || self.bytes >= BATCH_BYTES
    }

    /// What the batch came to, once the database has said what became of its records.
    #[must_use]
    pub fn came_to(&self, report: BatchReport) -> Came {
        let mut counts = Counts {
            rows: self.rows,
            unchanged: self.repeats,
            ambiguous_times: self.ambiguous_times,
            ..Counts::default()
        };
        let mut failed = self.failed.clone();
        for ((outcome, record), line) in report.outcomes.into_iter().zip(&self.records).zip(&self.lines) {
            match outcome {
                Outcome::New(_) => counts.new = counts.new.saturating_add(1),
                Outcome::Updated(_) => counts.updated = counts.updated.saturating_add(1),
                Outcome::Unchanged(_) => counts.unchanged = counts.unchanged.saturating_add(1),
                Outcome::Failed(refusal) => {
                    let row = FailedRow { raw: record.raw.clone(), errors: vec![refusal.at(*line)] };
                    failed.push(FailedLine { line: *line, row });
                }
            }
        }
        failed.sort_by_key(|failed| failed.line);
        counts.failed = u64::try_from(failed.len()).unwrap_or(u64::MAX);
        Came { counts, failed, created: report.created }
    }
}

/// What a batch came to.
#[derive(Clone, Debug, Default)]
pub struct Came {
    pub counts: Counts,
    pub failed: Vec<FailedLine>,
    pub created: Vec<CreatedName>,
}

/// Reads a file from a row on and gives its rows to `take`, batch by batch; `take` says how long each took.
///
/// `each` hears of every row, with how many bytes were read and how many rows there were.
///
/// # Errors
/// What stops the file, or what `take` ends in.
pub fn read<E: From<ImportError>>(
    input: &mut Input,
    (options, repeats, pace): (&Options, &mut Repeats, Pace),
    skip: u64,
    mut each: impl FnMut(u64, u64),
    mut take: impl FnMut(Batch) -> Result<Duration, E>,
) -> Result<Summary, E> {
    let (bytes, read) = input.read_anew().map_err(ImportError::from)?;
    let (mut rows, mut size) = (0_u64, pace.first);
    let mut batch = Batch { from: skip, ..Batch::default() };
    let mut failure = None;
    let summary = import::read_calls(bytes, options, |row| {
        rows = rows.saturating_add(1);
        each(read.get(), rows);
        let standing = row.result.as_ref().ok().map(|record| repeats.standing(record));
        if rows <= skip {
            return ControlFlow::Continue(());
        }
        batch.rows = batch.rows.saturating_add(1);
        if batch.layout.is_none() {
            batch.layout = Some(row.layout.clone());
        }
        batch.read = read.get();
        if row.result.as_ref().is_ok_and(|record| record.is_time_ambiguous) {
            batch.ambiguous_times = batch.ambiguous_times.saturating_add(1);
        }
        match (row.result, standing) {
            (Err(failed), _) => batch.fail(row.line, failed),
            (Ok(_), Some(Standing::Repeat)) => batch.repeats = batch.repeats.saturating_add(1),
            (Ok(record), Some(Standing::Contradiction)) => batch.fail(row.line, contradiction(row.line, record)),
            (Ok(record), _) => batch.push(row.line, record),
        }
        if !batch.is_full(size) {
            return ControlFlow::Continue(());
        }
        let next = Batch { from: rows, layout: batch.layout.clone(), ..Batch::default() };
        match take(std::mem::replace(&mut batch, next)) {
            Ok(took) => {
                size = pace.after(size, took);
                ControlFlow::Continue(())
            }
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    let summary = summary?;
    if batch.rows > 0 {
        take(batch)?;
    }
    Ok(summary)
}

fn contradiction(line: u64, record: CallRecord) -> FailedRow {
    let error = RowError {
        line,
        column: "external_id".to_owned(),
        value: record.external_id,
        expected: "one row for each call: another row of this file has this id and other values".into(),
    };
    FailedRow { raw: record.raw, errors: vec![error] }
}
