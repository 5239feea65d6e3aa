//! Recordings come in: rows that name files which are on disk already.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::json;

use super::audit::{self, Entry};
use super::call_store::INTAKE;
use super::call_store::disputed;
use super::dialect::{lock_calls, lock_key};
use super::evidence::StoredFile;
use super::schema::{calls, disputes, recordings};
use super::{AnyConnection, sending};
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::ids::{CallId, FileId};

/// A call that a recording may belong to.
#[derive(Clone, Debug, Queryable)]
pub struct Candidate {
    pub call: CallId,
    pub source: String,
    pub external_id: String,
    /// The file of the recording it has, and the hash of its bytes.
    pub recording: Option<(String, String)>,
}

impl Candidate {
    /// The file of the recording it has, if that has these bytes.
    #[must_use]
    pub fn file_with(&self, sha256: &str) -> Option<FileId> {
        let (file, hash) = self.recording.as_ref()?;
        if hash == sha256 { file.parse().ok() } else { None }
    }
}

/// The sources that calls came from. There are few of them and millions of calls, so each is looked up by index.
pub fn sources(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    let mut sources: Vec<String> = Vec::new();
    loop {
        let last = sources.last().cloned().unwrap_or_default();
        let next = calls::table.filter(calls::source.gt(last)).order(calls::source).select(calls::source).first(conn);
        match next.optional()? {
            Some(source) => sources.push(source),
            None => return Ok(sources),
        }
    }
}

/// The calls of these sources with these external ids.
pub fn candidates(
    conn: &mut AnyConnection,
    sources: &[String],
    external_ids: &[&str],
) -> QueryResult<HashMap<String, Vec<Candidate>>> {
    let mut found: HashMap<String, Vec<Candidate>> = HashMap::new();
    for source in sources {
        let rows: Vec<Candidate> = calls::table
            .left_join(recordings::table)
            .filter(calls::source.eq(source))
            .filter(calls::external_id.eq_any(external_ids))
            .select((
                calls::id,
                calls::source,
                calls::external_id,
                (recordings::file_id, recordings::sha256).nullable(),
            ))
            .load(conn)?;
        for candidate in rows {
            found.entry(candidate.external_id.clone()).or_default().push(candidate);
        }
    }
    Ok(found)
}

/// Attaches files to their calls; a recording that a call has is replaced.
///
/// # Errors
/// If the database fails.
pub fn attach(
    conn: &mut AnyConnection,
    actor: &Actor,
    files: &[(CallId, StoredFile)],
    now: Instant,
) -> QueryResult<()> {
    lock_key(conn, INTAKE)?;
    let mut ids: Vec<CallId> = files.iter().map(|(call, _)| *call).collect();
    ids.sort_unstable();
    lock_calls(conn, &ids)?;
    let mut disputed = disputed::among(conn, &ids)?;
    let mut entries = Vec::new();
    for (call, file) in files {
        let old: Option<String> = recordings::table.find(call).select(recordings::sha256).first(conn).optional()?;
        diesel::delete(recordings::table.find(call)).execute(conn)?;
        diesel::insert_into(recordings::table)
            .values((
                recordings::call_id.eq(call),
                recordings::file_id.eq(file.id.as_str()),
                recordings::media_type.eq(&file.media_type),
                recordings::size.eq(file.size),
                recordings::sha256.eq(&file.sha256),
                recordings::created_at.eq(now),
            ))
            .execute(conn)?;
        diesel::update(calls::table.find(call)).set(calls::has_recording.eq(true)).execute(conn)?;
        let Some(disputed) = disputed.remove(call) else { continue };
        diesel::update(disputes::table.filter(disputes::call_id.eq(call)))
            .set(disputes::has_recording.eq(true))
            .execute(conn)?;
        if disputed.has_draft {
            sending::refresh_draft(conn, *call)?;
        }
        if let Some(dispute) = disputed.sent {
            let action = if old.is_some() { "recording.replaced" } else { "recording.attached" };
            let entry = Entry::new(action, "call", call).under(dispute);
            let entry = entry.was(json!({ "recording_sha256": old }));
            entries.push(entry.now_is(json!({ "recording_sha256": file.sha256 })));
        }
    }
    for entry in &entries {
        audit::append(conn, actor, now, entry)?;
    }
    Ok(())
}

/// Writes the audit entry of a whole import of recordings.
///
/// # Errors
/// If the database fails.
pub fn record_import(
    conn: &mut AnyConnection,
    actor: &Actor,
    what: serde_json::Value,
    now: Instant,
) -> QueryResult<()> {
    audit::append(conn, actor, now, &Entry::new("recordings.imported", "import", &CallId::generate()).now_is(what))
}
