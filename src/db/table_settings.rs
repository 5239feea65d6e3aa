//! What a person set for a table: its columns, their order, the number of rows and the sort.

use diesel::prelude::*;

use super::AnyConnection;
use super::audit::{self, Entry};
use super::dialect::on_backend;
use super::schema::table_settings;
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::ids::UserId;

text_enum! {
    /// A table whose settings can be saved.
    Table {
        Calls = "calls", "Call Log";
        Disputes = "disputes", "Disputes";
    }
}

/// What a person saved for one table.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, AsChangeset, serde::Serialize)]
#[diesel(table_name = table_settings)]
pub struct TableSettings {
    /// The columns in their order, with commas between.
    pub column_list: String,
    pub per_page: i32,
    pub sort: String,
}

/// What this person saved for the table, if anything.
pub fn find(conn: &mut AnyConnection, user: UserId, table: &str) -> QueryResult<Option<TableSettings>> {
    table_settings::table.find((user, table)).select(TableSettings::as_select()).first(conn).optional()
}

/// Keeps what a person set for the table, in place of what they had set before.
pub fn save(
    conn: &mut AnyConnection,
    actor: &Actor,
    (user, table): (UserId, Table),
    wanted: &TableSettings,
    now: Instant,
) -> QueryResult<()> {
    let before = find(conn, user, table.code())?;
    if before.as_ref() == Some(wanted) {
        return Ok(());
    }
    let row = (
        table_settings::user_id.eq(user),
        table_settings::table_name.eq(table),
        table_settings::column_list.eq(&wanted.column_list),
        table_settings::per_page.eq(wanted.per_page),
        table_settings::sort.eq(&wanted.sort),
    );
    on_backend!(conn, |conn| diesel::insert_into(table_settings::table)
        .values(row)
        .on_conflict((table_settings::user_id, table_settings::table_name))
        .do_update()
        .set(wanted)
        .execute(conn))?;
    let entry = entry("user.table_settings_changed", user, table, before.as_ref()).now_is(values(table, wanted));
    audit::append(conn, actor, now, &entry)
}

/// Forgets what a person set for the table.
pub fn reset(conn: &mut AnyConnection, actor: &Actor, (user, table): (UserId, Table), now: Instant) -> QueryResult<()> {
    let before = find(conn, user, table.code())?;
    if diesel::delete(table_settings::table.find((user, table))).execute(conn)? == 0 {
        return Ok(());
    }
    audit::append(conn, actor, now, &entry("user.table_settings_reset", user, table, before.as_ref()))
}

fn entry(action: &'static str, user: UserId, table: Table, before: Option<&TableSettings>) -> Entry {
    let entry = Entry::new(action, "user", &user);
    match before {
        Some(before) => entry.was(values(table, before)),
        None => entry,
    }
}

fn values(table: Table, settings: &TableSettings) -> serde_json::Value {
    serde_json::json!({ "table": table, "settings": settings })
}
