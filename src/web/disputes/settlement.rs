//! What follows from a dispute in money: the form that decides it, the decision as read, the ledger, and what changed at the call.

use chrono_tz::Tz;

use crate::auth::{DisputeViewer, EditDisputes, Granted, ViewDisputes};
use crate::db::disputes::DisputeRow;
use crate::db::{AnyConnection, adjustments, names, sending, transitions};
use crate::domain::Instant;
use crate::domain::dispute::{Status, full_time};
use crate::domain::policy::Policy;
use crate::web::AppError;
use crate::web::filters::{Money, When};

/// Everything about the money of one dispute that its viewer may know.
pub(super) struct Settlement {
    pub(super) decided: Option<Decided>,
    pub(super) deciding: Option<Deciding>,
    /// Whoever filed it on the buyer's behalf is told why there is no form.
    pub(super) is_own_filing: bool,
    pub(super) may_reopen: bool,
    pub(super) ledger: Option<Ledger>,
    pub(super) differences: Vec<Difference>,
}

/// The form by which a Pending dispute is decided.
pub(super) struct Deciding {
    pub(super) version: i32,
    pub(super) payout: Money,
    pub(super) publisher_payout: Option<Money>,
}

impl Deciding {
    /// The most that can be taken back from the publisher; nothing where its payout is unknown or negative.
    pub(super) fn most_clawback(&self) -> Option<Money> {
        self.publisher_payout.filter(|amount| amount.minor > 0)
    }
}

/// A decision, and what it means.
pub(super) struct Decided {
    pub(super) sum: String,
    pub(super) sentence: String,
    pub(super) note: String,
    pub(super) by: String,
    pub(super) at: Option<When>,
    pub(super) clawback: Option<Money>,
}

/// The rows that moved money for this dispute. Managers only.
pub(super) struct Ledger {
    pub(super) rows: Vec<LedgerRow>,
    pub(super) net: Amounts,
    pub(super) net_of_call: Amounts,
}

/// A row of the ledger.
pub(super) struct LedgerRow {
    pub(super) when: When,
    pub(super) what: &'static str,
    pub(super) by: String,
    pub(super) amounts: Amounts,
}

/// A credit and a clawback.
#[derive(Clone, Copy)]
pub(super) struct Amounts {
    pub(super) credit: Money,
    pub(super) clawback: Money,
}

/// What a later import changed at the call: as sent, and as it is now.
pub(super) struct Difference {
    pub(super) what: &'static str,
    pub(super) sent: String,
    pub(super) now: String,
}

impl Settlement {
    pub(super) fn load(
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        policy: &Policy,
        row: &DisputeRow,
        (zone, now): (Tz, Instant),
    ) -> Result<Self, AppError> {
        let may_edit = Granted::<EditDisputes>::check(viewer.viewer()).is_some();
        let is_own_filing = may_edit && row.filed_by_manager == Some(viewer.viewer().user());
        let money = |minor: i64| Money::new(minor, &row.currency);
        let is_open = may_edit && !is_own_filing && row.status == Status::Pending;
        let deciding = row.payout.filter(|_| is_open).map(|payout| Deciding {
            version: row.version,
            payout: money(payout),
            publisher_payout: row.publisher_payout.map(money),
        });
        let (ledger, differences) = match Granted::<ViewDisputes>::check(viewer.viewer()) {
            Some(manager) => (ledger(conn, &manager, row, (zone, now))?, differences(conn, row)?),
            None => (None, Vec::new()),
        };
        Ok(Self {
            decided: decided(conn, viewer, policy, row, (zone, now))?,
            deciding,
            is_own_filing: is_own_filing && row.status == Status::Pending,
            may_reopen: may_edit && row.status.is_decided(),
            ledger,
            differences,
        })
    }
}

fn ledger(
    conn: &mut AnyConnection,
    manager: &Granted<ViewDisputes>,
    row: &DisputeRow,
    (zone, now): (Tz, Instant),
) -> Result<Option<Ledger>, AppError> {
    let found = adjustments::told(conn, manager, row.id)?;
    if found.is_empty() {
        return Ok(None);
    }
    let amounts = |credit: i64, clawback: i64| Amounts {
        credit: Money::new(credit, &row.currency),
        clawback: Money::new(clawback, &row.currency),
    };
    let sum = |of: fn(&adjustments::AdjustmentRow) -> i64| {
        found.iter().fold(0_i64, |sum, (line, _)| sum.saturating_add(of(line)))
    };
    let net = amounts(sum(|line| line.credit), sum(|line| line.clawback));
    let (credit, clawback) = adjustments::net_of_call(conn, manager, row.call_id)?;
    let rows = found.into_iter().map(|(line, by)| LedgerRow {
        when: When::new(line.created_at, zone, now),
        what: if line.reverses_id.is_some() { "Reversal" } else { "Decision" },
        by,
        amounts: amounts(line.credit, line.clawback),
    });
    Ok(Some(Ledger { rows: rows.collect(), net, net_of_call: amounts(credit, clawback) }))
}

fn differences(conn: &mut AnyConnection, row: &DisputeRow) -> Result<Vec<Difference>, AppError> {
    let Some(call) = transitions::difference(conn, row)? else { return Ok(Vec::new()) };
    let money = |minor: Option<i64>| {
        minor.map_or_else(|| "unknown".to_owned(), |minor| Money::new(minor, &row.currency).to_string())
    };
    let all = [
        Difference { what: "Payout", sent: money(row.payout), now: money(call.payout) },
        Difference { what: "Publisher payout", sent: money(row.publisher_payout), now: money(call.publisher_payout) },
        Difference { what: "Status", sent: row.call_status.label().to_owned(), now: call.status.label().to_owned() },
    ];
    Ok(all.into_iter().filter(|line| line.sent != line.now).collect())
}

/// The decision with a sentence that says what it means in money.
fn decided(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    policy: &Policy,
    row: &DisputeRow,
    (zone, now): (Tz, Instant),
) -> Result<Option<Decided>, AppError> {
    if !row.status.is_decided() {
        return Ok(None);
    }
    let is_manager = viewer.viewer().is_manager();
    let money = |minor: i64| Money::new(minor, &row.currency);
    let (credit, payout) = (money(row.credit.unwrap_or_default()), money(row.payout.unwrap_or_default()));
    let (sum, mut sentence) = match row.status {
        Status::Accepted => {
            (format!("{credit} credit"), format!("Accepted: the whole payout of {payout} is credited."))
        }
        Status::AcceptedPartial => (
            format!("{credit} of {payout} credit"),
            format!("Accepted in part: {credit} of the payout of {payout} is credited."),
        ),
        _ => ("No credit".to_owned(), format!("Rejected: nothing is credited, the payout of {payout} stays.")),
    };
    if row.status == Status::Rejected && !is_manager {
        let window = sending::window_of(conn, policy, row.buyer_id, row.call_started_at)?;
        if window.is_open(now) {
            let until = full_time(window.closes_at(), zone);
            sentence = format!("{sentence} You may dispute the call again until {until}.");
        }
    }
    let by = match row.decided_by.filter(|_| is_manager) {
        Some(user) => names::of_user(conn, user)?.unwrap_or_default(),
        None => policy.platform_name.clone(),
    };
    Ok(Some(Decided {
        sum,
        sentence,
        note: row.decision_note.clone(),
        by,
        at: row.decided_at.map(|at| When::new(at, zone, now)),
        clawback: row.clawback.filter(|_| is_manager).map(money),
    }))
}
