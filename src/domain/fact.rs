//! Named evidence facts: short texts that fit a reason, and the limits on what a dispute may say.

/// All facts of one dispute and its Additional Information together hold at most so many characters.
pub const MAX_CHARACTERS: usize = 150_000;

/// Additional Information, a message and a note each hold at most so many characters.
pub const MAX_TEXT: usize = 5_000;

/// A kind of fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactKind {
    pub name: &'static str,
    pub label: &'static str,
    /// The reasons it fits; none named: any reason.
    pub reasons: &'static [&'static str],
    /// Whether its value is the id of a file of the dispute.
    pub is_file: bool,
}

const fn text(name: &'static str, label: &'static str, reasons: &'static [&'static str]) -> FactKind {
    FactKind { name, label, reasons, is_file: false }
}

const fn file(name: &'static str, label: &'static str) -> FactKind {
    FactKind { name, label, reasons: &[], is_file: true }
}

/// Every fact there is, in the order the form asks for them.
pub const ALL: &[FactKind] = &[
    text("original_call_id", "Original call", &["duplicate_call"]),
    text("duplicate_explanation", "Why it is a duplicate", &["duplicate_call"]),
    text("qualification_criterion", "Criterion not met", &["not_qualified"]),
    text("technical_details", "Technical details", &["technical_issues", "not_connected"]),
    text("recording_mark", "Point in the recording", &[]),
    text("customer_communication", "Customer communication", &[]),
    text("customer_name", "Customer name", &[]),
    text("access_activity_log", "Access activity log", &[]),
    text("service_date", "Service date", &[]),
    text("uncategorized_text", "Other text", &[]),
    file("service_documentation", "Service documentation"),
    file("duplicate_documentation", "Duplicate documentation"),
    file("uncategorized_file", "Other file"),
];

/// The kind of a name, if there is one.
#[must_use]
pub fn kind(name: &str) -> Option<&'static FactKind> {
    ALL.iter().find(|kind| kind.name == name)
}

/// A point in the recording: from, to and a label, as `0:12-0:31 label`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingMark {
    pub from_s: u32,
    pub to_s: u32,
    pub label: String,
}

impl RecordingMark {
    /// Reads `0:12-0:31 label`; `None` where it isn't one. An en dash is as good as a hyphen.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim().replace('\u{2013}', "-");
        let (range, label) = value.split_once(char::is_whitespace).unwrap_or((&value, ""));
        let (from, to) = range.split_once('-')?;
        let (from_s, to_s) = (seconds(from)?, seconds(to)?);
        (from_s <= to_s).then(|| Self { from_s, to_s, label: label.trim().to_owned() })
    }
}

fn seconds(value: &str) -> Option<u32> {
    let (minutes, rest) = value.split_once(':')?;
    let (minutes, rest): (u32, u32) = (minutes.parse().ok()?, rest.parse().ok().filter(|_| rest.len() == 2)?);
    (rest < 60).then(|| minutes.checked_mul(60)?.checked_add(rest))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_from_to_and_a_label() {
        let mark = RecordingMark::parse(" 0:12-1:31 Caller mentions it ").expect("a mark");
        assert_eq!((mark.from_s, mark.to_s, mark.label.as_str()), (12, 91, "Caller mentions it"));
        assert!(RecordingMark::parse("0:12\u{2013}0:31").is_some());
        for wrong in ["", "12 to 31 sec", "0:31-0:12", "0:75-0:80", "0:1-0:2", "-", "99999999999:00-0:10"] {
            assert_eq!(RecordingMark::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_names_are_no_facts() {
        assert!(kind("original_call_id").is_some());
        assert!(kind("status").is_none());
    }
}
