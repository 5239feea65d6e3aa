//! Metadata: keys and texts that a buyer's own programs keep at a dispute. It may change in every status.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::AnyConnection;
use super::audit::{self, Entry};
use super::disputes::{self, DisputeRow};
use super::outbox::{self, Topic};
use super::schema::disputes as table;
use super::sending::SendError;
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::claim::Problem;
use crate::domain::dispute::Status;

/// The most keys, and the most characters of a key and of a value.
const MOST: usize = 50;
const LONGEST_KEY: usize = 40;
const LONGEST_VALUE: usize = 500;

/// Keys and their texts.
pub type Metadata = BTreeMap<String, String>;

/// What is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataChange {
    /// These keys; one with an empty text is removed.
    Set(Metadata),
    /// All of it is removed.
    Clear,
}

/// The metadata of a row.
#[must_use]
pub fn of(row: &DisputeRow) -> Metadata {
    // Written by `change` alone.
    serde_json::from_str(&row.metadata).unwrap_or_default()
}

impl MetadataChange {
    fn apply(&self, there: &Metadata) -> Metadata {
        let Self::Set(keys) = self else { return Metadata::new() };
        let mut changed = there.clone();
        changed.extend(keys.clone());
        changed.retain(|_, value| !value.is_empty());
        changed
    }
}

fn problems(metadata: &Metadata) -> Vec<Problem> {
    let is_unfit = |text: &str| text.chars().any(|c| c == '\0' || c == '\u{7f}' || (c.is_control() && c != '\n'));
    let mut problems = Vec::new();
    for (key, value) in metadata {
        let field = || format!("metadata[{key}]");
        if !(1..=LONGEST_KEY).contains(&key.chars().count()) || is_unfit(key) || key.contains(['[', ']', '\n']) {
            problems
                .push(Problem::new(field(), "A key has 1 to 40 characters, without brackets or control characters"));
        }
        if value.chars().count() > LONGEST_VALUE || is_unfit(value) {
            problems.push(Problem::new(field(), "A value has at most 500 characters, without control characters"));
        }
    }
    if metadata.len() > MOST {
        problems.push(Problem::new("metadata", "A dispute has at most 50 keys"));
    }
    problems
}

/// Gives a dispute that was just made its metadata: part of the same change, so its version stays.
pub(super) fn begin(
    conn: &mut AnyConnection,
    actor: &Actor,
    dispute: &DisputeRow,
    wanted: &MetadataChange,
    now: Instant,
) -> Result<(), SendError> {
    write(conn, dispute, wanted)?.map_or(Ok(()), |entry| Ok(audit::append(conn, actor, now, &entry)?))
}

/// Changes the metadata of a dispute that is held by the caller's transaction.
pub(super) fn change(
    conn: &mut AnyConnection,
    actor: &Actor,
    dispute: &DisputeRow,
    wanted: &MetadataChange,
    now: Instant,
) -> Result<(), SendError> {
    let Some(entry) = write(conn, dispute, wanted)? else { return Ok(()) };
    disputes::touch(conn, dispute.id, now)?;
    if dispute.status != Status::Draft {
        let payload = serde_json::json!({ "status": dispute.status });
        outbox::push(conn, Topic::Updated, (dispute.id, dispute.buyer_id), &payload, now)?;
    }
    audit::append(conn, actor, now, &entry)?;
    Ok(())
}

/// Writes it, unless nothing changes; gives what is to be told of it.
fn write(conn: &mut AnyConnection, dispute: &DisputeRow, change: &MetadataChange) -> Result<Option<Entry>, SendError> {
    let there = of(dispute);
    let wanted = change.apply(&there);
    let problems = problems(&wanted);
    if !problems.is_empty() {
        return Err(SendError::Invalid(problems));
    }
    if wanted == there {
        return Ok(None);
    }
    let text = serde_json::json!(wanted).to_string();
    diesel::update(table::table.find(dispute.id)).set(table::metadata.eq(text)).execute(conn)?;
    let entry = Entry::of_dispute("dispute.metadata_changed", dispute.id)
        .was(serde_json::json!({ "metadata": there }))
        .now_is(serde_json::json!({ "metadata": wanted }));
    Ok(Some(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> MetadataChange {
        MetadataChange::Set(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_empty_text_removes_its_key_and_clearing_removes_all() {
        let there = set(&[("a", "1"), ("b", "2")]).apply(&Metadata::new());
        let changed = set(&[("a", ""), ("c", "3")]).apply(&there);
        assert_eq!(changed.into_keys().collect::<Vec<_>>(), ["b", "c"]);
        assert!(MetadataChange::Clear.apply(&there).is_empty());
    }

    #[test]
    fn the_limits_count_characters_and_keys() {
        let metadata = |key: &str, value: &str| set(&[(key, value)]).apply(&Metadata::new());
        assert!(problems(&metadata(&"é".repeat(40), &"é".repeat(500))).is_empty());
        assert_eq!(problems(&metadata(&"é".repeat(41), "x")).len(), 1);
        assert_eq!(problems(&metadata("x", &"é".repeat(501))).len(), 1);
        assert_eq!(problems(&metadata("a[b]", "x\0")).len(), 2);
        let many: Metadata = (0..51).map(|at| (at.to_string(), "x".to_owned())).collect();
        assert_eq!(problems(&many).len(), 1);
    }
}
