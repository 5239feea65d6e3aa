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
