//! Figures of a report: counted in whole numbers, shares in basis points, money in minor units of one currency.

use super::dispute::Status;

/// Below so many decided disputes a share says little.
pub const FEW: u64 = 10;

text_enum! {
    /// How long a decision took, counted from Send.
    Took {
        UnderFourHours = "0-4h", "Under 4 hours";
        UnderADay = "4-24h", "4 to 24 hours";
        UnderTwoDays = "1-2d", "1 to 2 days";
        UnderThreeDays = "2-3d", "2 to 3 days";
        Longer = "3d", "Over 3 days";
    }
}

impl Took {
    /// The seconds from which it is this one.
    #[must_use]
    pub fn from(self) -> i64 {
        let hours = match self {
            Self::UnderFourHours => 0,
            Self::UnderADay => 4,
            Self::UnderTwoDays => 24,
            Self::UnderThreeDays => 48,
            Self::Longer => 72,
        };
        hours * 3600
    }

    /// The seconds from which it is the next one, if there is one.
    #[must_use]
    pub fn before(self) -> Option<i64> {
        let all = Self::ALL.iter().map(|took| took.from());
        all.filter(|from| *from > self.from()).min()
    }

    /// The one of so many seconds.
    #[must_use]
    pub fn of(seconds: i64) -> Self {
        let begun = Self::ALL.iter().copied().rev().find(|took| took.from() <= seconds);
        begun.unwrap_or(Self::UnderFourHours)
    }
}

/// What is counted of some disputes of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub pending: u64,
    pub accepted: u64,
    pub partial: u64,
    pub rejected: u64,
    pub withdrawn: u64,
    pub credit: i64,
    pub clawback: i64,
    /// Whole seconds from Send to the decision.
    pub times: Vec<u32>,
}

impl Tally {
    /// Counts one dispute.
    pub fn add(&mut self, status: Status, credit: i64, clawback: i64, seconds: Option<u32>) {
        let count = match status {
            Status::Pending => &mut self.pending,
            Status::Accepted => &mut self.accepted,
            Status::AcceptedPartial => &mut self.partial,
            Status::Rejected => &mut self.rejected,
            Status::Withdrawn => &mut self.withdrawn,
            Status::Draft => return,
        };
        *count = count.saturating_add(1);
        self.credit = self.credit.saturating_add(credit);
        self.clawback = self.clawback.saturating_add(clawback);
        self.times.extend(seconds);
    }

    /// Adds what was counted elsewhere; money only where it is of the same currency.
    pub fn join(&mut self, other: &Self) {
        self.pending = self.pending.saturating_add(other.pending);
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.partial = self.partial.saturating_add(other.partial);
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.withdrawn = self.withdrawn.saturating_add(other.withdrawn);
        self.credit = self.credit.saturating_add(other.credit);
        self.clawback = self.clawback.saturating_add(other.clawback);
        self.times.extend(&other.times);
    }

    /// All disputes, whatever became of them.
    #[must_use]
    pub fn disputes(&self) -> u64 {
        self.pending.saturating_add(self.decided()).saturating_add(self.withdrawn)
    }

    /// Those with a verdict.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.accepted.saturating_add(self.partial).saturating_add(self.rejected)
    }

    /// Accepted in full or part, of those decided, in basis points rounded half up; `None` where none is decided.
    #[must_use]
    pub fn acceptance(&self) -> Option<u64> {
        let accepted = self.accepted.saturating_add(self.partial);
        let decided = self.decided();
        accepted.saturating_mul(10_000).saturating_add(decided / 2).checked_div(decided)
    }

    /// Whether the share stands on too few decisions.
    #[must_use]
    pub fn is_few(&self) -> bool {
        self.decided() < FEW
    }

    /// The middle time to a decision, in seconds; of two in the middle the shorter.
    #[must_use]
    pub fn median(&self) -> Option<u32> {
        let mut times = self.times.clone();
        let middle = times.len().checked_sub(1)? / 2;
        Some(*times.select_nth_unstable(middle).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_those_decided_and_rounded_half_up() {
        let tally = Tally { pending: 5, accepted: 1, partial: 1, rejected: 1, withdrawn: 2, ..Tally::default() };
        assert_eq!(tally.disputes(), 10);
        assert_eq!(tally.acceptance(), Some(6667));
        assert!(tally.is_few());
        assert_eq!(Tally { accepted: 1, rejected: 7, ..Tally::default() }.acceptance(), Some(1250));
        assert_eq!(Tally { pending: 3, ..Tally::default() }.acceptance(), None);
        assert!(!Tally { accepted: 10, ..Tally::default() }.is_few());
    }

    #[test]
    fn the_median_is_the_middle_one() {
        let of = |times: &[u32]| Tally { times: times.to_vec(), ..Tally::default() }.median();
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[9, 1, 5]), Some(5));
        assert_eq!(of(&[9, 1, 5, 7]), Some(5));
    }

    #[test]
    fn a_time_is_under_one_heading() {
        let hour = 3600;
        for (seconds, expected) in [
            (0, Took::UnderFourHours),
            (4 * hour - 1, Took::UnderFourHours),
            (4 * hour, Took::UnderADay),
            (24 * hour - 1, Took::UnderADay),
            (24 * hour, Took::UnderTwoDays),
            (71 * hour, Took::UnderThreeDays),
            (72 * hour, Took::Longer),
            (i64::MAX, Took::Longer),
        ] {
            let took = Took::of(seconds);
            assert_eq!(took, expected, "{seconds}");
            assert!(took.from() <= seconds && took.before().is_none_or(|before| seconds < before), "{seconds}");
        }
    }

    #[test]
    fn a_draft_counts_for_nothing() {
        let mut tally = Tally::default();
        tally.add(Status::Draft, 5, 5, Some(1));
        assert_eq!(tally, Tally::default());
        tally.add(Status::Accepted, 4200, 2500, Some(60));
        assert_eq!((tally.accepted, tally.credit, tally.clawback), (1, 4200, 2500));
    }
}
