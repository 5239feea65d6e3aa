//! The browser support itself, checked against a tiny server.

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::support::browser::{Browser, View};

struct TinySite {
    origin: String,
    server: ServerHandle,
}

impl TinySite {
    /// Serves the pages below under the strictest policy, as the app does.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("the port is known"));
        let server = HttpServer::new(|| {
            App::new()
                .route("/clean", web::get().to(async || page(CLEAN)))
                .route("/broken", web::get().to(async || page(BROKEN)))
                .route("/script", web::get().to(async || page(SCRIPT)))
                .route(
                    "/script.js",
                    web::get().to(async || {
                        let script = "document.getElementById('out').textContent = 'script ran';";
                        HttpResponse::Ok().content_type("text/javascript").body(script)
                    }),
                )
        })
        .workers(1)
        .listen(listener)
        .expect("the port is ours")
        .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { origin, server: handle }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for TinySite {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn page(body: &str) -> HttpResponse {
    let policy = "default-src 'none'; script-src 'self'; img-src data:; form-action 'self'";
    let head = "<meta name=viewport content='width=device-width'><link rel=icon href='data:,'>";
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", policy))
        .body(format!("<!doctype html><html lang=en><head><title>Tiny</title>{head}</head><body>{body}</body></html>"))
}

const CLEAN: &str = "<main><h1>Calls</h1><form><label for=q>Number</label> <input id=q name=q> \
    <button>Search</button></form></main>";
const BROKEN: &str = "<main><h1>Calls</h1><form><input name=q></form></main>";
const SCRIPT: &str = "<main><h1>Calls</h1><p id=out>nothing ran</p><noscript><p id=without>Works without \
    JavaScript</p></noscript></main><script src=/script.js></script>";

#[actix_web::test]
async fn a_clean_page_passes_and_a_missing_label_is_found() {
    let site = TinySite::start();
    let browser = Browser::start(View::default()).await;

    browser.open(&site.url("/clean")).await;
    browser.assert_accessible().await;
    assert_eq!(browser.console().await, Vec::<String>::new());

    browser.open(&site.url("/broken")).await;
    let violations = browser.axe().await;
    assert_eq!(violations.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["label"]);
    assert!(violations[0].nodes[0].html.contains("name=\"q\""));
}

#[actix_web::test]
#[should_panic(expected = "breaks 1 rules\n  label: ")]
async fn an_inaccessible_page_fails_the_test() {
    let site = TinySite::start();
    let browser = Browser::start(View::default()).await;
    browser.open(&site.url("/broken")).await;
    browser.assert_accessible().await;
}

#[actix_web::test]
async fn scripts_run_or_not_as_the_view_says() {
    let site = TinySite::start();

    let with = Browser::start(View::default()).await;
    with.open(&site.url("/script")).await;
    with.says("#out", "script ran").await;
    assert!(!with.has("#without").await);

    let without = Browser::start(View { javascript: false, ..View::default() }).await;
    without.open(&site.url("/script")).await;
    without.says("#out", "nothing ran").await;
    without.says("#without", "Works without JavaScript").await;
    without.assert_accessible().await;
    assert_eq!(without.text("#out").await, "nothing ran", "axe runs, the page's script still does not");
    without.open(&site.url("/script")).await;
    assert!(without.has("#without").await, "also after axe and on the next page");
}

#[actix_web::test]
async fn the_view_reaches_the_page() {
    let site = TinySite::start();
    let view = View { width: 320, height: 640, dark: true, timezone: "Asia/Kathmandu", ..View::default() };
    let browser = Browser::start(view).await;
    browser.open(&site.url("/clean")).await;

    let facts = "return [innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches, \
                 matchMedia('(forced-colors: active)').matches, \
                 Intl.DateTimeFormat().resolvedOptions().timeZone].join(' ');";
    let zone = browser.evaluate(facts).await;
    assert!(
        ["320 640 true false Asia/Kathmandu", "320 640 true false Asia/Katmandu"].contains(&zone.as_str().unwrap()),
        "{zone}"
    );
    browser.set_media(false, true).await;
    assert!(browser.evaluate(facts).await.as_str().unwrap().starts_with("320 640 false true"));
    assert!(!browser.scrolls_sideways().await);

    let picture = std::fs::read(browser.screenshot("harness").await).unwrap();
    assert_eq!(picture.get(16..24), Some([0, 0, 1, 64, 0, 0, 2, 128].as_slice()), "320 by 640 pixels");
}

#[actix_web::test]
async fn the_keyboard_and_the_buttons_work() {
    let site = TinySite::start();
    let browser = Browser::start(View::default()).await;
    browser.open(&site.url("/clean")).await;

    browser.tab().await;
    browser.is_on("#q").await;
    browser.fill("q", "5551234").await;
    browser.press("Search").await;
    browser.wait_until("return location.search === '?q=5551234' && document.readyState === 'complete'").await;
}
