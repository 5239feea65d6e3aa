//! `fairdial backup` and `fairdial restore`: what was there at one moment, whole, or nothing at all.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fairdial::db::schema::{calls, disputes};
use fairdial::db::{Db, DbError};
use fairdial::file_store::FileStore;
use rstest::rstest;

use super::desk::{Server, command, run};
use super::place::{Home, Place, file_dispute};
use crate::support::actor::Actor;
use crate::support::database::Backend;
use crate::support::people::PASSWORD;
use crate::upkeep::soon_removing;

/// How often a backup is made under writes; `FAIRDIAL_TEST_BACKUPS` sets another number for a long run.
const BACKUPS: u32 = 20;

/// How many disputes are sent while one is made.
const EACH: u32 = 25;

fn counts(db: &Db) -> (i64, i64, i64) {
    db.read_blocking::<_, DbError>(|conn| {
        let counted = diesel::dsl::sql::<BigInt>("SELECT COUNT(*) FROM evidence").get_result(conn)?;
        Ok((calls::table.count().get_result(conn)?, disputes::table.count().get_result(conn)?, counted))
    })
    .unwrap()
}

/// What is beside the data folder that no backup is called.
fn unfinished(place: &Place) -> usize {
    let entries = fs::read_dir(place.around.path()).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_str().unwrap().starts_with(".fairdial")).count()
}

/// Ends the writers with the value, also when the test fails before.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_under_writes_is_what_was_there_at_one_moment() {
    let backups: u32 = std::env::var_os("FAIRDIAL_TEST_BACKUPS")
        .map_or(BACKUPS, |number| number.to_str().and_then(|number| number.parse().ok()).expect("a number"));
    let place = Place::new();
    place.dispute("the first");
    let (stop, wanted, written) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (place, stop, wanted, written) = (&place, &stop, &wanted, &written);
            scope.spawn(move || {
                let (db, store) = (place.db(), place.store());
                while !stop.load(Ordering::Relaxed) {
                    if written.load(Ordering::Relaxed) >= wanted.load(Ordering::Relaxed) {
                        std::thread::yield_now();
                        continue;
                    }
                    let number = written.fetch_add(1, Ordering::Relaxed);
                    file_dispute(&db, &store, &format!("writer {writer}, text {number}"));
                }
            });
        }
        let _then = Ended(&stop);
        let mut earlier = 0;
        for number in 0..backups {
            let name = format!("backup-{number}");
            let begun = counts(&place.db());
            // Enough to go on for as long as the backup takes, and not so much that the last ones take minutes.
            wanted.fetch_add(EACH, Ordering::Relaxed);
            place.back_up(&name).ok();
            let ended = counts(&place.db());

            let home = place.new_home(&format!("home-{number}"));
            home.restore(&place.beside(&name), &[]).ok();

            let well = home.run(&["doctor"]).ok();
            let (calls, disputes, evidence) = counts(&home.db());
            assert!(well.out.contains(&format!("All is well: {evidence} files")), "{well:?}");
            assert!(begun.1 <= disputes && disputes <= ended.1, "{disputes} disputes, {begun:?} to {ended:?}");
            // Each dispute was sent with its file in one transaction, and its call a moment before.
            assert_eq!(disputes, evidence);
            assert!((disputes..=disputes + 2).contains(&calls), "{calls} calls of {disputes} disputes");
            assert!(disputes >= earlier);
            earlier = disputes;
            fs::remove_dir_all(place.beside(&name)).unwrap();
        }
    });
    println!("{backups} backups while {} disputes were sent", written.load(Ordering::Relaxed));
    assert_eq!(unfinished(&place), 0);
}

#[actix_web::test]
async fn whoever_was_signed_in_stays_so_on_the_restored_server() {
    let place = Place::new();
    let file = place.dispute("heard nobody");
    let server = place.desk.serve(&[]);
    let acme = Actor::anonymous(&server.origin);
    let form = [("email", "acme@example.com"), ("password", PASSWORD)];
    let cookie = acme.post("/login", &form).await.header("set-cookie").split(';').next().unwrap().to_owned();
    place.back_up("backup").ok();
    drop(server);

    let home = place.new_home("home");
    let restored = home.restore(&place.beside("backup"), &[]).ok();
    assert!(restored.out.contains("the database and 1 files, 12 bytes") && restored.err.is_empty(), "{restored:?}");
    let server = Server::start(command(&home.folder, &home.url(), &["serve", "--bind", "127.0.0.1:0"]));
    let acme = Actor::with_cookie(&server.origin, &cookie);
    let list = acme.get("/disputes").await;
    let dispute = list.assert_ok().page().row_ids("disputes-table").remove(0);
    let got = acme.get(&format!("/disputes/{dispute}/evidence/{}", file.id)).await;
    assert_eq!(got.assert_ok().text(), "heard nobody");
}

#[test]
fn a_backup_without_a_key_says_that_everybody_has_to_sign_in_again() {
    let place = Place::new();
    place.back_up("backup").ok();
    let restored = place.new_home("home").restore(&place.beside("backup"), &[]).ok();
    assert!(restored.err.contains("everybody has to sign in again"), "{restored:?}");
}

#[test]
fn a_backup_goes_into_a_new_or_empty_folder_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    fs::create_dir(place.beside("empty")).unwrap();
    place.back_up("empty").ok();
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(place.beside("empty")), mode(place.beside("empty/fairdial.sqlite3"))), (0o700, 0o600));
    let before = fs::read(place.beside("empty/manifest.json")).unwrap();
    place.back_up("empty").refused(1, "there is something in the folder already");
    assert_eq!(fs::read(place.beside("empty/manifest.json")).unwrap(), before);
    place.back_up("not/there").refused(1, "there is no such folder to make a backup in");
}

#[test]
fn only_an_empty_place_is_filled_unless_it_is_to_give_way() {
    let place = Place::new();
    place.dispute("of the backup");
    place.back_up("backup").ok();
    let home = place.new_home("home");
    home.run(&["buyer", "add", "--name", "Thornbury"]).ok();
    let store = FileStore::open(&home.folder).unwrap();
    let theirs = store.put("x.txt", "text/plain", b"theirs").unwrap();

    home.restore(&place.beside("backup"), &[]).refused(1, "there is something already. With --force it gives way");
    assert!(home.run(&["buyer", "list"]).ok().out.contains("Thornbury"));
    assert_eq!(store.walk().count(), 1);

    home.restore(&place.beside("backup"), &["--force"]).ok();
    let buyers = home.run(&["buyer", "list"]).ok().out;
    assert!(buyers.contains("acme") && !buyers.contains("Thornbury"), "{buyers}");
    home.run(&["doctor"]).ok();
    // What was there is nobody's now: young, so that the sweep takes it tomorrow.
    assert!(store.path(&theirs.id).exists());
}

#[test]
fn a_filled_database_is_not_filled_again_from_another_folder() {
    let place = Place::new();
    place.back_up("backup").ok();
    let home = Home { folder: place.beside("home"), database: None };
    let onto = ["restore", place.beside("backup").to_str().unwrap()].map(str::to_owned);
    let onto: Vec<&str> = onto.iter().map(String::as_str).collect();
    let done = run(command(&home.folder, place.desk.database.url(), &onto), "");
    done.refused(1, "database-url");
    assert!(!home.folder.exists(), "nothing was begun");
}

#[test]
fn nobody_restores_under_a_running_server() {
    let place = Place::new();
    place.back_up("backup").ok();
    if Backend::of_this_run() == Backend::Postgres {
        return;
    }
    let server = place.desk.serve(&[]);
    let backup = place.beside("backup");
    let done = place.desk.run(&["restore", backup.to_str().unwrap(), "--force"]);
    done.refused(1, "another server runs on this folder");
    drop(server);
}

#[rstest]
#[case::no_manifest("manifest.json", None, "this is no finished backup")]
#[case::no_list("SHA256SUMS", None, "SHA256SUMS can't be read")]
#[case::no_database("fairdial.sqlite3", None, "the file can't be read")]
#[case::a_changed_list("SHA256SUMS", Some("0000"), "SHA256SUMS was changed")]
#[case::a_changed_database("fairdial.sqlite3", Some("x"), "the file was changed")]
#[case::a_changed_file("evidence", Some("HEARD nobody"), "the file was changed")]
#[case::a_missing_file("evidence", None, "the file can't be read")]
#[case::a_manifest_of_another_kind("manifest.json", Some("{}"), "is not what a backup writes")]
fn a_backup_that_is_not_as_it_was_made_is_not_brought_back(
    #[case] damaged: &str,
    #[case] bytes: Option<&str>,
    #[case] sentence: &str,
) {
    let place = Place::new();
    let file = place.dispute("heard nobody");
    place.back_up("backup").ok();
    let backup = place.beside("backup");
    place.new_home("well").restore(&backup, &["--check"]).ok();
    let path = match damaged {
        "evidence" => backup.join("files").join(&file.id.as_str()[..2]).join(file.id.as_str()),
        name => backup.join(name),
    };
    match bytes {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    let home = place.new_home("home");
    for how in [&["--check"][..], &[], &["--force"]] {
        home.restore(&backup, how).refused(1, sentence);
    }
    assert!(!home.folder.exists(), "nothing was touched");
}

#[test]
fn a_backup_newer_than_the_program_is_refused() {
    let place = Place::new();
    place.back_up("backup").ok();
    let path = place.beside("backup/manifest.json");
    let said: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (field, value) in [("schema", serde_json::json!("20991231000000")), ("format", serde_json::json!(2))] {
        let mut newer = said.clone();
        newer[field] = value;
        fs::write(&path, newer.to_string()).unwrap();
        let home = place.new_home("home");
        home.restore(&place.beside("backup"), &[]).refused(1, "newer than this program's");
    }
}

#[test]
fn a_file_that_was_damaged_before_is_named_and_the_rest_is_kept() {
    let place = Place::new();
    let (whole, changed, missing) = (place.dispute("whole"), place.dispute("changed"), place.dispute("missing"));
    fs::write(place.store().path(&changed.id), "CHANGED").unwrap();
    fs::remove_file(place.store().path(&missing.id)).unwrap();

    let done = place.back_up("backup");

    assert_eq!(done.code, 1, "{done:?}");
    for sentence in [format!("{}: the file was changed", changed.id), format!("{}: the file is missing", missing.id)] {
        assert!(done.err.contains(&sentence), "{done:?}");
    }
    let home = place.new_home("home");
    let restored = home.restore(&place.beside("backup"), &[]).ok();
    assert!(restored.err.contains("2 files were missing or damaged"), "{restored:?}");
    assert_eq!(fs::read(FileStore::open(&home.folder).unwrap().path(&whole.id)).unwrap(), b"whole");
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_of_its_name() {
    let place = Place::new();
    for number in 0..60 {
        place.dispute(&format!("text {number} ").repeat(2_000));
    }
    let (mut finished, mut killed) = (0, 0);
    let begun = Instant::now();
    place.back_up("whole").ok();
    let whole = begun.elapsed();
    for number in 0..20_u32 {
        let backup = place.beside(&format!("backup-{number}"));
        let mut child = place
            .desk
            .command(&["backup", backup.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dies = Instant::now() + whole * number / 20;
        while Instant::now() < dies && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
        if backup.exists() {
            finished += 1;
            place.new_home(&format!("home-{number}")).restore(&backup, &["--check"]).ok();
        } else {
            killed += 1;
            place.new_home("none").restore(&backup, &["--check"]).refused(1, "no finished backup");
        }
    }
    for entry in fs::read_dir(place.around.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(".fairdial") && !path.join("manifest.json").exists()
        {
            place.new_home("none").restore(&path, &["--check"]).refused(1, "no finished backup");
        }
    }
    println!("{killed} killed, {finished} finished");
    assert!(killed > 5, "only {killed} of 20 were killed");
    // Nothing keeps the next one, nor the sweep.
    place.back_up("after").ok();
    assert!(place.store().begin_removing().unwrap().is_some());
}

#[rstest]
#[case::the_database(64)]
#[case::a_file(2_048)]
fn a_backup_that_the_disk_does_not_take_leaves_nothing(#[case] blocks: u32) {
    let place = Place::new();
    place.dispute(&"long ".repeat(600_000));
    let backup = place.beside("backup");
    // No file may grow beyond this, which ends like a full disk: in the middle of writing.
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let full = place.desk.command(&["backup", backup.to_str().unwrap()]);
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", &limited]).arg(full.get_program()).args(full.get_args());
    let done = run(command, "");
    assert_eq!((done.code, done.out.as_str()), (1, ""), "{done:?}");
    assert!(!backup.exists());
    assert_eq!(unfinished(&place), 0);
    place.back_up("backup").ok();
}

#[test]
fn no_file_goes_while_a_backup_copies() {
    let place = Place::new();
    let store = place.store();
    let keeping = store.keep_all().unwrap();
    let another = store.keep_all().unwrap();
    assert!(store.begin_removing().unwrap().is_none());
    drop(keeping);
    place.desk.run(&["doctor", "--fix"]).refused(1, "a backup or a sweep is at work");
    drop(another);
    drop(soon_removing(&store));
    place.desk.run(&["doctor", "--fix"]).ok();
    let removing = soon_removing(&store);
    // Another process waits until they are removed.
    let backup = place.beside("backup");
    let mut child = place.desk.command(&["backup", backup.to_str().unwrap()]).stdout(Stdio::null()).spawn().unwrap();
    let waits = Instant::now() + Duration::from_millis(400);
    while Instant::now() < waits {
        assert!(child.try_wait().unwrap().is_none(), "it did not wait");
    }
    drop(removing);
    assert!(child.wait().unwrap().success());
}

#[test]
fn sha256sum_finds_a_backup_whole() {
    let place = Place::new();
    place.dispute("heard nobody");
    place.back_up("backup").ok();
    let mut sums = Command::new("sha256sum");
    let said = sums.args(["--check", "--strict", "SHA256SUMS"]).current_dir(place.beside("backup")).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}
