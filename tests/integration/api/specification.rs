//! The `OpenAPI` document and the page that shows it.

use std::collections::BTreeSet;

use fairdial::web::api::document;
use fairdial::web::routes::ROUTES;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::cli::Desk;

#[test]
fn the_document_describes_every_endpoint_and_no_other() {
    let specification = serde_json::to_value(document()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in specification["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            let place = format!("{method} {path}");
            assert!(operation["security"][0]["token"][0].as_str().is_some_and(|scope| scope.contains(':')), "{place}");
            assert!(operation["summary"].is_string() && operation["description"].is_string(), "{place}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(!response["description"].as_str().unwrap_or_default().is_empty(), "{place} {status}");
            }
        }
    }
    let text = specification.to_string();
    for named in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(specification["components"]["schemas"][named].is_object(), "{named} is described nowhere");
    }
    let served: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| {
            route.path.starts_with("/api/") && !["/api/v1/docs", "/api/v1/openapi.json"].contains(&route.path)
        })
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    assert_eq!(described, served);
    assert_eq!(specification["openapi"], "3.1.0");
}

#[actix_web::test]
async fn it_is_served_printed_and_shown_without_a_token() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let served: Value = nobody.get("/api/v1/openapi.json").await.assert_ok().json();
    let printed = Desk::new().run(&["openapi"]);
    assert!(printed.status.success());
    assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), served);

    let page = nobody.get("/api/v1/docs").await;
    page.assert_ok();
    let text = page.text();
    for (path, item) in served["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(text.contains(&format!("<code>{} {path}</code>", method.to_uppercase())), "{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(page.page().select(&format!("#{id}")).len(), 1, "{id}");
        }
    }
    // Every link within the page leads somewhere, and nothing comes from elsewhere.
    for link in page.page().attrs("main a", "href") {
        match link.strip_prefix('#') {
            Some(id) => assert_eq!(page.page().select(&format!("[id='{id}']")).len(), 1, "{link}"),
            None => assert!(link.starts_with('/'), "{link}"),
        }
    }
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(
        !text.contains("style=") && !text.contains("<script>") && !text.contains("https://"),
        "our own files alone"
    );
    // What a problem names as its type is explained there.
    let problem = nobody.get("/api/v1/calls").await.assert_status(401).json();
    assert_eq!(problem["type"], "/api/v1/docs#unauthorized");
    assert_eq!(page.page().select("#unauthorized").len(), 1);
    let guide = include_str!("../../../docs/API.md");
    let codes = page.page().attrs("tr[id]", "id");
    assert!(codes.len() > 20 && codes.iter().all(|code| guide.contains(&format!("| `{code}` |"))), "{codes:?}");
    nobody.get("/api/v1/nowhere").await.assert_not_found().assert_body_has("\"code\":\"not_found\"");
    let method = nobody.post("/api/v1/docs", &[]).await;
    assert_eq!(method.assert_status(405).header("allow"), "GET, HEAD");
}
