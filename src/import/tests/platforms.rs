//! Files of Ringba and Retreaver, row by row, and their errors files.

use super::*;

#[test]
fn a_ringba_row_becomes_a_call_and_revenue_is_our_payout() {
    let read = read(RINGBA);
    let call = read.call("RGB0001");
    let expected = CallRecord {
        source: "ringba".into(),
        external_id: "RGB0001".into(),
        buyer: "Acme Senior".into(),
        publisher: Some("Alpha Media".into()),
        campaign: Some("Final Expense".into()),
        started_at: at("2026-04-13T15:08:40"),
        is_time_ambiguous: false,
        caller_id: "+15550100142".into(),
        dialed: "+18005550111".into(),
        destination_number: "+15550100900".into(),
        destination_name: "Acme East".into(),
        currency: Currency::USD,
        payout: Some(4000),
        publisher_payout: Some(2500),
        duration_s: Some(91),
        connected_s: Some(72),
        status: CallStatus::CompletedWithConversion,
        hangup_by: HangupBy::Caller,
        hangup_cause: String::new(),
        is_duplicate: false,
        recording_url: "https://example.invalid/rec/1.mp3".into(),
        raw: call.raw.clone(),
    };
    assert_eq!(*call, expected);
    let raw: serde_json::Value = serde_json::from_str(&call.raw).expect("JSON");
    assert_eq!(raw["Revenue"], "$40.00");
    assert_eq!(raw["Inbound Call ID"], "RGB0001");
}

#[test]
fn ringba_values_are_read_as_they_really_come() {
    let read = read(RINGBA);
    let summary = read.result.as_ref().expect("read");
    let expected = Summary { format: "ringba", rows: 20, failed: 11, ambiguous_times: 1, is_complete: true };
    assert_eq!(*summary, expected);

    assert_eq!(read.call("RGB0002").destination_number, "+15550100900");
    let third = read.call("RGB0003");
    assert_eq!((third.caller_id.as_str(), third.payout), ("+1555010XXXX", Some(103_030)));
    assert_eq!((third.publisher.as_deref(), third.is_duplicate), (Some("Beta, Leads"), true));
    assert_eq!((third.hangup_by, third.hangup_cause.as_str()), (HangupBy::Unknown, "Publisher"));
    let fourth = read.call("RGB0004");
    assert_eq!((fourth.payout, fourth.publisher_payout), (None, None));
    assert_eq!(fourth.status, CallStatus::NotConnectedWithoutConversion);
    let fifth = read.call("RGB0005");
    assert_eq!((fifth.payout, fifth.publisher_payout), (Some(-300), Some(-200)));
    assert_eq!(fifth.destination_name, "Birch\nWest");
    assert_eq!(fifth.status, CallStatus::NotConnectedWithConversion);
    assert!(read.call("RGB0012").is_time_ambiguous);
    assert_eq!(read.call("RGB0018").caller_id, "911");
    assert_eq!(read.call("RGB0019").started_at, at("2026-04-14T16:00:00"));
    assert_eq!(read.call("RGB0020").started_at, at("2026-04-14T16:00:00"));
}

#[rstest]
#[case(8, "Line 8, column Revenue: \"#VALUE!\", expected an amount, not an error of a spreadsheet")]
#[case(9, "Line 9, column Revenue: \"40.005\", expected an amount with at most 2 decimal digits, as USD has")]
#[case(10, "Line 10, column Caller ID: \"1.55501E+10\", expected a phone number")]
#[case(11, "Line 11, column Duration: \"1:75\", expected a duration")]
#[case(11, "Line 11, column Duplicate: \"maybe\", expected yes or no")]
#[case(12, "Line 12, column Call Date: \"yesterday\", expected a date and time")]
#[case(
    13,
    "Line 13, column Call Date: \"03/08/2026 02:30:00 AM\", expected a time that the clocks of America/New_York"
)]
#[case(16, "Line 16, column Buyer: empty, expected the name of the buyer")]
#[case(17, "Line 17, column Inbound Call ID: empty, expected the id")]
#[case(18, "Line 18: \"5 values\", expected 18 values")]
#[case(19, "Line 19, column Recording: \"javascript:alert(1)\", expected an address")]
#[case(20, "Line 20, column Revenue: \"€40.00\", expected an amount in USD")]
fn a_row_that_fails_names_line_column_value_and_what_was_expected(#[case] line: u64, #[case] says: &str) {
    let error = read(RINGBA).error_of_line(line);
    assert!(error.contains(says), "{error}");
}

#[test]
fn a_mended_errors_file_can_be_imported() {
    let first = read(RINGBA);
    assert!(first.errors_file.starts_with("Call Date,Campaign,"));
    assert_eq!(read(&first.errors_file).failed.len(), 11);
    let mended = first
        .errors_file
        .replace("#VALUE!", "$40.00")
        .replace("40.005", "40.05")
        .replace("1.55501E+10", "+15550100190")
        .replace(",maybe,", ",No,")
        .replace("1:75", "2:15")
        .replace("yesterday", "04/14/2026 05:30:00 AM")
        .replace("03/08/2026 02:30", "03/08/2026 03:30")
        .replace("javascript:alert(1)", "");
    let second = read(&mended);
    assert_eq!(second.calls.len(), 7, "{second:#?}");
    assert_eq!(second.call("RGB0007").payout, Some(4005));
    // What failed again carries its new error once.
    let header = second.errors_file.lines().next().unwrap_or_default();
    assert_eq!(header.matches("error").count(), 1);
    let third = read(&second.errors_file);
    assert!(third.failed.iter().all(|(_, row)| !row.to_string().contains("one for each column")), "{third:#?}");
}

#[test]
fn retreavers_json_becomes_calls() {
    let read = read_with(RETREAVER, &Options::default());
    let first = read.call("f1abfb78-0000-4146-9946-000000000001");
    assert_eq!((first.source.as_str(), first.buyer.as_str()), ("retreaver", "Desk 1"));
    assert_eq!((first.payout, first.publisher_payout), (Some(500), Some(500)));
    assert_eq!((first.duration_s, first.connected_s), (Some(14), Some(2)));
    assert_eq!(first.started_at, at("2026-11-04T16:52:18.034"));
    assert_eq!((first.destination_number.as_str(), first.destination_name.as_str()), ("+15550100112", "Desk 1"));
    assert_eq!((first.publisher.as_deref(), first.hangup_by), (None, HangupBy::Caller));
    assert!(first.raw.contains("\"status\":\"finished\""));
    let second = read.call("f1abfb78-0000-4146-9946-000000000002");
    assert_eq!((second.duration_s, second.payout, second.is_duplicate), (Some(9), Some(1250), true));
    assert_eq!(second.campaign.as_deref(), Some("Main é"));
    assert_eq!(second.status, CallStatus::NotConnectedWithoutConversion);
    assert_eq!(read.call("f1abfb78-0000-4146-9946-000000000004").payout, Some(700));
    let error = read.error_of_line(6);
    assert!(error.contains("column target_name: empty, expected the name of the buyer"), "{error}");
    assert!(error.contains("column revenue: \"1.005\""), "{error}");
    assert!(error.contains("column converted: empty, expected one value"), "{error}");
    assert_eq!(read.calls.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 7]);
}

#[test]
fn a_mended_errors_file_of_json_can_be_imported() {
    let first = read(RETREAVER);
    let again = read(&first.errors_file);
    assert_eq!(again.failed.len(), 1);
    let mended = again
        .errors_file
        .replace("1.005", "1.05")
        .replace("{\"yes\":true}", "true")
        .replace("\"target_name\":null", "\"target_name\":\"Desk 3\"");
    assert_eq!(read(&mended).only().payout, Some(105));
    assert_eq!(mended.matches("\"error\"").count(), 1);
}
