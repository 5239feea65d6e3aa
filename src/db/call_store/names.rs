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

impl NameKind {
    /// The word in storage.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Publisher => "publisher",
            Self::Campaign => "campaign",
        }
    }

    /// The kind of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Buyer, Self::Publisher, Self::Campaign].into_iter().find(|kind| kind.code() == code)
    }
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
    /// The id of a name, unless it is a new one that can't be created.
    fn admit(&self, id: Option<&Id>, (field, name): (Field, &str), creates_names: bool) -> Result<Id, Refusal> {
        let is_new = id.is_none_or(|id| self.0.contains_key(id));
        let is_usable = (1..=200).contains(&name.trim().chars().count());
        match id {
            Some(id) if !is_new || (creates_names && is_usable) => Ok(*id),
            _ if is_usable => Err(Refusal::new(field, name, format!("the name of a {field} that is there"))),
            _ => Err(Refusal::new(field, name, "a name of 1 to 200 characters")),
        }
    }

    /// Those that are needed, in the order of their ids.
    fn needed(&self, ids: impl Iterator<Item = Id>) -> Vec<(Id, &str, &str)> {
        let needed: BTreeSet<Id> = ids.filter(|id| self.0.contains_key(id)).collect();
        let named = |id| self.0.get(&id).map(|(source, name)| (id, source.as_str(), name.as_str()));
        needed.into_iter().filter_map(named).collect()
    }

    fn created(&self, kind: NameKind, ids: impl Iterator<Item = Id>) -> Vec<CreatedName> {
        let created = |(_, source, name): (Id, &str, &str)| {
            let (source, name) = (source.to_owned(), name.to_owned());
            CreatedName { kind, source, name }
        };
        self.needed(ids).into_iter().map(created).collect()
    }
}

impl Names {
    /// Looks up every name of a batch, and gives ids to those that are new.
    pub(super) fn resolve(conn: &mut AnyConnection, batch: &[CallRecord]) -> QueryResult<Self> {
        let keys = keys_of(batch, |record| Some(&record.buyer));
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
            names.place_buyer(record, &known, &mut fresh);
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

    /// Whether any buyer isn't in the database yet.
    pub(super) fn has_new_buyers(&self) -> bool {
        !self.new_buyers.0.is_empty()
    }

    /// The ids of a record's names, or which of them can't be taken.
    pub(super) fn of(&self, record: &CallRecord, creates_names: bool) -> Result<NamedIds, Refusal> {
        let buyer = self.buyers.get(&(name_key(&record.source), name_key(&record.buyer)));
        let publisher = record.publisher.as_deref().map(|name| {
            self.new_publishers.admit(self.publishers.get(&name_key(name)), (Field::Publisher, name), creates_names)
        });
        let campaign = record.campaign.as_deref().map(|name| {
            self.new_campaigns.admit(self.campaigns.get(&name_key(name)), (Field::Campaign, name), creates_names)
        });
        Ok(NamedIds {
            buyer: self.new_buyers.admit(buyer, (Field::Buyer, &record.buyer), creates_names)?,
            publisher: publisher.transpose()?,
            campaign: campaign.transpose()?,
        })
    }

    /// The new names that these facts need.
    pub(super) fn needed<'f, 'r: 'f>(&self, facts: impl Iterator<Item = &'f Facts<'r>>) -> Vec<CreatedName> {
        let facts: Vec<&Facts<'r>> = facts.collect();
        let mut created = self.new_buyers.created(NameKind::Buyer, facts.iter().map(|facts| facts.buyer_id));
        let publishers = facts.iter().filter_map(|facts| facts.publisher_id);
        created.extend(self.new_publishers.created(NameKind::Publisher, publishers));
        let campaigns = facts.iter().filter_map(|facts| facts.campaign_id);
        created.extend(self.new_campaigns.created(NameKind::Campaign, campaigns));
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
