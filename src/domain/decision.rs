//! What a manager decides: a verdict, the credit, the clawback, a note to the buyer.

use super::dispute::Status;
use super::money::proposed_clawback;

text_enum! {
    /// A manager's answer to a dispute.
    Verdict {
        Accepted = "accepted", "Accepted";
        AcceptedPartial = "accepted_partial", "Accepted Partial";
        Rejected = "rejected", "Rejected";
    }
}

impl Verdict {
    /// The status a dispute has after this verdict.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Accepted => Status::Accepted,
            Self::AcceptedPartial => Status::AcceptedPartial,
            Self::Rejected => Status::Rejected,
        }
    }

    /// The verdict behind a decided status.
    #[must_use]
    pub fn of_status(status: Status) -> Option<Self> {
        match status {
            Status::Accepted => Some(Self::Accepted),
            Status::AcceptedPartial => Some(Self::AcceptedPartial),
            Status::Rejected => Some(Self::Rejected),
            Status::Draft | Status::Pending | Status::Withdrawn => None,
        }
    }
}

/// A decision whose amounts fit the dispute: built only by [`Decision::new`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    verdict: Verdict,
    credit: i64,
    clawback: i64,
    note: String,
}

/// Why amounts don't fit the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionProblem {
    #[error("Enter a credit of more than zero and less than the payout")]
    CreditNotPartial,
    #[error("With Accepted the credit is the whole payout: leave it empty, or choose Accepted Partial")]
    CreditNotWhole,
    #[error("With Rejected there is no credit: leave it empty")]
    CreditNotZero,
    #[error("Enter a clawback between zero and the publisher payout")]
    ClawbackOutOfRange,
    #[error("A note has at most 5,000 characters")]
    NoteTooLong,
}

impl Decision {
    /// Checks the amounts, in minor units, against the dispute's payout and publisher payout.
    ///
    /// A clawback that isn't given is the proposed one.
    pub fn new(
        verdict: Verdict,
        credit: Option<i64>,
        clawback: Option<i64>,
        note: String,
        payout: i64,
        publisher_payout: Option<i64>,
    ) -> Result<Self, DecisionProblem> {
        let credit = match (verdict, credit) {
            (Verdict::Accepted, None) => payout,
            (Verdict::Accepted, Some(credit)) if credit == payout => payout,
            (Verdict::Accepted, Some(_)) => return Err(DecisionProblem::CreditNotWhole),
            (Verdict::AcceptedPartial, Some(credit)) if credit > 0 && credit < payout => credit,
            (Verdict::AcceptedPartial, _) => return Err(DecisionProblem::CreditNotPartial),
            (Verdict::Rejected, None | Some(0)) => 0,
            (Verdict::Rejected, Some(_)) => return Err(DecisionProblem::CreditNotZero),
        };
        let most = publisher_payout.unwrap_or(0).max(0);
        let clawback = clawback.unwrap_or_else(|| proposed_clawback(publisher_payout, credit, payout));
        if clawback < 0 || clawback > most || (verdict == Verdict::Rejected && clawback != 0) {
            return Err(DecisionProblem::ClawbackOutOfRange);
        }
        if note.chars().count() > super::fact::MAX_TEXT {
            return Err(DecisionProblem::NoteTooLong);
        }
        Ok(Self { verdict, credit, clawback, note })
    }

    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What the buyer gets back, in minor units.
    #[must_use]
    pub fn credit(&self) -> i64 {
        self.credit
    }

    /// What is taken back from the publisher, in minor units.
    #[must_use]
    pub fn clawback(&self) -> i64 {
        self.clawback
    }

    /// The note to the buyer; may be empty.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(verdict: Verdict, credit: Option<i64>, clawback: Option<i64>) -> Result<(i64, i64), DecisionProblem> {
        Decision::new(verdict, credit, clawback, String::new(), 4200, Some(2500))
            .map(|decision| (decision.credit(), decision.clawback()))
    }

    #[test]
    fn the_amounts_fit_the_verdict() {
        use DecisionProblem::{ClawbackOutOfRange, CreditNotPartial, CreditNotWhole, CreditNotZero};
        use Verdict::{Accepted, AcceptedPartial, Rejected};
        let cases = [
            (Accepted, None, None, Ok((4200, 2500))),
            (Accepted, Some(4200), Some(0), Ok((4200, 0))),
            (Accepted, Some(4199), None, Err(CreditNotWhole)),
            (AcceptedPartial, Some(1), None, Ok((1, 1))),
            (AcceptedPartial, Some(2100), None, Ok((2100, 1250))),
            (AcceptedPartial, Some(4199), None, Ok((4199, 2499))),
            (AcceptedPartial, Some(0), None, Err(CreditNotPartial)),
            (AcceptedPartial, Some(4200), None, Err(CreditNotPartial)),
            (AcceptedPartial, None, None, Err(CreditNotPartial)),
            (AcceptedPartial, Some(-1), None, Err(CreditNotPartial)),
            (AcceptedPartial, Some(100), Some(2501), Err(ClawbackOutOfRange)),
            (AcceptedPartial, Some(100), Some(-1), Err(ClawbackOutOfRange)),
            (Rejected, None, None, Ok((0, 0))),
            (Rejected, Some(0), Some(0), Ok((0, 0))),
            (Rejected, Some(1), None, Err(CreditNotZero)),
            (Rejected, None, Some(1), Err(ClawbackOutOfRange)),
        ];
        for (verdict, credit, clawback, expected) in cases {
            assert_eq!(decide(verdict, credit, clawback), expected, "{verdict:?} {credit:?} {clawback:?}");
        }
    }

    #[test]
    fn an_unknown_publisher_payout_gives_no_clawback() {
        let decision = Decision::new(Verdict::Accepted, None, None, String::new(), 4200, None).expect("a decision");
        assert_eq!(decision.clawback(), 0);
    }
}
