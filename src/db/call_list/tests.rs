use super::*;

#[test]
fn what_is_typed_is_searched_by_the_index_that_fits() {
    let id = CallId::generate();
    let prefix = |texts: &[&str]| CallSearch::Prefix(texts.iter().map(|text| (*text).to_owned()).collect());
    let cases = [
        (id.to_string(), CallSearch::Id(id)),
        ("555-0142".to_owned(), CallSearch::Last7("5550142".into())),
        ("+1 (214) 555-0142".to_owned(), prefix(&["+12145550142"])),
        ("(214) 555-0142".to_owned(), prefix(&["+12145550142", "+2145550142", "2145550142"])),
        ("214".to_owned(), prefix(&["+1214", "+214", "214"])),
        ("+1 214 555".to_owned(), prefix(&["+1214555"])),
        ("RGB0001".to_owned(), CallSearch::ExternalId("RGB0001".into())),
    ];
    for (typed, expected) in cases {
        assert_eq!(CallSearch::parse(&typed), expected, "{typed}");
    }
}
