//! Calls that have disputes: what of them may change, and what is told of it.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::{Change, Facts, Refusal};
use crate::db::AnyConnection;
use crate::db::schema::disputes;
use crate::domain::dispute::Status;
use crate::domain::ids::{CallId, DisputeId};
use crate::import::CallRecord;
use crate::import::preset::Field;

/// What disputes a call has or had.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::db) struct Disputed {
    /// The active dispute, else the newest; never a Draft.
    pub(in crate::db) sent: Option<DisputeId>,
    pub(in crate::db) has_draft: bool,
}

/// Those of the calls that ever had a dispute.
pub(in crate::db) fn among(conn: &mut AnyConnection, calls: &[CallId]) -> QueryResult<BTreeMap<CallId, Disputed>> {
    let mut found: BTreeMap<CallId, Disputed> = BTreeMap::new();
    for calls in calls.chunks(1_000) {
        let mut rows: Vec<(CallId, DisputeId, Status)> = disputes::table
            .filter(disputes::call_id.eq_any(calls))
            .select((disputes::call_id, disputes::id, disputes::status))
            .load(conn)?;
        rows.sort_by_key(|(_, id, status)| (status.is_active(), *id));
        for (call, id, status) in rows {
            let disputed = found.entry(call).or_default();
            match status {
                Status::Draft => disputed.has_draft = true,
                _ => disputed.sent = Some(id),
            }
        }
    }
    Ok(found)
}

/// Why a call that ever had a dispute can't become what the record says. Who imports may not see disputes: they aren't named.
pub(super) fn refusal(record: &CallRecord, change: &Change<'_>) -> Option<Refusal> {
    let (old, new) = (change.stored.facts(), &change.facts);
    if old.buyer_id != new.buyer_id {
        let expected = "the buyer that the call has: it can't move to another any more";
        Some(Refusal::new(Field::Buyer, &record.buyer, expected))
    } else if old.currency != new.currency {
        let expected = format!("{}, the currency that the call has: it can't change any more", old.currency);
        Some(Refusal::new(Field::Currency, new.currency, expected))
    } else {
        None
    }
}

/// The facts that differ, before and after.
pub(super) fn difference(old: &Facts<'_>, new: &Facts<'_>) -> (Value, Value) {
    let (old, new) = (values(old), values(new));
    let only = |from: &Map<String, Value>, other: &Map<String, Value>| {
        let differing = from.iter().filter(|(name, value)| other.get(*name) != Some(*value));
        Value::Object(differing.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    (only(&old, &new), only(&new, &old))
}

fn values(facts: &Facts<'_>) -> Map<String, Value> {
    let values = json!({
        "buyer_id": facts.buyer_id,
        "publisher_id": facts.publisher_id,
        "campaign_id": facts.campaign_id,
        "started_at": facts.started_at.and_utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        "caller_id": facts.caller_id,
        "dialed": facts.dialed,
        "destination_number": facts.destination_number,
        "destination": facts.destination,
        "currency": facts.currency,
        "payout": facts.payout,
        "publisher_payout": facts.publisher_payout,
        "duration_s": facts.duration_s,
        "connected_s": facts.connected_s,
        "status": facts.status,
        "hangup_by": facts.hangup_by,
        "hangup_cause": facts.hangup_cause,
        "is_duplicate": facts.is_duplicate,
        "recording_url": facts.recording_url,
    });
    match values {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}
