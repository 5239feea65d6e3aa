//! Tokens: made on the account page and by command, shown once, and what lets a program in.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use fairdial::auth::TokenScope;
use fairdial::db::schema::{audit_log, tokens};
use fairdial::db::{DbError, users};
use fairdial::domain::Instant;
use reqwest::Method;

use super::{code, program, token_of};
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::cli::Desk;
use crate::support::people::Person;

const CALLS: &str = "/api/v1/calls";

fn last_used(app: &TestApp) -> Option<Instant> {
    app.db().read_blocking::<_, DbError>(|conn| Ok(tokens::table.select(tokens::last_used_at).first(conn)?)).unwrap()
}

fn actions(app: &TestApp) -> Vec<String> {
    app.db()
        .read_blocking::<_, DbError>(|conn| {
            Ok(audit_log::table
                .filter(audit_log::entity.eq("token"))
                .order(audit_log::seq)
                .select(audit_log::action)
                .load(conn)?)
        })
        .unwrap()
}

#[actix_web::test]
async fn a_token_made_on_the_account_page_is_shown_once_and_opens_the_api_until_it_is_revoked() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let form = [("name", "Nightly export"), ("scope", "calls:read"), ("expires_days", "30")];
    let made = acme.post("/account/tokens", &form).await;
    let secret = made.assert_ok().page().text("#token");
    assert!(secret.starts_with("fairdial_") && secret.len() == 73, "{secret}");

    let page = acme.get("/account/tokens").await;
    page.assert_ok().assert_body_lacks(&secret).assert_body_has(&secret[..17]).assert_body_has("Nightly export");
    let stored: Vec<(String, String)> = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            Ok(tokens::table.select((tokens::token_hash, tokens::prefix)).load(conn)?)
        })
        .unwrap();
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].0.contains(&secret[9..]) && stored[0].0.len() == 64);

    let robot = Actor::with_token(app.origin(), &secret);
    robot.get(CALLS).await.assert_ok();
    let id = page.page().attr("#tokens tbody tr", "data-id");
    let birch = app.buyer("birch").await;
    birch.post(&format!("/account/tokens/{id}/delete"), &[]).await.assert_not_found();
    robot.get(CALLS).await.assert_ok();
    acme.post(&format!("/account/tokens/{id}/delete"), &[]).await.assert_redirect("/account/tokens");
    assert_eq!(code(robot.get(CALLS).await.assert_status(401)), "unauthorized");
    acme.post(&format!("/account/tokens/{id}/delete"), &[]).await.assert_not_found();
    assert_eq!(actions(&app), ["token.created", "token.revoked"]);
}

#[actix_web::test]
async fn a_form_that_makes_no_sense_makes_no_token_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let refused = acme.post("/account/tokens", &[("name", " "), ("scope", "everything"), ("expires_days", "-1")]).await;
    refused.assert_status(422);
    assert_eq!(refused.page().select(".summary li").len(), 3);
    let refused = acme.post("/account/tokens", &[("name", ""), ("scope", "calls:read")]).await;
    assert!(refused.page().select("input[value='calls:read'][checked]").len() == 1);
    assert!(actions(&app).is_empty());
}

#[actix_web::test]
async fn a_cookie_opens_nothing_and_a_token_opens_no_page() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    acme.get(CALLS).await.assert_status(401);
    acme.post("/api/v1/disputes", &[("call_id", "x")]).await.assert_status(401);
    let robot = program(&app, Person::buyer("acme"));
    robot.get(CALLS).await.assert_ok();
    robot.get("/calls").await.assert_sign_in_first();
}

#[actix_web::test]
async fn only_one_good_bearer_token_is_taken() {
    let app = TestApp::start().await;
    let (_, secret) = token_of(&app, Person::buyer("acme"), &[]);
    let nobody = app.anonymous();
    let with = |value: String| nobody.request(Method::GET, CALLS).header("Authorization", value);
    nobody.send(with(format!("bearer {secret}"))).await.assert_ok();
    for wrong in [format!("Basic {secret}"), secret.clone(), format!("Bearer {secret}x"), "Bearer ".to_owned()] {
        let answer = nobody.send(with(wrong.clone())).await;
        answer.assert_status(401);
        // Who sent a token is told that it is the token.
        let said = if wrong.ends_with('x') { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        assert_eq!(answer.header("www-authenticate"), said, "{wrong}");
    }
    let twice = with(format!("Bearer {secret}")).header("Authorization", "Bearer x");
    nobody.send(twice).await.assert_status(401);
}

#[actix_web::test]
async fn an_expired_token_and_one_of_a_disabled_user_open_nothing() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let made = acme.post("/account/tokens", &[("name", "x"), ("expires_days", "30")]).await;
    let robot = Actor::with_token(app.origin(), &made.page().text("#token"));
    app.clock().advance(TimeDelta::days(30) - TimeDelta::microseconds(1));
    robot.get(CALLS).await.assert_ok();
    app.clock().advance(TimeDelta::microseconds(1));
    robot.get(CALLS).await.assert_status(401);

    let robot = program(&app, Person::buyer("acme"));
    let disable = |is_disabled: bool| {
        app.db()
            .write_blocking::<_, DbError>(|conn| {
                let row = users::find_by_email(conn, "acme@example.com")?.unwrap();
                Ok(users::set_disabled(conn, &fairdial::auth::Actor::operator(), &row, is_disabled, app.clock().now())?)
            })
            .unwrap();
    };
    robot.get(CALLS).await.assert_ok();
    disable(true);
    robot.get(CALLS).await.assert_status(401);
    disable(false);
    robot.get(CALLS).await.assert_ok();
}

#[actix_web::test]
async fn the_last_use_is_kept_at_most_once_a_minute() {
    let app = TestApp::start().await;
    let robot = program(&app, Person::buyer("acme"));
    let wait_for = async |expected: Instant| {
        for _ in 0..200 {
            if last_used(&app) == Some(expected) {
                return;
            }
            actix_web::rt::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}, not {expected}", last_used(&app));
    };
    let first = app.clock().now();
    robot.get(CALLS).await.assert_ok();
    wait_for(first).await;
    app.clock().advance(TimeDelta::seconds(59));
    robot.get(CALLS).await.assert_ok();
    actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(last_used(&app), Some(first));
    app.clock().advance(TimeDelta::seconds(1));
    robot.get(CALLS).await.assert_ok();
    wait_for(app.clock().now()).await;
}

#[actix_web::test]
async fn a_token_that_comes_too_often_waits_and_is_told_for_how_long() {
    let app = TestApp::start_set(|config| config.api_requests_per_minute = 3).await;
    let (robot, other) = (program(&app, Person::buyer("acme")), program(&app, Person::buyer("acme")));
    for left in ["2", "1", "0"] {
        let answer = robot.get(CALLS).await;
        assert_eq!(answer.assert_ok().header("ratelimit-remaining"), left);
        assert_eq!(answer.header("ratelimit-limit"), "3");
        assert_eq!(answer.header("ratelimit-policy"), "3;w=60");
    }
    let refused = robot.get(CALLS).await;
    assert_eq!(code(refused.assert_status(429)), "too_many_requests");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    // A refusal tells how the token stands too; and the other token has its own share.
    let refused = other.get("/api/v1/calls/x").await;
    assert_eq!(refused.assert_not_found().header("ratelimit-remaining"), "2");
    assert!(!refused.header("x-request-id").is_empty());
}

#[test]
fn tokens_are_made_listed_and_revoked_by_command() {
    let desk = Desk::new();
    let said = |arguments: &[&str]| {
        let output = desk.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    Person::buyer("acme").ensure(desk.db(), "2026-11-20T15:42:00".parse().unwrap());
    let user = ["token", "create", "--user", "ACME@example.com"];
    let secret =
        said(&[&user[..], &["--scope", "disputes:read", "--scope", "calls:read", "--name", "Nightly"]].concat());
    assert_eq!(secret.trim_end().len(), 73);
    assert_eq!(secret.lines().count(), 1, "the token alone");
    let list = said(&["token", "list"]);
    assert!(list.contains("calls:read disputes:read") && list.contains("Nightly") && list.contains("good"), "{list}");
    assert!(!list.contains(secret.trim_end()));
    let json: serde_json::Value = serde_json::from_str(&said(&["token", "list", "--json"])).unwrap();
    let id = json[0]["id"].as_str().unwrap().to_owned();
    said(&["token", "revoke", &id]);
    assert!(said(&["token", "list"]).contains("revoked"));
    assert_eq!(desk.run(&["token", "revoke", &id]).status.code(), Some(1));
    let wrong = desk.run(&[&user[..], &["--scope", "everything"]].concat());
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains(TokenScope::AuditRead.code()));
    assert_eq!(desk.run(&["token", "create", "--user", "nobody@example.com"]).status.code(), Some(1));
}
