//! The server is killed at random moments, while disputes with evidence are sent and while many are decided at once: what
//! was acknowledged is there, and what was begun is finished once.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use fairdial::auth::Viewer;
use fairdial::clock::Clock;
use fairdial::db::{DatabaseUrl, Db, DbError, audit, counters};
use fairdial::domain::claim::Intent;
use fairdial::domain::dispute::Status;
use fairdial::domain::ids::DisputeId;
use rand::Rng;
use tempfile::TempDir;

use crate::support::actor::{Actor, Upload, client};
use crate::support::database::TestDatabase;
use crate::support::people::{PASSWORD, Person};
use crate::support::story::{self, NewCall};

/// How often the server is killed; `FAIRDIAL_TEST_KILLS` sets another number for a long run.
const KILLS: u32 = 50;
const CLIENTS: usize = 4;

/// A running server that ends with the test, also when that fails.
pub(crate) struct Server {
    child: Child,
    origin: String,
}

impl Server {
    fn start(folder: &Path, database_url: &str) -> Self {
        Self::start_with(folder, database_url, &[])
    }

    pub(crate) fn start_with(folder: &Path, database_url: &str, more: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("known").port();
        let child = Command::new(assert_cmd::cargo::cargo_bin("fairdial"))
            .args(["serve", "--bind", &format!("127.0.0.1:{port}"), "--workers", "2", "--log-filter", "error"])
            .arg("--data-dir")
            .arg(folder)
            .args(["--database-url", database_url])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        Self { child, origin: format!("http://127.0.0.1:{port}") }
    }

    async fn is_up(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let client = client().no_proxy().build().expect("a client");
        while client.get(format!("{}/healthz", self.origin)).send().await.is_err() {
            assert!(Instant::now() < deadline, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL: nothing is finished, flushed or tidied.
        if let Err(error) = self.child.kill() {
            eprintln!("the server had ended: {error}");
        }
        self.child.wait().expect("it is gone");
    }
}

/// Signs in at a server that is gone again afterwards; the cookie is good for the next ones.
async fn sign_in(folder: &TempDir, database: &TestDatabase, person: Person) -> String {
    let server = Server::start(folder.path(), database.url());
    server.is_up().await;
    let fields = [("email", person.email()), ("password", PASSWORD.to_owned())];
    let request = Actor::anonymous(&server.origin).request(reqwest::Method::POST, "/login").form(&fields);
    let answer = Actor::anonymous(&server.origin).send(request).await;
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

/// The doctor finds nothing: files, counters, the audit chain.
fn assert_healthy(folder: &TempDir, database: &TestDatabase) {
    let doctor = assert_cmd::Command::cargo_bin("fairdial")
        .expect("the program is built")
        .args(["doctor", "--data-dir"])
        .arg(folder.path())
        .args(["--database-url", database.url()])
        .output()
        .expect("it runs");
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

/// What the server said it has: the dispute's address and what was sent as evidence.
type Acknowledged = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

async fn send_until_it_dies(actor: Actor, db: Db, viewer: Viewer, acknowledged: Acknowledged) {
    loop {
        let call = NewCall::ordinary(&viewer, Clock::System.now()).add(&db);
        let size = rand::rng().random_range(20..200_000);
        let mut bytes = format!("{call} ").into_bytes();
        bytes.resize(size, rand::rng().random_range(b'a'..=b'z'));
        let form = reqwest::multipart::Form::new().text("reason", "other").text("intent", "send");
        let file = Upload::new("note.txt", "text/plain", bytes.clone());
        let part = reqwest::multipart::Part::bytes(file.bytes).file_name(file.name);
        let request = actor.request(reqwest::Method::POST, &format!("/calls/{call}/disputes"));
        let Ok(answer) = request.multipart(form.part("evidence", part)).send().await else { return };
        if answer.status() == 303 {
            let location = answer.headers()["location"].to_str().expect("ASCII").to_owned();
            acknowledged.lock().expect("no panic").push((location, bytes));
        }
    }
}

#[actix_web::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let kills: u32 = std::env::var_os("FAIRDIAL_TEST_KILLS")
        .map_or(KILLS, |number| number.to_str().and_then(|number| number.parse().ok()).expect("a number"));
    let folder = TempDir::with_prefix("fairdial-crash-").expect("a folder");
    let database = TestDatabase::create(folder.path());
    let url: DatabaseUrl = database.url().parse().expect("a database URL");
    let db = Db::open(url).expect("the database opens");
    let viewer = Person::buyer("acme").ensure(&db, Clock::System.now());
    let acknowledged = Acknowledged::default();
    let cookie = sign_in(&folder, &database, Person::buyer("acme")).await;
    for _ in 0..kills {
        let server = Server::start(folder.path(), database.url());
        server.is_up().await;
        let actor = Actor::with_cookie(&server.origin, &cookie);
        let clients = (0..CLIENTS)
            .map(|_| send_until_it_dies(actor.clone(), db.clone(), viewer.clone(), Arc::clone(&acknowledged)));
        let clients: Vec<_> = clients.map(actix_web::rt::spawn).collect();
        let lives = rand::rng().random_range(50..500);
        tokio::time::sleep(Duration::from_millis(lives)).await;
        drop(server);
        for client in clients {
            client.await.expect("no panic");
        }
    }
    let server = Server::start(folder.path(), database.url());
    server.is_up().await;
    let actor = Actor::with_cookie(&server.origin, &cookie);
    let acknowledged = std::mem::take(&mut *acknowledged.lock().expect("no panic"));
    assert!(acknowledged.len() > usize::try_from(kills).expect("small"), "only {} were sent", acknowledged.len());
    for (location, bytes) in &acknowledged {
        let page = actor.get(location).await;
        page.assert_ok();
        let file = page.page().attr(".files a", "href");
        assert_eq!(actor.get(&file).await.body, *bytes, "{location}");
    }
    assert_healthy(&folder, &database);
    println!("{} kills, {} acknowledged disputes, all there", kills, acknowledged.len());
}

/// How many disputes the killed bulk decision is about, and how many of them a transaction decides.
const MANY: i64 = 1_200;
const BATCH: i64 = fairdial::db::bulk_jobs::BATCH;

/// How far the only bulk decision there is has come.
fn place(db: &Db) -> i64 {
    use fairdial::db::schema::bulk_jobs as j;
    db.read_blocking::<_, DbError>(|conn| Ok(j::table.select(j::next_position).first(conn)?)).expect("read")
}

/// Waits until the work has come as far as this.
async fn comes_to(db: &Db, wanted: i64) -> i64 {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let now = place(db);
        if now >= wanted {
            return now;
        }
        assert!(Instant::now() < deadline, "the work stands at {now}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[actix_web::test]
async fn a_bulk_decision_that_is_killed_again_and_again_decides_each_dispute_once() {
    let folder = TempDir::with_prefix("fairdial-crash-").expect("a folder");
    let database = TestDatabase::create(folder.path());
    let db = Db::open(database.url().parse().expect("a database URL")).expect("the database opens");
    let clock = Clock::System;
    let buyer = Person::buyer("acme").ensure(&db, clock.now());
    let dana = Person::manager("dana").ensure(&db, clock.now());
    for _ in 0..MANY {
        let call = NewCall::ordinary(&buyer, clock.now()).add(&db);
        story::dispute(&db, &clock, &buyer, call, Intent::Send).expect("it is sent");
    }
    let cookie = sign_in(&folder, &database, Person::manager("dana")).await;
    let form = [("verdict", "accepted_partial"), ("credit_percent", "12.5"), ("note", "As agreed.")];

    let server = Server::start(folder.path(), database.url());
    server.is_up().await;
    let actor = Actor::with_cookie(&server.origin, &cookie);
    let selection = actor.post("/selections", &[("matching", "status=pending")]).await.location().to_owned();
    let id = selection.rsplit('/').next().expect("an id").to_owned();
    let fields: Vec<_> = form.iter().copied().chain([("selection", id.as_str())]).collect();
    let result = actor.post("/decisions", &fields).await.location().to_owned();
    let mut killed_at = vec![comes_to(&db, 1).await];
    drop(server);
    for _ in 0..3 {
        // Nobody asks for it: the start itself goes on.
        let server = Server::start(folder.path(), database.url());
        server.is_up().await;
        comes_to(&db, (killed_at.last().expect("killed once") + 1).min(MANY)).await;
        tokio::time::sleep(Duration::from_millis(rand::rng().random_range(0..120))).await;
        drop(server);
        killed_at.push(place(&db));
    }
    assert!(killed_at[0] > 0 && killed_at[0] < MANY, "it was over before it was killed: {killed_at:?}");
    assert!(killed_at.iter().all(|place| place % BATCH == 0), "a batch was torn: {killed_at:?}");

    let server = Server::start(folder.path(), database.url());
    server.is_up().await;
    comes_to(&db, MANY).await;
    let page = Actor::with_cookie(&server.origin, &cookie).get(&result).await;
    assert_eq!(page.page().text("#outcome"), "1,200 decided, 0 skipped.");
    drop(server);

    // $5.25 of $42.00 back, and of $25.00 the publisher's part: 312.5 cents, to the even 312.
    db.read_blocking::<_, DbError>(|conn| {
        use fairdial::db::schema::{adjustments as a, audit_log as l, calls as c, disputes as d, notifications as n};
        let rows: Vec<(Status, i32, Option<i64>)> = d::table.select((d::status, d::version, d::credit)).load(conn)?;
        assert_eq!(rows.len(), usize::try_from(MANY).expect("not that many"));
        assert!(rows.iter().all(|row| *row == (Status::AcceptedPartial, 2, Some(525))), "each is decided, and once");
        let ledger: Vec<(DisputeId, i64, i64)> = a::table.select((a::dispute_id, a::credit, a::clawback)).load(conn)?;
        let disputes: BTreeSet<_> = ledger.iter().map(|(id, ..)| *id).collect();
        assert_eq!((ledger.len(), disputes.len()), (rows.len(), rows.len()), "one adjustment each");
        assert!(ledger.iter().all(|(_, credit, clawback)| (*credit, *clawback) == (525, 312)));
        let nets: Vec<(i64, i64)> = c::table.select((c::net_credit, c::net_clawback)).load(conn)?;
        assert!(nets.iter().all(|net| *net == (525, 312)));
        let entries: i64 = l::table.filter(l::action.eq("dispute.decided")).count().get_result(conn)?;
        let told: i64 = n::table.filter(n::user_id.eq(buyer.user())).count().get_result(conn)?;
        assert_eq!((entries, told), (MANY, MANY));
        assert_eq!((counters::pending(conn, dana.scope())?, counters::pending(conn, buyer.scope())?), (0, 0));
        audit::verify(conn)?.expect("the chain is whole");
        Ok(())
    })
    .expect("read");
    assert_healthy(&folder, &database);
    println!("killed at {killed_at:?} of {MANY}");
}
