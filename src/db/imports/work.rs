//! The work on one import, batch by batch: each moves its place, its figures and its failed rows together.

use diesel::prelude::*;

use super::failures;
use super::{ImportRow, ImportsError, NAMES_KEPT, State, begin_anew, locked};
use crate::auth::{Actor, Granted, ImportCalls, Origin, Via, Viewer};
use crate::clock::Clock;
use crate::db::audit::{self, Entry};
use crate::db::call_store::{self, CreatedName, StoreError};
use crate::db::dialect::{Lock, lock, with_wide_cache};
use crate::db::schema::imports;
use crate::db::{AnyConnection, DbError, users};
use crate::domain::Instant;
use crate::domain::ids::{FileId, ImportId};
use crate::intake::{Batch, Came};

/// The most characters that are kept of why a file can't be read.
const LONGEST_TROUBLE: usize = 2_000;

/// Whether a batch moved the import on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    On,
    /// Somebody else is at work on it, or asked for something else meanwhile.
    Elsewhere,
    /// Whoever began it may not import any more.
    NotAllowed,
}

/// What was begun and not finished, oldest first. A dry run begins anew.
pub fn take_up(conn: &mut AnyConnection) -> QueryResult<Vec<ImportId>> {
    diesel::update(imports::table.filter(imports::state.eq(State::Stopped)))
        .set((imports::state.eq(State::Running), imports::trouble.eq("")))
        .execute(conn)?;
    let at_work: Vec<(ImportId, State)> = imports::table
        .filter(imports::state.eq_any([State::Looking, State::Running]))
        .order((imports::changed_at, imports::id))
        .select((imports::id, imports::state))
        .load(conn)?;
    for (id, _) in at_work.iter().filter(|(_, state)| *state == State::Looking) {
        begin_anew(conn, *id)?;
    }
    Ok(at_work.into_iter().map(|(id, _)| id).collect())
}

/// The import if it is still in this state, at this version, and at the row where the batch begins.
fn at(
    conn: &mut AnyConnection,
    (id, version): (ImportId, i32),
    state: State,
    from: u64,
) -> Result<Option<ImportRow>, ImportsError> {
    let found = match locked(conn, id) {
        Err(ImportsError::Missing) => None,
        found => Some(found?),
    };
    let is_there =
        |row: &ImportRow| row.state == state && row.version == version && u64::try_from(row.next_row) == Ok(from);
    Ok(found.filter(is_there))
}

/// Keeps what a dry run found of a batch.
///
/// # Errors
/// If the database fails.
pub fn looked_through(
    conn: &mut AnyConnection,
    import: (ImportId, i32),
    (batch, came): (&Batch, &Came),
) -> Result<Moved, ImportsError> {
    let Some(row) = at(conn, import, State::Looking, batch.from)? else { return Ok(Moved::Elsewhere) };
    advance(conn, &row, batch, came)?;
    Ok(Moved::On)
}

/// Stores a batch, if whoever began the import may still do so.
///
/// # Errors
/// If the database fails, or a name can't be created.
pub fn store(
    conn: &mut AnyConnection,
    clock: &Clock,
    import: (ImportId, i32),
    batch: &Batch,
) -> Result<Moved, StoreError> {
    let row = at(conn, import, State::Running, batch.from).map_err(failed)?;
    let Some(row) = row else { return Ok(Moved::Elsewhere) };
    let Some(grant) = importing(conn, &row)? else { return Ok(Moved::NotAllowed) };
    let options = call_store::Options { creates_names: row.settings().creates_names, now: clock.now() };
    let report = with_wide_cache(conn, |conn| call_store::store(conn, &grant.actor(), &batch.records, options))?;
    advance(conn, &row, batch, &batch.came_to(report))?;
    Ok(Moved::On)
}

fn failed(error: ImportsError) -> StoreError {
    match error {
        ImportsError::Database(error) => StoreError::Database(error),
        other => StoreError::Database(DbError::Broken(other.to_string())),
    }
}

/// The proof that whoever began the import may do so now, asked for again at every batch.
fn importing(conn: &mut AnyConnection, import: &ImportRow) -> QueryResult<Option<Granted<ImportCalls>>> {
    let Some(user) = import.user_id else { return Ok(None) };
    lock(conn, Lock::User(user.number()))?;
    let viewer = users::find(conn, user)?.and_then(|row| Viewer::from_row(&row, origin(import)));
    Ok(viewer.and_then(|viewer| Granted::<ImportCalls>::check(&viewer)))
}

fn origin(import: &ImportRow) -> Origin {
    Origin { via: Via::Browser, address: import.address.clone(), request_id: import.request_id.clone() }
}

fn advance(conn: &mut AnyConnection, import: &ImportRow, batch: &Batch, came: &Came) -> QueryResult<()> {
    failures::keep(conn, import, &came.failed)?;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let mut names = import.created_names();
    let room = NAMES_KEPT.saturating_sub(names.len());
    names.extend(came.created.iter().take(room).cloned());
    let created = i64::try_from(came.created.len()).unwrap_or(i64::MAX);
    let layout = batch.layout.as_ref().and_then(|layout| serde_json::to_string(layout).ok());
    diesel::update(imports::table.find(import.id))
        .set((
            imports::next_row.eq(imports::next_row + number(came.counts.rows)),
            imports::bytes_read.eq(number(batch.read)),
            imports::new_calls.eq(imports::new_calls + number(came.counts.new)),
            imports::updated_calls.eq(imports::updated_calls + number(came.counts.updated)),
            imports::unchanged_calls.eq(imports::unchanged_calls + number(came.counts.unchanged)),
            imports::failed_rows.eq(imports::failed_rows + number(came.counts.failed)),
            imports::ambiguous_times.eq(imports::ambiguous_times + number(came.counts.ambiguous_times)),
            imports::created_names.eq(written(&names)),
            imports::created_count.eq(imports::created_count + created),
            imports::layout.eq(layout.unwrap_or_default()),
        ))
        .execute(conn)?;
    Ok(())
}

fn written(names: &[CreatedName]) -> String {
    let name = |name: &CreatedName| serde_json::json!([name.kind.code(), name.source, name.name]);
    serde_json::Value::Array(names.iter().map(name).collect()).to_string()
}

/// Ends a dry run.
pub fn finish_looking(
    conn: &mut AnyConnection,
    (id, version): (ImportId, i32),
    (format, source): (&str, &str),
    now: Instant,
) -> QueryResult<()> {
    lock(conn, Lock::Import(id.number()))?;
    let its = imports::table.find(id).filter(imports::state.eq(State::Looking)).filter(imports::version.eq(version));
    diesel::update(its)
        .set((
            imports::state.eq(State::Looked),
            imports::format.eq(format),
            imports::source.eq(source),
            imports::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends a dry run of a file that can't be read so, and keeps why.
pub fn refuse(
    conn: &mut AnyConnection,
    (id, version): (ImportId, i32),
    (field, trouble): (&str, &str),
    now: Instant,
) -> QueryResult<()> {
    lock(conn, Lock::Import(id.number()))?;
    let its = imports::table.find(id).filter(imports::state.eq(State::Looking)).filter(imports::version.eq(version));
    // It quotes the file: no column of PostgreSQL takes a NUL, and nobody reads a whole row of it.
    let trouble: String = trouble.replace('\0', "").chars().take(LONGEST_TROUBLE).collect();
    diesel::update(its)
        .set((
            imports::state.eq(State::Staged),
            imports::trouble.eq(trouble),
            imports::trouble_field.eq(field),
            imports::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps why the work stopped, so that somebody can see it and go on.
pub fn stop(conn: &mut AnyConnection, id: ImportId, trouble: &str, now: Instant) -> QueryResult<()> {
    lock(conn, Lock::Import(id.number()))?;
    let its = imports::table.find(id);
    let said = (imports::trouble.eq(trouble), imports::changed_at.eq(now));
    diesel::update(its.filter(imports::state.eq(State::Running)))
        .set((imports::state.eq(State::Stopped), said))
        .execute(conn)?;
    diesel::update(its.filter(imports::state.eq(State::Looking)))
        .set((imports::state.eq(State::Staged), said))
        .execute(conn)?;
    Ok(())
}

/// Ends an import whose rows are all in; gives its file, to be removed.
///
/// # Errors
/// If the database fails.
pub fn finish(
    conn: &mut AnyConnection,
    import: (ImportId, i32),
    (format, source): (&str, &str),
    now: Instant,
) -> Result<Option<FileId>, ImportsError> {
    diesel::update(imports::table.find(import.0))
        .set((imports::format.eq(format), imports::source.eq(source)))
        .execute(conn)?;
    end(conn, import, "", now)
}

/// Ends an import where it is, with one entry in the log; gives its file, to be removed.
///
/// # Errors
/// If the database fails.
pub fn end(
    conn: &mut AnyConnection,
    (id, version): (ImportId, i32),
    trouble: &str,
    now: Instant,
) -> Result<Option<FileId>, ImportsError> {
    let row = match locked(conn, id) {
        Err(ImportsError::Missing) => return Ok(None),
        row => row?,
    };
    if row.state != State::Running || row.version != version {
        return Ok(None);
    }
    diesel::update(imports::table.find(id))
        .set((
            imports::state.eq(State::Done),
            imports::file_id.eq(None::<String>),
            imports::trouble.eq(trouble),
            imports::changed_at.eq(now),
            imports::finished_at.eq(Some(now)),
        ))
        .execute(conn)?;
    if row.new_calls.saturating_add(row.updated_calls) > 0 {
        let actor = match row.user_id {
            Some(user) => {
                let name = users::find(conn, user)?.map(|row| row.name).unwrap_or_default();
                Actor { user: Some(user), name, origin: origin(&row) }
            }
            None => Actor::operator(),
        };
        let what = serde_json::json!({
            "files": [row.file_name], "new": row.new_calls, "updated": row.updated_calls,
            "unchanged": row.unchanged_calls, "failed": row.failed_rows,
        });
        audit::append(conn, &actor, now, &Entry::new("calls.imported", "import", &id).now_is(what))?;
    }
    Ok(row.file())
}
