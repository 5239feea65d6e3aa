//! Three life cycles that public dispute APIs document, walked in terms of call disputes.

use diesel::prelude::*;
use fairdial::db::DbError;
use fairdial::db::schema::{calls, counters, outbox};
use fairdial::domain::ids::CallId;
use serde_json::{Value, json};

use super::{call_of, code, fields, program, put_json};
use crate::support::actor::Upload;
use crate::support::app::TestApp;
use crate::support::people::Person;

const DISPUTES: &str = "/api/v1/disputes";

fn path(dispute: &Value) -> String {
    format!("{DISPUTES}/{}", dispute["id"].as_str().unwrap())
}

fn net_of(app: &TestApp, call: CallId) -> (String, i64, i64) {
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            let row = calls::table.find(call).select((calls::dispute_state, calls::net_credit, calls::net_clawback));
            Ok(row.first(conn)?)
        })
        .unwrap()
}

fn pending(app: &TestApp) -> i64 {
    app.db()
        .read_blocking::<_, DbError>(|conn| Ok(counters::table.find(0).select(counters::pending).first(conn)?))
        .unwrap()
}

/// Staged evidence and metadata: stage, look, stage more, attach a file, submit all, follow to the verdict.
#[actix_web::test]
async fn evidence_is_gathered_staged_and_submitted_at_once() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let call = call_of(&app, Person::buyer("acme"));
    let body = json!({ "call_id": call, "reason": "not_qualified", "submit": false, "metadata": { "order": "6735" },
        "evidence": { "customer_name": "Ada" } });
    let draft = robot.post_json(DISPUTES, &body).await.assert_status(201).json();
    let file = Upload::new("transcript.txt", "text/plain", "No, I only wanted the time.");
    let file = robot.post_multipart(&format!("{}/evidence", path(&draft)), &[], &[("evidence", file)]).await;
    let file = file.assert_status(201).json();
    let body =
        json!({ "submit": false, "evidence": { "uncategorized_file": file["id"], "qualification_criterion": "ZIP" } });
    let staged = robot.post_json(&path(&draft), &body).await.assert_ok().json();
    assert_eq!(staged["staged_evidence"].as_object().unwrap().len(), 3);
    assert_eq!((staged["status"].as_str(), pending(&app)), (Some("draft"), 0));
    dana.get(&path(&draft)).await.assert_not_found();
    assert_eq!(robot.get(&format!("{DISPUTES}?status=draft")).await.json()["meta"]["total"], 1);

    let sent = robot.post_json(&path(&draft), &json!({})).await.assert_ok().json();
    assert_eq!((sent["status"].as_str(), pending(&app)), (Some("pending"), 1));
    assert_eq!(sent["evidence"].as_object().unwrap().len(), 3);
    robot.post_json(&path(&draft), &json!({ "metadata": { "order": "6735-b" } })).await.assert_ok();
    let more = json!({ "evidence": { "customer_communication": "She asked for the time." } });
    robot.post_json(&path(&draft), &more).await.assert_ok();
    let id = draft["id"].as_str().unwrap();
    app.manager("dana").await.get(&format!("/disputes/{id}")).await.assert_body_has("added facts");

    let resolve = format!("{}/resolve", path(&draft));
    let body = json!({ "verdict": "rejected", "note": "The ZIP code fits." });
    let lost = put_json(&dana, &resolve, &body).await.assert_ok().json();
    assert_eq!(lost["decision"]["clawback"], json!({ "amount": 0, "currency": "USD" }));
    let seen = robot.get(&path(&draft)).await.json();
    assert_eq!(
        (seen["status"].as_str(), seen["decision"]["note"].as_str()),
        (Some("rejected"), Some("The ZIP code fits."))
    );
    assert_eq!(seen["metadata"], json!({ "order": "6735-b" }));
    assert_eq!(seen["decision"].get("clawback"), None);
    assert_eq!(net_of(&app, call), ("none".to_owned(), 0, 0));
}

/// List, reply, resolve, reopen, audit: the platform works its queue, the buyer answers, the matter comes back.
#[actix_web::test]
async fn a_queue_is_worked_by_replies_and_a_reply_reopens() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let call = call_of(&app, Person::buyer("acme"));
    let filed = robot.post_json(DISPUTES, &json!({ "call_id": call, "reason": "other" })).await;
    let dispute = filed.assert_status(201).json();
    let total = async |status: &str| {
        dana.get(&format!("{DISPUTES}?status={status}")).await.assert_ok().json()["meta"]["total"].clone()
    };
    assert_eq!((total("open").await, total("replied").await), (json!(1), json!(0)));

    let reply = format!("{}/reply", path(&dispute));
    let asked = dana.post_json(&reply, &json!({ "message": "Which number did they ask for?" })).await;
    let asked = asked.assert_status(201).json();
    assert_eq!(asked["author_name"], "dana");
    assert_eq!((total("open").await, total("replied").await), (json!(0), json!(1)));
    let thread = robot.get(&path(&dispute)).await.json()["messages"].clone();
    // To a buyer everybody at the platform is the platform.
    assert_eq!((&thread[0]["author_side"], &thread[0]["author_name"]), (&json!("platform"), &json!("Fairdial")));
    assert_eq!(thread[0]["message"], "Which number did they ask for?");
    robot.post(&reply, &[("message", "Another company's.")]).await.assert_status(201);
    assert_eq!(total("open").await, json!(1));
    assert_eq!(fields(&robot.post_json(&reply, &json!({ "message": " " })).await), ["message"]);
    assert_eq!(fields(&robot.post_json(&reply, &json!({ "message": "x".repeat(5_001) })).await), ["message"]);

    let resolve = format!("{}/resolve", path(&dispute));
    let version = dana.get(&path(&dispute)).await.json()["version"].clone();
    let body = json!({ "verdict": "rejected", "version": version });
    put_json(&dana, &resolve, &body).await.assert_ok();
    assert_eq!((total("resolved").await, total("open").await, pending(&app)), (json!(1), json!(0), 0));
    let again = put_json(&dana, &resolve, &json!({ "verdict": "accepted" })).await;
    assert_eq!(code(again.assert_status(409)), "not_pending");
    assert!(again.json()["detail"].as_str().unwrap().contains("dana decided this dispute first"), "{}", again.text());

    robot.post_json(&reply, &json!({ "message": "Please listen to 0:12." })).await.assert_status(201);
    let reopened = robot.get(&path(&dispute)).await.json();
    assert_eq!((reopened["status"].as_str(), &reopened["decision"], pending(&app)), (Some("pending"), &Value::Null, 1));
    let stale = put_json(&dana, &resolve, &json!({ "verdict": "accepted", "version": version })).await;
    assert_eq!(code(stale.assert_status(409)), "version_changed");
    let body = json!({ "verdict": "accepted_partial", "credit": { "amount": 2100, "currency": "USD" } });
    let settled = put_json(&dana, &resolve, &body).await.assert_ok().json();
    assert_eq!(settled["decision"]["clawback"], json!({ "amount": 1250, "currency": "USD" }));
    assert_eq!(net_of(&app, call), ("adjusted".to_owned(), 2100, 1250));

    let log = dana.get("/api/v1/audit-logs?per_page=100").await.assert_ok().json();
    let id = dispute["id"].as_str().unwrap();
    let of_dispute: Vec<&str> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .filter(|entry| entry["dispute_id"] == id)
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let expected = [
        "dispute.sent",
        "message.written",
        "message.written",
        "dispute.decided",
        "message.written",
        "dispute.reopened",
        "dispute.decided",
    ];
    assert_eq!(of_dispute, expected);
    let entry = &log["data"][0];
    assert_eq!((&entry["request"]["via"], &entry["actor"]["name"]), (&json!("api"), &json!("dana")));
    assert_eq!(entry["old_values"], json!({ "status": "pending" }));
    assert!(!entry["request"]["id"].as_str().unwrap().is_empty());
    let topics: i64 = app.db().read_blocking::<_, DbError>(|conn| Ok(outbox::table.count().get_result(conn)?)).unwrap();
    assert_eq!(topics, 7, "each change told once");
}

/// Retrieve, update, close: what is conceded stays conceded, on either side.
#[actix_web::test]
async fn a_dispute_is_retrieved_updated_and_closed_for_good() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let (mine, theirs) = (call_of(&app, Person::buyer("acme")), call_of(&app, Person::buyer("acme")));
    let file = async |call: CallId| {
        robot.post_json(DISPUTES, &json!({ "call_id": call, "reason": "other" })).await.assert_status(201).json()
    };
    let (one, two) = (file(mine).await, file(theirs).await);
    let close = |dispute: &Value| format!("{}/close", path(dispute));
    robot.post_json(&path(&one), &json!({ "evidence": { "service_date": "2026-11-19" } })).await.assert_ok();
    let withdrawn = robot.post(&close(&one), &[]).await.assert_ok().json();
    assert_eq!((withdrawn["status"].as_str(), &withdrawn["decision"]), (Some("withdrawn"), &Value::Null));
    for actor in [&robot, &dana] {
        let again = actor.post(&close(&one), &[]).await;
        assert!(["dispute_closed", "not_pending"].contains(&code(again.assert_status(409)).as_str()));
    }
    // A request without body and Content-Type is how a program says "no body".
    let bare = dana.send(dana.request(reqwest::Method::POST, &close(&two))).await;
    let accepted = bare.assert_ok().json();
    assert_eq!(
        (accepted["status"].as_str(), &accepted["decision"]["credit"]["amount"]),
        (Some("accepted"), &json!(4200))
    );
    robot.post(&close(&two), &[]).await.assert_status(409);
    assert_eq!(net_of(&app, mine), ("none".to_owned(), 0, 0));
    assert_eq!(net_of(&app, theirs), ("adjusted".to_owned(), 4200, 2500));
    assert_eq!(pending(&app), 0);
    // What was withdrawn may be disputed again.
    assert_ne!(file(mine).await["id"], one["id"]);
}

#[actix_web::test]
async fn amounts_of_a_decision_are_checked_at_their_fields() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let call = call_of(&app, Person::buyer("acme"));
    let dispute = robot.post_json(DISPUTES, &json!({ "call_id": call, "reason": "other" })).await.json();
    let resolve = format!("{}/resolve", path(&dispute));
    for (body, field) in [
        (json!({}), "verdict"),
        (json!({ "verdict": "approved" }), "verdict"),
        (json!({ "verdict": "accepted_partial" }), "credit"),
        (json!({ "verdict": "accepted_partial", "credit": 4200 }), "credit"),
        (json!({ "verdict": "accepted_partial", "credit": "12.50" }), "credit"),
        (json!({ "verdict": "accepted_partial", "credit": { "amount": 100, "currency": "EUR" } }), "credit"),
        (json!({ "verdict": "rejected", "credit": 1 }), "credit"),
        (json!({ "verdict": "accepted", "clawback": 2501 }), "clawback"),
        (json!({ "verdict": "accepted", "note": "x".repeat(5_001) }), "note"),
        (json!({ "verdict": "accepted", "version": "two" }), "version"),
    ] {
        assert_eq!(fields(&put_json(&dana, &resolve, &body).await), [field], "{body}");
    }
    let form =
        [("verdict", "accepted_partial"), ("credit[amount]", "2100"), ("credit[currency]", "USD"), ("version", "1")];
    let version = dana.get(&path(&dispute)).await.json()["version"].to_string();
    let form = form.map(|(name, value)| (name, if name == "version" { version.as_str() } else { value }));
    let sent = dana.send(dana.request(reqwest::Method::PUT, &resolve).form(&form)).await;
    assert_eq!(sent.assert_ok().json()["decision"]["credit"], json!({ "amount": 2100, "currency": "USD" }));
}
