//! The history of a dispute as its reader may know it: an allow-list over the audit log.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde_json::Value;

use crate::auth::Viewer;
use crate::db::audit::AuditRow;
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, UserId};
use crate::web::filters::{Money, When};

/// One line of the history.
pub(super) struct Event {
    pub(super) icon: &'static str,
    /// A colour: `ok`, `warn`, `bad`, or none.
    pub(super) tone: &'static str,
    pub(super) who: String,
    pub(super) what: String,
    /// The decision's note, or why it was reopened.
    pub(super) note: String,
    pub(super) when: When,
}

/// What is needed to tell who did something without telling too much.
pub(super) struct Reader<'a> {
    pub(super) viewer: &'a Viewer,
    pub(super) platform: &'a str,
    pub(super) companies: &'a HashMap<UserId, Option<BuyerId>>,
    pub(super) zone: Tz,
    pub(super) now: Instant,
}

/// Whether a buyer may know that this happened to its dispute.
pub(in crate::web) fn is_told_to_buyers(action: &str) -> bool {
    matches!(
        action,
        "dispute.draft_saved"
            | "dispute.draft_changed"
            | "dispute.sent"
            | "dispute.withdrawn"
            | "dispute.decided"
            | "dispute.reopened"
            | "dispute.facts_added"
            | "evidence.added"
            | "message.written"
    )
}

/// The lines of this reader, newest first. A Draft was the buyer's alone, and so is its history.
pub(super) fn events(rows: &[AuditRow], reader: &Reader<'_>) -> Vec<Event> {
    let is_sent = |row: &AuditRow| row.action == "dispute.sent";
    let first = if reader.viewer.is_manager() { rows.iter().position(is_sent).unwrap_or(rows.len()) } else { 0 };
    rows.iter().skip(first).rev().filter_map(|row| event(row, reader)).collect()
}

fn event(row: &AuditRow, reader: &Reader<'_>) -> Option<Event> {
    let is_buyer = !reader.viewer.is_manager();
    if is_buyer && !is_told_to_buyers(&row.action) {
        return None;
    }
    let new: Value = serde_json::from_str(&row.new_values).unwrap_or_default();
    let text = |name: &str| new.get(name).and_then(Value::as_str).unwrap_or_default();
    let (icon, tone, what, note) = match row.action.as_str() {
        "dispute.draft_saved" => ("s-draft", "", "saved a draft".to_owned(), ""),
        "dispute.draft_changed" => ("s-draft", "", "changed the draft".to_owned(), ""),
        "dispute.sent" => ("s-pending", "warn", "sent the dispute".to_owned(), ""),
        "dispute.withdrawn" => ("s-withdrawn", "", "withdrew the dispute".to_owned(), ""),
        "dispute.decided" => {
            let status = Status::from_code(text("status"))?;
            let (icon, tone) = match status {
                Status::Accepted => ("s-accepted", "ok"),
                Status::AcceptedPartial => ("s-partial", "ok"),
                _ => ("s-rejected", "bad"),
            };
            (icon, tone, decided(status, &new, is_buyer), text("note"))
        }
        "dispute.reopened" => {
            ("s-pending", "warn", "reopened the dispute".to_owned(), if is_buyer { "" } else { text("reason") })
        }
        "dispute.assigned" => ("eye", "", "changed who works on it".to_owned(), ""),
        "dispute.facts_added" => ("plus", "", "added facts".to_owned(), ""),
        "call.updated" => ("calls", "warn", "changed the call, not the dispute".to_owned(), ""),
        "recording.attached" => ("audio", "", "added the recording".to_owned(), ""),
        "recording.replaced" => ("audio", "warn", "replaced the recording".to_owned(), ""),
        "evidence.added" => ("clip", "", format!("added {}", text("name")), ""),
        "message.written" => ("message", "", "wrote a message".to_owned(), ""),
        "note.written" => ("note", "", "wrote an internal note".to_owned(), ""),
        _ => return None,
    };
    let when = When::new(row.at, reader.zone, reader.now);
    Some(Event { icon, tone, who: reader.name(row), what, note: note.to_owned(), when })
}

fn decided(status: Status, new: &Value, is_buyer: bool) -> String {
    let currency = new.get("currency").and_then(Value::as_str).unwrap_or_default();
    let amount = |name: &str| new.get(name).and_then(Value::as_i64).map(|minor| Money::new(minor, currency));
    let mut said = format!("decided: {}", status.label());
    if let Some(credit) = amount("credit").filter(|_| status != Status::Rejected) {
        said = format!("{said}, {credit} credit");
    }
    if let Some(clawback) = amount("clawback").filter(|clawback| !is_buyer && clawback.minor > 0) {
        said = format!("{said}, {clawback} clawback");
    }
    said
}

impl Reader<'_> {
    /// A buyer reads the names of its own people; everybody else is the platform.
    fn name(&self, row: &AuditRow) -> String {
        let company = row.actor_id.and_then(|user| self.companies.get(&user).copied()).flatten();
        match self.viewer {
            Viewer::Buyer(buyer) if company != Some(buyer.account()) => self.platform.to_owned(),
            _ => row.actor_name.clone(),
        }
    }
}
