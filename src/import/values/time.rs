//! Instants as platforms write them, turned into UTC. Never guesses: no zone, no order of day and month.

use chrono::{DateTime, Datelike as _, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

/// Whether `01/07/2025` is in January or in July.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    MonthFirst,
    DayFirst,
}

impl DateOrder {
    /// The order of a name, `mdy` or `dmy`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "mdy" => Some(Self::MonthFirst),
            "dmy" => Some(Self::DayFirst),
            _ => None,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MonthFirst => "mdy",
            Self::DayFirst => "dmy",
        }
    }
}

/// An instant in UTC, and whether the clock showed its text twice (the earlier is taken).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    pub at: NaiveDateTime,
    pub is_ambiguous: bool,
}

/// Why a text is no instant. The last three are about the file, not the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeError {
    NotATime,
    /// The clocks of the zone were set forward over it.
    Skipped(Tz),
    NeedsTimezone,
    NeedsDateOrder,
    ContradictsDateOrder(DateOrder),
}

/// How the times of one file are read. Learns the order of day and month from the first date that has only one.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeRules {
    pub zone: Option<Tz>,
    pub order: Option<DateOrder>,
}

/// A text taken apart, before the rules of the file are applied.
enum Parsed {
    Fixed(NaiveDateTime),
    Local(NaiveDateTime),
}

impl TimeRules {
    /// Reads one instant: ISO 8601, `MM/DD/YYYY hh:mm:ss AM`, RFC 2822, epoch seconds or milliseconds.
    pub fn read(&mut self, text: &str) -> Result<Time, TimeError> {
        let parsed = if text.starts_with(|char: char| char.is_ascii_alphabetic()) {
            let parsed = DateTime::parse_from_rfc2822(text).or(Err(TimeError::NotATime))?;
            Parsed::Fixed(parsed.naive_utc())
        } else if let Some(instant) = epoch(text) {
            Parsed::Fixed(instant)
        } else {
            self.calendar(text)?
        };
        let time = match parsed {
            Parsed::Fixed(at) => Time { at, is_ambiguous: false },
            Parsed::Local(local) => self.in_zone(local)?,
        };
        if (2000..2100).contains(&time.at.year()) { Ok(time) } else { Err(TimeError::NotATime) }
    }

    fn in_zone(self, local: NaiveDateTime) -> Result<Time, TimeError> {
        let zone = self.zone.ok_or(TimeError::NeedsTimezone)?;
        match zone.from_local_datetime(&local) {
            LocalResult::Single(at) => Ok(Time { at: at.naive_utc(), is_ambiguous: false }),
            LocalResult::Ambiguous(one, other) => {
                Ok(Time { at: one.naive_utc().min(other.naive_utc()), is_ambiguous: true })
            }
            LocalResult::None => Err(TimeError::Skipped(zone)),
        }
    }

    fn calendar(&mut self, text: &str) -> Result<Parsed, TimeError> {
        let mut rest = Scanner(text);
        let parsed = date(&mut rest).and_then(|date| {
            if !rest.skip('T') && !rest.skip('t') {
                rest.skip(',');
                rest.skip_spaces().then_some(())?;
            }
            Some((date, clock(&mut rest)?, zone(&mut rest)?))
        });
        let (date, time, offset) = parsed.filter(|_| rest.0.is_empty()).ok_or(TimeError::NotATime)?;
        let date = self.ordered(date)?;
        let local = NaiveDateTime::new(date, time);
        Ok(match offset {
            Zone::Unsaid => Parsed::Local(local),
            Zone::East(offset) => Parsed::Fixed(local.checked_sub_signed(offset).ok_or(TimeError::NotATime)?),
        })
    }

    fn ordered(&mut self, date: DateParts) -> Result<NaiveDate, TimeError> {
        let (year, one, two) = match date {
            DateParts::YearFirst(year, month, day) => {
                return NaiveDate::from_ymd_opt(year, month, day).ok_or(TimeError::NotATime);
            }
            DateParts::YearLast(one, two, year) => (year, one, two),
        };
        let month_first = NaiveDate::from_ymd_opt(year, one, two);
        let day_first = NaiveDate::from_ymd_opt(year, two, one);
        let order = match (self.order, month_first, day_first) {
            (_, None, None) => return Err(TimeError::NotATime),
            (Some(order), _, _) => order,
            (None, Some(date), Some(same)) if date == same => return Ok(date),
            (None, Some(_), Some(_)) => return Err(TimeError::NeedsDateOrder),
            (None, Some(_), None) => DateOrder::MonthFirst,
            (None, None, Some(_)) => DateOrder::DayFirst,
        };
        self.order = Some(order);
        match order {
            DateOrder::MonthFirst => month_first,
            DateOrder::DayFirst => day_first,
        }
        .ok_or(TimeError::ContradictsDateOrder(order))
    }
}

#[derive(Clone, Copy)]
enum DateParts {
    YearFirst(i32, u32, u32),
    YearLast(u32, u32, i32),
}

fn date(rest: &mut Scanner<'_>) -> Option<DateParts> {
    let first = rest.digits(1..=4)?;
    let separator = ['-', '/', '.'].into_iter().find(|char| rest.skip(*char))?;
    let second = rest.digits(1..=2)?;
    rest.skip(separator).then_some(())?;
    let third = rest.digits(1..=4)?;
    let number = |text: &str| text.parse::<u32>().ok();
    match (first.len(), third.len()) {
        (4, 1..=2) => Some(DateParts::YearFirst(first.parse().ok()?, number(second)?, number(third)?)),
        (1..=2, 4) => Some(DateParts::YearLast(number(first)?, number(second)?, third.parse().ok()?)),
        _ => None,
    }
}

/// `11:08`, `11:08:40`, `11:08:40.034`, `11:08:40 AM`; cut to microseconds.
fn clock(rest: &mut Scanner<'_>) -> Option<NaiveTime> {
    let number = |text: &str| text.parse::<u32>().ok();
    let hour = number(rest.digits(1..=2)?)?;
    rest.skip(':').then_some(())?;
    let minute = number(rest.digits(2..=2)?)?;
    let mut second = 0;
    let mut micros = 0;
    if rest.skip(':') {
        second = number(rest.digits(2..=2)?)?;
        if rest.skip('.') {
            let fraction = rest.digits(1..=9)?;
            let kept = fraction.get(..fraction.len().min(6))?;
            let missing = u32::try_from(6_usize.saturating_sub(kept.len())).ok()?;
            micros = number(kept)? * 10_u32.pow(missing);
        }
    }
    let before_marker = rest.0;
    rest.skip_spaces();
    let half = ["AM", "PM", "a.m.", "p.m."].into_iter().find(|marker| rest.skip_word(marker));
    let hour = match half.map(|marker| marker.starts_with(['P', 'p'])) {
        Some(is_afternoon) if (1..=12).contains(&hour) => hour % 12 + if is_afternoon { 12 } else { 0 },
        Some(_) => return None,
        None => {
            rest.0 = before_marker;
            hour
        }
    };
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros)
}

/// What a text says of its zone.
enum Zone {
    Unsaid,
    East(TimeDelta),
}

/// `Z`, `+05:30`, `-0500`, `-05`, `UTC`, or the end of the text.
fn zone(rest: &mut Scanner<'_>) -> Option<Zone> {
    rest.skip_spaces();
    if rest.0.is_empty() {
        return Some(Zone::Unsaid);
    }
    if ["Z", "UTC", "GMT"].into_iter().any(|name| rest.skip_word(name)) {
        return Some(Zone::East(TimeDelta::zero()));
    }
    let is_west = rest.skip('-') || rest.skip('\u{2212}');
    (is_west || rest.skip('+')).then_some(())?;
    let hours: i64 = rest.digits(2..=2)?.parse().ok()?;
    let has_colon = rest.skip(':');
    let minutes: i64 = match rest.digits(2..=2) {
        Some(minutes) => minutes.parse().ok()?,
        None if has_colon => return None,
        None => 0,
    };
    let offset = TimeDelta::try_minutes(hours * 60 + minutes)?;
    (hours <= 14 && minutes < 60).then_some(Zone::East(if is_west { -offset } else { offset }))
}

/// Epoch seconds or milliseconds; by their size, they can't be taken for each other.
fn epoch(text: &str) -> Option<NaiveDateTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let micros = match whole.len() {
        9 | 10 => {
            let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
            number * 1_000_000 + micros
        }
        12 | 13 => number * 1_000,
        _ => return None,
    };
    DateTime::from_timestamp_micros(micros).map(|at| at.naive_utc())
}

/// What is left of a text.
struct Scanner<'a>(&'a str);

impl<'a> Scanner<'a> {
    /// Takes as many digits as there are; nothing where their number doesn't fit.
    fn digits(&mut self, fits: std::ops::RangeInclusive<usize>) -> Option<&'a str> {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let end = if end > *fits.end() && *fits.end() == 2 && *fits.start() == 2 { 2 } else { end };
        let (digits, rest) = self.0.split_at_checked(end).filter(|_| fits.contains(&end))?;
        self.0 = rest;
        Some(digits)
    }

    fn skip(&mut self, char: char) -> bool {
        let rest = self.0.strip_prefix(char);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_spaces(&mut self) -> bool {
        let rest = self.0.trim_start();
        let is_shorter = rest.len() < self.0.len();
        self.0 = rest;
        is_shorter
    }

    fn skip_word(&mut self, word: &str) -> bool {
        match self.0.split_at_checked(word.len()) {
            Some((start, rest)) if start.eq_ignore_ascii_case(word) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
