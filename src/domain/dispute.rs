//! What a dispute is, when it may be sent, and the only legal transitions.

use chrono::TimeZone;
use chrono_tz::Tz;

use super::Instant;
use super::call::{CallStatus, DisputeWindow};
use super::policy::Policy;

text_enum! {
    /// Status of a dispute.
    Status {
        Draft = "draft", "Draft";
        Pending = "pending", "Pending";
        Accepted = "accepted", "Accepted";
        AcceptedPartial = "accepted_partial", "Accepted Partial";
        Rejected = "rejected", "Rejected";
        Withdrawn = "withdrawn", "Withdrawn";
    }
}

impl Status {
    /// The place in the default order; Drafts never stand in the table.
    #[must_use]
    pub fn rank(self) -> i32 {
        match self {
            Self::Pending => 0,
            Self::Accepted => 1,
            Self::AcceptedPartial => 2,
            Self::Rejected => 3,
            Self::Withdrawn => 4,
            Self::Draft => 9,
        }
    }

    /// Any that is not Rejected and not Withdrawn: a call has at most one.
    #[must_use]
    pub fn is_active(self) -> bool {
        !matches!(self, Self::Rejected | Self::Withdrawn)
    }

    /// Whether a manager decided it.
    #[must_use]
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Accepted | Self::AcceptedPartial | Self::Rejected)
    }
}

text_enum! {
    /// Which side a person speaks for.
    Side {
        Buyer = "buyer", "Buyer";
        Platform = "platform", "Platform";
    }
}

/// What rule 1 looks at.
#[derive(Clone, Copy, Debug)]
pub struct Disputability {
    pub status: CallStatus,
    pub window: DisputeWindow,
    pub payout: Option<i64>,
    /// The call's active dispute, if another than the one being sent.
    pub active: Option<Status>,
}

/// Why a call can't be disputed: rule 1, each with its own sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    StatusNotDisputable(CallStatus),
    WindowClosed(Instant),
    AlreadyDisputed(Status),
    PayoutUnknown,
    PayoutZero,
}

impl Disputability {
    /// The first thing that stands against a dispute now, in the order of rule 1.
    #[must_use]
    pub fn refusal(&self, policy: &Policy, now: Instant) -> Option<Refusal> {
        if !policy.is_disputable(self.status) {
            return Some(Refusal::StatusNotDisputable(self.status));
        }
        // An active dispute says more than a closed window: it is what happened to the call.
        if let Some(active) = self.active {
            return Some(Refusal::AlreadyDisputed(active));
        }
        if !self.window.is_open(now) {
            return Some(Refusal::WindowClosed(self.window.closes_at()));
        }
        match self.payout {
            None => Some(Refusal::PayoutUnknown),
            Some(payout) if payout <= 0 => Some(Refusal::PayoutZero),
            Some(_) => None,
        }
    }
}

impl Refusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::StatusNotDisputable(_) => "status_not_disputable",
            Self::WindowClosed(_) => "dispute_window_closed",
            Self::AlreadyDisputed(_) => "already_disputed",
            Self::PayoutUnknown => "payout_unknown",
            Self::PayoutZero => "payout_zero",
        }
    }

    /// What a buyer reads, with instants in the reader's zone.
    #[must_use]
    pub fn sentence(self, zone: Tz) -> String {
        match self {
            Self::StatusNotDisputable(status) => {
                format!("A call with the status \u{201c}{}\u{201d} can't be disputed", status.label())
            }
            Self::WindowClosed(at) => format!("The dispute window closed on {}", full_time(at, zone)),
            Self::AlreadyDisputed(Status::Draft) => "There is a Draft of a dispute of this call already".to_owned(),
            Self::AlreadyDisputed(status) => format!("This call has a dispute already: {}", status.label()),
            Self::PayoutUnknown => "The payout of this call isn't known yet".to_owned(),
            Self::PayoutZero => "This call cost nothing, so there is nothing to dispute".to_owned(),
        }
    }

    /// A few words for the Dispute column; an active dispute shows its status there instead.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::StatusNotDisputable(_) => "Status can't be disputed",
            Self::WindowClosed(_) => "Window closed",
            Self::AlreadyDisputed(_) => "Disputed already",
            Self::PayoutUnknown => "Payout unknown",
            Self::PayoutZero => "Cost nothing",
        }
    }
}

/// A complete instant with weekday, year and zone: `Fri 20 Nov 2026, 14:05 EST`.
#[must_use]
pub fn full_time(at: Instant, zone: Tz) -> String {
    zone.from_utc_datetime(&at).format("%a %-d %b %Y, %H:%M %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn policy() -> Policy {
        Policy {
            platform_name: "Fairdial".into(),
            dispute_window_days: 7,
            disputable_statuses: vec![CallStatus::CompletedWithConversion, CallStatus::NotConnectedWithConversion],
            reasons: Vec::new(),
            reply_reopens: true,
            decision_deadline_days: 10,
            is_live: true,
        }
    }

    fn good() -> Disputability {
        Disputability {
            status: CallStatus::CompletedWithConversion,
            window: DisputeWindow::of(at("2026-11-13T19:05:00"), 7),
            payout: Some(4200),
            active: None,
        }
    }

    #[test]
    fn each_refusal_has_its_own_sentence() {
        let (now, late) = (at("2026-11-15T00:00:00"), at("2026-11-20T19:05:00"));
        let zone = chrono_tz::America::New_York;
        let said = |call: Disputability, now| call.refusal(&policy(), now).map(|refusal| refusal.sentence(zone));
        assert_eq!(said(good(), now), None);
        let cases = [
            said(Disputability { status: CallStatus::Failed, ..good() }, now),
            said(good(), late),
            said(Disputability { active: Some(Status::Pending), ..good() }, now),
            said(Disputability { active: Some(Status::Draft), ..good() }, now),
            said(Disputability { payout: None, ..good() }, now),
            said(Disputability { payout: Some(0), ..good() }, now),
        ];
        let sentences: Vec<String> = cases.into_iter().map(|case| case.expect("a refusal")).collect();
        assert_eq!(sentences[1], "The dispute window closed on Fri 20 Nov 2026, 14:05 EST");
        let distinct: std::collections::BTreeSet<_> = sentences.iter().collect();
        assert_eq!(distinct.len(), sentences.len());
    }

    #[test]
    fn only_rejected_and_withdrawn_leave_room_for_another_dispute() {
        let inactive: Vec<_> = Status::ALL.iter().filter(|status| !status.is_active()).collect();
        assert_eq!(inactive, [&Status::Rejected, &Status::Withdrawn]);
    }
}
