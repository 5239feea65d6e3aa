//! What a buyer must never learn, planted and looked for in every answer.

use diesel::prelude::*;
use fairdial::db::DbError;
use fairdial::db::schema::{buyers, calls, publishers, users};
use serde_json::{Value, json};

use super::{call_of, program, put_json};
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;

const DISPUTES: &str = "/api/v1/disputes";

/// Two buyers' disputes and calls, with all that one of them must not learn.
struct Planted {
    /// Kept, because it serves as long as it lives.
    _app: TestApp,
    dana: Actor,
    acme: Actor,
    /// The ids of disputes and of their calls.
    mine: Vec<(String, String)>,
    theirs: Vec<(String, String)>,
    /// What stands in no answer to acme.
    secrets: Vec<String>,
}

impl Planted {
    /// Asks as acme, and looks through the answer and its headers; whether something was found.
    async fn look(&self, path: &str) -> bool {
        let answer = self.acme.get(path).await;
        self.check(path, &answer);
        answer.status.is_success()
    }

    fn check(&self, path: &str, answer: &Response) {
        for secret in &self.secrets {
            assert!(!answer.text().contains(secret.as_str()), "{secret} in the answer to {path}:\n{}", answer.text());
        }
        for (name, value) in &answer.headers {
            let value = value.to_str().unwrap_or_default();
            assert!(!self.secrets.iter().any(|secret| value.contains(secret.as_str())), "{name}: {value}");
        }
    }
}

async fn plant() -> Planted {
    let app = TestApp::start_set(|config| config.api_requests_per_minute = 1_000_000).await;
    let dana = program(&app, Person::manager("dana"));
    let page = app.manager("dana").await;
    let (acme, birch) = (program(&app, Person::buyer("acme")), program(&app, Person::buyer("birch")));
    let mut secrets: Vec<String> =
        ["CANARY-PUBLISHER", "CANARY-DIALED", "CANARY-URL", "CANARY-NOTE", "birch", "dana", "977731077"]
            .map(str::to_owned)
            .to_vec();
    let incoming = |buyer: &str, at: usize| {
        json!({ "source": "ringba", "external_id": format!("{buyer}-{at}"), "started_at": "2026-11-20T10:00:00Z",
            "buyer": buyer, "publisher": "CANARY-PUBLISHER", "dialed": "CANARY-DIALED", "payout": { "amount": 4200, "currency": "USD" },
            "publisher_payout": { "amount": 977_731_077_i64, "currency": "USD" }, "status": "completed_with_conversion",
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

    Planted { _app: app, dana, acme, mine, theirs, secrets }
}

#[actix_web::test]
async fn a_buyer_learns_nothing_of_publishers_other_buyers_and_notes() {
    let world = plant().await;
    let Planted { dana, acme, mine, theirs, .. } = &world;
    let mut asked = 0;
    let mut paths: Vec<String> = vec![
        DISPUTES.to_owned(),
        format!("{DISPUTES}?expand[]=call&expand[]=messages&per_page=100"),
        format!("{DISPUTES}?status=resolved&expand[]=messages"),
        "/api/v1/calls".to_owned(),
        "/api/v1/audit-logs".to_owned(),
    ];
    for (dispute, call) in mine {
        paths.push(format!("{DISPUTES}/{dispute}?expand[]=call"));
        paths.push(format!("{DISPUTES}?call_id={call}&expand[]=call"));
        paths.push(format!("/api/v1/calls/{call}"));
    }
    // What isn't theirs is named in the path, and never in the answer.
    for (dispute, call) in theirs {
        paths.push(format!("{DISPUTES}/{dispute}"));
        paths.push(format!("{DISPUTES}?call_id={call}"));
        paths.push(format!("/api/v1/calls/{call}"));
    }
    for path in &paths {
        let _is_found = world.look(path).await;
        asked += 1;
    }
    for (dispute, _) in mine {
        let answers = [
            acme.post_json(&format!("{DISPUTES}/{dispute}"), &json!({ "metadata": { "a": "1" } })).await,
            acme.post_json(&format!("{DISPUTES}/{dispute}/reply"), &json!({ "message": "And?" })).await,
            acme.post(&format!("{DISPUTES}/{dispute}/close"), &[]).await,
        ];
        for answer in answers {
            asked += 1;
            world.check(dispute, &answer);
        }
    }
    assert!(asked > 90, "{asked}");
    // The canaries are there to be seen by those who may.
    let seen = dana.get(&format!("{DISPUTES}?expand[]=call&per_page=100")).await;
    seen.assert_body_has("CANARY-PUBLISHER").assert_body_has("977731077").assert_body_has("clawback");
    seen.assert_body_lacks("CANARY-NOTE");
}

/// Every set of what can be expanded.
fn expansions() -> Vec<String> {
    let mut sets = vec![String::new()];
    for name in ["call", "messages", "evidence", "decision"] {
        let with: Vec<String> = sets.iter().map(|set| format!("{set}&expand[]={name}")).collect();
        sets.extend(with);
    }
    sets
}

#[actix_web::test]
async fn in_ten_thousand_answers_there_is_no_canary() {
    let world = plant().await;
    let statuses = ["", "pending", "open", "replied", "resolved", "accepted_partial", "rejected", "draft", "nonsense"];
    let pages = ["page=1&per_page=100", "page=1&per_page=2", "page=2&per_page=3", "page=0", "page=9"];
    let ids: Vec<&(String, String)> = world.mine.iter().chain(&world.theirs).collect();
    let mut paths = Vec::new();
    for expanded in expansions() {
        for (dispute, call) in &ids {
            paths.push(format!("{DISPUTES}/{dispute}?{expanded}"));
            paths.push(format!("/api/v1/calls/{call}?{expanded}"));
        }
        for status in statuses {
            let list = format!("{DISPUTES}?status={status}{expanded}");
            for reason in ["", "other", "caller_hung_up"] {
                paths.extend(pages.map(|page| format!("{list}&reason={reason}&{page}")));
            }
            paths.extend(ids.iter().map(|(_, call)| format!("{list}&call_id={call}")));
            for buyer in ["acme", "birch"] {
                paths.extend((0..20).map(|at| format!("{list}&call_external_id={buyer}-{at}&source=ringba")));
            }
        }
    }
    assert!(paths.len() >= 10_000, "{}", paths.len());
    let mut found = 0;
    for path in &paths {
        found += usize::from(world.look(path).await);
    }
    assert!(found >= 7_500, "{found}");
    world.dana.get(&format!("{DISPUTES}?expand[]=call")).await.assert_body_has("CANARY-PUBLISHER");
}
