//! Disputing a call by the form: who may, when not, what comes back, and what is done once.

use chrono::Duration;
use diesel::prelude::*;
use fairdial::db::{DbError, calls, counters, disputes, facts, schema};
use fairdial::domain::call::{CallStatus, DisputeState};
use fairdial::domain::claim::Intent;
use fairdial::domain::dispute::Status;
use fairdial::domain::ids::{CallId, DisputeId};

use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;
use crate::support::story::{self, NewCall};

const SAID: (&str, &str) = ("additional_information", "The caller said nothing and hung up.");

/// An ordinary call of acme, with something changed.
fn call_with(app: &TestApp, change: impl FnOnce(&mut NewCall)) -> CallId {
    let mut call = NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now());
    change(&mut call);
    call.add(app.db())
}

fn count(app: &TestApp, table: &str) -> i64 {
    use schema::{answers, audit_log, disputes as d, notifications};
    let counted = app.db().read_blocking::<_, DbError>(|conn| {
        Ok(match table {
            "disputes" => d::table.count().get_result(conn)?,
            "notifications" => notifications::table.count().get_result(conn)?,
            "answers" => answers::table.count().get_result(conn)?,
            _ => audit_log::table.filter(audit_log::entity.eq("dispute")).count().get_result(conn)?,
        })
    });
    counted.expect("counted")
}

async fn send(actor: &Actor, call: CallId, fields: &[(&str, &str)]) -> Response {
    actor.post_multipart(&format!("/calls/{call}/disputes"), fields, &[]).await
}

fn id_of(response: &Response) -> DisputeId {
    response.assert_status(303);
    response.location().strip_prefix("/disputes/").expect("a dispute").parse().expect("an id")
}

fn row(app: &TestApp, id: DisputeId) -> disputes::DisputeRow {
    let scope = app.viewer(Person::buyer("acme")).scope();
    let row = app.db().read_blocking::<_, DbError>(|conn| Ok(disputes::find(conn, scope, id)?));
    row.expect("read").expect("it is there")
}

#[actix_web::test]
async fn a_sent_dispute_is_pending_and_everybody_is_told() {
    let app = TestApp::start().await;
    let manager = app.viewer(Person::manager("dana"));
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |_| {});

    let page = acme.get(&format!("/calls/{call}/disputes/new")).await;
    page.assert_ok();
    let page = page.page();
    assert_eq!(page.texts(".panel.whole h1"), ["Dispute call from (214) 555-0164"]);
    assert!(page.texts(".facts dd").contains(&"$42.00".to_owned()));
    assert_eq!(page.select("select[name=reason] option").len(), 8);
    assert_eq!(page.texts("button.main"), ["Send"]);
    let token = page.attr("[name=form_token]", "value");

    let fields = [
        ("reason", "duplicate_call"),
        SAID,
        ("fact[original_call_id]", "0k7vq2m9x4d1t"),
        ("fact[technical_details]", "of another reason"),
        ("fact[recording_mark]", "0:12-0:31 mentions it"),
        ("intent", "send"),
        ("form_token", &token),
    ];
    let id = id_of(&send(&acme, call, &fields).await);

    let sent = row(&app, id);
    assert_eq!((sent.status, sent.reason.as_str(), sent.payout), (Status::Pending, "duplicate_call", Some(4200)));
    assert_eq!(sent.additional_information, SAID.1);
    let (state, pending, told) = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            let told = facts::list(conn, id, false)?;
            let call = calls::find(conn, manager.scope(), call)?.expect("the call");
            Ok((call.dispute_state, counters::pending(conn, manager.scope())?, told))
        })
        .expect("read");
    assert_eq!((state, pending, count(&app, "notifications")), (DisputeState::Disputed, 1, 1));
    let names: Vec<_> = told.iter().map(|fact| fact.name.as_str()).collect();
    assert_eq!(names, ["original_call_id", "recording_mark"], "facts of another reason are not kept");
    // There is no recording to click into: the mark is read all the same.
    acme.get(&format!("/disputes/{id}")).await.assert_body_has("0:12-0:31 mentions it");
}

#[actix_web::test]
async fn each_refusal_of_rule_one_has_its_sentence_and_changes_nothing() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let now = app.clock().now();
    let viewer = app.viewer(Person::buyer("acme"));
    let disputed = call_with(&app, |_| {});
    story::dispute(app.db(), app.clock(), &viewer, disputed, Intent::Send).expect("sent");
    let refused = [
        (call_with(&app, |call| call.status = CallStatus::Failed), "\u{201c}Failed\u{201d} can't be disputed"),
        (
            call_with(&app, |call| call.started_at = now - Duration::days(7)),
            "The dispute window closed on Fri 20 Nov 2026, 10:42 EST",
        ),
        (disputed, "This call has a dispute already: Pending"),
        (call_with(&app, |call| call.payout = None), "isn't known yet"),
        (call_with(&app, |call| call.payout = Some(0)), "nothing to dispute"),
    ];
    for (call, sentence) in refused {
        let before = (count(&app, "disputes"), count(&app, "audit"), count(&app, "notifications"));
        let sentence = sentence.replace('\'', "&#39;");
        let page = acme.get(&format!("/calls/{call}/disputes/new")).await;
        page.assert_status(409).assert_body_has(&sentence).assert_body_has("href=\"/calls\"");
        let answer = send(&acme, call, &[("reason", "other"), SAID, ("form_token", "t"), ("intent", "send")]).await;
        answer.assert_status(409).assert_body_has(&sentence);
        assert_eq!(answer.page().value("additional_information"), SAID.1, "what was typed is kept");
        assert_eq!((count(&app, "disputes"), count(&app, "audit"), count(&app, "notifications")), before);
    }
    assert_eq!(count(&app, "answers"), 0, "a refusal is no answer to repeat");
}

#[actix_web::test]
async fn one_second_before_the_window_closes_is_in_time() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let late = app.clock().now() - Duration::days(7) + Duration::seconds(1);
    let call = call_with(&app, |call| call.started_at = late);
    id_of(&send(&acme, call, &[("reason", "other"), ("intent", "send")]).await);
}

#[actix_web::test]
async fn only_the_owner_with_the_permission_may_dispute() {
    let app = TestApp::start().await;
    let call = call_with(&app, |_| {});
    let without = app.person(Person::Buyer { name: "quiet", company: "acme", dispute_calls: false }).await;
    let birch = app.buyer("birch").await;
    let manager = app.manager("dana").await;
    let fields = [("reason", "other"), ("intent", "send")];
    for path in [format!("/calls/{call}/disputes"), format!("/calls/{call}/uploads")] {
        without.post_multipart(&path, &fields, &[]).await.assert_forbidden();
        manager.post_multipart(&path, &fields, &[]).await.assert_forbidden();
        birch.post_multipart(&path, &fields, &[]).await.assert_not_found();
        app.anonymous().post_multipart(&path, &fields, &[]).await.assert_redirect("/login");
    }
    let new = format!("/calls/{call}/disputes/new");
    without.get(&new).await.assert_forbidden();
    birch.get(&new).await.assert_not_found();
    manager.get(&new).await.assert_forbidden();
    assert_eq!(count(&app, "disputes"), 0);
}

#[actix_web::test]
async fn a_form_to_be_mended_comes_back_with_everything_typed() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |_| {});
    let files = [
        ("evidence", Upload::new("quote.txt", "text/plain", "the quote")),
        ("evidence", Upload::new("callers-november.xlsm", "application/pdf", b"PK\x03\x04\x14\0".as_slice())),
        ("evidence", Upload::new("empty.pdf", "application/pdf", "")),
    ];
    let fields =
        [("reason", ""), ("additional_information", "a < b\r\nsecond line"), ("fact[recording_mark]", "12 to 31 sec")];
    let path = format!("/calls/{call}/disputes");
    let answer = acme.post_multipart(&path, &fields, &files).await;
    answer.assert_status(422);
    let page = answer.page();
    assert!(page.text("title").starts_with("Error: Dispute Call"));
    assert!(page.has(".summary[role=alert][autofocus]"));
    answer.assert_body_has("a &#60; b\nsecond line</textarea>");
    assert_eq!(page.value("fact[recording_mark]"), "12 to 31 sec");
    let problems = page.texts(".summary li");
    assert!(
        problems.contains(&"callers-november.xlsm was not kept: files of this type can\u{2019}t be sent".to_owned())
    );
    assert!(problems.contains(&"empty.pdf was not kept: it is empty".to_owned()));
    answer.assert_field_error("reason", "Choose a reason");
    assert_eq!(page.texts(".files b"), ["quote.txt"], "the good file is kept");
    let kept = page.attr("[name=kept_evidence]", "value");

    let fields = [("reason", ""), ("fact[recording_mark]", "12 to 31 sec"), ("kept_evidence", &kept)];
    let answer = acme.post_multipart(&path, &fields, &[]).await;
    answer.assert_status(422).assert_field_error("reason", "Choose a reason");
    answer.assert_field_error("fact[recording_mark]", "Write the mark as minutes and seconds, such as 0:12-0:31");
    assert_eq!(answer.page().attr("[name=kept_evidence]", "value"), kept, "and kept again");

    let id = id_of(&send(&acme, call, &[("reason", "other"), ("kept_evidence", &kept), ("intent", "send")]).await);
    let file = acme.get(&format!("/disputes/{id}/evidence/{kept}")).await;
    file.assert_ok();
    assert_eq!(file.body, b"the quote");
}

#[actix_web::test]
async fn unknown_facts_and_intents_are_refused_and_strange_fields_are_ignored() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |_| {});
    send(&acme, call, &[("reason", "other"), ("fact[status]", "accepted")]).await.assert_status(422);
    send(&acme, call, &[("reason", "other"), ("intent", "decide")]).await.assert_status(422);
    send(&acme, call, &[("reason", "nonsense")])
        .await
        .assert_field_error("reason", "Choose one of the reasons in the list");
    let long = "x".repeat(5_001);
    send(&acme, call, &[("reason", "other"), ("additional_information", &long)]).await.assert_status(422);
    assert_eq!(count(&app, "disputes"), 0);
    let assigned =
        [("reason", "other"), ("status", "accepted"), ("payout", "999999"), ("buyer_id", "1"), ("version", "9")];
    let sent = row(&app, id_of(&send(&acme, call, &assigned).await));
    assert_eq!((sent.status, sent.payout, sent.version), (Status::Pending, Some(4200), 1));
}

#[actix_web::test]
async fn a_double_click_is_one_dispute_with_one_answer() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    for round in 0..10 {
        let call = call_with(&app, |_| {});
        let token = format!("token-{round}");
        let fields = [("reason", "other"), ("form_token", token.as_str()), ("intent", "send")];
        let (one, two, three) =
            tokio::join!(send(&acme, call, &fields), send(&acme, call, &fields), send(&acme, call, &fields));
        let later = send(&acme, call, &fields).await;
        assert_eq!(id_of(&one), id_of(&two));
        assert_eq!(id_of(&two), id_of(&three));
        assert_eq!(id_of(&three), id_of(&later));
        assert_eq!(count(&app, "disputes"), round + 1);
    }
    let birch = app.buyer("birch").await;
    let call = call_with(&app, |_| {});
    send(&birch, call, &[("reason", "other"), ("form_token", "token-0")]).await.assert_not_found();
}

#[actix_web::test]
async fn a_plain_form_without_files_is_taken_too() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |_| {});
    let sent = acme.post(&format!("/calls/{call}/disputes"), &[("reason", "other"), SAID, ("intent", "send")]).await;
    assert_eq!(row(&app, id_of(&sent)).status, Status::Pending);
}

#[actix_web::test]
async fn a_draft_is_saved_changed_found_again_and_sent() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let manager = app.manager("dana").await;
    let call = call_with(&app, |_| {});
    let saved = send(&acme, call, &[("reason", ""), SAID, ("intent", "draft")]).await;
    let id = id_of(&saved);
    assert_eq!(row(&app, id).status, Status::Draft);
    manager.get(&format!("/disputes/{id}")).await.assert_not_found();
    acme.get(&format!("/calls/{call}/disputes/new")).await.assert_redirect(&format!("/disputes/{id}"));
    send(&acme, call, &[("reason", "other"), ("intent", "send")]).await.assert_status(409);

    let form = acme.get(&format!("/disputes/{id}")).await;
    form.assert_ok();
    let page = form.page();
    assert_eq!(page.value("additional_information"), SAID.1);
    assert_eq!(page.attr("form[data-upload-url]", "action"), format!("/disputes/{id}"));

    let path = format!("/disputes/{id}");
    let file = [("evidence", Upload::new("note.txt", "text/plain", "heard nobody"))];
    let fields = [("reason", "technical_issues"), ("fact[technical_details]", "no audio"), ("intent", "draft")];
    acme.post_multipart(&path, &fields, &file).await.assert_redirect(&path);
    assert_eq!((row(&app, id).status, row(&app, id).has_evidence), (Status::Draft, true));
    assert_eq!(acme.get(&path).await.page().texts(".files a"), ["note.txt"]);

    acme.post_multipart(&path, &[("reason", ""), ("intent", "send")], &[]).await.assert_status(422);
    acme.post_multipart(&path, &[("reason", "other"), ("intent", "send")], &[]).await.assert_redirect(&path);
    assert_eq!(row(&app, id).status, Status::Pending);
    acme.get(&path).await.assert_body_has("added note.txt");
    let told = manager.get(&path).await;
    told.assert_body_has("sent the dispute");
    assert!(!told.text().contains("added note.txt"), "the history of a Draft is the buyer\u{2019}s");
    let other = app.buyer("birch").await;
    other.post_multipart(&path, &[("reason", "other")], &[]).await.assert_not_found();
}

#[actix_web::test]
async fn a_second_draft_is_refused_whatever_else_stands_against_the_call() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |call| call.status = CallStatus::Failed);
    let fields = [("reason", "other"), ("intent", "draft")];
    let first = id_of(&send(&acme, call, &fields).await);
    let refused = send(&acme, call, &fields).await;
    refused.assert_status(409);
    refused.assert_body_has("There is a Draft of a dispute of this call already");
    assert_eq!((count(&app, "disputes"), row(&app, first).status), (1, Status::Draft));
}

#[actix_web::test]
async fn a_pending_dispute_takes_new_facts_and_keeps_those_that_were_sent() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |_| {});
    let fields = [("reason", "other"), SAID, ("fact[customer_name]", "Ida Brand"), ("intent", "send")];
    let id = id_of(&send(&acme, call, &fields).await);
    let path = format!("/disputes/{id}");
    let facts_now = || {
        let listed = app.db().read_blocking::<_, DbError>(|conn| Ok(facts::list(conn, id, false)?)).expect("read");
        listed.into_iter().map(|fact| (fact.name, fact.value)).collect::<Vec<_>>()
    };
    acme.post(&path, &[("fact[service_date]", "2026-11-18")]).await.assert_redirect(&path);
    let there = facts_now();
    assert_eq!(there.len(), 2);
    for change in [("fact[customer_name]", "Somebody"), ("reason", "duplicate_call"), ("additional_information", "new")]
    {
        acme.post(&path, &[change]).await.assert_status(409);
    }
    acme.post(&path, &[("fact[verdict]", "accepted")]).await.assert_status(422);
    assert_eq!((facts_now(), row(&app, id).additional_information.as_str()), (there, SAID.1));
}

#[actix_web::test]
async fn facts_and_files_are_added_to_a_pending_dispute_by_its_page() {
    let app = TestApp::start().await;
    let (acme, manager) = (app.buyer("acme").await, app.viewer(Person::manager("dana")));
    let fields = [("reason", "duplicate_call"), SAID, ("fact[customer_name]", "Ida Brand"), ("intent", "send")];
    let id = id_of(&send(&acme, call_with(&app, |_| {}), &fields).await);
    let path = format!("/disputes/{id}");
    let page = acme.get(&path).await.page();
    assert!(page.has(".addition input[type=file]"));
    let offered = page.attrs(".addition textarea", "name");
    assert_eq!(offered[..2], ["fact[original_call_id]", "fact[duplicate_explanation]"], "those of its reason");
    assert!(!offered.contains(&"fact[customer_name]".to_owned()), "what was sent is not asked for again");
    assert!(!offered.contains(&"fact[technical_details]".to_owned()));

    // Nothing, and something that can't be taken: what was typed and sent is there for the next try.
    acme.post(&path, &[("fact[service_date]", " ")])
        .await
        .assert_status(422)
        .assert_body_has("Choose a file, or write");
    let file = [("evidence", Upload::new("quote.txt", "text/plain", "the quote"))];
    let wrong = [("fact[recording_mark]", "12 to 31"), ("fact[service_date]", "18 Nov")];
    let answer = acme.post_multipart(&path, &wrong, &file).await;
    answer
        .assert_status(422)
        .assert_field_error("fact[recording_mark]", "Write the mark as minutes and seconds, such as 0:12-0:31");
    let page = answer.page();
    assert!(page.text("title").starts_with("Error: "));
    assert_eq!(page.text("textarea#service_date"), "18 Nov");
    let kept = page.value("kept_evidence");
    let right = [("fact[recording_mark]", "0:12-0:31"), ("fact[service_date]", "18 Nov"), ("kept_evidence", &kept)];
    acme.post(&format!("{path}?status=pending"), &right).await.assert_redirect(&format!("{path}?status=pending"));
    let page = acme.get(&path).await.page();
    assert_eq!(page.texts("ul[aria-label=Evidence] a"), ["quote.txt"]);
    assert!(!page.has("textarea#service_date") && page.text("[aria-labelledby=disp-h] .facts").contains("18 Nov"));

    // Another tab said it first: what was typed can still be copied.
    let again = acme.post(&path, &[("fact[service_date]", "19 Nov"), ("fact[uncategorized_text]", "More.")]).await;
    again.assert_status(409).assert_body_has("Service date was sent already");
    assert_eq!(again.page().text(".unsent dd"), "19 Nov");
    assert_eq!(again.page().text("textarea#uncategorized_text"), "More.");
    crate::disputes::decide(&app, &manager, id, fairdial::domain::decision::Verdict::Rejected, None);
    let late = acme.post(&path, &[("fact[uncategorized_text]", "Too late.")]).await;
    late.assert_status(409).assert_body_has("This dispute is Rejected and can");
    assert_eq!(late.page().text(".unsent dd"), "Too late.");
    assert!(!late.page().has(".addition"));
    assert!(!app.manager("dana").await.get(&path).await.page().has(".addition, .unsent"));
}

#[actix_web::test]
async fn without_scripts_a_kept_file_of_an_addition_is_removed_from_it_alone() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |_| {});
    let id = id_of(&send(&acme, call, &[("reason", "other"), SAID, ("intent", "send")]).await);
    let path = format!("/disputes/{id}");
    let files = ["a.txt", "b.txt"].map(|name| ("evidence", Upload::new(name, "text/plain", name)));
    let page = acme.post_multipart(&path, &[("fact[recording_mark]", "12")], &files).await.assert_status(422).page();
    let (kept, remove) =
        (page.attrs("[name=kept_evidence]", "value"), page.attrs(".addition [data-remove]", "formaction"));
    let form = [("fact[recording_mark]", "12"), ("kept_evidence", kept[0].as_str()), ("kept_evidence", &kept[1])];
    let page = acme.post(&remove[0], &form).await.assert_ok().page();
    assert_eq!(page.attrs(".addition [name=kept_evidence]", "value"), kept[1..]);
    assert_eq!(page.text("textarea#recording_mark"), "12");
    assert_eq!(page.attr("form.addition", "action"), path);
}

#[actix_web::test]
async fn in_the_panel_the_form_is_a_dialog_over_the_call_log() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let call = call_with(&app, |_| {});
    let panel = acme.get_fragment(&format!("/calls/{call}/disputes/new"), "div#panel-slot").await;
    panel.assert_ok().assert_body_lacks("<html");
    let page = panel.page();
    assert!(page.has("dialog.panel.over#details-panel[open]") && !page.has(".panel.whole"));
    assert_eq!(page.attr("form[data-upload-url]", "hx-target"), "#panel-slot");
    let request = acme.request(reqwest::Method::POST, &format!("/calls/{call}/disputes"));
    let request = request.header("HX-Request", "true").header("HX-Request-Type", "partial");
    let answer = acme.send(request.header("HX-Target", "div#panel-slot").form(&[("intent", "send")])).await;
    answer.assert_status(422).assert_body_lacks("<html");
    assert_eq!(answer.header("hx-push-url"), "false", "the address of the sending has nothing to show");
    assert!(answer.page().has("dialog.panel.over .summary"));
}
