//! The address of a list: read into filters, order and page, and written again, so that every link carries the whole state.

use std::fmt::{self, Display};
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::error::AppError;
use crate::db::paging::{Place, Sort};
use crate::domain::Instant;

#[cfg(test)]
#[path = "list_query_tests.rs"]
mod tests;

/// Rows on a page where nothing else is said.
pub const PER_PAGE: i64 = 50;

/// What the page offers; an address may say any number from 1 to 100.
pub const PER_PAGE_CHOICES: [i64; 3] = [25, 50, 100];

/// A closed set of words, such as the columns of a table. Implement it with `words!`.
pub trait Word: Copy + PartialEq + 'static {
    /// Every word.
    const EVERY: &'static [Self];

    /// The word in the address.
    fn word(self) -> &'static str;

    /// The words people read.
    fn words(self) -> &'static str;
}

/// Makes a `text_enum!` a [`Word`].
macro_rules! words {
    ($($name:ty),+) => {$(
        impl $crate::web::list_query::Word for $name {
            const EVERY: &'static [Self] = Self::ALL;
            fn word(self) -> &'static str {
                self.code()
            }
            fn words(self) -> &'static str {
                self.label()
            }
        }
    )+};
}
pub(crate) use words;

/// The pairs of a query string; names may repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads what follows the question mark.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        // An empty field of a form asks for nothing.
        let pairs = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.trim().to_owned()))
            .filter(|(_, value)| !value.is_empty());
        Self(pairs.collect())
    }

    /// Whether the address says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The last value of a name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Puts one value in the place of every value of that name.
    pub fn put(&mut self, name: &str, value: String) {
        self.0.retain(|(found, _)| found != name);
        self.0.push((name.to_owned(), value));
    }

    /// The value as a `T`; `expected` says what is allowed, after "needs".
    ///
    /// # Errors
    /// 422 that names the field.
    pub fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, AppError> {
        self.read(name, expected, |text| text.parse().ok())
    }

    /// The value as a word of a closed set.
    ///
    /// # Errors
    /// 422 that names the field and the words.
    pub fn word<W: Word>(&self, name: &str) -> Result<Option<W>, AppError> {
        self.read(name, &one_of::<W>(), find_word)
    }

    /// The values as words of a closed set, each once.
    ///
    /// # Errors
    /// 422 that names the field and the words.
    pub fn word_list<W: Word>(&self, name: &str) -> Result<Vec<W>, AppError> {
        let mut found = Vec::new();
        for text in self.all(name) {
            let word = find_word(text).ok_or_else(|| refuse(name, text, &one_of::<W>()))?;
            if !found.contains(&word) {
                found.push(word);
            }
        }
        Ok(found)
    }

    /// Whether a box is ticked.
    ///
    /// # Errors
    /// 422 for anything but 1 and 0.
    pub fn is_ticked(&self, name: &str) -> Result<bool, AppError> {
        let ticked = self.read(name, "1 or nothing", |text| match text {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        })?;
        Ok(ticked.unwrap_or_default())
    }

    /// A text of some length, such as a search.
    ///
    /// # Errors
    /// 422 for a text too long to mean anything.
    pub fn short_text(&self, name: &str) -> Result<Option<String>, AppError> {
        self.read(name, "a text of at most 200 characters", |text| {
            (text.chars().count() <= 200 && !text.contains('\0')).then(|| text.to_owned())
        })
    }

    /// The days from one field to another, both inclusive, as instants: from the first, before the second.
    ///
    /// # Errors
    /// 422 that names the field.
    pub fn days(&self, from: &str, to: &str, zone: Tz) -> Result<(Option<Instant>, Option<Instant>), AppError> {
        let from = self.day(from)?.map(|day| first_instant(day, zone));
        let to = self.day(to)?.and_then(|day| day.succ_opt()).map(|next| first_instant(next, zone));
        Ok((from, to))
    }

    fn day(&self, name: &str) -> Result<Option<NaiveDate>, AppError> {
        self.read(name, "a date such as 2026-11-20", read_day)
    }

    fn read<T>(&self, name: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, AppError> {
        self.text(name).map(|text| read(text).ok_or_else(|| refuse(name, text, expected))).transpose()
    }
}

/// 422 that names the field, what it holds and what it needs.
#[must_use]
pub fn refuse(name: &str, value: &str, expected: &str) -> AppError {
    let shown: String = value.chars().take(60).collect();
    AppError::Unprocessable(format!("The filter \u{201c}{name}\u{201d} needs {expected}, not \u{201c}{shown}\u{201d}."))
}

fn find_word<W: Word>(text: &str) -> Option<W> {
    W::EVERY.iter().copied().find(|word| word.word() == text)
}

fn one_of<W: Word>() -> String {
    format!("one of {}", W::EVERY.iter().map(|word| word.word()).collect::<Vec<_>>().join(", "))
}

/// `2026-11-20`; years that both databases and people know.
fn read_day(text: &str) -> Option<NaiveDate> {
    let is_shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = is_shaped.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()?;
    (day >= NaiveDate::from_ymd_opt(1900, 1, 1)?).then_some(day)
}

/// The instant at which a day begins in a zone: the first that its clocks show, where midnight is skipped.
#[must_use]
pub fn first_instant(day: NaiveDate, zone: Tz) -> Instant {
    let midnight = day.and_time(NaiveTime::MIN);
    // The longest gap there was is a day, in the Pacific; clocks jump by whole minutes.
    let shown = (0..=26 * 60).find_map(|minutes| {
        let local = midnight.checked_add_signed(TimeDelta::minutes(minutes))?;
        zone.from_local_datetime(&local).earliest()
    });
    shown.map_or(midnight, |at| at.naive_utc())
}

/// What a person saved for a table, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    pub columns: String,
    pub per_page: i64,
    pub sort: String,
}

/// What holds where the address says nothing.
#[derive(Clone, Debug)]
pub struct Defaults<'a, S, C> {
    pub sort: Sort<S>,
    /// What this viewer may sort by.
    pub sorts: &'a [S],
    /// The columns this viewer may see, in their order.
    pub columns: &'a [C],
    pub zone: Tz,
    pub saved: Option<Saved>,
}

/// Order, page size, columns, zone and page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<S, C, Id> {
    pub sort: Sort<S>,
    pub per_page: i64,
    pub columns: Vec<C>,
    /// Whether the columns differ from the default: then none leaves when room gets less.
    pub has_own_columns: bool,
    pub zone: Tz,
    pub place: Place<Id>,
}

impl<S: Word, C: Word, Id: FromStr + Copy + Display> Listing<S, C, Id> {
    /// Reads the address, over what was saved, over the default.
    ///
    /// # Errors
    /// 422 that names the field.
    pub fn read(params: &Params, defaults: &Defaults<'_, S, C>) -> Result<Self, AppError> {
        let saved = defaults.saved.clone().unwrap_or_default();
        let sorts: Vec<_> = defaults.sorts.iter().map(|sort| sort.word()).collect();
        let expected = format!("a column ({}), with - before it for descending", sorts.join(", "));
        let sort = params.read("sort", &expected, |text| read_sort(text, defaults.sorts))?;
        let range = "a number from 1 to 100";
        let per_page = params.read("per_page", range, |text| text.parse().ok().filter(|rows| (1..=100).contains(rows)));
        let columns = read_columns(params, &saved, defaults.columns)?;
        Ok(Self {
            sort: sort.or_else(|| read_sort(&saved.sort, defaults.sorts)).unwrap_or(defaults.sort),
            per_page: per_page?.unwrap_or(if saved.per_page > 0 { saved.per_page } else { PER_PAGE }),
            has_own_columns: columns != defaults.columns,
            columns,
            zone: params.parsed("tz", "a time zone such as America/New_York")?.unwrap_or(defaults.zone),
            place: match (params.parsed("after", "an id")?, params.parsed("before", "an id")?) {
                (Some(id), _) => Place::After(id),
                (None, Some(id)) => Place::Before(id),
                (None, None) => Place::First,
            },
        })
    }

    /// Writes all but the page into a link.
    #[must_use]
    pub fn write(&self, link: Link) -> Link {
        let columns: Vec<_> = self.columns.iter().map(|column| column.word()).collect();
        link.with("sort", sort_text(self.sort))
            .with("per_page", self.per_page)
            .with("columns", columns.join(","))
            .with("tz", self.zone.name())
    }

    /// Every column that can be chosen, and whether it is shown: those first, in their order.
    #[must_use]
    pub fn choices(&self, allowed: &[C]) -> Vec<(C, bool)> {
        let hidden = allowed.iter().filter(|column| !self.shows(**column)).map(|column| (*column, false));
        self.columns.iter().map(|column| (*column, true)).chain(hidden).collect()
    }

    /// Whether the column is shown.
    #[must_use]
    pub fn shows(&self, column: C) -> bool {
        self.columns.contains(&column)
    }

    /// `ascending` or `descending` for the sorted column, for `aria-sort`.
    #[must_use]
    pub fn direction_of(&self, key: S) -> Option<&'static str> {
        let direction = if self.sort.is_descending { "descending" } else { "ascending" };
        (self.sort.key == key).then_some(direction)
    }

    /// What a click on a column's header asks for: the other way round, or this way first.
    #[must_use]
    pub fn sort_by(&self, key: S, descending_first: bool) -> String {
        let is_descending = if self.sort.key == key { !self.sort.is_descending } else { descending_first };
        sort_text(Sort { key, is_descending })
    }
}

fn read_sort<S: Word>(text: &str, allowed: &[S]) -> Option<Sort<S>> {
    let (word, is_descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
    let key = allowed.iter().copied().find(|key| key.word() == word)?;
    Some(Sort { key, is_descending })
}

/// `payout`, or `-payout` for descending.
#[must_use]
pub fn sort_text<S: Word>(sort: Sort<S>) -> String {
    format!("{}{}", if sort.is_descending { "-" } else { "" }, sort.key.word())
}

fn read_columns<C: Word>(params: &Params, saved: &Saved, allowed: &[C]) -> Result<Vec<C>, AppError> {
    let mut wanted = Vec::new();
    for text in params.all("columns").flat_map(|text| text.split(',')).filter(|text| !text.is_empty()) {
        let column: C = find_word(text).ok_or_else(|| refuse("columns", text, &one_of::<C>()))?;
        // A colleague's link may name what this viewer doesn't see: it stays unseen.
        if allowed.contains(&column) && !wanted.contains(&column) {
            wanted.push(column);
        }
    }
    if wanted.is_empty() {
        let kept = saved.columns.split(',').filter_map(find_word).filter(|column| allowed.contains(column));
        wanted.extend(kept);
    }
    Ok(if wanted.is_empty() { allowed.to_vec() } else { wanted })
}

/// An address of this server with its query: the state of a list, from which links are made by small changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    path: &'static str,
    pairs: Vec<(&'static str, String)>,
}

impl Link {
    /// The path alone.
    #[must_use]
    pub fn to(path: &'static str) -> Self {
        Self { path, pairs: Vec::new() }
    }

    /// The same query under another path.
    #[must_use]
    pub fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// Adds a pair; a name may come more than once.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.pairs.push((name, value.to_string()));
        self
    }

    /// Adds a pair where there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Puts one pair in the place of every pair of that name.
    #[must_use]
    pub fn set(self, name: &'static str, value: impl Display) -> Self {
        self.without(name).with(name, value)
    }

    /// Takes every pair of the name away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(found, _)| *found != name);
        self
    }

    /// Takes one of several values away.
    #[must_use]
    pub fn without_value(mut self, name: &str, value: &str) -> Self {
        self.pairs.retain(|(found, held)| *found != name || held != value);
        self
    }

    /// The pairs, for the hidden fields of a form.
    #[must_use]
    pub fn pairs(&self) -> &[(&'static str, String)] {
        &self.pairs
    }

    /// The pairs of a list's own settings, which its filter form keeps.
    pub fn settings(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.pairs.iter().filter(|(name, _)| matches!(*name, "sort" | "per_page" | "columns" | "tz"))
    }
}

impl Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.path)?;
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            write!(out, "{}{name}=", if at == 0 { '?' } else { '&' })?;
            for part in url::form_urlencoded::byte_serialize(value.as_bytes()) {
                // Both are allowed in a query, and people read addresses.
                out.write_str(match part {
                    "%2C" => ",",
                    "%2F" => "/",
                    other => other,
                })?;
            }
        }
        Ok(())
    }
}

/// Something the list is filtered by, and the link that takes it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    pub label: String,
    pub href: String,
}

impl Chip {
    /// `label` is what a person reads, such as "Status: Failed".
    #[must_use]
    pub fn new(label: impl Into<String>, without: &Link) -> Self {
        Self { label: label.into(), href: without.to_string() }
    }
}
