//! Rows that failed, as they came.

use chrono::Duration;
use diesel::dsl::exists;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ImportRow, State};
use crate::auth::{Granted, ImportCalls};
use crate::db::AnyConnection;
use crate::db::dialect::insert_all;
use crate::db::schema::{import_failures, imports};
use crate::domain::Instant;
use crate::domain::ids::ImportId;
use crate::import::RowError;
use crate::intake::FailedLine;

/// The most rows that are kept of one import. Where more fail, the file itself is the better one to mend.
const KEPT_ROWS: i64 = 100_000;

/// How long they are kept after the import.
const KEPT_FOR: Duration = Duration::days(30);

/// A row that failed.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = import_failures)]
pub struct FailureRow {
    pub position: i64,
    pub line: i64,
    pub raw: String,
    errors: String,
}

#[derive(Insertable)]
#[diesel(table_name = import_failures)]
struct NewFailure<'a> {
    import_id: ImportId,
    position: i64,
    line: i64,
    raw: &'a str,
    errors: String,
}

/// One thing that is wrong, as it is stored.
#[derive(Serialize, Deserialize)]
struct Wrong {
    column: String,
    value: String,
    expected: String,
}

impl FailureRow {
    /// Everything that is wrong with it.
    #[must_use]
    pub fn errors(&self) -> Vec<RowError> {
        let kept: Vec<Wrong> = serde_json::from_str(&self.errors).unwrap_or_default();
        let line = self.line.unsigned_abs();
        let error =
            |wrong: Wrong| RowError { line, column: wrong.column, value: wrong.value, expected: wrong.expected.into() };
        kept.into_iter().map(error).collect()
    }
}

/// Keeps the failed rows of a batch.
pub(super) fn keep(conn: &mut AnyConnection, import: &ImportRow, failed: &[FailedLine]) -> QueryResult<()> {
    let room = usize::try_from(KEPT_ROWS.saturating_sub(import.failed_rows)).unwrap_or(0);
    let rows: Vec<NewFailure<'_>> = failed
        .iter()
        .take(room)
        .zip(import.failed_rows..)
        .map(|(failed, position)| NewFailure {
            import_id: import.id,
            position,
            line: i64::try_from(failed.line).unwrap_or(i64::MAX),
            raw: &failed.row.raw,
            errors: written(&failed.row.errors),
        })
        .collect();
    insert_all!(conn, import_failures::table, rows.as_slice());
    Ok(())
}

fn written(errors: &[RowError]) -> String {
    let wrong = |error: &RowError| serde_json::json!({ "column": error.column, "value": error.value, "expected": error.expected });
    serde_json::Value::Array(errors.iter().map(wrong).collect()).to_string()
}

/// Failed rows of an import in the order of the file, from a place on.
pub fn failures(
    conn: &mut AnyConnection,
    _grant: &Granted<ImportCalls>,
    id: ImportId,
    (from, limit): (i64, i64),
) -> QueryResult<Vec<FailureRow>> {
    import_failures::table
        .filter(import_failures::import_id.eq(id))
        .filter(import_failures::position.ge(from))
        .order(import_failures::position)
        .limit(limit)
        .select(FailureRow::as_select())
        .load(conn)
}

/// Forgets the failed rows of one import that ended long ago; whether there was one.
pub fn forget_failures(conn: &mut AnyConnection, now: Instant) -> QueryResult<bool> {
    let old: Option<ImportId> = imports::table
        .filter(imports::state.eq(State::Done))
        .filter(imports::changed_at.le(now - KEPT_FOR))
        .filter(imports::failed_rows.gt(0))
        .filter(exists(import_failures::table.filter(import_failures::import_id.eq(imports::id))))
        .select(imports::id)
        .first(conn)
        .optional()?;
    let Some(id) = old else { return Ok(false) };
    diesel::delete(import_failures::table.filter(import_failures::import_id.eq(id))).execute(conn)?;
    Ok(true)
}
