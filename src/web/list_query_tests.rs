use rstest::rstest;

use super::*;
use crate::domain::ids::CallId;

text_enum! {
    Key {
        Date = "date", "Date";
        Payout = "payout", "Payout";
    }
}
text_enum! {
    Column {
        Date = "date", "Date";
        Payout = "payout", "Payout";
        Secret = "secret", "Secret";
    }
}
words!(Key, Column);

type List = Listing<Key, Column, CallId>;

fn defaults(saved: Option<Saved>) -> Defaults<'static, Key, Column> {
    Defaults {
        sort: Sort { key: Key::Date, is_descending: true },
        sorts: &[Key::Date, Key::Payout],
        columns: &[Column::Date, Column::Payout],
        zone: Tz::America__New_York,
        saved,
    }
}

fn read(query: &str) -> Result<List, AppError> {
    List::read(&Params::parse(query), &defaults(None))
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let list = read("sort=payout&per_page=25&columns=payout&tz=Europe/Paris").expect("it is good");
    assert_eq!(list.sort, Sort { key: Key::Payout, is_descending: false });
    assert!(list.has_own_columns);
    let link = list.write(Link::to("/calls").with("q", "a&b=c d,é"));
    let (path, query) = link.to_string().split_once('?').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(path, "/calls");
    assert_eq!(Params::parse(&query).text("q"), Some("a&b=c d,é"));
    assert_eq!(read(&query).expect("its own words"), list);
}

#[test]
fn saved_settings_hold_where_the_address_is_silent() {
    let saved = Saved { columns: "payout,gone".into(), per_page: 100, sort: "-payout".into() };
    let list = List::read(&Params::parse(""), &defaults(Some(saved.clone()))).unwrap();
    assert_eq!(
        (list.per_page, list.columns, list.sort.key, list.sort.is_descending),
        (100, vec![Column::Payout], Key::Payout, true)
    );
    let list = List::read(&Params::parse("per_page=25&sort=date"), &defaults(Some(saved))).unwrap();
    assert_eq!((list.per_page, list.sort.key, list.sort.is_descending), (25, Key::Date, false));
}

#[test]
fn a_column_out_of_sight_stays_unseen() {
    assert_eq!(read("columns=secret,payout").unwrap().columns, [Column::Payout]);
    let saved = Saved { columns: "secret".into(), ..Saved::default() };
    let list = List::read(&Params::parse(""), &defaults(Some(saved))).unwrap();
    assert_eq!(list.columns, [Column::Date, Column::Payout]);
}

#[rstest]
#[case("sort=shoe", "sort")]
#[case("sort=--date", "sort")]
#[case("per_page=0", "per_page")]
#[case("per_page=101", "per_page")]
#[case("per_page=many", "per_page")]
#[case("columns=shoe", "columns")]
#[case("tz=Mars/Olympus", "tz")]
#[case("after=1", "after")]
#[case("before=%00", "before")]
fn nonsense_is_refused_by_name(#[case] query: &str, #[case] field: &str) {
    match read(query) {
        Err(AppError::Unprocessable(said)) => assert!(said.contains(&format!("\u{201c}{field}\u{201d}")), "{said}"),
        other => panic!("{query}: {other:?}"),
    }
}

#[rstest]
#[case("2026-02-30")]
#[case("20-11-2026")]
#[case("0001-01-01")]
#[case("+12026-1-1")]
#[case("yesterday")]
fn a_day_that_is_none_is_refused(#[case] text: &str) {
    let params =
        Params::parse(&format!("from={}", url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()));
    assert!(matches!(params.days("from", "to", Tz::UTC), Err(AppError::Unprocessable(said)) if said.contains("from")));
}

/// Spring forward at 02:00, at midnight, and a day that never was.
#[rstest]
#[case(Tz::America__New_York, "2026-03-08", "2026-03-08T05:00:00", "2026-03-09T04:00:00")]
#[case(Tz::America__New_York, "2026-11-01", "2026-11-01T04:00:00", "2026-11-02T05:00:00")]
#[case(Tz::Africa__Cairo, "2026-04-24", "2026-04-23T22:00:00", "2026-04-24T21:00:00")]
#[case(Tz::America__Sao_Paulo, "2018-11-04", "2018-11-04T03:00:00", "2018-11-05T02:00:00")]
#[case(Tz::Pacific__Apia, "2011-12-30", "2011-12-30T10:00:00", "2011-12-30T10:00:00")]
#[case(Tz::Asia__Kolkata, "2026-11-20", "2026-11-19T18:30:00", "2026-11-20T18:30:00")]
fn a_day_lasts_as_long_as_its_clocks_say(
    #[case] zone: Tz,
    #[case] day: &str,
    #[case] from: &str,
    #[case] before: &str,
) {
    let days = Params::parse(&format!("from={day}&to={day}")).days("from", "to", zone).expect("a day");
    assert_eq!(days, (Some(from.parse().unwrap()), Some(before.parse().unwrap())));
}

#[test]
fn the_last_day_there_is_has_no_next() {
    assert!(Params::parse("to=9999-12-31").days("from", "to", Tz::UTC).is_ok());
}

#[test]
fn a_header_turns_the_order_round() {
    let list = read("sort=-date").unwrap();
    assert_eq!(list.sort_by(Key::Date, true), "date");
    assert_eq!(list.sort_by(Key::Payout, true), "-payout");
    assert_eq!((list.direction_of(Key::Date), list.direction_of(Key::Payout)), (Some("descending"), None));
}
