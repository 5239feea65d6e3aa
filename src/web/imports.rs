//! `/imports`: files of calls, looked through first and then brought in, for managers with Calls Import.

mod download;
mod form;
mod index;
mod show;

pub(in crate::web) use download::errors;
pub(in crate::web) use index::{create, index};
pub(in crate::web) use show::{discard, show, start, update};

use super::AppError;
use super::error::Link;
use super::paths;
use crate::auth::{ImportCalls, Permission};
use crate::db::imports::{ImportRow, ImportsError};
use crate::domain::ids::ImportId;
use crate::import::preset::PRESETS;

/// What a refused change of an import is answered with.
fn failed(error: ImportsError, id: ImportId) -> AppError {
    let conflict = |code, sentence| {
        AppError::conflict(code, "This import is further on", sentence, Link::new(paths::import(id), "Show the import"))
    };
    match error {
        ImportsError::Missing => AppError::NotFound,
        ImportsError::NotAllowed => AppError::Forbidden { what: ImportCalls::LABEL.to_owned() },
        ImportsError::Begun => conflict("import_begun", "It was begun already, so it can’t be changed any more."),
        ImportsError::NotLooked => conflict("import_not_looked", "Its dry run isn’t done. Look at that first."),
        ImportsError::Changed => {
            conflict("import_changed", "Somebody asked for another dry run meanwhile. Look at what it found first.")
        }
        ImportsError::Database(error) => error.into(),
    }
}

/// A format as people read its name.
fn format_name(format: &str) -> &str {
    let names = [
        ("fairdial", "Fairdial CSV"),
        ("ringba", "Ringba"),
        ("retreaver", "Retreaver"),
        ("trackdrive", "TrackDrive"),
        ("callrail", "CallRail"),
        ("twilio", "Twilio"),
        ("mapping", "by a mapping"),
    ];
    names.iter().find(|(code, _)| *code == format).map_or(format, |(_, name)| name)
}

/// The formats to choose from.
fn formats() -> Vec<(&'static str, &'static str)> {
    PRESETS.iter().map(|preset| (preset.name, format_name(preset.name))).collect()
}

/// Where the calls come from, as far as that is known.
fn source_name(row: &ImportRow) -> String {
    match (row.source.as_str(), row.format.as_str()) {
        ("", "") => row.settings().source,
        ("", _) => "as each row says".to_owned(),
        (source, _) => source.to_owned(),
    }
}
