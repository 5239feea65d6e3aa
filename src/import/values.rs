//! The values that platforms write into their exports: times, durations, booleans, who hung up.
//!
//! Each reader takes a trimmed text that isn't empty, and says what it expected where it can't read it.

use crate::domain::call::HangupBy;

pub mod time;

/// What a value should have been, in words that follow "expected".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Expected(pub &'static str);

/// Reads whole seconds: `71`, `1:11`, `00:01:11`.
pub fn duration(text: &str) -> Result<i32, Expected> {
    const EXPECTED: Expected = Expected("a duration such as 71, 1:11 or 00:01:11");
    // Some platforms write whole seconds as 71.0.
    let text = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return Err(EXPECTED),
        None => text,
    };
    let number = |part: &str| -> Option<i64> {
        let is_number = (1..=10).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse().ok() } else { None }
    };
    let sixty = |part: &str| number(part).filter(|value| part.len() == 2 && *value < 60);
    let mut parts = text.split(':');
    let seconds = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(seconds), None, _, _) => number(seconds),
        (Some(minutes), Some(seconds), None, _) => {
            number(minutes).zip(sixty(seconds)).map(|(minutes, seconds)| minutes * 60 + seconds)
        }
        (Some(hours), Some(minutes), Some(seconds), None) => number(hours)
            .zip(sixty(minutes).zip(sixty(seconds)))
            .map(|(hours, (minutes, seconds))| hours * 3600 + minutes * 60 + seconds),
        _ => None,
    };
    seconds.and_then(|seconds| i32::try_from(seconds).ok()).ok_or(EXPECTED)
}

/// Reads yes or no: true/false, 1/0, yes/no, y/n, on/off, in any case.
pub fn boolean(text: &str) -> Result<bool, Expected> {
    const YES: [&str; 6] = ["true", "1", "yes", "y", "on", "t"];
    const NO: [&str; 6] = ["false", "0", "no", "n", "off", "f"];
    let is_in = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match (is_in(&YES), is_in(&NO)) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Expected("yes or no (true/false, 1/0, yes/no, y/n, on/off)")),
    }
}

/// Reads whether a call converted: yes or no, or the words that some platforms write instead.
pub fn converted(text: &str) -> Result<bool, Expected> {
    let is = |word: &str| word.eq_ignore_ascii_case(text);
    if is("converted") {
        return Ok(true);
    }
    if is("not converted") || is("unconverted") {
        return Ok(false);
    }
    boolean(text).or(Err(Expected("yes or no, or Converted")))
}

/// Reads who ended the call; a text that is more than a name for one of the parties is kept as the cause.
#[must_use]
pub fn hangup(text: &str) -> (HangupBy, &str) {
    const CALLER: [&str; 4] = ["caller", "originator", "customer", "inbound"];
    const DESTINATION: [&str; 6] = ["destination", "target", "buyer", "callee", "agent", "outbound"];
    const SYSTEM: [&str; 4] = ["system", "platform", "ivr", "timeout"];
    let is_in = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_in(&CALLER) {
        (HangupBy::Caller, "")
    } else if is_in(&DESTINATION) {
        (HangupBy::Destination, "")
    } else if is_in(&SYSTEM) {
        (HangupBy::System, "")
    } else if text.eq_ignore_ascii_case("unknown") {
        (HangupBy::Unknown, "")
    } else {
        (HangupBy::Unknown, text)
    }
}

/// Reads the address of a recording; only web addresses, because pages link to it.
pub fn web_address(text: &str) -> Result<&str, Expected> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_web =
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"));
    if is_web && text.len() <= 2_048 && !text.contains(|char: char| char.is_control() || char == ' ') {
        Ok(text)
    } else {
        Err(Expected("an address that starts with https:// or http://"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("71", 71)]
    #[case("0", 0)]
    #[case("71.0", 71)]
    #[case("1:11", 71)]
    #[case("61:05", 3665)]
    #[case("00:01:11", 71)]
    #[case("100:00:00", 360_000)]
    #[case("2147483647", i32::MAX)]
    fn durations_are_whole_seconds(#[case] text: &str, #[case] seconds: i32) {
        assert_eq!(duration(text), Ok(seconds));
    }

    #[rstest]
    #[case("-1")]
    #[case("71.5")]
    #[case("71.")]
    #[case("1:60")]
    #[case("1:1")]
    #[case("00:60:00")]
    #[case("1:00:00:00")]
    #[case(":11")]
    #[case("abc")]
    #[case("2147483648")]
    #[case("99999999999999999999")]
    fn other_texts_are_no_durations(#[case] text: &str) {
        assert!(duration(text).is_err());
    }

    #[rstest]
    fn booleans_are_read_in_any_case(
        #[values("true", "TRUE", "1", "yes", "Yes", "y", "Y", "on", "On")] yes: &str,
        #[values("false", "False", "0", "no", "NO", "n", "N", "off")] no: &str,
    ) {
        assert_eq!((boolean(yes), boolean(no)), (Ok(true), Ok(false)));
    }

    #[rstest]
    #[case("2")]
    #[case("maybe")]
    #[case("yess")]
    fn other_texts_are_neither(#[case] text: &str) {
        assert!(boolean(text).is_err());
        assert!(converted(text).is_err());
    }

    #[rstest]
    #[case("Converted", true)]
    #[case("Not converted", false)]
    #[case("true", true)]
    fn a_conversion_may_be_a_word(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(converted(text), Ok(expected));
    }

    #[rstest]
    #[case("Caller", HangupBy::Caller, "")]
    #[case("caller", HangupBy::Caller, "")]
    #[case("Target", HangupBy::Destination, "")]
    #[case("Buyer", HangupBy::Destination, "")]
    #[case("destination", HangupBy::Destination, "")]
    #[case("system", HangupBy::System, "")]
    #[case("unknown", HangupBy::Unknown, "")]
    #[case("Publisher", HangupBy::Unknown, "Publisher")]
    #[case("NORMAL_CLEARING", HangupBy::Unknown, "NORMAL_CLEARING")]
    fn the_side_that_hung_up_is_known_by_its_names(#[case] text: &str, #[case] by: HangupBy, #[case] cause: &str) {
        assert_eq!(hangup(text), (by, cause));
    }

    #[rstest]
    #[case("https://example.invalid/rec/1.mp3", true)]
    #[case("HTTP://example.invalid", true)]
    #[case("javascript:alert(1)", false)]
    #[case("javascript://https://x", false)]
    #[case("rec/1.mp3", false)]
    fn only_web_addresses_are_recordings(#[case] text: &str, #[case] is_fine: bool) {
        assert_eq!(web_address(text).is_ok(), is_fine);
    }
}
