//! A long random walk of many people, through the functions that the handlers call, beside a simple model of the rules:
//! after every operation both have answered the same, and in between and at the end both hold the same.

mod decisions;
mod desk;
mod op;
mod platform;
mod rules;
mod walk;

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::count_star;
use diesel::prelude::*;
use fairdial::clock::Clock;
use fairdial::db::disputes::DisputeRow;
use fairdial::db::users::Permissions;
use fairdial::db::{AnyConnection, Db, DbError, audit, counters, inspection, policy, schema, users};
use fairdial::domain::call::DisputeState;
use fairdial::domain::dispute::Status;
use fairdial::domain::ids::{BuyerId, CallId, DisputeId, UserId};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tempfile::TempDir;

use crate::support::app::NOW;
use crate::support::database::TestDatabase;
use crate::support::people::Person;

use desk::Desk;
use op::Op;
use rules::{Dispute, Model, User};
use walk::Walk;

const SEED: u64 = 20_261_120;

/// `FAIRDIAL_TEST_STEPS` and `FAIRDIAL_TEST_SEED` set others for a long search.
const STEPS: u32 = 20_000;

/// How often the whole of both is compared.
const EVERY: u32 = 1_000;

const COMPANIES: [&str; 4] = ["acme", "birch", "cedar", "dogwood"];

fn people() -> Vec<Person> {
    let of = |name, company, dispute_calls| Person::Buyer { name, company, dispute_calls };
    let manager =
        |name, [view, edit, import, settings]: [bool; 4]| Person::Manager { name, view, edit, import, settings };
    vec![
        of("acme-1", COMPANIES[0], true),
        of("acme-2", COMPANIES[0], true),
        of("acme-3", COMPANIES[0], false),
        of("birch-1", COMPANIES[1], true),
        of("birch-2", COMPANIES[1], true),
        of("birch-3", COMPANIES[1], true),
        of("cedar-1", COMPANIES[2], true),
        of("cedar-2", COMPANIES[2], true),
        of("cedar-3", COMPANIES[2], false),
        of("dogwood-1", COMPANIES[3], true),
        of("dogwood-2", COMPANIES[3], true),
        manager("ada", [true; 4]),
        manager("bea", [true; 4]),
        manager("cleo", [true, true, false, false]),
        manager("dana", [true, true, false, false]),
        manager("edda", [true, true, true, false]),
        manager("fay", [true, false, false, false]),
        manager("gus", [true, false, false, false]),
        manager("hana", [false, false, true, false]),
        manager("ivo", [false, false, false, true]),
    ]
}

/// Both sides at the start: the same people, buyers and policy, and nothing else.
fn begin(database: &TestDatabase, seed: u64) -> (Desk, Model, Walk) {
    let db = Db::open(database.url().parse().expect("a database URL")).expect("the database opens");
    let clock = Clock::fixed(NOW.parse().expect("an instant"));
    let (mut known, mut buyers) = (Vec::new(), Vec::new());
    for person in people() {
        let viewer = person.ensure(&db, clock.now());
        let row = db.read_blocking::<_, DbError>(|conn| Ok(users::find(conn, viewer.user())?)).expect("read");
        let row = row.expect("added just now");
        let (Person::Buyer { name, .. } | Person::Manager { name, .. }) = person;
        let buyer = match person {
            Person::Buyer { company, .. } => COMPANIES.iter().position(|known| *known == company),
            Person::Manager { .. } => None,
        };
        if let (Some(place), Some(id)) = (buyer, row.buyer_id)
            && place == buyers.len()
        {
            buyers.push((id, COMPANIES[place]));
        }
        let permissions = row.permissions();
        let user = User { name, buyer, permissions, is_disabled: false, epoch: row.epoch, request: None, told: 0 };
        known.push((row.id, user));
    }
    let (first_policy, policy_version) =
        db.read_blocking::<_, DbError>(|conn| Ok((policy::load(conn)?.into(), policy::version(conn)?))).expect("read");
    let model = Model {
        now: clock.now(),
        policy: first_policy,
        policy_version,
        windows: vec![None; COMPANIES.len()],
        users: known.iter().map(|(_, user)| user.clone()).collect(),
        calls: Vec::new(),
        disputes: Vec::new(),
        jobs: Vec::new(),
    };
    let home: Vec<Permissions> = model.users.iter().map(|user| user.permissions).collect();
    let walk = Walk { rng: SmallRng::seed_from_u64(seed), home, first_policy: model.policy.clone() };
    let mut desk = Desk {
        db,
        clock,
        requests: vec![None; known.len()],
        users: known.into_iter().map(|(id, _)| id).collect(),
        buyers,
        calls: Vec::new(),
        disputes: Vec::new(),
        jobs: Vec::new(),
        entries: 0,
    };
    desk.entries = desk.last_entry();
    (desk, model, walk)
}

#[test]
fn a_long_walk_of_many_people_never_leaves_the_rules() {
    let number = |name: &str| -> Option<u64> {
        std::env::var_os(name).map(|text| text.to_str().and_then(|text| text.parse().ok()).expect("a number"))
    };
    let seed = number("FAIRDIAL_TEST_SEED").unwrap_or(SEED);
    let steps = number("FAIRDIAL_TEST_STEPS").map_or(STEPS, |steps| u32::try_from(steps).expect("not that many"));
    let folder = TempDir::with_prefix("fairdial-model-").expect("a folder");
    let database = TestDatabase::create(folder.path());
    let (mut desk, mut model, mut walk) = begin(&database, seed);
    let mut answers: BTreeMap<(String, String), u32> = BTreeMap::new();
    for step in 1..=steps {
        for op in walk.next(&model) {
            let (must, is) = (model.apply(&op), desk.apply(&op));
            assert_eq!(is, must, "the program (left) leaves the rules (right): seed {seed}, step {step}, {op:?}");
            *answers.entry((name(&op), kind_of(&is.answer))).or_default() += 1;
        }
        if step % EVERY == 0 || step == steps {
            compare(&desk, &model, &format!("seed {seed}, after step {step}"));
        }
    }
    for ((op, answer), times) in &answers {
        println!("{times:6} {op:10} {answer}");
    }
    println!("seed {seed}: {steps} steps, {} disputes of {} calls", model.disputes.len(), model.calls.len());
    for (op, answer) in [("Decide", "ok"), ("Reopen", "ok"), ("Write", "ok"), ("Withdraw", "ok"), ("Start", "started")]
    {
        let times = answers.get(&(op.to_owned(), answer.to_owned())).copied().unwrap_or(0);
        assert!(times >= steps / 1_000, "the walk hardly ever comes to {op}: {answer}");
    }
}

fn name(op: &Op) -> String {
    format!("{op:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// The first word, and what it is about.
fn kind_of(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || matches!(c, ' ' | '(')).collect()
}

/// What a call has come to: its state and its net amounts.
type Standing = (DisputeState, i64, i64);

/// Compares everything that both hold.
fn compare(desk: &Desk, model: &Model, when: &str) {
    desk.db
        .read_blocking::<_, DbError>(|conn| {
            assert_eq!(inspection::miscounts(conn)?, [], "{when}: counters");
            audit::verify(conn)?.unwrap_or_else(|fault| panic!("{when}: {fault:?}"));
            compare_disputes(conn, desk, model, when)?;
            compare_calls(conn, desk, model, when)?;
            compare_people(conn, desk, model, when)
        })
        .expect("read");
}

/// The rows of each dispute: itself, its adjustments, how many messages and files it has.
fn compare_disputes(conn: &mut AnyConnection, desk: &Desk, model: &Model, when: &str) -> Result<(), DbError> {
    use schema::{adjustments as a, disputes as d, evidence as e, messages as m};
    let rows: Vec<DisputeRow> = d::table.select(DisputeRow::as_select()).load(conn)?;
    let mut rows: HashMap<DisputeId, DisputeRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut ledger: HashMap<DisputeId, Vec<(i64, i64)>> = HashMap::new();
    let entries: Vec<(DisputeId, i64, i64)> =
        a::table.order(a::id).select((a::dispute_id, a::credit, a::clawback)).load(conn)?;
    for (id, credit, clawback) in entries {
        ledger.entry(id).or_default().push((credit, clawback));
    }
    let messages: Vec<(DisputeId, i64)> =
        m::table.group_by(m::dispute_id).select((m::dispute_id, count_star())).load(conn)?;
    let messages: HashMap<_, _> = messages.into_iter().collect();
    let files: Vec<(DisputeId, i64)> =
        e::table.group_by(e::dispute_id).select((e::dispute_id, count_star())).load(conn)?;
    let files: HashMap<_, _> = files.into_iter().collect();
    for (place, dispute) in model.disputes.iter().enumerate() {
        let (id, at) = (desk.disputes[place], format!("{when}: dispute {place}"));
        let Some(row) = rows.remove(&id) else {
            assert!(dispute.is_gone, "{at} is lost");
            continue;
        };
        assert!(!dispute.is_gone, "{at} was thrown away");
        compare_row(desk, &row, dispute, &at);
        assert_eq!(ledger.remove(&id).unwrap_or_default(), dispute.adjustments, "{at}: adjustments");
        assert_eq!(messages.get(&id).copied().unwrap_or(0), dispute.messages, "{at}: messages");
        let number = i64::try_from(dispute.files).expect("few");
        assert_eq!((files.get(&id).copied().unwrap_or(0), row.has_evidence), (number, number > 0), "{at}: files");
    }
    assert!(rows.is_empty(), "{when}: nobody filed {:?}", rows.keys());
    assert!(ledger.is_empty(), "{when}: adjustments of nothing");
    Ok(())
}

fn compare_row(desk: &Desk, row: &DisputeRow, dispute: &Dispute, at: &str) {
    let who = |user: Option<UserId>| {
        user.map(|user| desk.users.iter().position(|known| *known == user).expect("one of the walk's people"))
    };
    let facts = &dispute.snapshot;
    assert_eq!(
        (row.call_id, row.buyer_id, row.currency.as_str()),
        (desk.calls[dispute.call], desk.buyers[facts.buyer].0, facts.currency),
        "{at}"
    );
    assert_eq!(
        (row.payout, row.publisher_payout, row.call_status),
        (facts.payout, facts.publisher_payout, facts.status),
        "{at}: its snapshot"
    );
    assert_eq!((row.status, row.version), (dispute.status, dispute.version), "{at}");
    assert_eq!((row.reason.as_str(), row.last_speaker), (dispute.reason, dispute.last_speaker), "{at}");
    assert_eq!((row.credit, row.clawback), (dispute.credit, dispute.clawback), "{at}");
    assert_eq!(who(row.decided_by).zip(row.decided_at), dispute.decided, "{at}");
    assert_eq!((who(row.assignee_id), who(row.filed_by_manager)), (dispute.assignee, dispute.filed_by), "{at}");
    if let Some(due_at) = dispute.due_at {
        assert_eq!(row.due_at, due_at, "{at}");
    }
}

/// Each call: whose it is, its state, and its net amounts.
fn compare_calls(conn: &mut AnyConnection, desk: &Desk, model: &Model, when: &str) -> Result<(), DbError> {
    use schema::calls as c;
    let mut standing: Vec<Standing> = vec![(DisputeState::None, 0, 0); model.calls.len()];
    for dispute in &model.disputes {
        let (net, call) = (dispute.net(), &mut standing[dispute.call]);
        (call.1, call.2) = (call.1 + net.0, call.2 + net.1);
        if dispute.status == Status::Pending {
            call.0 = DisputeState::Disputed;
        }
    }
    let rows: Vec<(CallId, BuyerId, Standing)> =
        c::table.select((c::id, c::buyer_id, (c::dispute_state, c::net_credit, c::net_clawback))).load(conn)?;
    assert_eq!(rows.len(), model.calls.len(), "{when}: calls");
    let rows: HashMap<_, _> = rows.into_iter().map(|(id, buyer, standing)| (id, (buyer, standing))).collect();
    for (place, mut expected) in standing.into_iter().enumerate() {
        if expected.0 == DisputeState::None && expected.1 > 0 {
            expected.0 = DisputeState::Adjusted;
        }
        let buyer = desk.buyers[model.calls[place].buyer].0;
        assert_eq!(rows[&desk.calls[place]], (buyer, expected), "{when}: call {place}");
    }
    Ok(())
}

/// Each user: their rights, how often they were told something, and their badge.
fn compare_people(conn: &mut AnyConnection, desk: &Desk, model: &Model, when: &str) -> Result<(), DbError> {
    use schema::notifications as n;
    let told: Vec<(UserId, i64)> = n::table.group_by(n::user_id).select((n::user_id, count_star())).load(conn)?;
    let told: HashMap<_, _> = told.into_iter().collect();
    for (place, user) in model.users.iter().enumerate() {
        let at = format!("{when}: {}", user.name);
        assert_eq!(told.get(&desk.users[place]).copied().unwrap_or(0), user.told, "{at} was told");
        let row = users::find(conn, desk.users[place])?.expect("nobody is removed");
        let held = (row.permissions(), row.is_disabled, row.epoch);
        assert_eq!(held, (user.permissions, user.is_disabled, user.epoch), "{at}");
        if let Some(viewer) = &desk.requests[place] {
            let is_seen = |dispute: &&Dispute| {
                let is_own = user.buyer.is_none_or(|buyer| buyer == dispute.snapshot.buyer);
                is_own && dispute.status == Status::Pending
            };
            let pending = i64::try_from(model.disputes.iter().filter(is_seen).count()).expect("few");
            assert_eq!(counters::pending(conn, viewer.scope())?, pending, "{at}: the badge");
        }
    }
    Ok(())
}
