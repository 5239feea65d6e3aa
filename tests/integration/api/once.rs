//! `Idempotency-Key`, `ETag` and `If-Match`.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{call_of, code, program};
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;

const DISPUTES: &str = "/api/v1/disputes";

async fn send(actor: &Actor, method: Method, path: &str, key: &str, body: &Value) -> Response {
    actor.send(actor.request(method, path).header("Idempotency-Key", key).json(body)).await
}

#[actix_web::test]
async fn the_same_key_and_body_give_the_first_answer_for_a_day() {
    let app = TestApp::start().await;
    let (robot, birch) = (program(&app, Person::buyer("acme")), program(&app, Person::buyer("birch")));
    let body = json!({ "call_id": call_of(&app, Person::buyer("acme")), "reason": "other" });
    let first = send(&robot, Method::POST, DISPUTES, "k", &body).await;
    first.assert_status(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    robot.post(&format!("{DISPUTES}/{}/close", first.json()["id"].as_str().unwrap()), &[]).await.assert_ok();
    let before = app.digest();
    app.clock().advance(TimeDelta::hours(24) - TimeDelta::microseconds(1));
    let again = send(&robot, Method::POST, DISPUTES, "k", &body).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(app.digest(), before);

    let other =
        send(&robot, Method::POST, DISPUTES, "k", &json!({ "call_id": body["call_id"], "reason": "not_connected" }))
            .await;
    assert_eq!(code(other.assert_status(422)), "idempotency_key_reused");
    let elsewhere = send(&robot, Method::POST, "/api/v1/disputes/0000000000000/reply", "k", &body).await;
    elsewhere.assert_status(422);
    // Somebody else's key is another key.
    send(&birch, Method::POST, DISPUTES, "k", &body).await.assert_not_found();
    assert_eq!(app.digest()[..9], before[..9]);

    app.clock().advance(TimeDelta::microseconds(1));
    let anew = send(&robot, Method::POST, DISPUTES, "k", &body).await;
    assert_ne!(anew.assert_status(201).json()["id"], first.json()["id"]);
}

#[actix_web::test]
async fn a_refusal_is_given_again_too_and_changes_nothing() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let call = call_of(&app, Person::buyer("acme"));
    let body = json!({ "call_id": call, "reason": "other" });
    let first = robot.post_json(DISPUTES, &body).await.assert_status(201).json();
    let refused = send(&robot, Method::POST, DISPUTES, "k", &body).await;
    assert_eq!(code(refused.assert_status(409)), "already_disputed");
    robot.post(&format!("{DISPUTES}/{}/close", first["id"].as_str().unwrap()), &[]).await.assert_ok();
    let again = send(&robot, Method::POST, DISPUTES, "k", &body).await;
    assert_eq!((again.status, &again.body), (refused.status, &refused.body));
    assert_eq!(again.header("content-type"), "application/problem+json");
    send(&robot, Method::POST, DISPUTES, "another", &body).await.assert_status(201);
    for wrong in ["", &"k".repeat(256)] {
        assert_eq!(code(send(&robot, Method::POST, DISPUTES, wrong, &body).await.assert_status(400)), "bad_request");
    }
}

#[actix_web::test]
async fn several_at_once_with_one_key_are_one() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let filed = json!({ "call_id": call_of(&app, Person::buyer("acme")), "reason": "other" });
    let dispute = robot.post_json(DISPUTES, &filed).await.json();
    let path = format!("{DISPUTES}/{}/reply", dispute["id"].as_str().unwrap());
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (robot, path) = (robot.clone(), path.clone());
            actix_web::rt::spawn(async move {
                send(&robot, Method::POST, &path, "same", &json!({ "message": "Please listen." })).await
            })
        })
        .collect();
    let mut ids = Vec::new();
    for each in tries {
        ids.push(each.await.unwrap().assert_status(201).json()["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let thread = robot.get(&format!("{DISPUTES}/{}", dispute["id"].as_str().unwrap())).await.json();
    assert_eq!(thread["messages"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn an_upload_that_comes_again_is_kept_once() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let filed = json!({ "call_id": call_of(&app, Person::buyer("acme")), "reason": "other" });
    let dispute = robot.post_json(DISPUTES, &filed).await.json();
    let url = format!("{DISPUTES}/{}/evidence", dispute["id"].as_str().unwrap());
    let upload = async |text: &str| {
        let part = reqwest::multipart::Part::bytes(text.as_bytes().to_vec()).file_name("a.txt");
        let form = reqwest::multipart::Form::new().part("evidence", part.mime_str("text/plain").unwrap());
        robot.send(robot.request(Method::POST, &url).header("Idempotency-Key", "k").multipart(form)).await
    };
    let first = upload("one").await.assert_status(201).json();
    assert_eq!(upload("one").await.assert_status(201).json(), first);
    assert_eq!(code(upload("two").await.assert_status(422)), "idempotency_key_reused");
    let store = fairdial::file_store::FileStore::open(&app.data_dir()).unwrap();
    assert_eq!(store.walk().count(), 1);
}

#[actix_web::test]
async fn a_change_of_what_was_not_seen_is_refused() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let filed = json!({ "call_id": call_of(&app, Person::buyer("acme")), "reason": "other" });
    let filed = robot.post_json(DISPUTES, &filed).await;
    let (tag, dispute) = (filed.header("etag").to_owned(), filed.json());
    let path = format!("{DISPUTES}/{}", dispute["id"].as_str().unwrap());
    assert_eq!(dana.get(&path).await.header("etag"), tag);
    let change = async |actor: &Actor, method: Method, path: &str, tag: &str, body: Value| {
        actor.send(actor.request(method, path).header("If-Match", tag).json(&body)).await
    };
    let label = |value: &str| json!({ "metadata": { "a": value } });
    let changed = change(&robot, Method::POST, &path, &tag, label("1")).await;
    assert_ne!(changed.assert_ok().header("etag"), tag);
    let before = app.digest();
    let resolve = format!("{path}/resolve");
    for (actor, method, path, body) in [
        (&robot, Method::POST, &path, label("2")),
        (&robot, Method::POST, &format!("{path}/close"), json!({})),
        (&robot, Method::POST, &format!("{path}/reply"), json!({ "message": "x" })),
        (&dana, Method::PUT, &resolve, json!({ "verdict": "accepted" })),
    ] {
        let refused = change(actor, method, path, &tag, body).await;
        assert_eq!(code(refused.assert_status(412)), "precondition_failed", "{path}");
    }
    assert_eq!(app.digest(), before);
    let either = format!("{tag}, {}", changed.header("etag"));
    change(&robot, Method::POST, &path, &either, label("2")).await.assert_ok();
    change(&robot, Method::POST, &path, "*", label("3")).await.assert_ok();
    change(&robot, Method::POST, &path, "nonsense", label("4")).await.assert_status(412);
    let missing = change(&robot, Method::POST, &format!("{DISPUTES}/0000000000000"), &tag, label("5")).await;
    missing.assert_not_found();
}
