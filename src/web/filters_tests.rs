use rstest::rstest;

use super::*;

#[rstest]
#[case(4200, "USD", "$42.00")]
#[case(-4205, "USD", "-$42.05")]
#[case(123_456_789, "USD", "$1,234,567.89")]
#[case(100_000, "USD", "$1,000.00")]
#[case(5, "EUR", "€0.05")]
#[case(4200, "JPY", "¥4,200")]
#[case(4200, "KWD", "KWD\u{a0}4.200")]
#[case(4200, "CAD", "CAD\u{a0}42.00")]
#[case(i64::MIN, "USD", "-$92,233,720,368,547,758.08")]
fn money(#[case] minor: i64, #[case] code: &str, #[case] text: &str) {
    assert_eq!(Money::new(minor, code).to_string(), text);
}

#[rstest]
#[case(0, "0")]
#[case(999, "999")]
#[case(1000, "1,000")]
#[case(1_002_003, "1,002,003")]
fn number(#[case] value: u64, #[case] text: &str) {
    assert_eq!(Number(value).to_string(), text);
}

fn utc(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn when(at: &str) -> When {
    When::new(utc(at), Tz::America__New_York, utc("2026-11-20 15:42"))
}

#[test]
fn an_instant_in_each_form() {
    let when = when("2026-11-20 15:18");
    assert_eq!(when.short().to_string(), "20 Nov, 10:18");
    assert_eq!(when.full().to_string(), "Fri 20 Nov 2026, 10:18 EST");
    assert_eq!(when.machine().to_string(), "2026-11-20T15:18Z");
    assert_eq!(when.relative().to_string(), "24 minutes ago");
    assert_eq!(when.overdue().to_string(), "24 minutes overdue");
}

#[rstest]
#[case::another_year("2025-11-20 15:18", "20 Nov 2025, 10:18")]
#[case::this_year_there_though_not_in_utc("2027-01-01 03:00", "31 Dec, 22:00")]
#[case::summer_time("2026-07-01 15:18", "1 Jul, 11:18")]
fn the_year_is_left_out_when_it_is_the_current_one_in_the_readers_zone(#[case] at: &str, #[case] text: &str) {
    assert_eq!(when(at).short().to_string(), text);
}

#[rstest]
#[case("2026-11-20 15:42", "just now")]
#[case("2026-11-20 15:41", "1 minute ago")]
#[case("2026-11-20 14:42", "1 hour ago")]
#[case("2026-11-18 16:00", "47 hours ago")]
#[case("2026-11-17 15:00", "3 days ago")]
#[case("2026-11-22 16:42", "in 2 days")]
#[case("2026-01-20 15:42", "10 months ago")]
#[case("2021-11-20 15:42", "5 years ago")]
fn ages_are_words(#[case] at: &str, #[case] text: &str) {
    assert_eq!(when(at).relative().to_string(), text);
}

#[rstest]
#[case("2026-11-26 23:30", "6 days left")]
#[case("2026-11-20 16:00", "18 minutes left")]
#[case("2026-11-20 15:42", "closed")]
fn time_left_is_words_and_ends_at_the_closing_instant(#[case] at: &str, #[case] text: &str) {
    assert_eq!(when(at).left().to_string(), text);
}

#[rstest]
#[case(0, "0:00")]
#[case(91, "1:31")]
#[case(3727, "1:02:07")]
fn duration(#[case] seconds: i64, #[case] text: &str) {
    assert_eq!(Duration(seconds).to_string(), text);
}

#[rstest]
#[case(1, "1 byte")]
#[case(812, "812 bytes")]
#[case(217_088, "212 KB")]
#[case(26_214_400, "25 MB")]
#[case(3_250_586, "3.1 MB")]
fn size(#[case] bytes: u64, #[case] text: &str) {
    assert_eq!(Size(bytes).to_string(), text);
}

#[rstest]
#[case("+12145550164", "(214) 555-0164")]
#[case("+1555010XXXX", "(555) 010-XXXX")]
#[case("+4930123456", "+4930123456")]
#[case("+1214555016", "+1214555016")]
#[case("2145550164", "2145550164")]
#[case("", "Anonymous")]
#[case("anonymous", "Anonymous")]
fn phone(#[case] raw: &str, #[case] text: &str) {
    assert_eq!(Phone(raw).to_string(), text);
}
