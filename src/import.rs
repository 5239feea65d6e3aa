//! Calls come in: the exports of tracking platforms become records of calls.
//!
//! Pure: from a stream of bytes to records and row errors, in bounded memory. Knows no database.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::Read;
use std::ops::ControlFlow;

use chrono_tz::Tz;

use crate::domain::Instant;
use crate::domain::call::{CallStatus, HangupBy};
use crate::domain::money::Currency;

pub mod errors_file;
pub mod formula;
pub mod mapping;
pub mod preset;
mod reader;
mod record;
pub mod values;

pub use mapping::Mapping;
pub use reader::Layout;
pub use values::time::DateOrder;

use mapping::{Columns, Plan};
use reader::Row;
use record::{Failure, Rules};

/// One call as a platform reported it, in our words. Names are as written: aliases are looked up later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    pub source: String,
    pub external_id: String,
    pub buyer: String,
    pub publisher: Option<String>,
    pub campaign: Option<String>,
    pub started_at: Instant,
    /// The clocks showed the call's time twice; the earlier was taken.
    pub is_time_ambiguous: bool,
    pub caller_id: String,
    pub dialed: String,
    pub destination_number: String,
    pub destination_name: String,
    pub currency: Currency,
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub duration_s: Option<i32>,
    pub connected_s: Option<i32>,
    pub status: CallStatus,
    pub hangup_by: HangupBy,
    pub hangup_cause: String,
    pub is_duplicate: bool,
    pub recording_url: String,
    /// The row as it came, as JSON; a CSV row is an object of header and value.
    pub raw: String,
}

impl CallRecord {
    /// Whether both say the same of the same call, however their rows were written.
    #[must_use]
    pub fn is_same_call(&self, other: &Self) -> bool {
        let without_raw = |record: &Self| Self { raw: String::new(), ..record.clone() };
        self == other || without_raw(self) == without_raw(other)
    }

    /// Feeds everything but the raw row, so that rows which say the same of the same call feed the same.
    pub fn hash_call(&self, hasher: &mut impl Hasher) {
        (&self.source, &self.external_id, &self.buyer, &self.publisher, &self.campaign).hash(hasher);
        (self.started_at, &self.caller_id, &self.dialed, &self.destination_number).hash(hasher);
        (&self.destination_name, self.currency, self.payout, self.publisher_payout).hash(hasher);
        (self.duration_s, self.connected_s, self.status, self.hangup_by).hash(hasher);
        (&self.hangup_cause, self.is_duplicate, &self.recording_url).hash(hasher);
    }
}

/// How a file is to be read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The preset's name; recognised from the headers or keys where absent.
    pub format: Option<String>,
    pub timezone: Option<Tz>,
    pub date_order: Option<DateOrder>,
    pub mapping: Option<Mapping>,
    /// The source of every call; else what the row or the mapping says, else the preset's platform.
    pub source: Option<String>,
    /// The currency of rows that don't name one; USD where absent.
    pub currency: Option<Currency>,
}

/// What became of one row.
#[derive(Debug)]
pub struct RowOutcome<'a> {
    /// The line on which the row begins.
    pub line: u64,
    pub layout: &'a Layout,
    pub result: Result<CallRecord, FailedRow>,
}

/// A row that can't be taken, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRow {
    pub raw: String,
    pub errors: Vec<RowError>,
}

impl fmt::Display for FailedRow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(out, "{}{error}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    pub line: u64,
    /// The column as the file names it, or our field where the file has none.
    pub column: String,
    pub value: String,
    pub expected: Cow<'static, str>,
}

impl fmt::Display for RowError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Line {}", self.line)?;
        if !self.column.is_empty() {
            write!(out, ", column {}", self.column)?;
        }
        match self.value.char_indices().nth(80) {
            _ if self.value.is_empty() => write!(out, ": empty")?,
            None => write!(out, ": {:?}", self.value)?,
            Some((end, _)) => write!(out, ": {:?}…", self.value.get(..end).unwrap_or_default())?,
        }
        write!(out, ", expected {}", self.expected)
    }
}

/// What a whole file came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The preset's name, or `mapping`.
    pub format: &'static str,
    pub rows: u64,
    pub failed: u64,
    pub ambiguous_times: u64,
    /// False where the receiver stopped before the end.
    pub is_complete: bool,
}

/// Why a file can't be read on; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("The file has no rows: choose the file that the platform exported")]
    Empty,
    #[error("No known format has these columns: {0}. Name one with --format ({formats}), or say which column is which with --mapping FILE", formats = format_names())]
    Unrecognised(String),
    #[error("There is no format {0:?}: use one of {formats}, or --mapping FILE", formats = format_names())]
    UnknownFormat(String),
    #[error(
        "The file lacks what a call in the format {format} needs: {missing}. Export it with these columns, or give them with --mapping FILE"
    )]
    MissingColumns { format: &'static str, missing: String },
    #[error("The mapping can't be used: {0}")]
    Mapping(String),
    #[error("Name the source of these calls with --source NAME: a mapping has no platform to take it from")]
    NeedsSource,
    #[error(
        "Line {line}, column {column}: {value:?} has no time zone. Say with --timezone which one it is in, such as --timezone America/New_York"
    )]
    NeedsTimezone { line: u64, column: String, value: String },
    #[error(
        "Line {line}, column {column}: {value:?} may be month first or day first. Say which with --date-order mdy or --date-order dmy"
    )]
    NeedsDateOrder { line: u64, column: String, value: String },
    #[error("Line {line}, column {column}: {value:?} contradicts the order {order} of the dates before it or of --date-order. Use --date-order {other}, or mend the line", order = .order.name(), other = other_order(*.order))]
    ContradictsDateOrder { line: u64, column: String, value: String, order: DateOrder },
    #[error("Line {line} isn't UTF-8: save the file as UTF-8 and import it again")]
    NotUtf8 { line: u64 },
    #[error("The file is UTF-16: save it as UTF-8 (in a spreadsheet: CSV UTF-8) and import it again")]
    Utf16,
    #[error("The row at line {line} is longer than 1 MiB: look for a quotation mark that is missing or not closed")]
    RowTooLong { line: u64 },
    #[error("The JSON breaks off at line {line}, column {column} ({cause}): export the file again, or mend it there")]
    BrokenJson { line: usize, column: usize, cause: String },
    #[error("The file can't be read: {0}")]
    Io(#[from] std::io::Error),
}

fn format_names() -> String {
    preset::PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
}

fn other_order(order: DateOrder) -> &'static str {
    match order {
        DateOrder::MonthFirst => DateOrder::DayFirst.name(),
        DateOrder::DayFirst => DateOrder::MonthFirst.name(),
    }
}

/// Reads every call of a file and gives each row to `each`, good or failed, until that breaks.
///
/// Rows before a line that stops the file were already given; run it without keeping them first to be sure.
pub fn read_calls(
    mut input: impl Read,
    options: &Options,
    mut each: impl FnMut(RowOutcome<'_>) -> ControlFlow<()>,
) -> Result<Summary, ImportError> {
    let mut importer = Importer {
        options,
        each: &mut each,
        state: None,
        failure: None,
        summary: Summary { format: "", rows: 0, failed: 0, ambiguous_times: 0, is_complete: true },
    };
    reader::read(&mut input, &mut |layout, row| importer.take(layout, row))?;
    match importer.failure {
        Some(failure) => Err(failure),
        None => Ok(importer.summary),
    }
}

/// The way of rows through one import.
struct Importer<'i> {
    options: &'i Options,
    each: &'i mut dyn FnMut(RowOutcome<'_>) -> ControlFlow<()>,
    state: Option<State>,
    failure: Option<ImportError>,
    summary: Summary,
}

/// What is known once the first row has been seen.
struct State {
    plan: Plan,
    rules: Rules,
    /// The names of the last row and where the fields are among them: rows of one file mostly look alike.
    names: Vec<String>,
    columns: Columns,
}

impl Importer<'_> {
    fn take(&mut self, layout: &Layout, row: Row<'_>) -> ControlFlow<()> {
        let line = row.line;
        let result = match self.record(row) {
            Ok(record) => Ok(record),
            Err(Failure::Row(failed)) => Err(failed),
            Err(Failure::File(error)) => {
                self.failure = Some(error);
                return ControlFlow::Break(());
            }
        };
        self.summary.rows += 1;
        match &result {
            Ok(record) => self.summary.ambiguous_times += u64::from(record.is_time_ambiguous),
            Err(_) => self.summary.failed += 1,
        }
        let flow = (self.each)(RowOutcome { line, layout, result });
        self.summary.is_complete = flow.is_continue();
        flow
    }

    fn record(&mut self, row: Row<'_>) -> Result<CallRecord, Failure> {
        let Row { line, raw, content } = row;
        let content = content.map_err(|broken| {
            let error =
                RowError { line, column: String::new(), value: broken.value, expected: Cow::Owned(broken.expected) };
            Failure::Row(FailedRow { raw: raw.clone().into_owned(), errors: vec![error] })
        })?;
        let state = if let Some(state) = &mut self.state {
            state
        } else {
            let state = State::new(content.names, self.options)?;
            self.summary.format = state.plan.format;
            self.state.insert(state)
        };
        if state.names != content.names {
            state.names = content.names.iter().map(|name| name.clone().into_owned()).collect();
            state.columns = state.plan.locate(content.names);
        }
        record::build(line, &raw, &content, &state.plan, &state.columns, &mut state.rules)
    }
}

impl State {
    fn new(names: &[Cow<'_, str>], options: &Options) -> Result<Self, Failure> {
        let mapping = options.mapping.as_ref();
        let plan = Plan::new(names, options.format.as_deref(), mapping)?;
        let columns = plan.locate(names);
        plan.check(&columns)?;
        let rules = Rules::new(&plan, &columns, options)?;
        Ok(Self { plan, rules, names: names.iter().map(|name| name.clone().into_owned()).collect(), columns })
    }
}

#[cfg(test)]
mod tests;
