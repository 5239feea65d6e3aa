//! The order of the queue: what is before, at and after the dispute under review, and the addresses that lead there.

use chrono_tz::Tz;

use super::super::state::ListState;
use crate::auth::DisputeViewer;
use crate::db::dispute_list::{self, DisputeFilter, DisputeLine, DisputeSort, Mark};
use crate::db::disputes::{self, DisputeRow};
use crate::db::paging::{Count, Place};
use crate::db::{AnyConnection, names};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::DisputeId;
use crate::domain::policy::Policy;
use crate::web::filters::{Money, Number, Phone};
use crate::web::list_query::Params;
use crate::web::page::Flash;
use crate::web::{AppError, paths};

/// So many disputes are listed before the one under review, and after it.
const BEFORE: i64 = 2;
const AFTER: i64 = 13;

/// The queue as its address asks for it.
pub(super) struct Queue {
    state: ListState,
    /// Filters and order, with the question mark.
    query: String,
    /// The dispute that was decided just now.
    decided: Option<DisputeId>,
    pub(super) items: Vec<Item>,
    /// How many stand before the one under review; `None` where that isn't Pending.
    before: Option<Count>,
    total: Count,
    pub(super) previous: String,
    pub(super) next: String,
}

/// A line of the queue.
pub(super) struct Item {
    pub(super) href: String,
    pub(super) is_current: bool,
    pub(super) status: Status,
    caller_id: String,
    pub(super) payout: Option<Money>,
    credit: Option<Money>,
    pub(super) buyer: String,
    pub(super) reason: String,
}

impl Item {
    pub(super) fn caller(&self) -> Phone<'_> {
        Phone(&self.caller_id)
    }

    pub(super) fn is_done(&self) -> bool {
        self.status != Status::Pending
    }
}

impl Queue {
    /// Reads filters and order; oldest due first where nothing else is said.
    pub(super) fn read(query: &str, viewer: &DisputeViewer, now: Instant) -> Result<Self, AppError> {
        let params = Params::parse(query);
        let state = ListState::queue(&params, viewer.viewer(), now)?;
        Ok(Self {
            query: state.queue_query(viewer.viewer().profile().zone),
            decided: params.parsed("done", "a dispute's id")?,
            state,
            items: Vec::new(),
            before: None,
            total: Count::up_to_cap(0),
            previous: String::new(),
            next: String::new(),
        })
    }

    pub(super) fn zone(&self) -> Tz {
        self.state.zone()
    }

    /// The address of a dispute in this queue.
    pub(super) fn at(&self, id: DisputeId) -> String {
        format!("{}{}", paths::review_case(id), self.query)
    }

    /// The list with the same filters.
    pub(super) fn list(&self) -> String {
        self.state.link().without("columns").without("per_page").without("sort").without("tz").to_string()
    }

    fn page(
        &self,
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        place: Place<Mark>,
        rows: i64,
    ) -> Result<Vec<DisputeLine>, AppError> {
        let sort = self.state.listing.sort;
        Ok(dispute_list::page(conn, viewer.scope(), &self.state.filter, sort, (place, rows))?.rows)
    }

    /// Where the queue begins: at its first dispute, or after the one that the address names.
    pub(super) fn first(
        &self,
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
    ) -> Result<Option<DisputeId>, AppError> {
        for place in [self.state.listing.place, Place::First] {
            if let Some(row) = self.page(conn, viewer, place, 1)?.first() {
                return Ok(Some(row.id));
            }
        }
        Ok(None)
    }

    /// The Pending dispute that comes after this one; after the last, the first that was left.
    pub(super) fn after(
        &self,
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        id: DisputeId,
    ) -> Result<Option<DisputeId>, AppError> {
        for (place, rows) in [(Place::After(id.into()), 1), (Place::First, 2)] {
            if let Some(row) = self.page(conn, viewer, place, rows)?.iter().find(|row| row.id != id) {
                return Ok(Some(row.id));
            }
        }
        Ok(None)
    }

    /// The address to go to after a decision, which it tells of.
    pub(super) fn onward(&self, next: Option<DisputeId>, decided: DisputeId) -> String {
        let address = next.map_or_else(|| format!("{}{}", paths::review(), self.query), |next| self.at(next));
        format!("{address}{}done={decided}", if self.query.is_empty() { '?' } else { '&' })
    }

    /// Reads what stands around a dispute of the queue.
    pub(super) fn fill(
        &mut self,
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        policy: &Policy,
        current: Option<&DisputeRow>,
    ) -> Result<(), AppError> {
        self.total = dispute_list::count(conn, viewer.scope(), &self.state.filter)?;
        let mut lines = Vec::new();
        if let Some(id) = self.decided.filter(|id| current.is_none_or(|row| row.id != *id)) {
            lines.extend(disputes::find(conn, viewer.scope(), id)?.filter(|row| row.status.is_decided()).map(line));
        }
        self.decided = lines.first().map(|line| line.id);
        if let Some(row) = current {
            let earlier = self.page(conn, viewer, Place::Before(row.id.into()), BEFORE)?;
            let later = self.page(conn, viewer, Place::After(row.id.into()), AFTER)?;
            let beside = |line: Option<&DisputeLine>| line.map(|line| self.at(line.id)).unwrap_or_default();
            let (previous, next) = (beside(earlier.last()), beside(later.first()));
            (self.previous, self.next) = (previous, next);
            if self.next.is_empty() {
                self.next = self.after(conn, viewer, row.id)?.map(|id| self.at(id)).unwrap_or_default();
            }
            lines.extend(earlier);
            lines.push(line(row.clone()));
            lines.extend(later);
            if row.status == Status::Pending {
                let sort = self.state.listing.sort;
                self.before = Some(dispute_list::before(conn, viewer.scope(), &self.state.filter, sort, row.id)?);
            }
        }
        let mut buyers: Vec<_> = lines.iter().map(|line| line.buyer_id).collect();
        buyers.sort_unstable();
        buyers.dedup();
        let names = names::of_buyers(conn, &buyers)?;
        self.items = lines
            .into_iter()
            .map(|line| Item {
                href: self.at(line.id),
                is_current: current.is_some_and(|row| row.id == line.id),
                status: line.status,
                payout: line.payout.map(|minor| Money::new(minor, &line.currency)),
                credit: line.credit.map(|minor| Money::new(minor, &line.currency)),
                buyer: names.get(&line.buyer_id).cloned().unwrap_or_default(),
                reason: policy.reason_label(&line.reason).to_owned(),
                caller_id: line.caller_id,
            })
            .collect();
        Ok(())
    }

    /// `3 of 47 Pending`.
    pub(super) fn progress(&self) -> String {
        let more = if self.total.is_more() { "+" } else { "" };
        let total = Number(self.total.shown().unsigned_abs());
        match self.position() {
            Some(position) => {
                let beyond = if self.before.is_some_and(Count::is_more) { "+" } else { "" };
                format!("{}{beyond} of {total}{more} Pending", Number(position.unsigned_abs()))
            }
            None => format!("{total}{more} Pending"),
        }
    }

    /// The place of the dispute under review, from 1.
    pub(super) fn position(&self) -> Option<i64> {
        self.before.map(|before| before.shown().saturating_add(1))
    }

    pub(super) fn most(&self) -> i64 {
        self.total.shown().max(self.position().unwrap_or(1))
    }

    /// `oldest due first`.
    pub(super) fn order(&self) -> String {
        let sort = self.state.listing.sort;
        match (sort.key, sort.is_descending) {
            (DisputeSort::Due, false) => "oldest due first".to_owned(),
            (DisputeSort::Submitted, true) => "newest first".to_owned(),
            (DisputeSort::Submitted, false) => "oldest first".to_owned(),
            (key, false) => format!("by {}", key.label()),
            (key, true) => format!("by {}, largest or latest first", key.label()),
        }
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.state.filter != DisputeFilter { statuses: vec![Status::Pending], ..DisputeFilter::default() }
    }

    /// What was done just now, of the dispute it was done to.
    pub(super) fn told(&self, flash: Option<Flash>) -> Option<Flash> {
        let flash = flash?;
        let (Some(id), Some(item)) = (self.decided, self.items.first()) else { return Some(flash) };
        let credit = item.credit.filter(|credit| credit.minor > 0);
        let credit = credit.map(|credit| format!(", {credit} credited")).unwrap_or_default();
        let text = format!("{}: {}, {}{credit}. The buyer is told.", item.status.label(), item.caller(), item.buyer);
        Some(Flash::done(text).with_link(paths::dispute(id), "Show Details"))
    }
}

fn line(row: DisputeRow) -> DisputeLine {
    DisputeLine {
        id: row.id,
        call_id: row.call_id,
        buyer_id: row.buyer_id,
        status: row.status,
        reason: row.reason,
        call_started_at: row.call_started_at,
        caller_id: row.caller_id,
        destination: row.destination,
        currency: row.currency,
        payout: row.payout,
        publisher_payout: row.publisher_payout,
        has_recording: row.has_recording,
        listed_at: row.listed_at,
        due_at: row.due_at,
        credit: row.credit,
    }
}
