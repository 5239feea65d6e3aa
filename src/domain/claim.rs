//! What a buyer says about a call: checked as a whole, so that every problem is told at once.

use super::fact::{self, MAX_CHARACTERS, MAX_TEXT, RecordingMark};
use super::policy::Policy;

/// Whether a dispute is to be sent or kept as a Draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Send,
    Draft,
}

/// What a buyer says about a call. Texts are cleaned on the way in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    reason: String,
    additional_information: String,
    facts: Vec<(String, String)>,
}

/// Something to be mended, at the field it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub field: String,
    pub sentence: String,
}

impl Problem {
    /// A problem at a field.
    #[must_use]
    pub fn new(field: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { field: field.into(), sentence: sentence.into() }
    }
}

impl Claim {
    /// A claim of what was typed; empty facts are left out.
    #[must_use]
    pub fn new(reason: &str, additional_information: &str, facts: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut by_name: Vec<(String, String)> = Vec::new();
        for (name, value) in facts {
            // A name given twice counts once, as last given.
            by_name.retain(|(earlier, _)| *earlier != name);
            by_name.push((name, clean_text(&value)));
        }
        by_name.retain(|(_, value)| !value.is_empty());
        Self { reason: clean_text(reason), additional_information: clean_text(additional_information), facts: by_name }
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    #[must_use]
    pub fn additional_information(&self) -> &str {
        &self.additional_information
    }

    /// All facts as typed, those of other reasons too.
    #[must_use]
    pub fn facts(&self) -> &[(String, String)] {
        &self.facts
    }

    /// The facts that fit the chosen reason: the others were typed before the reason changed, and are not kept.
    pub fn fitting_facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts.iter().filter(|(name, _)| self.fits(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn fits(&self, name: &str) -> bool {
        fact::kind(name).is_some_and(|kind| {
            kind.reasons.is_empty() || self.reason.is_empty() || kind.reasons.contains(&self.reason.as_str())
        })
    }

    /// Everything that must be mended before it can be kept or sent.
    #[must_use]
    pub fn problems(&self, policy: &Policy, intent: Intent) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.reason.is_empty() {
            if intent == Intent::Send {
                problems.push(Problem::new("reason", "Choose a reason"));
            }
        } else if !policy.offered_reasons().any(|reason| reason.code == self.reason) {
            problems.push(Problem::new("reason", "Choose one of the reasons in the list"));
        }
        let characters = self.additional_information.chars().count();
        if characters > MAX_TEXT {
            problems.push(Problem::new(
                "additional_information",
                format!("Additional information has {characters} characters; it can have at most 5,000"),
            ));
        }
        problems.extend(self.facts.iter().filter_map(|(name, value)| fact_problem(name, value)));
        let all: usize = self.facts.iter().map(|(_, value)| value.chars().count()).sum();
        if all.saturating_add(characters) > MAX_CHARACTERS {
            let sentence = "Additional information and all facts together can have at most 150,000 characters";
            problems.push(Problem::new("additional_information", sentence));
        }
        problems
    }
}

fn fact_problem(name: &str, value: &str) -> Option<Problem> {
    let field = format!("fact[{name}]");
    if fact::kind(name).is_none() {
        return Some(Problem::new(field, format!("There is no fact named \u{201c}{name}\u{201d}")));
    }
    (name == "recording_mark" && RecordingMark::parse(value).is_none())
        .then(|| Problem::new(field, "Write the mark as minutes and seconds, such as 0:12-0:31"))
}

/// Text as it is kept: line ends as `\n`, no control characters that no database takes, no blank ends.
#[must_use]
pub fn clean_text(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace(|c: char| c.is_control() && c != '\n' && c != '\t', "")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Reason;

    fn policy() -> Policy {
        let reason =
            |code: &str, is_off| Reason { code: code.into(), label: code.into(), is_off, needs_evidence: false };
        Policy {
            platform_name: String::new(),
            dispute_window_days: 7,
            disputable_statuses: Vec::new(),
            reasons: vec![reason("other", false), reason("duplicate_call", false), reason("not_connected", true)],
            reply_reopens: true,
            decision_deadline_days: 10,
            is_live: true,
        }
    }

    fn fields(claim: &Claim, intent: Intent) -> Vec<String> {
        claim.problems(&policy(), intent).into_iter().map(|problem| problem.field).collect()
    }

    fn fact(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn a_draft_may_lack_a_reason_and_a_dispute_may_not() {
        let claim = Claim::new("", "text", Vec::new());
        assert!(fields(&claim, Intent::Draft).is_empty());
        assert_eq!(fields(&claim, Intent::Send), ["reason"]);
    }

    #[test]
    fn only_offered_reasons_and_known_facts_are_taken() {
        for reason in ["nonsense", "not_connected"] {
            assert_eq!(fields(&Claim::new(reason, "", Vec::new()), Intent::Draft), ["reason"]);
        }
        assert_eq!(fields(&Claim::new("other", "", fact("status", "x")), Intent::Send), ["fact[status]"]);
        assert_eq!(
            fields(&Claim::new("other", "", fact("recording_mark", "12 to 31")), Intent::Send),
            ["fact[recording_mark]"]
        );
    }

    #[test]
    fn the_limits_count_characters_not_bytes() {
        let (fits, too_long) = ("é".repeat(5_000), "é".repeat(5_001));
        assert!(fields(&Claim::new("other", &fits, Vec::new()), Intent::Send).is_empty());
        assert_eq!(fields(&Claim::new("other", &too_long, Vec::new()), Intent::Send), ["additional_information"]);
        let facts = fact("uncategorized_text", &"x".repeat(145_001));
        assert_eq!(fields(&Claim::new("other", &fits, facts), Intent::Send), ["additional_information"]);
    }

    #[test]
    fn facts_of_another_reason_are_not_kept() {
        let facts =
            || vec![("original_call_id".to_owned(), "a".to_owned()), ("customer_name".to_owned(), "b".to_owned())];
        let kept = |reason| {
            Claim::new(reason, "", facts()).fitting_facts().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kept("other"), ["customer_name"]);
        assert_eq!(kept("duplicate_call"), ["original_call_id", "customer_name"]);
    }

    #[test]
    fn text_is_cleaned_of_what_no_database_takes() {
        assert_eq!(clean_text(" a\r\nb\0\u{7}\tc \r"), "a\nb\tc");
    }
}
