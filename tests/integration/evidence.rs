//! Evidence: what is taken, at which byte it ends, how it is given out, and to whom.

use std::time::Duration;

use fairdial::db::{DbError, inspection};
use fairdial::domain::claim::Intent;
use fairdial::domain::ids::{CallId, DisputeId};
use fairdial::file_store::FileStore;
use reqwest::Method;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::actor::{Actor, Upload};
use crate::support::app::TestApp;
use crate::support::hostile;
use crate::support::people::{PASSWORD, Person};
use crate::support::response::Response;
use crate::support::story::{self, NewCall};

const LIMIT: u64 = 100_000;

async fn app() -> TestApp {
    TestApp::start_set(|config| config.max_evidence_bytes = LIMIT).await
}

fn call_of_acme(app: &TestApp) -> CallId {
    NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()).add(app.db())
}

fn dispute_of_acme(app: &TestApp, intent: Intent) -> DisputeId {
    let call = call_of_acme(app);
    story::dispute(app.db(), app.clock(), &app.viewer(Person::buyer("acme")), call, intent).expect("filed")
}

/// How many files are stored, and how many are on their way.
fn on_disk(app: &TestApp) -> (usize, usize) {
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    (store.walk().count(), store.walk_incoming().count())
}

fn named(app: &TestApp) -> Vec<inspection::NamedFile> {
    app.db().read_blocking::<_, DbError>(|conn| Ok(inspection::named_files(conn)?)).expect("read")
}

fn text(size: u64) -> Vec<u8> {
    vec![b'a'; usize::try_from(size).expect("small")]
}

fn address(app: &TestApp) -> String {
    app.origin().strip_prefix("http://").expect("plain http").to_owned()
}

/// The session of a user of acme, for requests written by hand.
async fn cookie_of_acme(app: &TestApp) -> String {
    let person = Person::buyer("acme");
    app.viewer(person);
    let answer = app.anonymous().post("/login", &[("email", &person.email()), ("password", PASSWORD)]).await;
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

/// A form with these files, as a browser writes it.
fn multipart(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let disposition = format!("Content-Disposition: form-data; name=\"evidence\"; filename=\"{name}\"");
        body.extend(format!("--b\r\n{disposition}\r\nContent-Type: text/plain\r\n\r\n").into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    body
}

fn head_of(app: &TestApp, dispute: DisputeId, cookie: &str, length: &str) -> String {
    format!(
        "POST /disputes/{dispute}/evidence HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\n\
         Connection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n{length}\r\n\r\n",
        address(app)
    )
}

/// Sends bytes as they are, and reads the answer to its end.
async fn exchange(app: &TestApp, sent: &[u8]) -> String {
    let mut socket = TcpStream::connect(address(app)).await.expect("the server listens");
    socket.write_all(sent).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("answered");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn add(actor: &Actor, dispute: DisputeId, name: &str, bytes: impl Into<Vec<u8>>) -> Response {
    let path = format!("/disputes/{dispute}/evidence");
    actor.post_multipart(&path, &[], &[("evidence", Upload::new(name, "application/octet-stream", bytes))]).await
}

#[actix_web::test]
async fn the_last_byte_allowed_is_taken_and_the_next_is_not() {
    let app = app().await;
    let acme = app.buyer("acme").await;
    let dispute = dispute_of_acme(&app, Intent::Send);
    add(&acme, dispute, "fits.txt", text(LIMIT)).await.assert_redirect(&format!("/disputes/{dispute}"));
    add(&acme, dispute, "over.txt", text(LIMIT + 1)).await.assert_status(413);

    // Without Content-Length, in chunks.
    let cookie = cookie_of_acme(&app).await;
    for (size, status) in [(LIMIT, "303"), (LIMIT + 1, "413")] {
        let body = multipart(&[("x.txt", text(size))]);
        let mut sent = head_of(&app, dispute, &cookie, "Transfer-Encoding: chunked").into_bytes();
        for chunk in body.chunks(8_000) {
            sent.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            sent.extend(chunk);
            sent.extend(b"\r\n");
        }
        sent.extend(b"0\r\n\r\n");
        let answer = exchange(&app, &sent).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer:.300}");
    }
    assert_eq!((named(&app).len(), on_disk(&app)), (2, (2, 0)), "nothing of the refused ones stays");

    // The dispute form tells the limit, and keeps the rest.
    let call = call_of_acme(&app);
    let files = [
        ("evidence", Upload::new("over.txt", "text/plain", text(LIMIT + 1))),
        ("evidence", Upload::new("good.txt", "text/plain", "good")),
    ];
    let fields = [("reason", "other"), ("additional_information", "typed")];
    let answer = acme.post_multipart(&format!("/calls/{call}/disputes"), &fields, &files).await;
    answer.assert_status(413).assert_body_has("over.txt was not kept: it is larger than 97 KB");
    assert_eq!(
        (answer.page().value("additional_information"), answer.page().texts(".files b")),
        ("typed".into(), vec!["good.txt".into()])
    );
}

#[actix_web::test]
async fn nothing_hostile_is_kept() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let dispute = dispute_of_acme(&app, Intent::Send);
    let corpus = hostile::files();
    assert!(corpus.len() >= 60, "{}", corpus.len());
    for (name, bytes) in &corpus {
        let answer = add(&acme, dispute, name, bytes.clone()).await;
        assert_eq!(answer.status, 422, "{name:?} {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
    assert_eq!((named(&app).len(), on_disk(&app)), (0, (0, 0)));
}

#[actix_web::test]
async fn what_is_kept_is_given_out_so_that_it_can_do_nothing() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let manager = app.manager("dana").await;
    let birch = app.buyer("birch").await;
    let kinds: [(&str, &[u8], &str, &str); 6] = [
        ("shot.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", "inline"),
        ("quote.pdf", b"%PDF-1.7\n1 0 obj", "application/pdf", "inline"),
        ("call.wav", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio/wav", "inline"),
        ("note.txt", b"heard nobody", "text/plain; charset=utf-8", "attachment"),
        ("queue.csv", b"a,b\n1,2\n", "text/csv; charset=utf-8", "attachment"),
        ("mail.eml", b"From: a@example.com\r\nTo: b@example.com\r\n\r\n<html>hi", "message/rfc822", "attachment"),
    ];
    for (name, bytes, media_type, disposition) in kinds {
        let dispute = dispute_of_acme(&app, Intent::Send);
        add(&acme, dispute, name, bytes).await.assert_status(303);
        let id = named(&app).into_iter().map(|file| file.id).max_by_key(|id| {
            std::fs::metadata(app.data_dir().join("files").join(&id[..2]).join(id)).unwrap().modified().unwrap()
        });
        let path = format!("/disputes/{dispute}/evidence/{}", id.expect("a file"));
        for viewer in [&acme, &manager] {
            let file = viewer.get(&path).await;
            file.assert_ok();
            assert_eq!(file.body, bytes);
            assert_eq!(file.header("content-type"), media_type);
            assert_eq!(file.header("content-disposition"), format!("{disposition}; filename=\"{name}\""));
            assert_eq!(file.header("x-content-type-options"), "nosniff");
            assert!(file.header("content-security-policy").contains("sandbox"));
            assert!(!file.header("content-security-policy").contains("allow-scripts"));
            assert_eq!(file.header("cross-origin-resource-policy"), "same-origin");
            assert_eq!(file.header("cache-control"), "private, no-store");
            assert_eq!(file.header("content-encoding"), "identity");
        }
        birch.get(&path).await.assert_not_found();
        app.anonymous().get(&path).await.assert_status(303);
        let other = dispute_of_acme(&app, Intent::Send);
        acme.get(&path.replace(&dispute.to_string(), &other.to_string())).await.assert_not_found();
    }
}

#[rstest]
#[case("bytes=0-4", 206, "heard")]
#[case("bytes=-6", 206, "nobody")]
#[case("bytes=6-", 206, "nobody")]
#[case("bytes=6-99999", 206, "nobody")]
#[case("bytes=12-", 416, "")]
#[case("bytes=0-1,3-4", 200, "heard nobody")]
#[case("bytes=b-a", 200, "heard nobody")]
#[actix_web::test]
async fn evidence_is_read_in_parts(#[case] range: &str, #[case] status: u16, #[case] body: &str) {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let dispute = dispute_of_acme(&app, Intent::Send);
    add(&acme, dispute, "note.txt", "heard nobody").await.assert_status(303);
    let id = named(&app).remove(0).id;
    let request = acme.request(Method::GET, &format!("/disputes/{dispute}/evidence/{id}")).header("Range", range);
    let answer = acme.send(request).await;
    answer.assert_status(status);
    if status != 416 {
        assert_eq!(answer.text(), body);
    }
}

#[actix_web::test]
async fn a_draft_gives_files_back_and_a_sent_dispute_keeps_them() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let manager = app.manager("dana").await;
    for (intent, status, left) in [(Intent::Draft, 303, 0), (Intent::Send, 409, 1)] {
        let dispute = dispute_of_acme(&app, intent);
        add(&acme, dispute, "note.txt", "heard nobody").await.assert_status(303);
        let id = named(&app).remove(0).id;
        let path = format!("/disputes/{dispute}/evidence/{id}");
        manager.get(&path).await.assert_status(if intent == Intent::Draft { 404 } else { 200 });
        manager.post(&format!("{path}/delete"), &[]).await.assert_forbidden();
        acme.post(&format!("{path}/delete"), &[]).await.assert_status(status);
        assert_eq!(named(&app).len(), left);
    }
}

#[actix_web::test]
async fn parallel_uploads_never_exceed_ten_files() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let dispute = dispute_of_acme(&app, Intent::Send);
    let uploads = (0..50).map(|number| {
        let acme = acme.clone();
        async move { add(&acme, dispute, &format!("{number}.txt"), format!("note {number}")).await.status.as_u16() }
    });
    let statuses = futures_util::future::join_all(uploads).await;
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 10, "{statuses:?}");
    assert!(statuses.iter().all(|status| [303, 422].contains(status)), "{statuses:?}");
    assert_eq!((named(&app).len(), on_disk(&app)), (10, (10, 0)));
    let many: Vec<_> = (0..11).map(|n| ("evidence", Upload::new(&format!("{n}.txt"), "text/plain", "x"))).collect();
    let path = format!("/disputes/{}/evidence", dispute_of_acme(&app, Intent::Send));
    acme.post_multipart(&path, &[], &many).await.assert_status(422);
    assert_eq!(on_disk(&app), (10, 0));
}

#[actix_web::test]
async fn a_kept_file_belongs_to_one_user_and_one_call() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let colleague = app.person(Person::Buyer { name: "second", company: "acme", dispute_calls: true }).await;
    let (call, other) = (call_of_acme(&app), call_of_acme(&app));
    let file = [("evidence", Upload::new("note.txt", "text/plain", "heard nobody"))];
    let uploads = format!("/calls/{call}/uploads");
    let kept = acme.post_multipart(&uploads, &[], &file).await;
    kept.assert_status(201);
    let id = kept.page().attr("li [name=kept_evidence]", "value");

    let refused = acme.post_multipart(&uploads, &[], &[("evidence", Upload::new("x.exe", "text/plain", "MZ"))]).await;
    refused.assert_status(422);
    assert_eq!(refused.text(), "x.exe was not kept: files of this type can\u{2019}t be sent.");

    let fields = [("reason", "other"), ("kept_evidence", id.as_str()), ("intent", "send")];
    colleague.post_multipart(&format!("/calls/{call}/disputes"), &fields, &[]).await.assert_status(422);
    acme.post_multipart(&format!("/calls/{other}/disputes"), &fields, &[]).await.assert_status(422);
    let forgotten = format!("{uploads}/{id}/delete");
    let quick = |actor: &Actor| actor.request(Method::POST, &forgotten).header("HX-Request", "true").form(&[("", "")]);
    colleague.send(quick(&colleague)).await.assert_status(404);
    assert_eq!(named(&app).len(), 1);

    // Without script, Remove brings the form back with what was typed.
    let typed = [("reason", "other"), ("additional_information", "typed"), ("kept_evidence", id.as_str())];
    let form = acme.post_multipart(&forgotten, &typed, &[]).await;
    form.assert_ok();
    assert_eq!((form.page().value("additional_information").as_str(), form.page().has(".files li")), ("typed", false));
    assert_eq!(named(&app).len(), 0);
    acme.post_multipart(&format!("/calls/{call}/disputes"), &fields, &[]).await.assert_status(422);

    let kept = acme.post_multipart(&uploads, &[], &file).await.page().attr("li [name=kept_evidence]", "value");
    app.clock().advance(chrono::Duration::hours(24));
    let acme = app.buyer("acme").await;
    let fields = [("reason", "other"), ("kept_evidence", kept.as_str()), ("intent", "send")];
    let answer = acme.post_multipart(&format!("/calls/{call}/disputes"), &fields, &[]).await;
    answer.assert_status(422).assert_body_has("no longer there");
}

#[actix_web::test]
async fn names_survive_the_way_there_and_back() {
    let app = TestApp::start_set(|config| config.max_evidence_files = 200).await;
    let acme = app.buyer("acme").await;
    let dispute = dispute_of_acme(&app, Intent::Send);
    let names = hostile::names();
    assert!(names.len() >= 60, "{}", names.len());
    for given in &names {
        let before: Vec<String> = named(&app).into_iter().map(|file| file.id).collect();
        let answer = add(&acme, dispute, given, "heard nobody").await;
        assert_eq!(answer.status, 303, "{given:?}: {}", answer.page().text("main"));
        let id = named(&app).into_iter().map(|file| file.id).find(|id| !before.contains(id)).expect("a new file");
        let file = acme.get(&format!("/disputes/{dispute}/evidence/{id}")).await;
        file.assert_ok();
        let header = file.header("content-disposition");
        assert!(header.starts_with("attachment; filename=\"") && header.is_ascii(), "{given:?}: {header}");
        let shown = hostile::told(header);
        assert!(!shown.contains(['/', '\\', '\r', '\n', '\0', '\u{202e}']), "{given:?}: {shown:?}");
        assert!(shown.chars().count() <= 200 && shown.strip_suffix(".txt").is_some(), "{given:?}: {shown:?}");
    }
}

#[actix_web::test]
async fn broken_forms_are_refused_and_leave_nothing() {
    let app = app().await;
    let acme = app.buyer("acme").await;
    let dispute = dispute_of_acme(&app, Intent::Send);
    let path = format!("/disputes/{dispute}/evidence");
    let part = "--b\r\nContent-Disposition: form-data; name=\"evidence\"; filename=\"a.txt\"\r\n\r\nheard";
    let many = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n".repeat(300);
    let bodies: [(&str, String); 9] = [
        ("multipart/form-data", String::new()),
        ("multipart/form-data; boundary=b", "nonsense".to_owned()),
        ("multipart/form-data; boundary=b", part.to_owned()),
        ("multipart/form-data; boundary=b", format!("{part}\r\n--b")),
        ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--".to_owned()),
        ("multipart/form-data; boundary=b", part.replace("evidence", "reason") + "\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", format!("{many}--b--\r\n")),
        ("text/plain", "reason=other".to_owned()),
        ("application/x-www-form-urlencoded", "a=%ff%fe&%".to_owned()),
    ];
    for (kind, body) in bodies {
        let request = acme.request(Method::POST, &path).header("Content-Type", kind).body(body.clone());
        let answer = acme.send(request).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{} for {kind} {:.60}", answer.status, body);
    }
    assert_eq!((named(&app).len(), on_disk(&app)), (0, (0, 0)));
}

#[actix_web::test]
async fn uploads_that_break_off_leave_nothing() {
    let app = TestApp::start().await;
    let dispute = dispute_of_acme(&app, Intent::Send);
    let cookie = cookie_of_acme(&app).await;
    let body = multipart(&[("a.txt", text(300_000)), ("b.txt", text(300_000))]);
    let mut whole = head_of(&app, dispute, &cookie, &format!("Content-Length: {}", body.len())).into_bytes();
    let head = whole.len();
    whole.extend(&body);
    for number in 1..40 {
        let mut socket = TcpStream::connect(address(&app)).await.expect("the server listens");
        socket.write_all(&whole[..head + body.len() * number / 41]).await.expect("sent");
        drop(socket);
    }
    // The same request to its end is taken: the test would notice if the others had been refused early.
    let answer = exchange(&app, &whole).await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer:.300}");
    let settled = async {
        // A moment of quiet: those that broke off may not have been read yet.
        tokio::time::sleep(Duration::from_secs(1)).await;
        while on_disk(&app) != (2, 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled).await.expect("only what was taken stays");
}
