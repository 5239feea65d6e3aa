//! Who else is on a dispute: managers see managers, for as long as a page speaks; buyers learn nothing of it.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::db::schema::presences;
use fairdial::db::{DbError, audit};
use fairdial::domain::Instant;
use fairdial::domain::claim::Intent;
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::DisputeId;
use fairdial::file_store::FileStore;
use fairdial::sweep;

use crate::disputes::{acme, decide, sent};
use crate::notifications::Live;
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

const LOOKING: &[(&str, &str)] = &[];
const WRITING: &[(&str, &str)] = &[("writing", "1")];
const LEAVING: &[(&str, &str)] = &[("leave", "1")];

async fn says(actor: &Actor, id: DisputeId, what: &[(&str, &str)]) {
    actor.post(&format!("/disputes/{id}/presence"), what).await.assert_status(204);
}

/// What this manager is shown of others: in the row, the panel, the page and the review queue.
async fn shown(actor: &Actor, id: DisputeId) -> [String; 4] {
    let panel = actor.get_fragment(&format!("/disputes/{id}"), "div#panel-slot").await;
    [
        actor.get("/disputes").await.page().text(&format!("#row-{id} [data-others]")),
        panel.page().text("#details-panel [data-others]"),
        actor.get(&format!("/disputes/{id}")).await.page().text("#details-panel [data-others]"),
        actor.get(&format!("/review/{id}")).await.page().text("main [data-others]"),
    ]
}

fn ends(app: &TestApp) -> Vec<Instant> {
    let rows = app.db().read_blocking::<_, DbError>(|conn| {
        Ok(presences::table.order(presences::user_id).select(presences::ends_at).load(conn)?)
    });
    rows.expect("the rows are read")
}

const NOBODY: [&str; 4] = [""; 4];

#[actix_web::test]
async fn managers_see_who_else_looks_and_who_writes_until_they_leave() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let other = sent(&app, &acme(&app), |_| {});
    let (dana, eve) = (app.manager("dana").await, app.manager("eve").await);
    assert_eq!(shown(&dana, id).await, NOBODY);

    says(&eve, id, LOOKING).await;
    let looking = ["EViewing (eve)", "Eeve is viewing", "Eeve is viewing", "Eeve is viewing"];
    assert_eq!(shown(&dana, id).await, looking);
    assert_eq!(shown(&dana, other).await, NOBODY, "another dispute");
    assert_eq!(shown(&eve, id).await, NOBODY, "nobody is shown to themselves");

    says(&eve, id, WRITING).await;
    // Another tab of hers only looks.
    says(&eve, id, LOOKING).await;
    let writing = "Eeve is writing a decision";
    assert_eq!(shown(&dana, id).await, ["EDeciding (eve)", writing, writing, writing]);
    assert!(dana.get("/disputes").await.page().has(&format!("#row-{id} .here.writing")));

    says(&dana, id, LOOKING).await;
    let third = app.manager("finn").await;
    assert_eq!(shown(&third, id).await[0], "EDDeciding (eve, dana)", "who writes stands first");

    says(&eve, id, LEAVING).await;
    assert_eq!(shown(&dana, id).await, NOBODY);
}

#[actix_web::test]
async fn who_says_nothing_more_is_gone_after_45_seconds_and_swept() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let (dana, eve) = (app.manager("dana").await, app.manager("eve").await);
    says(&eve, id, WRITING).await;
    app.clock().advance(Duration::milliseconds(44_999));
    assert_eq!(shown(&dana, id).await[0], "EDeciding (eve)");
    app.clock().advance(Duration::milliseconds(1));
    assert_eq!(shown(&dana, id).await, NOBODY);
    // Who comes back hasn't begun to write again.
    says(&eve, id, LOOKING).await;
    assert_eq!(shown(&dana, id).await[0], "EViewing (eve)");

    app.clock().advance(Duration::seconds(45));
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    assert_eq!(ends(&app).len(), 1);
    sweep::sweep(app.db(), app.clock(), &store).await.expect("swept");
    assert_eq!(ends(&app), []);
}

#[actix_web::test]
async fn buyers_are_told_of_nobody_and_nobody_of_buyers() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let (acme, eve) = (app.buyer("acme").await, app.manager("eve").await);
    says(&eve, id, WRITING).await;
    for path in ["/disputes".to_owned(), format!("/disputes/{id}")] {
        let page = acme.get(&path).await;
        page.assert_ok().assert_body_lacks("eve").assert_body_lacks("data-others").assert_body_lacks("/presence");
    }
    acme.post(&format!("/disputes/{id}/presence"), LOOKING).await.assert_forbidden();
}

#[actix_web::test]
async fn only_those_who_may_decide_what_is_pending_write_a_decision() {
    let app = TestApp::start().await;
    let [pending, decided] = [(); 2].map(|()| sent(&app, &acme(&app), |_| {}));
    let dana = app.manager("dana").await;
    decide(&app, &app.viewer(Person::manager("dana")), decided, Verdict::Rejected, None);
    let vic = Person::Manager { name: "vic", view: true, edit: false, import: false, settings: false };
    let (vic, eve) = (app.person(vic).await, app.manager("eve").await);
    says(&vic, pending, WRITING).await;
    says(&eve, decided, WRITING).await;
    assert_eq!(shown(&dana, pending).await[0], "VViewing (vic)");
    assert_eq!(shown(&dana, decided).await[0], "EViewing (eve)");
}

#[actix_web::test]
async fn what_is_not_there_for_managers_takes_no_presence() {
    let app = TestApp::start().await;
    let buyer = acme(&app);
    let call = NewCall::ordinary(&buyer, app.clock().now()).add(app.db());
    let draft = story::dispute(app.db(), app.clock(), &buyer, call, Intent::Draft).expect("saved");
    let eve = app.manager("eve").await;
    for id in [draft, DisputeId::generate()] {
        for what in [LOOKING, LEAVING] {
            eve.post(&format!("/disputes/{id}/presence"), what).await.assert_not_found();
        }
    }
    assert_eq!(ends(&app), []);
}

#[actix_web::test]
async fn presence_costs_one_write_now_and_then_no_audit_entry_and_keeps_no_session() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let eve = app.manager("eve").await;
    let last = || app.db().read_blocking::<_, DbError>(|conn| Ok(audit::last_number(conn)?)).expect("read");
    let before = last();
    let begun = app.clock().now();
    says(&eve, id, LOOKING).await;
    app.clock().advance(Duration::seconds(14));
    says(&eve, id, LOOKING).await;
    assert_eq!(ends(&app), [begun + Duration::seconds(45)], "said again at once: nothing is written");
    says(&eve, id, WRITING).await;
    assert_eq!(ends(&app), [begun + Duration::seconds(59)], "but that she writes is news");
    app.clock().advance(Duration::seconds(20));
    says(&eve, id, LOOKING).await;
    assert_eq!(ends(&app), [begun + Duration::seconds(79)]);
    assert_eq!(last(), before);

    app.clock().advance(Duration::hours(11));
    says(&eve, id, LOOKING).await;
    actix_web::rt::time::sleep(std::time::Duration::from_millis(200)).await;
    app.clock().advance(Duration::hours(1));
    eve.get("/calls").await.assert_sign_in_first();
}

#[actix_web::test]
async fn a_managers_stream_tells_of_the_others_and_a_buyers_does_not() {
    let app = TestApp::start().await;
    let id = sent(&app, &acme(&app), |_| {});
    let (acme, dana, eve) = (app.buyer("acme").await, app.manager("dana").await, app.manager("eve").await);
    let (mut buyers, mut managers) = (Live::open(&acme).await, Live::open(&dana).await);
    assert_eq!(managers.next_of("here").await.expect("at the start"), serde_json::json!({}));
    says(&eve, id, WRITING).await;
    says(&dana, id, LOOKING).await;
    let told = managers.next_of("here").await.expect("a change");
    let here = &told[id.to_string()];
    assert!(here["row"].as_str().unwrap().contains("Deciding</span><span class=\"vh\"> (eve)"), "{told}");
    assert!(here["panel"].as_str().unwrap().ends_with("<bdi>eve</bdi> is writing a decision</em>"), "{told}");
    says(&eve, id, LEAVING).await;
    assert_eq!(managers.next_of("here").await.expect("a change"), serde_json::json!({}));
    let silent = tokio::time::timeout(std::time::Duration::from_millis(1_500), buyers.next_of("here")).await;
    assert!(silent.is_err(), "a buyer was told: {silent:?}");
}
