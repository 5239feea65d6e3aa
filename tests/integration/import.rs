//! `fairdial import calls`, as an operator runs it, and what is in the database afterwards.

use std::fs;
use std::process::Output;

use diesel::prelude::*;
use fairdial::clock::Clock;
use fairdial::db::calls::CallRow;
use fairdial::db::{audit, buyers, schema};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::DisputeId;
use serde_json::Value;

use crate::support::cli::Desk;
use crate::support::people::Person;
use crate::support::story;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ringba.csv");
const HEADER: &str = "Call Date,Campaign,Publisher,Caller ID,Dialed #,Duplicate,Hangup,Target,Target Number,Buyer,Revenue,Payout,Duration,Connected Call Length,Connected,Converted,Recording,Inbound Call ID\n";

/// One row of Ringba's export.
pub(crate) fn row(id: &str, buyer: &str, revenue: &str) -> String {
    format!(
        "2026-11-22T15:08:40Z,Final Expense,Alpha Media,+15550100142,+18005550111,No,Caller,Acme East,+15550100900,{buyer},{revenue},$25.00,91,72,Yes,Yes,,{id}\n"
    )
}

pub(crate) fn file_of(rows: &[String]) -> String {
    format!("{HEADER}{}", rows.concat())
}

pub(crate) fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| row(&format!("RGB{number:06}"), "Acme Senior", "$40.00")).collect()
}

fn calls_in(desk: &Desk) -> Vec<CallRow> {
    desk.read(|conn| schema::calls::table.order(schema::calls::external_id).select(CallRow::as_select()).load(conn))
}

fn actions(desk: &Desk) -> Vec<String> {
    desk.read(|conn| {
        schema::audit_log::table.order(schema::audit_log::seq).select(schema::audit_log::action).load(conn)
    })
}

fn figures(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn counts(output: &Output) -> [u64; 4] {
    let figures = figures(output);
    ["new", "updated", "unchanged", "failed"].map(|name| figures[name].as_u64().expect("a figure"))
}

/// Imports rows and gives new, updated, unchanged, failed.
fn import(desk: &Desk, rows: &[String], options: &[&str]) -> [u64; 4] {
    let path = desk.write("calls.csv", &file_of(rows));
    let mut arguments = vec!["import", "calls", &path, "--json"];
    arguments.extend(options);
    let output = desk.run(&arguments);
    assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
    counts(&output)
}

/// A disputed call `RGB1` of acme.
fn disputed(desk: &Desk, intent: Intent) -> DisputeId {
    assert_eq!(import(desk, &[row("RGB1", "acme", "$40.00")], &[]), [1, 0, 0, 0]);
    let clock = Clock::fixed("2026-11-23T12:00:00".parse().expect("an instant"));
    let buyer = Person::buyer("acme").ensure(desk.db(), clock.now());
    let call = calls_in(desk)[0].id;
    story::dispute(desk.db(), &clock, &buyer, call, intent).expect("it is saved")
}

fn payout_of(desk: &Desk, dispute: DisputeId) -> Option<i64> {
    desk.read(|conn| schema::disputes::table.find(dispute).select(schema::disputes::payout).first(conn))
}

#[test]
fn a_fixture_becomes_rows_and_importing_it_again_changes_nothing() {
    let desk = Desk::new();
    let arguments = ["import", "calls", FIXTURE, "--timezone", "America/New_York", "--json"];
    let first = desk.run(&arguments);
    assert_eq!((first.status.code(), counts(&first)), (Some(0), [9, 0, 0, 11]), "{first:?}");
    assert_eq!(figures(&first)["created_buyers"], serde_json::json!(["Acme Senior", "Birch Dental"]));
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(said.contains("ringba.csv: Line 9, column Revenue: \"40.005\", expected an amount"), "{said}");

    let calls = calls_in(&desk);
    let call = &calls[0];
    assert_eq!((call.source.as_str(), call.external_id.as_str()), ("ringba", "RGB0001"));
    assert_eq!(call.started_at, "2026-04-13T15:08:40".parse().unwrap());
    assert_eq!((call.payout, call.publisher_payout), (Some(4000), Some(2500)));
    assert_eq!((call.destination.as_str(), call.destination_number.as_str()), ("Acme East", "+15550100900"));
    assert_eq!((call.duration_s, call.connected_s), (Some(91), Some(72)));
    let derived: (String, i64) = desk.read(|conn| {
        let columns = (schema::calls::caller_last7, schema::calls::payout_sort);
        schema::calls::table.find(call.id).select(columns).first(conn)
    });
    assert_eq!(derived, ("0100142".to_owned(), 4000));
    let raw: String =
        desk.read(|conn| schema::call_raws::table.find(call.id).select(schema::call_raws::raw).first(conn));
    assert!(raw.contains("\"Inbound Call ID\":\"RGB0001\""), "{raw}");
    assert_eq!(actions(&desk), ["buyer.added", "buyer.added", "calls.imported"]);

    let before = desk.digest();
    assert_eq!(counts(&desk.run(&arguments)), [0, 0, 9, 11]);
    assert_eq!(desk.digest(), before);
}

#[test]
fn a_mended_errors_file_brings_in_the_rest() {
    let desk = Desk::new();
    let errors = desk.path("errors.csv");
    let rows = [row("RGB1", "Acme", "$40.00"), row("RGB2", "Acme", "#VALUE!")];
    assert_eq!(import(&desk, &rows, &["--errors", &errors]), [1, 0, 0, 1]);
    let text = fs::read_to_string(&errors).expect("it was written");
    assert!(text.contains(",error\n") && text.contains("\"Line 3, column Revenue: \"\"#VALUE!\"\""), "{text}");

    desk.write("errors.csv", &text.replacen("#VALUE!", "$38.50", 1));
    let own = desk.run(&["import", "calls", &errors, "--errors", &errors]);
    assert_eq!(own.status.code(), Some(2), "{own:?}");
    let output = desk.run(&["import", "calls", &errors, "--json"]);
    assert_eq!(counts(&output), [1, 0, 0, 0], "{output:?}");
    assert_eq!(calls_in(&desk)[1].payout, Some(3850));
}

#[test]
fn a_changed_call_keeps_its_dispute_and_the_change_is_told() {
    let desk = Desk::new();
    let dispute = disputed(&desk, Intent::Send);
    assert_eq!(import(&desk, &[row("RGB1", "ACME ", "$44.00")], &[]), [0, 1, 0, 0]);

    assert_eq!(calls_in(&desk)[0].payout, Some(4400));
    assert_eq!(payout_of(&desk, dispute), Some(4000));
    let entries = desk.read(|conn| audit::of_dispute(conn, dispute));
    let entry = entries.iter().find(|entry| entry.action == "call.updated").expect("the change is told");
    assert_eq!((entry.old_values.as_str(), entry.new_values.as_str()), ("{\"payout\":4000}", "{\"payout\":4400}"));
    assert_eq!(actions(&desk).iter().filter(|action| *action == "calls.imported").count(), 2);
    let chain = desk.db().read_blocking(audit::verify).expect("it is read");
    assert!(chain.is_ok(), "{chain:?}");
}

#[test]
fn a_draft_shows_the_call_as_it_is_now() {
    let desk = Desk::new();
    let draft = disputed(&desk, Intent::Draft);
    assert_eq!(import(&desk, &[row("RGB1", "acme", "$44.00")], &[]), [0, 1, 0, 0]);
    assert_eq!(payout_of(&desk, draft), Some(4400));
    assert!(!actions(&desk).contains(&"call.updated".to_owned()), "nobody but the buyer knows of the Draft");
}

#[test]
fn the_buyer_and_the_currency_of_a_disputed_call_stay() {
    let desk = Desk::new();
    disputed(&desk, Intent::Send);
    let before = desk.digest();
    assert_eq!(import(&desk, &[row("RGB1", "Birch", "$44.00")], &[]), [0, 0, 0, 1]);
    assert_eq!(import(&desk, &[row("RGB1", "acme", "40.00")], &["--currency", "EUR"]), [0, 0, 0, 1]);
    assert_eq!(desk.digest(), before, "not even the unknown buyer was created");
    let never_disputed = [row("RGB2", "acme", "$40.00")];
    assert_eq!(import(&desk, &never_disputed, &[]), [1, 0, 0, 0]);
    assert_eq!(import(&desk, &[row("RGB2", "Birch", "$40.00")], &[]), [0, 1, 0, 0]);
}

#[test]
fn names_match_trimmed_and_case_blind_through_aliases_of_their_source() {
    let desk = Desk::new();
    assert_eq!(import(&desk, &[row("RGB1", "Acme", "$40.00")], &[]), [1, 0, 0, 0]);
    let alias = ["buyer", "alias", "--name", "Acme", "--source", "Ringba", "--alias", "Acme Sr."];
    assert!(desk.run(&alias).status.success());
    assert_eq!(import(&desk, &[row("RGB2", " ACME SR. ", "$40.00")], &[]), [1, 0, 0, 0]);
    assert_eq!(import(&desk, &[row("RGB3", "Acme Sr.", "$40.00")], &["--source", "other"]), [1, 0, 0, 0]);
    let acme = desk.read(|conn| buyers::find_by_name(conn, "acme")).expect("it is there").id;
    let of = |id: &str| calls_in(&desk).iter().find(|call| call.external_id == id).map(|call| call.buyer_id);
    assert_eq!((of("RGB1"), of("RGB2")), (Some(acme), Some(acme)));
    assert_ne!(of("RGB3"), Some(acme), "an alias is of one source");
}

#[test]
fn unknown_names_are_errors_where_none_may_be_created() {
    let desk = Desk::new();
    let rows = [row("RGB1", "Acme", "$40.00"), row("RGB2", "Birch", "$40.00")];
    assert_eq!(import(&desk, &rows, &["--no-create"]), [0, 0, 0, 2]);
    assert_eq!(import(&desk, &rows[..1], &[]), [1, 0, 0, 0]);
    let path = desk.write("calls.csv", &file_of(&rows));
    let output = desk.run(&["import", "calls", &path, "--no-create", "--json"]);
    assert_eq!(counts(&output), [0, 0, 1, 1]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Line 3, column buyer: \"Birch\", expected the name of a buyer"), "{said}");
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let desk = Desk::new();
    assert_eq!(import(&desk, &[row("RGB1", "Acme", "$40.00")], &[]), [1, 0, 0, 0]);
    let before = desk.digest();
    let rows = [
        row("RGB1", "Acme", "$41.00"),
        row("RGB2", "Birch", "$40.00"),
        row("RGB2", "Birch", "$40.00"),
        row("RGB3", "Birch", "?"),
    ];
    assert_eq!(import(&desk, &rows, &["--dry-run"]), [1, 1, 1, 1]);
    assert_eq!(desk.digest(), before);
    assert_eq!(import(&desk, &rows, &[]), [1, 1, 1, 1], "the dry run was right");
}

#[test]
fn rows_that_contradict_each_other_under_one_id_stay_out() {
    let desk = Desk::new();
    let rows = [
        row("RGB1", "Acme", "$40.00"),
        row("RGB2", "Acme", "$40.00"),
        row("RGB1", "Acme", "$41.00"),
        row("RGB2", "Acme", "$40.00"),
    ];
    assert_eq!(import(&desk, &rows, &[]), [1, 0, 1, 2]);
    assert_eq!(calls_in(&desk).iter().map(|call| call.external_id.as_str()).collect::<Vec<_>>(), ["RGB2"]);
}

#[test]
fn one_bad_row_among_ten_thousand_is_named_by_its_line() {
    let desk = Desk::new();
    let mut rows = many(10_000);
    rows[7_654] = row("RGB007654", "Acme Senior", "#DIV/0!");
    let path = desk.write("calls.csv", &file_of(&rows));
    let output = desk.run(&["import", "calls", &path]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("10000 rows: 9999 new, 0 updated, 0 unchanged, 1 failed"), "{told}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("calls.csv: Line 7656, column Revenue: \"#DIV/0!\""), "{said}");
}

#[test]
fn a_file_that_stops_in_its_middle_leaves_nothing() {
    let desk = Desk::new();
    let before = desk.digest();
    let contradicting = [
        row("RGB1", "Acme", "$40.00"),
        row("RGB2", "Acme", "$40.00").replace("2026-11-22T15:08:40Z", "13/04/2026 15:08"),
    ];
    let path = desk.write("calls.csv", &file_of(&contradicting));
    let wrong = [
        vec!["import", "calls", &path, "--date-order", "mdy", "--timezone", "UTC"],
        vec!["import", "calls", &path],
        vec!["import", "calls", &path, "--format", "nonsense"],
        vec!["import", "calls", &path, "--timezone", "Mars/Olympus"],
        vec!["import", "calls", &path, "--mapping", "/nowhere.toml"],
        vec!["import", "calls", "/nowhere.csv"],
    ];
    let codes: Vec<_> = wrong.iter().map(|arguments| desk.run(arguments).status.code()).collect();
    assert_eq!(codes, [Some(1), Some(2), Some(2), Some(2), Some(2), Some(1)]);
    assert_eq!(desk.digest(), before);
}

#[test]
fn imports_side_by_side_leave_one_row_for_each_call() {
    let desk = Desk::new();
    let rows = many(2_000);
    let path = desk.write("calls.csv", &file_of(&rows));
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let imports: Vec<_> = (0..3).map(|_| scope.spawn(|| desk.run(&["import", "calls", &path, "--json"]))).collect();
        imports.into_iter().map(|import| import.join().expect("it ends")).collect()
    });
    let totals: Vec<[u64; 4]> = outputs.iter().map(counts).collect();
    assert_eq!(totals.iter().map(|[new, ..]| new).sum::<u64>(), 2_000, "{totals:?}");
    assert_eq!(totals.iter().map(|[_, _, unchanged, _]| unchanged).sum::<u64>(), 4_000, "{totals:?}");
    assert_eq!(calls_in(&desk).len(), 2_000);
    let buyers = desk.read(|conn| schema::buyers::table.count().get_result::<i64>(conn));
    assert_eq!(buyers, 1);
}

#[test]
fn an_import_that_was_killed_is_run_again() {
    let desk = Desk::new();
    let path = desk.write("calls.csv", &file_of(&many(12_000)));
    let mut child = desk.command(&["import", "calls", &path]).spawn().expect("it starts");
    let count = || desk.read(|conn| schema::calls::table.count().get_result::<i64>(conn));
    while count() == 0 {
        assert_eq!(child.try_wait().expect("it is known"), None, "it ended before it was killed");
        std::thread::yield_now();
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let stored = count();
    assert!((1..12_000).contains(&stored), "{stored}");
    let raws = || desk.read(|conn| schema::call_raws::table.count().get_result::<i64>(conn));
    assert_eq!(raws(), stored);

    let output = desk.run(&["import", "calls", &path, "--json"]);
    let stored = u64::try_from(stored).unwrap();
    assert_eq!(counts(&output), [12_000 - stored, 0, stored, 0]);
    assert_eq!((count(), raws()), (12_000, 12_000));
}

#[test]
fn an_import_that_is_asked_to_stop_tells_what_went_in() {
    let desk = Desk::new();
    let path = desk.write("calls.csv", &file_of(&many(12_000)));
    let child = desk.command(&["import", "calls", &path, "--json"]).spawn().expect("it starts");
    while desk.read(|conn| schema::calls::table.count().get_result::<i64>(conn)) == 0 {
        std::thread::yield_now();
    }
    let asked = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(asked.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stored = desk.read(|conn| schema::calls::table.count().get_result::<i64>(conn));
    assert!((1..12_000).contains(&stored), "{stored}");
    assert_eq!(counts(&output), [u64::try_from(stored).unwrap(), 0, 0, 0]);
    assert!(figures(&output)["stopped"].as_str().is_some_and(|why| why.contains("asked to")), "{output:?}");
    assert_eq!(actions(&desk).last().map(String::as_str), Some("calls.imported"));
}

#[test]
fn several_files_and_standard_input_come_in_together() {
    let desk = Desk::new();
    let path = desk.write("calls.csv", &file_of(&[row("RGB1", "Acme", "$40.00")]));
    let output = assert_cmd::Command::from_std(desk.command(&["import", "calls", &path, "-", "--json"]))
        .write_stdin(file_of(&[row("RGB2", "Acme", "$40.00")]))
        .output()
        .expect("it runs");
    assert_eq!(counts(&output), [2, 0, 0, 0], "{output:?}");
    assert_eq!(figures(&output)["files"][1]["name"], "standard input");
    let twice = desk.run(&["import", "calls", "-", "-"]);
    assert_eq!(twice.status.code(), Some(2), "{twice:?}");
}

#[test]
fn a_buyer_with_an_impossible_name_costs_its_row_alone() {
    let desk = Desk::new();
    assert_eq!(import(&desk, &[row("RGB1", "ac\u{1}me", "$40.00"), row("RGB2", "other", "$40.00")], &[]), [1, 0, 0, 1]);
}

#[test]
fn recordings_find_their_calls_by_name() {
    let desk = Desk::new();
    let dispute = disputed(&desk, Intent::Send);
    assert_eq!(import(&desk, &[row("RGB2", "acme", "$40.00")], &[]), [1, 0, 0, 0]);
    assert_eq!(import(&desk, &[row("RGB2", "acme", "$40.00")], &["--source", "second"]), [1, 0, 0, 0]);
    assert_eq!(import(&desk, &[row("RGB3", "acme", "$40.00")], &[]), [1, 0, 0, 0]);
    let folder = desk.path("audio");
    fs::create_dir(&folder).expect("a folder");
    let mut wav = b"RIFF\x24\0\0\0WAVEfmt ".to_vec();
    wav.resize(64, 7);
    for (name, bytes) in [("RGB1.wav", wav.as_slice()), ("RGB2.wav", &wav), ("RGB9.wav", &wav), ("RGB3.wav", b"text")] {
        fs::write(format!("{folder}/{name}"), bytes).expect("a file");
    }
    let figures_of = |arguments: &[&str]| {
        let output = desk.run(arguments);
        let figures = figures(&output);
        ["attached", "replaced", "unchanged", "left_out"].map(|name| figures[name].as_u64().expect("a figure"))
    };
    let ambiguous = desk.run(&["import", "recordings", &folder]);
    let said = String::from_utf8_lossy(&ambiguous.stderr).into_owned();
    assert!(said.contains("RGB2.wav: calls of ringba and second have this external id"), "{said}");
    assert!(said.contains("RGB3.wav: its content") && said.contains("RGB9.wav: no call"), "{said}");
    let arguments = ["import", "recordings", &folder, "--source", "ringba", "--json"];
    assert_eq!(figures_of(&arguments), [1, 0, 1, 2]);
    let heard: bool =
        desk.read(|conn| schema::disputes::table.find(dispute).select(schema::disputes::has_recording).first(conn));
    assert!(heard, "the dispute that was sent before knows of it too");
    assert_eq!(figures_of(&arguments), [0, 0, 2, 2]);

    wav[60] = 9;
    fs::write(format!("{folder}/RGB1.wav"), &wav).expect("another recording");
    assert_eq!(figures_of(&arguments), [0, 1, 1, 2]);
    let call = calls_in(&desk).into_iter().find(|call| call.external_id == "RGB1").expect("it is there");
    assert!(call.has_recording);
    let file: String =
        desk.read(|conn| schema::recordings::table.find(call.id).select(schema::recordings::file_id).first(conn));
    let store = fairdial::file_store::FileStore::open(&desk.data_dir()).expect("the folder is there");
    assert_eq!(fs::read(store.path(&file.parse().expect("an id"))).expect("the file is there"), wav);
    let told: Vec<_> =
        desk.read(|conn| audit::of_dispute(conn, dispute)).into_iter().map(|entry| entry.action).collect();
    assert!(told.ends_with(&["recording.attached".to_owned(), "recording.replaced".to_owned()]), "{told:?}");
}
