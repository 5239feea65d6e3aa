//! Who is told of what, reading it, and the stream that tells it live.

use std::time::Duration;

use fairdial::auth::Actor as Doer;
use fairdial::db::{Db, DbError, users};
use fairdial::domain::decision::Verdict;
use reqwest::Method;
use serde_json::Value;

use crate::disputes::{decide, sent};
use crate::support::actor::Actor;
use crate::support::app::{Launch, NOW, TestApp, config};
use crate::support::people::Person;

async fn told(actor: &Actor) -> Vec<String> {
    actor.get("/notifications").await.page().texts("#notifications li b ~ *, #notifications li a")
}

#[actix_web::test]
async fn each_side_is_told_what_the_other_did() {
    let app = TestApp::start().await;
    let (buyer, manager) = (app.viewer(Person::buyer("acme")), app.viewer(Person::manager("dana")));
    let colleague = Person::Buyer { name: "colleague", company: "acme", dispute_calls: true };
    let (acme, colleague) = (app.buyer("acme").await, app.person(colleague).await);
    let (birch, dana) = (app.buyer("birch").await, app.manager("dana").await);
    let id = sent(&app, &buyer, |_| {});
    decide(&app, &manager, id, Verdict::Accepted, None);

    assert_eq!(told(&dana).await, ["(214) 555-0164 acme sent a dispute"]);
    for actor in [&acme, &colleague] {
        let lines = told(actor).await;
        assert!(lines.len() == 1 && lines[0].ends_with("decided your dispute: Accepted"), "{lines:?}");
    }
    assert_eq!(told(&birch).await, [""; 0]);
    assert_eq!(acme.get("/calls").await.page().text("#bell .count"), "1");

    let page = acme.get("/notifications").await.page();
    assert_eq!(page.attr("#notifications li a", "href"), format!("/disputes/{id}"));
    let one = page.attr("#notifications li input[name=id]", "value");
    // Somebody else's click changes nothing of mine.
    birch.post("/notifications/read", &[("id", &one)]).await.assert_status(303);
    assert!(acme.get("/notifications").await.page().has("#notifications li.unread"));
    acme.post("/notifications/read", &[("id", &one)]).await.assert_redirect("/notifications");
    assert!(!acme.get("/notifications").await.page().has("#notifications li.unread"));
    dana.post("/notifications/read", &[]).await.assert_redirect("/notifications");
    assert!(!dana.get("/notifications").await.page().has("#notifications li.unread"));
}

/// A stream of counts as it arrives.
pub(crate) struct Live {
    response: reqwest::Response,
    read: String,
}

impl Live {
    pub(crate) async fn open(actor: &Actor) -> Self {
        let response = actor.request(Method::GET, "/events").send().await.expect("a stream");
        assert_eq!(response.status().as_u16(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        Self { response, read: String::new() }
    }

    /// The next counts; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Value> {
        self.next_of("counts").await
    }

    /// The next event of this name; `None` when the stream has ended.
    pub(crate) async fn next_of(&mut self, name: &str) -> Option<Value> {
        let wanted = format!("event: {name}");
        let next = async {
            loop {
                while let Some((event, rest)) = self.read.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
                {
                    self.read = rest;
                    if event.lines().any(|line| line == wanted) {
                        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
                        return Some(serde_json::from_str(data).expect("JSON"));
                    }
                }
                // A connection that is cut is no end: the stream has to say that it is over.
                let part = self.response.chunk().await.expect("no cut connection")?;
                self.read.push_str(std::str::from_utf8(&part).expect("text"));
            }
        };
        tokio::time::timeout(Duration::from_secs(15), next).await.expect("something within 15 seconds")
    }
}

#[actix_web::test]
async fn a_stream_tells_its_own_reader_of_a_change_and_nobody_else() {
    let app = TestApp::start().await;
    let buyer = app.viewer(Person::buyer("acme"));
    let (acme, birch, dana) = (app.buyer("acme").await, app.buyer("birch").await, app.manager("dana").await);
    let mut streams = [Live::open(&acme).await, Live::open(&birch).await, Live::open(&dana).await];
    let mut before = Vec::new();
    for stream in &mut streams {
        before.push(stream.next().await.expect("the counts at once"));
    }
    assert_eq!((&before[0]["pending"], &before[0]["unread"]), (&0.into(), &0.into()));
    // The watcher has to have seen the log once, or it can't tell what is new.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    sent(&app, &buyer, |_| {});
    let after = streams[0].next().await.expect("a change");
    assert_eq!((&after["pending"], &after["unread"]), (&1.into(), &0.into()));
    assert_ne!(after["changed"], before[0]["changed"]);
    let after = streams[2].next().await.expect("a change");
    let after = if after["unread"] == 0 { streams[2].next().await.expect("a change") } else { after };
    assert_eq!((&after["pending"], &after["unread"]), (&1.into(), &1.into()));
    let silent = tokio::time::timeout(Duration::from_millis(2_500), streams[1].next()).await;
    assert!(silent.is_err(), "birch was told of acme's dispute: {silent:?}");
}

#[actix_web::test]
async fn a_stream_ends_with_its_readers_right() {
    let app = TestApp::start().await;
    let buyer = app.viewer(Person::buyer("acme"));
    let acme = app.buyer("acme").await;
    let mut stream = Live::open(&acme).await;
    assert!(stream.next().await.is_some());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            let row = users::find(conn, buyer.user())?.expect("the user");
            Ok(users::set_disabled(conn, &Doer::operator(), &row, true, app.clock().now())?)
        })
        .expect("disabled");
    assert_eq!(stream.next().await, None);
}

#[actix_web::test]
async fn a_stream_ends_after_signing_out() {
    let app = TestApp::start().await;
    app.viewer(Person::buyer("acme"));
    let acme = app.buyer("acme").await;
    let mut stream = Live::open(&acme).await;
    assert!(stream.next().await.is_some());
    acme.post("/logout", &[]).await.assert_status(303);
    assert_eq!(stream.next().await, None);
}

#[actix_web::test]
async fn a_person_has_so_many_streams_and_no_more() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut stream = Live::open(&acme).await;
        assert!(stream.next().await.is_some());
        streams.push(stream);
    }
    let mut ninth = Live::open(&acme).await;
    assert!(ninth.next().await.is_some());
    assert_eq!(streams[0].next().await, None, "the oldest gave way");
    app.anonymous().get("/events").await.assert_sign_in_first();
}

#[actix_web::test]
async fn a_stream_ends_as_soon_as_the_server_stops() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let app = TestApp::start_with(async |launch: Launch| {
        let config = config(&launch.data_dir, &launch.database_url);
        let db = Db::open_current(&config).expect("the database opens");
        let clock = fairdial::clock::Clock::fixed(NOW.parse().expect("an instant"));
        let running = fairdial::app::start(config, db, clock, launch.listener).expect("the app starts");
        let handle = running.server.handle();
        tell.send(running.shutdown).ok();
        actix_web::rt::spawn(running.server);
        handle
    })
    .await;
    let shutdown = told.await.expect("the server says how to stop it");
    let mut stream = Live::open(&app.buyer("acme").await).await;
    assert!(stream.next().await.is_some());
    let began = std::time::Instant::now();
    shutdown.begin();
    assert_eq!(stream.next().await, None);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}
