//! The period of a report: whole days in the viewer's zone, at most a year and a day.

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;

use crate::domain::Instant;
use crate::web::AppError;
use crate::web::list_query::{Params, first_instant, refuse, words};

text_enum! {
    /// What the page offers.
    Choice {
        Month = "30d", "Last 30 days";
        Weeks = "12w", "Last 12 weeks";
        Year = "year", "This year";
        Custom = "custom", "From \u{2026} to \u{2026}";
    }
}
words!(Choice);

/// The longest period there is.
const LONGEST: i64 = 366;

/// Days from one to another, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) choice: Choice,
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
    pub(super) zone: Tz,
}

impl Span {
    /// Reads the address; the last twelve weeks where it says nothing.
    pub(super) fn read(params: &Params, zone: Tz, now: Instant) -> Result<Self, AppError> {
        let zone = params.parsed("tz", "a time zone such as America/New_York")?.unwrap_or(zone);
        let today = now.and_utc().with_timezone(&zone).date_naive();
        let (from, to) = (day(params, "from")?, day(params, "to")?);
        let is_custom = from.is_some() || to.is_some();
        let fallback = if is_custom { Choice::Custom } else { Choice::Weeks };
        let choice = params.word::<Choice>("period")?.unwrap_or(fallback);
        let back = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let (first, last) = match choice {
            Choice::Month => (back(29), today),
            Choice::Weeks => (monday(back(77)), today),
            Choice::Year => (NaiveDate::from_ymd_opt(today.year(), 1, 1).unwrap_or(today), today),
            Choice::Custom => (from.unwrap_or_else(|| back(29)), to.unwrap_or(today)),
        };
        let days = last.signed_duration_since(first).num_days();
        if !(0..LONGEST).contains(&days) {
            return Err(refuse("to", &last.to_string(), "a day after \u{201c}from\u{201d}, at most 366 days in all"));
        }
        Ok(Self { choice, first, last, zone })
    }

    pub(super) fn begins(&self) -> Instant {
        first_instant(self.first, self.zone)
    }

    /// The first instant after it.
    pub(super) fn ends(&self) -> Instant {
        first_instant(self.last.succ_opt().unwrap_or(self.last), self.zone)
    }

    /// The Mondays of its weeks.
    pub(super) fn weeks(&self) -> Vec<NaiveDate> {
        let mut weeks = Vec::new();
        let mut week = monday(self.first);
        while week <= self.last {
            weeks.push(week);
            let Some(next) = week.checked_add_days(Days::new(7)) else { break };
            week = next;
        }
        weeks
    }

    /// `7 Sep to 20 Nov 2026`.
    pub(super) fn words(&self) -> String {
        format!("{} to {}", self.first.format("%-d %b %Y"), self.last.format("%-d %b %Y"))
    }
}

/// The Monday of a day's week.
pub(super) fn monday(day: NaiveDate) -> NaiveDate {
    let past = u64::from(day.weekday().num_days_from_monday());
    day.checked_sub_days(Days::new(past)).unwrap_or(day)
}

fn day(params: &Params, name: &str) -> Result<Option<NaiveDate>, AppError> {
    params.parsed(name, "a date such as 2026-11-20")
}
