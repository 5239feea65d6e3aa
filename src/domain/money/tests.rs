use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a currency")
}

#[rstest]
#[case("40", "USD", 4000)]
#[case("40.0", "USD", 4000)]
#[case("40.00", "USD", 4000)]
#[case("  40.00  ", "USD", 4000)]
#[case("0", "USD", 0)]
#[case("0.00", "USD", 0)]
#[case("-0.00", "USD", 0)]
#[case("0.01", "USD", 1)]
#[case(".5", "USD", 50)]
#[case("-.05", "USD", -5)]
#[case("007", "USD", 700)]
#[case("+12.30", "USD", 1230)]
#[case("$1,030.30", "USD", 103_030)]
#[case("$ 1,030.30", "USD", 103_030)]
#[case("1,030.30", "USD", 103_030)]
#[case("1,030", "USD", 103_000)]
#[case("12,345,678.90", "USD", 1_234_567_890)]
#[case("-$33.00", "USD", -3300)]
#[case("$-33.00", "USD", -3300)]
#[case("\u{2212}33.00", "USD", -3300)]
#[case("(3.00)", "USD", -300)]
#[case("($3.00)", "USD", -300)]
#[case("( 3.00 )", "USD", -300)]
#[case("USD 40.00", "USD", 4000)]
#[case("usd40", "USD", 4000)]
#[case("40.00 USD", "USD", 4000)]
#[case("-USD 40.00", "USD", -4000)]
#[case("$42.00", "CAD", 4200)]
#[case("€40", "EUR", 4000)]
#[case("40 €", "EUR", 4000)]
#[case("£1,000.01", "GBP", 100_001)]
#[case("¥500", "JPY", 500)]
#[case("500", "JPY", 500)]
#[case("KWD 1.250", "KWD", 1250)]
#[case("1.25", "KWD", 1250)]
#[case("92233720368547758.07", "USD", i64::MAX)]
#[case("-92233720368547758.08", "USD", i64::MIN)]
fn amounts_are_read_exactly(#[case] text: &str, #[case] code: &str, #[case] minor: i64) {
    assert_eq!(Money::parse(text, currency(code)), Ok(Some(Money::new(minor, currency(code)))));
}

#[rstest]
#[case("")]
#[case("   ")]
#[case("\t")]
fn an_empty_amount_is_unknown(#[case] text: &str) {
    assert_eq!(Money::parse(text, Currency::USD), Ok(None));
}

#[rstest]
#[case("abc")]
#[case("$")]
#[case("-")]
#[case(".")]
#[case("()")]
#[case("(-3.00)")]
#[case("-(3.00)")]
#[case("$(3.00)")]
#[case("--3")]
#[case("-$-3")]
#[case("(3.00")]
#[case("3.00)")]
#[case("1.2.3")]
#[case("40.")]
#[case("1,5")]
#[case("10,30")]
#[case("1,0300")]
#[case("1030,300.00")]
#[case(",300")]
#[case("1,,000")]
#[case("1.030,30")]
#[case("1 030")]
#[case("1e3")]
#[case("1E-05")]
#[case("0x10")]
#[case("$40$")]
#[case("40 dollars")]
#[case("NaN")]
#[case("٤٠")]
#[case("N/A")]
fn other_texts_are_no_amounts(#[case] text: &str) {
    assert_eq!(Money::parse(text, Currency::USD), Err(MoneyError::NotAnAmount));
}

#[rstest]
#[case("#VALUE!")]
#[case("#DIV/0!")]
#[case("#REF!")]
#[case("#NAME?")]
#[case("#N/A")]
#[case("#n/a")]
#[case("#####")]
fn errors_of_a_spreadsheet_are_not_zero(#[case] text: &str) {
    assert_eq!(Money::parse(text, Currency::USD), Err(MoneyError::SpreadsheetError));
}

#[rstest]
#[case("40.005", "USD")]
#[case("40.000", "USD")]
#[case("0.0000000000000000000000000000000000000001", "USD")]
#[case("40.0", "JPY")]
#[case("1.2505", "KWD")]
fn more_digits_than_the_currency_has_are_never_rounded(#[case] text: &str, #[case] code: &str) {
    let error = Money::parse(text, currency(code)).expect_err("too many digits");
    assert!(matches!(error, MoneyError::TooManyDigits(_) | MoneyError::TooLarge), "{error:?}");
}

#[rstest]
#[case("€40", "USD")]
#[case("EUR 40", "USD")]
#[case("$40", "EUR")]
#[case("40 CAD", "USD")]
fn amounts_of_another_currency_are_refused(#[case] text: &str, #[case] code: &str) {
    assert_eq!(Money::parse(text, currency(code)), Err(MoneyError::OtherCurrency(currency(code))));
}

#[rstest]
#[case("92233720368547758.08")]
#[case("-92233720368547758.09")]
#[case("99999999999999999999999999999999999999999999999999")]
fn amounts_that_overflow_are_refused(#[case] text: &str) {
    assert_eq!(Money::parse(text, Currency::USD), Err(MoneyError::TooLarge));
}

#[rstest]
#[case(4200, "USD", "$42.00", "42.00")]
#[case(-300, "USD", "-$3.00", "-3.00")]
#[case(5, "USD", "$0.05", "0.05")]
#[case(0, "USD", "$0.00", "0.00")]
#[case(103_030, "USD", "$1,030.30", "1030.30")]
#[case(100_000_000, "USD", "$1,000,000.00", "1000000.00")]
#[case(500, "JPY", "¥500", "500")]
#[case(1_234_567, "JPY", "¥1,234,567", "1234567")]
#[case(1250, "KWD", "KWD 1.250", "1.250")]
#[case(-1005, "CAD", "-CAD 10.05", "-10.05")]
#[case(4000, "EUR", "€40.00", "40.00")]
#[case(i64::MIN, "USD", "-$92,233,720,368,547,758.08", "-92233720368547758.08")]
fn amounts_are_shown(#[case] minor: i64, #[case] code: &str, #[case] shown: &str, #[case] plain: &str) {
    let money = Money::new(minor, currency(code));
    assert_eq!(money.to_string(), shown);
    assert_eq!(money.plain().to_string(), plain);
}

#[rstest]
#[case("usd", Some("USD"))]
#[case(" KWD ", Some("KWD"))]
#[case("XXX", None)]
#[case("XAU", None)]
#[case("dollars", None)]
#[case("", None)]
fn currencies_are_known_by_code(#[case] code: &str, #[case] expected: Option<&str>) {
    assert_eq!(Currency::from_code(code).map(Currency::code), expected);
}

#[rstest]
#[case(None, 4200, 4200, 0)]
#[case(Some(-100), 4200, 4200, 0)]
#[case(Some(2500), 0, 4000, 0)]
#[case(Some(2500), 4000, 4000, 2500)]
#[case(Some(2500), 1000, 4000, 625)]
#[case(Some(1), 1, 2, 0)]
#[case(Some(3), 1, 2, 2)]
#[case(Some(5), 1, 2, 2)]
#[case(Some(7), 1, 2, 4)]
#[case(Some(100), 1, 3, 33)]
#[case(Some(200), 1, 3, 67)]
#[case(Some(2500), 100, 0, 0)]
#[case(Some(i64::MAX), i64::MAX, i64::MAX, i64::MAX)]
#[case(Some(i64::MAX), i64::MAX, 1, i64::MAX)]
fn the_clawback_follows_the_credit(
    #[case] publisher_payout: Option<i64>,
    #[case] credit: i64,
    #[case] payout: i64,
    #[case] expected: i64,
) {
    assert_eq!(proposed_clawback(publisher_payout, credit, payout), expected);
}

#[rstest]
#[case(4200, 5000, 2100)]
#[case(1, 5000, 0)]
#[case(3, 5000, 2)]
#[case(4000, 1, 0)]
#[case(4000, 9999, 4000)]
fn a_percentage_is_taken_half_to_even(#[case] payout: i64, #[case] hundredths: i64, #[case] expected: i64) {
    assert_eq!(percent_of(payout, hundredths), expected);
}

#[test]
fn a_part_is_told_in_hundredths_of_a_percent() {
    assert_eq!(hundredths_of_percent(1250, 4200), 2976);
    assert_eq!(hundredths_of_percent(4200, 4200), 10_000);
    assert_eq!(hundredths_of_percent(1, 0), 0);
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(minor in any::<i64>(), code in prop::sample::select(vec!["USD", "JPY", "KWD", "EUR", "CAD"])) {
        let money = Money::new(minor, currency(code));
        prop_assert_eq!(Money::parse(&money.to_string(), currency(code)), Ok(Some(money)));
        prop_assert_eq!(Money::parse(&money.plain().to_string(), currency(code)), Ok(Some(money)));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", digits in "[-+$€(),.0-9 USD]{0,24}") {
        let _ = Money::parse(&text, Currency::USD);
        let _ = Money::parse(&digits, Currency::USD);
    }

    #[test]
    fn a_clawback_never_exceeds_the_publisher_payout(publisher in 0_i64.., payout in 1_i64.., share in 0.0_f64..=1.0) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::as_conversions, reason = "a random share")]
        let credit = ((payout as f64 * share) as i64).clamp(0, payout);
        let clawback = proposed_clawback(Some(publisher), credit, payout);
        prop_assert!((0..=publisher).contains(&clawback));
    }
}
