//! Recordings: rows that name files which are already on disk.

use diesel::prelude::*;

use super::schema::recordings;
use super::{AnyConnection, calls};
use crate::auth::Scope;
use crate::domain::Instant;
use crate::domain::ids::{CallId, FileId};

/// A recording's row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = recordings)]
pub struct RecordingRow {
    pub call_id: CallId,
    pub file_id: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: String,
    pub created_at: Instant,
}

impl RecordingRow {
    /// The file's id; `None` if the row names none.
    #[must_use]
    pub fn file(&self) -> Option<FileId> {
        self.file_id.parse().ok()
    }
}

/// The recording of a call that the viewer can see.
pub fn find(conn: &mut AnyConnection, scope: Scope, call: CallId) -> QueryResult<Option<RecordingRow>> {
    if calls::find(conn, scope, call)?.is_none() {
        return Ok(None);
    }
    recordings::table.find(call).select(RecordingRow::as_select()).first(conn).optional()
}
