//! Texts that managers use again and again in notes to buyers.

use diesel::prelude::*;

use super::AnyConnection;
use super::audit::{self, Entry};
use super::schema::canned_notes;
use crate::auth::{EditDisputes, Granted};
use crate::domain::Instant;
use crate::domain::ids::CannedNoteId;

/// A canned note.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = canned_notes)]
pub struct CannedNote {
    pub id: CannedNoteId,
    pub title: String,
    pub body: String,
}

/// All of them, by title.
pub fn list(conn: &mut AnyConnection, _manager: &Granted<EditDisputes>) -> QueryResult<Vec<CannedNote>> {
    canned_notes::table
        .order((canned_notes::title, canned_notes::id))
        .limit(100)
        .select(CannedNote::as_select())
        .load(conn)
}

/// Adds one.
pub fn add(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    (title, body): (&str, &str),
    now: Instant,
) -> QueryResult<()> {
    let id = CannedNoteId::generate();
    diesel::insert_into(canned_notes::table)
        .values((
            canned_notes::id.eq(id),
            canned_notes::title.eq(title),
            canned_notes::body.eq(body),
            canned_notes::created_by.eq(grant.user()),
            canned_notes::created_at.eq(now),
        ))
        .execute(conn)?;
    let values = serde_json::json!({ "title": title, "body": body });
    audit::append(conn, &grant.actor(), now, &Entry::new("canned_note.added", "canned_note", &id).now_is(values))
}

/// Changes one; whether there was one.
pub fn change(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    id: CannedNoteId,
    wanted: Option<(&str, &str)>,
    now: Instant,
) -> QueryResult<bool> {
    let before = canned_notes::table.find(id).select(CannedNote::as_select()).first(conn).optional()?;
    let Some(before) = before else { return Ok(false) };
    let old = serde_json::json!({ "title": before.title, "body": before.body });
    let entry = if let Some((title, body)) = wanted {
        diesel::update(canned_notes::table.find(id))
            .set((canned_notes::title.eq(title), canned_notes::body.eq(body)))
            .execute(conn)?;
        let new = serde_json::json!({ "title": title, "body": body });
        Entry::new("canned_note.changed", "canned_note", &id).now_is(new)
    } else {
        diesel::delete(canned_notes::table.find(id)).execute(conn)?;
        Entry::new("canned_note.removed", "canned_note", &id)
    };
    audit::append(conn, &grant.actor(), now, &entry.was(old))?;
    Ok(true)
}
