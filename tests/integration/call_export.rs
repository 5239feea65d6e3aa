//! The Call Log as a file: the page's rows and columns, safe in a spreadsheet, and read back by the import.

use std::ops::ControlFlow;

use chrono::Duration;
use diesel::prelude::*;
use fairdial::db::{DbError, schema};
use fairdial::domain::call::CallStatus;
use fairdial::domain::ids::CampaignId;
use fairdial::import::{self, CallRecord, Options};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;
use crate::support::story::NewCall;

fn rows(response: &Response) -> Vec<Vec<String>> {
    response.assert_ok();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(response.body.as_slice());
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        record.expect("every row has as many cells").iter().map(str::to_owned).collect()
    };
    reader.records().map(row).collect()
}

#[actix_web::test]
async fn the_file_has_the_chosen_columns_and_all_rows_of_the_filter() {
    let app = TestApp::start().await;
    let viewer = app.viewer(Person::buyer("acme"));
    let now = app.clock().now();
    for number in 0..7_i64 {
        let call = NewCall {
            payout: Some(1000 + number),
            started_at: now - Duration::hours(number),
            ..NewCall::ordinary(&viewer, now)
        };
        call.add(app.db());
    }
    let failed = NewCall { status: CallStatus::Failed, payout: None, ..NewCall::ordinary(&viewer, now) };
    failed.add(app.db());
    let buyer = app.buyer("acme").await;
    let query = "columns=payout,call_date,duration&status=completed_with_conversion&sort=payout&per_page=2\
                 &tz=America/New_York";
    let response = buyer.get(&format!("/calls.csv?{query}")).await;
    let found = rows(&response);
    assert_eq!(found[0], ["Payout", "Call Date", "Duration", "Currency"]);
    assert_eq!(found.len(), 8, "all rows, not a page");
    assert_eq!(found[1], ["10.00", "2026-11-20T10:42:00-05:00", "0:01:31", "USD"]);
    assert_eq!(found[7][0], "10.06");
    assert!(response.header("content-disposition").starts_with("attachment; filename=\"calls.csv\""));
    assert!(response.header("content-type").starts_with("text/csv"));
    assert_eq!(rows(&buyer.get("/calls.csv").await)[0].last().map(String::as_str), Some("Currency"));
    app.anonymous().get("/calls.csv").await.assert_sign_in_first();
}

#[actix_web::test]
async fn every_row_of_a_long_list_is_there_once() {
    let app = TestApp::start().await;
    let viewer = app.viewer(Person::buyer("acme"));
    let now = app.clock().now();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            let first = NewCall::ordinary(&viewer, now);
            for number in 0..2_345_i64 {
                insert(conn, &first, number)?;
            }
            Ok(())
        })
        .expect("the calls are added");
    let manager = app.manager("dana").await;
    for sort in ["-call_date", "payout", "destination"] {
        let found = rows(&manager.get(&format!("/calls.csv?columns=payout&sort={sort}")).await);
        let mut payouts: Vec<&String> = found.iter().skip(1).map(|row| &row[0]).collect();
        payouts.sort();
        payouts.dedup();
        assert_eq!((found.len(), payouts.len()), (2_346, 2_345), "{sort}");
    }
}

fn insert(conn: &mut fairdial::db::AnyConnection, like: &NewCall, number: i64) -> QueryResult<()> {
    use schema::calls as c;
    diesel::insert_into(c::table)
        .values((
            (c::id.eq(1_000 + number), c::source.eq("ringba"), c::external_id.eq(number.to_string())),
            (c::buyer_id.eq(like.buyer), c::started_at.eq(like.started_at - Duration::seconds(number / 7))),
            (c::caller_id.eq("+12145550164"), c::caller_last7.eq("5550164"), c::dialed.eq("")),
            (c::destination_number.eq(""), c::destination.eq(format!("Desk {}", number % 3)), c::currency.eq("USD")),
            (c::payout.eq(number), c::payout_sort.eq(number), c::status.eq(like.status)),
            (c::hangup_by.eq("caller"), c::hangup_cause.eq(""), c::is_duplicate.eq(false)),
            (c::recording_url.eq(""), c::has_recording.eq(false)),
            (c::created_at.eq(like.started_at), c::updated_at.eq(like.started_at)),
        ))
        .execute(conn)
        .map(drop)
}

#[actix_web::test]
async fn no_text_is_a_formula() {
    let app = TestApp::start().await;
    let viewer = app.viewer(Person::buyer("acme"));
    for start in ["=", "+", "-", "@", "\t", "\r"] {
        let call = NewCall {
            destination: format!("{start}cmd|' /C calc'!A0"),
            ..NewCall::ordinary(&viewer, app.clock().now())
        };
        call.add(app.db());
    }
    let found = rows(&app.buyer("acme").await.get("/calls.csv").await);
    assert_eq!(found.len(), 7);
    for cell in found.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
    }
    assert_eq!(found[1][1], "'+12145550164");
}

#[actix_web::test]
async fn our_own_format_is_for_managers_and_comes_back_the_same() {
    let app = TestApp::start().await;
    let viewer = app.viewer(Person::buyer("acme"));
    let now = app.clock().now();
    let call = NewCall { destination: "=HYPERLINK(1)".into(), ..NewCall::ordinary(&viewer, now) }.add(app.db());
    let masked =
        NewCall { caller_id: "+1214555XXXX".into(), payout: None, duration_s: None, ..NewCall::ordinary(&viewer, now) };
    masked.add(app.db());
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            use schema::{calls as c, campaigns as m};
            let campaign = CampaignId::generate();
            diesel::insert_into(m::table)
                .values((m::id.eq(campaign), m::name.eq("@home, \"AZ\""), m::name_key.eq("home")))
                .execute(conn)?;
            diesel::update(c::table.find(call))
                .set((c::campaign_id.eq(campaign), c::hangup_cause.eq("-1 busy"), c::connected_s.eq(72)))
                .execute(conn)?;
            Ok(())
        })
        .expect("the call is changed");
    app.buyer("acme").await.get("/calls.csv?format=fairdial").await.assert_forbidden();
    let manager = app.manager("dana").await;
    manager.get("/calls.csv?format=xml").await.assert_status(422);
    let exported = manager.get("/calls.csv?format=fairdial&sort=call_date").await;
    exported.assert_ok().assert_body_has("'=HYPERLINK(1)").assert_body_has("'+12145550164").assert_body_has("'-1 busy");

    let mut records: Vec<CallRecord> = Vec::new();
    let summary = import::read_calls(exported.body.as_slice(), &Options::default(), |outcome| {
        records.push(outcome.result.expect("every row is good"));
        ControlFlow::Continue(())
    });
    assert_eq!(summary.expect("it is readable").format, "fairdial");
    assert_eq!(records.len(), 2);
    let read = &records[0];
    assert_eq!((read.buyer.as_str(), read.campaign.as_deref()), ("acme", Some("@home, \"AZ\"")));
    assert_eq!((read.destination_name.as_str(), read.destination_number.as_str()), ("=HYPERLINK(1)", "+12145550118"));
    assert_eq!((read.payout, read.publisher_payout), (Some(4200), Some(2500)));
    assert_eq!((read.started_at, read.status), (now - Duration::days(1), CallStatus::CompletedWithConversion));
    assert_eq!((read.hangup_cause.as_str(), read.connected_s, read.duration_s), ("-1 busy", Some(72), Some(91)));
    assert_eq!(read.caller_id, "+12145550164");
    assert_eq!((records[1].caller_id.as_str(), records[1].payout), ("+1214555XXXX", None));
}
