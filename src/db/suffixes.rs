//! Search by any substring of four digits or more: a substring is a prefix of a suffix, and prefixes are ranges of an index.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::AnyConnection;
use super::dialect::on_backend;
use super::schema::dispute_suffixes;
use crate::domain::ids::{BuyerId, DisputeId};

/// The fewest digits that can be searched for.
pub const FEWEST_DIGITS: usize = 4;

#[derive(Insertable)]
#[diesel(table_name = dispute_suffixes)]
struct NewSuffix {
    suffix: String,
    dispute_id: DisputeId,
    buyer_id: BuyerId,
}

/// The digits of a number, and the X of a masked one.
#[must_use]
pub fn digits(number: &str) -> String {
    number.chars().filter(|c| c.is_ascii_digit() || *c == 'X').collect()
}

/// Whether a text is a number in one of the ways in which people write them: not an id that has digits.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let belongs = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.' | ' ' | 'X');
    !text.is_empty() && text.chars().all(belongs)
}

/// Every suffix of these numbers that can be searched for, each once.
pub(super) fn of(numbers: &[&str]) -> BTreeSet<String> {
    numbers
        .iter()
        .flat_map(|number| {
            let digits = digits(number);
            let last = digits.len().saturating_sub(FEWEST_DIGITS).saturating_add(1);
            let starts = if digits.len() < FEWEST_DIGITS { 0 } else { last };
            (0..starts).filter_map(move |start| digits.get(start..).map(str::to_owned)).collect::<Vec<_>>()
        })
        .collect()
}

/// Makes a dispute findable by its numbers.
pub(super) fn insert(
    conn: &mut AnyConnection,
    (dispute_id, buyer_id): (DisputeId, BuyerId),
    numbers: &[&str],
) -> QueryResult<()> {
    let rows: Vec<_> = of(numbers).into_iter().map(|suffix| NewSuffix { suffix, dispute_id, buyer_id }).collect();
    on_backend!(conn, |conn| diesel::insert_into(dispute_suffixes::table).values(&rows).execute(conn))?;
    Ok(())
}
