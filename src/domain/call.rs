//! What a call is, and until when it can be disputed.

use chrono::Duration;

use super::Instant;

text_enum! {
    /// Call status, as the tracking platform reported it.
    CallStatus {
        CompletedWithConversion = "completed_with_conversion", "Completed - With Conversion";
        CompletedWithoutConversion = "completed_without_conversion", "Completed - Without Conversion";
        NotConnectedWithConversion = "not_connected_with_conversion", "Call Not Connected - With Conversion";
        NotConnectedWithoutConversion = "not_connected_without_conversion", "Call Not Connected - Without Conversion";
        InProgress = "in_progress", "In Progress";
        Failed = "failed", "Failed";
    }
}

impl CallStatus {
    /// The status of a call from what platforms report: did it connect, did it convert.
    #[must_use]
    pub fn from_outcome(connected: bool, converted: bool) -> Self {
        match (connected, converted) {
            (true, true) => Self::CompletedWithConversion,
            (true, false) => Self::CompletedWithoutConversion,
            (false, true) => Self::NotConnectedWithConversion,
            (false, false) => Self::NotConnectedWithoutConversion,
        }
    }

    /// Whether the call met the campaign's rule.
    #[must_use]
    pub fn is_converted(self) -> bool {
        matches!(self, Self::CompletedWithConversion | Self::NotConnectedWithConversion)
    }
}

text_enum! {
    /// Who ended the call.
    HangupBy {
        Caller = "caller", "Caller";
        Destination = "destination", "Destination";
        System = "system", "System";
        Unknown = "unknown", "Unknown";
    }
}

text_enum! {
    /// Dispute state of a call, derived from its disputes and adjustments.
    DisputeState {
        None = "none", "None";
        Disputed = "disputed", "Disputed";
        Adjusted = "adjusted", "Adjusted";
    }
}

impl DisputeState {
    /// What follows from whether a dispute is Pending, and from the net credit in minor units.
    #[must_use]
    pub fn of(is_pending: bool, net_credit: i64) -> Self {
        match (is_pending, net_credit) {
            (true, _) => Self::Disputed,
            (false, 1..) => Self::Adjusted,
            (false, _) => Self::None,
        }
    }
}

/// The time after a call during which it can be disputed: from its start, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeWindow {
    opens_at: Instant,
    closes_at: Instant,
}

impl DisputeWindow {
    /// The window of a call that started then, for a window of so many days.
    #[must_use]
    pub fn of(started_at: Instant, days: i32) -> Self {
        let closes_at = started_at.checked_add_signed(Duration::days(i64::from(days))).unwrap_or(Instant::MAX);
        Self { opens_at: started_at, closes_at }
    }

    /// The first instant at which it is closed.
    #[must_use]
    pub fn closes_at(self) -> Instant {
        self.closes_at
    }

    /// Whether the call can still be disputed.
    #[must_use]
    pub fn is_open(self, now: Instant) -> bool {
        now < self.closes_at
    }

    /// How much is left, in whole percent of the window, for the dial.
    #[must_use]
    pub fn percent_left(self, now: Instant) -> i64 {
        let whole = (self.closes_at - self.opens_at).num_seconds();
        let left = (self.closes_at - now).num_seconds().clamp(0, whole.max(0));
        left.saturating_mul(100).checked_div(whole).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn the_window_is_half_open() {
        let window = DisputeWindow::of(at("2026-11-13T14:05:00"), 7);
        assert_eq!(window.closes_at(), at("2026-11-20T14:05:00"));
        assert!(window.is_open(at("2026-11-20T14:04:59.999999")));
        assert!(!window.is_open(at("2026-11-20T14:05:00")));
    }

    #[test]
    fn a_window_of_no_days_is_never_open() {
        let window = DisputeWindow::of(at("2026-11-13T14:05:00"), 0);
        assert!(!window.is_open(at("2026-11-13T14:05:00")));
        assert_eq!(window.percent_left(at("2026-11-13T14:05:00")), 0);
    }

    #[test]
    fn the_dial_shows_what_is_left() {
        let window = DisputeWindow::of(at("2026-11-10T00:00:00"), 10);
        assert_eq!(window.percent_left(at("2026-11-10T00:00:00")), 100);
        assert_eq!(window.percent_left(at("2026-11-15T00:00:00")), 50);
        assert_eq!(window.percent_left(at("2026-11-30T00:00:00")), 0);
    }
}
