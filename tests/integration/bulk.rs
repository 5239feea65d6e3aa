//! Many disputes decided at once: what was confirmed is what is decided, once each, also over a restart.

use std::time::{Duration, Instant as Stopwatch};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fairdial::auth::{EditDisputes, Granted, ManageSettings, Viewer};
use fairdial::bulk::Work;
use fairdial::db::administration::{self, Edited, UserChange};
use fairdial::db::bulk_jobs::{self, Plan};
use fairdial::db::dispute_list::{self, DisputeFilter};
use fairdial::db::transitions::{self, DecideError, DecisionInput};
use fairdial::db::users::Permissions;
use fairdial::db::{DbError, audit, counters, schema};
use fairdial::domain::decision::Verdict;
use fairdial::domain::dispute::Status;
use fairdial::domain::ids::{CallId, DisputeId};
use fairdial::shutdown::Shutdown;

use crate::disputes::{acme, decide, sent};
use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;

fn many(app: &TestApp, number: usize) -> Vec<DisputeId> {
    let buyer = acme(app);
    (0..number).map(|_| sent(app, &buyer, |_| {})).collect()
}

fn grant(app: &TestApp) -> Granted<EditDisputes> {
    Granted::check(&app.viewer(Person::manager("dana"))).expect("Edit is held")
}

/// Waits until the work is done; gives the result page.
async fn finished(dana: &Actor, path: &str) -> Response {
    for _ in 0..600 {
        let page = dana.get(path).await;
        if !page.page().has("progress") {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} does not finish");
}

/// Sums of the ledger and of the calls, the number of rows in the ledger, and the counters; the chain is whole.
fn ledger(app: &TestApp, manager: &Viewer) -> (i64, i64, i64, i64) {
    use schema::{adjustments as a, calls as c, disputes as d};
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            let credits: Vec<i64> = a::table.select(a::credit).load(conn)?;
            let nets: Vec<i64> = c::table.select(c::net_credit).load(conn)?;
            let pending: i64 = d::table.filter(d::status.eq(Status::Pending)).count().get_result(conn)?;
            assert_eq!(pending, counters::pending(conn, manager.scope())?);
            audit::verify(conn)?.expect("the chain is whole");
            let rows = i64::try_from(credits.len()).expect("few rows");
            Ok((credits.iter().sum(), nets.iter().sum(), rows, pending))
        })
        .expect("read")
}

#[actix_web::test]
async fn of_a_thousand_those_decided_by_hand_meanwhile_are_skipped() {
    let app = TestApp::start().await;
    let (ids, manager, dana) = (many(&app, 1_000), app.viewer(Person::manager("petra")), app.manager("dana").await);
    let answer = dana.post("/selections", &[("matching", "status=pending")]).await;
    answer.assert_status(303);
    let page = dana.get(&format!("{}?verdict=accepted", answer.location())).await;
    page.assert_ok();
    assert_eq!(page.page().texts("#totals tbody tr > *"), ["1,000", "$42,000.00", "$42,000.00", "$25,000.00"]);
    for id in ids.iter().step_by(20) {
        decide(&app, &manager, *id, Verdict::Rejected, None);
    }
    let selection = answer.location().rsplit('/').next().expect("an id").to_owned();
    let form = [("selection", selection.as_str()), ("verdict", "accepted"), ("note", "Agreed.")];
    let started = Stopwatch::now();
    let answer = dana.post("/decisions", &form).await;
    answer.assert_redirect(&format!("/decisions/{selection}"));
    // A second click begins nothing.
    dana.post("/decisions", &form).await.assert_redirect(&format!("/decisions/{selection}"));
    let done = finished(&dana, answer.location()).await;
    eprintln!("950 of 1,000 decided in {:?}", started.elapsed());
    assert_eq!(done.page().text("#outcome"), "950 decided, 50 skipped.");
    assert_eq!(done.page().row_ids("skipped").len(), 50);
    assert!(done.page().texts("#skipped td").contains(&"It is Rejected already".to_owned()));
    assert_eq!(ledger(&app, &manager), (950 * 4200, 950 * 4200, 950, 0));
}

#[actix_web::test]
async fn a_percentage_is_rounded_row_by_row_and_skips_what_it_cannot_split() {
    let app = TestApp::start().await;
    let buyer = acme(&app);
    let ids: Vec<_> = [5, 15, 1, 4200, 4200]
        .into_iter()
        .map(|payout| sent(&app, &buyer, |call| (call.payout, call.publisher_payout) = (Some(payout), None)))
        .collect();
    let (manager, dana) = (app.viewer(Person::manager("petra")), app.manager("dana").await);
    let named: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let fields: Vec<_> = named.iter().map(|id| ("dispute", id.as_str())).collect();
    let answer = dana.post("/selections", &fields).await;
    let path = answer.location().to_owned();
    let selection = path.rsplit('/').next().expect("an id").to_owned();
    for (percent, said) in [("0", "422"), ("100", "422"), ("12.345", "422"), ("x", "422"), ("", "422")] {
        let form = [("selection", selection.as_str()), ("verdict", "accepted_partial"), ("credit_percent", percent)];
        let answer = dana.post("/decisions", &form).await;
        assert_eq!(answer.status.as_str(), said, "{percent}");
        assert_eq!(answer.page().field_error("credit_percent"), "Enter a percentage from 0.01 to 99.99");
    }
    decide(&app, &manager, ids[4], Verdict::Rejected, None);
    let page = dana.get(&format!("{path}?verdict=accepted_partial&credit_percent=50")).await;
    // 2.5 and 7.5 cents are 2 and 8; half a cent of one is none.
    assert_eq!(page.page().texts("#totals tbody tr > *"), ["3", "$42.20", "$21.10", "$0.00"]);
    let form = [("selection", selection.as_str()), ("verdict", "accepted_partial"), ("credit_percent", "50")];
    let answer = dana.post("/decisions", &form).await;
    let done = dana.follow(&answer).await;
    assert_eq!(done.page().text("#outcome"), "3 decided, 2 skipped.");
    done.assert_body_has("The percentage gives no credit").assert_body_has("It is Rejected already");
    assert_eq!(ledger(&app, &manager), (2110, 2110, 3, 1));
}

#[actix_web::test]
async fn what_is_not_as_it_was_confirmed_is_skipped_and_says_why() {
    use schema::{calls as c, disputes as d};
    let app = TestApp::start().await;
    let (buyer, manager, dana) = (acme(&app), app.viewer(Person::manager("dana")), app.manager("dana").await);
    let ids = many(&app, 6);
    let small = sent(&app, &buyer, |call| call.payout = Some(10));
    let answer = dana.post("/selections", &[("matching", "status=pending")]).await;
    let path = answer.location().to_owned();
    let files = [("evidence", Upload::new("note.txt", "text/plain", "She called twice."))];
    let acme = app.buyer("acme").await;
    acme.post_multipart(&format!("/disputes/{}/evidence", ids[0]), &[], &files).await.assert_status(303);
    decide(&app, &manager, ids[1], Verdict::Rejected, None);
    let changed = app.db().write_blocking::<_, DbError>(|conn| {
        let call: CallId = d::table.find(ids[2]).select(d::call_id).first(conn)?;
        diesel::update(c::table.find(call)).set(c::payout.eq(4100)).execute(conn)?;
        diesel::update(d::table.find(ids[3])).set(d::filed_by_manager.eq(manager.user())).execute(conn)?;
        Ok(())
    });
    changed.expect("it changes");
    acme.post(&format!("/disputes/{}/withdrawal", ids[4]), &[]).await.assert_status(303);
    let page = dana.get(&format!("{path}?verdict=accepted_partial&credit_percent=99.5")).await;
    page.assert_ok();
    assert_eq!(page.page().texts("#totals tbody tr > *")[0], "1", "what is known to be skipped isn't promised");
    let selection = path.rsplit('/').next().expect("an id");
    let form = [("selection", selection), ("verdict", "accepted_partial"), ("credit_percent", "99.5")];
    let answer = dana.post("/decisions", &form).await;
    let page = dana.follow(&answer).await.page();
    assert_eq!(page.row_ids("decided"), [ids[5].to_string()]);
    let skipped: Vec<(String, String)> = page
        .select("#skipped tbody tr")
        .iter()
        .map(|row| (row.attr("data-id"), row.page().texts("td").pop().expect("why")))
        .collect();
    let why = |id: DisputeId| {
        let found = skipped.iter().find(|(skipped, _)| *skipped == id.to_string());
        found.map(|(_, why)| why.as_str()).expect("it is skipped")
    };
    assert_eq!(why(ids[0]), "It changed after it was selected");
    assert_eq!(why(ids[1]), "It is Rejected already");
    assert_eq!(why(ids[2]), "Its call changed after Send: look at the difference first");
    assert_eq!(why(ids[3]), "You filed it yourself");
    assert_eq!(why(ids[4]), "It is Withdrawn already");
    assert_eq!(why(small), "The percentage gives the whole payout");
}

#[actix_web::test]
async fn who_may_not_decide_any_more_decides_no_further_batch() {
    let app = TestApp::start().await;
    many(&app, 150);
    let (manager, petra) = (app.viewer(Person::manager("dana")), app.viewer(Person::manager("petra")));
    let work = begun(&app);
    let settings = Granted::<ManageSettings>::check(&petra).expect("Settings is held");
    let permissions = Permissions { disputes_view: true, settings: true, ..Permissions::default() };
    let (name, email) = (Edited::to("dana".to_owned()), Edited::to("dana@example.com".to_owned()));
    let change = UserChange { name, email, permissions, seen: None };
    let now = app.clock().now();
    let taken =
        app.db().write_blocking(|conn| administration::change_user(conn, &settings, manager.user(), &change, now));
    taken.expect("Edit is taken away");
    work.clone().run(Shutdown::default()).await;
    assert_eq!(ledger(&app, &petra), (100 * 2100, 100 * 2100, 100, 50));
    let outcomes: Vec<String> = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            use schema::bulk_items as i;
            Ok(i::table.filter(i::position.ge(100)).select(i::outcome).load(conn)?)
        })
        .expect("read");
    assert_eq!(outcomes, vec!["not_allowed"; 50]);
}

#[actix_web::test]
async fn a_selection_is_its_managers_and_lasts_an_hour() {
    let app = TestApp::start().await;
    let ids = many(&app, 2);
    let (dana, petra) = (app.manager("dana").await, app.manager("petra").await);
    let answer = dana.post("/selections", &[("dispute", &ids[0].to_string())]).await;
    let path = answer.location().to_owned();
    let selection = path.rsplit('/').next().expect("an id");
    petra.get(&path).await.assert_not_found();
    let form = [("selection", selection), ("verdict", "rejected")];
    petra.post("/decisions", &form).await.assert_not_found();
    dana.post("/selections", &[]).await.assert_status(422);
    dana.post("/decisions", &[("selection", selection)]).await.assert_status(422);
    let long = "x".repeat(5_001);
    let answer = dana.post("/decisions", &[form[0], form[1], ("note", &long)]).await;
    answer.assert_field_error("note", "A note has at most 5,000 characters");
    assert_eq!(answer.page().value("note"), long);
    app.clock().advance(chrono::Duration::hours(1));
    let dana = app.manager("dana").await;
    dana.post("/decisions", &form).await.assert_status(410);
    // Without a selection, those named are decided as they are now.
    let answer = dana.post("/decisions", &[("dispute", &ids[1].to_string()), ("verdict", "rejected")]).await;
    assert_eq!(dana.follow(&answer).await.page().text("#outcome"), "1 decided, 0 skipped.");
}

#[actix_web::test]
async fn what_broke_off_goes_on_where_it_was_and_decides_nothing_twice() {
    let app = TestApp::start().await;
    many(&app, 350);
    let (manager, dana) = (app.viewer(Person::manager("dana")), grant(&app));
    let job = begun(&app).job;
    // A batch that breaks off at its end leaves nothing of itself.
    let broken = app.db().write_blocking(|conn| -> Result<(), DecideError> {
        bulk_jobs::work(conn, app.clock(), job)?;
        Err(DecideError::NetOutOfRange)
    });
    assert!(broken.is_err());
    assert_eq!(ledger(&app, &manager), (100 * 2100, 100 * 2100, 100, 250));
    // Two servers that take it up at once share the work.
    let work = |_| fairdial::bulk::resume(app.db().clone(), app.clock().clone(), Shutdown::default());
    futures_util::future::join_all((0..2).map(work)).await;
    assert_eq!(ledger(&app, &manager), (350 * 2100, 350 * 2100, 350, 0));
    let row = app.db().read_blocking::<_, DbError>(|conn| Ok(bulk_jobs::find(conn, &dana, job)?)).expect("read");
    let row = row.expect("the job is kept");
    assert_eq!((row.state, row.decided, row.next_position), (bulk_jobs::State::Done, 350, 350));
}

/// A job of Dana's over all there is, half of each payout, of which the first batch is done.
fn begun(app: &TestApp) -> Work {
    let (manager, dana, now) = (app.viewer(Person::manager("dana")), grant(app), app.clock().now());
    let plan = Plan { verdict: Verdict::AcceptedPartial, credit_percent: Some(5_000), note: String::new() };
    let started = app.db().write_blocking::<_, bulk_jobs::StartError>(|conn| {
        let rows = dispute_list::all_matching(conn, manager.scope(), &DisputeFilter::default())?;
        let id = bulk_jobs::select(conn, &dana, &rows, "", now)?;
        bulk_jobs::start(conn, &dana, id, &plan, now)
    });
    let job = started.expect("it starts").id;
    app.db().write_blocking(|conn| bulk_jobs::work(conn, app.clock(), job)).expect("a batch");
    Work { db: app.db().clone(), clock: app.clock().clone(), job }
}

/// Takes a table away that every decision writes to, or brings it back.
fn set_broken(app: &TestApp, is_broken: bool) {
    let (from, to) = if is_broken { ("outbox", "outbox_away") } else { ("outbox_away", "outbox") };
    app.database().connect().batch_execute(&format!("ALTER TABLE {from} RENAME TO {to}")).expect("renamed");
}

#[actix_web::test]
async fn work_that_fails_is_tried_again_by_itself() {
    let app = TestApp::start().await;
    many(&app, 150);
    let manager = app.viewer(Person::manager("dana"));
    let work = begun(&app);
    set_broken(&app, true);
    let pauses = [Duration::from_millis(50); 200];
    let running = actix_web::rt::spawn(async move { work.run_pausing(Shutdown::default(), &pauses).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ledger(&app, &manager), (100 * 2100, 100 * 2100, 100, 50));
    set_broken(&app, false);
    running.await.expect("no panic");
    assert_eq!(ledger(&app, &manager), (150 * 2100, 150 * 2100, 150, 0));
}

#[actix_web::test]
async fn work_that_keeps_failing_stops_says_why_and_goes_on_when_told() {
    let app = TestApp::start().await;
    many(&app, 150);
    let (manager, dana) = (app.viewer(Person::manager("dana")), app.manager("dana").await);
    let work = begun(&app);
    set_broken(&app, true);
    work.clone().run_pausing(Shutdown::default(), &[Duration::from_millis(1); 3]).await;
    let path = format!("/decisions/{}", work.job);
    let page = dana.get(&path).await;
    let told = page.assert_ok().page().text("#stopped");
    assert!(told.contains("the database said") && told.contains("outbox"), "{told}");
    assert!(page.page().text("#outcome").starts_with("100 decided, 0 skipped so far."));
    assert!(!page.page().has("[hx-get][hx-trigger]#bulk-result"), "nothing comes of waiting");
    app.manager("petra").await.get(&path).await.assert_not_found();

    set_broken(&app, false);
    let fields = ["selection", "verdict", "credit_percent"].map(|name| (name, page.page().value(name)));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.manager("petra").await.post("/decisions", &fields).await.assert_not_found();
    dana.post("/decisions", &fields).await.assert_redirect(&path);
    assert_eq!(finished(&dana, &path).await.page().text("#outcome"), "150 decided, 0 skipped.");
    assert_eq!(ledger(&app, &manager), (150 * 2100, 150 * 2100, 150, 0));
}

#[actix_web::test]
async fn work_that_stopped_is_taken_up_by_the_next_start() {
    let app = TestApp::start().await;
    many(&app, 150);
    let work = begun(&app);
    set_broken(&app, true);
    work.run_pausing(Shutdown::default(), &[]).await;
    set_broken(&app, false);
    fairdial::bulk::resume(app.db().clone(), app.clock().clone(), Shutdown::default()).await;
    assert_eq!(ledger(&app, &app.viewer(Person::manager("dana"))), (150 * 2100, 150 * 2100, 150, 0));
}

#[actix_web::test]
async fn of_many_managers_at_one_dispute_exactly_one_wins() {
    const NAMES: [&str; 32] = [
        "m00", "m01", "m02", "m03", "m04", "m05", "m06", "m07", "m08", "m09", "m10", "m11", "m12", "m13", "m14", "m15",
        "m16", "m17", "m18", "m19", "m20", "m21", "m22", "m23", "m24", "m25", "m26", "m27", "m28", "m29", "m30", "m31",
    ];
    let app = TestApp::start().await;
    let managers: Vec<Granted<EditDisputes>> =
        NAMES.iter().map(|name| Granted::check(&app.viewer(Person::manager(name))).expect("Edit")).collect();
    let ids = many(&app, 200);
    let mut credited = 0;
    for (race, id) in ids.iter().copied().enumerate() {
        let racers = managers.iter().take(2 + race % 31).cloned().enumerate().map(|(number, grant)| {
            let clock = app.clock().clone();
            let credit = 100 + i64::try_from(number).expect("small");
            let input = DecisionInput {
                verdict: Verdict::AcceptedPartial,
                credit: Some(credit),
                clawback: None,
                note: String::new(),
                version: None,
                difference_seen: false,
            };
            let db = app.db().clone();
            async move {
                let decided = db.write(move |conn| transitions::decide(conn, &grant, &clock, id, &input)).await;
                match decided {
                    Ok(()) => Some(credit),
                    Err(DecideError::NotPending { by: Some(_), .. }) => None,
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
        let won: Vec<i64> = futures_util::future::join_all(racers).await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "race {race}");
        credited += won[0];
    }
    assert_eq!(ledger(&app, managers[0].viewer()), (credited, credited, 200, 0));
}
