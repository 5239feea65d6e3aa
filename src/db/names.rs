//! Names beside a dispute. A publisher's is given to managers alone.

use std::collections::HashMap;

use diesel::prelude::*;

use super::AnyConnection;
use super::disputes::DisputeRow;
use super::schema::{buyers, campaigns, publishers, users};
use super::subquery::among;
use crate::auth::{DisputeViewer, Viewer};
use crate::domain::ids::{BuyerId, CampaignId, UserId};

/// Who and what a dispute names by id.
#[derive(Clone, Debug)]
pub struct Names {
    pub buyer: String,
    pub campaign: Option<String>,
    /// Managers only.
    pub publisher: Option<String>,
}

/// The names of a dispute that the viewer has found before.
pub fn of_dispute(conn: &mut AnyConnection, viewer: &DisputeViewer, dispute: &DisputeRow) -> QueryResult<Names> {
    let buyer = buyers::table.find(dispute.buyer_id).select(buyers::name).first(conn)?;
    let campaign = match dispute.campaign_id {
        Some(id) => campaign(conn, id)?,
        None => None,
    };
    let publisher = match (viewer.viewer(), dispute.publisher_id) {
        (Viewer::Manager(_), Some(id)) => publishers::table.find(id).select(publishers::name).first(conn).optional()?,
        _ => None,
    };
    Ok(Names { buyer, campaign, publisher })
}

/// A campaign's name.
pub fn campaign(conn: &mut AnyConnection, id: CampaignId) -> QueryResult<Option<String>> {
    campaigns::table.find(id).select(campaigns::name).first(conn).optional()
}

/// The names of some buyers, for a manager's table.
pub fn of_buyers(conn: &mut AnyConnection, ids: &[BuyerId]) -> QueryResult<HashMap<BuyerId, String>> {
    let found: Vec<(BuyerId, String)> =
        buyers::table.filter(among(buyers::id, ids.iter().copied())).select((buyers::id, buyers::name)).load(conn)?;
    Ok(found.into_iter().collect())
}

/// The buyers to choose from in a filter, by name; at most as many as a list can hold.
pub fn buyer_choices(conn: &mut AnyConnection) -> QueryResult<Vec<(BuyerId, String)>> {
    buyers::table.order(buyers::name_key).limit(200).select((buyers::id, buyers::name)).load(conn)
}

/// To which buyer each of these people belongs; managers to none.
pub fn companies(conn: &mut AnyConnection, people: &[UserId]) -> QueryResult<HashMap<UserId, Option<BuyerId>>> {
    let found: Vec<(UserId, Option<BuyerId>)> = users::table
        .filter(among(users::id, people.iter().copied()))
        .select((users::id, users::buyer_id))
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// A person's name.
pub fn of_user(conn: &mut AnyConnection, id: UserId) -> QueryResult<Option<String>> {
    users::table.find(id).select(users::name).first(conn).optional()
}
