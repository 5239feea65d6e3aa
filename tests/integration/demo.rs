//! `fairdial demo`: a network that holds together, kept on the second start, thrown away only when asked.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use fairdial::auth::{Origin, Viewer};
use fairdial::db::dispute_list::{self, DEFAULT_SORT, DisputeFilter};
use fairdial::db::paging::Place;
use fairdial::db::{AnyConnection, Db, DbError, counters, inspection, users};
use fairdial::demo::PASS_PHRASE;
use reqwest::Method;

use crate::commands::desk::{Desk, Done, Server, command, run};
use crate::support::actor::Actor;

const MANAGER: &str = "idris@quillmoor.example";
const BUYER: &str = "maren@lanternbrook.example";

fn start(desk: &Desk, more: &[&str]) -> Server {
    Server::start(desk.command(&[&["demo", "--bind", "127.0.0.1:0"], more].concat()))
}

fn read<T>(db: &Db, ask: impl FnOnce(&mut AnyConnection) -> QueryResult<T>) -> T {
    db.read_blocking::<_, DbError>(|conn| Ok(ask(conn)?)).expect("the database answers")
}

fn number(db: &Db, of: &str) -> i64 {
    read(db, |conn| diesel::dsl::sql::<BigInt>(&format!("SELECT COUNT(*) FROM {of}")).get_result(conn))
}

fn texts(db: &Db, query: &str) -> Vec<String> {
    read(db, |conn| diesel::dsl::sql::<Text>(query).load(conn))
}

async fn sign_in(server: &Server, email: &str) -> Actor {
    let actor = Actor::anonymous(&server.origin);
    let form = [("email", email), ("password", PASS_PHRASE), ("next", "/calls")];
    actor.post("/login", &form).await.assert_redirect("/calls");
    actor
}

/// The badges of everybody who has one say what is Pending, and the lists show it.
fn counters_are_counts(db: &Db) {
    for email in [MANAGER, BUYER] {
        let row = read(db, |conn| users::find_by_email(conn, email)).expect("the user is there");
        let viewer = Viewer::from_row(&row, Origin::command()).expect("nobody disabled");
        let whose =
            viewer.scope().buyer().map_or_else(String::new, |buyer| format!(" AND buyer_id = {}", buyer.number()));
        let pending = number(db, &format!("disputes WHERE status = 'pending'{whose}"));
        assert!(pending > 0, "{email} has nothing Pending");
        assert_eq!(read(db, |conn| counters::pending(conn, viewer.scope())), pending, "{email}");
        let place = (Place::First, 50);
        let filter = DisputeFilter::default();
        let listed = read(db, |conn| dispute_list::page(conn, viewer.scope(), &filter, DEFAULT_SORT, place));
        assert!(listed.rows.len() > 3, "{email} sees {} disputes", listed.rows.len());
    }
    assert_eq!(read(db, inspection::miscounts), []);
}

fn doctor(desk: &Desk) -> Done {
    desk.run(&["doctor"]).ok()
}

/// What a first visit brings over the line, compressed: at most 10 KB of a list, and 60 KB in all.
async fn a_first_visit_is_light(server: &Server, email: &str, list: &str) {
    let actor = sign_in(server, email).await;
    let mut sent = HashMap::new();
    let mut plain = Vec::new();
    let mut wanted = vec![list.to_owned()];
    while let Some(path) = wanted.pop() {
        let request = actor.bare_request(Method::GET, &path).header("Accept-Encoding", "gzip, deflate, br, zstd");
        let answer = actor.send(request).await;
        let bytes = answer.assert_ok().body.len();
        if path == list {
            assert_eq!(answer.header("content-encoding"), "zstd");
            plain = zstd::bulk::decompress(&answer.body, 1024 * 1024).expect("it is zstd");
            let page = String::from_utf8_lossy(&plain);
            assert_eq!(page.matches("<tr data-id=").count() + page.matches("<tr id=\"row-").count(), 50, "{list}");
            let addresses = page.split('"').filter(|text| text.starts_with("/static/"));
            let files: BTreeSet<&str> = addresses.filter_map(|address| address.split('#').next()).collect();
            wanted.extend(files.into_iter().map(str::to_owned));
        }
        sent.insert(path, bytes);
    }
    let all: usize = sent.values().sum();
    assert!(sent.len() > 4 && plain.len() > 50_000, "{sent:?}");
    assert!(sent[list] <= 10 * 1024 && all <= 60 * 1024, "{email}: {all} of {sent:?}");
}

#[actix_web::test]
async fn the_demo_is_a_network_that_holds_together_and_stays() {
    let desk = Desk::new();
    let server = start(&desk, &[]);
    let db = desk.db();
    let counted = ["buyers", "publishers", "campaigns", "calls", "disputes"].map(|table| number(&db, table));
    assert_eq!(counted, [12, 8, 6, 5_000, 180]);
    let statuses = texts(&db, "SELECT DISTINCT status FROM disputes ORDER BY 1");
    assert_eq!(statuses, ["accepted", "accepted_partial", "draft", "pending", "rejected", "withdrawn"]);
    let kinds = texts(&db, "SELECT DISTINCT media_type FROM evidence ORDER BY 1");
    assert_eq!(kinds, ["application/pdf", "image/png", "text/csv", "text/plain"]);
    assert!(number(&db, "messages") > 100, "people talk");
    let recorded = number(&db, "calls WHERE has_recording");
    assert!(recorded > 1_000, "{recorded} recordings");
    assert_eq!(number(&db, "recordings"), recorded);
    assert_eq!(number(&db, "disputes WHERE has_evidence"), number(&db, "(SELECT DISTINCT dispute_id FROM evidence) e"));
    let days = "calls WHERE started_at < (SELECT MAX(started_at) FROM calls)";
    assert_eq!(number(&db, days), 4_999);
    counters_are_counts(&db);
    let well = doctor(&desk);
    let files = recorded + number(&db, "evidence");
    assert!(well.out.contains(&format!("All is well: {files} files")), "{well:?}");
    desk.run(&["audit", "verify"]).ok();

    // Everybody in the table can sign in, and sees what their permissions say.
    let pages: [(&str, [(&str, u16); 3]); 4] = [
        (MANAGER, [("/calls", 200), ("/disputes", 200), ("/pending-count", 200)]),
        (BUYER, [("/calls", 200), ("/disputes", 200), ("/pending-count", 200)]),
        ("silas@lanternbrook.example", [("/calls", 200), ("/disputes", 403), ("/pending-count", 403)]),
        ("rafael@quillmoor.example", [("/calls", 200), ("/disputes", 403), ("/pending-count", 403)]),
    ];
    for (email, pages) in pages {
        let actor = sign_in(&server, email).await;
        for (page, status) in pages {
            actor.get(page).await.assert_status(status);
        }
    }
    for email in [MANAGER, BUYER] {
        a_first_visit_is_light(&server, email, "/calls").await;
    }
    a_first_visit_is_light(&server, MANAGER, "/disputes").await;
    let disabled = [("email", "noor@copperleaf.example"), ("password", PASS_PHRASE)];
    let refused = Actor::anonymous(&server.origin).post("/login", &disabled).await;
    assert_ne!(refused.status.as_u16(), 303, "noor is disabled");
    let recorded = texts(&db, "SELECT CAST(MAX(call_id) AS TEXT) FROM recordings");
    let call = fairdial::domain::ids::CallId::from_number(recorded[0].parse().expect("a number"));
    let audio = sign_in(&server, MANAGER).await.get(&format!("/calls/{call}/recording")).await;
    assert_eq!((audio.assert_ok().header("content-type"), &audio.body[..4]), ("audio/wav", b"RIFF".as_slice()));
    drop(server);

    // A second start keeps what is there, and what was done to it.
    let before = texts(&db, "SELECT hash FROM audit_log WHERE action = 'demo.filled'");
    drop(start(&desk, &[]));
    assert_eq!(texts(&db, "SELECT hash FROM audit_log WHERE action = 'demo.filled'"), before);
    assert_eq!(number(&db, "calls"), 5_000);
}

#[test]
fn starting_over_is_asked_for_and_for_demos_alone() {
    let desk = Desk::new();
    drop(start(&desk, &["--scale", "12"]));
    let filled = "SELECT hash FROM audit_log WHERE action = 'demo.filled'";
    let before = texts(&desk.db(), filled);
    drop(start(&desk, &["--reset", "--scale", "14"]));
    assert_ne!(texts(&desk.db(), filled), before);
    assert_eq!((number(&desk.db(), "disputes"), number(&desk.db(), "calls")), (14, 140));
    doctor(&desk);

    // A desk of somebody's is neither filled nor emptied.
    let own = Desk::new();
    own.add_manager();
    for more in [&[][..], &["--reset"]] {
        let refused = own.run(&[&["demo", "--bind", "127.0.0.1:0"], more].concat());
        refused.refused(1, "something else than a demo");
    }
    assert_eq!((number(&own.db(), "users"), number(&own.db(), "calls")), (1, 0));
}

#[test]
fn the_demo_listens_on_this_machine_alone() {
    let desk = Desk::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        desk.run(&["demo", "--bind", address]).refused(2, "this machine alone");
    }
    assert_eq!(number(&desk.db(), "users"), 0);
}

#[test]
fn the_table_of_who_can_sign_in_is_printed_and_nothing_else() {
    let desk = Desk::new();
    drop(start(&desk, &["--scale", "1"]));
    // The address is taken: the people are told, and the program ends.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is known").to_string();
    let done = desk.run(&["demo", "--bind", &address]);
    assert_eq!(done.code, 1);
    for line in [PASS_PHRASE, MANAGER, BUYER] {
        assert!(done.out.contains(line), "{line}: {done:?}");
    }
}

#[actix_web::test]
async fn a_large_demo_is_stored_in_one_go_and_holds_together() {
    let desk = Desk::new();
    let indexes = "SELECT CAST(COUNT(*) AS TEXT) FROM ";
    let indexes = match desk.database.backend() {
        crate::support::database::Backend::Sqlite => format!("{indexes} sqlite_schema WHERE type = 'index'"),
        crate::support::database::Backend::Postgres => format!("{indexes} pg_indexes WHERE schemaname = 'public'"),
    };
    let before = texts(&desk.db(), &indexes);
    let server = start(&desk, &["--scale", "1200"]);
    let db = desk.db();
    assert_eq!((number(&db, "disputes"), number(&db, "calls"), number(&db, "buyers")), (1_200, 12_000, 12));
    assert_eq!(texts(&db, &indexes), before, "every index came back");
    counters_are_counts(&db);
    doctor(&desk);
    desk.run(&["audit", "verify"]).ok();
    // What follows from disputes is there as if each had been told.
    let disputed = "calls WHERE dispute_state = 'disputed'";
    assert_eq!(number(&db, disputed), number(&db, "disputes WHERE status = 'pending'"));
    let ledger = "SELECT CAST(SUM(credit) AS TEXT) FROM ";
    assert_eq!(texts(&db, &format!("{ledger} adjustments")), texts(&db, &format!("{ledger} disputes")));
    let net = "SELECT CAST(SUM(net_credit) AS TEXT) FROM calls";
    assert_eq!(texts(&db, net), texts(&db, &format!("{ledger} disputes")));

    let dana = sign_in(&server, MANAGER).await;
    let page = dana.get("/disputes").await.assert_ok().page();
    let shown = page.row_ids("disputes-table");
    assert!(shown.len() >= 20, "{} rows", shown.len());
    dana.get(&format!("/disputes/{}", shown[0])).await.assert_ok();
    let caller = texts(&db, "SELECT MIN(caller_id) FROM disputes WHERE status = 'pending' AND caller_id LIKE '+1%'");
    let found = dana.get(&format!("/disputes?q={}", &caller[0][5..])).await;
    assert!(!found.assert_ok().page().row_ids("disputes-table").is_empty(), "{caller:?} is found by its digits");
    assert!(!dana.get("/calls").await.assert_ok().page().row_ids("call-log").is_empty());
}

#[test]
fn a_demo_that_broke_off_is_neither_shown_nor_thrown_away() {
    let desk = Desk::new();
    drop(start(&desk, &["--scale", "1"]));
    // As if the last step had not been reached.
    desk.db()
        .write_blocking::<_, DbError>(|conn| {
            Ok(diesel::sql_query("UPDATE policy SET is_live = TRUE").execute(conn).map(drop)?)
        })
        .expect("changed");
    desk.run(&["demo", "--bind", "127.0.0.1:0"]).refused(1, "a demo that wasn't finished");
}

#[test]
fn the_demo_has_a_folder_of_its_own() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut demo = command(Path::new("./data"), "sqlite:fairdial.sqlite3", &["demo", "--bind", "0.0.0.0:0"]);
    demo.current_dir(folder.path());
    run(demo, "").refused(2, "this machine alone");
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0, "a refused start leaves nothing");
}
