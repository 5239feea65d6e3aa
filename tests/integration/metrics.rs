//! `/metrics`: what Prometheus reads, by a token or on an address of its own.

use std::net::TcpListener;

use fairdial::domain::claim::Intent;

use crate::api::program;
use crate::commands::desk::Desk;
use crate::support::actor::Actor;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

/// The value of a line, if the line is there.
fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[actix_web::test]
async fn a_managers_program_reads_how_the_network_stands_and_how_long_requests_take() {
    let app = TestApp::start().await;
    let acme = app.viewer(Person::buyer("acme"));
    for _ in 0..3 {
        let call = NewCall::ordinary(&acme, app.clock().now()).add(app.db());
        story::dispute(app.db(), app.clock(), &acme, call, Intent::Send).unwrap();
    }
    let prometheus = program(&app, Person::manager("dana"));
    prometheus.get("/metrics").await.assert_ok();
    app.anonymous().get("/healthz").await.assert_ok();

    let answer = prometheus.get("/metrics").await;

    let text = answer.assert_ok().text();
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    let expected = [
        ("disputes_pending", "3"),
        ("disputes_sent", "3"),
        ("calls", "3"),
        ("webhook_deliveries_waiting", "0"),
        ("mails_waiting", "0"),
        ("database_up", "1"),
    ];
    for (name, expected) in expected {
        let name = format!("fairdial_{name}");
        assert_eq!(value(text, &name), Some(expected), "{name}");
        assert!(text.contains(&format!("# TYPE {name} gauge\n")), "{name}");
    }
    let served = "fairdial_http_request_seconds_count{method=\"GET\",route=\"/healthz\",status=\"200\"}";
    assert!(value(text, served).is_some_and(|count| count != "0"), "{text}");
    assert!(text.ends_with('\n'));
    // Every line is a comment, or a name with a number.
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        assert!(line.rsplit_once(' ').is_some_and(|(_, number)| number.parse::<f64>().is_ok()), "{line}");
    }
    program(&app, Person::manager("dana")).get("/metrics/x").await.assert_not_found();
}

#[actix_web::test]
async fn whoever_reaches_the_address_of_the_figures_needs_no_token() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bind = format!("127.0.0.1:{port}");
    let desk = Desk::new();
    let server = desk.serve(&["--metrics-bind", &bind]);
    let figures = Actor::anonymous(&format!("http://{bind}")).get("/metrics").await;
    assert_eq!(value(figures.assert_ok().text(), "fairdial_database_up"), Some("1"));
    Actor::anonymous(&server.origin).get("/metrics").await.assert_status(401);
}
