//! The test support itself: each promise the other tests lean on, checked against a tiny server.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use argon2::Argon2;
use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use fairdial::db::Db;
use fairdial::domain::Instant;
use tempfile::TempDir;

use crate::support::actor::{Actor, Upload};
use crate::support::app::{Launch, NOW, TestApp};
use crate::support::database::{Backend, RawConnection, TestDatabase};
use crate::support::page::Page;
use crate::support::people::{PASSWORD, Person};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Hash {
    #[diesel(sql_type = Text)]
    password_hash: String,
}

fn open(database: &TestDatabase) -> Db {
    Db::open(database.url().parse().unwrap()).unwrap()
}

fn now() -> Instant {
    NOW.parse().unwrap()
}

fn count(connection: &mut RawConnection, table: &str) -> i64 {
    let statement = format!("SELECT COUNT(*) AS count FROM {table}");
    sql_query(statement).get_result::<Count>(connection).expect("the table is there").count
}

/// Answers what the tests below ask about; `/echo` shows what arrived.
async fn tiny_server(launch: Launch) -> ServerHandle {
    let server = HttpServer::new(|| {
        App::new()
            .route("/echo", web::route().to(echo))
            .route("/login", web::post().to(login))
            .default_service(web::to(async || HttpResponse::NotFound().body("There is nothing here")))
    })
    .workers(1)
    .listen(launch.listener)
    .expect("the port is ours")
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    handle
}

async fn echo(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("none");
    HttpResponse::Ok().json(serde_json::json!({
        "method": request.method().as_str(),
        "site": header("sec-fetch-site"),
        "cookie": header("cookie"),
        "authorization": header("authorization"),
        "body": String::from_utf8_lossy(&body),
    }))
}

async fn login(body: web::Bytes) -> HttpResponse {
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(&body).expect("a form");
    let email = fields.iter().find(|(name, _)| name == "email").map(|(_, value)| value.as_str());
    let cookie = format!("who={}; Path=/; HttpOnly", email.unwrap_or_default());
    HttpResponse::SeeOther().insert_header((LOCATION, "/calls")).insert_header((SET_COOKIE, cookie)).finish()
}

#[test]
fn every_test_has_a_migrated_database_of_its_own() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (one, two) = (TestDatabase::create(one.path()), TestDatabase::create(two.path()));
    assert_eq!(one.backend(), Backend::of_this_run());

    Person::buyer("acme").ensure(&open(&one), now());

    assert_eq!(count(&mut one.connect(), "buyers"), 1);
    assert_eq!(count(&mut two.connect(), "buyers"), 0);
    assert_eq!(count(&mut two.connect(), "policy"), 1);
}

#[test]
fn the_databases_of_many_tests_are_made_side_by_side() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let folder = TempDir::new().unwrap();
                let database = TestDatabase::create(folder.path());
                assert_eq!(count(&mut database.connect(), "users"), 0);
            });
        }
    });
}

#[test]
fn a_person_is_written_once_with_a_password_that_fits() {
    let folder = TempDir::new().unwrap();
    let database = TestDatabase::create(folder.path());

    let db = open(&database);
    let id = Person::manager("dana").ensure(&db, now()).user();
    assert_eq!(Person::manager("dana").ensure(&db, now()).user(), id);
    assert_ne!(Person::buyer("acme").ensure(&db, now()).user(), id);

    let mut connection = database.connect();
    assert_eq!(count(&mut connection, "users WHERE disputes_edit AND settings AND role = 'manager'"), 1);
    assert_eq!(count(&mut connection, "users WHERE dispute_calls AND role = 'buyer'"), 1);
    let row: Hash =
        sql_query("SELECT password_hash FROM users WHERE role = 'manager'").get_result(&mut connection).unwrap();
    let hash = PasswordHash::new(&row.password_hash).unwrap();
    assert!(Argon2::default().verify_password(PASSWORD.as_bytes(), &hash).is_ok());
    assert!(Argon2::default().verify_password(b"another one", &hash).is_err());
}

#[actix_web::test]
async fn the_throw_away_server_leaves_with_the_process_that_started_it() {
    if Backend::of_this_run() == Backend::Sqlite {
        return;
    }
    let server = crate::support::postgres::Postgres::start();
    let folder = server.folder().to_path_buf();
    assert!(folder.join("data/postmaster.pid").exists());

    drop(server);

    let gone = async {
        while folder.exists() {
            actix_web::rt::time::sleep(Duration::from_millis(20)).await;
        }
    };
    actix_web::rt::time::timeout(Duration::from_secs(10), gone).await.expect("the server and its folder go");
}

#[actix_web::test]
async fn each_actor_keeps_its_own_cookies() {
    let app = TestApp::start_with(tiny_server).await;

    let acme = app.buyer("acme").await;
    let dana = app.manager("dana").await;

    assert_eq!(acme.get("/echo").await.json()["cookie"], "who=acme@example.com");
    assert_eq!(dana.get("/echo").await.json()["cookie"], "who=dana@example.com");
    assert_eq!(app.anonymous().get("/echo").await.json()["cookie"], "none");
}

#[actix_web::test]
async fn unsafe_requests_say_where_they_come_from_unless_they_are_bare() {
    let app = TestApp::start_with(tiny_server).await;
    let actor = app.anonymous();

    assert_eq!(actor.post("/echo", &[]).await.json()["site"], "same-origin");
    assert_eq!(actor.get("/echo").await.json()["site"], "none");
    let bare = actor.bare_request(reqwest::Method::POST, "/echo");
    assert_eq!(actor.send(bare).await.json()["site"], "none");

    let program = Actor::with_token(app.origin(), "secret").post("/echo", &[]).await.json();
    assert_eq!((&program["site"], &program["authorization"]), (&"none".into(), &"Bearer secret".into()));
}

#[actix_web::test]
async fn redirects_are_answers_and_files_are_sent() {
    let app = TestApp::start_with(tiny_server).await;
    let actor = app.anonymous();

    let redirect = actor.post("/login", &[("email", "x")]).await;
    redirect.assert_redirect("/calls");
    actor.follow(&redirect).await.assert_not_found().assert_body_has("nothing here");

    let file = Upload::new("note.txt", "text/plain", "heard nobody");
    let echo = actor.post_multipart("/echo", &[("reason", "other")], &[("evidence", file)]).await.json();
    let body = echo["body"].as_str().unwrap();
    assert!(body.contains("name=\"reason\"\r\n\r\nother\r\n"), "{body}");
    assert!(body.contains("filename=\"note.txt\"\r\nContent-Type: text/plain\r\n\r\nheard nobody\r\n"), "{body}");
}

const FORM: &str = r#"<form><p class="problem" id="reason-p"><svg></svg>Choose
    a reason</p><select name="reason" aria-invalid="true" aria-describedby="hint reason-p"><option value="">-
    <option value="other" selected>Other</select><p id="hint">Why</p><input name="credit" value="12.50">
    <textarea name="note">as agreed</textarea></form>
    <table id="disputes-table"><tbody><tr data-id="A1"><td>one<td>two<tr data-id="B2"><td>three</table>"#;

#[test]
fn a_page_answers_in_the_words_a_person_reads() {
    let page = Page::parse(FORM);

    assert_eq!(page.row_ids("disputes-table"), ["A1", "B2"]);
    assert_eq!(page.texts("tbody td"), ["one", "two", "three"]);
    assert_eq!(page.field_error("reason"), "Choose a reason");
    assert_eq!((page.value("reason"), page.value("credit")), ("other".into(), "12.50".into()));
    assert_eq!(page.value("note"), "as agreed");
    assert_eq!(page.select("#disputes-table tr")[0].page().texts("td"), ["one", "two"]);
}

#[test]
#[should_panic(expected = "no invalid control is named credit")]
fn a_field_without_an_error_has_none() {
    Page::parse(FORM).field_error("credit");
}

#[test]
#[should_panic(expected = "td finds 3 elements, not one")]
fn an_unclear_question_fails() {
    Page::parse(FORM).text("td");
}
