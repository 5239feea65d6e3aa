//! The server is killed while events are on their way: each arrives, those of a dispute in order.

use std::time::Duration;

use fairdial::auth::Granted;
use fairdial::clock::Clock;
use fairdial::db::{DatabaseUrl, Db};
use fairdial::domain::claim::Intent;
use fairdial::domain::decision::Verdict;
use tempfile::TempDir;

use super::add_to;
use super::receiver::{Event, Mood, Receiver};
use crate::crash::Server;
use crate::disputes::{decide_in, texts};
use crate::support::database::TestDatabase;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

const KILLS: usize = 8;

#[actix_web::test]
async fn every_event_arrives_though_the_server_is_killed() {
    let folder = TempDir::with_prefix("fairdial-test-").expect("a folder for the test");
    let database = TestDatabase::create(folder.path());
    let url: DatabaseUrl = database.url().parse().expect("a database URL");
    let (db, clock, receiver) = (Db::open(url).expect("it opens"), Clock::System, Receiver::open(Mood::Takes));
    let dana = Person::manager("dana").ensure(&db, clock.now());
    let grant = Granted::check(&dana).expect("Settings are held");
    add_to(&db, &clock, &grant, &receiver.url, None);
    let acme = Person::buyer("acme").ensure(&db, clock.now());
    let mut sent = Vec::new();
    for kill in 0..KILLS {
        let server = Server::start_with(folder.path(), database.url(), &["--webhook-private-addresses"]);
        for _ in 0..6 {
            let call = NewCall::ordinary(&acme, clock.now()).add(&db);
            let id = story::dispute(&db, &clock, &acme, call, Intent::Send).expect("it is sent");
            decide_in(&db, &clock, &dana, id, (Verdict::Accepted, None));
            sent.push(id);
        }
        receiver.is_now(if kill % 3 == 2 { Mood::Refuses(500) } else { Mood::Takes });
        tokio::time::sleep(Duration::from_millis(300 + 170 * u64::try_from(kill).expect("few"))).await;
        drop(server);
    }
    receiver.is_now(Mood::Takes);
    let server = Server::start_with(folder.path(), database.url(), &["--webhook-private-addresses"]);
    let of = |own: &Receiver, id: &str| -> Vec<Event> {
        let mut events = own.taken();
        events.retain(|event| event.dispute() == id);
        events
    };
    let sent = texts(&sent);
    receiver
        .until("every event", |own| {
            sent.iter().all(|id| of(own, id).iter().any(|event| event.topic() == "dispute.decided"))
        })
        .await;
    drop(server);
    for id in &sent {
        let mut topics: Vec<String> = of(&receiver, id).iter().map(Event::topic).collect();
        // An event whose answer was not kept comes again, but never after a later one.
        topics.dedup();
        assert_eq!(topics, ["dispute.created", "dispute.decided"], "{id}");
    }
}
