//! Lists by name: a manager's own, and those shared with the others.

use diesel::prelude::*;

use super::AnyConnection;
use super::audit::{self, Entry};
use super::schema::{default_views, saved_views, users};
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

/// Saves a view; one of one's own with this name becomes this list.
pub fn save(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    (name, list_query, is_shared): (&str, &str, bool),
    now: Instant,
) -> QueryResult<ViewId> {
    let named = saved_views::table
        .filter(saved_views::user_id.eq(grant.user()))
        .filter(saved_views::name.eq(name))
        .select(saved_views::id);
    if let Some(id) = named.first(conn).optional()? {
        change(conn, grant, id, &ViewChange { name, list_query: Some(list_query), is_shared }, now)?;
        return Ok(id);
    }
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

/// What a view becomes.
#[derive(Clone, Copy, Debug)]
pub struct ViewChange<'a> {
    pub name: &'a str,
    /// `None`: the list it is.
    pub list_query: Option<&'a str>,
    pub is_shared: bool,
}

/// Changes one of a manager's own views; whether there was one. One that isn't shared any more opens first for nobody
/// else.
pub fn change(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    id: ViewId,
    wanted: &ViewChange<'_>,
    now: Instant,
) -> QueryResult<bool> {
    let own = saved_views::table.find(id).filter(saved_views::user_id.eq(grant.user()));
    let found = own.select((saved_views::name, saved_views::list_query, saved_views::is_shared));
    let found: Option<(String, String, bool)> = found.first(conn).optional()?;
    let Some((name, list_query, is_shared)) = found else { return Ok(false) };
    let new_query = wanted.list_query.unwrap_or(&list_query);
    if (name.as_str(), list_query.as_str(), is_shared) == (wanted.name, new_query, wanted.is_shared) {
        return Ok(true);
    }
    diesel::update(saved_views::table.find(id))
        .set((
            saved_views::name.eq(wanted.name),
            saved_views::list_query.eq(new_query),
            saved_views::is_shared.eq(wanted.is_shared),
        ))
        .execute(conn)?;
    if !wanted.is_shared {
        let others = default_views::table.filter(default_views::view_id.eq(id));
        diesel::delete(others.filter(default_views::user_id.ne(grant.user()))).execute(conn)?;
    }
    let entry = Entry::new("view.changed", "view", &id)
        .was(serde_json::json!({ "name": name, "query": list_query, "shared": is_shared }))
        .now_is(serde_json::json!({ "name": wanted.name, "query": new_query, "shared": wanted.is_shared }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(true)
}

/// The view that a manager's Disputes page opens with, if any: its id and query.
pub fn opened_first(conn: &mut AnyConnection, grant: &Granted<ViewDisputes>) -> QueryResult<Option<(ViewId, String)>> {
    default_views::table
        .inner_join(saved_views::table)
        .filter(default_views::user_id.eq(grant.user()))
        .filter(saved_views::user_id.eq(grant.user()).or(saved_views::is_shared.eq(true)))
        .select((saved_views::id, saved_views::list_query))
        .first(conn)
        .optional()
}

/// Lets the Disputes page open with a view that the manager can see, or no longer; whether there is such a view.
pub fn open_first(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    id: ViewId,
    is_first: bool,
    now: Instant,
) -> QueryResult<bool> {
    let is_seen = list(conn, grant)?.iter().any(|view| view.id == id);
    let before = opened_first(conn, grant)?.map(|(id, _)| id);
    let after = if is_first { Some(id) } else { before.filter(|first| *first != id) };
    if !is_seen || before == after {
        return Ok(is_seen);
    }
    diesel::delete(default_views::table.find(grant.user())).execute(conn)?;
    if let Some(view) = after {
        let row = (default_views::user_id.eq(grant.user()), default_views::view_id.eq(view));
        diesel::insert_into(default_views::table).values(row).execute(conn)?;
    }
    let values = |view: Option<ViewId>| serde_json::json!({ "view": view });
    let entry =
        Entry::new("user.default_view_changed", "user", &grant.user()).was(values(before)).now_is(values(after));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(true)
}

/// Removes one of a manager's own views; whether there was one.
pub fn remove(conn: &mut AnyConnection, grant: &Granted<ViewDisputes>, id: ViewId, now: Instant) -> QueryResult<bool> {
    let own = saved_views::table.find(id).filter(saved_views::user_id.eq(grant.user()));
    let name: Option<String> = own.select(saved_views::name).first(conn).optional()?;
    let Some(name) = name else { return Ok(false) };
    diesel::delete(default_views::table.filter(default_views::view_id.eq(id))).execute(conn)?;
    diesel::delete(saved_views::table.find(id)).execute(conn)?;
    let entry = Entry::new("view.removed", "view", &id).was(serde_json::json!({ "name": name }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(true)
}
