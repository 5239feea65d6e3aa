//! Names beside a dispute. A publisher's is given to managers alone.

use std::collections::HashMap;

use diesel::prelude::*;

use super::AnyConnection;
use super::buyers::name_key;
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

/// More buyers than these no menu holds.
const MENU: i64 = 50;

/// The buyers to choose from in a filter.
#[derive(Clone, Debug, Default)]
pub struct BuyerChoices {
    /// All of them by name, or the chosen one alone where there are too many for a menu.
    pub listed: Vec<(BuyerId, String)>,
    pub are_all: bool,
}

/// The buyers to choose from in a filter, where one may be chosen already.
pub fn buyer_choices(conn: &mut AnyConnection, chosen: Option<BuyerId>) -> QueryResult<BuyerChoices> {
    let by_name = buyers::table.order(buyers::name_key).select((buyers::id, buyers::name));
    let listed: Vec<_> = by_name.limit(MENU + 1).load(conn)?;
    if i64::try_from(listed.len()).is_ok_and(|count| count <= MENU) {
        return Ok(BuyerChoices { listed, are_all: true });
    }
    let chosen = chosen.map(|id| buyers::table.find(id).select((buyers::id, buyers::name)).first(conn).optional());
    Ok(BuyerChoices { listed: chosen.transpose()?.flatten().into_iter().collect(), are_all: false })
}

/// The first names of buyers that begin so, for somebody who types one.
pub fn buyers_from(conn: &mut AnyConnection, start: &str) -> QueryResult<Vec<String>> {
    let start = name_key(start);
    let beyond = format!("{start}{}", char::MAX);
    buyers::table
        .filter(buyers::name_key.ge(start))
        .filter(buyers::name_key.lt(beyond))
        .order(buyers::name_key)
        .limit(10)
        .select(buyers::name)
        .load(conn)
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
