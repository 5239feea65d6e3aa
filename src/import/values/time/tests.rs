use rstest::rstest;

use super::*;

fn rules(order: Option<DateOrder>) -> TimeRules {
    TimeRules { zone: Some(chrono_tz::America::New_York), order }
}

fn at(text: &str) -> NaiveDateTime {
    text.parse().expect("an instant")
}

#[rstest]
#[case("2026-11-04T16:52:18.034Z", "2026-11-04T16:52:18.034")]
#[case("2026-11-04T16:52:18.034567Z", "2026-11-04T16:52:18.034567")]
#[case("2026-11-04T16:52:18.034567891Z", "2026-11-04T16:52:18.034567")]
#[case("2026-11-04T16:52:18Z", "2026-11-04T16:52:18")]
#[case("2026-11-04t16:52:18z", "2026-11-04T16:52:18")]
#[case("2026-11-04T16:52:18.034+00:00", "2026-11-04T16:52:18.034")]
#[case("2026-11-04T16:52:18-05:00", "2026-11-04T21:52:18")]
#[case("2026-11-04T16:52:18+0530", "2026-11-04T11:22:18")]
#[case("2026-11-04T16:52:18-05", "2026-11-04T21:52:18")]
#[case("2026-11-04 16:52:18 -0500", "2026-11-04T21:52:18")]
#[case("2026-11-04 16:52:18 UTC", "2026-11-04T16:52:18")]
#[case("2026-11-04 23:59:59 -0500", "2026-11-05T04:59:59")]
#[case("Wed, 19 Sep 2018 20:00:01 +0000", "2018-09-19T20:00:01")]
#[case("Wed, 19 Sep 2018 20:00:01 -0700", "2018-09-20T03:00:01")]
#[case("1700000000", "2023-11-14T22:13:20")]
#[case("1700000000.25", "2023-11-14T22:13:20.25")]
#[case("1700000000123", "2023-11-14T22:13:20.123")]
fn texts_with_a_zone_need_no_rules(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(TimeRules::default().read(text), Ok(Time { at: at(expected), is_ambiguous: false }));
}

#[rstest]
#[case("2026-11-04T16:52:18", "2026-11-04T21:52:18")]
#[case("2026-11-04 16:52:18.5", "2026-11-04T21:52:18.5")]
#[case("2026-07-04 16:52", "2026-07-04T20:52:00")]
#[case("2026/07/04 16:52:00", "2026-07-04T20:52:00")]
#[case("04/13/2026 11:08:40 AM", "2026-04-13T15:08:40")]
#[case("04/13/2026 11:08:40 pm", "2026-04-14T03:08:40")]
#[case("04/13/2026 12:00:00 AM", "2026-04-13T04:00:00")]
#[case("04/13/2026 12:00:00 PM", "2026-04-13T16:00:00")]
#[case("04/13/2026, 11:08:40AM", "2026-04-13T15:08:40")]
#[case("4/13/2026 1:08", "2026-04-13T05:08:00")]
#[case("13/04/2026 11:08:40", "2026-04-13T15:08:40")]
#[case("13.04.2026 11:08:40", "2026-04-13T15:08:40")]
#[case("04/04/2026 11:08:40 AM", "2026-04-04T15:08:40")]
fn texts_without_a_zone_are_read_in_the_named_one(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(rules(None).read(text), Ok(Time { at: at(expected), is_ambiguous: false }));
    assert_eq!(TimeRules::default().read(text), Err(TimeError::NeedsTimezone));
}

#[rstest]
#[case(DateOrder::MonthFirst, "2025-01-07T13:00:00")]
#[case(DateOrder::DayFirst, "2025-07-01T12:00:00")]
fn the_user_says_which_comes_first(#[case] order: DateOrder, #[case] expected: &str) {
    assert_eq!(rules(Some(order)).read("01/07/2025 08:00:00 AM").map(|time| time.at), Ok(at(expected)));
    assert_eq!(DateOrder::from_name(order.name()), Some(order));
}

#[test]
fn an_ambiguous_date_is_never_guessed() {
    assert_eq!(rules(None).read("01/07/2025 08:00:00 AM"), Err(TimeError::NeedsDateOrder));
}

#[test]
fn a_date_that_contradicts_the_order_stops_the_file() {
    let mut said = rules(Some(DateOrder::MonthFirst));
    let contradiction = Err(TimeError::ContradictsDateOrder(DateOrder::MonthFirst));
    assert_eq!(said.read("13/04/2026 08:00:00 AM"), contradiction);
    let mut learned = rules(None);
    assert!(learned.read("04/13/2026 08:00:00 AM").is_ok());
    assert!(learned.read("04/05/2026 08:00:00 AM").is_ok());
    assert_eq!(learned.read("13/04/2026 08:00:00 AM"), contradiction);
}

#[test]
fn a_time_that_the_clocks_skipped_is_an_error() {
    assert_eq!(rules(None).read("2026-03-08 02:30:00"), Err(TimeError::Skipped(chrono_tz::America::New_York)));
}

#[test]
fn a_time_that_the_clocks_showed_twice_is_the_earlier_and_flagged() {
    let expected = Time { at: at("2026-11-01T05:30:00"), is_ambiguous: true };
    assert_eq!(rules(None).read("2026-11-01 01:30:00"), Ok(expected));
}

#[rstest]
#[case("yesterday")]
#[case("2026-11-04")]
#[case("2026-13-04 10:00:00")]
#[case("2026-02-30 10:00:00")]
#[case("31/31/2026 10:00:00")]
#[case("04/13/26 10:00:00")]
#[case("2026-11-04 24:00:00")]
#[case("2026-11-04 10:60:00")]
#[case("2026-11-04 10:00:60")]
#[case("04/13/2026 13:08:40 PM")]
#[case("04/13/2026 0:08:40 AM")]
#[case("2026-11-04T10:00:00 EST")]
#[case("2026-11-04T10:00:00+25:00")]
#[case("2026-11-04T10:00:00Z trailing")]
#[case("2026-11-04X10:00:00")]
#[case("0026-11-04 10:00:00")]
#[case("12345")]
#[case("99999999999999999999")]
#[case("46125.46435")]
#[case("#VALUE!")]
#[case("")]
fn other_texts_are_no_times(#[case] text: &str) {
    assert_eq!(rules(None).read(text), Err(TimeError::NotATime));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,40}", odd in "[-+:/. TZAPM0-9]{0,30}") {
        let _ = rules(None).read(&text);
        let _ = rules(None).read(&odd);
    }
}
