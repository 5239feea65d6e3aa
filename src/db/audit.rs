//! The audit log: append-only by database rule, hash-chained, numbered by its head row.

use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::dialect::{Lock, insert_all, lock};
use super::schema::{audit_head, audit_log, disputes};
use super::{AnyConnection, DbError};
use crate::auth::{Actor, Via};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, DisputeId, UserId};

/// What one change was.
#[derive(Clone, Debug)]
pub struct Entry {
    action: &'static str,
    entity: &'static str,
    entity_id: String,
    dispute: Option<DisputeId>,
    old: Value,
    new: Value,
}

impl Entry {
    /// A change of one thing.
    #[must_use]
    pub fn new(action: &'static str, entity: &'static str, id: &impl ToString) -> Self {
        Self { action, entity, entity_id: id.to_string(), dispute: None, old: Value::Null, new: Value::Null }
    }

    /// A change of a dispute.
    #[must_use]
    pub fn of_dispute(action: &'static str, dispute: DisputeId) -> Self {
        Self { dispute: Some(dispute), ..Self::new(action, "dispute", &dispute) }
    }

    /// A change of something that belongs to a dispute.
    #[must_use]
    pub fn under(self, dispute: DisputeId) -> Self {
        Self { dispute: Some(dispute), ..self }
    }

    /// The values before.
    #[must_use]
    pub fn was(self, old: Value) -> Self {
        Self { old, ..self }
    }

    /// The values after.
    #[must_use]
    pub fn now_is(self, new: Value) -> Self {
        Self { new, ..self }
    }
}

/// A row of the log.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log)]
pub struct AuditRow {
    pub seq: i64,
    pub at: Instant,
    pub actor_id: Option<UserId>,
    pub actor_name: String,
    pub via: Via,
    pub address: String,
    pub request_id: String,
    pub action: String,
    pub entity: String,
    pub entity_id: String,
    pub dispute_id: Option<DisputeId>,
    pub old_values: String,
    pub new_values: String,
    pub previous_hash: String,
    pub hash: String,
}

impl AuditRow {
    /// The entry as exports write it, one a line.
    #[must_use]
    pub fn as_json(&self) -> Value {
        // Values are JSON already; the text itself is what was hashed.
        let values = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
        serde_json::json!({
            "seq": self.seq, "at": self.at.and_utc().to_rfc3339(), "actor_id": self.actor_id,
            "actor_name": self.actor_name, "via": self.via.code(), "address": self.address,
            "request_id": self.request_id, "action": self.action, "entity": self.entity, "entity_id": self.entity_id,
            "dispute_id": self.dispute_id, "old_values": values(&self.old_values),
            "new_values": values(&self.new_values), "previous_hash": self.previous_hash, "hash": self.hash,
        })
    }

    /// SHA-256 over every field but the hash itself, each with its length before it so that no two rows read alike.
    fn computed_hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut feed = |field: &str| {
            hasher.update(field.len().to_string());
            hasher.update(":");
            hasher.update(field);
        };
        feed(&self.seq.to_string());
        feed(&self.at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string());
        feed(&self.actor_id.map(|id| id.to_string()).unwrap_or_default());
        for field in [&self.actor_name, &self.address, &self.request_id, &self.action, &self.entity, &self.entity_id] {
            feed(field);
        }
        feed(self.via.code());
        feed(&self.dispute_id.map(|id| id.to_string()).unwrap_or_default());
        feed(&self.old_values);
        feed(&self.new_values);
        feed(&self.previous_hash);
        hex::encode(hasher.finalize())
    }
}

/// Writes one entry, in the transaction of the change itself. The head row is the last lock of every write.
pub fn append(conn: &mut AnyConnection, actor: &Actor, now: Instant, entry: &Entry) -> QueryResult<()> {
    append_all(conn, actor, now, std::slice::from_ref(entry))
}

/// Writes several entries in their order; the head moves once.
pub fn append_all(conn: &mut AnyConnection, actor: &Actor, now: Instant, entries: &[Entry]) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    lock(conn, Lock::AuditHead)?;
    let (mut seq, mut previous_hash): (i64, String) =
        audit_head::table.select((audit_head::seq, audit_head::hash)).first(conn)?;
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let row = chained(actor, now, entry, (seq, previous_hash));
        (seq, previous_hash) = (row.seq, row.hash.clone());
        rows.push(row);
    }
    insert_all!(conn, audit_log::table, rows.as_slice());
    diesel::update(audit_head::table)
        .set((audit_head::seq.eq(seq), audit_head::hash.eq(&previous_hash)))
        .execute(conn)?;
    Ok(())
}

/// The row of an entry that follows the one with this number and hash.
fn chained(actor: &Actor, now: Instant, entry: &Entry, (seq, previous_hash): (i64, String)) -> AuditRow {
    let written = |values: &Value| {
        if values.is_null() { String::new() } else { values.to_string() }
    };
    let mut row = AuditRow {
        seq: seq.saturating_add(1),
        at: now,
        actor_id: actor.user,
        actor_name: actor.name.clone(),
        via: actor.origin.via,
        address: actor.origin.address.clone(),
        request_id: actor.origin.request_id.clone(),
        action: entry.action.to_owned(),
        entity: entry.entity.to_owned(),
        entity_id: entry.entity_id.clone(),
        dispute_id: entry.dispute,
        old_values: written(&entry.old),
        new_values: written(&entry.new),
        previous_hash,
        hash: String::new(),
    };
    row.hash = row.computed_hash();
    row
}

/// The number of the last entry: it changes whenever anything does.
pub fn last_number(conn: &mut AnyConnection) -> QueryResult<i64> {
    audit_head::table.select(audit_head::seq).first(conn)
}

/// One entry, as those need it who wait for changes: its number, what happened, and whose dispute it was under.
pub type Change = (i64, String, Option<BuyerId>);

/// The entries after a number, oldest first, at most so many.
pub fn changes_after(conn: &mut AnyConnection, seq: i64, limit: i64) -> QueryResult<Vec<Change>> {
    audit_log::table
        .left_join(disputes::table.on(disputes::id.nullable().eq(audit_log::dispute_id)))
        .filter(audit_log::seq.gt(seq))
        .order(audit_log::seq)
        .limit(limit)
        .select((audit_log::seq, audit_log::action, disputes::buyer_id.nullable()))
        .load(conn)
}

/// Entries of one dispute, oldest first; the pages decide who is told what of them.
pub fn of_dispute(conn: &mut AnyConnection, dispute: DisputeId) -> QueryResult<Vec<AuditRow>> {
    audit_log::table
        .filter(audit_log::dispute_id.eq(dispute))
        .order(audit_log::seq)
        .select(AuditRow::as_select())
        .load(conn)
}

/// Entries after a number, oldest first.
pub fn after(conn: &mut AnyConnection, seq: i64, limit: i64) -> QueryResult<Vec<AuditRow>> {
    audit_log::table
        .filter(audit_log::seq.gt(seq))
        .order(audit_log::seq)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(conn)
}

/// The hash of one entry; empty where there is none, as before the first.
pub fn hash_of(conn: &mut AnyConnection, seq: i64) -> QueryResult<String> {
    let hash: Option<String> = audit_log::table.find(seq).select(audit_log::hash).first(conn).optional()?;
    Ok(hash.unwrap_or_default())
}

/// What is wrong with the chain.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    #[error("entry {0} is missing")]
    Missing(i64),
    #[error("entry {0} does not follow from the one before it")]
    Unchained(i64),
    #[error("entry {0} was changed after it was written")]
    Changed(i64),
    #[error("the log ends at entry {found}, but its head says {expected}")]
    Cut { found: i64, expected: i64 },
}

/// Follows the chain in pages; gives its length and last hash, or the first fault.
pub fn verify(conn: &mut AnyConnection) -> Result<Result<(i64, String), ChainFault>, DbError> {
    let (mut seq, mut hash) = (0_i64, String::new());
    loop {
        let rows = after(conn, seq, 1000)?;
        if rows.is_empty() {
            let (head, head_hash): (i64, String) =
                audit_head::table.select((audit_head::seq, audit_head::hash)).first(conn)?;
            if (head, &head_hash) == (seq, &hash) {
                return Ok(Ok((seq, hash)));
            }
            // A server at work may have written more since; it writes the entry and the head together.
            if head > seq && hash_of(conn, head)? == head_hash {
                continue;
            }
            return Ok(Err(ChainFault::Cut { found: seq, expected: head }));
        }
        for row in rows {
            let expected = seq.saturating_add(1);
            let fault = if row.seq != expected {
                Some(ChainFault::Missing(expected))
            } else if row.previous_hash != hash {
                Some(ChainFault::Unchained(row.seq))
            } else if row.computed_hash() != row.hash {
                Some(ChainFault::Changed(row.seq))
            } else {
                None
            };
            if let Some(fault) = fault {
                return Ok(Err(fault));
            }
            (seq, hash) = (row.seq, row.hash);
        }
    }
}
