//! Messages and internal notes: written once, kept when refused, and what a reply does.

use fairdial::domain::decision::Verdict;

use crate::disputes::{decide, sent};
use crate::support::app::TestApp;
use crate::support::people::Person;

#[actix_web::test]
async fn both_sides_write_and_a_double_click_writes_once() {
    let app = TestApp::start().await;
    let id = sent(&app, &app.viewer(Person::buyer("acme")), |_| {});
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    let path = format!("/disputes/{id}/messages");
    let form = [("body", "  Which campaign?\r\n"), ("form_token", "one")];
    let first = dana.post(&path, &form).await;
    first.assert_redirect(&format!("/disputes/{id}"));
    dana.post(&path, &form).await.assert_redirect(first.location());
    acme.post(&path, &[("body", "Auto FL."), ("form_token", "one")]).await.assert_status(303);
    dana.post(&path, &[("body", "Listen at 0:12."), ("internal", "1")]).await.assert_status(303);

    let page = acme.get(&format!("/disputes/{id}")).await.page();
    assert_eq!(page.texts(".msgs li p"), ["Which campaign?", "Auto FL."]);
    let page = dana.get(&format!("/disputes/{id}")).await.page();
    assert_eq!(page.texts(".msgs li p"), ["Which campaign?", "Auto FL.", "Listen at 0:12."]);
    assert_eq!(page.texts(".msgs li.internal p"), ["Listen at 0:12."]);
}

#[actix_web::test]
async fn a_buyers_mark_for_a_note_makes_no_note() {
    let app = TestApp::start().await;
    let id = sent(&app, &app.viewer(Person::buyer("acme")), |_| {});
    let (acme, dana) = (app.buyer("acme").await, app.manager("dana").await);
    acme.post(&format!("/disputes/{id}/messages"), &[("body", "Hello"), ("internal", "1")]).await.assert_status(303);
    let page = dana.get(&format!("/disputes/{id}")).await.page();
    assert_eq!((page.texts(".msgs li p"), page.has(".msgs .internal")), (vec!["Hello".to_owned()], false));
}

#[actix_web::test]
async fn what_cannot_be_taken_comes_back_as_it_was_typed() {
    let app = TestApp::start().await;
    let id = sent(&app, &app.viewer(Person::buyer("acme")), |_| {});
    let acme = app.buyer("acme").await;
    let path = format!("/disputes/{id}/messages");
    let long = "é".repeat(5_001);
    for (body, said) in [(" \r\n", "Write a message"), (long.as_str(), "A message has at most 5,000 characters")] {
        let answer = acme.post(&path, &[("body", body)]).await;
        answer.assert_status(422).assert_field_error("body", said);
        assert_eq!(answer.page().value("body").trim(), body.trim());
    }
    acme.post(&path, &[("body", &"é".repeat(5_000))]).await.assert_status(303);
}

#[actix_web::test]
async fn a_reply_reopens_a_rejected_dispute_while_the_window_is_open() {
    let app = TestApp::start().await;
    let (buyer, manager) = (app.viewer(Person::buyer("acme")), app.viewer(Person::manager("dana")));
    let (open, shut) = (sent(&app, &buyer, |_| {}), sent(&app, &buyer, |_| {}));
    decide(&app, &manager, open, Verdict::Rejected, None);
    decide(&app, &manager, shut, Verdict::Rejected, None);
    let acme = app.buyer("acme").await;
    let answer = acme.post(&format!("/disputes/{open}/messages"), &[("body", "Please listen again.")]).await;
    acme.follow(&answer).await.assert_body_has("Pending again");
    app.clock().advance(chrono::Duration::days(6));
    let acme = app.buyer("acme").await;
    let answer = acme.post(&format!("/disputes/{shut}/messages"), &[("body", "And this one.")]).await;
    let page = acme.follow(&answer).await;
    page.assert_body_has("Your message is sent.").assert_body_lacks("Pending again");
    assert!(page.page().has("#details-panel .badge[data-status=rejected]"));
}

#[actix_web::test]
async fn viewing_is_not_writing_and_a_draft_has_no_messages() {
    let app = TestApp::start().await;
    let id = sent(&app, &app.viewer(Person::buyer("acme")), |_| {});
    let view =
        app.person(Person::Manager { name: "vic", view: true, edit: false, import: false, settings: false }).await;
    view.post(&format!("/disputes/{id}/messages"), &[("body", "x")]).await.assert_forbidden();
    assert!(!view.get(&format!("/disputes/{id}")).await.page().has("textarea"));
}
