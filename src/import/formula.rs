//! The leading `'` that keeps a spreadsheet from taking a text for a formula: put on by the export, taken off by the import.

use std::borrow::Cow;

/// The text as an export writes it: with a leading `'` where a spreadsheet would take it for a formula.
///
/// A text that already has such a `'` gets another, so that [`restored`] gives back exactly what was exported.
#[must_use]
pub fn neutral(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text as it was before [`neutral`].
#[must_use]
pub fn restored(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => text,
    }
}

fn is_formula(text: &str) -> bool {
    // The wide forms count as well: some spreadsheets read them as the narrow ones.
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '|', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_exported_is_imported(text in "['=+@\\-a1|]{0,6}") {
            let exported = neutral(&text);
            proptest::prop_assert_eq!(restored(&exported), &text);
        }
    }

    #[test]
    fn only_formulas_are_marked() {
        assert_eq!(neutral("+15550100142"), "'+15550100142");
        assert_eq!(neutral("=1+1"), "'=1+1");
        assert_eq!(neutral("Acme"), "Acme");
        assert_eq!(neutral("'tis"), "'tis");
        assert_eq!(restored("'tis"), "'tis");
    }
}
