//! Calls come in by program, and are listed.

use diesel::prelude::*;
use fairdial::db::DbError;
use fairdial::db::schema::{audit_log, calls};
use serde_json::{Value, json};

use super::{call_of, code, fields, program};
use crate::support::app::TestApp;
use crate::support::people::Person;

const CALLS: &str = "/api/v1/calls";

fn call(id: &str, more: Value) -> Value {
    let mut body = json!({
        "source": "ringba", "external_id": id, "started_at": "2026-11-20T10:00:00-05:00", "buyer": "Acme",
        "publisher": "Clickwell", "campaign": "Roofing", "caller_id": "+12145550164", "destination": "+12145550118",
        "destination_name": "Dallas intake", "payout": { "amount": 4200, "currency": "USD" },
        "publisher_payout": { "amount": 2500, "currency": "USD" }, "duration_s": 71,
        "status": "completed_with_conversion", "hangup_by": "caller",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn count(app: &TestApp) -> i64 {
    app.db().read_blocking::<_, DbError>(|conn| Ok(calls::table.count().get_result(conn)?)).unwrap()
}

#[actix_web::test]
async fn calls_come_in_once_and_each_row_has_its_result() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let dana = program(&app, Person::manager("dana"));
    let one = dana.post_json(CALLS, &call("A", json!({}))).await.assert_ok().json();
    assert_eq!((&one["data"][0]["result"], &one["meta"]["new"]), (&json!("new"), &json!(1)));
    let rows = json!([
        call("A", json!({})),
        call("A2", json!({ "payout": { "amount": 1, "currency": "XTS9" } })),
        call("B", json!({ "payout": null })),
        call("C", json!({ "started_at": "2026-11-20 10:00:00" })),
        call("D", json!({ "duration_s": "long", "status": "great" })),
        "nonsense",
        { "external_id": "E" },
    ]);
    let answer = dana.post_json(CALLS, &rows).await.assert_ok().json();
    let results: Vec<&str> =
        answer["data"].as_array().unwrap().iter().map(|row| row["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["unchanged", "failed", "new", "failed", "failed", "failed", "failed"]);
    assert_eq!(answer["meta"], json!({ "total": 7, "new": 1, "updated": 0, "unchanged": 1, "failed": 5 }));
    let wrong: Vec<&str> =
        answer["data"][4]["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(wrong, ["duration_s", "status"]);
    assert_eq!(count(&app), 2);
    let rows = json!({ "calls": [call("A", json!({})), call("W", json!({ "status": "great" }))] });
    let wrapped = dana.post_json(CALLS, &rows).await.assert_ok().json();
    assert_eq!(wrapped["meta"], json!({ "total": 2, "new": 0, "updated": 0, "unchanged": 1, "failed": 1 }));
    let again = dana.post_json(CALLS, &call("A", json!({ "payout": { "amount": 4300, "currency": "USD" } }))).await;
    assert_eq!(again.assert_ok().json()["data"][0]["result"], "updated");
    let seen = dana.get(&format!("{CALLS}/{}", one["data"][0]["id"].as_str().unwrap())).await.assert_ok().json();
    assert_eq!(seen["payout"], json!({ "amount": 4300, "currency": "USD" }));
    assert_eq!((&seen["publisher"], &seen["campaign"]), (&json!("Clickwell"), &json!("Roofing")));
    assert_eq!(seen["started_at"], "2026-11-20T15:00:00Z");
    let imports: i64 = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            Ok(audit_log::table.filter(audit_log::action.eq("calls.imported")).count().get_result(conn)?)
        })
        .unwrap();
    assert_eq!(imports, 3, "one entry for each request that changed something");
}

#[actix_web::test]
async fn a_call_alone_that_cannot_be_taken_is_refused_at_its_fields() {
    let app = TestApp::start().await;
    let dana = program(&app, Person::manager("dana"));
    assert_eq!(fields(&dana.post_json(CALLS, &json!({})).await), ["external_id"]);
    for buyer in [json!(""), json!(null)] {
        assert_eq!(fields(&dana.post_json(CALLS, &call("A", json!({ "buyer": buyer }))).await), ["buyer"]);
    }
    // Is 1250 dollars or cents? An amount says so.
    for payout in [json!(1250), json!(12.5), json!("12.50"), json!({ "amount": 12.5, "currency": "USD" }), json!([1])] {
        assert_eq!(
            fields(&dana.post_json(CALLS, &call("A", json!({ "payout": payout }))).await),
            ["payout"],
            "{payout}"
        );
    }
    assert_eq!(fields(&dana.post_json(CALLS, &json!([])).await), [""]);
    let many: Vec<Value> = (0..1_001).map(|at| call(&at.to_string(), json!({}))).collect();
    assert_eq!(fields(&dana.post_json(CALLS, &json!(many)).await), [""]);
    assert_eq!(count(&app), 0);
    dana.post_json(CALLS, &json!(many[..1_000])).await.assert_ok();
    assert_eq!(count(&app), 1_000);
    let form = [
        ("source", "ringba"),
        ("external_id", "F"),
        ("started_at", "2026-11-20T10:00:00Z"),
        ("buyer", "Acme"),
        ("payout[amount]", "4200"),
        ("payout[currency]", "USD"),
        ("status", "completed_with_conversion"),
    ];
    let filed = dana.post(CALLS, &form).await;
    assert_eq!(filed.assert_ok().json()["data"][0]["result"], "new");
}

#[actix_web::test]
async fn pages_have_exact_totals_and_wrong_ones_are_refused() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    for _ in 0..5 {
        call_of(&app, Person::buyer("acme"));
    }
    call_of(&app, Person::buyer("birch"));
    let list = robot.get(&format!("{CALLS}?per_page=2&page=3")).await.assert_ok().json();
    assert_eq!(list["meta"], json!({ "page": 3, "per_page": 2, "total": 5, "total_pages": 3 }));
    assert_eq!((list["object"].as_str(), list["data"].as_array().unwrap().len()), (Some("list"), 1));
    let beyond = robot.get(&format!("{CALLS}?page=9223372036854775807")).await.assert_ok().json();
    assert_eq!((&beyond["data"], &beyond["meta"]["total"]), (&json!([]), &json!(5)));
    assert_eq!(robot.get(CALLS).await.json()["meta"]["per_page"], 50);
    for (wrong, field) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=", "page"),
        ("page=1.5", "page"),
        ("page=-1", "page"),
        ("page=%2B1", "page"),
        ("per_page=0", "per_page"),
        ("per_page=101", "per_page"),
        ("per_page=ten", "per_page"),
        ("status=great", "status"),
        ("dispute_state=x", "dispute_state"),
        ("buyer_id=x", "buyer_id"),
        ("started_at[gte]=yesterday", "started_at[gte]"),
        ("external_id=%00", "external_id"),
        ("source=", "source"),
    ] {
        assert_eq!(fields(&robot.get(&format!("{CALLS}?{wrong}")).await), [field], "{wrong}");
    }
}

#[actix_web::test]
async fn dispute_states_are_for_those_who_may_see_disputes() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let call = call_of(&app, Person::buyer("acme"));
    call_of(&app, Person::buyer("acme"));
    robot.post_json("/api/v1/disputes", &json!({ "call_id": call, "reason": "other" })).await.assert_status(201);
    let ids = async |state: &str| {
        let list = robot.get(&format!("{CALLS}?dispute_state={state}")).await.assert_ok().json();
        list["data"].as_array().unwrap().iter().map(|call| call["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("disputed").await, [json!(call)]);
    assert_eq!((ids("none").await.len(), ids("adjusted").await.len()), (1, 0));
    assert_eq!(robot.get(&format!("{CALLS}/{call}")).await.json()["dispute_state"], "disputed");
    let clerk = program(&app, Person::Buyer { name: "clerk", company: "acme", dispute_calls: false });
    let seen = clerk.get(&format!("{CALLS}/{call}")).await.assert_ok().json();
    assert_eq!((seen.get("dispute_state"), seen.get("publisher")), (None, None));
    assert_eq!(code(clerk.get(&format!("{CALLS}?dispute_state=disputed")).await.assert_status(403)), "forbidden");
}
