//! The audit log as managers with Settings read it.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;

use fairdial::db::{DbError, audit};
use fairdial::domain::claim::Intent;

use crate::api;
use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

async fn told() -> (TestApp, Actor, String) {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let acme = app.viewer(Person::buyer("acme"));
    let call = NewCall::ordinary(&acme, app.clock().now()).add(app.db());
    let sent = story::dispute(app.db(), app.clock(), &acme, call, Intent::Send).unwrap();
    (app, dana, sent.to_string())
}

#[actix_web::test]
async fn entries_stand_newest_first_with_old_and_new_values() {
    let (app, dana, sent) = told().await;
    let id = app.viewer(Person::buyer("acme")).user();
    let form = [("name", "acme"), ("email", "acme@example.com")];
    dana.post(&format!("/settings/users/{id}"), &form).await.assert_status(303);
    let page = dana.get("/audit").await.page();
    let rows = page.select("#audit tbody tr");
    assert!(rows[0].text.contains("dana") && rows[0].text.contains("user.permissions_changed"), "{}", rows[0].text);
    assert_eq!(rows[0].page().texts("dl.changes dt"), ["dispute calls"]);
    assert_eq!((rows[0].page().text("del"), rows[0].page().text("ins")), ("yes".to_owned(), "no".to_owned()));
    assert!(rows[1].text.contains("dispute.sent") && rows[1].page().has(&format!("a[href=\"/disputes/{sent}\"]")));
    let numbers: Vec<i64> = page.row_ids("audit").iter().map(|id| id.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b));
    assert!(page.text("#head").starts_with(&format!("{}:", numbers[0])));
}

#[actix_web::test]
async fn each_filter_finds_its_entries_and_pages_join() {
    let (app, dana, sent) = told().await;
    let actions = async |query: &str| {
        let page = dana.get(&format!("/audit?{query}")).await.page();
        page.texts("#audit tbody td[data-label=Action]")
    };
    assert_eq!(actions("action=dispute.sent").await, ["dispute.sent"]);
    assert_eq!(actions(&format!("entity=dispute&entity_id={sent}")).await, ["dispute.sent"]);
    assert_eq!(actions("entity=buyer").await, ["buyer.added"]);
    assert!(actions("actor=acme@example.com").await.iter().all(|action| action.starts_with("dispute.")));
    assert!(!actions("actor=acme@example.com").await.is_empty());
    assert!(actions("from=2026-11-21").await.is_empty());
    assert!(actions("to=2026-11-19").await.is_empty());
    assert!(!actions("from=2026-11-20&to=2026-11-20").await.is_empty());
    dana.get("/audit?actor=nobody@example.com").await.assert_status(422);
    dana.get("/audit?from=yesterday").await.assert_status(422);
    // More entries than a page holds: each stands on one page, and Newer leads back.
    let id = app.viewer(Person::buyer("acme")).user();
    for number in 0..60 {
        let name = format!("acme {number}");
        let form = [("name", name.as_str()), ("email", "acme@example.com"), ("permission", "dispute-calls")];
        dana.post(&format!("/settings/users/{id}"), &form).await.assert_status(303);
    }
    let first = dana.get("/audit").await.page();
    let second = dana.get(&first.attr(".pager a[rel=next]", "href")).await.page();
    let all: BTreeSet<String> = first.row_ids("audit").into_iter().chain(second.row_ids("audit")).collect();
    let total = app.db().read_blocking::<_, DbError>(|conn| Ok(audit::last_number(conn)?)).unwrap();
    assert_eq!(i64::try_from(all.len()).unwrap(), total);
    let back = dana.get(&second.attr(".pager a[rel=prev]", "href")).await.page();
    assert_eq!(back.row_ids("audit"), first.row_ids("audit"));
}

#[actix_web::test]
async fn the_exports_have_every_entry_oldest_first() {
    let (app, dana, _) = told().await;
    let total = app.db().read_blocking::<_, DbError>(|conn| Ok(audit::last_number(conn)?)).unwrap();
    let lines = dana.get("/audit.jsonl").await;
    lines.assert_ok();
    let seqs: Vec<i64> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=total).collect::<Vec<_>>());
    let sheet = dana.get("/audit.csv?action=dispute.sent").await;
    assert_eq!(sheet.assert_ok().text().lines().count(), 2);
    assert!(sheet.text().starts_with("Entry,Time,Actor,"));
}

#[actix_web::test]
async fn the_chain_is_followed_on_demand() {
    let (app, dana, _) = told().await;
    assert!(!dana.get("/audit").await.page().has("#chain"));
    assert!(dana.get("/audit?verify=1").await.page().text("#chain").starts_with("The chain is whole"));
    app.database().connect().batch_execute("UPDATE audit_head SET seq = seq + 1").unwrap();
    assert!(dana.get("/audit?verify=1").await.page().text("#chain").starts_with("The chain is broken"));
}

#[actix_web::test]
async fn what_a_draft_said_is_its_buyers_own() {
    let (app, dana, sent) = told().await;
    let acme = app.viewer(Person::buyer("acme"));
    let buyer = app.buyer("acme").await;
    let mut drafts = Vec::new();
    for _ in 0..3 {
        let call = NewCall::ordinary(&acme, app.clock().now()).add(app.db());
        let fields = [("additional_information", "canary of a draft"), ("intent", "draft")];
        let saved = buyer.post_multipart(&format!("/calls/{call}/disputes"), &fields, &[]).await;
        drafts.push(saved.assert_status(303).location().to_owned());
        let changed = [("additional_information", "canary, again"), ("intent", "draft")];
        buyer.post(&drafts[drafts.len() - 1], &changed).await.assert_status(303);
    }
    let file = [("evidence", Upload::new("canary.txt", "text/plain", "Nobody spoke."))];
    for draft in &drafts[..2] {
        buyer.post_multipart(&format!("{draft}/evidence"), &[], &file).await.assert_status(303);
    }
    buyer.post(&format!("{}/discard", drafts[1]), &[]).await.assert_status(303);
    let said = [("reason", "other"), ("additional_information", "It was a prank."), ("intent", "send")];
    buyer.post(&drafts[2], &said).await.assert_status(303);

    let program = api::program(&app, Person::manager("dana"));
    for (reader, path) in
        [(&dana, "/audit"), (&dana, "/audit.csv"), (&dana, "/audit.jsonl"), (&program, "/api/v1/audit-logs")]
    {
        let told = reader.get(path).await;
        told.assert_ok().assert_body_lacks("canary");
        told.assert_body_has("withheld").assert_body_has("dispute.draft_discarded").assert_body_has("It was a prank.");
        told.assert_body_has(&sent);
    }
    // The chain is about what was written, and is whole.
    assert!(dana.get("/audit?verify=1").await.page().text("#chain").starts_with("The chain is whole"));
}
