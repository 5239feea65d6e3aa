//! Every main page as an outline that was reviewed: a label that is lost, a field that changes its name or a link that leads
//! elsewhere shows as a difference. Both databases must give the same.
//!
//! `cargo insta review` shows what changed (or set `INSTA_UPDATE=always` and read the diff).

use chrono::Duration;
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::DisputeId;
use insta::assert_snapshot;

use crate::disputes::{acme, decide, hide_canaries, sent};
use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::outline::outline;
use crate::support::people::Person;
use crate::support::story::NewCall;

/// Acme's disputes: one Pending that both sides wrote about, one decided in part, one Rejected; and a call that nobody
/// disputed.
struct Story {
    app: TestApp,
    buyer: Actor,
    manager: Actor,
    pending: DisputeId,
    partial: DisputeId,
}

impl Story {
    async fn tell() -> Self {
        let app = TestApp::start().await;
        let (acme, dana) = (acme(&app), app.viewer(Person::manager("dana")));
        let rejected = sent(&app, &acme, |call| call.caller_id = "+13125550199".to_owned());
        let partial = sent(&app, &acme, |call| "EXT-PARTIAL".clone_into(&mut call.external_id));
        let pending = sent(&app, &acme, |call| "EXT-PENDING".clone_into(&mut call.external_id));
        hide_canaries(&app, pending);
        decide(&app, &dana, rejected, Verdict::Rejected, None);
        decide(&app, &dana, partial, Verdict::AcceptedPartial, Some(1_250));
        let (buyer, manager) = (app.buyer("acme").await, app.manager("dana").await);
        let file = [("evidence", Upload::new("queue.txt", "text/plain", "No such call that day."))];
        buyer.post_multipart(&format!("/disputes/{pending}/evidence"), &[], &file).await.assert_status(303);
        let messages = format!("/disputes/{pending}/messages");
        manager.post(&messages, &[("body", "Which desk took it?")]).await.assert_status(303);
        manager.post(&messages, &[("body", "Third from them this week."), ("internal", "1")]).await.assert_status(303);
        buyer.post(&messages, &[("body", "The night desk.")]).await.assert_status(303);
        Self { app, buyer, manager, pending, partial }
    }

    /// The region of a page, after what was said of the last action has been read.
    async fn seen(by: &Actor, path: &str, region: &str) -> String {
        by.get(path).await;
        outline(by.get(path).await.assert_ok().text(), region)
    }
}

#[actix_web::test]
async fn the_pages_of_a_buyer() {
    let story = Story::tell().await;
    let buyer = &story.buyer;
    assert_snapshot!("buyer_menu", Story::seen(buyer, "/calls", "header.side").await);
    assert_snapshot!("buyer_call_log", Story::seen(buyer, "/calls", "#main").await);
    assert_snapshot!("buyer_disputes", Story::seen(buyer, "/disputes", "#main").await);
    let pending = format!("/disputes/{}", story.pending);
    assert_snapshot!("buyer_pending", Story::seen(buyer, &pending, "#details-panel").await);
    let partial = format!("/disputes/{}", story.partial);
    assert_snapshot!("buyer_decided", Story::seen(buyer, &partial, "#details-panel").await);
    assert_snapshot!("buyer_notifications", Story::seen(buyer, "/notifications", "#main").await);
}

#[actix_web::test]
async fn the_dispute_form_empty_and_with_what_is_missing() {
    let app = TestApp::start().await;
    let call = NewCall::ordinary(&acme(&app), app.clock().now()).add(app.db());
    let buyer = app.buyer("acme").await;
    let form = format!("/calls/{call}/disputes/new");
    assert_snapshot!("dispute_form", Story::seen(&buyer, &form, "#main").await);
    let file = [("evidence", Upload::new("queue.txt", "text/plain", "No such call that day."))];
    let fields = [("reason", ""), ("additional_information", "Nobody was there"), ("intent", "send")];
    let refused = buyer.post_multipart(&format!("/calls/{call}/disputes"), &fields, &file).await;
    assert_snapshot!("dispute_form_refused", outline(refused.assert_status(422).text(), "#main"));
    app.clock().advance(Duration::days(7));
    let buyer = app.buyer("acme").await;
    assert_snapshot!("dispute_window_closed", outline(buyer.get(&form).await.assert_status(409).text(), "#main"));
}

#[actix_web::test]
async fn the_pages_of_a_manager() {
    let story = Story::tell().await;
    let manager = &story.manager;
    assert_snapshot!("manager_menu", Story::seen(manager, "/calls", "header.side").await);
    assert_snapshot!("manager_call_log", Story::seen(manager, "/calls", "#main").await);
    assert_snapshot!("manager_disputes", Story::seen(manager, "/disputes", "#main").await);
    let pending = format!("/disputes/{}", story.pending);
    assert_snapshot!("manager_pending", Story::seen(manager, &pending, "#details-panel").await);
    let partial = format!("/disputes/{}", story.partial);
    assert_snapshot!("manager_decided", Story::seen(manager, &partial, "#details-panel").await);
    assert_snapshot!("manager_review", Story::seen(manager, &format!("/review/{}", story.pending), "#main").await);
    let selected = manager.post("/selections", &[("matching", "status=pending")]).await;
    assert_snapshot!("manager_selection", Story::seen(manager, selected.location(), "#main").await);
    for (name, path) in [
        ("manager_reports", "/reports"),
        ("manager_users", "/settings/users"),
        ("manager_buyers", "/settings/buyers"),
        ("manager_policy", "/settings/policy"),
    ] {
        assert_snapshot!(name, Story::seen(manager, path, "#main").await);
    }
}

#[actix_web::test]
async fn what_is_refused_says_why_and_where_to_go() {
    let story = Story::tell().await;
    let stranger = story.app.buyer("birch").await;
    let theirs = stranger.get(&format!("/disputes/{}", story.pending)).await;
    assert_snapshot!("not_found", outline(theirs.assert_not_found().text(), "body"));
    assert_snapshot!("forbidden", outline(stranger.get("/settings/users").await.assert_forbidden().text(), "#main"));
    let decided = format!("/disputes/{}/decision", story.partial);
    let late = story.manager.post(&decided, &[("verdict", "rejected"), ("note", "Too late")]).await;
    assert_snapshot!("decided_by_somebody_else", outline(late.assert_status(409).text(), "#main"));
    let sign_in = story.app.anonymous().get("/login?next=/disputes").await;
    assert_snapshot!("sign_in", outline(sign_in.assert_ok().text(), "body"));
}
