//! The work on an import: cut off, taken up, stopped, and what is kept of it.

use std::time::Duration;

use diesel::prelude::*;
use fairdial::auth::{Actor as Who, Granted, ImportCalls};
use fairdial::db::imports::{self, State};
use fairdial::db::users::{self, Permissions, UserError};
use fairdial::db::{inspection, schema};
use fairdial::file_store::FileStore;
use fairdial::intake::Imports;
use fairdial::shutdown::Shutdown;

use super::{INES, bring_in, csv, figures, id_of, looked, read, row_of, there};
use crate::import::{many, row};
use crate::support::app::TestApp;
use crate::upkeep::whole_sweep;

/// The work of a process of its own, beside the app's.
fn worker(app: &TestApp, shutdown: &Shutdown) -> Imports {
    let files = FileStore::open(&app.data_dir()).expect("the folders are there");
    Imports::new(app.db().clone(), app.clock().clone(), files, shutdown.clone())
}

fn grant(app: &TestApp) -> Granted<ImportCalls> {
    Granted::check(&app.viewer(INES)).expect("she may import")
}

#[actix_web::test]
async fn what_broke_off_goes_on_where_it_was() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let mut rows = many(6_000);
    rows[10] = row("RGB000010", "Acme Senior", "?");
    rows[5_900] = row("RGB005900", "Acme Senior", "?");
    let id = id_of(&looked(&ines, csv(&rows), &[]).await);
    let (grant, now) = (grant(&app), app.clock().now());
    app.db().write_blocking(|conn| imports::start(conn, &grant, id, None, now)).expect("it is begun");

    // One process is at work, and another comes to it: one of them goes on, and each call comes once.
    let (first, second) = (Shutdown::default(), Shutdown::default());
    tokio::join!(
        async {
            actix_web::rt::spawn(worker(&app, &first).work(id));
            while row_of(&app, id).next_row < 1_000 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            first.begin();
        },
        worker(&app, &second).work(id),
    );
    let cut = row_of(&app, id);
    if cut.state == State::Running {
        assert!((1..6_000).contains(&cut.next_row), "{}", cut.next_row);
        assert_eq!(there(&app)[0], cut.new_calls);
    }

    worker(&app, &Shutdown::default()).resume().await;
    let page = ines.get(&format!("/imports/{id}")).await.page();
    assert_eq!(figures(&page), ["5,998", "0", "0", "2"]);
    assert_eq!(page.texts("#failed tbody th"), ["12", "5,902"]);
    assert_eq!(there(&app)[0], 5_998);
    let entries = read(&app, |conn| {
        let of_imports = schema::audit_log::action.eq("calls.imported");
        schema::audit_log::table.filter(of_imports).count().get_result::<i64>(conn)
    });
    assert_eq!(entries, 1);
}

#[actix_web::test]
async fn who_may_not_import_any_more_is_stopped_between_two_batches() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let id = id_of(&looked(&ines, csv(&many(3_000)), &[]).await);
    let (grant, now) = (grant(&app), app.clock().now());
    app.db().write_blocking(|conn| imports::start(conn, &grant, id, None, now)).expect("it is begun");
    app.db()
        .write_blocking::<_, UserError>(|conn| {
            let row = users::find(conn, grant.user())?.expect("she is there");
            users::set_permissions(conn, &Who::operator(), &row, Permissions::default(), now)
        })
        .expect("it is taken away");
    worker(&app, &Shutdown::default()).work(id).await;
    let import = row_of(&app, id);
    assert_eq!((import.state, import.next_row, there(&app)[0]), (State::Done, 0, 0));
    let page = app.manager("dana").await.get(&format!("/imports/{id}")).await.page();
    assert!(page.text("#ended").contains("The permission Calls Import was taken away"), "{}", page.text("#ended"));
}

#[actix_web::test]
async fn a_file_that_is_gone_ends_the_import_and_says_so() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let path = looked(&ines, csv(&[row("RGB1", "Acme", "$40.00")]), &[]).await;
    let file = row_of(&app, id_of(&path)).file().expect("it is kept");
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    store.remove(&file).expect("removed");
    let page = bring_in(&ines, &path).await;
    assert!(page.text("#ended").contains("can't be read"), "{}", page.text("#ended"));
    assert_eq!(there(&app)[0], 0);
}

#[actix_web::test]
async fn files_and_failed_rows_are_kept_for_a_while() {
    let app = TestApp::start().await;
    let ines = app.person(INES).await;
    let bad = || csv(&[row("RGB1", "Acme", "$40.00"), row("RGB2", "Acme", "?")]);
    let (waiting, done) = (looked(&ines, bad(), &[]).await, looked(&ines, bad(), &[]).await);
    bring_in(&ines, &done).await;
    let store = FileStore::open(&app.data_dir()).expect("the folders are there");
    let file = store.path(&row_of(&app, id_of(&waiting)).file().expect("it is kept"));
    let named = read(&app, inspection::named_files);
    assert_eq!(named.iter().map(|file| file.table).collect::<Vec<_>>(), ["import"]);
    let kept = || read(&app, |conn| schema::import_failures::table.count().get_result::<i64>(conn));
    let sweep = async |hours| {
        app.clock().advance(chrono::Duration::hours(hours));
        // To the tests' clock the file would never be old.
        let old = std::time::SystemTime::UNIX_EPOCH;
        if let Ok(file) = std::fs::File::options().write(true).open(&file) {
            file.set_modified(old).expect("its time is set");
        }
        whole_sweep(&app, &store).await;
    };
    sweep(23).await;
    assert_eq!((file.exists(), kept()), (true, 2));
    sweep(1).await;
    assert_eq!((file.exists(), kept()), (false, 1));
    let gone = read(&app, |conn| imports::of_work(conn, id_of(&waiting)));
    assert!(gone.is_none());
    sweep(24 * 30 - 24).await;
    assert_eq!(kept(), 0);
    let page = app.person(INES).await.get(&done).await.assert_ok().page();
    assert_eq!(figures(&page), ["1", "0", "0", "1"]);
    assert!(!page.has("#failed"));
}
