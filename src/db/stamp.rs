//! Instants of the long lists, read from SQLite's text without a format string: Diesel's own way is a tenth of a page.

use chrono::NaiveDate;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::Pg;
use diesel::sql_types::Timestamp;
use diesel::sqlite::Sqlite;

use super::Backend;
use crate::domain::Instant;

/// An [`Instant`] as a column has it: `#[diesel(deserialize_as = Stamp)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
pub struct Stamp(Instant);

impl From<Stamp> for Instant {
    fn from(stamp: Stamp) -> Self {
        stamp.0
    }
}

impl FromSql<Timestamp, Pg> for Stamp {
    fn from_sql(value: <Pg as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamp, Pg>::from_sql(value).map(Self)
    }
}

impl FromSql<Timestamp, Sqlite> for Stamp {
    fn from_sql(mut value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        match read(value.read_text()) {
            Some(at) => Ok(Self(at)),
            // Written in another way than Diesel writes: by hand, or by a tool.
            None => FromSql::<Timestamp, Sqlite>::from_sql(value).map(Self),
        }
    }
}

impl FromSql<Timestamp, Backend> for Stamp {
    fn from_sql(value: <Backend as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Timestamp>()
    }
}

/// `2026-11-20 15:18:00`, with up to nine digits of a fraction.
fn read(text: &str) -> Option<Instant> {
    let number = |from: usize, to: usize| {
        let digits = text.as_bytes().get(from..to)?;
        digits
            .iter()
            .try_fold(0_u32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
    };
    let is = |at: usize, separator: u8| text.as_bytes().get(at) == Some(&separator);
    if !(is(4, b'-') && is(7, b'-') && is(10, b' ') && is(13, b':') && is(16, b':')) {
        return None;
    }
    let nanos = match text.len() {
        19 => 0,
        length @ 21..=29 if is(19, b'.') => {
            let missing = u32::try_from(29 - length).ok()?;
            number(20, length)? * 10_u32.pow(missing)
        }
        _ => return None,
    };
    let year = i32::try_from(number(0, 4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?.and_hms_nano_opt(
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
        nanos,
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    proptest! {
        #[test]
        fn every_instant_is_read_as_it_is_written(seconds in -62_167_219_200_i64..253_402_300_800, nanos in 0..1_000_000_000_u32) {
            let at = DateTime::from_timestamp(seconds, nanos).expect("within four digits of a year").naive_utc();
            prop_assert_eq!(read(&at.format("%F %T%.f").to_string()), Some(at));
        }
    }

    #[rstest]
    #[case::another_separator("2026-11-20T15:18:00")]
    #[case::a_zone("2026-11-20 15:18:00Z")]
    #[case::no_seconds("2026-11-20 15:18")]
    #[case::letters("2026-11-2x 15:18:00")]
    #[case::no_such_day("2026-02-30 15:18:00")]
    #[case::no_fraction("2026-11-20 15:18:00.")]
    #[case::a_long_fraction("2026-11-20 15:18:00.1234567890")]
    #[case::nothing("")]
    fn anything_else_is_left_to_diesel(#[case] text: &str) {
        assert_eq!(read(text), None);
    }
}
