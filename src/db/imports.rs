//! Files of calls that come in by the page: how each is to be read, how far it is, and what it came to.
//!
//! An import's place moves in the transaction that stores its calls, so that one that broke off goes on where it was.

mod failures;
mod work;

use chrono::Duration;
use diesel::prelude::*;

use super::call_store::{self, CreatedName, NameKind};
use super::dialect::{Lock, lock};
use super::evidence::StoredFile;
use super::paging::{Listed, Place};
use super::schema::{import_failures, imports, users};
use super::{AnyConnection, DbError};
use crate::auth::{Granted, ImportCalls};
use crate::domain::Instant;
use crate::domain::ids::{FileId, ImportId, UserId};
use crate::intake::{Counts, Settings};

pub use failures::{FailureRow, failures, forget_failures};
pub use work::{Moved, end, finish, finish_looking, looked_through, refuse, stop, store, take_up};

/// How long a file waits to be imported after its last change.
pub const STAGED_FOR: Duration = Duration::hours(24);

/// The most names that are kept of those that were created.
const NAMES_KEPT: usize = 1_000;

text_enum! {
    /// How far an import is.
    State {
        Staged = "staged", "Not read yet";
        Looking = "looking", "Dry run under way";
        Looked = "looked", "Dry run";
        Running = "running", "Under way";
        Stopped = "stopped", "Stopped";
        Done = "done", "Imported";
    }
}

/// An import's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = imports)]
pub struct ImportRow {
    pub id: ImportId,
    /// Empty: the command line.
    pub user_id: Option<UserId>,
    pub state: State,
    pub file_id: Option<String>,
    pub file_name: String,
    pub file_size: i64,
    settings: String,
    /// Raised by every dry run that is asked for.
    pub version: i32,
    pub format: String,
    /// Empty: each row names its own.
    pub source: String,
    layout: String,
    pub next_row: i64,
    pub bytes_read: i64,
    pub new_calls: i64,
    pub updated_calls: i64,
    pub unchanged_calls: i64,
    pub failed_rows: i64,
    pub ambiguous_times: i64,
    created_names: String,
    pub created_count: i64,
    /// Why it can't go on, or ended before its end.
    pub trouble: String,
    pub trouble_field: String,
    pub address: String,
    pub request_id: String,
    pub created_at: Instant,
    pub changed_at: Instant,
    pub finished_at: Option<Instant>,
}

impl ImportRow {
    /// How the file is to be read.
    #[must_use]
    pub fn settings(&self) -> Settings {
        serde_json::from_str(&self.settings).unwrap_or_default()
    }

    /// The file, while it is kept.
    #[must_use]
    pub fn file(&self) -> Option<FileId> {
        self.file_id.as_deref()?.parse().ok()
    }

    /// Names that were created, or would be: the first of them.
    #[must_use]
    pub fn created_names(&self) -> Vec<CreatedName> {
        let kept: Vec<(String, String, String)> = serde_json::from_str(&self.created_names).unwrap_or_default();
        let name = |(kind, source, name): (String, String, String)| {
            Some(CreatedName { kind: NameKind::from_code(&kind)?, source, name })
        };
        kept.into_iter().filter_map(name).collect()
    }

    /// The shape of the file, once a row of it was read.
    #[must_use]
    pub fn layout(&self) -> Option<crate::import::Layout> {
        serde_json::from_str(&self.layout).ok()
    }
}

/// Why an import can't be changed so.
#[derive(Debug, thiserror::Error)]
pub enum ImportsError {
    #[error("no such import")]
    Missing,
    #[error("the permission to import was taken away")]
    NotAllowed,
    #[error("it was begun already")]
    Begun,
    #[error("its dry run isn't done")]
    NotLooked,
    #[error("it was changed since it was shown")]
    Changed,
    #[error(transparent)]
    Database(DbError),
}

super::database_failure!(ImportsError);

fn recheck(conn: &mut AnyConnection, grant: &Granted<ImportCalls>) -> Result<(), ImportsError> {
    if call_store::may_import(conn, grant)? { Ok(()) } else { Err(ImportsError::NotAllowed) }
}

fn written(settings: &Settings) -> Result<String, ImportsError> {
    serde_json::to_string(settings).map_err(|error| ImportsError::Database(DbError::Broken(error.to_string())))
}

/// Keeps a file that was received; its dry run is asked for at once where its settings can be used.
///
/// # Errors
/// If the permission has gone.
pub fn stage(
    conn: &mut AnyConnection,
    grant: &Granted<ImportCalls>,
    file: &StoredFile,
    (settings, is_ready): (&Settings, bool),
    now: Instant,
) -> Result<ImportId, ImportsError> {
    recheck(conn, grant)?;
    let (id, origin) = (ImportId::generate(), grant.actor().origin);
    diesel::insert_into(imports::table)
        .values((
            imports::id.eq(id),
            imports::user_id.eq(Some(grant.user())),
            imports::state.eq(if is_ready { State::Looking } else { State::Staged }),
            imports::file_id.eq(Some(file.id.as_str())),
            imports::file_name.eq(&file.name),
            imports::file_size.eq(file.size),
            imports::file_sha256.eq(&file.sha256),
            imports::settings.eq(written(settings)?),
            imports::address.eq(origin.address),
            imports::request_id.eq(origin.request_id),
            imports::created_at.eq(now),
            imports::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(id)
}

/// An import, for whoever may import.
pub fn find(conn: &mut AnyConnection, _grant: &Granted<ImportCalls>, id: ImportId) -> QueryResult<Option<ImportRow>> {
    row(conn, id)
}

/// An import, for the work on it.
pub fn of_work(conn: &mut AnyConnection, id: ImportId) -> QueryResult<Option<ImportRow>> {
    row(conn, id)
}

fn row(conn: &mut AnyConnection, id: ImportId) -> QueryResult<Option<ImportRow>> {
    imports::table.find(id).select(ImportRow::as_select()).first(conn).optional()
}

fn locked(conn: &mut AnyConnection, id: ImportId) -> Result<ImportRow, ImportsError> {
    lock(conn, Lock::Import(id.number()))?;
    row(conn, id)?.ok_or(ImportsError::Missing)
}

/// One page of imports, the newest first, each with the name of who made it.
pub fn list(
    conn: &mut AnyConnection,
    _grant: &Granted<ImportCalls>,
    (place, per_page): (Place<ImportId>, i64),
) -> QueryResult<Listed<(ImportRow, Option<String>)>> {
    let query = imports::table
        .left_join(users::table)
        .select((ImportRow::as_select(), users::name.nullable()))
        .limit(per_page.saturating_add(1))
        .into_boxed();
    let query = match place {
        Place::First => query.order(imports::id.desc()),
        Place::After(id) => query.filter(imports::id.lt(id)).order(imports::id.desc()),
        Place::Before(id) => query.filter(imports::id.gt(id)).order(imports::id.asc()),
    };
    let rows = query.load(conn)?;
    Ok(Listed::cut(rows, usize::try_from(per_page).unwrap_or(usize::MAX), &place, false))
}

/// The name of somebody who made an import.
pub fn name_of(conn: &mut AnyConnection, import: &ImportRow) -> QueryResult<Option<String>> {
    match import.user_id {
        Some(user) => users::table.find(user).select(users::name).first(conn).optional(),
        None => Ok(None),
    }
}

/// Asks for a dry run with these settings. What an earlier one found is forgotten.
///
/// # Errors
/// If the permission has gone, or the import was begun.
pub fn look(
    conn: &mut AnyConnection,
    grant: &Granted<ImportCalls>,
    id: ImportId,
    settings: &Settings,
    now: Instant,
) -> Result<(), ImportsError> {
    let import = locked(conn, id)?;
    recheck(conn, grant)?;
    if !matches!(import.state, State::Staged | State::Looking | State::Looked) {
        return Err(ImportsError::Begun);
    }
    diesel::update(imports::table.find(id))
        .set((
            imports::state.eq(State::Looking),
            imports::settings.eq(written(settings)?),
            imports::version.eq(import.version.saturating_add(1)),
            imports::trouble.eq(""),
            imports::trouble_field.eq(""),
            imports::changed_at.eq(now),
        ))
        .execute(conn)?;
    begin_anew(conn, id)?;
    Ok(())
}

/// Says that the calls go in, or goes on with what stopped. One that was begun stays as it is: a second click changes nothing.
///
/// # Errors
/// If the permission has gone, there was no dry run, or it was another one than was shown.
pub fn start(
    conn: &mut AnyConnection,
    grant: &Granted<ImportCalls>,
    id: ImportId,
    version: Option<i32>,
    now: Instant,
) -> Result<State, ImportsError> {
    let import = locked(conn, id)?;
    recheck(conn, grant)?;
    match import.state {
        State::Running | State::Done => return Ok(import.state),
        State::Staged | State::Looking => return Err(ImportsError::NotLooked),
        State::Looked if version.is_some_and(|version| version != import.version) => return Err(ImportsError::Changed),
        State::Looked => begin_anew(conn, id)?,
        State::Stopped => {}
    }
    let origin = grant.actor().origin;
    diesel::update(imports::table.find(id))
        .set((
            imports::state.eq(State::Running),
            imports::user_id.eq(Some(grant.user())),
            imports::trouble.eq(""),
            imports::trouble_field.eq(""),
            imports::address.eq(origin.address),
            imports::request_id.eq(origin.request_id),
            imports::changed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(State::Running)
}

/// Forgets a file that wasn't imported; gives it, to be removed.
///
/// # Errors
/// If the permission has gone, or the import was begun.
pub fn discard(
    conn: &mut AnyConnection,
    grant: &Granted<ImportCalls>,
    id: ImportId,
) -> Result<Option<FileId>, ImportsError> {
    let import = locked(conn, id)?;
    recheck(conn, grant)?;
    if !matches!(import.state, State::Staged | State::Looking | State::Looked) {
        return Err(ImportsError::Begun);
    }
    diesel::delete(import_failures::table.filter(import_failures::import_id.eq(id))).execute(conn)?;
    diesel::delete(imports::table.find(id)).execute(conn)?;
    Ok(import.file())
}

/// Sets place and figures back to the beginning.
fn begin_anew(conn: &mut AnyConnection, id: ImportId) -> QueryResult<()> {
    diesel::delete(import_failures::table.filter(import_failures::import_id.eq(id))).execute(conn)?;
    diesel::update(imports::table.find(id))
        .set((
            imports::next_row.eq(0),
            imports::bytes_read.eq(0),
            imports::new_calls.eq(0),
            imports::updated_calls.eq(0),
            imports::unchanged_calls.eq(0),
            imports::failed_rows.eq(0),
            imports::ambiguous_times.eq(0),
            imports::created_names.eq("[]"),
            imports::created_count.eq(0),
            imports::layout.eq(""),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets files that nobody imported in time; the sweep removes them.
pub fn forget_old(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    let old: Vec<ImportId> = imports::table
        .filter(imports::state.eq_any([State::Staged, State::Looked]))
        .filter(imports::changed_at.le(now - STAGED_FOR))
        .limit(20)
        .select(imports::id)
        .load(conn)?;
    diesel::delete(import_failures::table.filter(import_failures::import_id.eq_any(&old))).execute(conn)?;
    diesel::delete(imports::table.filter(imports::id.eq_any(&old))).execute(conn)
}

/// What the command line brought in of one file.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    pub name: &'a str,
    pub size: u64,
    pub format: &'a str,
    pub source: &'a str,
    pub counts: Counts,
    /// Why it ended before the end of the file, if it did.
    pub trouble: &'a str,
}

/// Keeps what the command line brought in, for the list.
pub fn record(conn: &mut AnyConnection, kept: &Kept<'_>, now: Instant) -> QueryResult<()> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let Kept { counts, .. } = kept;
    let all = [counts.new, counts.updated, counts.unchanged, counts.failed];
    diesel::insert_into(imports::table)
        .values((
            imports::id.eq(ImportId::generate()),
            imports::state.eq(State::Done),
            imports::file_name.eq(kept.name),
            imports::file_size.eq(number(kept.size)),
            imports::file_sha256.eq(""),
            imports::settings.eq("{}"),
            imports::format.eq(kept.format),
            imports::source.eq(kept.source),
            imports::trouble.eq(kept.trouble.replace('\0', "")),
            imports::next_row.eq(all.into_iter().map(number).sum::<i64>()),
            imports::bytes_read.eq(number(kept.size)),
            imports::new_calls.eq(number(counts.new)),
            imports::updated_calls.eq(number(counts.updated)),
            imports::unchanged_calls.eq(number(counts.unchanged)),
            imports::failed_rows.eq(number(counts.failed)),
            imports::ambiguous_times.eq(number(counts.ambiguous_times)),
            imports::created_at.eq(now),
            imports::changed_at.eq(now),
            imports::finished_at.eq(Some(now)),
        ))
        .execute(conn)?;
    Ok(())
}
