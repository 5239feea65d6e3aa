use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("+15550100142", "+15550100142")]
#[case(" +15550100142 ", "+15550100142")]
#[case("(555) 010-0142", "+15550100142")]
#[case("555-010-0142", "+15550100142")]
#[case("555.010.0142", "+15550100142")]
#[case("555\u{a0}010\u{a0}0142", "+15550100142")]
#[case("5550100142", "+15550100142")]
#[case("15550100142", "+15550100142")]
#[case("1 (555) 010-0142", "+15550100142")]
#[case("+1 555-010-0142", "+15550100142")]
#[case("+1 (555) 010-0142", "+15550100142")]
#[case("+44 20 7183 8750", "+442071838750")]
#[case("442071838750", "+442071838750")]
#[case("011 44 20 7183 8750", "+442071838750")]
#[case("tel:+1-650-253-0000", "+16502530000")]
#[case("+4930901820", "+4930901820")]
fn numbers_become_e164(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(CallerId::parse(text).map(CallerId::into_string), Ok(expected.to_owned()));
}

#[rstest]
#[case("555010XXXX", "+1555010XXXX")]
#[case("555010xxxx", "+1555010XXXX")]
#[case("+1555010****", "+1555010XXXX")]
#[case("1555010****", "+1555010XXXX")]
#[case("(555) 010-XXXX", "+1555010XXXX")]
#[case("***-***-0142", "+1XXXXXX0142")]
#[case("+44207183XXXX", "+44207183XXXX")]
#[case("555XX", "555XX")]
fn masked_numbers_keep_their_pattern(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(CallerId::parse(text).map(CallerId::into_string), Ok(expected.to_owned()));
}

#[rstest]
#[case("anonymous")]
#[case("Anonymous")]
#[case("Restricted")]
#[case("UNKNOWN")]
#[case("blocked")]
#[case("Private")]
#[case("Unavailable")]
#[case("")]
#[case("  ")]
#[case("+266696687")]
#[case("+7378742833")]
fn hidden_callers_are_anonymous(#[case] text: &str) {
    assert_eq!(CallerId::parse(text).map(CallerId::into_string), Ok(ANONYMOUS.to_owned()));
}

#[rstest]
#[case("sip:agent@example.invalid")]
#[case("SIP:+15550100142@example.invalid")]
#[case("client:jenny")]
fn addresses_are_kept(#[case] text: &str) {
    assert_eq!(CallerId::parse(text).map(CallerId::into_string), Ok(text.to_owned()));
}

#[rstest]
#[case("911", "911")]
#[case("5550142", "5550142")]
#[case("+100", "+100")]
#[case("0000000000", "0000000000")]
fn spoofed_and_short_numbers_come_in(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(CallerId::parse(text).map(CallerId::into_string), Ok(expected.to_owned()));
}

#[rstest]
#[case("hello")]
#[case("1.55501E+10")]
#[case("#VALUE!")]
#[case("XXXXXXXXXX")]
#[case("sip:")]
#[case("123456789012345678901234567890")]
fn other_texts_are_no_caller_ids(#[case] text: &str) {
    assert_eq!(CallerId::parse(text), Err(NotAPhoneNumber));
}

#[rstest]
#[case("(555) 010-0900", Ok("+15550100900"))]
#[case("Acme east desk", Ok("Acme east desk"))]
#[case("", Ok(""))]
#[case("1.55501E+10", Err(NotAPhoneNumber))]
fn destinations_may_be_any_text(#[case] text: &str, #[case] expected: Result<&str, NotAPhoneNumber>) {
    assert_eq!(normalise_destination(text).as_deref(), expected.as_ref().map(|text| *text));
}

#[rstest]
#[case("+15550100142", "0100142")]
#[case("+1555010XXXX", "010XXXX")]
#[case("911", "911")]
#[case("anonymous", "")]
#[case("sip:+15550100142@example.invalid", "0100142")]
#[case("sip:agent7@example.invalid", "")]
#[case("client:jenny", "")]
fn the_last_seven_are_what_people_read_out(#[case] number: &str, #[case] expected: &str) {
    assert_eq!(last7(number), expected);
}

#[test]
fn digits_leave_the_rest_out() {
    assert_eq!(digits("(555) 010-0142"), "5550100142");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", odd in "[-+() .xX*0-9a-z:;=#]{0,30}") {
        let _ = CallerId::parse(&text);
        let _ = CallerId::parse(&odd);
    }

    #[test]
    fn a_normal_form_stays_as_it_is(text in "[-+() .xX*0-9]{0,24}") {
        if let Ok(number) = CallerId::parse(&text) {
            prop_assert_eq!(CallerId::parse(number.as_str()), Ok(number));
        }
    }
}
