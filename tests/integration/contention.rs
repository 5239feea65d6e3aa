//! A thousand submissions for one call: one is taken, the others are told why. And in which order a write takes its locks.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fairdial::db::{DbError, counters, inspection, schema};
use fairdial::domain::decision::Verdict;
use fairdial::domain::ids::CallId;
use futures_util::StreamExt;
use serde_json::json;

use crate::api::program;
use crate::disputes::{decide, sent};
use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::people::Person;
use crate::support::story::NewCall;

const SUBMISSIONS: usize = 1_000;
const AT_ONCE: usize = 64;

async fn submit(actor: Actor, call: CallId, number: usize) -> u16 {
    let path = format!("/calls/{call}/disputes");
    let fields = [("reason", "other"), ("additional_information", "typed"), ("intent", "send")];
    // Every tenth brings a file: those of the losers must go.
    let file = [("evidence", Upload::new("note.txt", "text/plain", format!("note {number}")))];
    let answer = actor.post_multipart(&path, &fields, if number.is_multiple_of(10) { &file } else { &[] }).await;
    if answer.status == 409 {
        answer.assert_body_has("This call has a dispute already: Pending");
    }
    answer.status.as_u16()
}

#[actix_web::test]
async fn of_a_thousand_submissions_for_one_call_exactly_one_is_taken() {
    let app = TestApp::start().await;
    let manager = app.viewer(Person::manager("dana"));
    let actors = [
        app.buyer("acme").await,
        app.person(Person::Buyer { name: "second", company: "acme", dispute_calls: true }).await,
    ];
    let call = NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()).add(app.db());

    let statuses: Vec<u16> = futures_util::stream::iter(0..SUBMISSIONS)
        .map(|number| submit(actors[number % 2].clone(), call, number))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;

    let count = |status| statuses.iter().filter(|answered| **answered == status).count();
    assert_eq!(
        (count(303), count(409)),
        (1, SUBMISSIONS - 1),
        "{:?}",
        statuses.iter().find(|s| ![303, 409].contains(*s))
    );
    let (disputes, told, sent, pending, named) = app
        .db()
        .read_blocking::<_, DbError>(|conn| {
            use schema::{audit_log, disputes, notifications};
            let told: i64 = notifications::table.count().get_result(conn)?;
            let sent: i64 = audit_log::table.filter(audit_log::action.eq("dispute.sent")).count().get_result(conn)?;
            let disputes: i64 = disputes::table.count().get_result(conn)?;
            Ok((disputes, told, sent, counters::pending(conn, manager.scope())?, inspection::named_files(conn)?.len()))
        })
        .expect("counted");
    assert_eq!((disputes, told, sent, pending), (1, 1, 1, 1));
    let store = fairdial::file_store::FileStore::open(&app.data_dir()).expect("the folders are there");
    assert_eq!((store.walk().count(), store.walk_incoming().count()), (named, 0), "the losers' files are gone");
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    transactions: i64,
}

/// Does something that writes audit entries and moves counters while somebody else holds the audit head.
async fn takes_the_counters_before_the_head(app: &TestApp, what: &str, work: impl Future<Output = u16> + 'static) {
    let mut other = app.database().connect();
    other.batch_execute("BEGIN; SELECT seq FROM audit_head FOR UPDATE").expect("nobody else has it");
    let working = actix_web::rt::spawn(work);
    let mut looking = app.database().connect();
    for tries in 0.. {
        let waiting: Waiting = diesel::sql_query(
            "SELECT count(*) AS transactions FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .get_result(&mut looking)
        .expect("the server tells");
        if waiting.transactions > 0 {
            break;
        }
        assert!(tries < 500, "{what} never waits for the audit head");
        actix_web::rt::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let free = looking.batch_execute("SELECT sent FROM counters WHERE buyer_key = 0 FOR UPDATE NOWAIT");
    other.batch_execute("ROLLBACK").expect("it is given back");
    assert!(working.await.expect("it does not panic") < 400, "{what} is done once the head is free");
    assert!(free.is_err(), "{what} waits for the audit head without its counters");
}

#[actix_web::test]
async fn the_audit_head_is_the_last_lock() {
    if Backend::of_this_run() == Backend::Sqlite {
        return; // A writer has the whole database: there is no order to keep.
    }
    let app = TestApp::start().await;
    let (buyer, manager) = (app.viewer(Person::buyer("acme")), app.viewer(Person::manager("dana")));
    let acme = app.buyer("acme").await;

    let call = NewCall::ordinary(&buyer, app.clock().now()).add(app.db());
    // Number 0 has a file, whose entry is written before the dispute is counted.
    takes_the_counters_before_the_head(&app, "sending", submit(acme.clone(), call, 0)).await;

    let rejected = sent(&app, &buyer, |_| {});
    decide(&app, &manager, rejected, Verdict::Rejected, None);
    let path = format!("/disputes/{rejected}/messages");
    let reply = async move { acme.post(&path, &[("body", "Please listen again.")]).await.status.as_u16() };
    takes_the_counters_before_the_head(&app, "a reply that reopens", reply).await;

    let robot = program(&app, Person::manager("dana"));
    let call =
        json!({ "source": "ringba", "external_id": "A", "started_at": "2026-11-20T10:00:00Z", "buyer": "Birch" });
    let intake = async move { robot.post_json("/api/v1/calls", &call).await.status.as_u16() };
    takes_the_counters_before_the_head(&app, "a call of a new buyer", intake).await;
}
