//! One row becomes one record of a call, or everything that is wrong with it.

use std::borrow::Cow;

use super::mapping::{Columns, Plan};
use super::preset::Field;
use super::reader::{Cell, Content};
use super::values::time::{TimeError, TimeRules};
use super::values::{self, Expected};
use super::{CallRecord, FailedRow, ImportError, Options, RowError, formula};
use crate::domain::call::{CallStatus, HangupBy};
use crate::domain::money::{Currency, Money, is_spreadsheet_error};
use crate::domain::phone::{self, CallerId};

/// The most characters of a name or an id.
const MAX_NAME: usize = 200;

/// Why there is no record: the row is wrong, or the whole file can't be read so.
pub(super) enum Failure {
    Row(FailedRow),
    File(ImportError),
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::File(error)
    }
}

/// What holds for every row of a file.
pub(super) struct Rules {
    time: TimeRules,
    currency: Currency,
    /// The source that was asked for, over what a row says.
    source: Option<String>,
    /// The source of rows that don't name one.
    default_source: Option<String>,
    has_formula_marks: bool,
}

impl Rules {
    pub(super) fn new(plan: &Plan, columns: &Columns, options: &Options) -> Result<Self, ImportError> {
        let of_mapping = options.mapping.as_ref().and_then(|mapping| mapping.source.clone());
        let of_preset = (plan.format != "mapping").then(|| plan.format.to_owned());
        let default_source = of_mapping.or(of_preset);
        let is_named = columns.place(Field::Source).is_some() || plan.constant(Field::Source).is_some();
        if options.source.is_none() && default_source.is_none() && !is_named {
            return Err(ImportError::NeedsSource);
        }
        Ok(Self {
            time: TimeRules { zone: options.timezone, order: options.date_order },
            currency: options.currency.unwrap_or(Currency::USD),
            source: options.source.clone(),
            default_source,
            has_formula_marks: plan.format == "fairdial",
        })
    }
}

/// Builds the record of one row.
pub(super) fn build(
    line: u64,
    raw: &str,
    content: &Content<'_>,
    plan: &Plan,
    columns: &Columns,
    rules: &mut Rules,
) -> Result<CallRecord, Failure> {
    let mut row =
        RowFields { line, content, plan, columns, has_formula_marks: rules.has_formula_marks, errors: Vec::new() };
    let time = started_at(&mut row, &mut rules.time)?;
    let currency = row.read(Field::Currency, |text| {
        Currency::from_code(text).ok_or(Expected("the three-letter code of a currency, such as USD"))
    });
    let currency = currency.unwrap_or(rules.currency);
    let duration_s = row.read(Field::DurationS, values::duration);
    let connected_s = row.read(Field::ConnectedS, values::duration);
    let (hangup_by, hangup_cause) = hangup(&mut row);
    let record = CallRecord {
        source: source(&mut row, rules),
        external_id: row.required(Field::ExternalId, "the id that the platform gave the call"),
        buyer: row.required(Field::Buyer, "the name of the buyer"),
        publisher: row.name(Field::Publisher),
        campaign: row.name(Field::Campaign),
        started_at: time.map(|time| time.at).unwrap_or_default(),
        is_time_ambiguous: time.is_some_and(|time| time.is_ambiguous),
        caller_id: row
            .read(Field::CallerId, CallerId::parse)
            .map_or_else(|| phone::ANONYMOUS.to_owned(), CallerId::into_string),
        dialed: row.number(Field::Dialed),
        destination_number: row.number(Field::Destination),
        destination_name: row.name(Field::DestinationName).unwrap_or_default(),
        currency,
        payout: row.money(Field::Payout, currency),
        publisher_payout: row.money(Field::PublisherPayout, currency),
        duration_s,
        connected_s,
        status: status(&mut row, connected_s),
        hangup_by,
        hangup_cause,
        is_duplicate: row.read(Field::Duplicate, values::boolean).unwrap_or(false),
        recording_url: row.read_text(Field::RecordingUrl, values::web_address),
        raw: String::new(),
    };
    if row.errors.is_empty() {
        Ok(CallRecord { raw: raw.to_owned(), ..record })
    } else {
        Err(Failure::Row(FailedRow { raw: raw.to_owned(), errors: row.errors }))
    }
}

fn source(row: &mut RowFields<'_>, rules: &Rules) -> String {
    if let Some(source) = &rules.source {
        return source.clone();
    }
    match (row.name(Field::Source), &rules.default_source) {
        (Some(source), _) => source,
        (None, Some(source)) => source.clone(),
        (None, None) => {
            row.fail(Field::Source, "", Cow::Borrowed("the name of the source"));
            String::new()
        }
    }
}

fn started_at(row: &mut RowFields<'_>, rules: &mut TimeRules) -> Result<Option<values::time::Time>, ImportError> {
    const EXPECTED: &str = "a date and time such as 2026-04-13T11:08:40Z or 04/13/2026 11:08:40 AM";
    let Some(text) = row.text(Field::StartedAt) else {
        row.fail_if_sound(Field::StartedAt, Cow::Borrowed(EXPECTED));
        return Ok(None);
    };
    let (line, column, value) = (row.line, row.column(Field::StartedAt), text.clone().into_owned());
    let expected = match rules.read(&text) {
        Ok(time) => return Ok(Some(time)),
        Err(TimeError::NotATime) => Cow::Borrowed(EXPECTED),
        Err(TimeError::Skipped(zone)) => {
            Cow::Owned(format!("a time that the clocks of {zone} showed: they were set forward over this one"))
        }
        Err(TimeError::NeedsTimezone) => return Err(ImportError::NeedsTimezone { line, column, value }),
        Err(TimeError::NeedsDateOrder) => return Err(ImportError::NeedsDateOrder { line, column, value }),
        Err(TimeError::ContradictsDateOrder(order)) => {
            return Err(ImportError::ContradictsDateOrder { line, column, value, order });
        }
    };
    row.fail(Field::StartedAt, &value, expected);
    Ok(None)
}

/// What a platform's one word for the outcome says: a status of ours, or only whether the call connected.
enum Outcome {
    Status(CallStatus),
    Connected(bool),
}

fn outcome(text: &str) -> Result<Outcome, Expected> {
    let word = text.to_ascii_lowercase();
    let ours = CallStatus::ALL.iter().find(|status| status.code() == word || status.label().eq_ignore_ascii_case(text));
    if let Some(status) = ours {
        return Ok(Outcome::Status(*status));
    }
    match word.as_str() {
        "completed" | "answered" => Ok(Outcome::Connected(true)),
        "busy" | "no-answer" | "no answer" | "canceled" | "cancelled" => Ok(Outcome::Connected(false)),
        "queued" | "initiated" | "ringing" | "in-progress" => Ok(Outcome::Status(CallStatus::InProgress)),
        _ => Err(Expected("a call status such as completed_with_conversion")),
    }
}

/// The status the row names, else the one that follows from connected and converted.
fn status(row: &mut RowFields<'_>, connected_s: Option<i32>) -> CallStatus {
    let named = row.read(Field::Status, outcome);
    let connected = row.read(Field::Connected, values::boolean);
    let converted = row.read(Field::Converted, values::converted).unwrap_or(false);
    let connected = match named {
        Some(Outcome::Status(status)) => return status,
        Some(Outcome::Connected(connected)) => Some(connected),
        None => connected,
    };
    // Where nothing tells whether the call connected, a call that converted did.
    let connected = connected.or(connected_s.map(|seconds| seconds > 0)).unwrap_or(converted);
    CallStatus::from_outcome(connected, converted)
}

fn hangup(row: &mut RowFields<'_>) -> (HangupBy, String) {
    let reported = row.text(Field::HangupBy).unwrap_or_default();
    let (by, rest) = values::hangup(&reported);
    let cause = row.text(Field::HangupCause).map_or_else(|| rest.to_owned(), Cow::into_owned);
    (by, cause)
}

/// The fields of one row, and what was wrong with them so far.
struct RowFields<'a> {
    line: u64,
    content: &'a Content<'a>,
    plan: &'a Plan,
    columns: &'a Columns,
    has_formula_marks: bool,
    errors: Vec<RowError>,
}

impl<'a> RowFields<'a> {
    /// The field's text, trimmed; nothing where it is empty, or where it can't be any field's text.
    fn text(&mut self, field: Field) -> Option<Cow<'a, str>> {
        let content: &'a Content<'a> = self.content;
        let cell = self.columns.place(field).and_then(|place| content.cells.get(place));
        let text: &'a str = match cell {
            Some(Cell::Text(text)) => text,
            Some(Cell::Nested) => {
                self.fail(field, "", Cow::Borrowed("one value, not a list or an object"));
                return None;
            }
            None => self.plan.constant(field)?,
        };
        let text = if self.has_formula_marks { formula::restored(text) } else { text }.trim();
        if text.contains('\0') {
            self.fail(field, text, Cow::Borrowed("text without the character NUL"));
            return None;
        }
        (!text.is_empty()).then_some(Cow::Borrowed(text))
    }

    fn read<T, E: std::fmt::Display>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text(field)?;
        read(&text).map_err(|expected| self.fail(field, &text, Cow::Owned(expected.to_string()))).ok()
    }

    fn read_text<E: std::fmt::Display>(&mut self, field: Field, read: impl Fn(&str) -> Result<&str, E>) -> String {
        self.read(field, |text| read(text).map(str::to_owned)).unwrap_or_default()
    }

    fn name(&mut self, field: Field) -> Option<String> {
        self.read(field, |text| {
            if text.starts_with('#') && is_spreadsheet_error(text) {
                Err(Expected("text, not an error of a spreadsheet"))
            } else if text.chars().count() > MAX_NAME {
                Err(Expected("at most 200 characters"))
            } else if field == Field::Buyer && text.contains(char::is_control) {
                Err(Expected("a name in one line, without control characters"))
            } else {
                Ok(text.to_owned())
            }
        })
    }

    fn required(&mut self, field: Field, expected: &'static str) -> String {
        self.name(field).unwrap_or_else(|| {
            self.fail_if_sound(field, Cow::Borrowed(expected));
            String::new()
        })
    }

    fn number(&mut self, field: Field) -> String {
        self.read(field, |text| {
            let number = phone::normalise_destination(text).or(Err(Expected("a phone number with all its digits")))?;
            if number.chars().count() > MAX_NAME || is_spreadsheet_error(&number) {
                return Err(Expected("a phone number or a name of at most 200 characters"));
            }
            Ok(number.into_owned())
        })
        .unwrap_or_default()
    }

    fn money(&mut self, field: Field, currency: Currency) -> Option<i64> {
        self.read(field, |text| Money::parse(text, currency)).flatten().map(|money| money.minor)
    }

    fn column(&self, field: Field) -> String {
        let name = self.columns.place(field).and_then(|place| self.content.names.get(place));
        name.map_or_else(|| field.name().to_owned(), |name| name.trim().to_owned())
    }

    fn fail(&mut self, field: Field, value: &str, expected: Cow<'static, str>) {
        let error = RowError { line: self.line, column: self.column(field), value: value.to_owned(), expected };
        self.errors.push(error);
    }

    /// Says that the field is missing, unless something else is wrong with it already.
    fn fail_if_sound(&mut self, field: Field, expected: Cow<'static, str>) {
        let column = self.column(field);
        if !self.errors.iter().any(|error| error.column == column) {
            self.fail(field, "", expected);
        }
    }
}
