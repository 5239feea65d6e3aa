//! The policy, and that pages and rules follow it.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::db::audit::AuditRow;
use fairdial::db::schema::{audit_log, disputes};
use fairdial::db::{DbError, audit, policy};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::CallId;
use fairdial::domain::policy::Policy;

use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

const PATH: &str = "/settings/policy";

fn now(app: &TestApp) -> Policy {
    app.db().read_blocking::<_, DbError>(policy::load).unwrap()
}

fn entries(app: &TestApp) -> Vec<AuditRow> {
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            assert_eq!(audit::verify(conn)?.err(), None);
            let changed = audit_log::table.filter(audit_log::action.eq("policy.changed"));
            Ok(changed.order(audit_log::seq).select(AuditRow::as_select()).load(conn)?)
        })
        .unwrap()
}

/// What the page would send as it stands.
async fn form(manager: &Actor) -> Vec<(String, String)> {
    let page = manager.get(PATH).await.page();
    let mut pairs = Vec::new();
    for input in page.select("form.policy input") {
        let kind = input.attributes.get("type").map_or("text", String::as_str);
        if kind != "checkbox" || input.attributes.contains_key("checked") {
            pairs.push((input.attr("name"), input.attributes.get("value").cloned().unwrap_or_default()));
        }
    }
    pairs
}

fn with(mut pairs: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    pairs.retain(|(found, _)| found != name);
    pairs.push((name.to_owned(), value.to_owned()));
    pairs
}

fn but(mut pairs: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    pairs.retain(|pair| *pair != (name.to_owned(), value.to_owned()));
    pairs
}

async fn save(manager: &Actor, pairs: &[(String, String)]) -> crate::support::response::Response {
    let borrowed: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    manager.post(PATH, &borrowed).await
}

fn call(app: &TestApp) -> CallId {
    NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()).add(app.db())
}

#[actix_web::test]
async fn saving_what_is_there_changes_nothing() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let before = now(&app);
    let pairs = form(&dana).await;
    save(&dana, &pairs).await.assert_redirect(PATH);
    assert_eq!(now(&app), before);
    assert!(entries(&app).is_empty());
    save(&dana, &pairs).await.assert_redirect(PATH);
}

#[actix_web::test]
async fn windows_statuses_and_deadline_follow_the_policy_and_it_is_in_the_log() {
    let app = TestApp::start().await;
    let (dana, acme) = (app.manager("dana").await, app.buyer("acme").await);
    let call = call(&app);
    let page = format!("/calls/{call}/disputes/new");
    acme.get(&page).await.assert_ok();
    save(&dana, &with(form(&dana).await, "dispute_window_days", "0")).await.assert_redirect(PATH);
    acme.get(&page).await.assert_conflict("The dispute window closed on");
    save(&dana, &with(form(&dana).await, "dispute_window_days", "30")).await.assert_redirect(PATH);
    acme.get(&page).await.assert_ok();
    let none_converted = but(form(&dana).await, "disputable_status", "completed_with_conversion");
    save(&dana, &none_converted).await.assert_redirect(PATH);
    acme.get(&page).await.assert_status(409);
    let mut again = form(&dana).await;
    again.push(("disputable_status".to_owned(), "completed_with_conversion".to_owned()));
    save(&dana, &with(again, "decision_deadline_days", "3")).await.assert_redirect(PATH);
    let sent = story::dispute(app.db(), app.clock(), &app.viewer(Person::buyer("acme")), call, Intent::Send).unwrap();
    let due = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            Ok(disputes::table.find(sent).select(disputes::due_at).first::<chrono::NaiveDateTime>(conn)?)
        })
        .unwrap();
    assert_eq!(due, app.clock().now() + Duration::days(3));
    let log = entries(&app);
    assert_eq!(log.len(), 4);
    assert!(log[0].old_values.contains("\"dispute_window_days\":7"));
    assert!(log[0].new_values.contains("\"dispute_window_days\":0"));
}

#[actix_web::test]
async fn a_reason_of_ones_own_is_offered_and_shown_everywhere() {
    let app = TestApp::start().await;
    let (dana, acme) = (app.manager("dana").await, app.buyer("acme").await);
    save(&dana, &with(form(&dana).await, "new_reason", "Wrong state")).await.assert_redirect(PATH);
    let call = call(&app);
    let offered = acme.get(&format!("/calls/{call}/disputes/new")).await.page();
    assert!(offered.texts("#reason option").contains(&"Wrong state".to_owned()));
    let sent = acme
        .post_multipart(&format!("/calls/{call}/disputes"), &[("reason", "own_wrong_state"), ("intent", "send")], &[])
        .await;
    sent.assert_status(303);
    for actor in [&dana, &acme] {
        actor.get("/disputes").await.assert_ok().assert_body_has("Wrong state");
        actor.get(sent.location()).await.assert_ok().assert_body_has("Wrong state");
        actor.get("/disputes.csv").await.assert_ok().assert_body_has("Wrong state");
    }
    // Renamed, it is renamed on disputes too; switched off, it isn't offered any more but they keep it.
    let renamed = with(form(&dana).await, "label[own_wrong_state]", "Out of state");
    save(&dana, &but(renamed, "offered", "own_wrong_state")).await.assert_redirect(PATH);
    acme.get(sent.location()).await.assert_ok().assert_body_has("Out of state");
    let other = self::call(&app);
    let offered = acme.get(&format!("/calls/{other}/disputes/new")).await.page();
    assert!(!offered.text("#reason").contains("state"));
    acme.post_multipart(&format!("/calls/{other}/disputes"), &[("reason", "own_wrong_state"), ("intent", "send")], &[])
        .await
        .assert_field_error("reason", "Choose one of the reasons in the list");
    dana.get("/disputes?reason=own_wrong_state").await.assert_ok().assert_body_has("Out of state");
}

#[actix_web::test]
async fn a_reason_that_needs_a_file_is_refused_without_one_at_send() {
    let app = TestApp::start().await;
    let (dana, acme) = (app.manager("dana").await, app.buyer("acme").await);
    let mut pairs = form(&dana).await;
    pairs.push(("needs_evidence".to_owned(), "technical_issues".to_owned()));
    save(&dana, &pairs).await.assert_redirect(PATH);
    let path = format!("/calls/{}/disputes", call(&app));
    let said = [("reason", "technical_issues"), ("additional_information", "Static"), ("intent", "send")];
    let refused = acme.post_multipart(&path, &said, &[]).await;
    refused.assert_status(422).assert_body_has("Add at least one file: this reason needs evidence");
    assert_eq!(refused.page().value("additional_information"), "Static");
    assert!(refused.page().text("#reason").contains("Technical issues (needs a file)"));
    let file = Upload::new("note.txt", "text/plain", "It crackles.");
    acme.post_multipart(&path, &said, &[("evidence", file)]).await.assert_status(303);
    // A draft may lack it.
    let path = format!("/calls/{}/disputes", call(&app));
    acme.post_multipart(&path, &[("reason", "technical_issues"), ("intent", "draft")], &[]).await.assert_status(303);
}

#[actix_web::test]
async fn of_two_managers_who_edit_at_once_the_second_is_told() {
    let app = TestApp::start().await;
    let (dana, eli) = (app.manager("dana").await, app.manager("eli").await);
    let (hers, his) = (form(&dana).await, form(&eli).await);
    save(&dana, &with(hers, "dispute_window_days", "14")).await.assert_redirect(PATH);
    let told = save(&eli, &with(with(his, "decision_deadline_days", "5"), "new_reason", "Wrong state")).await;
    told.assert_conflict("Somebody else changed the policy meanwhile");
    assert_eq!(told.page().value("dispute_window_days"), "14");
    assert_eq!(told.page().value("new_reason"), "Wrong state");
    assert_eq!((now(&app).dispute_window_days, now(&app).decision_deadline_days), (14, 10));
    assert_eq!(entries(&app).len(), 1);
}

#[actix_web::test]
async fn what_makes_no_sense_is_refused_at_its_field_and_kept() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    let pairs = form(&dana).await;
    let response = save(&dana, &with(pairs.clone(), "dispute_window_days", "soon")).await;
    response.assert_field_error("dispute_window_days", "Write a number of days from 0 to 3650");
    assert_eq!(response.page().value("dispute_window_days"), "soon");
    let mut none = pairs.clone();
    none.retain(|(name, _)| name != "disputable_status" && name != "offered");
    let response = save(&dana, &none).await;
    response.assert_status(422).assert_body_has("Choose at least one status that can be disputed");
    response.assert_body_has("Offer at least one reason");
    let twice = with(pairs, "new_reason", "other ");
    save(&dana, &twice).await.assert_field_error("new_reason", "There is a reason with these words already");
    assert!(entries(&app).is_empty());
}

#[actix_web::test]
async fn a_reply_reopens_or_not_as_the_policy_says() {
    let app = TestApp::start().await;
    let dana = app.manager("dana").await;
    assert!(now(&app).reply_reopens);
    let mut pairs = form(&dana).await;
    pairs.retain(|(name, _)| name != "reply_reopens");
    save(&dana, &pairs).await.assert_redirect(PATH);
    assert!(!now(&app).reply_reopens);
}
