//! Calls as programs read them, for one viewer: what a buyer may not know is left out.

use serde::Serialize;
use utoipa::ToSchema;

use super::schema::{Money, Time};
use crate::auth::Viewer;
use crate::db::calls::CallRow;
use crate::db::{AnyConnection, DbError, call_names, policy};
use crate::domain::call::{CallStatus, DisputeState, HangupBy};

/// A phone call as its source reported it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Call {
    pub(super) id: String,
    /// Always `call`.
    object: &'static str,
    livemode: bool,
    source: String,
    external_id: String,
    buyer_id: String,
    campaign: Option<String>,
    started_at: Time,
    caller_id: String,
    destination_number: String,
    destination: String,
    /// What the buyer pays; null where unknown.
    payout: Option<Money>,
    duration_s: Option<i32>,
    connected_s: Option<i32>,
    status: CallStatus,
    hangup_by: HangupBy,
    hangup_cause: String,
    is_duplicate: bool,
    has_recording: bool,
    /// For those who may see disputes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    dispute_state: Option<DisputeState>,
    /// For managers alone: the number that was dialed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    dialed: Option<String>,
    /// For managers alone, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    publisher: Option<String>,
    /// For managers alone, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    publisher_payout: Option<Money>,
    /// For managers alone: where the source keeps the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recording_url: Option<String>,
}

/// The calls of some rows the viewer has found, in their order: one query a kind, never one a row.
pub(super) fn calls(conn: &mut AnyConnection, viewer: &Viewer, rows: Vec<CallRow>) -> Result<Vec<Call>, DbError> {
    let policy = policy::load(conn)?;
    let campaigns = call_names::campaigns(conn, rows.iter().filter_map(|row| row.campaign_id))?;
    let publishers = match viewer {
        Viewer::Manager(manager) => {
            Some(call_names::publishers(conn, manager, rows.iter().filter_map(|row| row.publisher_id))?)
        }
        Viewer::Buyer(_) => None,
    };
    let sees_disputes = viewer.dispute_viewer().is_some();
    let call = |row: CallRow| {
        let money = |amount: Option<i64>| amount.map(|amount| Money::new(amount, &row.currency));
        let publisher = publishers.as_ref().and_then(|names| names.get(&row.publisher_id?)).cloned();
        let is_manager = publishers.is_some();
        Call {
            id: row.id.to_string(),
            object: "call",
            livemode: policy.is_live,
            payout: money(row.payout),
            publisher_payout: money(row.publisher_payout.filter(|_| is_manager)),
            publisher,
            source: row.source,
            external_id: row.external_id,
            buyer_id: row.buyer_id.to_string(),
            campaign: row.campaign_id.and_then(|id| campaigns.get(&id)).cloned(),
            started_at: Time(row.started_at),
            caller_id: row.caller_id,
            destination_number: row.destination_number,
            destination: row.destination,
            duration_s: row.duration_s,
            connected_s: row.connected_s,
            status: row.status,
            hangup_by: row.hangup_by,
            hangup_cause: row.hangup_cause,
            is_duplicate: row.is_duplicate,
            has_recording: row.has_recording,
            dispute_state: sees_disputes.then_some(row.dispute_state),
            dialed: is_manager.then_some(row.dialed),
            recording_url: is_manager.then_some(row.recording_url),
        }
    };
    Ok(rows.into_iter().map(call).collect())
}
