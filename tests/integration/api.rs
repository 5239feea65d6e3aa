//! The JSON API, as programs use it.

mod bodies;
mod canaries;
mod cycles;
mod disputes;
mod filing;
mod intake;
mod once;
mod permissions;
mod specification;
mod tokens;

use fairdial::auth::{Actor as Who, Scopes, TokenScope};
use fairdial::db::tokens::{NewToken, TokenError, create};
use fairdial::domain::ids::{CallId, TokenId};
use reqwest::Method;
use serde_json::Value;

use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::response::Response;
use crate::support::story::NewCall;

/// A token of this person, and its id.
fn token_of(app: &TestApp, person: Person, scopes: &[TokenScope]) -> (TokenId, String) {
    let new = NewToken {
        user: app.viewer(person).user(),
        name: "Test".to_owned(),
        scopes: Scopes::new(scopes),
        expires_at: None,
    };
    let now = app.clock().now();
    app.db().write_blocking::<_, TokenError>(|conn| create(conn, &Who::operator(), &new, now)).unwrap()
}

/// A program of this person's that may do all that the person may.
pub(crate) fn program(app: &TestApp, person: Person) -> Actor {
    Actor::with_token(app.origin(), &token_of(app, person, &[]).1)
}

/// A call of acme's that can be disputed.
fn call_of(app: &TestApp, person: Person) -> CallId {
    NewCall::ordinary(&app.viewer(person), app.clock().now()).add(app.db())
}

async fn put_json(actor: &Actor, path: &str, body: &Value) -> Response {
    actor.send(actor.request(Method::PUT, path).json(body)).await
}

/// The code of a problem.
#[track_caller]
fn code(response: &Response) -> String {
    assert_eq!(response.header("content-type"), "application/problem+json", "{}", response.text());
    let problem = response.json();
    assert_eq!(problem["status"], response.status.as_u16());
    problem["code"].as_str().unwrap().to_owned()
}

/// The fields that a problem names.
#[track_caller]
fn fields(response: &Response) -> Vec<String> {
    response.assert_status(422);
    assert_eq!(code(response), "invalid", "{}", response.text());
    let problem = response.json();
    problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}
