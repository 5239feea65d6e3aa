//! What programs send, well or badly written, and what they are told of it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{call_of, code, fields, program, put_json};
use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;

const DISPUTES: &str = "/api/v1/disputes";

async fn file(app: &TestApp, robot: &Actor, more: Value) -> Value {
    let mut body = json!({ "call_id": call_of(app, Person::buyer("acme")), "reason": "other" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    robot.post_json(DISPUTES, &body).await.assert_status(201).json()
}

fn path(dispute: &Value) -> String {
    format!("{DISPUTES}/{}", dispute["id"].as_str().unwrap())
}

async fn put_form(actor: &Actor, path: &str, form: &[(&str, &str)]) -> Response {
    actor.send(actor.request(Method::PUT, path).form(form)).await
}

#[actix_web::test]
async fn a_field_that_a_form_leaves_empty_says_nothing_and_empty_metadata_removes_all() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let dispute = file(&app, &robot, json!({ "metadata": { "a": "1", "b": "2" } })).await;
    let fewer = robot.post(&path(&dispute), &[("metadata[a]", "")]).await.assert_ok().json();
    assert_eq!(fewer["metadata"], json!({ "b": "2" }));
    let none = robot.post(&path(&dispute), &[("metadata", "")]).await.assert_ok().json();
    assert_eq!((&none["metadata"], &none["status"]), (&json!({}), &json!("pending")));
    let empty = [("verdict", "accepted"), ("credit", ""), ("clawback", ""), ("note", "")];
    let decided = put_form(&dana, &format!("{}/resolve", path(&dispute)), &empty).await.assert_ok().json();
    assert_eq!(decided["decision"]["credit"]["amount"], 4200);
    // The same in JSON.
    let dispute = file(&app, &robot, json!({ "evidence": null, "metadata": null, "submit": null })).await;
    let body = json!({ "verdict": "rejected", "credit": "", "clawback": null, "note": null });
    let decided = put_json(&dana, &format!("{}/resolve", path(&dispute)), &body).await.assert_ok().json();
    assert_eq!(decided["decision"]["credit"]["amount"], 0);
}

#[actix_web::test]
async fn a_form_says_no_as_its_language_does() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    for (said, status) in [("false", "draft"), ("False", "draft"), ("0", "draft"), ("1", "pending"), ("", "pending")] {
        let call = call_of(&app, Person::buyer("acme")).to_string();
        let form = [("call_id", call.as_str()), ("reason", "other"), ("submit", said)];
        assert_eq!(robot.post(DISPUTES, &form).await.assert_status(201).json()["status"], status, "{said}");
    }
}

#[actix_web::test]
async fn a_wrong_field_of_a_form_is_named_as_one_of_json_is() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let dispute = file(&app, &robot, json!({})).await;
    let resolve = format!("{}/resolve", path(&dispute));
    for (field, value) in [("credit", "12.50"), ("credit[amount]", "1.5"), ("version", "two"), ("colour", "red")] {
        let form = [("verdict", "accepted_partial"), (field, value), ("credit[currency]", "USD")];
        let form = if field == "credit[amount]" { &form[..] } else { &form[..2] };
        assert_eq!(fields(&put_form(&dana, &resolve, form).await), [field]);
    }
    assert_eq!(fields(&robot.post(&path(&dispute), &[("submit", "perhaps")]).await), ["submit"]);
    assert_eq!(fields(&robot.post(&path(&dispute), &[("evidence[x][y]", "z")]).await), ["evidence[x]"]);
}

#[actix_web::test]
async fn what_comes_with_a_dispute_is_named_in_the_address_or_in_the_body() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let has_call = |answer: &Response| answer.json()["call"]["object"] == "call";
    let call = call_of(&app, Person::buyer("acme")).to_string();
    let form = [("call_id", call.as_str()), ("reason", "other"), ("expand[]", "call"), ("expand[]", "messages")];
    let filed = robot.post(DISPUTES, &form).await;
    assert!(has_call(filed.assert_status(201)));
    let own = path(&filed.json());
    let changed = robot.post_json(&own, &json!({ "metadata": { "a": "1" }, "expand": ["call"] })).await;
    assert!(has_call(changed.assert_ok()));
    let bare = robot.post_json(&own, &json!({ "metadata": { "a": "2" } })).await;
    assert!(!has_call(bare.assert_ok()) && bare.json()["messages"].is_array());
    for (wrong, url) in [(json!({ "expand": ["publisher"] }), own.clone()), (json!({}), format!("{own}?expand[]=x"))] {
        assert_eq!(fields(&robot.post_json(&url, &wrong).await), ["expand[]"]);
    }
    let decided = put_json(&dana, &format!("{own}/resolve?expand[]=call"), &json!({ "verdict": "rejected" })).await;
    assert!(has_call(decided.assert_ok()));
    let other = path(&file(&app, &robot, json!({})).await);
    assert!(has_call(robot.post(&format!("{other}/close?expand[]=call"), &[]).await.assert_ok()));
}

#[actix_web::test]
async fn a_list_is_not_taken_for_a_dispute() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let call = call_of(&app, Person::buyer("acme"));
    let by_place = json!([call, null, null, "other", null, {}, null, true, []]);
    for body in [by_place, json!([]), json!(null), json!("x"), json!(7)] {
        assert_eq!(fields(&robot.post_json(DISPUTES, &body).await), [""], "{body}");
    }
    assert_eq!(robot.get(DISPUTES).await.json()["meta"]["total"], 0);
}

#[actix_web::test]
async fn what_says_the_same_again_changes_nothing_of_a_pending_dispute() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let dispute = file(&app, &robot, json!({ "evidence": { "service_date": "2026-11-19" } })).await;
    let all = json!({ "reason": "other", "evidence": { "service_date": " 2026-11-19", "customer_name": "Ada" } });
    let more = robot.post_json(&path(&dispute), &all).await.assert_ok().json();
    assert_eq!(more["evidence"], json!({ "service_date": "2026-11-19", "customer_name": "Ada" }));
    let same = robot.post_json(&path(&dispute), &all).await.assert_ok().json();
    assert_eq!((&same["version"], &same["evidence"]), (&more["version"], &more["evidence"]));
    let other = json!({ "evidence": { "service_date": "2026-11-20" } });
    assert_eq!(code(robot.post_json(&path(&dispute), &other).await.assert_status(409)), "already_sent");
    let none = json!({ "evidence": { "service_date": "" } });
    assert_eq!(code(robot.post_json(&path(&dispute), &none).await.assert_status(409)), "already_sent");
}

#[actix_web::test]
async fn a_draft_has_nothing_to_concede() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let draft = file(&app, &robot, json!({ "submit": false })).await;
    let refused = robot.post(&format!("{}/close", path(&draft)), &[]).await;
    assert_eq!(code(refused.assert_status(409)), "not_sent");
    assert_eq!(robot.get(&path(&draft)).await.json()["status"], "draft");
}

#[actix_web::test]
async fn a_new_dispute_says_where_it_is() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let body = json!({ "call_id": call_of(&app, Person::buyer("acme")), "reason": "other" });
    let filed = robot.post_json(DISPUTES, &body).await;
    assert_eq!(filed.assert_status(201).header("location"), path(&filed.json()));
    robot.get(filed.header("location")).await.assert_ok();
}

#[actix_web::test]
async fn a_file_that_is_not_taken_is_named_at_its_field() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let draft = file(&app, &robot, json!({ "submit": false })).await;
    let url = format!("{}/evidence", path(&draft));
    let empty = Upload::new("empty.txt", "text/plain", "");
    let setup = Upload::new("setup.exe", "application/pdf", b"MZ\x90\x00\x03\x00\x00\x00".to_vec());
    for upload in [empty, setup] {
        assert_eq!(fields(&robot.post_multipart(&url, &[], &[("evidence", upload)]).await), ["evidence"]);
    }
    assert_eq!(fields(&robot.post_multipart(&url, &[("evidence", "x")], &[]).await), ["evidence"]);
    for refused in [robot.post_json(&url, &json!({})).await, robot.send(robot.request(Method::POST, &url)).await] {
        assert_eq!(code(refused.assert_status(415)), "unsupported_media_type");
    }
    let added = robot.post_multipart(&url, &[], &[("evidence", Upload::new("a.txt", "text/plain", "It rang."))]).await;
    let file = format!("{url}/{}", added.assert_status(201).json()["id"].as_str().unwrap());
    let beyond = robot.send(robot.request(Method::GET, &file).header("Range", "bytes=8-")).await;
    assert_eq!(code(beyond.assert_status(416)), "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), "bytes */8");
}

#[actix_web::test]
async fn a_file_that_is_taken_out_of_a_draft_takes_along_the_fact_that_names_it() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let draft = file(&app, &robot, json!({ "submit": false, "evidence": { "customer_name": "Ada" } })).await;
    let url = format!("{}/evidence", path(&draft));
    let added = robot.post_multipart(&url, &[], &[("evidence", Upload::new("a.txt", "text/plain", "It rang."))]).await;
    let id = added.assert_status(201).json()["id"].as_str().unwrap().to_owned();
    let named = json!({ "submit": false, "evidence": { "uncategorized_file": id } });
    robot.post_json(&path(&draft), &named).await.assert_ok();
    robot.send(robot.request(Method::DELETE, &format!("{url}/{id}"))).await.assert_status(204);
    let sent = robot.post_json(&path(&draft), &json!({ "submit": true })).await.assert_ok().json();
    assert_eq!((&sent["evidence"], &sent["files"]), (&json!({ "customer_name": "Ada" }), &json!([])));
    let log = program(&app, Person::manager("dana")).get("/api/v1/audit-logs?action=evidence.removed").await.json();
    assert_eq!(log["data"][0]["old_values"]["facts"], json!(["uncategorized_file"]));
}
