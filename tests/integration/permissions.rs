//! Every route × every actor. A route without a line here fails.

use fairdial::auth::Actor as Who;
use fairdial::db::{DbError, users};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::{CallId, DisputeId, FileId};
use fairdial::web::routes::{ROUTES, Route};
use reqwest::Method;

use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

/// Expected: nobody, the owner, another buyer, the owner's colleague without Dispute Calls, a disabled colleague;
/// then managers: without any permission, with View, with View and Edit, with Settings alone.
type Line = (&'static str, &'static str, [u16; 9]);

const LINES: &[Line] = &[
    ("GET", "/", [303, 303, 303, 303, 303, 303, 303, 303, 303]),
    ("GET", "/login", [200, 303, 303, 303, 200, 303, 303, 303, 303]),
    ("POST", "/login", [422, 422, 422, 422, 422, 422, 422, 422, 422]),
    ("GET", "/calls", [303, 200, 200, 200, 303, 200, 200, 200, 200]),
    ("GET", "/calls.csv", [303, 200, 200, 200, 303, 200, 200, 200, 200]),
    ("GET", "/calls/{id}", [303, 200, 404, 200, 303, 200, 200, 200, 200]),
    // The call has no recording: who may ask for it at all is told apart by the call's own page.
    ("GET", "/calls/{id}/recording", [303, 404, 404, 404, 303, 404, 404, 404, 404]),
    ("GET", "/calls/{id}/waveform", [303, 404, 404, 404, 303, 404, 404, 404, 404]),
    ("GET", "/healthz", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/readyz", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    // Sessions mean nothing here, only tokens.
    ("GET", "/metrics", [401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("GET", "/static/{file}", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/help", [303, 303, 303, 303, 303, 303, 303, 303, 303]),
    ("GET", "/help/{guide}", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/help/img/{file}", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/calls/{id}/disputes/new", [303, 409, 404, 403, 303, 403, 403, 403, 403]),
    ("POST", "/calls/{id}/disputes", [303, 409, 404, 403, 303, 403, 403, 403, 403]),
    ("POST", "/calls/{id}/uploads", [303, 201, 404, 403, 303, 403, 403, 403, 403]),
    // Taking away what is gone already is done: the form may ask twice.
    ("POST", "/calls/{id}/uploads/{file}/delete", [303, 200, 404, 403, 303, 403, 403, 403, 403]),
    ("GET", "/disputes", [303, 200, 200, 403, 303, 403, 200, 200, 403]),
    ("GET", "/disputes.csv", [303, 200, 200, 403, 303, 403, 200, 200, 403]),
    ("GET", "/disputes/{id}", [303, 200, 404, 403, 303, 403, 200, 200, 403]),
    ("POST", "/disputes/{id}", [303, 422, 404, 403, 303, 403, 403, 403, 403]),
    ("POST", "/disputes/{id}/evidence", [303, 303, 404, 403, 303, 403, 403, 403, 403]),
    ("GET", "/disputes/{id}/evidence/{eid}", [303, 404, 404, 403, 303, 403, 404, 404, 403]),
    ("POST", "/disputes/{id}/evidence/{eid}/delete", [303, 404, 404, 403, 303, 403, 403, 403, 403]),
    ("POST", "/disputes/{id}/messages", [303, 303, 404, 403, 303, 403, 403, 303, 403]),
    // Without a verdict, and Pending already: what lacks is told only to those who may.
    ("POST", "/disputes/{id}/decision", [303, 403, 403, 403, 303, 403, 403, 422, 403]),
    ("POST", "/disputes/{id}/reopening", [303, 403, 403, 403, 303, 403, 403, 422, 403]),
    ("GET", "/review", [303, 403, 403, 403, 303, 403, 200, 200, 403]),
    ("GET", "/review/{id}", [303, 403, 403, 403, 303, 403, 200, 200, 403]),
    ("POST", "/review/{id}", [303, 403, 403, 403, 303, 403, 403, 422, 403]),
    ("POST", "/disputes/{id}/withdrawal", [303, 303, 404, 403, 303, 403, 403, 403, 403]),
    ("POST", "/disputes/{id}/discard", [303, 409, 404, 403, 303, 403, 403, 403, 403]),
    ("POST", "/disputes/{id}/assignment", [303, 403, 403, 403, 303, 403, 403, 303, 403]),
    ("POST", "/disputes/{id}/presence", [303, 403, 403, 403, 303, 403, 204, 204, 403]),
    ("GET", "/views", [303, 403, 403, 403, 303, 403, 200, 200, 403]),
    ("POST", "/views", [303, 403, 403, 403, 303, 403, 422, 422, 403]),
    ("POST", "/views/{id}", [303, 403, 403, 403, 303, 403, 422, 422, 403]),
    ("POST", "/views/{id}/default", [303, 403, 403, 403, 303, 403, 422, 422, 403]),
    ("POST", "/views/{id}/delete", [303, 403, 403, 403, 303, 403, 404, 404, 403]),
    ("GET", "/notes", [303, 403, 403, 403, 303, 403, 403, 200, 403]),
    ("POST", "/notes", [303, 403, 403, 403, 303, 403, 403, 422, 403]),
    ("POST", "/notes/{id}/delete", [303, 403, 403, 403, 303, 403, 403, 404, 403]),
    ("POST", "/selections", [303, 403, 403, 403, 303, 403, 403, 422, 403]),
    ("GET", "/selections/{id}", [303, 403, 403, 403, 303, 403, 403, 404, 403]),
    ("POST", "/decisions", [303, 403, 403, 403, 303, 403, 403, 422, 403]),
    ("GET", "/decisions/{id}", [303, 403, 403, 403, 303, 403, 403, 404, 403]),
    ("GET", "/buyers", [303, 403, 403, 403, 303, 200, 200, 200, 200]),
    ("GET", "/pending-count", [303, 200, 200, 403, 303, 403, 200, 200, 403]),
    ("GET", "/events", [303, 200, 200, 200, 303, 200, 200, 200, 200]),
    ("GET", "/notifications", [303, 200, 200, 200, 303, 200, 200, 200, 200]),
    ("POST", "/notifications/read", [303, 303, 303, 303, 303, 303, 303, 303, 303]),
    ("GET", "/account", [303, 200, 200, 200, 303, 200, 200, 200, 200]),
    ("POST", "/account", [303, 303, 303, 303, 303, 303, 303, 303, 303]),
    ("GET", "/account/tokens", [303, 200, 200, 200, 303, 200, 200, 200, 200]),
    ("POST", "/account/tokens", [303, 422, 422, 422, 303, 422, 422, 422, 422]),
    ("POST", "/account/tokens/{id}/delete", [303, 404, 404, 404, 303, 404, 404, 404, 404]),
    ("POST", "/account/table", [303, 303, 303, 303, 303, 303, 303, 303, 303]),
    ("GET", "/settings", [303, 403, 403, 403, 303, 403, 403, 403, 303]),
    ("GET", "/settings/users", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("POST", "/settings/users", [303, 403, 403, 403, 303, 403, 403, 403, 422]),
    ("GET", "/settings/users/new", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("GET", "/settings/users/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    ("POST", "/settings/users/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    ("GET", "/settings/buyers", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("POST", "/settings/buyers", [303, 403, 403, 403, 303, 403, 403, 403, 422]),
    ("GET", "/settings/buyers/new", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("GET", "/settings/buyers/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    ("POST", "/settings/buyers/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    ("POST", "/settings/buyers/{id}/aliases", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    ("GET", "/settings/policy", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("POST", "/settings/policy", [303, 403, 403, 403, 303, 403, 403, 403, 422]),
    ("GET", "/settings/webhooks", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("POST", "/settings/webhooks", [303, 403, 403, 403, 303, 403, 403, 403, 422]),
    ("GET", "/settings/webhooks/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    ("POST", "/settings/webhooks/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    ("POST", "/settings/webhooks/{id}/action", [303, 403, 403, 403, 303, 403, 403, 403, 422]),
    ("POST", "/settings/webhooks/{id}/deliveries/{delivery}", [303, 403, 403, 403, 303, 403, 403, 403, 404]),
    // None of these managers has Calls Import: tests/integration/imports.rs has one who has.
    ("GET", "/imports", [303, 403, 403, 403, 303, 403, 403, 403, 403]),
    ("POST", "/imports", [303, 403, 403, 403, 303, 403, 403, 403, 403]),
    ("GET", "/imports/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 403]),
    ("POST", "/imports/{id}", [303, 403, 403, 403, 303, 403, 403, 403, 403]),
    ("POST", "/imports/{id}/intake", [303, 403, 403, 403, 303, 403, 403, 403, 403]),
    ("POST", "/imports/{id}/discard", [303, 403, 403, 403, 303, 403, 403, 403, 403]),
    ("GET", "/imports/{id}/errors", [303, 403, 403, 403, 303, 403, 403, 403, 403]),
    ("GET", "/audit", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("GET", "/audit.csv", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("GET", "/audit.jsonl", [303, 403, 403, 403, 303, 403, 403, 403, 200]),
    ("GET", "/reports", [303, 403, 403, 403, 303, 403, 200, 200, 403]),
    ("GET", "/reports.csv", [303, 403, 403, 403, 303, 403, 200, 200, 403]),
    ("GET", "/setup/{token}", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/setup/{token}", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/invitations/{token}", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    // Guesses from one address are counted: those who come later in the walk are refused.
    ("POST", "/invitations/{token}", [404, 429, 429, 404, 404, 429, 429, 429, 429]),
    // Last: it ends the session.
    ("POST", "/logout", [303, 303, 303, 303, 303, 303, 303, 303, 303]),
];

struct World {
    app: TestApp,
    call: CallId,
    dispute: DisputeId,
}

impl World {
    async fn new() -> (Self, [Actor; 9]) {
        let app = TestApp::start().await;
        let owner = Person::buyer("acme");
        let without = Person::Buyer { name: "colleague", company: "acme", dispute_calls: false };
        let disabled = Person::Buyer { name: "gone", company: "acme", dispute_calls: true };
        let actors = [
            app.anonymous(),
            app.person(owner).await,
            app.buyer("birch").await,
            app.person(without).await,
            app.person(disabled).await,
            app.person(Person::Manager { name: "nil", view: false, edit: false, import: false, settings: false }).await,
            app.person(Person::Manager { name: "vic", view: true, edit: false, import: false, settings: false }).await,
            app.person(Person::Manager { name: "eve", view: true, edit: true, import: false, settings: false }).await,
            app.person(Person::Manager { name: "set", view: false, edit: false, import: false, settings: true }).await,
        ];
        let gone = app.viewer(disabled).user();
        app.db()
            .write_blocking::<_, DbError>(|conn| {
                let row = users::find(conn, gone)?.unwrap();
                Ok(users::set_disabled(conn, &Who::operator(), &row, true, app.clock().now())?)
            })
            .unwrap();
        let viewer = app.viewer(owner);
        let call = NewCall::ordinary(&viewer, app.clock().now()).add(app.db());
        let dispute = story::dispute(app.db(), app.clock(), &viewer, call, Intent::Send).unwrap();
        (Self { app, call, dispute }, actors)
    }

    fn path(&self, pattern: &str) -> String {
        let id = if pattern.starts_with("/calls") { self.call.to_string() } else { self.dispute.to_string() };
        pattern
            .replace("{id}", &id)
            .replace("{file}", FileId::generate().as_str())
            .replace("{eid}", FileId::generate().as_str())
            .replace("{guide}", "buyer")
            .replace("{token}", "0123456789abcdef")
    }

    async fn ask(&self, actor: &Actor, method: &str, pattern: &str) -> u16 {
        let path = self.path(pattern);
        let text = Upload::new("note.txt", "text/plain", "It rang twice.");
        let response = match (method, pattern) {
            ("GET", "/events") => return actor.status_of_stream(&path).await,
            ("GET", _) => actor.get(&path).await,
            (_, "/calls/{id}/disputes") => {
                actor.post_multipart(&path, &[("reason", "other"), ("intent", "send")], &[]).await
            }
            (_, "/calls/{id}/uploads" | "/disputes/{id}/evidence") => {
                actor.post_multipart(&path, &[], &[("evidence", text)]).await
            }
            (_, "/disputes/{id}") => {
                actor.post_multipart(&path, &[("fact[nonsense]", "x"), ("intent", "send")], &[]).await
            }
            (_, "/disputes/{id}/messages") => actor.post(&path, &[("body", "Please listen to it.")]).await,
            (_, "/account") => actor.post(&path, &[("theme", "dark")]).await,
            (_, "/account/table") => actor.post(&path, &[("table", "calls"), ("reset", "1")]).await,
            _ => actor.post(&path, &[]).await,
        };
        response.status.as_u16()
    }
}

/// The JSON API has a table of its own.
fn pages() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| !route.path.starts_with("/api/"))
}

#[test]
fn every_route_has_a_line() {
    let known: Vec<_> = LINES.iter().map(|(method, path, _)| (*method, *path)).collect();
    let missing: Vec<_> =
        pages().map(|route| (route.method, route.path)).filter(|route| !known.contains(route)).collect();
    assert!(missing.is_empty(), "routes without a line: {missing:?}");
    let gone: Vec<_> = known.iter().filter(|line| !pages().any(|route| (route.method, route.path) == **line)).collect();
    assert!(gone.is_empty(), "lines without a route: {gone:?}");
}

#[actix_web::test]
async fn each_actor_gets_what_the_table_says() {
    let (world, actors) = World::new().await;
    let mut wrong = Vec::new();
    for (method, pattern, expected) in LINES {
        // The owner last: what it does may change what others would get.
        for column in [0, 4, 3, 2, 5, 6, 8, 7, 1] {
            let status = world.ask(&actors[column], method, pattern).await;
            if status != expected[column] {
                wrong.push(format!("{method} {pattern} as actor {column}: {status}, not {}", expected[column]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[actix_web::test]
async fn no_unsafe_request_from_elsewhere_is_served() {
    let (world, actors) = World::new().await;
    let owner = &actors[1];
    let before = world.app.digest();
    for route in pages().filter(|route| route.method != "GET") {
        let method: Method = route.method.parse().unwrap();
        let path = world.path(route.path);
        let foreign: [&[(&str, &str)]; 5] = [
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", "same-site")],
            &[("Origin", "https://elsewhere.example")],
            &[("Origin", "null")],
            &[],
        ];
        for headers in foreign {
            let request = headers.iter().fold(owner.bare_request(method.clone(), &path), |request, (name, value)| {
                request.header(*name, *value)
            });
            let response = owner.send(request.form(&[("reason", "other"), ("body", "x"), ("theme", "dark")])).await;
            assert_eq!(response.status.as_u16(), 403, "{} {path} with {headers:?}", route.method);
        }
    }
    assert_eq!(world.app.digest(), before);
}

#[actix_web::test]
async fn reading_changes_nothing() {
    let (world, actors) = World::new().await;
    let before = world.app.digest();
    for route in pages().filter(|route| route.method == "GET" && route.path != "/events") {
        for actor in &actors {
            actor.get(&world.path(route.path)).await;
        }
    }
    assert_eq!(world.app.digest(), before);
}

#[actix_web::test]
async fn somebody_elses_thing_and_a_missing_one_answer_alike() {
    let (world, actors) = World::new().await;
    let other = &actors[2];
    for route in pages().filter(|route| route.method == "GET" && route.path.contains("{id}")) {
        let theirs = world.path(route.path);
        let missing = theirs
            .replace(&world.call.to_string(), &CallId::generate().to_string())
            .replace(&world.dispute.to_string(), &DisputeId::generate().to_string());
        let malformed = theirs.replace(&world.call.to_string(), "x").replace(&world.dispute.to_string(), "x");
        let answer = async |path: &str| {
            let response = other.get(path).await;
            let mut headers: Vec<String> = response
                .headers
                .iter()
                .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
                .map(|(name, value)| format!("{name}: {value:?}"))
                .collect();
            headers.sort();
            (response.status.as_u16(), headers, response.text().replace(path, "PATH"))
        };
        let expected = answer(&missing).await;
        // What a buyer may never open is refused before it is looked for.
        assert!([403, 404].contains(&expected.0), "{missing}: {}", expected.0);
        assert_eq!(answer(&theirs).await, expected, "{theirs}");
        assert_eq!(answer(&malformed).await, expected, "{malformed}");
    }
}
