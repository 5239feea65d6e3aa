//! Notifications by e-mail: who gets a letter, when, and what happens if the server refuses it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::Duration;
use fairdial::config::Config;
use fairdial::db::mail;
use fairdial::db::{DbError, users};
use fairdial::domain::decision::Verdict;
use fairdial::mail::Mailer;

use crate::disputes::{decide, sent};
use crate::support::app::{TestApp, config_with};
use crate::support::people::Person;

/// Settings beside which nothing is started.
fn settings_with(more: &[&str]) -> Config {
    config_with(Path::new("/nowhere"), "sqlite:///nowhere/fairdial.db", more)
}

/// A server that takes every letter, or refuses each recipient.
struct Post {
    address: SocketAddr,
    letters: Arc<Mutex<Vec<String>>>,
    refuses: Arc<Mutex<bool>>,
}

impl Post {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (letters, refuses) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<bool>>::default());
        let (kept, strict) = (Arc::clone(&letters), Arc::clone(&refuses));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                let mut writer = stream;
                let mut say = |line: &str| writer.write_all(format!("{line}\r\n").as_bytes()).expect("it listens");
                say("220 post.example");
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
                    let word = line.get(..4).unwrap_or_default().to_uppercase();
                    match word.as_str() {
                        "RCPT" if *strict.lock().unwrap() => say("451 later"),
                        "DATA" => {
                            say("354 go on");
                            let mut letter = String::new();
                            let mut part = String::new();
                            while reader.read_line(&mut part).is_ok_and(|length| length > 0) && part != ".\r\n" {
                                letter.push_str(&part);
                                part.clear();
                            }
                            kept.lock().unwrap().push(letter.replace("=\r\n", ""));
                            say("250 taken");
                        }
                        "QUIT" => {
                            say("221 bye");
                            break;
                        }
                        _ => say("250 fine"),
                    }
                    line.clear();
                }
            }
        });
        Self { address, letters, refuses }
    }

    fn mailer(&self) -> Mailer {
        let url = format!("smtp://{}", self.address);
        let from = "Disputes <disputes@quillmoor.example>";
        let public = "https://disputes.example.com";
        let settings = ["--smtp-url", url.as_str(), "--mail-from", from, "--public-url", public];
        Mailer::new(&settings_with(&settings)).expect("the settings fit").expect("e-mail is on")
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.letters.lock().unwrap())
    }
}

#[actix_web::test]
async fn what_is_unread_after_two_minutes_comes_in_one_letter_once() {
    let app = TestApp::start().await;
    let (buyer, manager) = (app.viewer(Person::buyer("acme")), app.viewer(Person::manager("dana")));
    app.viewer(Person::buyer("birch"));
    let (post, first) = (Post::open(), sent(&app, &buyer, |_| {}));
    let (mailer, clock) = (post.mailer(), app.clock());
    let second = sent(&app, &buyer, |_| {});
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 0, "whoever looks at the page needs no letter");
    clock.advance(Duration::minutes(2));
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 1);
    let letters = post.taken();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert!(letter.contains("To: dana <dana@example.com>"), "{letter}");
    assert!(letter.contains("2 new notifications about disputes"), "{letter}");
    for id in [first, second] {
        assert!(letter.contains(&format!("https://disputes.example.com/disputes/{id}")), "{letter}");
    }
    assert!(letter.contains("acme sent a dispute") && letter.contains("(214) 555-0164"), "{letter}");

    decide(&app, &manager, first, Verdict::Accepted, None);
    clock.advance(Duration::minutes(2));
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 1);
    let letters = post.taken();
    assert!(letters[0].contains("To: acme <acme@example.com>") && letters[0].contains("Accepted"), "{letters:?}");
    // What the publisher is paid back is none of the buyer's business.
    assert!(!letters[0].to_lowercase().contains("publisher") && !letters[0].contains("25.00"), "{letters:?}");
    clock.advance(Duration::hours(1));
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 0, "a letter goes out once");
}

#[actix_web::test]
async fn no_letter_to_who_has_read_it_wants_none_or_may_not_see_disputes() {
    let app = TestApp::start().await;
    let buyer = app.viewer(Person::buyer("acme"));
    let reader = app.manager("dana").await;
    let silent = app.manager("silent").await;
    let gone = app.viewer(Person::manager("gone"));
    let form = [("name", "silent"), ("mail_notifications", "0")];
    silent.post("/account", &form).await.assert_status(303);
    let post = Post::open();
    sent(&app, &buyer, |_| {});
    reader.post("/notifications/read", &[]).await.assert_status(303);
    let now = app.clock().now();
    app.db()
        .write_blocking::<_, DbError>(|conn| {
            let row = users::find(conn, gone.user())?.unwrap();
            Ok(users::set_disabled(conn, &fairdial::auth::Actor::operator(), &row, true, now)?)
        })
        .unwrap();
    app.clock().advance(Duration::minutes(3));
    assert_eq!(post.mailer().deliver(app.db(), app.clock()).await.unwrap(), 0);
    assert_eq!(post.taken(), [""; 0]);
}

#[actix_web::test]
async fn a_refused_letter_is_tried_again_for_a_day() {
    let app = TestApp::start().await;
    let buyer = app.viewer(Person::buyer("acme"));
    app.viewer(Person::manager("dana"));
    let post = Post::open();
    let (mailer, clock) = (post.mailer(), app.clock());
    sent(&app, &buyer, |_| {});
    *post.refuses.lock().unwrap() = true;
    clock.advance(Duration::minutes(2));
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 0);
    *post.refuses.lock().unwrap() = false;
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 0, "it is still leased to the first try");
    clock.advance(mail::LEASE);
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 1);

    sent(&app, &buyer, |_| {});
    *post.refuses.lock().unwrap() = true;
    clock.advance(mail::TRIED_FOR);
    *post.refuses.lock().unwrap() = false;
    assert_eq!(mailer.deliver(app.db(), clock).await.unwrap(), 0, "nobody waits for it after a day");
}

#[test]
fn nothing_is_sent_unless_a_server_is_set() {
    assert!(Mailer::new(&settings_with(&[])).unwrap().is_none());
}
