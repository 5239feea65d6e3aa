//! What a person set for a table: its columns, their order, the number of rows and the sort.

use diesel::prelude::*;

use super::AnyConnection;
use super::schema::table_settings;
use crate::domain::ids::UserId;

/// What a person saved for one table.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
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

/// Keeps what this person wants of the table, in place of what they wanted before.
pub fn save(conn: &mut AnyConnection, user: UserId, table: &str, wanted: &TableSettings) -> QueryResult<()> {
    let values = (
        table_settings::column_list.eq(&wanted.column_list),
        table_settings::per_page.eq(wanted.per_page),
        table_settings::sort.eq(&wanted.sort),
    );
    let changed = diesel::update(table_settings::table.find((user, table))).set(values).execute(conn)?;
    if changed == 0 {
        diesel::insert_into(table_settings::table)
            .values((table_settings::user_id.eq(user), table_settings::table_name.eq(table), values))
            .execute(conn)?;
    }
    Ok(())
}

/// Goes back to how the table is for everybody.
pub fn reset(conn: &mut AnyConnection, user: UserId, table: &str) -> QueryResult<()> {
    diesel::delete(table_settings::table.find((user, table))).execute(conn)?;
    Ok(())
}

/// Reads columns as a form sends them: known ones, each once, in their order.
#[must_use]
pub fn chosen<'c>(columns: impl Iterator<Item = &'c str>, allowed: &[&str]) -> Vec<&'c str> {
    let mut chosen: Vec<&str> = Vec::new();
    for column in columns {
        if allowed.contains(&column) && !chosen.contains(&column) {
            chosen.push(column);
        }
    }
    chosen
}
