//! The names by which sources call a buyer. Linking one moves the calls that were never disputed.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::audit::{self, Entry};
use super::buyers::{BuyerRow, name_key};
use super::call_store::INTAKE;
use super::counters::{self, Counts};
use super::schema::{buyer_aliases, buyer_campaigns, buyer_destinations, buyers, call_raws, calls, disputes};
use super::subquery::is_in;
use super::{AnyConnection, DbError, database_failure, dialect};
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, CampaignId};

/// Why an alias couldn't be linked.
#[derive(Debug, thiserror::Error)]
pub enum AliasError {
    #[error("the name of a source, and the name by which it calls a buyer, have 1 to 200 characters")]
    Unusable,
    #[error(transparent)]
    Database(DbError),
}

database_failure!(AliasError);

/// An alias as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Alias {
    pub source: String,
    pub name: String,
}

/// Every alias, with its buyer.
pub fn list(conn: &mut AnyConnection) -> QueryResult<Vec<(BuyerId, Alias)>> {
    let rows: Vec<(BuyerId, String, String)> = buyer_aliases::table
        .order((buyer_aliases::source, buyer_aliases::name_key))
        .select((buyer_aliases::buyer_id, buyer_aliases::source, buyer_aliases::name))
        .load(conn)?;
    Ok(rows.into_iter().map(|(buyer, source, name)| (buyer, Alias { source, name })).collect())
}

/// Links what a source calls somebody to a buyer, and moves the calls that came under this name and were never
/// disputed; gives how many.
///
/// # Errors
/// If a name is unusable.
pub fn link(
    conn: &mut AnyConnection,
    actor: &Actor,
    buyer: &BuyerRow,
    alias: &Alias,
    now: Instant,
) -> Result<usize, AliasError> {
    let (source, name) = (alias.source.trim(), alias.name.trim());
    if [source, name].iter().any(|text| text.is_empty() || text.chars().count() > 200) {
        return Err(AliasError::Unusable);
    }
    let (source_key, key) = (name_key(source), name_key(name));
    dialect::lock_key(conn, INTAKE)?;
    let owner: Option<BuyerId> =
        buyer_aliases::table.find((&source_key, &key)).select(buyer_aliases::buyer_id).first(conn).optional()?;
    let spellings = spellings(conn, &source_key, &key)?;
    let moved = move_calls(conn, buyer.id, &spellings, now)?;
    if owner == Some(buyer.id) && moved == 0 {
        return Ok(0);
    }
    diesel::delete(buyer_aliases::table.find((&source_key, &key))).execute(conn)?;
    diesel::insert_into(buyer_aliases::table)
        .values((
            buyer_aliases::source.eq(&source_key),
            buyer_aliases::name_key.eq(&key),
            buyer_aliases::name.eq(name),
            buyer_aliases::buyer_id.eq(buyer.id),
        ))
        .execute(conn)?;
    let entry = Entry::new("buyer.alias_linked", "buyer", &buyer.id)
        .was(serde_json::json!({ "buyer": owner }))
        .now_is(serde_json::json!({ "source": source, "alias": name, "buyer": buyer.id, "moved_calls": moved }));
    audit::append(conn, actor, now, &entry)?;
    Ok(moved)
}

/// Who has calls under the name, as they were written: databases don't agree on what case-blind means, Rust does.
fn spellings(conn: &mut AnyConnection, source: &str, name: &str) -> QueryResult<Vec<(BuyerId, String, String)>> {
    let written: Vec<(BuyerId, String, String)> = calls::table
        .inner_join(call_raws::table.on(call_raws::call_id.eq(calls::id)))
        .select((calls::buyer_id, calls::source, call_raws::buyer_name))
        .distinct()
        .load(conn)?;
    Ok(written
        .into_iter()
        .filter(|(_, its_source, its_name)| name_key(its_source) == source && name_key(its_name) == name)
        .collect())
}

fn move_calls(
    conn: &mut AnyConnection,
    to: BuyerId,
    spellings: &[(BuyerId, String, String)],
    now: Instant,
) -> QueryResult<usize> {
    let owners: BTreeSet<BuyerId> = spellings.iter().map(|(owner, _, _)| *owner).filter(|owner| *owner != to).collect();
    for owner in &owners {
        // Whoever saves or sends a dispute holds its buyer's row: from here on nobody does.
        diesel::update(buyers::table.find(owner)).set(buyers::name.eq(buyers::name)).execute(conn)?;
    }
    let (mut moved, mut counted) = (0_usize, BTreeMap::<BuyerId, Counts>::new());
    for (owner, source, name) in spellings.iter().filter(|(owner, _, _)| *owner != to) {
        let named = call_raws::table.filter(call_raws::buyer_name.eq(name)).select(call_raws::call_id);
        let never_disputed = not(exists(disputes::table.filter(disputes::call_id.eq(calls::id)).select(disputes::id)));
        let rows = calls::table
            .filter(calls::buyer_id.eq(owner))
            .filter(calls::source.eq(source))
            .filter(is_in(calls::id, named))
            .filter(never_disputed);
        let count = diesel::update(rows).set((calls::buyer_id.eq(to), calls::updated_at.eq(now))).execute(conn)?;
        moved = moved.saturating_add(count);
        let calls = Counts::calls(i64::try_from(count).unwrap_or(i64::MAX));
        *counted.entry(*owner).or_default() += -calls;
        *counted.entry(to).or_default() += calls;
    }
    if moved > 0 {
        for buyer in owners.iter().chain([&to]) {
            renew_choices(conn, *buyer)?;
        }
    }
    counters::add_all(conn, &counted)?;
    Ok(moved)
}

/// What a buyer's filter menus offer, from the calls that the buyer has now.
fn renew_choices(conn: &mut AnyConnection, buyer: BuyerId) -> QueryResult<()> {
    let own = calls::table.filter(calls::buyer_id.eq(buyer));
    let destinations: Vec<String> = own.select(calls::destination).distinct().load(conn)?;
    let campaigns: Vec<Option<CampaignId>> =
        own.filter(calls::campaign_id.is_not_null()).select(calls::campaign_id).distinct().load(conn)?;
    diesel::delete(buyer_destinations::table.filter(buyer_destinations::buyer_id.eq(buyer))).execute(conn)?;
    diesel::delete(buyer_campaigns::table.filter(buyer_campaigns::buyer_id.eq(buyer))).execute(conn)?;
    let destinations: Vec<_> = destinations
        .iter()
        .filter(|destination| !destination.is_empty())
        .map(|destination| (buyer_destinations::buyer_id.eq(buyer), buyer_destinations::destination.eq(destination)))
        .collect();
    dialect::insert_all!(conn, buyer_destinations::table, &destinations);
    let campaigns: Vec<_> = campaigns
        .into_iter()
        .flatten()
        .map(|campaign| (buyer_campaigns::buyer_id.eq(buyer), buyer_campaigns::campaign_id.eq(campaign)))
        .collect();
    dialect::insert_all!(conn, buyer_campaigns::table, &campaigns);
    Ok(())
}
