//! What stands beside the dispute under review: the caller's history, and how often this buyer disputes.

use std::collections::HashMap;

use chrono_tz::Tz;

use crate::auth::{Granted, ViewDisputes};
use crate::db::disputes::DisputeRow;
use crate::db::history::{self, DAYS, Earlier, EarlierCall, EarlierDispute, MOST_CALLS, Rate};
use crate::db::{AnyConnection, call_names, names};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::{BuyerId, CampaignId, DisputeId};
use crate::domain::policy::Policy;
use crate::web::filters::{Duration, Money, Number, When};
use crate::web::{AppError, paths};

/// Everything of it.
pub(super) struct Background {
    /// `None` where the number doesn't say who called.
    pub(super) caller: Option<Caller>,
    pub(super) rates: Vec<RateView>,
}

/// What the caller did before.
pub(super) struct Caller {
    pub(super) calls: Vec<CallLine>,
    pub(super) has_more_calls: bool,
    pub(super) disputes: Vec<DisputeLine>,
    pub(super) has_more_disputes: bool,
}

/// An earlier call to this buyer or campaign.
pub(super) struct CallLine {
    pub(super) href: String,
    pub(super) when: When,
    pub(super) campaign: String,
    pub(super) buyer: String,
    pub(super) payout: Option<Money>,
    pub(super) duration: Option<Duration>,
    pub(super) status: &'static str,
    pub(super) is_converted: bool,
    pub(super) dispute: Option<(DisputeId, Status)>,
}

/// An earlier dispute on the same caller.
pub(super) struct DisputeLine {
    pub(super) href: String,
    pub(super) when: When,
    pub(super) buyer: String,
    pub(super) reason: String,
    pub(super) payout: Option<Money>,
    pub(super) credit: Option<Money>,
    pub(super) status: Status,
}

/// How often calls are disputed, by one buyer or by all.
pub(in crate::web::disputes) struct RateView {
    pub(in crate::web::disputes) title: String,
    pub(in crate::web::disputes) disputes: String,
    pub(in crate::web::disputes) accepted: String,
}

impl Background {
    pub(super) fn load(
        conn: &mut AnyConnection,
        manager: &Granted<ViewDisputes>,
        policy: &Policy,
        row: &DisputeRow,
        (zone, now): (Tz, Instant),
    ) -> Result<Self, AppError> {
        let buyer = history::rate(conn, manager, Some(row.buyer_id), now)?;
        let all = history::rate(conn, manager, None, now)?;
        let earlier = history::of_caller(conn, manager, row)?;
        let mut buyers: Vec<BuyerId> = vec![row.buyer_id];
        let mut campaigns: Vec<CampaignId> = Vec::new();
        if let Some(earlier) = &earlier {
            buyers.extend(earlier.calls.iter().map(|(call, _)| call.buyer_id));
            buyers.extend(earlier.disputes.iter().map(|dispute| dispute.buyer_id));
            campaigns.extend(earlier.calls.iter().filter_map(|(call, _)| call.campaign_id));
        }
        buyers.sort_unstable();
        buyers.dedup();
        let known = Known {
            buyers: names::of_buyers(conn, &buyers)?,
            campaigns: call_names::campaigns(conn, campaigns)?,
            policy,
            zone,
            now,
        };
        let rates = vec![known.rate(&known.buyer(row.buyer_id), &buyer), known.rate("All buyers", &all)];
        Ok(Self { caller: earlier.map(|earlier| known.caller(earlier)), rates })
    }
}

struct Known<'a> {
    buyers: HashMap<BuyerId, String>,
    campaigns: HashMap<CampaignId, String>,
    policy: &'a Policy,
    zone: Tz,
    now: Instant,
}

impl Known<'_> {
    fn buyer(&self, id: BuyerId) -> String {
        self.buyers.get(&id).cloned().unwrap_or_default()
    }

    fn when(&self, at: Instant) -> When {
        When::new(at, self.zone, self.now)
    }

    fn caller(&self, earlier: Earlier) -> Caller {
        Caller {
            calls: earlier.calls.into_iter().map(|(call, dispute)| self.call(&call, dispute)).collect(),
            has_more_calls: earlier.has_more_calls,
            disputes: earlier.disputes.iter().map(|dispute| self.dispute(dispute)).collect(),
            has_more_disputes: earlier.has_more_disputes,
        }
    }

    fn call(&self, call: &EarlierCall, dispute: Option<(DisputeId, Status)>) -> CallLine {
        CallLine {
            href: paths::call(call.id),
            when: self.when(call.started_at),
            campaign: call.campaign_id.and_then(|id| self.campaigns.get(&id).cloned()).unwrap_or_default(),
            buyer: self.buyer(call.buyer_id),
            payout: call.payout.map(|minor| Money::new(minor, &call.currency)),
            duration: call.duration_s.map(|seconds| Duration(i64::from(seconds))),
            status: call.status.label(),
            is_converted: call.status.is_converted(),
            dispute,
        }
    }

    fn dispute(&self, dispute: &EarlierDispute) -> DisputeLine {
        DisputeLine {
            href: paths::dispute(dispute.id),
            when: self.when(dispute.listed_at),
            buyer: self.buyer(dispute.buyer_id),
            reason: self.policy.reason_label(&dispute.reason).to_owned(),
            payout: dispute.payout.map(|minor| Money::new(minor, &dispute.currency)),
            credit: dispute
                .credit
                .filter(|_| dispute.status.is_decided())
                .map(|minor| Money::new(minor, &dispute.currency)),
            status: dispute.status,
        }
    }

    fn rate(&self, whose: &str, rate: &Rate) -> RateView {
        let period = match rate.since {
            Some(since) => format!("last {} calls, since {}", number(MOST_CALLS), self.when(since).short()),
            None => format!("calls of the last {DAYS} days"),
        };
        let share = rate.basis_points().map(|points| format!(", {}", percent(points))).unwrap_or_default();
        RateView {
            title: format!("{whose}, {period}"),
            disputes: format!("{} of {} calls{share}", number(rate.disputes), number(rate.calls)),
            accepted: match rate.decided {
                0 => "None decided yet".to_owned(),
                decided => format!("{} of {} decided", number(rate.accepted), number(decided)),
            },
        }
    }
}

fn number(count: i64) -> Number {
    Number(count.unsigned_abs())
}

/// `3.2 %` of ten-thousandths, rounded half up to a tenth.
fn percent(basis_points: i64) -> String {
    let tenths = basis_points.saturating_add(5) / 10;
    match (basis_points, tenths) {
        (1.., 0) => "under 0.1\u{a0}%".to_owned(),
        _ => format!("{}.{}\u{a0}%", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_is_rounded_to_a_tenth_and_small_is_not_nothing() {
        for (points, said) in
            [(0, "0.0 %"), (1, "under 0.1 %"), (5, "0.1 %"), (324, "3.2 %"), (325, "3.3 %"), (10_000, "100.0 %")]
        {
            assert_eq!(percent(points).replace('\u{a0}', " "), said);
        }
    }
}
