//! A program that is told of disputes: takes events, refuses them, or hangs.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    Refuses(u16),
    Redirects,
    Hangs,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) signatures: Vec<String>,
    pub(crate) body: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    pub(crate) fn topic(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    pub(crate) fn dispute(&self) -> String {
        self.json()["data"]["dispute_id"].as_str().unwrap_or_default().to_owned()
    }
}

/// What it has seen, and how it answers.
#[derive(Clone)]
struct State {
    came: Arc<Mutex<Vec<(Mood, Event)>>>,
    mood: Arc<Mutex<Mood>>,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    state: State,
    server: ServerHandle,
}

impl Receiver {
    pub(crate) fn open(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/events", listener.local_addr().expect("it is known"));
        let state = State { came: Arc::default(), mood: Arc::new(Mutex::new(mood)) };
        let shared = Data::new(state.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::clone(&shared))
                .route("/events", web::post().to(take))
                // A redirect that is followed becomes a GET.
                .default_service(web::to(take))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it listens").run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, state, server: handle }
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *self.state.mood.lock().expect("nobody panics with it") = mood;
    }

    /// Every request, also those it did not take.
    pub(crate) fn came(&self) -> Vec<Event> {
        self.state.came.lock().expect("nobody panics with it").iter().map(|(_, event)| event.clone()).collect()
    }

    /// What it took, in the order in which it came.
    pub(crate) fn taken(&self) -> Vec<Event> {
        let came = self.state.came.lock().expect("nobody panics with it");
        came.iter().filter(|(mood, _)| *mood == Mood::Takes).map(|(_, event)| event.clone()).collect()
    }

    pub(crate) fn topics(&self) -> Vec<String> {
        self.taken().iter().map(Event::topic).collect()
    }

    /// Waits, in real time, until something is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..2_400 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("never: {what}; it has {:?}", self.came());
    }

    /// Waits for so many requests.
    pub(crate) async fn until_came(&self, count: usize) {
        self.until(&format!("{count} requests"), |own| own.came().len() >= count).await;
    }

    /// Waits for so many events that it took.
    pub(crate) async fn until_taken(&self, count: usize) {
        self.until(&format!("{count} events"), |own| own.taken().len() >= count).await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn take(request: HttpRequest, state: Data<State>, body: Bytes) -> HttpResponse {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let event = Event {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap_or_default(),
        signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
        body: String::from_utf8(body.to_vec()).expect("text"),
    };
    let mood = *state.mood.lock().expect("nobody panics with it");
    state.came.lock().expect("nobody panics with it").push((mood, event));
    match mood {
        Mood::Takes => HttpResponse::NoContent().finish(),
        Mood::Refuses(status) => {
            let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
            HttpResponse::build(status).body("not now")
        }
        Mood::Redirects => HttpResponse::Found().insert_header(("location", "/elsewhere")).finish(),
        Mood::Hangs => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            HttpResponse::NoContent().finish()
        }
    }
}
