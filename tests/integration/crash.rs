//! The server is killed at random moments while disputes with evidence are sent: what was acknowledged is there.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fairdial::auth::Viewer;
use fairdial::clock::Clock;
use fairdial::db::{DatabaseUrl, Db};
use rand::Rng;
use tempfile::TempDir;

use crate::support::actor::{Actor, Upload};
use crate::support::database::TestDatabase;
use crate::support::people::{PASSWORD, Person};
use crate::support::story::NewCall;

/// How often the server is killed; `FAIRDIAL_TEST_KILLS` sets another number for a long run.
const KILLS: u32 = 50;
const CLIENTS: usize = 4;

/// A running server that ends with the test, also when that fails.
struct Server {
    child: Child,
    origin: String,
}

impl Server {
    fn start(folder: &Path, database_url: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("known").port();
        let child = Command::new(assert_cmd::cargo::cargo_bin("fairdial"))
            .args(["serve", "--bind", &format!("127.0.0.1:{port}"), "--workers", "2", "--log-filter", "error"])
            .arg("--data-dir")
            .arg(folder)
            .args(["--database-url", database_url])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        Self { child, origin: format!("http://127.0.0.1:{port}") }
    }

    async fn is_up(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
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
    let cookie = {
        let server = Server::start(folder.path(), database.url());
        server.is_up().await;
        let fields = [("email", Person::buyer("acme").email()), ("password", PASSWORD.to_owned())];
        let request = Actor::anonymous(&server.origin).request(reqwest::Method::POST, "/login").form(&fields);
        let answer = Actor::anonymous(&server.origin).send(request).await;
        answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
    };
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
    let doctor = assert_cmd::Command::cargo_bin("fairdial")
        .expect("the program is built")
        .args(["doctor", "--data-dir"])
        .arg(folder.path())
        .args(["--database-url", database.url()])
        .output()
        .expect("it runs");
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    println!("{} kills, {} acknowledged disputes, all there", kills, acknowledged.len());
}
