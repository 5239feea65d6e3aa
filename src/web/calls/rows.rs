//! The lines of the Call Log as a viewer sees them: names, the state of disputes and what can be done.

use std::collections::HashMap;

use super::columns::CallColumn;
use crate::auth::{DisputeCalls, Granted, Viewer};
use crate::db::buyers::BuyerRow;
use crate::db::call_list::{self, CallLine};
use crate::db::{AnyConnection, DbError, buyers, call_names};
use crate::domain::Instant;
use crate::domain::call::DisputeWindow;
use crate::domain::dispute::{Disputability, Refusal, Status};
use crate::domain::ids::{BuyerId, CallId, DisputeId};
use crate::domain::policy::Policy;
use crate::web::filters::{Duration, Money, Phone, When};
use chrono::TimeDelta;
use chrono_tz::Tz;

/// A line of the Call Log, ready to be shown.
#[derive(Clone, Debug)]
pub struct CallRowView {
    pub line: CallLine,
    pub when: When,
    /// Managers only.
    pub buyer: Option<String>,
    pub campaign: Option<String>,
    /// Managers only.
    pub publisher: Option<String>,
    /// `None` for those who may not see disputes.
    pub dispute: Option<DisputeFacts>,
    /// What is left of the dispute window, or why the call can't be disputed.
    pub window: Result<TimeLeft, Refusal>,
    pub action: RowAction,
}

/// What the Dispute column says.
#[derive(Clone, Copy, Debug)]
pub enum DisputeFacts {
    /// The active dispute, or the newest.
    Has { id: DisputeId, status: Status },
    /// The window is open and nothing stands against a dispute.
    Left(TimeLeft),
    /// Why the call can't be disputed.
    Refused(Refusal),
}

/// What is left of a dispute window.
#[derive(Clone, Copy, Debug)]
pub struct TimeLeft {
    pub closes: When,
    pub percent: i64,
    /// Less than two days.
    pub is_soon: bool,
}

/// What the row offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAction {
    Nothing,
    DisputeCall,
    ContinueDraft(DisputeId),
    ShowDetails(DisputeId),
}

impl CallRowView {
    /// The Caller ID as it is read.
    #[must_use]
    pub fn caller(&self) -> Phone<'_> {
        Phone(&self.line.caller_id)
    }

    /// Whether there is no number to copy.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.line.caller_id.is_empty() || self.line.caller_id.eq_ignore_ascii_case("anonymous")
    }

    /// The destination as it is read.
    #[must_use]
    pub fn destination(&self) -> Phone<'_> {
        Phone(&self.line.destination)
    }

    /// Name and number of the destination.
    #[must_use]
    pub fn whole_destination(&self) -> String {
        let (name, number) = (&self.line.destination, &self.line.destination_number);
        if number.is_empty() || name == number {
            return Phone(name).to_string();
        }
        format!("{name}, {}", Phone(number))
    }

    #[must_use]
    pub fn payout(&self) -> Option<Money> {
        self.line.payout.map(|minor| Money::new(minor, &self.line.currency))
    }

    /// Managers only.
    #[must_use]
    pub fn publisher_payout(&self) -> Option<Money> {
        self.line.publisher_payout.map(|minor| Money::new(minor, &self.line.currency))
    }

    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.line.duration_s.map(|seconds| Duration(i64::from(seconds)))
    }

    /// Whether the dispute window has closed on a call that nobody disputed.
    #[must_use]
    pub fn is_past(&self) -> bool {
        matches!(&self.dispute, Some(DisputeFacts::Refused(Refusal::WindowClosed(_))))
    }
}

/// What every line of a page is looked at with; loaded once.
#[derive(Clone, Debug)]
pub struct RowContext {
    pub policy: Policy,
    pub now: Instant,
    pub zone: Tz,
}

impl RowContext {
    /// The time left or why not, for a call without a dispute in the way.
    pub fn verdict(&self, call: &Disputability) -> Result<TimeLeft, Refusal> {
        if let Some(refusal) = call.refusal(&self.policy, self.now) {
            return Err(refusal);
        }
        let closes_at = call.window.closes_at();
        Ok(TimeLeft {
            closes: When::new(closes_at, self.zone, self.now),
            percent: call.window.percent_left(self.now),
            is_soon: closes_at - self.now < TimeDelta::hours(48),
        })
    }

    /// The window of a call of this buyer.
    #[must_use]
    pub fn window(&self, started_at: Instant, buyer: Option<&BuyerRow>) -> DisputeWindow {
        let own = buyer.and_then(|buyer| buyer.dispute_window_days);
        DisputeWindow::of(started_at, own.unwrap_or(self.policy.dispute_window_days))
    }
}

/// The buyers of some lines: for a buyer's user its own alone.
pub fn buyers_of(
    conn: &mut AnyConnection,
    viewer: &Viewer,
    lines: &[CallLine],
) -> Result<HashMap<BuyerId, BuyerRow>, DbError> {
    match viewer {
        Viewer::Buyer(buyer) => Ok(buyers::find(conn, buyer.account())?.map(|row| (row.id, row)).into_iter().collect()),
        Viewer::Manager(_) => Ok(call_names::buyers(conn, lines.iter().map(|line| line.buyer_id))?),
    }
}

/// Dresses the lines of a page: one query for each kind of name, one for the disputes.
pub fn load(
    conn: &mut AnyConnection,
    viewer: &Viewer,
    lines: Vec<CallLine>,
    context: &RowContext,
) -> Result<Vec<CallRowView>, DbError> {
    let buyers = buyers_of(conn, viewer, &lines)?;
    let campaigns = call_names::campaigns(conn, lines.iter().filter_map(|line| line.campaign_id))?;
    let publishers = match viewer {
        Viewer::Manager(manager) => {
            call_names::publishers(conn, manager, lines.iter().filter_map(|line| line.publisher_id))?
        }
        Viewer::Buyer(_) => HashMap::new(),
    };
    let disputes: Option<HashMap<CallId, (DisputeId, Status)>> = match viewer.dispute_viewer() {
        Some(viewer) => {
            let ids: Vec<CallId> = lines.iter().map(|line| line.id).collect();
            let found = call_list::disputes_of(conn, viewer.scope(), &ids)?;
            Some(found.into_iter().map(|(call, id, status)| (call, (id, status))).collect())
        }
        None => None,
    };
    let may_dispute = Granted::<DisputeCalls>::check(viewer).is_some();
    let is_manager = viewer.is_manager();
    let row = |mut line: CallLine| {
        let buyer = buyers.get(&line.buyer_id);
        let window = context.window(line.started_at, buyer);
        let found = disputes.as_ref().map(|disputes| disputes.get(&line.id).copied());
        let active = found.flatten().map(|(_, status)| status).filter(|status| status.is_active());
        let verdict = context.verdict(&Disputability { status: line.status, window, payout: line.payout, active });
        let (dispute, action) = match found {
            Some(found) => dispute_of(found, verdict, (may_dispute, is_manager)),
            None => (None, RowAction::Nothing),
        };
        if !is_manager {
            // Nothing a buyer's page is made of holds what the platform pays.
            line.publisher_payout = None;
            line.publisher_id = None;
            line.recording_url.clear();
        }
        CallRowView {
            when: When::new(line.started_at, context.zone, context.now),
            buyer: buyer.filter(|_| is_manager).map(|buyer| buyer.name.clone()),
            campaign: line.campaign_id.and_then(|id| campaigns.get(&id).cloned()),
            publisher: line.publisher_id.and_then(|id| publishers.get(&id).cloned()),
            dispute,
            window: verdict,
            action,
            line,
        }
    };
    Ok(lines.into_iter().map(row).collect())
}

fn dispute_of(
    found: Option<(DisputeId, Status)>,
    verdict: Result<TimeLeft, Refusal>,
    (may_dispute, is_manager): (bool, bool),
) -> (Option<DisputeFacts>, RowAction) {
    let action = match (found, &verdict) {
        (Some((id, Status::Draft)), _) => RowAction::ContinueDraft(id),
        (_, Ok(_)) if may_dispute => RowAction::DisputeCall,
        // A manager's table is wide, and the badge leads there too.
        (Some((id, _)), _) if !is_manager => RowAction::ShowDetails(id),
        _ => RowAction::Nothing,
    };
    let facts = match (found, verdict) {
        (Some((id, status)), _) => DisputeFacts::Has { id, status },
        (None, Ok(left)) => DisputeFacts::Left(left),
        (None, Err(refusal)) => DisputeFacts::Refused(refusal),
    };
    (Some(facts), action)
}

/// The cell of a column as an export writes it.
pub(super) fn exported(row: &CallRowView, column: CallColumn, zone: Tz) -> crate::web::csv::Cell {
    use crate::domain::money;
    use crate::web::csv::Cell;
    use chrono::TimeZone;

    let amount = |minor: Option<i64>| {
        let plain = minor.zip(money::Currency::from_code(&row.line.currency));
        Cell::number(plain.map(|(minor, currency)| money::Money::new(minor, currency).plain()))
    };
    match column {
        CallColumn::CallDate => Cell::plain(zone.from_utc_datetime(&row.line.started_at).to_rfc3339()),
        CallColumn::Buyer => Cell::text(row.buyer.as_deref().unwrap_or_default()),
        CallColumn::CallerId => Cell::text(&row.line.caller_id),
        CallColumn::Destination => Cell::text(&row.line.destination),
        CallColumn::Campaign => Cell::text(row.campaign.as_deref().unwrap_or_default()),
        CallColumn::Publisher => Cell::text(row.publisher.as_deref().unwrap_or_default()),
        CallColumn::Payout => amount(row.line.payout),
        CallColumn::PublisherPayout => amount(row.line.publisher_payout),
        // With hours, or a spreadsheet takes the minutes for them.
        CallColumn::Duration => Cell::number(
            row.line
                .duration_s
                .map(|seconds| format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)),
        ),
        CallColumn::Status => Cell::text(row.line.status.label()),
        CallColumn::HangUp => Cell::text(row.line.hangup_by.label()),
        CallColumn::Recording => Cell::text(if row.line.has_recording { "yes" } else { "" }),
        CallColumn::Dispute => Cell::text(&match &row.dispute {
            Some(DisputeFacts::Has { status, .. }) => status.label().to_owned(),
            Some(DisputeFacts::Left(left)) => format!("Window closes {}", left.closes.full()),
            Some(DisputeFacts::Refused(refusal)) => refusal.short().to_owned(),
            None => String::new(),
        }),
    }
}
