//! What the filter menus of the Call Log offer.

use diesel::prelude::*;

use crate::auth::Scope;
use crate::db::AnyConnection;
use crate::db::schema::{buyer_campaigns, buyer_destinations, campaigns};
use crate::domain::ids::CampaignId;

/// The destinations a buyer's calls went to, for the filter; for managers there are too many to list.
pub fn destinations(conn: &mut AnyConnection, scope: Scope) -> QueryResult<Vec<String>> {
    let Some(buyer) = scope.buyer() else { return Ok(Vec::new()) };
    buyer_destinations::table
        .filter(buyer_destinations::buyer_id.eq(buyer))
        .order(buyer_destinations::destination)
        .limit(200)
        .select(buyer_destinations::destination)
        .load(conn)
}

/// The campaigns of the viewer's calls, for the filter.
pub fn campaign_choices(conn: &mut AnyConnection, scope: Scope) -> QueryResult<Vec<(CampaignId, String)>> {
    match scope.buyer() {
        Some(buyer) => buyer_campaigns::table
            .inner_join(campaigns::table)
            .filter(buyer_campaigns::buyer_id.eq(buyer))
            .order(campaigns::name_key)
            .limit(200)
            .select((campaigns::id, campaigns::name))
            .load(conn),
        None => {
            campaigns::table.order(campaigns::name_key).limit(200).select((campaigns::id, campaigns::name)).load(conn)
        }
    }
}
