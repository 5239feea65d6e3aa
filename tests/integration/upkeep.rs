//! The sweep, the doctor and the audit commands: what is removed, what is found, what is mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use chrono::Duration;
use diesel::connection::SimpleConnection;
use fairdial::db::{DbError, inspection};
use fairdial::domain::claim::Intent;
use fairdial::file_store::{FileStore, Removing};
use fairdial::sweep::{self, Swept};

use crate::support::actor::Upload;
use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

fn make_old(path: &Path, hours: u64) {
    let age = std::time::Duration::from_secs(hours * 3600 + 60);
    // The tests' clock stands in the past or the future; a file is old by that clock.
    let now: chrono::DateTime<chrono::Utc> = "2026-11-20T15:42:00Z".parse().expect("an instant");
    let file = fs::File::options().write(true).open(path).expect("the file");
    file.set_modified(std::time::SystemTime::from(now) - age).expect("its time is set");
}

fn fairdial(app: &TestApp, arguments: &[&str]) -> Output {
    assert_cmd::Command::cargo_bin("fairdial")
        .expect("the program is built")
        .args(arguments)
        .arg("--data-dir")
        .arg(app.data_dir())
        .args(["--database-url", app.database().url()])
        .output()
        .expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr)
}

/// The right to remove files, as soon as nobody keeps them. A program that another test starts holds what is open here until it
/// runs by itself.
pub(crate) fn soon_removing(store: &FileStore) -> Removing {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        if let Some(removing) = store.begin_removing().expect("the lock can be tried") {
            return removing;
        }
        assert!(std::time::Instant::now() < deadline, "somebody keeps the files");
    }
}

/// A sweep that takes files away as well. The lock of an earlier one, too, may be held a moment longer by a program that another
/// test starts.
pub(crate) async fn whole_sweep(app: &TestApp, store: &FileStore) -> Swept {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut first = None;
    loop {
        let swept = sweep::sweep(app.db(), app.clock(), store).await.expect("swept");
        let Swept { uploads, drafts, .. } = *first.get_or_insert(swept);
        if !swept.leaves_files {
            return Swept { uploads, drafts, ..swept };
        }
        assert!(std::time::Instant::now() < deadline, "somebody keeps the files");
    }
}

/// A dispute of acme with one file, sent by the form.
async fn with_a_file(app: &TestApp) -> PathBuf {
    let call = NewCall::ordinary(&app.viewer(Person::buyer("acme")), app.clock().now()).add(app.db());
    let acme = app.buyer("acme").await;
    let file = [("evidence", Upload::new("note.txt", "text/plain", "heard nobody"))];
    acme.post_multipart(&format!("/calls/{call}/disputes"), &[("reason", "other")], &file).await.assert_status(303);
    let named = app.db().read_blocking::<_, DbError>(|conn| Ok(inspection::named_files(conn)?)).expect("read");
    let id = &named.first().expect("a file").id;
    app.data_dir().join("files").join(&id[..2]).join(id)
}

#[actix_web::test]
async fn the_sweep_takes_what_is_old_and_nobodys_and_nothing_else() {
    let app = TestApp::start().await;
    let evidence = with_a_file(&app).await;
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    let put = |hours| {
        let file = store.put("x.txt", "text/plain", b"nobody's").expect("stored");
        make_old(&store.path(&file.id), hours);
        store.path(&file.id)
    };
    make_old(&evidence, 100);
    let (old, young) = (put(24), put(23));
    let stray = app.data_dir().join("incoming/half");
    fs::write(&stray, "half").expect("written");
    make_old(&stray, 24);

    let swept = whole_sweep(&app, &store).await;

    assert_eq!(swept, Swept { files: 2, ..Swept::default() });
    assert_eq!((evidence.exists(), old.exists(), young.exists(), stray.exists()), (true, false, true, false));
}

#[actix_web::test]
async fn the_sweep_leaves_files_alone_while_a_backup_is_made() {
    let app = TestApp::start().await;
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    let file = store.path(&store.put("x.txt", "text/plain", b"nobody's").expect("stored").id);
    make_old(&file, 24);
    let keeping = store.keep_all().expect("kept");
    let swept = sweep::sweep(app.db(), app.clock(), &store).await.expect("swept");
    assert_eq!((swept, file.exists()), (Swept { leaves_files: true, ..Swept::default() }, true));
    drop(keeping);
    // By this sweep, or by the one with which the server begins.
    whole_sweep(&app, &store).await;
    assert!(!file.exists());
}

#[actix_web::test]
async fn uploads_and_drafts_expire_with_their_files() {
    let app = TestApp::start().await;
    let acme = app.buyer("acme").await;
    let viewer = app.viewer(Person::buyer("acme"));
    let call = NewCall::ordinary(&viewer, app.clock().now()).add(app.db());
    let file = [("evidence", Upload::new("note.txt", "text/plain", "heard nobody"))];
    acme.post_multipart(&format!("/calls/{call}/uploads"), &[], &file).await.assert_status(201);
    story::dispute(app.db(), app.clock(), &viewer, call, Intent::Draft).expect("saved");
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    for found in store.walk() {
        make_old(&found.expect("readable").path, 0);
    }
    app.clock().advance(Duration::hours(23));
    assert_eq!(whole_sweep(&app, &store).await, Swept::default());
    app.clock().advance(Duration::hours(1));
    let swept = whole_sweep(&app, &store).await;
    assert_eq!(swept, Swept { files: 1, uploads: 1, ..Swept::default() });
    // The window closes six days after the saving; 30 days later the Draft goes.
    app.clock().advance(Duration::days(36) - Duration::hours(25));
    assert_eq!(whole_sweep(&app, &store).await.drafts, 0);
    app.clock().advance(Duration::hours(2));
    assert_eq!(whole_sweep(&app, &store).await.drafts, 1);
}

#[actix_web::test]
async fn the_doctor_finds_each_thing_that_is_wrong() {
    let app = TestApp::start().await;
    let evidence = with_a_file(&app).await;
    let well = fairdial(&app, &["doctor"]);
    assert!(well.status.success() && said(&well).contains("All is well: 1 files"), "{}", said(&well));

    let whole = fs::read(&evidence).expect("the file");
    for (bytes, finding) in [("heard NOBODY", "the file was changed"), ("cut", "the file has 3 bytes, not 12")] {
        fs::write(&evidence, bytes).expect("damaged");
        let sick = fairdial(&app, &["doctor", "--fix"]);
        assert_eq!(sick.status.code(), Some(1));
        assert!(said(&sick).contains(finding), "{}", said(&sick));
    }
    fs::remove_file(&evidence).expect("removed");
    assert!(said(&fairdial(&app, &["doctor"])).contains("the file is missing"));
    fs::write(&evidence, whole).expect("brought back");

    app.database()
        .connect()
        .batch_execute("UPDATE counters SET pending = 7, rejected = 2, sent = 9 WHERE buyer_key = 0")
        .expect("damaged");
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    let nobodys = store.path(&store.put("x.txt", "text/plain", b"nobody's").expect("stored").id);
    let young = fairdial(&app, &["doctor"]);
    assert!(!said(&young).contains("no row names it"), "a young file may belong to a request: {}", said(&young));
    make_old(&nobodys, 24 * 30);
    let sick = fairdial(&app, &["doctor"]);
    assert_eq!(sick.status.code(), Some(1));
    assert!(
        said(&sick).contains(
            "of the network say 7 Pending, 0 Accepted, 0 Accepted Partial, 2 Rejected and 0 Withdrawn of 9 sent, and 1 calls, \
             and there are 1 Pending, 0 Accepted, 0 Accepted Partial, 0 Rejected and 0 Withdrawn of 1 sent, and 1 calls"
        ),
        "{}",
        said(&sick)
    );
    assert!(said(&sick).contains("no row names it") && nobodys.exists());
    let mended = fairdial(&app, &["doctor", "--fix"]);
    assert!(mended.status.success() && !nobodys.exists(), "{}", said(&mended));
    assert!(fairdial(&app, &["doctor"]).status.success());
}

#[actix_web::test]
async fn the_doctor_finds_a_row_that_names_one_which_is_not_there() {
    let app = TestApp::start().await;
    if app.database().backend() == Backend::Postgres {
        return;
    }
    with_a_file(&app).await;
    let damage = "PRAGMA foreign_keys = OFF; UPDATE disputes SET assignee_id = 77";
    app.database().connect().batch_execute(damage).expect("damaged");
    let sick = fairdial(&app, &["doctor"]);
    assert_eq!(sick.status.code(), Some(1));
    assert!(said(&sick).contains("disputes: a row names one of users that isn't there"), "{}", said(&sick));
}

#[actix_web::test]
async fn the_audit_log_is_followed_exported_and_held_against_an_earlier_end() {
    let app = TestApp::start().await;
    with_a_file(&app).await;
    let verified = fairdial(&app, &["audit", "verify"]);
    assert!(verified.status.success(), "{}", said(&verified));
    let end = String::from_utf8_lossy(&verified.stdout).trim().to_owned();
    let (count, hash) = end.split_once(':').expect("COUNT:HASH");
    let exported = fairdial(&app, &["audit", "export"]);
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&exported.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (lines.len().to_string(), lines.last().expect("a line")["hash"].as_str()),
        (count.to_owned(), Some(hash))
    );

    assert!(fairdial(&app, &["audit", "verify", "--expect", &end]).status.success());
    let longer = format!("{}:{hash}", count.parse::<i64>().expect("a number") + 1);
    for expected in [longer, format!("{count}:{}", "0".repeat(64))] {
        assert_eq!(fairdial(&app, &["audit", "verify", "--expect", &expected]).status.code(), Some(1), "{expected}");
    }
    assert_eq!(fairdial(&app, &["audit", "verify", "--expect", "many"]).status.code(), Some(2));
}
