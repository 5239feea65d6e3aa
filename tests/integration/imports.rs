//! Imports, as a manager with Calls Import and nothing else brings calls in by the browser.

mod work;

use std::time::Duration;

use diesel::prelude::*;
use fairdial::db::imports::{self, State};
use fairdial::db::{AnyConnection, DbError, audit, schema};
use fairdial::domain::ids::ImportId;
use fairdial::file_store::FileStore;

use crate::import::{file_of, many, row};
use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::page::Page;
use crate::support::people::Person;
use crate::support::response::Response;

/// May import, and nothing else.
const INES: Person = Person::Manager { name: "ines", view: false, edit: false, import: true, settings: false };

fn read<T>(app: &TestApp, ask: impl FnOnce(&mut AnyConnection) -> QueryResult<T>) -> T {
    app.db().read_blocking::<_, DbError>(|conn| Ok(ask(conn)?)).expect("it is read")
}

/// How many calls, buyers, kept rows and audit entries there are.
fn there(app: &TestApp) -> [i64; 4] {
    read(app, |conn| {
        Ok([
            schema::calls::table.count().get_result(conn)?,
            schema::buyers::table.count().get_result(conn)?,
            schema::call_raws::table.count().get_result(conn)?,
            schema::audit_head::table.select(schema::audit_head::seq).first(conn)?,
        ])
    })
}

fn csv(rows: &[String]) -> Upload {
    Upload::new("calls.csv", "text/csv", file_of(rows))
}

/// Sends a file with what the form chooses by itself, and what is chosen beside it.
async fn send(person: &Actor, file: Upload, chosen: &[(&str, &str)]) -> Response {
    let fields = [&[("create_names", "1")], chosen].concat();
    person.post_multipart("/imports", &fields, &[("file", file)]).await
}

/// Sends a file, and waits until its dry run is done; gives the address of the import.
async fn looked(person: &Actor, file: Upload, chosen: &[(&str, &str)]) -> String {
    let sent = send(person, file, chosen).await;
    sent.assert_status(303);
    settled(person, sent.location()).await;
    sent.location().to_owned()
}

/// The page of an import that nobody is at work on.
async fn settled(person: &Actor, path: &str) -> Page {
    for _ in 0..600 {
        let page = person.get(path).await.assert_ok().page();
        if !page.has("#progress") {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} is still at work");
}

/// New, updated, unchanged, failed.
fn figures(page: &Page) -> [String; 4] {
    page.texts("#figures tbody td").try_into().expect("four figures")
}

async fn bring_in(person: &Actor, path: &str) -> Page {
    person.post(&format!("{path}/intake"), &[]).await.assert_redirect(path);
    settled(person, path).await
}

fn id_of(path: &str) -> ImportId {
    path.trim_start_matches("/imports/").parse().expect("an id")
}

fn row_of(app: &TestApp, id: ImportId) -> imports::ImportRow {
    read(app, |conn| imports::of_work(conn, id)).expect("it is there")
}

#[actix_web::test]
async fn only_those_with_calls_import_have_the_pages() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let path = looked(&ines, csv(&[row("RGB1", "Acme", "$40.00"), row("RGB2", "Acme", "?")]), &[]).await;
    let others = [
        app.buyer("acme").await,
        app.person(Person::Manager { name: "all-but", view: true, edit: true, import: false, settings: true }).await,
    ];
    let before = there(&app);
    for other in &others {
        assert!(!other.get("/calls").await.page().has("#nav a[href=\"/imports\"]"));
        for page in ["/imports".to_owned(), path.clone(), format!("{path}/errors")] {
            other.get(&page).await.assert_forbidden();
        }
        send(other, csv(&[row("RGB9", "Acme", "$40.00")]), &[]).await.assert_forbidden();
        for action in ["", "/intake", "/discard"] {
            other.post(&format!("{path}{action}"), &[]).await.assert_forbidden();
        }
    }
    assert_eq!((there(&app), row_of(&app, id_of(&path)).state), (before, State::Looked));
    assert!(ines.get("/calls").await.page().has("#nav a[href=\"/imports\"]"));
    for missing in [ImportId::generate().to_string(), "x".to_owned()] {
        ines.get(&format!("/imports/{missing}")).await.assert_not_found();
        ines.post(&format!("/imports/{missing}/intake"), &[]).await.assert_not_found();
        ines.get(&format!("/imports/{missing}/errors")).await.assert_not_found();
    }
}

#[actix_web::test]
async fn a_dry_run_tells_and_the_import_does_it() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let before = there(&app);
    let rows = [row("RGB1", "Acme", "$40.00"), row("RGB2", "Birch", "$41.00"), row("RGB3", "Acme", "#VALUE!")];
    let path = looked(&ines, csv(&rows), &[]).await;

    let page = ines.get(&path).await.page();
    assert_eq!(figures(&page), ["2", "0", "0", "1"]);
    assert_eq!(page.text("#failed tbody th"), "4");
    assert_eq!(page.texts("#failed tbody td")[..2], ["Revenue", "#VALUE!"]);
    assert_eq!(page.text("[data-kind=Buyers]"), "Acme; Birch");
    assert!(page.text("#created").contains("at the source ringba"), "{}", page.text("#created"));
    assert!(!page.has("#created a"), "she can't open Settings");
    assert_eq!(there(&app), before, "nothing is imported yet");

    let done = bring_in(&ines, &path).await;
    assert_eq!(figures(&done), ["2", "0", "0", "1"]);
    assert_eq!(done.text("[data-kind=Buyers]"), "Acme; Birch");
    // Two buyers, and one entry for the import.
    assert_eq!(there(&app), [2, 2, 2, before[3] + 3]);
    let entry = read(&app, |conn| {
        schema::audit_log::table.order(schema::audit_log::seq.desc()).select(audit::AuditRow::as_select()).first(conn)
    });
    let user = app.viewer(INES).user();
    assert_eq!((entry.action.as_str(), entry.actor_id, entry.via.code()), ("calls.imported", Some(user), "browser"));
    assert_eq!(entry.entity_id, id_of(&path).to_string());
    assert!(entry.new_values.contains("\"new\":2") && entry.new_values.contains("calls.csv"), "{}", entry.new_values);
    assert!(app.db().read_blocking(audit::verify).expect("it is read").is_ok());

    let import = row_of(&app, id_of(&path));
    assert_eq!((import.state, import.file()), (State::Done, None), "the file isn't needed any more");
    let kept = FileStore::open(&app.data_dir()).expect("the folders are there").walk().count();
    assert_eq!(kept, 0);
    let listed = ines.get("/imports").await.page();
    assert_eq!(listed.row_ids("imports"), [id_of(&path).to_string()]);
    assert!(listed.text("#imports tbody").contains("ines"), "{}", listed.text("#imports tbody"));
}

#[actix_web::test]
async fn the_same_file_twice_and_a_second_click_change_nothing() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let file = || csv(&[row("RGB1", "Acme", "$40.00"), row("RGB2", "Acme", "$41.00")]);
    let token = ines.get("/imports").await.page().attr("form.narrow [name=form_token]", "value");
    let first = send(&ines, file(), &[("form_token", &token)]).await;
    let again = send(&ines, file(), &[("form_token", &token)]).await;
    again.assert_redirect(first.location());
    settled(&ines, first.location()).await;
    let (one, two) = tokio::join!(bring_in(&ines, first.location()), bring_in(&ines, first.location()));
    assert_eq!((figures(&one), figures(&two)), (figures(&one), figures(&one)));
    let there_now = there(&app);
    assert_eq!(there_now[0], 2);
    assert_eq!(read(&app, |conn| schema::imports::table.count().get_result::<i64>(conn)), 1);

    let path = looked(&ines, file(), &[]).await;
    let page = ines.get(&path).await.page();
    assert_eq!(figures(&page), ["0", "0", "2", "0"]);
    assert_eq!(page.text("#import-h"), "Nothing would change");
    assert_eq!(figures(&bring_in(&ines, &path).await), ["0", "0", "2", "0"]);
    assert_eq!(there(&app), there_now);
}

#[actix_web::test]
async fn failed_rows_come_back_as_they_came_to_be_mended() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let path = looked(&ines, csv(&[row("RGB1", "Acme", "$40.00"), row("RGB2", "Acme", "#VALUE!")]), &[]).await;
    bring_in(&ines, &path).await;
    let answer = ines.get(&format!("{path}/errors")).await;
    answer.assert_ok();
    assert!(answer.header("content-disposition").contains("-errors.csv"), "{}", answer.header("content-disposition"));
    let text = answer.text().to_owned();
    assert!(text.starts_with("Call Date,") && text.contains(",error\n"), "{text}");
    assert!(text.contains("\"Line 3, column Revenue: \"\"#VALUE!\"\", expected an amount"), "{text}");

    let mended = Upload::new("mended.csv", "text/csv", text.replacen("#VALUE!", "$38.50", 1));
    let path = looked(&ines, mended, &[]).await;
    assert_eq!(figures(&bring_in(&ines, &path).await), ["1", "0", "0", "0"]);
    ines.get(&format!("{path}/errors")).await.assert_not_found();

    let json = r#"{"calls":[{"uuid":"a","start_time":"2026-11-04T16:52:18Z","target_name":"Acme","revenue":"?"}]}"#;
    let path = looked(&ines, Upload::new("calls.json", "application/json", json), &[("format", "retreaver")]).await;
    let text = ines.get(&format!("{path}/errors")).await.assert_ok().text().to_owned();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(value["calls"][0]["error"].as_str().is_some_and(|said| said.contains("revenue")), "{text}");
}

#[actix_web::test]
async fn what_is_missing_is_asked_for_and_the_file_is_kept() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let file = || csv(&[row("RGB1", "Acme", "$40.00").replace("2026-11-22T15:08:40Z", "04/13/2026 11:08:40 AM")]);
    let asked = send(&ines, file(), &[]).await;
    asked.assert_status(422);
    let page = asked.page();
    assert!(page.field_error("time_zone").contains("has no time zone. Choose the one"), "{}", asked.text());
    let path = page.attr("form.narrow", "action");
    assert_eq!(there(&app)[0], 0);
    // Reloaded, it says the same; another manager can go on with it.
    assert!(app.manager("dana").await.get(&path).await.page().field_error("time_zone").contains("Line 2"));

    let wrong = ines.post(&path, &[("time_zone", "Mars/Olympus"), ("create_names", "1")]).await;
    wrong.assert_field_error("time_zone", "Choose one of the time zones");
    ines.post(&path, &[("time_zone", "America/New_York"), ("create_names", "1")]).await.assert_redirect(&path);
    assert_eq!(figures(&settled(&ines, &path).await), ["1", "0", "0", "0"]);
    bring_in(&ines, &path).await;
    let started: chrono::NaiveDateTime =
        read(&app, |conn| schema::calls::table.select(schema::calls::started_at).first(conn));
    assert_eq!(started, "2026-04-13T15:08:40".parse().unwrap());

    // Typed wrong at once: the file is kept as well, and what was typed.
    let refused = send(&ines, file(), &[("currency", "dollars"), ("source", "second")]).await;
    refused.assert_field_error("currency", "Write the three letters of a currency, such as USD");
    let page = refused.page();
    assert_eq!((page.value("currency").as_str(), page.value("source").as_str()), ("dollars", "second"));
    let path = page.attr("form.narrow", "action");
    let form = [("time_zone", "UTC"), ("currency", "USD"), ("source", "second"), ("date_order", "mdy")];
    ines.post(&path, &form).await.assert_redirect(&path);
    let page = settled(&ines, &path).await;
    assert_eq!(figures(&page), ["1", "0", "0", "0"], "its buyer is there by now");
}

#[actix_web::test]
async fn a_file_that_cannot_be_one_is_refused_with_its_reason() {
    let app = TestApp::start_set(|config| config.max_import_bytes = 64 * 1024).await;
    let ines = app.person(INES).await;
    let nothing = ines.post_multipart("/imports", &[("currency", "EUR")], &[]).await;
    nothing.assert_field_error("file", "Choose the file that the platform exported");
    assert_eq!(nothing.page().value("currency"), "EUR");
    send(&ines, Upload::new("calls.csv", "text/csv", ""), &[]).await.assert_status(422);
    let large = send(&ines, csv(&many(1_000)), &[]).await;
    large.assert_status(413);
    assert!(large.page().field_error("file").contains("64 KB"), "{}", large.text());
    for (bytes, field, said) in [
        ("a,b\n1,2\n", "format", "No known format has these columns: a, b"),
        ("\u{feff}\n", "file", "The file has no rows"),
        ("[{\"uuid\":", "file", "The JSON breaks off"),
        ("from,to,start_time,sid\n1,2,3,4\n", "mapping", "lacks what a call in the format twilio needs"),
    ] {
        let refused = send(&ines, Upload::new("<b>calls.csv", "text/csv", bytes), &[]).await;
        refused.assert_status(422);
        let page = refused.page();
        let told = page.texts(&format!("#{field}-p, p#{field}")).concat();
        assert!(told.contains(said), "{field}: {told}");
        assert!(page.text("h1").contains("<b>calls.csv"));
    }
    assert_eq!(there(&app)[0], 0);
}

#[actix_web::test]
async fn a_mapping_says_what_a_format_lacks() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let file = Upload::new(
        "twilio.csv",
        "text/csv",
        "sid,from,to,start_time\nCA1,+15550100142,+18005550111,2026-11-04T16:52:18Z\n",
    );
    let mapping = "[constants]\nbuyer = 'Acme'\nconverted = true\npayout = '40.00'\n";
    let path = looked(&ines, file, &[("mapping", mapping)]).await;
    assert_eq!(figures(&bring_in(&ines, &path).await), ["1", "0", "0", "0"]);
    assert_eq!(
        read(&app, |conn| schema::calls::table.select(schema::calls::payout).first::<Option<i64>>(conn)),
        Some(4000)
    );
    let listed = ines.get("/imports").await.page();
    assert!(listed.text("#imports tbody").contains("twilio"), "{}", listed.text("#imports tbody"));
}

#[actix_web::test]
async fn unknown_names_fail_where_none_may_be_created() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let sent = ines.post_multipart("/imports", &[], &[("file", csv(&[row("RGB1", "Acme", "$40.00")]))]).await;
    let page = settled(&ines, sent.location()).await;
    assert_eq!(figures(&page), ["0", "0", "0", "1"]);
    assert_eq!(page.texts("#failed tbody td")[..2], ["buyer", "Acme"]);
    assert!(!page.has("#created"));
}

#[actix_web::test]
async fn only_what_was_looked_at_can_be_imported() {
    let app = TestApp::start().await;
    let (ines, dana) = (app.person(INES).await, app.manager("dana").await);
    let path = looked(&ines, csv(&[row("RGB1", "Acme", "$40.00")]), &[]).await;
    let (intake, seen) = (format!("{path}/intake"), ines.get(&path).await.page().value("version"));
    dana.post(&path, &[("source", "other")]).await.assert_redirect(&path);
    settled(&dana, &path).await;
    let refused = ines.post(&intake, &[("version", &seen)]).await;
    refused.assert_conflict("Somebody asked for another dry run meanwhile");
    ines.post(&intake, &[("version", "x")]).await.assert_status(422);

    let staged =
        send(&ines, Upload::new("x.csv", "text/csv", "a,b\n1,2\n"), &[]).await.page().attr("form.narrow", "action");
    ines.post(&format!("{staged}/intake"), &[]).await.assert_conflict("Its dry run isn");
    assert_eq!(there(&app)[0], 0);
    let file = row_of(&app, id_of(&staged)).file().expect("it is kept");
    let disk = FileStore::open(&app.data_dir()).expect("the folders are there").path(&file);
    assert!(disk.exists());
    ines.post(&format!("{staged}/discard"), &[]).await.assert_redirect("/imports");
    ines.get(&staged).await.assert_not_found();
    assert!(!disk.exists());

    bring_in(&dana, &path).await;
    dana.post(&path, &[("source", "third")]).await.assert_conflict("It was begun already");
    dana.post(&format!("{path}/discard"), &[]).await.assert_conflict("It was begun already");
}
