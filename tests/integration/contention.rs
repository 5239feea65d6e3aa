//! A thousand submissions for one call: one is taken, the others are told why.

use diesel::prelude::*;
use fairdial::db::{DbError, counters, inspection, schema};
use fairdial::domain::ids::CallId;
use futures_util::StreamExt;

use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
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
