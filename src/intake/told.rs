//! Why a file can't be read on, for somebody at the page: the field that helps, and a sentence.

use crate::import::{DateOrder, ImportError};

/// Where on the form it can be mended (empty: nowhere), and what is wrong.
#[must_use]
pub(super) fn trouble(error: &ImportError) -> (&'static str, String) {
    match error {
        ImportError::Empty => ("file", "The file has no rows: choose the file that the platform exported".to_owned()),
        ImportError::Unrecognised(columns) => (
            "format",
            format!(
                "No known format has these columns: {columns}. Choose the format, or say in the mapping which column is which"
            ),
        ),
        ImportError::UnknownFormat(name) => {
            ("mapping", format!("There is no format “{name}”, which the mapping names"))
        }
        ImportError::MissingColumns { format, missing } => (
            "mapping",
            format!(
                "The file lacks what a call in the format {format} needs: {missing}. Export it with these columns, or give them in the mapping"
            ),
        ),
        ImportError::Mapping(said) => ("mapping", format!("The mapping can’t be used: {said}")),
        ImportError::NeedsSource => {
            ("source", "Name the source of these calls: a mapping has no platform to take it from".to_owned())
        }
        ImportError::NeedsTimezone { line, column, value } => (
            "time_zone",
            format!("Line {line}, column {column}: “{value}” has no time zone. Choose the one that these times are in"),
        ),
        ImportError::NeedsDateOrder { line, column, value } => (
            "date_order",
            format!("Line {line}, column {column}: “{value}” may be month first or day first. Choose which"),
        ),
        ImportError::ContradictsDateOrder { line, column, value, order } => (
            "date_order",
            format!(
                "Line {line}, column {column}: “{value}” can’t be {}, as the dates before it or your choice have it. Choose the other order, or mend the line",
                order_in_words(*order)
            ),
        ),
        ImportError::Utf16 => {
            ("file", "The file is UTF-16: save it as UTF-8 (in a spreadsheet: CSV UTF-8) and send it again".to_owned())
        }
        ImportError::NotUtf8 { .. }
        | ImportError::RowTooLong { .. }
        | ImportError::BrokenJson { .. }
        | ImportError::Io(_) => ("file", error.to_string()),
    }
}

/// The words for an order of dates.
#[must_use]
fn order_in_words(order: DateOrder) -> &'static str {
    match order {
        DateOrder::MonthFirst => "month first",
        DateOrder::DayFirst => "day first",
    }
}
