//! Phone numbers as platforms report them: E.164 where known, masked patterns and anonymous callers kept.
//!
//! Takes what a call carries, however odd: a spoofed number must come in, because it is what disputes are about.

use std::borrow::Cow;
use std::fmt;

use phonenumber::country;

/// What a caller who hides the number is stored as.
pub const ANONYMOUS: &str = "anonymous";

/// The most characters of a number or an address.
const MAX_LENGTH: usize = 255;

/// The caller's number: E.164, a masked pattern (`+1555010XXXX`), an address (`sip:…`), or `anonymous`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallerId(String);

/// A text that is no phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a phone number such as +15550100142, a masked one, or anonymous")]
pub struct NotAPhoneNumber;

impl CallerId {
    /// Normalises what a platform reported; nothing at all is an anonymous caller. The default region is the US.
    pub fn parse(text: &str) -> Result<Self, NotAPhoneNumber> {
        let text = text.trim();
        if text.is_empty() || is_anonymous(text) {
            return Ok(Self(ANONYMOUS.to_owned()));
        }
        normalise(text).map(|number| Self(number.into_owned())).ok_or(NotAPhoneNumber)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for CallerId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Normalises the number that was dialled or where the call was sent; a text that is no number is kept as it is.
///
/// Only a number that a spreadsheet cut (`1.55501E+10`) is refused: its digits are lost.
pub fn normalise_destination(text: &str) -> Result<Cow<'_, str>, NotAPhoneNumber> {
    let text = text.trim();
    if is_cut_by_a_spreadsheet(text) {
        return Err(NotAPhoneNumber);
    }
    Ok(normalise(text).unwrap_or(Cow::Borrowed(text)))
}

/// The digits of a text, for searching.
#[must_use]
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The last seven digits (or `X` of a mask) of a normalised number, for searching; empty where there is no number.
#[must_use]
pub fn last7(number: &str) -> String {
    let number = match number.split_once(':') {
        Some((_, address)) => address.split('@').next().unwrap_or(address),
        None => number,
    };
    let is_number = |char: char| char.is_ascii_digit() || char == 'X';
    if number.is_empty() || !number.strip_prefix('+').unwrap_or(number).chars().all(is_number) {
        return String::new();
    }
    let mut last: Vec<char> = number.chars().rev().filter(|char| is_number(*char)).take(7).collect();
    last.reverse();
    last.into_iter().collect()
}

fn is_anonymous(text: &str) -> bool {
    const WORDS: [&str; 16] = [
        "anonymous",
        "restricted",
        "unknown",
        "blocked",
        "private",
        "unavailable",
        "withheld",
        "hidden",
        "no caller id",
        "private number",
        "unknown caller",
        "not available",
        "n/a",
        "none",
        "-",
        "anonymous.invalid",
    ];
    // What carriers send for a hidden number: the words above typed on a keypad.
    const KEYPAD: [&str; 5] = ["+266696687", "+7378742833", "+2562533", "+8566696", "+86282452253"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) || KEYPAD.contains(&text)
}

fn is_cut_by_a_spreadsheet(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    mantissa.starts_with(|char: char| char.is_ascii_digit())
        && mantissa.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
        && is_digits(exponent.trim_start_matches(['+', '-']))
}

/// The normal form of a number or address, or nothing where the text is neither.
fn normalise(text: &str) -> Option<Cow<'_, str>> {
    if text.is_empty() || text.len() > MAX_LENGTH || text.contains('\0') {
        return None;
    }
    if is_e164(text) {
        return Some(Cow::Borrowed(text));
    }
    if has_scheme(text, "sip:") || has_scheme(text, "sips:") || has_scheme(text, "client:") {
        return Some(Cow::Borrowed(text));
    }
    match Plain::of(text) {
        Some(plain) => plain.into_number(),
        // Extensions, "tel:" and whatever else the crate knows; slow, and rare.
        None => parse_with_crate(text),
    }
    .map(Cow::Owned)
}

/// Whether the text is already in the form that most platforms send.
fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else {
        return false;
    };
    (8..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.len() > scheme.len() && text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// A number of digits, mask characters and punctuation only.
struct Plain {
    number: String,
    is_international: bool,
    is_masked: bool,
}

impl Plain {
    fn of(text: &str) -> Option<Self> {
        let (rest, is_international) = match text.strip_prefix('+') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let mut plain = Self { number: String::with_capacity(rest.len() + 2), is_international, is_masked: false };
        for char in rest.chars() {
            match char {
                '0'..='9' => plain.number.push(char),
                'x' | 'X' | '*' | '\u{2022}' => {
                    plain.number.push('X');
                    plain.is_masked = true;
                }
                ' ' | '(' | ')' | '-' | '.' | '/' | '\u{a0}' | '\u{2010}'..='\u{2013}' => {}
                _ => return None,
            }
        }
        // "555 0142 x12" is an extension, not a mask: after the x come digits to the end.
        let is_extension = plain.is_masked && plain.number.matches('X').count() == 1 && !plain.number.ends_with('X');
        (!is_extension).then_some(plain)
    }

    fn into_number(self) -> Option<String> {
        let Self { number, is_international, is_masked } = self;
        let first = number.chars().next()?;
        if number.len() > 20 || number.bytes().all(|byte| byte == b'X') {
            return None;
        }
        if is_international {
            return Some(format!("+{number}"));
        }
        match (number.len(), first) {
            (10, '2'..='9' | 'X') => Some(format!("+1{number}")),
            (11, '1') => Some(format!("+{number}")),
            _ if is_masked => Some(number),
            // With the international prefix, or a country code without its plus; else whatever was signalled.
            (11.., _) => parse_with_crate(&number).or_else(|| parse_with_crate(&format!("+{number}"))).or(Some(number)),
            _ => Some(number),
        }
    }
}

fn parse_with_crate(text: &str) -> Option<String> {
    let number = phonenumber::parse(Some(country::US), text).ok().filter(phonenumber::is_valid)?;
    Some(number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests;
