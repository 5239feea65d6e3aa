//! What follows the question mark, each name with its own refusal.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::pages::Numbers;
use crate::domain::Instant;
use crate::domain::claim::Problem;
use crate::web::AppError;

/// The longest value that means anything.
const LONGEST: usize = 200;

/// What a time needs.
const TIME: &str = "a time such as 2026-11-20T15:42:00Z, or a date";

/// How the ends of a span of time are named.
const BOUNDS: [&str; 4] = ["[gte]", "[gt]", "[lt]", "[lte]"];

/// No two instants of the database are closer.
const TICK: TimeDelta = TimeDelta::microseconds(1);

/// The pairs of a query string; names may repeat.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Query(Vec<(String, String)>);

impl FromRequest for Query {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

impl Query {
    /// Of this request.
    pub(super) fn of(request: &HttpRequest) -> Self {
        Self(url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect())
    }

    /// All values of a name; `name[]` is as good, and `name[0]`, as some libraries write lists.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let is_it = move |found: &str| match found.strip_prefix(name).map(|rest| (rest, bracketed(rest))) {
            Some(("", _)) => true,
            Some((_, Some(place))) => place.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        self.0.iter().filter(move |(found, _)| is_it(found)).map(|(_, value)| value.as_str())
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

    /// From when, and before when: `name[gte]` and `name[lt]`, or the others of the kind.
    ///
    /// # Errors
    /// 422 also for a name without one of them: all rows would be taken for those that were asked for.
    pub(super) fn span(&self, name: &str) -> Result<(Option<Instant>, Option<Instant>), AppError> {
        let bound = |found: &str| found.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
        let is_known = |found: &str| BOUNDS.iter().any(|known| found.strip_prefix(name) == Some(known));
        if let Some((wrong, _)) = self.0.iter().find(|(found, _)| bound(found) && !is_known(found)) {
            return Err(refuse(wrong, &format!("to be {}", BOUNDS.map(|known| format!("{name}{known}")).join(", "))));
        }
        let at = |bound: &str| self.read(&format!("{name}{bound}"), TIME, instant);
        let after = |bound: &str| Ok::<_, AppError>(at(bound)?.map(|at| at + TICK));
        let from = at("[gte]")?.max(after("[gt]")?);
        let before = [at("[lt]")?, after("[lte]")?].into_iter().flatten().min();
        Ok((from, before))
    }

    /// Which page, and how long.
    pub(super) fn numbers(&self) -> Result<Numbers, AppError> {
        let whole = |name: &str, needs: &str, most: i64| {
            self.read(name, needs, |text| {
                let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|number| is_plain && (1..=most).contains(number))
            })
        };
        Ok(Numbers {
            page: whole("page", "a whole number from 1", i64::MAX)?.unwrap_or(1),
            per_page: whole("per_page", "a whole number from 1 to 100", 100)?.unwrap_or(50),
        })
    }
}

/// What stands in a pair of brackets.
fn bracketed(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
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

    fn query(text: &str) -> Query {
        Query(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    #[test]
    fn a_list_is_read_however_its_names_are_written() {
        let query = query("status=a&status[]=b&status%5B0%5D=c&status[12]=d&status[x]=e&statuses=f&status[=g");
        assert_eq!(query.all("status").collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_span_has_ends_that_are_named_and_no_others() {
        let span = |text: &str| {
            query(text).span("created").map_err(|error| match error {
                AppError::Invalid(problems) => problems[0].field.clone(),
                other => panic!("{other:?}"),
            })
        };
        let at = |text: &str| Some(text.parse::<Instant>().expect("an instant"));
        assert_eq!(span("q=1&created_by=x"), Ok((None, None)));
        let both = span("created[gte]=2026-11-20&created[lt]=2026-11-21T00:00:00Z");
        assert_eq!(both, Ok((at("2026-11-20T00:00:00"), at("2026-11-21T00:00:00"))));
        let without = span("created[gt]=2026-11-20&created[lte]=2026-11-21");
        assert_eq!(without, Ok((at("2026-11-20T00:00:00.000001"), at("2026-11-21T00:00:00.000001"))));
        for wrong in ["created", "created[after]", "created[]", "created[gte]x"] {
            assert_eq!(span(&format!("{wrong}=2026-11-20")), Err(wrong.to_owned()));
        }
    }

    #[test]
    fn an_instant_has_a_zone_and_a_day_begins_in_utc() {
        assert_eq!(instant("2026-11-20T10:42:00-05:00"), "2026-11-20T15:42:00".parse().ok());
        assert_eq!(instant("2026-11-20"), "2026-11-20T00:00:00".parse().ok());
        for wrong in ["", "2026-11-20T10:42:00", "yesterday", "0001-01-01", "+12026-11-20"] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }
}
