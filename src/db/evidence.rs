//! Evidence files: rows that name files which are already on disk.

use chrono::Duration;
use diesel::prelude::*;

use super::audit::{self, Entry};
use super::notifications::{self, Audience, Kind};
use super::outbox::{self, Topic};
use super::schema::{evidence, staged_uploads};
use super::sending::{self, SendError};
use super::{AnyConnection, calls, disputes, facts};
use crate::auth::{DisputeCalls, DisputeViewer, Granted, Viewer};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{CallId, DisputeId, FileId, UserId};

/// How long an upload is kept that no dispute took up yet.
pub const STAGED_FOR: Duration = Duration::hours(24);

/// A file that was received, checked and stored under its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub id: FileId,
    /// As the user called it; only ever shown, never used as a path.
    pub name: String,
    /// By its bytes.
    pub media_type: String,
    pub size: i64,
    pub sha256: String,
}

/// A file of a dispute.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = evidence)]
pub struct EvidenceRow {
    pub id: String,
    pub dispute_id: DisputeId,
    pub name: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: String,
    pub uploaded_by: UserId,
    pub created_at: Instant,
}

/// An upload kept for a form: bound to its user and call.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = staged_uploads)]
pub struct StagedRow {
    pub id: String,
    pub user_id: UserId,
    pub call_id: CallId,
    pub name: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: String,
    pub created_at: Instant,
}

/// The files of a dispute that the viewer has found before.
pub fn list(conn: &mut AnyConnection, dispute: DisputeId) -> QueryResult<Vec<EvidenceRow>> {
    evidence::table
        .filter(evidence::dispute_id.eq(dispute))
        .order((evidence::created_at, evidence::id))
        .select(EvidenceRow::as_select())
        .load(conn)
}

/// The files of some disputes that the viewer has found before.
pub fn list_of(conn: &mut AnyConnection, disputes: &[DisputeId]) -> QueryResult<Vec<EvidenceRow>> {
    evidence::table
        .filter(evidence::dispute_id.eq_any(disputes.to_vec()))
        .order((evidence::dispute_id, evidence::created_at, evidence::id))
        .select(EvidenceRow::as_select())
        .load(conn)
}

/// A file, through its dispute: a right id under a wrong dispute finds nothing.
pub fn find(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    dispute: DisputeId,
    file: &FileId,
) -> QueryResult<Option<EvidenceRow>> {
    if disputes::find(conn, viewer.scope(), dispute)?.is_none() {
        return Ok(None);
    }
    evidence::table
        .find(file.as_str())
        .filter(evidence::dispute_id.eq(dispute))
        .select(EvidenceRow::as_select())
        .first(conn)
        .optional()
}

/// Keeps an upload for the form of a call, until it is sent or 24 hours have passed.
pub fn stage(conn: &mut AnyConnection, user: UserId, call: CallId, file: &StoredFile, now: Instant) -> QueryResult<()> {
    let row = StagedRow {
        id: file.id.to_string(),
        user_id: user,
        call_id: call,
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        created_at: now,
    };
    diesel::insert_into(staged_uploads::table).values(&row).execute(conn)?;
    Ok(())
}

/// The uploads of these ids that this user kept for this call and that have not expired.
pub fn staged(
    conn: &mut AnyConnection,
    user: UserId,
    call: CallId,
    ids: &[FileId],
    now: Instant,
) -> QueryResult<Vec<StagedRow>> {
    let ids: Vec<&str> = ids.iter().map(FileId::as_str).collect();
    staged_uploads::table
        .filter(staged_uploads::user_id.eq(user))
        .filter(staged_uploads::call_id.eq(call))
        .filter(staged_uploads::id.eq_any(ids))
        .filter(staged_uploads::created_at.gt(now - STAGED_FOR))
        .order((staged_uploads::created_at, staged_uploads::id))
        .select(StagedRow::as_select())
        .load(conn)
}

/// Forgets an upload that this user kept for the form of this call; the sweep removes the file.
pub fn unstage(conn: &mut AnyConnection, user: UserId, call: CallId, file: &FileId) -> QueryResult<bool> {
    let mine = staged_uploads::table
        .find(file.as_str())
        .filter(staged_uploads::user_id.eq(user))
        .filter(staged_uploads::call_id.eq(call));
    Ok(diesel::delete(mine).execute(conn)? > 0)
}

/// Forgets uploads that no dispute took up in time; the sweep removes their files.
pub fn forget_expired(conn: &mut AnyConnection, now: Instant) -> QueryResult<usize> {
    diesel::delete(staged_uploads::table.filter(staged_uploads::created_at.le(now - STAGED_FOR))).execute(conn)
}

/// Whether any row names this file: asked again under the write lock before a sweep removes it.
///
/// One statement sees one state: an upload that becomes evidence meanwhile is named by the one row or the other.
pub fn is_named(conn: &mut AnyConnection, file: &FileId) -> QueryResult<bool> {
    use super::schema::{imports, recordings};
    use diesel::dsl::exists;
    let id = file.as_str();
    let evidence = exists(evidence::table.find(id));
    let staged = exists(staged_uploads::table.find(id));
    let recorded = exists(recordings::table.filter(recordings::file_id.eq(id)));
    let imported = exists(imports::table.filter(imports::file_id.eq(id)));
    diesel::select(evidence.or(staged).or(recorded).or(imported)).get_result(conn)
}

/// Keeps uploads for the form of a call, if the person may still dispute it.
///
/// # Errors
/// If the call isn't the viewer's, or the permission has gone.
pub fn keep(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    call: CallId,
    files: &[StoredFile],
) -> Result<(), SendError> {
    sending::recheck(conn, grant)?;
    calls::find(conn, grant.scope(), call)?.ok_or(SendError::Missing)?;
    let now = clock.now();
    for file in files {
        stage(conn, grant.user(), call, file, now)?;
    }
    Ok(())
}

/// Gives a dispute the files just received and those kept by an earlier try, within the limit.
pub(super) fn attach(
    conn: &mut AnyConnection,
    viewer: &Viewer,
    (dispute, call): (DisputeId, CallId),
    files: &sending::Files,
    now: Instant,
) -> Result<(), SendError> {
    let kept = staged(conn, viewer.user(), call, &files.kept, now)?;
    if kept.len() != files.kept.len() {
        return Err(SendError::KeptFileGone);
    }
    let there: i64 = evidence::table.filter(evidence::dispute_id.eq(dispute)).count().get_result(conn)?;
    let new = i64::try_from(kept.len().saturating_add(files.received.len())).unwrap_or(i64::MAX);
    if new > 0 && there.saturating_add(new) > i64::from(files.limit) {
        return Err(SendError::TooManyFiles { limit: files.limit });
    }
    let stored = kept.into_iter().map(|row| (row.id, row.name, row.media_type, row.size, row.sha256));
    let received = files
        .received
        .iter()
        .map(|file| (file.id.to_string(), file.name.clone(), file.media_type.clone(), file.size, file.sha256.clone()));
    for (id, name, media_type, size, sha256) in stored.chain(received) {
        diesel::delete(staged_uploads::table.find(&id)).execute(conn)?;
        let values = serde_json::json!({ "name": name, "size": size, "sha256": sha256, "type": media_type });
        let row = EvidenceRow {
            id,
            dispute_id: dispute,
            name,
            media_type,
            size,
            sha256,
            uploaded_by: viewer.user(),
            created_at: now,
        };
        diesel::insert_into(evidence::table).values(&row).execute(conn)?;
        audit::append(
            conn,
            &viewer.actor(),
            now,
            &Entry::new("evidence.added", "evidence", &row.id).under(dispute).now_is(values),
        )?;
    }
    disputes::count_evidence(conn, dispute)?;
    Ok(())
}

/// Adds files to a Draft or Pending dispute.
///
/// # Errors
/// If it isn't the viewer's, isn't open any more, or would have too many files.
pub fn add(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    id: DisputeId,
    files: &sending::Files,
) -> Result<(), SendError> {
    sending::recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    if !matches!(dispute.status, Status::Draft | Status::Pending) {
        return Err(SendError::Closed(dispute.status));
    }
    let now = clock.now();
    attach(conn, grant.viewer(), (id, dispute.call_id), files, now)?;
    disputes::touch(conn, id, now)?;
    if dispute.status == Status::Pending {
        notifications::tell(conn, Audience::Managers, Some(grant.user()), id, (Kind::EvidenceAdded, ""), now)?;
        let payload = serde_json::json!({ "status": dispute.status });
        outbox::push(conn, Topic::Updated, (id, dispute.buyer_id), &payload, now)?;
    }
    Ok(())
}

/// Takes a file out of a Draft; what was sent can't be taken away.
///
/// # Errors
/// If there is no such file of the viewer's, or the dispute was sent.
pub fn remove(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    id: DisputeId,
    file: &FileId,
) -> Result<(), SendError> {
    sending::recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    let there: Option<EvidenceRow> = evidence::table
        .find(file.as_str())
        .filter(evidence::dispute_id.eq(id))
        .select(EvidenceRow::as_select())
        .first(conn)
        .optional()?;
    let there = there.ok_or(SendError::Missing)?;
    if dispute.status != Status::Draft {
        return Err(SendError::Closed(dispute.status));
    }
    let now = clock.now();
    diesel::delete(evidence::table.find(file.as_str())).execute(conn)?;
    disputes::count_evidence(conn, id)?;
    // A fact that names what isn't there would be sent as it is.
    let named = facts::forget_file(conn, id, file)?;
    disputes::touch(conn, id, now)?;
    let mut values = serde_json::json!({ "name": there.name, "size": there.size, "sha256": there.sha256 });
    if let (false, Some(values)) = (named.is_empty(), values.as_object_mut()) {
        values.insert("facts".to_owned(), named.into());
    }
    audit::append(conn, &grant.actor(), now, &Entry::new("evidence.removed", "evidence", file).under(id).was(values))?;
    Ok(())
}
