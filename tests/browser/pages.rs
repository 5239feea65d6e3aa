//! Every page as people see it: no axe violation, nothing that scrolls sideways, nothing on the console, and a picture.
//!
//! `bin/pictures` copies some of the pictures into the guide.

use chrono::TimeDelta;
use diesel::prelude::*;
use fairdial::auth::{Actor, Granted, ImportCalls, ManageSettings, Origin, Scopes, TokenScope, Viewer};
use fairdial::db::call_list::{self, CallFilter, Disputable};
use fairdial::db::deliveries::{self, Outcome};
use fairdial::db::imports::{self, ImportsError};
use fairdial::db::outbox::Topic;
use fairdial::db::paging::Place;
use fairdial::db::schema::{imports as schema_imports, webhook_endpoints};
use fairdial::db::tokens::{self, NewToken, TokenError};
use fairdial::db::webhooks::{self, Change, Wanted, WebhookError};
use fairdial::db::{AnyConnection, DbError, dispute_list, policy, users};
use fairdial::demo::store;
use fairdial::demo::world::World as Demo;
use fairdial::demo::{PASS_PHRASE, SEED, Scale};
use fairdial::domain::dispute::Status;
use fairdial::domain::ids::{EndpointId, ImportId};
use fairdial::file_store::FileStore;
use fairdial::intake::{Imports, Settings};
use fairdial::shutdown::Shutdown;

use crate::shared::app::TestApp;
use crate::support::browser::{Browser, View};

const BUYER: &str = "maren@lanternbrook.example";
pub(crate) const MANAGER: &str = "idris@quillmoor.example";

/// Where to look: a name for the picture, and the address.
type Stop = (&'static str, String);

pub(crate) async fn demo() -> TestApp {
    let app = TestApp::start().await;
    let now = app.clock().now();
    let files = FileStore::open(&app.data_dir()).expect("a folder for files");
    let world = Demo::new(SEED, Scale::demo(), now);
    store::fill(app.db(), &files, &world, now, |_| {}).expect("the demo is stored");
    add_tokens(&app);
    add_webhooks(&app);
    add_imports(&app);
    work_on_imports(&app).await;
    app
}

/// A webhook that was sent something twice, with success and without, so that its pages have something to show.
fn add_webhooks(app: &TestApp) {
    let now = app.clock().now();
    let added = app.db().write_blocking::<_, WebhookError>(|conn| {
        let row = users::find_by_email(conn, MANAGER)?.expect("the demo has this user");
        let manager = Viewer::from_row(&row, Origin::command()).expect("not disabled");
        let grant: Granted<ManageSettings> = Granted::check(&manager).expect("Settings are held");
        let url = "https://hooks.lanternbrook.example/fairdial/disputes".to_owned();
        let wanted = Wanted { url, topics: Topic::chosen().collect() };
        let (id, _) = webhooks::add(conn, &grant, (None, &wanted), now)?;
        for (status, answer) in [(Some(200), "{\"received\": true}"), (Some(503), "upstream connect error")] {
            webhooks::change(conn, &grant, id, &Change::Test, now)?;
            let work = deliveries::claim(conn, id, now)?.expect("the test is due");
            let outcome = Outcome {
                at: now,
                milliseconds: 84,
                signature: "v1,2tAJWIvHjqvnUm6ELdNdbV8EMXJkfKkA9b9z2XrW0tE=".to_owned(),
                status,
                answer: answer.to_owned(),
            };
            deliveries::settle(conn, (id, work.events[0].0), &outcome, 500)?;
            deliveries::release(conn, id, now)?;
        }
        Ok(())
    });
    added.expect("the webhook is added");
}

/// A file whose dry run is done, one that needs a time zone, and one that was imported, so that their pages have something to show.
fn add_imports(app: &TestApp) {
    let now = app.clock().now();
    let files = FileStore::open(&app.data_dir()).expect("a folder for files");
    let row = |time: &str, id: &str, payout: &str| {
        format!("{time},Final Expense,Alpha Media,+15550100142,Lanternbrook East,{payout},{id}\n")
    };
    let head = "Call Date,Campaign,Publisher,Caller ID,Buyer,Revenue,Inbound Call ID\n";
    let good = [row("2026-11-19T15:08:40Z", "A1", "$40.00"), row("2026-11-19T16:08:40Z", "A2", "#VALUE!")].concat();
    let zoneless = row("11/19/2026 11:08:40 AM", "B1", "$40.00");
    let kept = app.db().write_blocking::<_, ImportsError>(|conn| {
        let row = users::find_by_email(conn, MANAGER)?.expect("the demo has this user");
        let manager = Viewer::from_row(&row, Origin::command()).expect("not disabled");
        let grant: Granted<ImportCalls> = Granted::check(&manager).expect("Import is held");
        let settings = Settings { creates_names: true, ..Settings::default() };
        for (name, rows) in
            [("ringba-november.csv", &good), ("ringba-without-zones.csv", &zoneless), ("done.csv", &good)]
        {
            let file = files.put(name, "text/csv", format!("{head}{rows}").as_bytes()).expect("stored");
            imports::stage(conn, &grant, &file, (&settings, true), now)?;
        }
        Ok(())
    });
    kept.expect("the files are kept");
}

/// Looks through the files, and brings the last one in.
async fn work_on_imports(app: &TestApp) {
    let files = FileStore::open(&app.data_dir()).expect("a folder for files");
    let work = Imports::new(app.db().clone(), app.clock().clone(), files, Shutdown::default());
    work.clone().resume().await;
    let now = app.clock().now();
    let last = app.db().write_blocking::<_, ImportsError>(|conn| {
        let row = users::find_by_email(conn, MANAGER)?.expect("the demo has this user");
        let manager = Viewer::from_row(&row, Origin::command()).expect("not disabled");
        let grant: Granted<ImportCalls> = Granted::check(&manager).expect("Import is held");
        let last = import_named(conn, "done.csv")?;
        imports::start(conn, &grant, last, None, now)?;
        Ok(last)
    });
    work.work(last.expect("it is begun")).await;
}

fn import_named(conn: &mut AnyConnection, name: &str) -> QueryResult<ImportId> {
    schema_imports::table.filter(schema_imports::file_name.eq(name)).select(schema_imports::id).first(conn)
}

/// The only webhook there is.
fn webhook(conn: &mut AnyConnection) -> Result<EndpointId, DbError> {
    Ok(webhook_endpoints::table.select(webhook_endpoints::id).first(conn)?)
}

/// A token with scopes and one with all of them, so that their page has something to show.
fn add_tokens(app: &TestApp) {
    let now = app.clock().now();
    let made = app.db().write_blocking::<_, TokenError>(|conn| {
        let user = users::find_by_email(conn, BUYER)?.expect("the demo has this user").id;
        let scopes = Scopes::new(&[TokenScope::CallsRead, TokenScope::DisputesRead, TokenScope::DisputesWrite]);
        for (name, scopes, expires_at) in
            [("Nightly filing", scopes, Some(now + TimeDelta::days(90))), ("Everything", Scopes::default(), None)]
        {
            tokens::create(
                conn,
                &Actor::operator(),
                &NewToken { user, name: name.to_owned(), scopes, expires_at },
                now,
            )?;
        }
        Ok(())
    });
    made.expect("the tokens are made");
}

/// The pages of a person, by what is there for them to see.
fn stops(app: &TestApp, email: &str) -> Vec<Stop> {
    let now = app.clock().now();
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            let row = users::find_by_email(conn, email)?.expect("the demo has this user");
            let viewer = Viewer::from_row(&row, Origin::command()).expect("not disabled");
            let (scope, policy) = (viewer.scope(), policy::load(conn)?);
            let disputable = Disputable { policy: &policy, now };
            let wanted = CallFilter { is_disputable: true, has_recording: true, ..CallFilter::default() };
            let order = (call_list::DEFAULT_SORT, &disputable);
            let calls = call_list::page(conn, scope, &wanted, order, (Place::First, 1))?.rows;
            let mut dispute = |status| {
                let filter =
                    dispute_list::DisputeFilter { statuses: vec![status], has_evidence: true, ..Default::default() };
                let place = (Place::First, 1);
                dispute_list::page(conn, scope, &filter, dispute_list::DEFAULT_SORT, place).map(|listed| listed.rows)
            };
            let (pending, decided) = (dispute(Status::Pending)?, dispute(Status::AcceptedPartial)?);
            let mut stops: Vec<Stop> = vec![
                ("call-log", "/calls".into()),
                ("call-log-no-match", "/calls?q=0000000".into()),
                ("disputes", "/disputes".into()),
                ("notifications", "/notifications".into()),
                ("account", "/account".into()),
                ("account-tokens", "/account/tokens".into()),
                ("api-docs", "/api/v1/docs".into()),
                ("help", "/help/buyer".into()),
                ("missing", "/nowhere".into()),
            ];
            stops.extend(calls.iter().map(|call| ("call", format!("/calls/{}", call.id))));
            if viewer.is_manager() {
                let somebody = users::find_by_email(conn, BUYER)?.expect("the demo has this user");
                let buyer = somebody.buyer_id.expect("a buyer's user");
                stops.extend(pending.iter().map(|row| ("review", format!("/review/{}", row.id))));
                stops.extend([
                    ("settings-users", "/settings/users".into()),
                    ("settings-user", format!("/settings/users/{}", somebody.id)),
                    ("settings-user-new", "/settings/users/new".into()),
                    ("settings-buyers", "/settings/buyers".into()),
                    ("settings-buyer", format!("/settings/buyers/{buyer}")),
                    ("settings-policy", "/settings/policy".into()),
                    ("settings-webhooks", "/settings/webhooks".into()),
                    ("settings-webhook", format!("/settings/webhooks/{}", webhook(conn)?)),
                    ("imports", "/imports".into()),
                    ("import-looked", format!("/imports/{}", import_named(conn, "ringba-november.csv")?)),
                    ("import-staged", format!("/imports/{}", import_named(conn, "ringba-without-zones.csv")?)),
                    ("import-done", format!("/imports/{}", import_named(conn, "done.csv")?)),
                    ("audit", "/audit".into()),
                    ("audit-filtered", "/audit?entity=user&verify=1".into()),
                    ("reports", "/reports".into()),
                ]);
            } else {
                stops.extend(calls.iter().map(|call| ("dispute-form", format!("/calls/{}/disputes/new", call.id))));
            }
            stops.extend(pending.iter().map(|row| ("dispute-pending", format!("/disputes/{}", row.id))));
            stops.extend(decided.iter().map(|row| ("dispute-decided", format!("/disputes/{}", row.id))));
            Ok(stops)
        })
        .expect("the demo is readable")
}

pub(crate) async fn sign_in(app: &TestApp, browser: &Browser, email: &str) {
    browser.open(&format!("{}/login", app.origin())).await;
    browser.fill("email", email).await;
    browser.fill("password", PASS_PHRASE).await;
    browser.press("Sign in").await;
    browser.find("#call-log").await;
}

async fn walk(app: &TestApp, who: &str, email: &str) {
    let browser = Browser::start(View { width: 1440, height: 900, ..View::default() }).await;
    sign_in(app, &browser, email).await;
    // A page that isn't there is a failed request, and the console says so.
    let mut problems = Vec::new();
    for (name, path) in stops(app, email) {
        for (width, height) in [(1440, 900), (768, 1024), (320, 640)] {
            browser.resize(width, height).await;
            for dark in [false, true] {
                browser.set_media(dark, false).await;
                browser.open(&format!("{}{path}", app.origin())).await;
                let look = if dark { "dark" } else { "light" };
                let picture = format!("{who}-{name}-{width}-{look}");
                for violation in browser.axe().await {
                    let nodes: Vec<_> = violation.nodes.iter().map(|node| node.html.clone()).collect();
                    problems.push(format!("{picture}: {} {nodes:?}", violation.id));
                }
                if browser.scrolls_sideways().await {
                    problems.push(format!("{picture}: scrolls sideways"));
                }
                let console = browser.console().await;
                problems
                    .extend(console.into_iter().filter(|_| name != "missing").map(|line| format!("{picture}: {line}")));
                browser.screenshot(&picture).await;
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The panels, which only exist over their lists.
async fn walk_panels(app: &TestApp) {
    let browser = Browser::start(View { width: 1440, height: 900, ..View::default() }).await;
    sign_in(app, &browser, BUYER).await;
    for (width, height) in [(1440, 900), (320, 640)] {
        for dark in [false, true] {
            let look = if dark { "dark" } else { "light" };
            browser.resize(1440, 900).await;
            browser.set_media(dark, false).await;
            browser.open(&format!("{}/disputes", app.origin())).await;
            browser.click("#disputes-table tbody a.hit").await;
            browser.find("#details-panel").await;
            browser.resize(width, height).await;
            browser.assert_accessible().await;
            browser.screenshot(&format!("buyer-panel-{width}-{look}")).await;
            browser.resize(1440, 900).await;
            browser.open(&format!("{}/calls?disputable=1", app.origin())).await;
            browser.press("Dispute Call").await;
            browser.find("#details-panel form").await;
            browser.resize(width, height).await;
            browser.press("Send").await;
            browser.find("#details-panel .summary").await;
            browser.assert_accessible().await;
            browser.screenshot(&format!("buyer-form-error-{width}-{look}")).await;
        }
    }
}

#[actix_web::test]
async fn every_page_can_be_used_by_everybody() {
    let app = demo().await;
    walk(&app, "buyer", BUYER).await;
    walk(&app, "manager", MANAGER).await;
    walk_panels(&app).await;
}
