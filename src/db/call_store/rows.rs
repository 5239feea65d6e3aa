//! The rows of calls, as they are written and as they are found again.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use crate::db::AnyConnection;
use crate::db::dialect::{insert_all, insert_missing};
use crate::db::schema::{buyer_campaigns, buyer_destinations, call_raws, calls};
use crate::domain::Instant;
use crate::domain::call::{CallStatus, HangupBy};
use crate::domain::ids::{BuyerId, CallId, CampaignId, PublisherId};
use crate::domain::phone;
use crate::import::CallRecord;

/// Who a call belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedIds {
    pub(super) buyer: BuyerId,
    pub(super) publisher: Option<PublisherId>,
    pub(super) campaign: Option<CampaignId>,
}

/// What a source says about a call, and nothing that happened to it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Insertable, AsChangeset)]
#[diesel(table_name = calls, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Facts<'a> {
    pub buyer_id: BuyerId,
    pub publisher_id: Option<PublisherId>,
    pub campaign_id: Option<CampaignId>,
    pub started_at: Instant,
    pub caller_id: &'a str,
    pub dialed: &'a str,
    pub destination_number: &'a str,
    /// The destination's name, or its number where it has none.
    pub destination: &'a str,
    pub currency: &'a str,
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub duration_s: Option<i32>,
    pub connected_s: Option<i32>,
    pub status: CallStatus,
    pub hangup_by: HangupBy,
    pub hangup_cause: &'a str,
    pub is_duplicate: bool,
    pub recording_url: &'a str,
}

impl<'r> Facts<'r> {
    pub(super) fn of(record: &'r CallRecord, names: NamedIds) -> Self {
        let destination =
            if record.destination_name.is_empty() { &record.destination_number } else { &record.destination_name };
        Self {
            buyer_id: names.buyer,
            publisher_id: names.publisher,
            campaign_id: names.campaign,
            started_at: record.started_at,
            caller_id: &record.caller_id,
            dialed: &record.dialed,
            destination_number: &record.destination_number,
            destination,
            currency: record.currency.code(),
            payout: record.payout,
            publisher_payout: record.publisher_payout,
            duration_s: record.duration_s,
            connected_s: record.connected_s,
            status: record.status,
            hangup_by: record.hangup_by,
            hangup_cause: &record.hangup_cause,
            is_duplicate: record.is_duplicate,
            recording_url: &record.recording_url,
        }
    }

    fn derived(&self, now: Instant) -> Derived {
        Derived { caller_last7: phone::last7(self.caller_id), payout_sort: self.payout.unwrap_or(-1), updated_at: now }
    }
}

/// What follows from the facts.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = calls)]
struct Derived {
    caller_last7: String,
    payout_sort: i64,
    updated_at: Instant,
}

/// A call that isn't in the database.
#[derive(Clone, Debug)]
pub struct NewCall<'a> {
    pub id: CallId,
    pub source: &'a str,
    pub external_id: &'a str,
    pub facts: Facts<'a>,
    pub has_recording: bool,
    /// The buyer as the source calls it.
    pub buyer_name: &'a str,
    /// The row as the source sent it.
    pub raw: &'a str,
}

impl<'r> NewCall<'r> {
    pub(super) fn of(record: &'r CallRecord, facts: Facts<'r>) -> Self {
        Self {
            id: CallId::generate(),
            source: &record.source,
            external_id: &record.external_id,
            facts,
            has_recording: false,
            buyer_name: &record.buyer,
            raw: &record.raw,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = calls)]
struct Head<'a> {
    id: CallId,
    source: &'a str,
    external_id: &'a str,
    has_recording: bool,
    created_at: Instant,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = call_raws)]
struct AsSent<'a> {
    call_id: CallId,
    raw: &'a str,
    buyer_name: &'a str,
}

/// Inserts calls that are known to be new, their buyers, publishers and campaigns known to be there.
pub(super) fn insert_new(conn: &mut AnyConnection, new: &[NewCall<'_>], now: Instant) -> QueryResult<()> {
    let rows: Vec<_> = new
        .iter()
        .map(|call| {
            let head = Head {
                id: call.id,
                source: call.source,
                external_id: call.external_id,
                has_recording: call.has_recording,
                created_at: now,
            };
            (head, call.facts, call.facts.derived(now))
        })
        .collect();
    insert_all!(conn, calls::table, &rows);
    let as_sent: Vec<_> =
        new.iter().map(|call| AsSent { call_id: call.id, raw: call.raw, buyer_name: call.buyer_name }).collect();
    insert_all!(conn, call_raws::table, &as_sent);
    remember_choices(conn, new.iter().map(|call| &call.facts))
}

/// Keeps what a buyer's filter menus offer in step.
pub(super) fn remember_choices<'f, 'r: 'f>(
    conn: &mut AnyConnection,
    facts: impl Iterator<Item = &'f Facts<'r>> + Clone,
) -> QueryResult<()> {
    let destinations: BTreeSet<(BuyerId, &str)> = facts
        .clone()
        .filter(|facts| !facts.destination.is_empty())
        .map(|facts| (facts.buyer_id, facts.destination))
        .collect();
    let rows: Vec<_> = destinations
        .into_iter()
        .map(|(buyer, to)| (buyer_destinations::buyer_id.eq(buyer), buyer_destinations::destination.eq(to)))
        .collect();
    insert_missing!(conn, buyer_destinations::table, &rows);
    let campaigns: BTreeSet<(BuyerId, CampaignId)> =
        facts.filter_map(|facts| Some((facts.buyer_id, facts.campaign_id?))).collect();
    let rows: Vec<_> = campaigns
        .into_iter()
        .map(|(buyer, campaign)| (buyer_campaigns::buyer_id.eq(buyer), buyer_campaigns::campaign_id.eq(campaign)))
        .collect();
    insert_missing!(conn, buyer_campaigns::table, &rows);
    Ok(())
}

/// Changes a call into what its source says now.
pub(super) fn update(
    conn: &mut AnyConnection,
    id: CallId,
    facts: &Facts<'_>,
    record: &CallRecord,
    now: Instant,
) -> QueryResult<()> {
    diesel::update(calls::table.find(id)).set((facts, facts.derived(now))).execute(conn)?;
    let raw = AsSent { call_id: id, raw: &record.raw, buyer_name: &record.buyer };
    if diesel::update(call_raws::table.find(id)).set(&raw).execute(conn)? == 0 {
        diesel::insert_into(call_raws::table).values(&raw).execute(conn)?;
    }
    Ok(())
}

/// A call as it is in the database.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = calls)]
pub(super) struct StoredCall {
    pub(super) id: CallId,
    external_id: String,
    pub(super) buyer_id: BuyerId,
    publisher_id: Option<PublisherId>,
    campaign_id: Option<CampaignId>,
    started_at: Instant,
    caller_id: String,
    dialed: String,
    destination_number: String,
    destination: String,
    currency: String,
    payout: Option<i64>,
    publisher_payout: Option<i64>,
    duration_s: Option<i32>,
    connected_s: Option<i32>,
    status: CallStatus,
    hangup_by: HangupBy,
    hangup_cause: String,
    is_duplicate: bool,
    recording_url: String,
}

impl StoredCall {
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            buyer_id: self.buyer_id,
            publisher_id: self.publisher_id,
            campaign_id: self.campaign_id,
            started_at: self.started_at,
            caller_id: &self.caller_id,
            dialed: &self.dialed,
            destination_number: &self.destination_number,
            destination: &self.destination,
            currency: &self.currency,
            payout: self.payout,
            publisher_payout: self.publisher_payout,
            duration_s: self.duration_s,
            connected_s: self.connected_s,
            status: self.status,
            hangup_by: self.hangup_by,
            hangup_cause: &self.hangup_cause,
            is_duplicate: self.is_duplicate,
            recording_url: &self.recording_url,
        }
    }
}

/// Those calls of a batch that are there already.
pub(super) struct Existing(HashMap<String, HashMap<String, StoredCall>>);

impl Existing {
    pub(super) fn remove(&mut self, source: &str, external_id: &str) -> Option<StoredCall> {
        self.0.get_mut(source)?.remove(external_id)
    }
}

/// Finds the calls of a batch by source and external id.
pub(super) fn existing(conn: &mut AnyConnection, batch: &[CallRecord]) -> QueryResult<Existing> {
    let mut ids: HashMap<&str, Vec<&str>> = HashMap::new();
    for record in batch {
        ids.entry(&record.source).or_default().push(&record.external_id);
    }
    let mut found: HashMap<String, HashMap<String, StoredCall>> = HashMap::new();
    for (source, ids) in ids {
        let of_source = found.entry(source.to_owned()).or_default();
        for ids in ids.chunks(1_000) {
            let rows: Vec<StoredCall> = calls::table
                .filter(calls::source.eq(source))
                .filter(calls::external_id.eq_any(ids))
                .select(StoredCall::as_select())
                .load(conn)?;
            of_source.extend(rows.into_iter().map(|call| (call.external_id.clone(), call)));
        }
    }
    Ok(Existing(found))
}
