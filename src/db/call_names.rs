//! Names for the rows of the Call Log: one query a kind, never one a row.

use std::collections::HashMap;

use diesel::prelude::*;

use super::AnyConnection;
use super::buyers::BuyerRow;
use super::schema::{buyers, campaigns, publishers};
use super::subquery::among;
use crate::auth::principal::Manager;
use crate::domain::ids::{BuyerId, CampaignId, PublisherId};

/// The buyers of some rows, by id: their names and windows.
pub fn buyers(
    conn: &mut AnyConnection,
    ids: impl IntoIterator<Item = BuyerId>,
) -> QueryResult<HashMap<BuyerId, BuyerRow>> {
    let rows: Vec<BuyerRow> = buyers::table.filter(among(buyers::id, ids)).select(BuyerRow::as_select()).load(conn)?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The names of some campaigns.
pub fn campaigns(
    conn: &mut AnyConnection,
    ids: impl IntoIterator<Item = CampaignId>,
) -> QueryResult<HashMap<CampaignId, String>> {
    let rows: Vec<(CampaignId, String)> =
        campaigns::table.filter(among(campaigns::id, ids)).select((campaigns::id, campaigns::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The names of some publishers: only a manager can ask.
pub fn publishers(
    conn: &mut AnyConnection,
    _manager: &Manager,
    ids: impl IntoIterator<Item = PublisherId>,
) -> QueryResult<HashMap<PublisherId, String>> {
    let rows: Vec<(PublisherId, String)> =
        publishers::table.filter(among(publishers::id, ids)).select((publishers::id, publishers::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}
