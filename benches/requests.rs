//! What a request costs at different sizes of the network: CPU time, and instructions by callgrind; and how quick bulk decisions are.
//!
//! `cargo bench` fills a folder under `target/bench/` for each size and prints a table; sizes are arguments:
//! `cargo bench -- 1000 100000`. Requests go through the whole app in this process, with a cookie, but no socket.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a broken benchmark is to stop with its reason")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::test;
use clap::Parser as _;
use fairdial::app::{self, Shared};
use fairdial::auth::{EditDisputes, Granted, Origin, Viewer, session};
use fairdial::clock::Clock;
use fairdial::commands::Cli;
use fairdial::config::Config;
use fairdial::db::bulk_jobs::{self, Plan};
use fairdial::db::{Db, DbError, schema};
use fairdial::demo::store;
use fairdial::demo::world::World;
use fairdial::demo::{PASS_PHRASE, SEED, Scale};
use fairdial::domain::decision::Verdict;
use fairdial::domain::dispute::Status;
use fairdial::domain::ids::{BulkJobId, DisputeId};
use fairdial::file_store::FileStore;
use fairdial::web::routes;

const SIZES: [u64; 2] = [1_000, 100_000];

/// Requests that fill caches before any is counted.
const WARM: u32 = 20;

const MANAGER: &str = "idris@quillmoor.example";
/// A user of the largest buyer.
const BUYER: &str = "maren@lanternbrook.example";

/// What is asked; `{dispute}` is the id of one in the middle of the table, `{digits}` are those of its Caller ID (fewer digits
/// match many: all numbers of the demo end in 55501 and two more).
const REQUESTS: [(&str, &str, &str); 12] = [
    ("Disputes, manager", MANAGER, "/disputes"),
    ("Disputes, buyer", BUYER, "/disputes"),
    ("Disputes, deep page, manager", MANAGER, "/disputes?after={dispute}"),
    ("Disputes, one status, manager", MANAGER, "/disputes?status=rejected"),
    ("Disputes, one reason, buyer", BUYER, "/disputes?reason=not_qualified"),
    ("Disputes by payout, manager", MANAGER, "/disputes?sort=-payout"),
    ("Disputes, a whole number, manager", MANAGER, "/disputes?q={digits}"),
    ("Call Log, manager", MANAGER, "/calls"),
    ("Call Log, buyer", BUYER, "/calls"),
    ("Details panel, manager", MANAGER, "panel"),
    ("Details panel, buyer", BUYER, "panel"),
    ("Pending count", MANAGER, "/pending-count"),
];

fn main() {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [mode, folder, request, times] = arguments.as_slice()
        && mode == "ask"
    {
        let (request, times) = (number(request), number(times));
        let asked = ask(Path::new(folder), usize::try_from(request).expect("a place"), times);
        println!("{} {} {}", asked.cpu_us, asked.wall_us, asked.bytes);
        return;
    }
    if let [mode, folder, times] = arguments.as_slice()
        && mode == "decide"
    {
        decide(Path::new(folder), number(times));
        return;
    }
    let sizes: Vec<u64> = arguments.iter().map(|size| u64::from(number(size))).collect();
    let sizes = if sizes.is_empty() { SIZES.to_vec() } else { sizes };
    for size in sizes {
        let folder = fill(size);
        println!("\n{size} disputes, {} calls\n", size * 10);
        println!("| request | CPU µs | instructions | bytes |\n|---|---:|---:|---:|");
        for (place, (what, ..)) in REQUESTS.iter().enumerate() {
            let timed = run(Command::new(this_program()), &folder, place, 400);
            let instructions = instructions(&folder, place);
            println!("| {what} | {} | {instructions} | {} |", timed[0], timed[2]);
        }
        decide(&folder, 20);
    }
}

fn number(argument: &str) -> u32 {
    argument.parse().unwrap_or_else(|error| panic!("{argument}: {error}"))
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// Runs this program again for one kind of request; gives the numbers it printed.
fn run(mut command: Command, folder: &Path, request: usize, times: u32) -> Vec<u64> {
    command.arg("ask").arg(folder).args([request.to_string(), times.to_string()]);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    said.split_whitespace().map(|figure| figure.parse().expect("a number")).collect()
}

/// Instructions of one request: what fifty more of them add to a whole run, so that start and sign-in don't count.
fn instructions(folder: &Path, request: usize) -> String {
    let counted = |times| {
        let out = folder.join("callgrind.out");
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--log-file=/dev/null"]);
        command.arg(format!("--callgrind-out-file={}", out.display())).arg(this_program());
        run(command, folder, request, times);
        let written = fs::read_to_string(&out).expect("callgrind wrote its counts");
        let total = written.lines().find_map(|line| line.strip_prefix("summary: ")).expect("a sum");
        total.trim().parse::<u64>().expect("a number")
    };
    if Command::new("valgrind").arg("--version").output().is_err() {
        return "no valgrind".to_owned();
    }
    let (few, many) = (counted(1), counted(51));
    format!("{}", many.saturating_sub(few) / 50)
}

fn config(folder: &Path) -> Config {
    let folder = folder.to_str().expect("the folder's name is UTF-8");
    Cli::try_parse_from(["fairdial", "serve", "--data-dir", folder]).expect("these settings are right").config
}

/// The folder of a size, filled at the first call.
fn fill(size: u64) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{size}"));
    if folder.join("filled").exists() {
        return folder;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("a broken folder is removed");
    }
    fs::create_dir_all(&folder).expect("a folder");
    let db = Db::open_current(&config(&folder)).expect("the database opens");
    let files = FileStore::open(&folder).expect("the folder opens");
    let now = Clock::System.now();
    let (began, world) = (Instant::now(), World::new(SEED, Scale::of(size), now));
    store::fill(&db, &files, &world, now, |_| {}).expect("it is filled");
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("{size} disputes and {} calls stored in {seconds:.1} s", size * 10);
    fs::write(folder.join("filled"), format!("{seconds}")).expect("the folder is marked");
    folder
}

struct Asked {
    cpu_us: u64,
    wall_us: u64,
    bytes: usize,
}

fn ask(folder: &Path, request: usize, times: u32) -> Asked {
    let (_, who, target) = REQUESTS[request];
    let config = config(folder);
    let db = Db::open_current(&config).expect("the database opens");
    let (dispute, caller_id) = middle(&db, who);
    actix_web::rt::System::new().block_on(async move {
        let key = session::signing_key(&config.data_dir).expect("a key");
        let shared = Shared::new(config, db, Clock::System, key).expect("the app is put together");
        let service = test::init_service(app::build(shared, routes::register)).await;
        let form = test::TestRequest::post()
            .uri("/login")
            .insert_header(("Sec-Fetch-Site", "same-origin"))
            .set_form([("email", who), ("password", PASS_PHRASE)]);
        let signed_in = test::call_service(&service, form.to_request()).await;
        let cookie = signed_in.headers().get(SET_COOKIE).expect("a cookie").to_str().expect("text").to_owned();
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let is_panel = target == "panel";
        let target = if is_panel {
            format!("/disputes/{dispute}")
        } else {
            target.replace("{dispute}", &dispute).replace("{digits}", caller_id.trim_start_matches("+1"))
        };
        let asked = async || {
            let mut request = test::TestRequest::get().uri(&target).insert_header((COOKIE, cookie.as_str()));
            if is_panel {
                request = request.insert_header(("HX-Request", "true"));
                request = request.insert_header(("HX-Request-Type", "partial"));
                request = request.insert_header(("HX-Target", "aside#panel-slot"));
            }
            let response = test::call_service(&service, request.to_request()).await;
            assert!(response.status().is_success(), "{target}: {}", response.status());
            test::read_body(response).await.len()
        };
        let mut bytes = 0;
        for _ in 0..WARM {
            bytes = asked().await;
        }
        let (cpu, wall) = (cpu_us(), Instant::now());
        for _ in 0..times {
            asked().await;
        }
        let wall_us = u64::try_from(wall.elapsed().as_micros()).expect("not so long") / u64::from(times);
        Asked { cpu_us: (cpu_us() - cpu) / u64::from(times), wall_us, bytes }
    })
}

/// A dispute in the middle of what somebody sees, and its Caller ID.
fn middle(db: &Db, who: &str) -> (String, String) {
    use diesel::prelude::*;
    use fairdial::db::users;
    db.read_blocking::<_, DbError>(|conn| {
        let row = users::find_by_email(conn, who)?.expect("the demo has this user");
        let viewer = Viewer::from_row(&row, Origin::command()).expect("nobody disabled");
        let seen = || {
            let rows = schema::disputes::table.filter(schema::disputes::status.eq("rejected")).into_boxed();
            match viewer.scope().buyer() {
                Some(buyer) => rows.filter(schema::disputes::buyer_id.eq(buyer)),
                None => rows,
            }
        };
        let all: i64 = seen().count().get_result(conn)?;
        let found = seen().order(schema::disputes::listed_at).offset(all / 2);
        let (id, caller_id) =
            found.select((schema::disputes::id, schema::disputes::caller_id)).first::<(DisputeId, String)>(conn)?;
        Ok((id.to_string(), caller_id))
    })
    .expect("there is one")
}

/// Decides hundreds of Pending disputes after each other in a copy of the folder, as bulk decisions do, and tells how many a
/// second: so many batches by a percentage, which gives each dispute another credit, and so many that accept all of it.
fn decide(folder: &Path, batches: u32) {
    let copy = folder.join("decided");
    drop(fs::remove_dir_all(&copy));
    fs::create_dir_all(&copy).expect("a folder");
    for file in ["fairdial.sqlite3", "fairdial.sqlite3-wal"].map(|name| (folder.join(name), copy.join(name))) {
        if file.0.exists() {
            fs::copy(file.0, &file.1).expect("the database is copied");
            // Otherwise the first checkpoint would wait for all of it.
            fs::File::open(file.1).and_then(|copied| copied.sync_all()).expect("it is on disk");
        }
    }
    let db = Db::open_current(&config(&copy)).expect("the database opens");
    for (verdict, credit_percent) in [(Verdict::AcceptedPartial, Some(3_333)), (Verdict::Accepted, None)] {
        let plan = Plan { verdict, credit_percent, note: "We listened to the recording.".to_owned() };
        let (job, total) = pending(&db, &plan, bulk_jobs::BATCH * i64::from(batches));
        let began = Instant::now();
        while db.write_blocking(|conn| bulk_jobs::work(conn, &Clock::System, job)).expect("a batch is decided") {}
        let seconds = began.elapsed().as_secs_f64();
        println!("\n{total} disputes {} in bulk: {:.0} a second", verdict.label(), f64::from(total) / seconds);
    }
    fs::remove_dir_all(&copy).expect("the copy is removed");
}

/// Starts a job over the Pending disputes that are due first.
fn pending(db: &Db, plan: &Plan, limit: i64) -> (BulkJobId, u32) {
    use diesel::prelude::*;
    use fairdial::db::{bulk_jobs::StartError, users};
    use schema::disputes as d;
    let now = Clock::System.now();
    db.write_blocking::<_, StartError>(|conn| {
        let row = users::find_by_email(conn, MANAGER)?.expect("the demo has this user");
        let viewer = Viewer::from_row(&row, Origin::command()).expect("nobody disabled");
        let grant = Granted::<EditDisputes>::check(&viewer).expect("Edit is held");
        let rows: Vec<(DisputeId, i32)> = d::table
            .filter(d::status.eq(Status::Pending))
            .order((d::due_at, d::id))
            .limit(limit)
            .select((d::id, d::version))
            .load(conn)?;
        let job = bulk_jobs::select(conn, &grant, &rows, "", now)?;
        bulk_jobs::start(conn, &grant, job, plan, now)?;
        Ok((job, u32::try_from(rows.len()).expect("not so many")))
    })
    .expect("it is started")
}

/// User and system time of this process and all of its threads; the kernel counts in hundredths of a second.
fn cpu_us() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("a Linux kernel");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("the fields").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
    (ticks(11) + ticks(12)) * 10_000
}
