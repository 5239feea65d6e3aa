//! Every endpoint × token kind × scope. An endpoint without a line here fails.

use fairdial::auth::TokenScope::{self, AuditRead, CallsRead, CallsWrite, DisputesRead, DisputesWrite};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::FileId;
use fairdial::web::routes::ROUTES;
use reqwest::Method;
use serde_json::json;

use super::{code, token_of};
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

/// What the endpoint needs, if anything; then what these get whose token has it: the owner, another buyer, the owner's
/// colleague without Dispute Calls; managers without any permission, with View, with View and Edit, with Import alone, with
/// Settings alone.
type Line = (&'static str, &'static str, Option<TokenScope>, [u16; 8]);

const LINES: &[Line] = &[
    ("GET", "/api/v1/disputes", Some(DisputesRead), [200, 200, 403, 403, 200, 200, 403, 403]),
    ("POST", "/api/v1/disputes", Some(DisputesWrite), [422, 422, 403, 403, 403, 403, 403, 403]),
    ("GET", "/api/v1/disputes/{id}", Some(DisputesRead), [200, 404, 403, 403, 200, 200, 403, 403]),
    ("POST", "/api/v1/disputes/{id}", Some(DisputesWrite), [422, 404, 403, 403, 403, 403, 403, 403]),
    ("POST", "/api/v1/disputes/{id}/evidence", Some(DisputesWrite), [415, 404, 403, 403, 403, 403, 403, 403]),
    ("GET", "/api/v1/disputes/{id}/evidence/{eid}", Some(DisputesRead), [404, 404, 403, 403, 404, 404, 403, 403]),
    ("DELETE", "/api/v1/disputes/{id}/evidence/{eid}", Some(DisputesWrite), [404, 404, 403, 403, 403, 403, 403, 403]),
    ("POST", "/api/v1/disputes/{id}/reply", Some(DisputesWrite), [422, 404, 403, 403, 403, 422, 403, 403]),
    ("PUT", "/api/v1/disputes/{id}/resolve", Some(DisputesWrite), [403, 403, 403, 403, 403, 422, 403, 403]),
    ("GET", "/api/v1/calls", Some(CallsRead), [200, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/api/v1/calls", Some(CallsWrite), [403, 403, 403, 403, 403, 403, 422, 403]),
    ("GET", "/api/v1/calls/{id}", Some(CallsRead), [200, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/api/v1/audit-logs", Some(AuditRead), [403, 403, 403, 403, 403, 403, 403, 200]),
    // Beside the API, and let in as there.
    ("GET", "/metrics", Some(AuditRead), [403, 403, 403, 403, 403, 403, 403, 200]),
    ("GET", "/api/v1/openapi.json", None, [200; 8]),
    ("GET", "/api/v1/docs", None, [200; 8]),
    // Last: it changes what the others would get. Who comes after the first that may is told so: as good as a 200.
    ("POST", "/api/v1/disputes/{id}/close", Some(DisputesWrite), [200, 404, 403, 403, 403, 200, 403, 403]),
];

fn people() -> [Person; 8] {
    let manager = |name, view, edit, import, settings| Person::Manager { name, view, edit, import, settings };
    [
        Person::buyer("acme"),
        Person::buyer("birch"),
        Person::Buyer { name: "clerk", company: "acme", dispute_calls: false },
        manager("nil", false, false, false, false),
        manager("vic", true, false, false, false),
        manager("eve", true, true, false, false),
        manager("imp", false, false, true, false),
        manager("set", false, false, false, true),
    ]
}

#[test]
fn every_endpoint_has_a_line() {
    let api = |path: &str| path.starts_with("/api/") || path == "/metrics";
    let known: Vec<_> = LINES.iter().map(|(method, path, ..)| (*method, *path)).collect();
    let routes: Vec<_> =
        ROUTES.iter().filter(|route| api(route.path)).map(|route| (route.method, route.path)).collect();
    assert!(routes.iter().all(|route| known.contains(route)), "{routes:?}");
    assert!(known.iter().all(|line| routes.contains(line)), "{known:?}");
}

#[actix_web::test]
async fn each_token_gets_what_its_scope_and_its_user_allow() {
    let app = TestApp::start().await;
    let viewer = app.viewer(Person::buyer("acme"));
    let call = NewCall::ordinary(&viewer, app.clock().now()).add(app.db());
    let dispute = story::dispute(app.db(), app.clock(), &viewer, call, Intent::Send).unwrap();
    let ask = async |actor: &Actor, method: &str, pattern: &str| {
        let id = if pattern.contains("/calls") { call.to_string() } else { dispute.to_string() };
        let path = pattern.replace("{id}", &id).replace("{eid}", FileId::generate().as_str());
        let request = actor.request(method.parse::<Method>().unwrap(), &path);
        let message = json!({ "message": "" });
        let body = json!({ "evidence": { "nonsense": "x" }, "metadata": { "": "x" } });
        actor
            .send(if method == "GET" || path.ends_with("/close") {
                request
            } else {
                request.json(if path.ends_with("/reply") { &message } else { &body })
            })
            .await
    };
    let mut wrong = Vec::new();
    for (method, pattern, scope, expected) in LINES {
        let Some(named) = *scope else {
            // No token is needed, and a bad one is no hindrance.
            for actor in [app.anonymous(), Actor::with_token(app.origin(), "x")] {
                ask(&actor, method, pattern).await.assert_ok();
            }
            continue;
        };
        let anonymous = ask(&app.anonymous(), method, pattern).await;
        assert_eq!(code(anonymous.assert_status(401)), "unauthorized");
        let others: Vec<TokenScope> = TokenScope::ALL.iter().copied().filter(|other| *other != named).collect();
        for (at, person) in people().into_iter().enumerate().rev() {
            // A token with every scope but the one that is needed: nothing else counts, and nothing is done.
            app.viewer(person);
            let without = Actor::with_token(app.origin(), &token_of(&app, person, &others).1);
            let before = app.digest();
            let answer = ask(&without, method, pattern).await;
            assert_eq!(code(answer.assert_status(403)), "insufficient_scope", "{method} {pattern}");
            assert!(answer.header("www-authenticate").contains(named.code()));
            assert_eq!(app.digest(), before, "{method} {pattern}");
            for scopes in [vec![named], Vec::new()] {
                let with = Actor::with_token(app.origin(), &token_of(&app, person, &scopes).1);
                let status = ask(&with, method, pattern).await.status.as_u16();
                let status = if pattern.ends_with("/close") && status == 409 { 200 } else { status };
                if status != expected[at] {
                    wrong.push(format!("{method} {pattern} as {at} with {scopes:?}: {status}, not {}", expected[at]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
