//! Which buyer, publisher and campaign a record means: through aliases, then by name, trimmed and case-blind.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use diesel::prelude::*;

use super::Refusal;
use super::rows::{Facts, NamedIds};
use crate::auth::Actor;
use crate::db::buyers::{self, BuyerError, name_key};
use crate::db::dialect::insert_all;
use crate::db::schema::{buyer_aliases, buyers as buyer_rows, campaigns, publishers};
use crate::db::{AnyConnection, DbError, database_failure};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, CampaignId, PublisherId};
use crate::import::CallRecord;
use crate::import::preset::Field;

/// Why a batch can't be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("a buyer can't be created: {0}")]
    Buyer(String),
    #[error(transparent)]
    Database(DbError),
}

database_failure!(StoreError);

/// A name that an import created.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CreatedName {
    pub kind: NameKind,
    /// Whose name it is: what an alias would be set for.
    pub source: String,
    pub name: String,
}

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    Buyer,
    Publisher,
    Campaign,
}

/// The names of a batch, known and new.
pub(super) struct Names {
    /// By source and name, as keys.
    buyers: HashMap<(String, String), BuyerId>,
    publishers: HashMap<String, PublisherId>,
    campaigns: HashMap<String, CampaignId>,
    new_buyers: New<BuyerId>,
    new_publishers: New<PublisherId>,
    new_campaigns: New<CampaignId>,
}

/// Names that aren't in the database yet, with the ids they will have and the source that first used them.
struct New<Id>(HashMap<Id, (String, String)>);

impl<Id> Default for New<Id> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<Id: Copy + Eq + Hash + Ord> New<Id> {
    /// Those that are needed, in the order of their ids.
    fn needed(&self, ids: impl Iterator<Item = Id>) -> Vec<(Id, &str, &str)> {
        let needed: BTreeSet<Id> = ids.filter(|id| self.0.contains_key(id)).collect();
        let named = |id| self.0.get(&id).map(|(source, name)| (id, source.as_str(), name.as_str()));
        needed.into_iter().filter_map(named).collect()
    }
}

impl Names {
    /// Looks up every name of a batch, and gives ids to those that are new.
    pub(super) fn resolve(conn: &mut AnyConnection, batch: &[CallRecord]) -> QueryResult<Self> {
        let buyer_names: HashSet<(&str, &str)> =
            batch.iter().map(|record| (record.source.as_str(), record.buyer.as_str())).collect();
        let keys: BTreeSet<String> = buyer_names.iter().map(|(_, name)| name_key(name)).collect();
        let aliases = aliases(conn, &keys)?;
        let known = buyers_named(conn, &keys)?;
        let mut names = Self {
            buyers: aliases,
            publishers: publishers_named(conn, &keys_of(batch, |record| record.publisher.as_deref()))?,
            campaigns: campaigns_named(conn, &keys_of(batch, |record| record.campaign.as_deref()))?,
            new_buyers: New::default(),
            new_publishers: New::default(),
            new_campaigns: New::default(),
        };
        let mut fresh: HashMap<String, BuyerId> = HashMap::new();
        for record in batch {
            if buyer_names.contains(&(record.source.as_str(), record.buyer.as_str())) {
                names.place_buyer(record, &known, &mut fresh);
            }
            place(&mut names.publishers, &mut names.new_publishers, record, record.publisher.as_deref(), || {
                PublisherId::generate()
            });
            place(&mut names.campaigns, &mut names.new_campaigns, record, record.campaign.as_deref(), || {
                CampaignId::generate()
            });
        }
        Ok(names)
    }

    fn place_buyer(
        &mut self,
        record: &CallRecord,
        known: &HashMap<String, BuyerId>,
        fresh: &mut HashMap<String, BuyerId>,
    ) {
        let key = name_key(&record.buyer);
        let new = &mut self.new_buyers;
        self.buyers.entry((name_key(&record.source), key.clone())).or_insert_with(|| {
            known.get(&key).copied().unwrap_or_else(|| {
                *fresh.entry(key).or_insert_with(|| {
                    let id = BuyerId::generate();
                    new.0.insert(id, (record.source.clone(), record.buyer.trim().to_owned()));
                    id
                })
            })
        });
    }

    /// The ids of a record's names, or which of them can't be taken.
    pub(super) fn of(&self, record: &CallRecord, creates_names: bool) -> Result<NamedIds, Refusal> {
        let check = |is_new: bool, field: Field, name: &str| match is_new {
            false => Ok(()),
            true if !creates_names => Err(Refusal::new(field, name, format!("the name of a {field} that is there"))),
            true if name.trim().is_empty() || name.trim().chars().count() > 200 => {
                Err(Refusal::new(field, name, "a name of 1 to 200 characters"))
            }
            true => Ok(()),
        };
        let missing = |field: Field, name: &str| Refusal::new(field, name, "a name that can be looked up");
        let buyer_id = self.buyers.get(&(name_key(&record.source), name_key(&record.buyer))).copied();
        let buyer_id = buyer_id.ok_or_else(|| missing(Field::Buyer, &record.buyer))?;
        check(self.new_buyers.0.contains_key(&buyer_id), Field::Buyer, &record.buyer)?;
        let publisher_id = match &record.publisher {
            Some(name) => {
                let id = self.publishers.get(&name_key(name)).ok_or_else(|| missing(Field::Publisher, name))?;
                check(self.new_publishers.0.contains_key(id), Field::Publisher, name)?;
                Some(*id)
            }
            None => None,
        };
        let campaign_id = match &record.campaign {
            Some(name) => {
                let id = self.campaigns.get(&name_key(name)).ok_or_else(|| missing(Field::Campaign, name))?;
                check(self.new_campaigns.0.contains_key(id), Field::Campaign, name)?;
                Some(*id)
            }
            None => None,
        };
        Ok(NamedIds { buyer_id, publisher_id, campaign_id })
    }

    /// The new names that these facts need.
    pub(super) fn needed<'f, 'r: 'f>(&self, facts: impl Iterator<Item = &'f Facts<'r>>) -> Vec<CreatedName> {
        let facts: Vec<&Facts<'r>> = facts.collect();
        let as_created = |kind: NameKind| {
            move |(source, name): (&str, &str)| CreatedName { kind, source: source.to_owned(), name: name.to_owned() }
        };
        let without_id = |(_, source, name)| (source, name);
        let buyers = self.new_buyers.needed(facts.iter().map(|facts| facts.buyer_id));
        let mut created: Vec<CreatedName> =
            buyers.into_iter().map(|(_, source, name)| (source, name)).map(as_created(NameKind::Buyer)).collect();
        let publishers = self.new_publishers.needed(facts.iter().filter_map(|facts| facts.publisher_id));
        created.extend(publishers.into_iter().map(without_id).map(as_created(NameKind::Publisher)));
        let campaigns = self.new_campaigns.needed(facts.iter().filter_map(|facts| facts.campaign_id));
        created
            .extend(campaigns.into_iter().map(|(_, source, name)| (source, name)).map(as_created(NameKind::Campaign)));
        created
    }

    /// Creates the new names that these facts need.
    pub(super) fn create<'f, 'r: 'f>(
        &mut self,
        conn: &mut AnyConnection,
        actor: &Actor,
        facts: impl Iterator<Item = &'f Facts<'r>>,
        now: Instant,
    ) -> Result<Vec<CreatedName>, StoreError> {
        let facts: Vec<&Facts<'r>> = facts.collect();
        for (id, _, name) in self.new_buyers.needed(facts.iter().map(|facts| facts.buyer_id)) {
            buyers::insert_as(conn, actor, (id, name), None, now).map_err(|error| match error {
                BuyerError::Database(error) => StoreError::Database(error),
                refused => StoreError::Buyer(format!("{name}: {refused}")),
            })?;
        }
        let publishers: Vec<_> = self
            .new_publishers
            .needed(facts.iter().filter_map(|facts| facts.publisher_id))
            .into_iter()
            .map(|(id, _, name)| {
                (publishers::id.eq(id), publishers::name.eq(name), publishers::name_key.eq(name_key(name)))
            })
            .collect();
        insert_all!(conn, publishers::table, &publishers);
        let campaigns: Vec<_> = self
            .new_campaigns
            .needed(facts.iter().filter_map(|facts| facts.campaign_id))
            .into_iter()
            .map(|(id, _, name)| {
                (campaigns::id.eq(id), campaigns::name.eq(name), campaigns::name_key.eq(name_key(name)))
            })
            .collect();
        insert_all!(conn, campaigns::table, &campaigns);
        Ok(self.needed(facts.into_iter()))
    }
}

fn place<Id: Copy + Eq + Hash>(
    known: &mut HashMap<String, Id>,
    new: &mut New<Id>,
    record: &CallRecord,
    name: Option<&str>,
    generate: impl FnOnce() -> Id,
) {
    let Some(name) = name else { return };
    known.entry(name_key(name)).or_insert_with(|| {
        let id = generate();
        new.0.insert(id, (record.source.clone(), name.trim().to_owned()));
        id
    });
}

fn keys_of<'r>(batch: &'r [CallRecord], name: impl Fn(&'r CallRecord) -> Option<&'r str>) -> BTreeSet<String> {
    let names: HashSet<&str> = batch.iter().filter_map(name).collect();
    names.into_iter().map(name_key).collect()
}

fn aliases(conn: &mut AnyConnection, keys: &BTreeSet<String>) -> QueryResult<HashMap<(String, String), BuyerId>> {
    let mut found = HashMap::new();
    for keys in chunks(keys) {
        let rows: Vec<(String, String, BuyerId)> = buyer_aliases::table
            .filter(buyer_aliases::name_key.eq_any(keys))
            .select((buyer_aliases::source, buyer_aliases::name_key, buyer_aliases::buyer_id))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(source, name, buyer)| ((source, name), buyer)));
    }
    Ok(found)
}

macro_rules! named {
    ($function:ident, $table:ident, $id:ty) => {
        fn $function(conn: &mut AnyConnection, keys: &BTreeSet<String>) -> QueryResult<HashMap<String, $id>> {
            let mut found = HashMap::new();
            for keys in chunks(keys) {
                let rows: Vec<(String, $id)> = $table::table
                    .filter($table::name_key.eq_any(keys))
                    .select(($table::name_key, $table::id))
                    .load(conn)?;
                found.extend(rows);
            }
            Ok(found)
        }
    };
}

named!(buyers_named, buyer_rows, BuyerId);
named!(publishers_named, publishers, PublisherId);
named!(campaigns_named, campaigns, CampaignId);

fn chunks(keys: &BTreeSet<String>) -> Vec<Vec<&str>> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    keys.chunks(1_000).map(<[&str]>::to_vec).collect()
}
