//! What follows the question mark, each name with its own refusal.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::pages::Numbers;
use crate::domain::Instant;
use crate::domain::claim::Problem;
use crate::web::AppError;

/// The longest value that means anything.
const LONGEST: usize = 200;

/// The pairs of a query string; names may repeat.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Query(Vec<(String, String)>);

impl FromRequest for Query {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect())))
    }
}

impl Query {
    /// All values of a name; `name[]` is as good.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(found, _)| found.strip_suffix("[]").unwrap_or(found) == name)
            .map(|(_, value)| value.as_str())
    }

    /// The last value of a name, as `read` has it.
    ///
    /// # Errors
    /// 422 that names the field and what it needs.
    pub(super) fn read<T>(
        &self,
        name: &str,
        needs: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, AppError> {
        let text = self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        text.map(|text| read(text).ok_or_else(|| refuse(name, needs))).transpose()
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &str, needs: &str) -> Result<Option<T>, AppError> {
        self.read(name, needs, |text| text.parse().ok())
    }

    /// A text that a database can look for.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, AppError> {
        self.read(name, "a text of 1 to 200 characters", |text| {
            ((1..=LONGEST).contains(&text.chars().count()) && !text.contains('\0')).then(|| text.to_owned())
        })
    }

    /// An instant, or the beginning of a day in UTC.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Instant>, AppError> {
        self.read(name, "a time such as 2026-11-20T15:42:00Z, or a date", instant)
    }

    /// Which page, and how long.
    pub(super) fn numbers(&self) -> Result<Numbers, AppError> {
        let whole = |name: &str, needs: &str, most: i64| {
            self.read(name, needs, |text| text.parse().ok().filter(|number| (1..=most).contains(number)))
        };
        Ok(Numbers {
            page: whole("page", "a whole number from 1", i64::MAX)?.unwrap_or(1),
            per_page: whole("per_page", "a whole number from 1 to 100", 100)?.unwrap_or(50),
        })
    }
}

/// A time with its zone, within the years that both databases know.
fn instant(text: &str) -> Option<Instant> {
    let at = match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(day) => day.and_time(NaiveTime::MIN),
        Err(_) => DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc).naive_utc(),
    };
    let year = chrono::Datelike::year(&at);
    (1900..=9999).contains(&year).then_some(at)
}

/// 422 that names the field and what it needs.
pub(super) fn refuse(name: &str, needs: &str) -> AppError {
    AppError::Invalid(vec![Problem::new(name, format!("\u{201c}{name}\u{201d} needs {needs}"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_a_zone_and_a_day_begins_in_utc() {
        assert_eq!(instant("2026-11-20T10:42:00-05:00"), "2026-11-20T15:42:00".parse().ok());
        assert_eq!(instant("2026-11-20"), "2026-11-20T00:00:00".parse().ok());
        for wrong in ["", "2026-11-20T10:42:00", "yesterday", "0001-01-01", "+12026-11-20"] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }
}
