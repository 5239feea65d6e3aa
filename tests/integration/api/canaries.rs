//! What a buyer must never learn, planted and looked for in every answer.

use diesel::prelude::*;
use fairdial::db::DbError;
use fairdial::db::schema::{buyers, calls, publishers, users};
use serde_json::{Value, json};

use super::{call_of, program, put_json};
use crate::support::app::TestApp;
use crate::support::people::Person;

const DISPUTES: &str = "/api/v1/disputes";

#[actix_web::test]
async fn a_buyer_learns_nothing_of_publishers_other_buyers_and_notes() {
    let app = TestApp::start().await;
    let dana = program(&app, Person::manager("dana"));
    let page = app.manager("dana").await;
    let (acme, birch) = (program(&app, Person::buyer("acme")), program(&app, Person::buyer("birch")));
    let mut secrets: Vec<String> =
        ["CANARY-PUBLISHER", "CANARY-DIALED", "CANARY-URL", "CANARY-NOTE", "birch", "dana", "77731"]
            .map(str::to_owned)
            .to_vec();
    let incoming = |buyer: &str, at: usize| {
        json!({ "source": "ringba", "external_id": format!("{buyer}-{at}"), "started_at": "2026-11-20T10:00:00Z",
            "buyer": buyer, "publisher": "CANARY-PUBLISHER", "dialed": "CANARY-DIALED", "payout": { "amount": 4200, "currency": "USD" },
            "publisher_payout": { "amount": 77731, "currency": "USD" }, "status": "completed_with_conversion",
            "recording_url": "https://recordings.example/CANARY-URL" })
    };
    let rows: Vec<Value> = (0..20).map(|at| incoming(if at % 2 == 0 { "acme" } else { "birch" }, at)).collect();
    let stored = dana.post_json("/api/v1/calls", &json!(rows)).await.assert_ok().json();
    assert_eq!(stored["meta"]["new"], 20);
    call_of(&app, Person::buyer("acme"));
    let mut mine = Vec::new();
    let mut theirs = Vec::new();
    for (at, row) in stored["data"].as_array().unwrap().iter().enumerate() {
        let (robot, list) = if at % 2 == 0 { (&acme, &mut mine) } else { (&birch, &mut theirs) };
        let filed = robot.post_json(DISPUTES, &json!({ "call_id": row["id"], "reason": "other" })).await;
        let dispute = filed.assert_status(201).json();
        let id = dispute["id"].as_str().unwrap().to_owned();
        page.post(&format!("/disputes/{id}/messages"), &[("body", "CANARY-NOTE"), ("internal", "1")])
            .await
            .assert_status(303);
        dana.post_json(&format!("{DISPUTES}/{id}/reply"), &json!({ "message": "Thank you." })).await.assert_status(201);
        page.post(
            &format!("/disputes/{id}/assignment"),
            &[("user", &app.viewer(Person::manager("dana")).user().to_string())],
        )
        .await
        .assert_status(303);
        if at % 4 < 2 {
            let body = json!({ "verdict": "accepted_partial", "credit": 1000, "clawback": 77 });
            put_json(&dana, &format!("{DISPUTES}/{id}/resolve"), &body).await.assert_ok();
        }
        list.push((id, row["id"].as_str().unwrap().to_owned()));
    }
    let ids: Vec<String> = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            let birch = buyers::table.filter(buyers::name.eq("birch")).select(buyers::id);
            let buyer: i64 = birch.first(conn)?;
            let publisher: Vec<i64> = publishers::table.select(publishers::id).load(conn)?;
            let people: Vec<i64> =
                users::table.filter(users::name.eq_any(["birch", "dana"])).select(users::id).load(conn)?;
            let calls: Vec<i64> = calls::table.filter(calls::buyer_id.eq(buyer)).select(calls::id).load(conn)?;
            let all = [vec![buyer], publisher, people, calls].concat();
            Ok(all.into_iter().map(|id| fairdial::domain::ids::CallId::from_number(id).to_string()).collect())
        })
        .unwrap();
    assert_eq!(ids.len(), 1 + 1 + 2 + 10);
    secrets.extend(ids);
    secrets.extend(theirs.iter().map(|(dispute, _)| dispute.clone()));
    secrets.extend(["\"clawback\"", "\"publisher", "\"dialed", "\"recording_url", "assign"].map(str::to_owned));

    let mut asked = 0;
    let mut paths: Vec<String> = vec![
        DISPUTES.to_owned(),
        format!("{DISPUTES}?expand[]=call&expand[]=messages&per_page=100"),
        format!("{DISPUTES}?status=resolved&expand[]=messages"),
        "/api/v1/calls".to_owned(),
        "/api/v1/audit-logs".to_owned(),
    ];
    for (dispute, call) in &mine {
        paths.push(format!("{DISPUTES}/{dispute}?expand[]=call"));
        paths.push(format!("{DISPUTES}?call_id={call}&expand[]=call"));
        paths.push(format!("/api/v1/calls/{call}"));
    }
    // What isn't theirs is named in the path, and never in the answer.
    for (dispute, call) in &theirs {
        paths.push(format!("{DISPUTES}/{dispute}"));
        paths.push(format!("{DISPUTES}?call_id={call}"));
        paths.push(format!("/api/v1/calls/{call}"));
    }
    for path in &paths {
        let answer = acme.get(path).await;
        asked += 1;
        for secret in &secrets {
            assert!(!answer.text().contains(secret.as_str()), "{secret} in the answer to {path}:\n{}", answer.text());
        }
        for (name, value) in &answer.headers {
            let value = value.to_str().unwrap_or_default();
            assert!(!secrets.iter().any(|secret| value.contains(secret.as_str())), "{name}: {value}");
        }
    }
    for (dispute, _) in &mine {
        let answers = [
            acme.post_json(&format!("{DISPUTES}/{dispute}"), &json!({ "metadata": { "a": "1" } })).await,
            acme.post_json(&format!("{DISPUTES}/{dispute}/reply"), &json!({ "message": "And?" })).await,
            acme.post(&format!("{DISPUTES}/{dispute}/close"), &[]).await,
        ];
        for answer in answers {
            asked += 1;
            let told = secrets.iter().find(|secret| answer.text().contains(secret.as_str()));
            assert_eq!(told, None, "{}", answer.text());
        }
    }
    assert!(asked > 90, "{asked}");
    // The canaries are there to be seen by those who may.
    let seen = dana.get(&format!("{DISPUTES}?expand[]=call&per_page=100")).await;
    seen.assert_body_has("CANARY-PUBLISHER").assert_body_has("77731").assert_body_has("clawback");
    seen.assert_body_lacks("CANARY-NOTE");
}
