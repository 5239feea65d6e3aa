use actix_web::cookie::Key;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{self, TestRequest};
use actix_web::{HttpResponse, web};
use clap::Parser;
use rstest::rstest;

use super::*;
use crate::commands::Cli;
use crate::web::error::Link;
use crate::web::form::Checked;
use crate::web::{AppError, Path, paths::LocalPath};

fn config(arguments: &[&str]) -> Config {
    // These tests store no files; one folder outside the repository serves them all.
    let folder = std::env::temp_dir().join("fairdial-app-tests");
    let folder = folder.to_str().unwrap();
    Cli::try_parse_from([&["fairdial", "serve", "--data-dir", folder], arguments].concat()).unwrap().config
}

fn register(services: &mut web::ServiceConfig) {
    async fn fail(kind: Path<String>) -> Result<HttpResponse, AppError> {
        Err(match kind.as_str() {
            "sign-in" => AppError::SignInRequired { return_to: LocalPath::parse("/calls?q=1").unwrap() },
            "forbidden" => AppError::Forbidden { what: "Dispute Calls".to_owned() },
            "conflict" => AppError::conflict(
                "decided",
                "Someone decided first",
                "Petra <Vance> accepted it.",
                Link::new("/disputes/1", "Show"),
            ),
            "too-large" => AppError::TooLarge { limit: 25 * 1024 * 1024 },
            "busy" => AppError::Busy,
            "internal" => AppError::Internal(anyhow::anyhow!("secret cause")),
            _ => AppError::NotFound,
        })
    }
    async fn item(id: Path<u32>) -> Result<HttpResponse, AppError> {
        let found = (*id == 1).then(|| HttpResponse::Ok().body("one")).ok_or(AppError::NotFound)?;
        Ok(found)
    }
    async fn form(form: Checked<Vec<(String, String)>>) -> HttpResponse {
        HttpResponse::Ok().body(form.len().to_string())
    }
    services
        .route("/fail/{kind}", web::get().to(fail))
        .route("/api/fail/{kind}", web::get().to(fail))
        .route("/items/{id}", web::get().to(item))
        .route("/form", web::post().to(form));
    routes::register(services);
}

async fn ask(request: TestRequest, arguments: &[&str]) -> ServiceResponse<impl MessageBody + use<>> {
    let app = test::init_service(build(
        Shared::new(
            config(arguments),
            Db::open(crate::db::DatabaseUrl::Sqlite(":memory:".into())).unwrap(),
            Clock::System,
            Key::generate(),
        )
        .unwrap(),
        register,
    ))
    .await;
    match test::try_call_service(&app, request.to_request()).await {
        Ok(response) => response.map_into_boxed_body(),
        Err(error) => ServiceResponse::new(TestRequest::default().to_http_request(), error.error_response()),
    }
}

async fn body(response: ServiceResponse<impl MessageBody>) -> String {
    String::from_utf8(test::read_body(response).await.to_vec()).unwrap()
}

fn partial(request: TestRequest) -> TestRequest {
    request
        .insert_header(("hx-request", "true"))
        .insert_header(("hx-request-type", "partial"))
        .insert_header(("hx-target", "section#disputes-table"))
}

fn header_of(response: &ServiceResponse<impl MessageBody>, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[rstest]
#[case(Method::GET, "/help/buyer", 200)]
#[case(Method::HEAD, "/help/buyer", 200)]
#[case(Method::GET, "/", 303)]
#[case(Method::GET, "/nowhere", 404)]
#[case(Method::GET, "/help/nobody", 404)]
#[case(Method::GET, "/items/abc", 404)]
#[case(Method::POST, "/help/buyer", 405)]
#[case(Method::GET, "/fail/internal", 500)]
#[case(Method::GET, "/fail/busy", 503)]
#[actix_web::test]
async fn every_answer_has_the_security_headers_and_a_request_id(
    #[case] method: Method,
    #[case] path: &str,
    #[case] status: u16,
) {
    let request = TestRequest::with_uri(path).method(method).insert_header(("sec-fetch-site", "same-origin"));
    let response = ask(request, &[]).await;
    assert_eq!(response.status().as_u16(), status);
    assert!(header_of(&response, "content-security-policy").contains("default-src 'none'"));
    assert_eq!(header_of(&response, "x-content-type-options"), "nosniff");
    assert_eq!(header_of(&response, "x-request-id").len(), 36);
    assert_eq!(header_of(&response, "strict-transport-security"), "");
}

#[actix_web::test]
async fn hsts_is_sent_where_the_public_url_is_https() {
    let response = ask(TestRequest::with_uri("/healthz"), &["--public-url", "https://desk.example"]).await;
    assert!(header_of(&response, "strict-transport-security").starts_with("max-age="));
}

#[actix_web::test]
async fn a_wrong_method_names_the_right_ones_and_has_a_page() {
    let response = ask(TestRequest::post().uri("/help").insert_header(("sec-fetch-site", "none")), &[]).await;
    assert_eq!(header_of(&response, "allow"), "GET, HEAD");
    assert!(body(response).await.starts_with("<!doctype html>"));
}

#[actix_web::test]
async fn an_id_that_is_none_and_one_that_is_missing_answer_alike() {
    let (bad, missing) =
        (ask(TestRequest::with_uri("/items/x"), &[]).await, ask(TestRequest::with_uri("/items/2"), &[]).await);
    assert_eq!((bad.status(), missing.status()), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(body(bad).await, body(missing).await);
}

#[actix_web::test]
async fn the_cause_of_a_failure_is_never_shown_and_its_request_id_is() {
    let response = ask(TestRequest::with_uri("/fail/internal"), &[]).await;
    let id = header_of(&response, "x-request-id");
    let text = body(response).await;
    assert!(text.contains(&id) && !text.contains("secret cause"), "{text}");
}

#[actix_web::test]
async fn htmx_gets_a_failure_as_the_flash_region_and_nothing_else_changes() {
    let response = ask(partial(TestRequest::with_uri("/fail/conflict")), &[]).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(header_of(&response, "hx-retarget"), "#flash");
    assert_eq!(header_of(&response, "hx-push-url"), "false");
    let text = body(response).await;
    assert!(text.starts_with(r#"<div class="flash bad" id="flash" role="alert">"#), "{text}");
    assert!(text.contains("Petra &#60;Vance&#62; accepted it.") && text.contains(r#"href="/disputes/1""#), "{text}");
}

#[actix_web::test]
async fn signing_in_leads_back_to_the_page() {
    let page = ask(TestRequest::with_uri("/fail/sign-in"), &[]).await;
    assert_eq!(
        (page.status(), header_of(&page, "location").as_str()),
        (StatusCode::SEE_OTHER, "/login?next=%2Fcalls%3Fq%3D1")
    );
    let region = ask(partial(TestRequest::with_uri("/fail/sign-in")), &[]).await;
    assert_eq!(
        (region.status(), header_of(&region, "hx-redirect").as_str()),
        (StatusCode::NO_CONTENT, "/login?next=%2Fcalls%3Fq%3D1")
    );
}

#[rstest]
#[case("sign-in", 401, "unauthorized")]
#[case("forbidden", 403, "forbidden")]
#[case("conflict", 409, "decided")]
#[case("too-large", 413, "too_large")]
#[case("busy", 503, "busy")]
#[actix_web::test]
async fn programs_get_a_problem_document(#[case] kind: &str, #[case] status: u16, #[case] code: &str) {
    let response = ask(TestRequest::with_uri(&format!("/api/fail/{kind}")), &[]).await;
    assert_eq!(header_of(&response, "content-type"), "application/problem+json");
    let document: serde_json::Value = serde_json::from_str(&body(response).await).unwrap();
    assert_eq!((document["status"].as_u64(), document["code"].as_str()), (Some(u64::from(status)), Some(code)));
}

#[actix_web::test]
async fn a_busy_database_says_when_to_try_again() {
    assert_eq!(header_of(&ask(TestRequest::with_uri("/fail/busy"), &[]).await, "retry-after"), "5");
}

#[rstest]
#[case("application/x-www-form-urlencoded", "a=1&b=2", "same-origin", 200)]
#[case("application/x-www-form-urlencoded", "a=1&b=2", "cross-site", 403)]
#[case("text/plain", "a=1", "same-origin", 400)]
#[actix_web::test]
async fn a_form_is_read_only_from_our_own_pages(
    #[case] kind: &str,
    #[case] form: &str,
    #[case] site: &str,
    #[case] status: u16,
) {
    let request = TestRequest::post()
        .uri("/form")
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header(("sec-fetch-site", site));
    assert_eq!(ask(request.set_payload(form.to_owned()), &[]).await.status().as_u16(), status);
}

#[actix_web::test]
async fn a_form_that_is_too_long_is_413() {
    let request = TestRequest::post().uri("/form").insert_header(("sec-fetch-site", "same-origin"));
    let request = request.insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"));
    assert_eq!(
        ask(request.set_payload(vec![b'a'; 1024 * 1024 + 1]), &[]).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[actix_web::test]
async fn static_files_are_cached_for_ever_under_their_hash_only() {
    let url = crate::assets::url("app.css");
    let found = ask(TestRequest::with_uri(url).insert_header(("accept-encoding", "gzip")), &[]).await;
    assert_eq!(found.status(), StatusCode::OK);
    assert_eq!(header_of(&found, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header_of(&found, "content-type"), "text/css; charset=utf-8");
    assert_eq!(header_of(&found, "content-encoding"), "gzip");
    let zstd = ask(TestRequest::with_uri(url).insert_header(("accept-encoding", "gzip, deflate, br, zstd")), &[]).await;
    assert_eq!(header_of(&zstd, "content-encoding"), "zstd");
    assert!(header_of(&zstd, "vary").contains("accept-encoding"));
    let plain = test::read_body(ask(TestRequest::with_uri(url), &[]).await).await;
    assert_eq!(zstd::bulk::decompress(&test::read_body(zstd).await, plain.len()).expect("it is zstd"), plain);
    for wrong in ["/static/app.css", "/static/app.000000000000.css", "/static/..%2fCargo.toml"] {
        assert_eq!(ask(TestRequest::with_uri(wrong), &[]).await.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
}
