//! Whole files of each platform, to records and row errors.

use rstest::rstest;

use super::errors_file::ErrorsFile;
use super::*;

mod platforms;

const RINGBA: &str = include_str!("../../tests/fixtures/ringba.csv");
const RETREAVER: &str = include_str!("../../tests/fixtures/retreaver.json");

#[derive(Debug)]
struct Read {
    calls: Vec<(u64, CallRecord)>,
    failed: Vec<(u64, FailedRow)>,
    errors_file: String,
    result: Result<Summary, ImportError>,
}

impl Read {
    fn call(&self, external_id: &str) -> &CallRecord {
        let found = self.calls.iter().find(|(_, call)| call.external_id == external_id);
        &found.unwrap_or_else(|| panic!("no call {external_id} in {self:#?}")).1
    }

    fn only(&self) -> &CallRecord {
        assert_eq!((self.calls.len(), self.failed.len()), (1, 0), "{self:#?}");
        &self.calls.first().expect("a call").1
    }

    fn error_of_line(&self, line: u64) -> String {
        let found = self.failed.iter().find(|(own, _)| *own == line);
        found.unwrap_or_else(|| panic!("line {line} didn't fail in {self:#?}")).1.to_string()
    }

    fn refusal(self) -> String {
        self.result.expect_err("refused").to_string()
    }
}

fn read_with(text: impl AsRef<[u8]>, options: &Options) -> Read {
    let (mut calls, mut failed) = (Vec::new(), Vec::new());
    let mut errors = ErrorsFile::new(Vec::new());
    let result = read_calls(text.as_ref(), options, |row| {
        match row.result {
            Ok(call) => calls.push((row.line, call)),
            Err(row_failed) => {
                errors.write(row.layout, &row_failed.raw, &row_failed.to_string()).expect("written");
                failed.push((row.line, row_failed));
            }
        }
        ControlFlow::Continue(())
    });
    let errors_file = String::from_utf8(errors.finish().expect("finished")).expect("UTF-8");
    Read { calls, failed, errors_file, result }
}

fn in_new_york() -> Options {
    Options { timezone: Some(chrono_tz::America::New_York), ..Options::default() }
}

fn read(text: impl AsRef<[u8]>) -> Read {
    read_with(text, &in_new_york())
}

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

/// A CSV in our own format with one call, its fields changed.
fn ours(fields: &[(&str, &str)]) -> String {
    let mut all = vec![("external_id", "A1"), ("started_at", "2026-04-13T11:08:40Z"), ("buyer", "Acme")];
    all.retain(|(name, _)| !fields.iter().any(|(own, _)| own == name));
    all.extend_from_slice(fields);
    let (names, values): (Vec<&str>, Vec<String>) =
        all.iter().map(|(name, value)| (*name, format!("\"{value}\""))).unzip();
    format!("{}\n{}\n", names.join(","), values.join(","))
}

#[rstest]
#[case::ringba_api(
    "ringba",
    r#"{"isSuccessful":true,"report":{"totalCount":1,"records":[{"inboundCallId":"A1","callDt":1776182400000,"inboundPhoneNumber":"+15550100142","buyer":"Acme","publisherName":"Alpha","conversionAmount":42.5,"payoutAmount":25,"callLengthInSeconds":71,"connectedCallLengthInSeconds":60,"endCallSource":"Caller","hasConnected":true,"hasConverted":true,"isDuplicate":false}]}}"#
)]
#[case::retreaver(
    "retreaver",
    r#"[{"call":{"uuid":"A1","start_time":"2026-04-14T16:00:00Z","caller":"+15550100142","target_name":"Acme","affiliate_name":"Alpha","revenue":42.5,"payout":25.0,"total_duration":71,"hung_up_by":"caller","connected":true,"converted":true}}]"#
)]
#[case::trackdrive(
    "trackdrive",
    r#"{"calls":[{"uuid":"A1","created_at":"2026-04-14T16:00:00Z","caller_number":"+15550100142","buyer":"Acme","traffic_source":"Alpha","revenue":"42.50","payout":"25.00","total_duration":71,"answered_duration":60,"hangup_cause":"caller","buyer_converted":"Converted"}],"metadata":{"total":1}}"#
)]
#[case::trackdrive_csv(
    "trackdrive",
    "uuid;created_at;caller_number;buyer;traffic_source;revenue;payout;total_duration;answered_duration;hangup_cause;buyer_converted\nA1;2026-04-14 16:00:00 UTC;+15550100142;Acme;Alpha;42.50;25.00;71;60;caller;Converted\n"
)]
#[case::ours(
    "fairdial",
    "external_id\tstarted_at\tcaller_id\tbuyer\tpublisher\tpayout\tpublisher_payout\tduration_s\tconnected_s\thangup_by\tstatus\nA1\t2026-04-14T16:00:00Z\t'+15550100142\tAcme\tAlpha\t42.50\t25.00\t71\t60\tcaller\tcompleted_with_conversion\n"
)]
#[case::json_lines(
    "ringba",
    "{\"Inbound Call ID\":\"A1\",\"Call Date\":\"2026-04-14T16:00:00Z\",\"Caller ID\":\"5550100142\",\"Buyer\":\"Acme\",\"Publisher\":\"Alpha\",\"Revenue\":\"42.5\",\"Payout\":25,\"Duration\":\"71\",\"Hangup\":\"Caller\",\"Converted\":true}\r\n\r\n"
)]
fn each_platforms_calls_mean_the_same(#[case] format: &str, #[case] text: &str) {
    let read = read_with(text, &Options::default());
    assert_eq!(read.result.as_ref().map(|summary| summary.format).ok(), Some(format), "{read:#?}");
    let call = read.only();
    assert_eq!((call.external_id.as_str(), call.source.as_str()), ("A1", format));
    assert_eq!((call.buyer.as_str(), call.publisher.as_deref()), ("Acme", Some("Alpha")));
    assert_eq!((call.payout, call.publisher_payout), (Some(4250), Some(2500)));
    assert_eq!(call.started_at, at("2026-04-14T16:00:00"));
    assert_eq!((call.caller_id.as_str(), call.duration_s), ("+15550100142", Some(71)));
    assert_eq!((call.status, call.hangup_by), (CallStatus::CompletedWithConversion, HangupBy::Caller));
}

#[test]
fn callrail_and_twilio_take_the_rest_from_a_mapping() {
    let mapping = Mapping::parse("[constants]\npayout = '42.50'\nconverted = true\n").expect("a mapping");
    let options = Options { mapping: Some(mapping), ..Options::default() };
    let callrail = r#"{"page":1,"total_records":1,"calls":[{"id":"CAL1","start_time":"2026-04-14T12:00:00.000-04:00","customer_phone_number":"+15550100142","company_name":"Acme","source":"Alpha","duration":71,"answered":false,"recording":null}]}"#;
    let read = read_with(callrail, &options);
    assert_eq!((read.only().payout, read.only().publisher.as_deref()), (Some(4250), Some("Alpha")));
    assert_eq!(read.only().status, CallStatus::NotConnectedWithConversion);

    let mapping = Mapping::parse("source = 'twilio-2'\n[constants]\nbuyer = 'Acme'\npayout = 40\n").expect("a mapping");
    let options = Options { mapping: Some(mapping), ..Options::default() };
    let twilio = "{\"calls\":[{\"sid\":\"CA1\",\"start_time\":\"Tue, 14 Apr 2026 16:00:00 +0000\",\"from\":\"+15550100142\",\"to\":\"+18005550111\",\"duration\":\"71\",\"status\":\"completed\"},{\"sid\":\"CA2\",\"start_time\":\"Tue, 14 Apr 2026 16:00:00 +0000\",\"from\":\"client:jenny\",\"status\":\"no-answer\"}]}";
    let read = read_with(twilio, &options);
    let call = read.call("CA1");
    assert_eq!((call.source.as_str(), call.payout, call.duration_s), ("twilio-2", Some(4000), Some(71)));
    assert_eq!(call.status, CallStatus::CompletedWithoutConversion);
    assert_eq!(read.call("CA2").status, CallStatus::NotConnectedWithoutConversion);
}

#[test]
fn a_mapping_alone_reads_any_file() {
    let text = "Call No;When;Who;Fee\r\n17;13.04.2026 11:08;5550100142;40\r\n";
    let mapping = "source = 'desk'\n[columns]\nexternal_id = 'call no'\nstarted_at = 'when'\ncaller_id = 'Who'\npayout = 'Fee'\n[constants]\nbuyer = 'Acme'\nconverted = true\ncurrency = 'EUR'\n";
    let options = Options { mapping: Mapping::parse(mapping).ok(), ..in_new_york() };
    let read = read_with(text, &options);
    let call = read.only();
    assert_eq!((call.source.as_str(), call.external_id.as_str(), call.payout), ("desk", "17", Some(4000)));
    assert_eq!((call.currency.code(), call.started_at), ("EUR", at("2026-04-13T15:08:00")));
    assert_eq!(call.status, CallStatus::CompletedWithConversion);
    let nameless = Options { mapping: Mapping::parse(&mapping.replace("source = 'desk'", "")).ok(), ..in_new_york() };
    assert!(read_with(text, &nameless).refusal().contains("--source NAME"));
}

#[rstest]
#[case(&[("status", "not_connected_with_conversion")], CallStatus::NotConnectedWithConversion)]
#[case(&[("status", "Completed - With Conversion")], CallStatus::CompletedWithConversion)]
#[case(&[("status", "in_progress")], CallStatus::InProgress)]
#[case(&[("status", "failed")], CallStatus::Failed)]
#[case(&[("connected", "no"), ("converted", "yes")], CallStatus::NotConnectedWithConversion)]
#[case(&[("connected_s", "5"), ("converted", "no")], CallStatus::CompletedWithoutConversion)]
#[case(&[("connected_s", "0"), ("converted", "yes")], CallStatus::NotConnectedWithConversion)]
#[case(&[("converted", "yes")], CallStatus::CompletedWithConversion)]
#[case(&[], CallStatus::NotConnectedWithoutConversion)]
fn the_status_is_named_or_follows_from_the_outcome(#[case] fields: &[(&str, &str)], #[case] expected: CallStatus) {
    assert_eq!(read(ours(fields)).only().status, expected);
}

#[test]
fn our_own_export_takes_formula_marks_off() {
    let text =
        ours(&[("caller_id", "'+15550100142"), ("buyer", "'=Acme"), ("campaign", "'tis"), ("source", "ringba-2")]);
    let read = read(text);
    let call = read.only();
    assert_eq!((call.caller_id.as_str(), call.buyer.as_str()), ("+15550100142", "=Acme"));
    assert_eq!((call.campaign.as_deref(), call.source.as_str()), (Some("'tis"), "ringba-2"));
}

#[test]
fn the_source_that_is_asked_for_wins() {
    let options = Options { source: Some("two".into()), ..in_new_york() };
    assert_eq!(read_with(ours(&[("source", "one")]), &options).only().source, "two");
}

#[test]
fn money_is_in_the_currency_of_the_row_or_the_one_asked_for() {
    let options = Options { currency: Currency::from_code("JPY"), ..in_new_york() };
    assert_eq!(read_with(ours(&[("payout", "500")]), &options).only().payout, Some(500));
    let own = read_with(ours(&[("payout", "1.25"), ("currency", "kwd")]), &options);
    assert_eq!((own.only().payout, own.only().currency.code()), (Some(1250), "KWD"));
    assert_eq!(read_with(ours(&[("payout", "40.0")]), &options).failed.len(), 1);
    let number = r#"{"external_id":"A1","started_at":"2026-04-13T11:08:40Z","buyer":"Acme","payout":500.0}"#;
    assert_eq!(read_with(number, &options).only().payout, Some(500));
}

#[rstest]
#[case("", "has no rows")]
#[case(" \n \n", "has no rows")]
#[case("Name,Amount\nx,1\n", "No known format has these columns: Name, Amount")]
#[case("[1, 2]", "No known format")]
#[case(
    "uuid,start_time\n1,2026-01-01T00:00:00Z\n",
    "lacks what a call in the format retreaver needs: buyer (column \"target_name\")"
)]
#[case("Call Date,Inbound Call ID,Buyer\n01/07/2025 08:00:00 AM,1,A\n", "--date-order mdy")]
#[case(
    "Call Date,Inbound Call ID,Buyer\n01/13/2025 08:00:00 AM,1,A\n13/01/2025 08:00:00 AM,1,A\n",
    "Line 3, column Call Date: \"13/01/2025 08:00:00 AM\" contradicts the order mdy"
)]
#[case(
    "[{\"uuid\":\"1\",\"start_time\":\"2026-01-01T00:00:00Z\",\"target_name\":\"A\"},\n{\"uuid\":",
    "breaks off at line 2"
)]
fn a_file_that_cannot_be_read_says_what_to_do(#[case] text: &str, #[case] says: &str) {
    let refusal = match read(text) {
        Read { result: Ok(_), failed, .. } => failed.iter().map(|(_, failed)| failed.to_string()).collect(),
        read => read.refusal(),
    };
    let says = if text == "[1, 2]" { "expected an object in JSON" } else { says };
    assert!(refusal.contains(says), "{refusal}");
}

#[test]
fn a_time_without_a_zone_needs_one() {
    let refusal = read_with(RINGBA, &Options::default()).refusal();
    assert!(refusal.contains("Line 2, column Call Date") && refusal.contains("--timezone"), "{refusal}");
}

#[test]
fn a_format_must_exist() {
    let options = Options { format: Some("excel".into()), ..Options::default() };
    assert!(read_with(RINGBA, &options).refusal().contains("no format \"excel\""));
}

#[rstest]
#[case(b"external_id,started_at,buyer\nA1,2026-04-13T11:08:40Z,Acm\xe9\n".to_vec(), "Line 2 isn't UTF-8")]
#[case(b"{\"external_id\":\"A\"}\n{\"external_id\":\"\xe9\"}\n".to_vec(), "Line 2 isn't UTF-8")]
#[case(vec![0xff, 0xfe, b'a', 0], "UTF-16")]
fn a_file_must_be_utf8(#[case] bytes: Vec<u8>, #[case] says: &str) {
    let options = Options { format: Some("fairdial".into()), ..Options::default() };
    let read = read_with(bytes, &options);
    let told = read.result.map_or_else(|error| error.to_string(), |_| "read".to_owned());
    assert!(told.contains(says) || told.contains("lacks"), "{told}");
}

#[test]
fn text_with_nul_is_a_row_error_because_a_database_refuses_it() {
    assert_eq!(read(ours(&[("campaign", "a\0b")])).failed.len(), 1);
}

#[test]
fn the_receiver_can_stop() {
    let mut count = 0;
    let summary = read_calls(RINGBA.as_bytes(), &in_new_york(), |_| {
        count += 1;
        if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((count, summary.map(|summary| summary.is_complete).ok()), (3, Some(false)));
    let stopped = read_calls(RETREAVER.as_bytes(), &in_new_york(), |_| ControlFlow::Break(()));
    assert_eq!(stopped.map(|summary| (summary.rows, summary.is_complete)).ok(), Some((1, false)));
}
