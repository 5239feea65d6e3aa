//! File names: shown as given after cleaning, never used as a path.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

/// So many characters of a name are kept.
const LONGEST: usize = 200;

/// What a nameless file is called.
const NAMELESS: &str = "file";

/// The name without path, control and direction characters; at most 200 characters, its ending kept.
#[must_use]
pub fn clean(given: &str) -> String {
    // Browsers send the last part alone; programs may send a path of either kind.
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String =
        last.nfc().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_hidden(*c)).collect();
    let words: Vec<&str> = visible.split(' ').filter(|word| !word.is_empty()).collect();
    // Dots at the end vanish on some systems, and the ending before them would show.
    let name = words.join(" ");
    let name = name.trim_end_matches(['.', ' ']);
    if name.is_empty() { NAMELESS.to_owned() } else { shorten(name) }
}

fn shorten(name: &str) -> String {
    let characters = name.chars().count();
    if characters <= LONGEST {
        return name.to_owned();
    }
    let ending = ending(name).map(|ending| format!(".{ending}")).unwrap_or_default();
    let room = LONGEST.saturating_sub(ending.chars().count());
    let mut short: String = name.chars().take(room).collect();
    short.truncate(short.trim_end_matches(['.', ' ']).len());
    short + &ending
}

/// The letters after the last dot, as they are; `None` where there are none or too many for an ending.
#[must_use]
pub fn ending(name: &str) -> Option<&str> {
    let (before, ending) = name.rsplit_once('.')?;
    (!before.is_empty() && !ending.is_empty() && ending.len() <= 16).then_some(ending)
}

/// Characters that hide themselves, or turn the direction of those after them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffc}' | '\u{e0000}'..='\u{e007f}')
}

/// `Content-Disposition` by RFC 6266: a plain name for old programs, and the whole one in UTF-8.
#[must_use]
pub fn content_disposition(kind: &str, name: &str) -> String {
    let name = clean(name);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut header = format!("{kind}; filename=\"{plain}\"");
    if plain != name {
        header.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                header.push(char::from(byte));
            } else if write!(header, "%{byte:02X}").is_err() {
                break;
            }
        }
    }
    header
}

/// Characters that need no quoting; `%` would be decoded by some browsers.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%' | ';')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("note.txt", "note.txt")]
    #[case("C:\\Users\\dana\\note.txt", "note.txt")]
    #[case("../../etc/passwd", "passwd")]
    #[case("..", "file")]
    #[case("", "file")]
    #[case("a/", "file")]
    #[case(" two \t words\r\n.pdf ", "two words .pdf")]
    #[case("invoice\u{202e}fdp.exe", "invoicefdp.exe")]
    #[case("nul\0byte.png", "nulbyte.png")]
    #[case("report.pdf. . .", "report.pdf")]
    #[case("e\u{301}tude.pdf", "\u{e9}tude.pdf")]
    #[case("\u{1f469}\u{200d}\u{1f4bb}.png", "\u{1f469}\u{200d}\u{1f4bb}.png")]
    fn names_are_shown_as_given_after_cleaning(#[case] given: &str, #[case] shown: &str) {
        assert_eq!(clean(given), shown);
        assert_eq!(clean(shown), shown, "cleaning twice changes nothing");
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = clean(&format!("{}.pdf", "\u{e9}".repeat(300)));
        assert_eq!(name.chars().count(), 200);
        assert!(name.ends_with("\u{e9}.pdf"));
        assert_eq!(clean(&"x".repeat(300)).len(), 200);
    }

    #[rstest]
    #[case("note.txt", "attachment; filename=\"note.txt\"")]
    #[case("a \"b\";c.txt", "attachment; filename=\"a _b__c.txt\"; filename*=UTF-8''a%20%22b%22%3Bc.txt")]
    #[case("100%.csv", "attachment; filename=\"100_.csv\"; filename*=UTF-8''100%25.csv")]
    #[case("\u{e9}.pdf", "attachment; filename=\"_.pdf\"; filename*=UTF-8''%C3%A9.pdf")]
    fn the_header_survives_any_name(#[case] name: &str, #[case] header: &str) {
        assert_eq!(content_disposition("attachment", name), header);
    }
}
