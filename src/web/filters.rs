//! Display types for templates: each formats straight into the page, without a text of its own.

use std::fmt::{self, Display, Write};

use arrayvec::ArrayString;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use iso_currency::Currency;

/// An amount with its currency: `$1,042.50`, `-€3.00`, `CAD 42.00`, `¥4,200`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// Minor units of a currency; an unknown code is shown as XXX rather than as another currency.
    #[must_use]
    pub fn new(minor: i64, code: &str) -> Self {
        // Nearly all are in this one, and the library compares with each of its currencies in turn.
        let currency = if code == "USD" { Some(Currency::USD) } else { Currency::from_code(code) };
        Self { minor, currency: currency.unwrap_or(Currency::XXX) }
    }
}

impl Money {
    /// What stands before the digits: `$`, or the code and a space.
    #[must_use]
    pub fn sign(&self) -> String {
        match self.currency {
            Currency::USD => "$".to_owned(),
            Currency::EUR => "€".to_owned(),
            Currency::GBP => "£".to_owned(),
            Currency::JPY => "¥".to_owned(),
            // Other signs are shared between currencies; the code can't be mistaken.
            other => format!("{}\u{a0}", other.code()),
        }
    }

    /// How many decimal digits its currency has.
    #[must_use]
    pub fn digits(&self) -> u16 {
        self.currency.exponent().unwrap_or(2)
    }
}

impl HtmlSafe for Money {}

impl Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minor < 0 {
            out.write_char('-')?;
        }
        match self.currency {
            Currency::USD => out.write_char('$')?,
            Currency::EUR => out.write_char('€')?,
            Currency::GBP => out.write_char('£')?,
            Currency::JPY => out.write_char('¥')?,
            // Other signs are shared between currencies; the code can't be mistaken.
            other => write!(out, "{}\u{a0}", other.code())?,
        }
        let digits = self.digits();
        let unit = 10_u64.pow(u32::from(digits));
        let minor = self.minor.unsigned_abs();
        Number(minor / unit).fmt(out)?;
        if digits > 0 {
            write!(out, ".{:0width$}", minor % unit, width = usize::from(digits))?;
        }
        Ok(())
    }
}

/// A whole number with separators: `1,234,567`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub u64);

impl HtmlSafe for Number {}

impl Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut divisor = 1;
        while self.0 / divisor >= 1000 {
            divisor *= 1000;
        }
        write!(out, "{}", self.0 / divisor)?;
        while divisor > 1 {
            let rest = self.0 % divisor;
            divisor /= 1000;
            write!(out, ",{:03}", rest / divisor)?;
        }
        Ok(())
    }
}

/// An instant as its reader sees it: in a zone, and as of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    at: DateTime<Utc>,
    /// What the reader's clock showed: a `DateTime` would work it out anew for each of its parts.
    local: NaiveDateTime,
    offset: <Tz as TimeZone>::Offset,
    now: DateTime<Utc>,
}

impl When {
    /// `at` and `now` are UTC.
    #[must_use]
    pub fn new(at: NaiveDateTime, zone: Tz, now: NaiveDateTime) -> Self {
        let local = zone.from_utc_datetime(&at);
        Self { at: at.and_utc(), local: local.naive_local(), offset: *local.offset(), now: now.and_utc() }
    }

    /// `20 Nov, 10:18`, with the year when it isn't the current one.
    #[must_use]
    pub fn short(&self) -> Formatted<'_> {
        Formatted { when: self, form: Form::Short }
    }

    /// `Fri 20 Nov 2026, 10:18 EST`.
    #[must_use]
    pub fn full(&self) -> Formatted<'_> {
        Formatted { when: self, form: Form::Full }
    }

    /// `2026-11-20T15:18Z`, for `datetime`.
    #[must_use]
    pub fn machine(&self) -> Formatted<'_> {
        Formatted { when: self, form: Form::Machine }
    }

    /// `31 minutes ago`, `in 6 days`.
    #[must_use]
    pub fn relative(&self) -> Formatted<'_> {
        Formatted { when: self, form: Form::Relative }
    }

    /// `2 days overdue`.
    #[must_use]
    pub fn overdue(&self) -> Formatted<'_> {
        Formatted { when: self, form: Form::Overdue }
    }

    /// `6 days left`, or `closed`.
    #[must_use]
    pub fn left(&self) -> Formatted<'_> {
        Formatted { when: self, form: Form::Left }
    }

    /// The year at the reader's place, whose calendar differs from the UTC one for hours at most.
    fn this_year(&self) -> i32 {
        match (self.now.month(), self.now.day()) {
            (1, 1) | (12, 31) => Tz::from_offset(&self.offset).from_utc_datetime(&self.now.naive_utc()).year(),
            _ => self.now.year(),
        }
    }

    fn write(&self, form: Form, out: &mut impl Write) -> fmt::Result {
        let local = &self.local;
        match form {
            // Written by hand: a format string would be read anew for each of a page's hundreds of instants.
            Form::Machine => {
                let at = self.at;
                year(at.year(), out)?;
                out.write_char('-')?;
                // To the minute, as it is shown: the seconds of hundreds of instants are a part of a page's weight.
                for (number, after) in [(at.month(), "-"), (at.day(), "T"), (at.hour(), ":"), (at.minute(), "Z")] {
                    two_digits(number, out)?;
                    out.write_str(after)?;
                }
                Ok(())
            }
            Form::Full => {
                out.write_str(weekday(local.weekday()))?;
                out.write_char(' ')?;
                day_and_month(local, out)?;
                out.write_char(' ')?;
                year(local.year(), out)?;
                out.write_str(", ")?;
                clock_time(local, out)?;
                write!(out, " {}", self.offset)
            }
            Form::Short => {
                day_and_month(local, out)?;
                if local.year() != self.this_year() {
                    out.write_char(' ')?;
                    year(local.year(), out)?;
                }
                out.write_str(", ")?;
                clock_time(local, out)
            }
            Form::Relative => {
                let passed = self.now.signed_duration_since(self.at);
                if passed.abs() < TimeDelta::minutes(1) {
                    out.write_str("just now")
                } else if passed > TimeDelta::zero() {
                    write!(out, "{} ago", Span(passed))
                } else {
                    write!(out, "in {}", Span(-passed))
                }
            }
            Form::Overdue => write!(out, "{} overdue", Span(self.now.signed_duration_since(self.at))),
            Form::Left => {
                let left = self.at.signed_duration_since(self.now);
                if left <= TimeDelta::zero() { out.write_str("closed") } else { write!(out, "{} left", Span(left)) }
            }
        }
    }
}

/// A year, in four digits.
fn year(year: i32, out: &mut impl Write) -> fmt::Result {
    two_digits(year.div_euclid(100).unsigned_abs(), out)?;
    two_digits(year.rem_euclid(100).unsigned_abs(), out)
}

/// A number below a hundred, as two digits.
fn two_digits(number: u32, out: &mut impl Write) -> fmt::Result {
    let digit = |number: u32| char::from_digit(number % 10, 10).unwrap_or_default();
    out.write_char(digit(number / 10))?;
    out.write_char(digit(number))
}

/// `20 Nov`.
fn day_and_month(local: &NaiveDateTime, out: &mut impl Write) -> fmt::Result {
    if local.day() > 9 {
        two_digits(local.day(), out)?;
    } else {
        out.write_char(char::from_digit(local.day(), 10).unwrap_or_default())?;
    }
    out.write_char(' ')?;
    out.write_str(month(local.month0()))
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Mon",
        Weekday::Tue => "Tue",
        Weekday::Wed => "Wed",
        Weekday::Thu => "Thu",
        Weekday::Fri => "Fri",
        Weekday::Sat => "Sat",
        Weekday::Sun => "Sun",
    }
}

/// `10:18`.
fn clock_time(local: &NaiveDateTime, out: &mut impl Write) -> fmt::Result {
    two_digits(local.hour(), out)?;
    out.write_char(':')?;
    two_digits(local.minute(), out)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month(month0: u32) -> &'static str {
    usize::try_from(month0).ok().and_then(|month0| MONTHS.get(month0)).copied().unwrap_or_default()
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Short,
    Full,
    Machine,
    Relative,
    Overdue,
    Left,
}

/// One way to write an instant.
#[derive(Debug, Clone, Copy)]
pub struct Formatted<'when> {
    when: &'when When,
    form: Form,
}

impl HtmlSafe for Formatted<'_> {}

impl Display for Formatted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece: a page takes thousands of small ones, and each asks it for room.
        let mut text = ArrayString::<64>::new();
        self.when.write(self.form, &mut text)?;
        out.write_str(&text)
    }
}

/// A length of time in words, in its largest whole unit: `31 minutes`, `1 hour`, `6 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub TimeDelta);

impl HtmlSafe for Span {}

impl Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.num_minutes();
        let (number, unit) = match minutes {
            ..1 => return out.write_str("less than a minute"),
            1..60 => (minutes, "minute"),
            // Two days are said in hours up to their end, so that "1 day" never hides 23 hours.
            60..2880 => (minutes / 60, "hour"),
            2880..86_400 => (minutes / 1440, "day"),
            86_400..1_051_200 => (minutes / 43_200, "month"),
            _ => (minutes / 525_600, "year"),
        };
        write!(out, "{number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}

/// Whole seconds as `1:31` or `1:02:07`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(pub i64);

impl HtmlSafe for Duration {}

impl Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.max(0);
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match hours {
            0 => write!(out, "{minutes}:{rest:02}"),
            _ => write!(out, "{hours}:{minutes:02}:{rest:02}"),
        }
    }
}

/// Text that is escaped once and written many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escaped(String);

impl Escaped {
    /// Escapes a text for HTML.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len() + text.len() / 4);
        // Writing into a String can't fail.
        let _ = askama::filters::Escaper::write_escaped_str(&askama::filters::Html, &mut escaped, text);
        Self(escaped)
    }

    /// The same behind a path of this program, which has nothing to escape.
    #[must_use]
    pub fn after(&self, path: &str) -> Self {
        Self(format!("{path}{}", self.0))
    }

    /// What has nothing to escape: an id.
    pub fn plain(text: impl HtmlSafe) -> Self {
        Self(text.to_string())
    }
}

impl HtmlSafe for crate::domain::ids::DisputeId {}
impl HtmlSafe for crate::domain::ids::CallId {}
impl HtmlSafe for crate::domain::ids::BuyerId {}
impl HtmlSafe for crate::domain::ids::CampaignId {}

impl HtmlSafe for Escaped {}

impl Display for Escaped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A size in bytes: `812 bytes`, `212 KB`, `3.1 MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl HtmlSafe for Size {}

impl Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KB: u64 = 1024;
        const MB: u64 = KB * KB;
        match self.0 {
            1 => out.write_str("1 byte"),
            bytes @ ..KB => write!(out, "{bytes} bytes"),
            bytes @ KB..MB => write!(out, "{} KB", bytes / KB),
            bytes => {
                let tenths = bytes / (MB / 10);
                match tenths % 10 {
                    0 => write!(out, "{} MB", tenths / 10),
                    rest => write!(out, "{}.{rest} MB", tenths / 10),
                }
            }
        }
    }
}

/// A Caller ID or destination as it is read: `(214) 555-0164`, `Anonymous`, or as it came (masked, foreign).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phone<'number>(pub &'number str);

impl<'number> Phone<'number> {
    /// As stored, for copying.
    #[must_use]
    pub fn raw(&self) -> &'number str {
        self.0
    }
}

impl Display for Phone<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() || self.0.eq_ignore_ascii_case("anonymous") {
            return out.write_str("Anonymous");
        }
        // A masked number has an X in place of a digit and keeps the national form.
        let national = self
            .0
            .strip_prefix("+1")
            .filter(|rest| rest.len() == 10 && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'X'));
        match national.map(|rest| (rest.get(..3), rest.get(3..6), rest.get(6..))) {
            Some((Some(area), Some(office), Some(line))) => {
                let mut text = ArrayString::<16>::new();
                for part in ["(", area, ") ", office, "-", line] {
                    text.write_str(part)?;
                }
                out.write_str(&text)
            }
            _ => out.write_str(self.0),
        }
    }
}

/// The shape that belongs to a status of a dispute.
#[must_use]
pub fn status_icon(code: &str) -> &'static str {
    match code {
        "pending" => "s-pending",
        "accepted" => "s-accepted",
        "accepted_partial" => "s-partial",
        "rejected" => "s-rejected",
        "withdrawn" => "s-withdrawn",
        _ => "s-draft",
    }
}

#[cfg(test)]
#[path = "filters_tests.rs"]
mod tests;
