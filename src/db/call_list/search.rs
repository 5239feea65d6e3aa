//! What is typed into the search field, by the index that fits.

use crate::db::suffixes;
use crate::domain::ids::CallId;

/// What can be searched for in the Call Log, each by an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallSearch {
    Id(CallId),
    /// The source's own id of the call.
    ExternalId(String),
    /// The beginning of a Caller ID, in any of the ways it may be stored (`+1214…`, `+214…`, `214…`).
    Prefix(Vec<String>),
    /// The last seven digits.
    Last7(String),
}

impl CallSearch {
    /// What somebody typed: an id, the last seven digits, or the beginning of a number (with a plus however many digits);
    /// anything else a source's id.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Self::Id(id);
        }
        let digits = suffixes::digits(text);
        match (suffixes::is_number(text), digits.len()) {
            (false, _) | (_, 0) => Self::ExternalId(text.to_owned()),
            _ if text.starts_with('+') => Self::Prefix(vec![format!("+{digits}")]),
            (_, 7) => Self::Last7(digits),
            _ => Self::Prefix(vec![format!("+1{digits}"), format!("+{digits}"), digits]),
        }
    }
}
