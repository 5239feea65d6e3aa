//! Webhooks: who is told what, signed and in order, and what happens if nobody listens.

mod dying;
mod pages;
mod receiver;

use chrono::Duration;
use fairdial::auth::{Granted, ManageSettings, Viewer};
use fairdial::clock::Clock;
use fairdial::db::outbox::Topic;
use fairdial::db::webhooks::{self, Change, Logged, Wanted};
use fairdial::db::{Db, DbError, deliveries};
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::{BuyerId, EndpointId};

use crate::disputes::{CANARIES, acme, decide, hide_canaries, sent, texts};
use crate::support::app::TestApp;
use crate::support::people::Person;
use receiver::{Event, Mood, Receiver};

/// An app whose webhooks may go to this machine.
async fn start() -> TestApp {
    TestApp::start_set(|config| config.webhook_private_addresses = true).await
}

fn manager(app: &TestApp) -> Granted<ManageSettings> {
    Granted::check(&app.viewer(Person::manager("dana"))).expect("Settings are held")
}

fn add_to(db: &Db, clock: &Clock, grant: &Granted<ManageSettings>, url: &str, buyer: Option<BuyerId>) -> EndpointId {
    let wanted = Wanted { url: url.to_owned(), topics: Topic::chosen().collect() };
    let now = clock.now();
    db.write_blocking(|conn| webhooks::add(conn, grant, (buyer, &wanted), now)).expect("it is added").0
}

fn add(app: &TestApp, receiver: &Receiver, buyer: Option<&Viewer>) -> EndpointId {
    let buyer = buyer.and_then(|viewer| viewer.scope().buyer());
    add_to(app.db(), app.clock(), &manager(app), &receiver.url, buyer)
}

fn change(app: &TestApp, id: EndpointId, change: Change) -> Option<String> {
    let (grant, now) = (manager(app), app.clock().now());
    let changed = app.db().write_blocking::<_, DbError>(|conn| Ok(webhooks::change(conn, &grant, id, &change, now)?));
    changed.expect("it is changed").expect("it is there")
}

fn log(app: &TestApp, id: EndpointId) -> Vec<Logged> {
    let grant = manager(app);
    app.db().read_blocking::<_, DbError>(|conn| Ok(webhooks::log(conn, &grant, id, (None, 100))?)).expect("a log")
}

fn secret_of(app: &TestApp, id: EndpointId) -> String {
    let grant = manager(app);
    let row = app.db().read_blocking::<_, DbError>(|conn| Ok(webhooks::find(conn, &grant, id)?)).expect("read");
    row.expect("it is there").secret
}

/// Waits for an attempt to end, not for its request alone: only then its pause begins, and a clock that is moved before would
/// move the pause with it.
async fn until_written_down(app: &TestApp, receiver: &Receiver, id: EndpointId) {
    receiver.until("an attempt is written down", |_| log(app, id).iter().any(|line| !line.attempts.is_empty())).await;
}

/// Waits until something is so, while the clock goes on by a second at each look: a receiver's own rest begins a moment after
/// its attempt was written down, and may begin only after a test has moved the clock.
async fn until_later(app: &TestApp, receiver: &Receiver, what: &str, is_so: impl Fn(&Receiver) -> bool) {
    let is_so_later = |own: &Receiver| {
        app.clock().advance(Duration::seconds(1));
        is_so(own)
    };
    receiver.until(what, is_so_later).await;
}

/// The signature that the published library of Standard Webhooks makes.
fn signed_by(secret: &str, event: &Event) -> String {
    let webhook = standardwebhooks::Webhook::new(secret).expect("a secret in their form");
    webhook.sign(&event.id, event.timestamp, event.body.as_bytes()).expect("a signature")
}

#[actix_web::test]
async fn every_change_arrives_signed_and_in_order() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Takes));
    let (buyer, dana) = (acme(&app), app.viewer(Person::manager("dana")));
    let id = add(&app, &receiver, None);
    let dispute = sent(&app, &buyer, |_| {});
    let path = format!("/disputes/{dispute}/messages");
    app.manager("dana").await.post(&path, &[("body", "Why?")]).await;
    app.manager("dana").await.post(&path, &[("body", "canary note"), ("internal", "1")]).await;
    decide(&app, &dana, dispute, Verdict::AcceptedPartial, Some(1_250));
    app.manager("dana").await.post(&format!("/disputes/{dispute}/reopening"), &[("reason", "Again")]).await;
    app.buyer("acme").await.post(&format!("/disputes/{dispute}/withdrawal"), &[]).await;
    receiver.until_taken(5).await;
    let expected = ["dispute.created", "message.created", "dispute.decided", "dispute.reopened", "dispute.withdrawn"];
    assert_eq!(receiver.topics(), expected);
    let secret = secret_of(&app, id);
    for event in receiver.taken() {
        assert_eq!(event.signatures, [signed_by(&secret, &event)]);
        assert_eq!(event.dispute(), dispute.to_string());
        assert_eq!(event.json()["data"]["buyer_id"], buyer.scope().buyer().unwrap().to_string());
        let now = app.clock().now().and_utc().timestamp();
        assert!((now - 60..=now).contains(&event.timestamp), "{}", event.timestamp);
    }
    let decided = receiver.taken().swap_remove(2).json();
    assert_eq!(decided["data"]["credit"], serde_json::json!({ "amount": 1250, "currency": "USD" }));
    assert_eq!(decided["data"]["verdict"], "accepted_partial");
    let ids: Vec<String> = receiver.taken().into_iter().map(|event| event.id).collect();
    assert_eq!(ids, log(&app, id).iter().rev().map(|line| line.event.id.to_string()).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_buyer_is_told_of_its_own_disputes_and_of_no_secret() {
    let (app, own, all) = (start().await, Receiver::open(Mood::Takes), Receiver::open(Mood::Takes));
    let (buyer, other, dana) = (acme(&app), app.viewer(Person::buyer("birch")), app.viewer(Person::manager("dana")));
    add(&app, &own, Some(&buyer));
    add(&app, &all, None);
    let ids = [sent(&app, &buyer, |_| {}), sent(&app, &other, |_| {}), sent(&app, &buyer, |_| {})];
    for id in ids {
        hide_canaries(&app, id);
        let path = format!("/disputes/{id}/messages");
        app.manager("dana").await.post(&path, &[("body", "canary note"), ("internal", "1")]).await;
        decide(&app, &dana, id, Verdict::Accepted, None);
    }
    all.until_taken(6).await;
    own.until_taken(4).await;
    let mut told: Vec<String> = own.taken().iter().map(Event::dispute).collect();
    told.sort();
    told.dedup();
    let mut expected = texts(&[ids[0], ids[2]]);
    expected.sort();
    assert_eq!(told, expected);
    for event in own.taken() {
        for canary in CANARIES {
            assert!(!event.body.contains(canary), "{canary}: {}", event.body);
        }
        assert!(!event.body.contains("clawback") && !event.body.contains("publisher"), "{}", event.body);
        assert!(!event.body.contains(&other.scope().buyer().unwrap().to_string()), "{}", event.body);
    }
}

#[actix_web::test]
async fn what_fails_is_tried_again_before_what_came_later() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Refuses(500)));
    let (buyer, dana) = (acme(&app), app.viewer(Person::manager("dana")));
    let id = add(&app, &receiver, None);
    let dispute = sent(&app, &buyer, |_| {});
    decide(&app, &dana, dispute, Verdict::Accepted, None);
    // The clock goes on while it waits, half a minute at a time: a pause may begin only after an attempt is written down.
    let tries = |count: usize| {
        let clock = app.clock().clone();
        move |own: &Receiver| {
            clock.advance(Duration::seconds(30));
            own.came().len() >= count
        }
    };
    receiver.until("five tries", tries(5)).await;
    assert_eq!(receiver.came().iter().map(Event::topic).collect::<Vec<_>>(), ["dispute.created"; 5]);
    let ids: Vec<String> = receiver.came().into_iter().map(|event| event.id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    receiver.is_now(Mood::Takes);
    receiver.until("both events", tries(7)).await;
    assert_eq!(receiver.topics(), ["dispute.created", "dispute.decided"]);
    let lines = log(&app, id);
    assert_eq!(lines[1].attempts.iter().map(|tried| tried.status).collect::<Vec<_>>(), {
        let mut expected = vec![Some(500); 5];
        expected.push(Some(204));
        expected
    });
    assert_eq!(lines[1].attempts[0].answer, "not now");
}

#[actix_web::test]
async fn a_receiver_that_hangs_delays_nobody_else() {
    let (app, hangs, takes) = (start().await, Receiver::open(Mood::Hangs), Receiver::open(Mood::Takes));
    let stuck = add(&app, &hangs, None);
    add(&app, &takes, None);
    let buyer = acme(&app);
    sent(&app, &buyer, |_| {});
    hangs.until_came(1).await;
    let began = std::time::Instant::now();
    for _ in 0..3 {
        sent(&app, &buyer, |_| {});
    }
    takes.until_taken(4).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{:?}", began.elapsed());
    until_written_down(&app, &hangs, stuck).await;
    let lines = log(&app, stuck);
    let tried = lines.iter().find_map(|line| line.attempts.first()).unwrap();
    assert_eq!((tried.status, tried.milliseconds >= 10_000), (None, true), "{tried:?}");
}

#[actix_web::test]
async fn what_fails_for_a_day_is_given_up_and_can_be_sent_again() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Refuses(503)));
    let id = add(&app, &receiver, None);
    sent(&app, &acme(&app), |_| {});
    until_written_down(&app, &receiver, id).await;
    app.clock().advance(Duration::hours(25));
    until_later(&app, &receiver, "it is tried again", |own| own.came().len() >= 2).await;
    receiver.until("given up", |_| log(&app, id)[0].delivery.next_at.is_none()).await;
    let delivery = log(&app, id)[0].delivery.clone();
    assert!(!delivery.is_delivered);
    let page = app.manager("dana").await.get(&format!("/settings/webhooks/{id}")).await;
    page.assert_body_has("Given up");
    receiver.is_now(Mood::Takes);
    app.clock().advance(Duration::minutes(10));
    let path = format!("/settings/webhooks/{id}/deliveries/{}", delivery.id);
    app.manager("dana").await.post(&path, &[]).await.assert_redirect(&format!("/settings/webhooks/{id}"));
    receiver.until_taken(1).await;
    receiver.until("delivered", |_| log(&app, id)[0].delivery.is_delivered).await;
}

#[actix_web::test]
async fn days_of_failure_switch_a_receiver_off_and_tell_the_managers() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Refuses(500)));
    let id = add(&app, &receiver, None);
    let buyer = acme(&app);
    sent(&app, &buyer, |_| {});
    until_written_down(&app, &receiver, id).await;
    app.clock().advance(Duration::hours(71));
    sent(&app, &buyer, |_| {});
    let tried = |_: &Receiver| log(&app, id).iter().all(|line| !line.attempts.is_empty());
    until_later(&app, &receiver, "both were refused", tried).await;
    app.manager("dana").await.get(&format!("/settings/webhooks/{id}")).await.assert_body_has("Failing");
    app.clock().advance(Duration::hours(2));
    let is_off = |_: &Receiver| log(&app, id).iter().all(|line| line.delivery.next_at.is_none());
    until_later(&app, &receiver, "it is off", is_off).await;
    let dana = app.manager("dana").await;
    let page = dana.get(&format!("/settings/webhooks/{id}")).await;
    page.assert_body_has("Nothing could be delivered for three days.");
    let told = dana.get("/notifications").await;
    told.assert_body_has("A webhook was switched off");
    assert!(told.page().attrs("main a", "href").contains(&"/settings/webhooks".to_owned()));
    app.buyer("acme").await.get("/notifications").await.assert_body_lacks("webhook");
    let came = receiver.came().len();
    sent(&app, &buyer, |_| {});
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!((receiver.came().len(), log(&app, id).len()), (came, 2));
    change(&app, id, Change::SwitchOn);
    receiver.is_now(Mood::Takes);
    let last = sent(&app, &buyer, |_| {});
    receiver.until_taken(1).await;
    assert_eq!(receiver.taken()[0].dispute(), last.to_string());
}

#[actix_web::test]
async fn a_receiver_that_is_gone_is_switched_off_at_once() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Refuses(410)));
    let id = add(&app, &receiver, None);
    sent(&app, &acme(&app), |_| {});
    receiver.until("it is off", |_| log(&app, id).iter().all(|line| line.delivery.next_at.is_none())).await;
    let page = app.manager("dana").await.get(&format!("/settings/webhooks/{id}")).await;
    page.assert_body_has("It answered 410 Gone.");
}

#[actix_web::test]
async fn another_secret_signs_beside_the_old_one_for_a_day() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Takes));
    let id = add(&app, &receiver, None);
    let old = secret_of(&app, id);
    let new = change(&app, id, Change::Rotate).expect("a secret");
    assert!(new != old && new.starts_with("whsec_"), "{new}");
    sent(&app, &acme(&app), |_| {});
    receiver.until_taken(1).await;
    let event = receiver.taken().swap_remove(0);
    assert_eq!(event.signatures, [signed_by(&new, &event), signed_by(&old, &event)]);
    app.clock().advance(Duration::hours(24));
    change(&app, id, Change::Test);
    receiver.until_taken(2).await;
    let event = receiver.taken().swap_remove(1);
    assert_eq!((event.topic(), event.signatures.clone()), ("webhook.test".to_owned(), vec![signed_by(&new, &event)]));
}

#[actix_web::test]
async fn a_redirect_is_no_delivery_and_not_followed() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Redirects));
    let id = add(&app, &receiver, None);
    sent(&app, &acme(&app), |_| {});
    until_written_down(&app, &receiver, id).await;
    let line = log(&app, id).swap_remove(0);
    assert_eq!((line.attempts[0].status, line.delivery.is_delivered), (Some(302), false));
    assert_eq!(receiver.came().len(), 1);
}

#[actix_web::test]
async fn nothing_is_sent_to_a_private_address() {
    let (app, receiver) = (TestApp::start().await, Receiver::open(Mood::Takes));
    let plain = add_to(app.db(), app.clock(), &manager(&app), &receiver.url, None);
    let numbered = receiver.url.replace("http:", "https:");
    let numbered = add_to(app.db(), app.clock(), &manager(&app), &numbered, None);
    sent(&app, &acme(&app), |_| {});
    for (id, why) in [(plain, "Only https"), (numbered, "private network")] {
        until_written_down(&app, &receiver, id).await;
        let tried = log(&app, id).swap_remove(0).attempts.swap_remove(0);
        assert_eq!(tried.status, None);
        assert!(tried.answer.contains(why), "{why}: {}", tried.answer);
    }
    assert!(receiver.came().is_empty(), "{:?}", receiver.came());
}

#[actix_web::test]
async fn two_processes_send_an_event_once() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Takes));
    let id = add(&app, &receiver, None);
    sent(&app, &acme(&app), |_| {});
    receiver.until_taken(1).await;
    receiver.until("it is settled", |_| log(&app, id)[0].delivery.is_delivered).await;
    let now = app.clock().now();
    let claim = |at| app.db().write_blocking::<_, DbError>(|conn| Ok(deliveries::claim(conn, id, at)?)).unwrap();
    assert!(claim(now).is_none(), "nothing is due");
    change(&app, id, Change::SwitchOff);
    change(&app, id, Change::SwitchOn);
    // Far ahead of the server's own clock, so that it is still in nobody else's hands.
    let later = now + Duration::hours(1);
    let (grant, delivery) = (manager(&app), log(&app, id)[0].delivery.id);
    let again = |conn: &mut _| Ok(webhooks::resend(conn, &grant, (id, delivery), later)?);
    assert!(app.db().write_blocking::<_, DbError>(again).unwrap());
    let later = later + Duration::seconds(1);
    assert_eq!(claim(later).expect("it is due").events.len(), 1);
    assert!(claim(later).is_none(), "the first has it");
    assert!(claim(later + deliveries::LEASE).is_some(), "the first is gone");
}

#[actix_web::test]
async fn events_are_forgotten_after_a_month_but_not_while_they_wait() {
    let (app, receiver) = (start().await, Receiver::open(Mood::Takes));
    let buyer = acme(&app);
    sent(&app, &buyer, |_| {});
    let id = add(&app, &receiver, None);
    sent(&app, &buyer, |_| {});
    receiver.until_taken(1).await;
    receiver.until("it is settled", |_| log(&app, id)[0].delivery.is_delivered).await;
    let later = app.clock().now() + Duration::days(29);
    let forget = |at| app.db().write_blocking::<_, DbError>(|conn| Ok(deliveries::forget_old(conn, at)?)).unwrap();
    assert_eq!(forget(later), 0);
    let later = later + Duration::days(2);
    let delivery = log(&app, id)[0].delivery.id;
    let grant = manager(&app);
    let wait = |conn: &mut _| Ok(webhooks::resend(conn, &grant, (id, delivery), later)?);
    assert!(app.db().write_blocking::<_, DbError>(wait).unwrap());
    assert_eq!(forget(later), 1);
    change(&app, id, Change::SwitchOff);
    assert_eq!((forget(later), log(&app, id).len()), (1, 0));
}
