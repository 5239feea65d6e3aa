//! Lists of disputes, and a dispute on both sides: the pages and the API are one desk.

use diesel::prelude::*;
use fairdial::db::DbError;
use fairdial::db::schema::{audit_log, disputes, facts, notifications, outbox};
use fairdial::domain::Instant;
use fairdial::domain::ids::{CallId, DisputeId};
use serde_json::{Value, json};

use super::{call_of, fields, program, put_json};
use crate::support::app::TestApp;
use crate::support::people::Person;

const DISPUTES: &str = "/api/v1/disputes";

#[actix_web::test]
async fn a_list_is_filtered_by_everything_the_contract_names() {
    let app = TestApp::start().await;
    let (robot, dana) = (program(&app, Person::buyer("acme")), program(&app, Person::manager("dana")));
    let mut ids = Vec::new();
    for (at, body) in [
        json!({ "reason": "other" }),
        json!({ "reason": "not_connected" }),
        json!({ "reason": "other", "submit": false }),
    ]
    .iter()
    .enumerate()
    {
        let mut body = body.clone();
        body["call_id"] = json!(call_of(&app, Person::buyer("acme")));
        ids.push(robot.post_json(DISPUTES, &body).await.assert_status(201).json());
        app.clock().advance(chrono::TimeDelta::minutes(1));
        assert_eq!(ids.len(), at + 1);
    }
    let birch = program(&app, Person::buyer("birch"));
    let body = json!({ "call_id": call_of(&app, Person::buyer("birch")), "reason": "other" });
    birch.post_json(DISPUTES, &body).await.assert_status(201);
    put_json(
        &dana,
        &format!("{DISPUTES}/{}/resolve", ids[1]["id"].as_str().unwrap()),
        &json!({ "verdict": "rejected" }),
    )
    .await
    .assert_ok();

    let found = async |query: &str| {
        let list = robot.get(&format!("{DISPUTES}?{query}")).await.assert_ok().json();
        let rows = list["data"].as_array().unwrap();
        assert!(query.starts_with("page") || list["meta"]["total"] == rows.len(), "{list}");
        assert!(rows.iter().all(|row| row.get("messages").is_none()));
        let at = |row: &Value| ids.iter().position(|known| known["id"] == row["id"]).unwrap();
        rows.iter().map(at).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, [2, 1, 0]);
    assert_eq!(found("status=pending").await, [0]);
    assert_eq!(found("status=draft").await, [2]);
    assert_eq!(found("status=resolved").await, [1]);
    assert_eq!(found("status=open&status=draft").await, [2, 0]);
    assert_eq!(found("status=replied").await, Vec::<usize>::new());
    assert_eq!(found("status=open&status=replied").await, [0]);
    assert_eq!(found("status[0]=open&status[1]=draft").await, [2, 0]);
    let (first, second) = (ids[0]["created"].as_str().unwrap(), ids[1]["created"].as_str().unwrap());
    assert_eq!(found(&format!("created[gte]={second}")).await, [2, 1]);
    assert_eq!(found(&format!("created[gt]={second}")).await, [2]);
    assert_eq!(found(&format!("created[lt]={second}")).await, [0]);
    assert_eq!(found(&format!("created[gt]={first}&created[lte]={second}")).await, [1]);
    // What can't be done is refused: nobody takes all disputes for some.
    for (wrong, field) in [
        (format!("created={first}"), "created"),
        (format!("created[after]={first}"), "created[after]"),
        ("source=ringba".to_owned(), "source"),
    ] {
        assert_eq!(fields(&robot.get(&format!("{DISPUTES}?{wrong}")).await), [field]);
    }
    assert_eq!(found("reason=other").await, [2, 0]);
    assert_eq!(found(&format!("call_id={}", ids[1]["call_id"].as_str().unwrap())).await, [1]);
    assert_eq!(found(&format!("buyer_id={}", ids[1]["buyer_id"].as_str().unwrap())).await, [2, 1, 0]);
    assert_eq!(found("created[gte]=2026-11-20T15:43:00Z").await, [2, 1]);
    assert_eq!(found("created%5Blt%5D=2026-11-20T15:43:00Z").await, [0]);
    assert_eq!(found("page=2&per_page=100").await.len(), 0);
    let expanded = robot.get(&format!("{DISPUTES}?expand[]=messages&expand[]=call&per_page=1")).await.json();
    assert_eq!(expanded["data"][0]["messages"], json!([]));
    assert_eq!(expanded["data"][0]["call"]["id"], expanded["data"][0]["call_id"]);
    for (wrong, field) in [
        ("status=approved", "status"),
        ("call_id=x", "call_id"),
        ("expand[]=everything", "expand[]"),
        ("created[gte]=x", "created[gte]"),
        ("per_page=101", "per_page"),
        ("reason=%00", "reason"),
    ] {
        assert_eq!(fields(&robot.get(&format!("{DISPUTES}?{wrong}")).await), [field], "{wrong}");
    }
    // Managers see everybody's, and no draft.
    let all = dana.get(DISPUTES).await.json();
    assert_eq!(all["meta"]["total"], 3);
    assert_eq!(dana.get(&format!("{DISPUTES}?status=draft")).await.json()["meta"]["total"], 0);
}

/// What a dispute left behind, but for ids and times of its own.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    row: (String, String, String, i64, Option<i64>, i32, String, bool),
    facts: Vec<(String, String, bool)>,
    notified: Vec<(String, String)>,
    events: Vec<(String, String)>,
    audited: Vec<(String, String, String)>,
}

fn trace(app: &TestApp, id: DisputeId, call: CallId) -> Trace {
    let masked = |text: String| text.replace(&id.to_string(), "ID").replace(&call.to_string(), "CALL");
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            let d = disputes::table.find(id);
            let row = d
                .select((
                    disputes::status,
                    disputes::reason,
                    disputes::additional_information,
                    disputes::payout_sort,
                    disputes::publisher_payout,
                    disputes::version,
                    disputes::last_speaker,
                    disputes::has_evidence,
                ))
                .first(conn)?;
            let facts = facts::table
                .filter(facts::dispute_id.eq(id))
                .order(facts::name)
                .select((facts::name, facts::value, facts::is_staged))
                .load(conn)?;
            let notified = notifications::table
                .filter(notifications::dispute_id.eq(id))
                .order(notifications::user_id)
                .select((notifications::kind, notifications::detail))
                .load(conn)?;
            let events: Vec<(String, String)> = outbox::table
                .filter(outbox::dispute_id.eq(id))
                .order(outbox::id)
                .select((outbox::topic, outbox::payload))
                .load(conn)?;
            let audited: Vec<(String, String, String)> = audit_log::table
                .filter(audit_log::dispute_id.eq(id))
                .order(audit_log::seq)
                .select((audit_log::action, audit_log::actor_name, audit_log::new_values))
                .load(conn)?;
            Ok(Trace {
                row,
                facts,
                notified,
                events: events.into_iter().map(|(topic, text)| (topic, masked(text))).collect(),
                audited: audited.into_iter().map(|(action, name, text)| (action, name, masked(text))).collect(),
            })
        })
        .unwrap()
}

#[actix_web::test]
async fn a_dispute_filed_by_program_is_as_one_filed_on_a_page_and_the_other_way_round() {
    let app = TestApp::start().await;
    app.manager("dana").await;
    let (page, robot) = (app.buyer("acme").await, program(&app, Person::buyer("acme")));
    let (one, two) = (call_of(&app, Person::buyer("acme")), call_of(&app, Person::buyer("acme")));
    let form = [
        ("reason", "other"),
        ("additional_information", "They hung up."),
        ("fact[service_date]", "2026-11-19"),
        ("intent", "send"),
    ];
    let sent = page.post_multipart(&format!("/calls/{one}/disputes"), &form, &[]).await;
    let by_page: DisputeId = sent.assert_status(303).location().rsplit('/').next().unwrap().parse().unwrap();
    let body = json!({ "call_id": two, "reason": "other", "additional_information": "They hung up.",
        "evidence": { "service_date": "2026-11-19" } });
    let sent = robot.post_json(DISPUTES, &body).await.assert_status(201).json();
    let by_program: DisputeId = sent["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(trace(&app, by_page, one), trace(&app, by_program, two));

    // On the pages they read alike, and by program too. First what the next page tells of the form is read.
    page.get("/calls").await.assert_ok();
    let shown = async |id: DisputeId, call: CallId| {
        let answer = page.get(&format!("/disputes/{id}")).await;
        let lines = answer.assert_ok().text().lines().filter(|line| !line.contains("form_token"));
        lines.map(|line| line.replace(&id.to_string(), "ID").replace(&call.to_string(), "CALL")).collect::<Vec<_>>()
    };
    assert_eq!(shown(by_page, one).await, shown(by_program, two).await);
    let read = async |id: DisputeId| {
        let mut dispute = robot.get(&format!("{DISPUTES}/{id}")).await.assert_ok().json();
        for own in ["id", "call_id", "call_external_id"] {
            dispute[own] = Value::Null;
        }
        dispute
    };
    assert_eq!(read(by_page).await, read(by_program).await);
    let columns = (disputes::created_at, disputes::listed_at);
    let at: Vec<(Instant, Instant)> =
        app.db().read_blocking::<_, DbError>(|conn| Ok(disputes::table.select(columns).load(conn)?)).unwrap();
    assert_eq!(at[0], at[1]);
}
