//! The platform's policy: what may be disputed, for how long, with which reasons.

use super::call::CallStatus;

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
