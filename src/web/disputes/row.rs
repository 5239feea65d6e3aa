//! A line of the Disputes table, ready to be written: what a buyer may not see isn't in it.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::presence::Others;
use crate::auth::DisputeViewer;
use crate::db::dispute_list::DisputeLine;
use crate::db::{AnyConnection, DbError, names};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, DisputeId};
use crate::domain::policy::Policy;
use crate::web::filters::{Escaped, Money, Phone, Span, When};
use crate::web::paths;

/// From here on a decision is due soon.
const DUE_SOON: TimeDelta = TimeDelta::days(2);

/// A line of the table.
pub(super) struct Row {
    pub(super) id: Escaped,
    /// Its own address, with the state of the list.
    pub(super) href: Escaped,
    pub(super) status: Status,
    pub(super) called: When,
    pub(super) called_at: Instant,
    pub(super) caller_id: String,
    pub(super) destination: String,
    pub(super) payout: Option<Money>,
    pub(super) reason: String,
    pub(super) recording: Option<String>,
    pub(super) submitted: Option<When>,
    pub(super) submitted_at: Option<Instant>,
    pub(super) manager: Option<ManagerCells>,
}

/// What only managers see of it.
pub(super) struct ManagerCells {
    pub(super) buyer: String,
    pub(super) publisher_payout: Option<Money>,
    /// How long it has been waiting, while it is Pending.
    pub(super) age: Option<Span>,
    pub(super) due: Option<Due>,
    /// Which other managers are on it.
    pub(super) others: Others,
}

/// Until when a Pending dispute is to be decided.
pub(super) struct Due {
    pub(super) when: When,
    pub(super) at: Instant,
    pub(super) is_overdue: bool,
    pub(super) is_soon: bool,
}

impl Row {
    pub(super) fn caller(&self) -> Phone<'_> {
        Phone(&self.caller_id)
    }

    pub(super) fn goal(&self) -> Phone<'_> {
        Phone(&self.destination)
    }

    pub(super) fn buyer(&self) -> &str {
        self.manager.as_ref().map_or("", |cells| cells.buyer.as_str())
    }

    pub(super) fn publisher_payout(&self) -> Option<Money> {
        self.manager.as_ref().and_then(|cells| cells.publisher_payout)
    }

    pub(super) fn age(&self) -> Option<Span> {
        self.manager.as_ref().and_then(|cells| cells.age)
    }

    pub(super) fn others(&self) -> Option<&Others> {
        self.manager.as_ref().map(|cells| &cells.others)
    }

    pub(super) fn due(&self) -> Option<&Due> {
        self.manager.as_ref().and_then(|cells| cells.due.as_ref())
    }
}

/// What lines need to become rows.
pub(super) struct Rows<'a> {
    viewer: &'a DisputeViewer,
    policy: &'a Policy,
    zone: Tz,
    now: Instant,
    query: Escaped,
    buyers: HashMap<BuyerId, String>,
    others: BTreeMap<DisputeId, Others>,
}

impl<'a> Rows<'a> {
    /// Looks up the names that a manager's rows show and that aren't among the choices of its filter.
    pub(super) fn load(
        conn: &mut AnyConnection,
        viewer: &'a DisputeViewer,
        policy: &'a Policy,
        (lines, choices): (&[DisputeLine], &[(BuyerId, String)]),
        (zone, now, query): (Tz, Instant, String),
    ) -> Result<Self, DbError> {
        let query = Escaped::new(&query);
        let mut rows = Self { viewer, policy, zone, now, query, buyers: HashMap::new(), others: BTreeMap::new() };
        if viewer.viewer().is_manager() {
            let shown: Vec<DisputeId> = lines.iter().map(|line| line.id).collect();
            rows.others = Others::of_rows(conn, viewer, &shown, now)?;
            let mut ids: Vec<BuyerId> = lines.iter().map(|line| line.buyer_id).collect();
            ids.sort_unstable();
            ids.dedup();
            let chosen = choices.iter().filter(|(id, _)| ids.binary_search(id).is_ok()).cloned();
            rows.buyers = chosen.collect();
            ids.retain(|id| !rows.buyers.contains_key(id));
            if !ids.is_empty() {
                rows.buyers.extend(names::of_buyers(conn, &ids)?);
            }
        }
        Ok(rows)
    }

    pub(super) fn row(&self, line: DisputeLine) -> Row {
        let when = |at| When::new(at, self.zone, self.now);
        let money = |minor: Option<i64>| minor.map(|minor| Money::new(minor, &line.currency));
        let manager = self.viewer.viewer().is_manager().then(|| ManagerCells {
            buyer: self.buyers.get(&line.buyer_id).cloned().unwrap_or_default(),
            publisher_payout: money(line.publisher_payout),
            others: self.others.get(&line.id).cloned().unwrap_or_default(),
            age: (line.status == Status::Pending).then(|| Span(self.now - line.listed_at)),
            due: (line.status == Status::Pending).then(|| Due {
                when: when(line.due_at),
                at: line.due_at,
                is_overdue: line.due_at <= self.now,
                is_soon: line.due_at > self.now && line.due_at - self.now <= DUE_SOON,
            }),
        });
        let submitted_at = (line.status != Status::Draft).then_some(line.listed_at);
        Row {
            id: Escaped::plain(line.id),
            href: self.query.after(&paths::dispute(line.id)),
            status: line.status,
            called: when(line.call_started_at),
            called_at: line.call_started_at,
            payout: money(line.payout),
            reason: self.policy.reason_label(&line.reason).to_owned(),
            recording: line.has_recording.then(|| paths::recording(line.call_id)),
            submitted: submitted_at.map(when),
            submitted_at,
            caller_id: line.caller_id,
            destination: line.destination,
            manager,
        }
    }
}
