//! The platform's policy: what may be disputed, for how long, with which reasons.

use super::call::CallStatus;
use super::claim::Problem;

/// The reasons every platform has; their words are those of the glossary.
pub const BUILT_IN: [&str; 7] = [
    "caller_hung_up",
    "not_connected",
    "invalid_caller",
    "duplicate_call",
    "not_qualified",
    "technical_issues",
    "other",
];

/// The most reasons a platform can have, and the longest words of one.
const MOST_REASONS: usize = 50;
const LONGEST_LABEL: usize = 100;

/// A reason a buyer can choose; the platform can add its own and switch any off.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reason {
    pub code: String,
    pub label: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_off: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_evidence: bool,
}

/// The platform and its policy, read once a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub platform_name: String,
    pub dispute_window_days: i32,
    pub disputable_statuses: Vec<CallStatus>,
    pub reasons: Vec<Reason>,
    pub reply_reopens: bool,
    pub decision_deadline_days: i32,
    /// False under `demo`.
    pub is_live: bool,
}

impl Policy {
    /// The reason of a code, also when it is switched off: old disputes keep theirs.
    #[must_use]
    pub fn reason(&self, code: &str) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.code == code)
    }

    /// What people read for a reason's code; the code itself where the policy no longer knows it.
    #[must_use]
    pub fn reason_label<'a>(&'a self, code: &'a str) -> &'a str {
        self.reason(code).map_or(code, |reason| reason.label.as_str())
    }

    /// The reasons offered on the form.
    pub fn offered_reasons(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(|reason| !reason.is_off)
    }

    /// Whether a call of this status can be disputed.
    #[must_use]
    pub fn is_disputable(&self, status: CallStatus) -> bool {
        self.disputable_statuses.contains(&status)
    }
}

impl Reason {
    /// Whether the platform made it itself.
    #[must_use]
    pub fn is_own(&self) -> bool {
        !BUILT_IN.contains(&self.code.as_str())
    }
}

/// What a manager sets of the policy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PolicyChange {
    pub dispute_window_days: i32,
    pub disputable_statuses: Vec<CallStatus>,
    pub reasons: Vec<Reason>,
    pub reply_reopens: bool,
    pub decision_deadline_days: i32,
}

impl From<Policy> for PolicyChange {
    fn from(policy: Policy) -> Self {
        Self {
            dispute_window_days: policy.dispute_window_days,
            disputable_statuses: policy.disputable_statuses,
            reasons: policy.reasons,
            reply_reopens: policy.reply_reopens,
            decision_deadline_days: policy.decision_deadline_days,
        }
    }
}

impl PolicyChange {
    /// Adds a reason of the platform's own, under a code that no other has.
    pub fn add_reason(&mut self, label: &str, needs_evidence: bool) {
        let label = label.trim().to_owned();
        let words: Vec<String> = label
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let stem: String = format!("own_{}", words.join("_")).chars().take(40).collect();
        let is_free = |code: &str| !self.reasons.iter().any(|reason| reason.code == code);
        let numbered = (2..).map(|number: u32| format!("{stem}_{number}"));
        let code = std::iter::once(stem.clone()).chain(numbered).find(|code| is_free(code)).unwrap_or(stem.clone());
        self.reasons.push(Reason { code, label, is_off: false, needs_evidence });
    }

    /// Everything that must be mended before it can be kept.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !(0..=3650).contains(&self.dispute_window_days) {
            problems.push(Problem::new("dispute_window_days", "A dispute window has 0 to 3650 days"));
        }
        if self.disputable_statuses.is_empty() {
            problems.push(Problem::new("disputable_status", "Choose at least one status that can be disputed"));
        }
        if self.reasons.iter().all(|reason| reason.is_off) {
            problems.push(Problem::new("offered", "Offer at least one reason"));
        }
        for (at, reason) in self.reasons.iter().enumerate() {
            let label = reason.label.trim();
            let field = format!("label[{}]", reason.code);
            if label.is_empty() || label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
                problems
                    .push(Problem::new(field, "The words of a reason have 1 to 100 characters, all of them visible"));
            } else if self
                .reasons
                .iter()
                .take(at)
                .any(|other| other.label.trim().to_lowercase() == label.to_lowercase())
            {
                problems.push(Problem::new(field, "There is a reason with these words already"));
            }
        }
        if self.reasons.len() > MOST_REASONS {
            problems.push(Problem::new("new_reason", "A platform can have at most 50 reasons"));
        }
        if !(1..=3650).contains(&self.decision_deadline_days) {
            problems.push(Problem::new("decision_deadline_days", "A decision deadline has 1 to 3650 days"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> PolicyChange {
        let reason =
            |code: &str| Reason { code: code.into(), label: code.into(), is_off: false, needs_evidence: false };
        PolicyChange {
            dispute_window_days: 7,
            disputable_statuses: vec![CallStatus::CompletedWithConversion],
            reasons: vec![reason("other")],
            reply_reopens: true,
            decision_deadline_days: 10,
        }
    }

    fn fields(change: &PolicyChange) -> Vec<String> {
        change.problems().into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_reason_of_ones_own_gets_a_code_of_its_own() {
        let mut change = change();
        change.add_reason(" Wrong state! ", true);
        change.add_reason("\u{20bb7}\u{91ce}\u{5bb6}", false);
        change.add_reason("wrong-state", false);
        let codes: Vec<_> = change.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes, ["other", "own_wrong_state", "own_", "own_wrong_state_2"]);
        assert!(change.reasons.iter().skip(1).all(Reason::is_own));
        assert_eq!(fields(&change), Vec::<String>::new());
        change.add_reason("WRONG STATE!", false);
        assert_eq!(fields(&change), ["label[own_wrong_state_3]"]);
    }

    #[test]
    fn what_would_stop_every_dispute_is_refused() {
        let none = PolicyChange { disputable_statuses: Vec::new(), ..change() };
        assert_eq!(fields(&none), ["disputable_status"]);
        let mut off = change();
        off.reasons.iter_mut().for_each(|reason| reason.is_off = true);
        assert_eq!(fields(&off), ["offered"]);
        let days = PolicyChange { dispute_window_days: -1, decision_deadline_days: 0, ..change() };
        assert_eq!(fields(&days), ["dispute_window_days", "decision_deadline_days"]);
    }
}
