//! Filing and changing disputes by program.

use fairdial::domain::ids::{CallId, DisputeId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{call_of, code, fields, program};
use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;

const DISPUTES: &str = "/api/v1/disputes";

async fn file(robot: &Actor, call: CallId, more: Value) -> Value {
    let mut body = json!({ "call_id": call, "reason": "other" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = robot.post_json(DISPUTES, &body).await;
    answer.assert_status(201).json()
}

async fn change(robot: &Actor, dispute: &Value, body: Value) -> Response {
    robot.post_json(&path(dispute), &body).await
}

fn path(dispute: &Value) -> String {
    format!("{DISPUTES}/{}", dispute["id"].as_str().unwrap())
}

#[actix_web::test]
async fn a_dispute_filed_by_program_has_the_shape_of_the_contract() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let call = call_of(&app, Person::buyer("acme"));
    let body = json!({
        "call_id": call, "reason": "duplicate_call", "additional_information": "Twice in an hour.",
        "evidence": { "original_call_id": "RGB-1", "service_date": "2026-11-19" }, "metadata": { "crm": "4711" },
    });
    let answer = robot.post_json(DISPUTES, &body).await;
    let dispute = answer.assert_status(201).json();
    assert_eq!(answer.header("etag"), "\"1\"");
    let id: DisputeId = dispute["id"].as_str().unwrap().parse().unwrap();
    let found = call_store_external(&app, call);
    let expected = json!({
        "id": id, "object": "dispute", "livemode": true, "call_id": call, "call_external_id": found, "source": "ringba",
        "buyer_id": app.viewer(Person::buyer("acme")).scope().buyer(), "amount": { "amount": 4200, "currency": "USD" },
        "status": "pending", "reason": "duplicate_call", "additional_information": "Twice in an hour.",
        "evidence": { "original_call_id": "RGB-1", "service_date": "2026-11-19" }, "staged_evidence": {}, "files": [],
        "metadata": { "crm": "4711" }, "messages": [], "decision": null, "version": 1,
        "created": "2026-11-20T15:42:00Z", "updated": "2026-11-20T15:42:00Z", "submitted_at": "2026-11-20T15:42:00Z",
        "resolved_at": null,
    });
    assert_eq!(dispute, expected);
    assert_eq!(robot.get(&path(&dispute)).await.assert_ok().json(), expected);
}

fn call_store_external(app: &TestApp, call: CallId) -> String {
    use diesel::prelude::*;
    use fairdial::db::schema::calls;
    app.db()
        .read_blocking::<_, fairdial::db::DbError>(|conn| {
            Ok(calls::table.find(call).select(calls::external_id).first(conn)?)
        })
        .unwrap()
}

#[actix_web::test]
async fn forms_json_and_a_body_without_a_content_type_say_the_same() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let text = |call: CallId| {
        format!("call_id={call}&reason=other&evidence[service_date]=2026-11-19&metadata%5Bcrm%5D=4+711&submit=false")
    };
    let post = |body: String| robot.request(Method::POST, DISPUTES).body(body);
    for kind in ["", "application/x-www-form-urlencoded"] {
        let request = post(text(call_of(&app, Person::buyer("acme"))));
        let request = if kind.is_empty() { request } else { request.header("Content-Type", kind) };
        let dispute = robot.send(request).await;
        let dispute = dispute.assert_status(201).json();
        assert_eq!(dispute["status"], "draft");
        assert_eq!(dispute["staged_evidence"], json!({ "service_date": "2026-11-19" }));
        assert_eq!(dispute["metadata"], json!({ "crm": "4 711" }));
        let url = format!("{}?expand[]=call", path(&dispute));
        assert_eq!(robot.get(&url).await.json()["call"]["object"], "call");
    }
    let other = post("<x/>".to_owned()).header("Content-Type", "text/xml");
    assert_eq!(code(robot.send(other).await.assert_status(415)), "unsupported_media_type");
    let broken = post("{".to_owned()).header("Content-Type", "application/json");
    assert_eq!(code(robot.send(broken).await.assert_status(400)), "bad_request");
}

#[actix_web::test]
async fn a_call_is_named_by_its_external_id_and_by_its_source_where_that_is_ambiguous() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let (one, _other) = (call_of(&app, Person::buyer("acme")), call_of(&app, Person::buyer("birch")));
    let id = call_store_external(&app, one);
    let body = |more: Value| {
        let mut body = json!({ "reason": "other", "submit": false });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let missing = robot.post_json(DISPUTES, &body(json!({ "call_external_id": "nonsense" }))).await;
    assert_eq!(code(missing.assert_status(404)), "not_found");
    let missing = robot.post_json(DISPUTES, &body(json!({ "call_external_id": id, "source": "retreaver" }))).await;
    missing.assert_status(404);
    for wrong in [json!({}), json!({ "call_id": "x" }), json!({ "call_id": one, "call_external_id": id })] {
        assert_eq!(fields(&robot.post_json(DISPUTES, &body(wrong)).await), ["call_id"]);
    }
    let manager = program(&app, Person::manager("dana"));
    // Somebody else's call of this id makes nothing ambiguous.
    let foreign =
        json!({ "source": "invoca", "external_id": id, "started_at": "2026-11-20T10:00:00Z", "buyer": "birch" });
    manager.post_json("/api/v1/calls", &foreign).await.assert_ok();
    let unfit = robot.post_json(DISPUTES, &body(json!({ "call_external_id": id, "reason": "nonsense" }))).await;
    assert_eq!(fields(&unfit), ["reason"]);
    let again = json!([{ "source": "retreaver", "external_id": id, "started_at": "2026-11-20T10:00:00Z", "buyer": "acme",
        "payout": { "amount": 4200, "currency": "USD" }, "status": "completed_with_conversion" }]);
    manager.post_json("/api/v1/calls", &again).await.assert_ok();
    assert_eq!(fields(&robot.post_json(DISPUTES, &body(json!({ "call_external_id": id }))).await), ["source"]);
    let filed = robot.post_json(DISPUTES, &body(json!({ "call_external_id": id, "source": "ringba" }))).await;
    assert_eq!(filed.assert_status(201).json()["call_id"], json!(one));
    let url = format!("{DISPUTES}?call_external_id={id}");
    assert_eq!(robot.get(&url).await.json()["meta"]["total"], 1);
    assert_eq!(robot.get(&format!("{url}&source=retreaver")).await.json()["meta"]["total"], 0);
}

#[actix_web::test]
async fn what_must_be_mended_is_named_field_by_field() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let call = call_of(&app, Person::buyer("acme"));
    let told = async |more: Value| {
        let mut body = json!({ "call_id": call, "reason": "other" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields(&robot.post_json(DISPUTES, &body).await)
    };
    let before = app.digest();
    assert_eq!(
        told(json!({ "reason": "nonsense", "evidence": { "status": "x" } })).await,
        ["reason", "evidence[status]"]
    );
    assert_eq!(told(json!({ "reason": null })).await, ["reason"]);
    assert_eq!(told(json!({ "evidence": { "original_call_id": "x" } })).await, ["evidence[original_call_id]"]);
    assert_eq!(told(json!({ "evidence": { "uncategorized_file": "x" } })).await, ["evidence[uncategorized_file]"]);
    assert_eq!(told(json!({ "evidence": { "service_date": 3 } })).await, ["evidence[service_date]"]);
    assert_eq!(told(json!({ "submit": "yes" })).await, ["submit"]);
    let long = "x".repeat(5_001);
    assert_eq!(told(json!({ "additional_information": long })).await, ["additional_information"]);
    let (fits, too_long) = ("é".repeat(150_000), "é".repeat(150_001));
    assert_eq!(told(json!({ "evidence": { "uncategorized_text": too_long } })).await, ["additional_information"]);
    assert_eq!(told(json!({ "metadata": { "k".repeat(41): "x" } })).await.len(), 1);
    assert_eq!(told(json!({ "metadata": { "k": "x".repeat(501) } })).await, ["metadata[k]"]);
    let many: Value = (0..51).map(|at| (format!("k{at}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(told(json!({ "metadata": many })).await, ["metadata"]);
    assert_eq!(told(json!({ "metadata": "all" })).await, ["metadata"]);
    assert_eq!(app.digest(), before);
    file(&robot, call, json!({ "evidence": { "uncategorized_text": fits } })).await;
}

#[actix_web::test]
async fn rule_one_refuses_by_its_own_codes() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let call = call_of(&app, Person::buyer("acme"));
    let body = json!({ "call_id": call, "reason": "other" });
    robot.post_json(DISPUTES, &body).await.assert_status(201);
    let refused = robot.post_json(DISPUTES, &body).await;
    assert_eq!(code(refused.assert_status(409)), "already_disputed", "{}", refused.text());
    // Also where the call could not be sent any more for another reason: a draft is one too many all the same.
    let id = call_store_external(&app, call);
    let changed = json!({ "source": "ringba", "external_id": id, "started_at": "2026-11-19T15:42:00Z", "buyer": "acme",
        "payout": { "amount": 4200, "currency": "USD" }, "status": "failed" });
    program(&app, Person::manager("dana")).post_json("/api/v1/calls", &changed).await.assert_ok();
    let draft = robot.post_json(DISPUTES, &json!({ "call_id": call, "submit": false })).await;
    assert_eq!(code(draft.assert_status(409)), "already_disputed", "{}", draft.text());
    let theirs = call_of(&app, Person::buyer("birch"));
    robot.post_json(DISPUTES, &json!({ "call_id": theirs, "reason": "other" })).await.assert_not_found();
    let late = call_of(&app, Person::buyer("acme"));
    app.clock().advance(chrono::TimeDelta::days(6));
    let refused = robot.post_json(DISPUTES, &json!({ "call_id": late, "reason": "other" })).await;
    assert_eq!(code(refused.assert_status(409)), "dispute_window_closed");
    assert!(refused.json()["detail"].as_str().unwrap().contains("UTC"), "{}", refused.text());
}

#[actix_web::test]
async fn a_draft_changes_in_any_part_and_is_sent_by_default() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let call = call_of(&app, Person::buyer("acme"));
    let draft =
        file(&robot, call, json!({ "submit": false, "reason": null, "evidence": { "service_date": "a" } })).await;
    assert_eq!((draft["status"].as_str(), draft["submitted_at"].clone()), (Some("draft"), Value::Null));
    let body = json!({ "reason": "duplicate_call", "evidence": { "original_call_id": "b" }, "submit": false });
    let changed = change(&robot, &draft, body).await.assert_ok().json();
    assert_eq!(changed["staged_evidence"], json!({ "service_date": "a", "original_call_id": "b" }));
    let changed = change(&robot, &draft, json!({ "evidence": { "service_date": "" }, "submit": false })).await.json();
    assert_eq!(changed["staged_evidence"], json!({ "original_call_id": "b" }));
    // A label is no reason to send anything.
    let labelled = change(&robot, &draft, json!({ "metadata": { "a": "1" } })).await.assert_ok().json();
    assert_eq!(labelled["status"], "draft");
    let sent = change(&robot, &draft, json!({ "additional_information": "It is the same caller." })).await;
    let sent = sent.assert_ok().json();
    assert_eq!((sent["status"].as_str(), &sent["staged_evidence"]), (Some("pending"), &json!({})));
    assert_eq!(sent["evidence"], json!({ "original_call_id": "b" }));
    // Colleagues saw it all along, managers see it now.
    program(&app, Person::manager("dana")).get(&path(&draft)).await.assert_ok();
}

#[actix_web::test]
async fn evidence_of_a_pending_dispute_is_staged_first_and_sent_together() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let dana = program(&app, Person::manager("dana"));
    let sent = file(&robot, call_of(&app, Person::buyer("acme")), json!({ "evidence": { "service_date": "a" } })).await;
    let staged = change(&robot, &sent, json!({ "evidence": { "customer_name": "Ada" }, "submit": false })).await;
    let staged = staged.assert_ok().json();
    assert_eq!(staged["staged_evidence"], json!({ "customer_name": "Ada" }));
    assert_eq!(staged["evidence"], json!({ "service_date": "a" }));
    let seen = dana.get(&path(&sent)).await;
    assert_eq!(seen.assert_ok().json()["staged_evidence"], json!({}));
    seen.assert_body_lacks("Ada");

    let more = json!({ "evidence": { "customer_communication": "mail", "customer_name": "Eve" }, "submit": false });
    change(&robot, &sent, more).await.assert_ok();
    let refused = change(&robot, &sent, json!({ "evidence": { "service_date": "b" } })).await;
    assert_eq!(code(refused.assert_status(409)), "already_sent");
    let refused = change(&robot, &sent, json!({ "reason": "not_connected" })).await;
    assert_eq!(code(refused.assert_status(409)), "already_sent");
    let all = change(&robot, &sent, json!({})).await.assert_ok().json();
    assert_eq!(all["staged_evidence"], json!({}));
    let expected = json!({ "service_date": "a", "customer_name": "Eve", "customer_communication": "mail" });
    assert_eq!(all["evidence"], expected);
    assert_eq!(dana.get(&path(&sent)).await.json()["evidence"], expected);
    change(&robot, &sent, json!({})).await.assert_ok();

    // The limit holds over what was sent, what is staged and what is new.
    let long = json!({ "evidence": { "uncategorized_text": "x".repeat(149_995) }, "submit": false });
    assert_eq!(fields(&change(&robot, &sent, long).await), ["additional_information"]);

    robot.post(&format!("{}/close", path(&sent)), &[]).await.assert_ok();
    let refused = change(&robot, &sent, json!({ "evidence": { "access_activity_log": "x" } })).await;
    assert_eq!(code(refused.assert_status(409)), "dispute_closed");
    assert_eq!(code(change(&robot, &sent, json!({})).await.assert_status(409)), "dispute_closed");
}

#[actix_web::test]
async fn metadata_changes_in_every_status() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let sent = file(&robot, call_of(&app, Person::buyer("acme")), json!({ "metadata": { "a": "1", "b": "2" } })).await;
    let metadata = async |body: Value| change(&robot, &sent, body).await.assert_ok().json()["metadata"].clone();
    assert_eq!(metadata(json!({ "metadata": { "a": "", "c": "3" } })).await, json!({ "b": "2", "c": "3" }));
    robot.post(&format!("{}/close", path(&sent)), &[]).await.assert_ok();
    assert_eq!(metadata(json!({ "metadata": { "d": "4" } })).await, json!({ "b": "2", "c": "3", "d": "4" }));
    assert_eq!(metadata(json!({ "metadata": "" })).await, json!({}));
}

#[actix_web::test]
async fn files_are_added_read_and_taken_out_of_a_draft_as_on_the_pages() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let draft = file(&robot, call_of(&app, Person::buyer("acme")), json!({ "submit": false })).await;
    let url = format!("{}/evidence", path(&draft));
    let text = || Upload::new("call notes.txt", "text/plain", "It rang twice.");
    let added = robot.post_multipart(&url, &[], &[("evidence", text())]).await;
    let added = added.assert_status(201).json();
    assert_eq!((added["name"].as_str(), added["size"].as_i64()), (Some("call notes.txt"), Some(14)));
    let eid = added["id"].as_str().unwrap();
    assert_eq!(robot.get(&path(&draft)).await.json()["files"], json!([added]));
    robot.get(&format!("{url}/{eid}")).await.assert_ok().assert_body_has("It rang twice.");
    let birch = program(&app, Person::buyer("birch"));
    birch.get(&format!("{url}/{eid}")).await.assert_not_found();
    program(&app, Person::manager("dana")).get(&format!("{url}/{eid}")).await.assert_not_found();

    let program_file = Upload::new("setup.exe", "application/pdf", b"MZ\x90\x00\x03\x00\x00\x00".to_vec());
    robot.post_multipart(&url, &[], &[("evidence", program_file)]).await.assert_status(422);
    let two = robot.post_multipart(&url, &[], &[("evidence", text()), ("evidence", text())]).await;
    assert_eq!(fields(&two), ["evidence"]);
    robot.post_multipart(&url, &[], &[("other", text())]).await.assert_status(422);

    // A fact names a file by its id.
    let named = json!({ "evidence": { "uncategorized_file": eid }, "submit": false });
    change(&robot, &draft, named).await.assert_ok();
    let spare = robot.post_multipart(&url, &[], &[("file", text())]).await.assert_status(201).json();
    let delete =
        async |id: &Value| robot.send(robot.request(Method::DELETE, &format!("{url}/{}", id.as_str().unwrap()))).await;
    delete(&spare["id"]).await.assert_status(204);
    delete(&spare["id"]).await.assert_not_found();
    change(&robot, &draft, json!({})).await.assert_ok();
    assert_eq!(code(delete(&added["id"]).await.assert_status(409)), "dispute_closed");
    for _ in 0..9 {
        robot.post_multipart(&url, &[], &[("evidence", text())]).await.assert_status(201);
    }
    assert_eq!(fields(&robot.post_multipart(&url, &[], &[("evidence", text())]).await), ["evidence"]);
    assert_eq!(walk(&app), 10 + 1, "what was refused is gone, what was taken out goes with the next sweep");
}

fn walk(app: &TestApp) -> usize {
    let store = fairdial::file_store::FileStore::open(&app.data_dir()).unwrap();
    store.walk().count()
}
