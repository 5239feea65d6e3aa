//! Lists by name: a manager's own, and those shared with the others.

use diesel::prelude::*;

use super::AnyConnection;
use super::audit::{self, Entry};
use super::schema::{saved_views, users};
use crate::auth::{Granted, ViewDisputes};
use crate::domain::Instant;
use crate::domain::ids::{UserId, ViewId};

/// A saved view with its owner's name.
#[derive(Clone, Debug, Queryable)]
pub struct ViewRow {
    pub id: ViewId,
    pub user_id: UserId,
    pub owner: String,
    pub name: String,
    pub list_query: String,
    pub is_shared: bool,
}

/// The views of a manager and those shared with them, by name.
pub fn list(conn: &mut AnyConnection, grant: &Granted<ViewDisputes>) -> QueryResult<Vec<ViewRow>> {
    saved_views::table
        .inner_join(users::table.on(users::id.eq(saved_views::user_id)))
        .filter(saved_views::user_id.eq(grant.user()).or(saved_views::is_shared.eq(true)))
        .order((saved_views::name, saved_views::id))
        .limit(50)
        .select((
            saved_views::id,
            saved_views::user_id,
            users::name,
            saved_views::name,
            saved_views::list_query,
            saved_views::is_shared,
        ))
        .load(conn)
}

/// Saves a view.
pub fn save(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    (name, list_query, is_shared): (&str, &str, bool),
    now: Instant,
) -> QueryResult<ViewId> {
    let id = ViewId::generate();
    diesel::insert_into(saved_views::table)
        .values((
            saved_views::id.eq(id),
            saved_views::user_id.eq(grant.user()),
            saved_views::name.eq(name),
            saved_views::list_query.eq(list_query),
            saved_views::is_shared.eq(is_shared),
            saved_views::created_at.eq(now),
        ))
        .execute(conn)?;
    let values = serde_json::json!({ "name": name, "query": list_query, "shared": is_shared });
    audit::append(conn, &grant.actor(), now, &Entry::new("view.saved", "view", &id).now_is(values))?;
    Ok(id)
}

/// Removes one of a manager's own views; whether there was one.
pub fn remove(conn: &mut AnyConnection, grant: &Granted<ViewDisputes>, id: ViewId, now: Instant) -> QueryResult<bool> {
    let own = saved_views::table.find(id).filter(saved_views::user_id.eq(grant.user()));
    let name: Option<String> = own.select(saved_views::name).first(conn).optional()?;
    let Some(name) = name else { return Ok(false) };
    diesel::delete(saved_views::table.find(id)).execute(conn)?;
    let entry = Entry::new("view.removed", "view", &id).was(serde_json::json!({ "name": name }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(true)
}
