//! A dispute from Draft to decision and back, through the database's own functions: states, money, counters, audit agree.

use chrono::Duration;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fairdial::auth::{DisputeCalls, EditDisputes, Granted, Viewer};
use fairdial::clock::Clock;
use fairdial::db::dispute_list::{self, DisputeFilter};
use fairdial::db::sending::{self, Files, SendError};
use fairdial::db::transitions::{self, DecideError, DecisionInput};
use fairdial::db::users::{self, Permissions};
use fairdial::db::{Db, DbError, audit, counters, disputes, inspection, messages, notifications, schema};
use fairdial::domain::call::{CallStatus, DisputeState};
use fairdial::domain::claim::{Claim, Intent};
use fairdial::domain::decision::Verdict;
use fairdial::domain::dispute::{Refusal, Status};
use fairdial::domain::ids::{CallId, DisputeId};
use tempfile::TempDir;

use crate::support::app::NOW;
use crate::support::database::TestDatabase;
use crate::support::people::Person;
use crate::support::story::{self, NewCall};

struct World {
    db: Db,
    clock: Clock,
    buyer: Viewer,
    other: Viewer,
    manager: Viewer,
    database: TestDatabase,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let database = TestDatabase::create(folder.path());
        let db = Db::open(database.url().parse().unwrap()).unwrap();
        let clock = Clock::fixed(NOW.parse().unwrap());
        let person = |person: Person| person.ensure(&db, clock.now());
        let (buyer, other) = (person(Person::buyer("acme")), person(Person::buyer("birch")));
        let manager = person(Person::manager("dana"));
        Self { db, clock, buyer, other, manager, database, _folder: folder }
    }

    fn call(&self, change: impl FnOnce(&mut NewCall)) -> CallId {
        let mut call = NewCall::ordinary(&self.buyer, self.clock.now());
        change(&mut call);
        call.add(&self.db)
    }

    fn send(&self, call: CallId) -> Result<DisputeId, SendError> {
        story::dispute(&self.db, &self.clock, &self.buyer, call, Intent::Send)
    }

    fn decide(&self, id: DisputeId, verdict: Verdict, credit: Option<i64>) -> Result<(), DecideError> {
        let grant = Granted::<EditDisputes>::check(&self.manager).unwrap();
        let input = DecisionInput {
            verdict,
            credit,
            clawback: None,
            note: "We listened to it.".into(),
            version: None,
            difference_seen: false,
        };
        self.db.write_blocking(|conn| transitions::decide(conn, &grant, &self.clock, id, &input))
    }

    fn withdraw(&self, who: &Viewer, id: DisputeId) -> Result<(), SendError> {
        let grant = Granted::<DisputeCalls>::check(who).unwrap();
        self.db.write_blocking(|conn| transitions::withdraw(conn, &grant, &self.clock, id))
    }

    fn reopen(&self, id: DisputeId) -> Result<(), DecideError> {
        let grant = Granted::<EditDisputes>::check(&self.manager).unwrap();
        self.db.write_blocking(|conn| transitions::reopen(conn, &grant, &self.clock, id, "Decided by mistake"))
    }

    fn reply(&self, who: &Viewer, id: DisputeId) {
        let viewer = who.dispute_viewer().unwrap();
        self.db
            .write_blocking(|conn| messages::write(conn, &viewer, &self.clock, id, ("Please look again.", false)))
            .unwrap();
    }

    /// Status, net credit and clawback of the call, its dispute state, the adjustments of the dispute.
    fn money(&self, id: DisputeId) -> (Status, i64, i64, DisputeState, Vec<i64>) {
        use schema::{adjustments, calls};
        self.db
            .read_blocking::<_, DbError>(|conn| {
                let row = disputes::find(conn, self.buyer.scope(), id)?.unwrap();
                let (credit, clawback, state) = calls::table
                    .find(row.call_id)
                    .select((calls::net_credit, calls::net_clawback, calls::dispute_state))
                    .first(conn)?;
                let ledger = adjustments::table
                    .filter(adjustments::dispute_id.eq(id))
                    .order(adjustments::id)
                    .select(adjustments::credit)
                    .load(conn)?;
                Ok((row.status, credit, clawback, state, ledger))
            })
            .unwrap()
    }

    /// The badge of each side, and that the list of each status says how many it holds and the chain of the audit log is whole.
    fn badges(&self) -> (i64, i64, i64) {
        self.db
            .read_blocking::<_, DbError>(|conn| {
                let mut badge = |viewer: &Viewer| -> Result<i64, DbError> {
                    for status in Status::ALL {
                        let filter = DisputeFilter { statuses: vec![*status], ..DisputeFilter::default() };
                        let listed = dispute_list::all_matching(conn, viewer.scope(), &filter)?.len();
                        let counted = dispute_list::count(conn, viewer.scope(), &filter)?.shown();
                        assert_eq!(usize::try_from(counted), Ok(listed), "{status:?}");
                    }
                    Ok(counters::pending(conn, viewer.scope())?)
                };
                let badges = (badge(&self.buyer)?, badge(&self.other)?, badge(&self.manager)?);
                assert_eq!(inspection::miscounts(conn)?, []);
                audit::verify(conn)?.expect("the chain is whole");
                Ok(badges)
            })
            .unwrap()
    }

    fn unread(&self, viewer: &Viewer) -> i64 {
        self.db.read_blocking::<_, DbError>(|conn| Ok(notifications::unread(conn, viewer)?)).unwrap()
    }
}

fn refusal(result: Result<DisputeId, SendError>) -> Refusal {
    match result {
        Err(SendError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn sending_counts_notifies_and_marks_the_call() {
    let world = World::new();
    let id = world.send(world.call(|_| {})).unwrap();
    assert_eq!(world.money(id), (Status::Pending, 0, 0, DisputeState::Disputed, vec![]));
    assert_eq!(world.badges(), (1, 0, 1));
    assert_eq!((world.unread(&world.manager), world.unread(&world.buyer)), (1, 0));
}

#[test]
fn rule_1_refuses_each_with_its_own_reason_and_changes_nothing() {
    let world = World::new();
    let now = world.clock.now();
    let refused = |change: fn(&mut NewCall)| refusal(world.send(world.call(change)));
    assert_eq!(
        refused(|call| call.status = CallStatus::CompletedWithoutConversion),
        Refusal::StatusNotDisputable(CallStatus::CompletedWithoutConversion)
    );
    assert_eq!(refused(|call| call.payout = None), Refusal::PayoutUnknown);
    assert_eq!(refused(|call| call.payout = Some(0)), Refusal::PayoutZero);

    let at_the_end = world.call(|call| call.started_at = now - Duration::days(7));
    assert_eq!(refusal(world.send(at_the_end)), Refusal::WindowClosed(now));
    let just_before = world.call(|call| call.started_at = now - Duration::days(7) + Duration::microseconds(1));
    world.send(just_before).unwrap();

    let call = world.call(|_| {});
    world.send(call).unwrap();
    assert_eq!(refusal(world.send(call)), Refusal::AlreadyDisputed(Status::Pending));

    let theirs = NewCall::ordinary(&world.other, now).add(&world.db);
    assert!(matches!(world.send(theirs), Err(SendError::Missing)));
    assert_eq!(world.badges(), (2, 0, 2));
}

#[test]
fn a_permission_taken_away_or_a_password_changed_wins_over_a_page_already_open() {
    let world = World::new();
    let call = world.call(|_| {});
    let now = world.clock.now();
    let change = |dispute_calls| {
        world
            .db
            .write_blocking(|conn| {
                let row = users::find(conn, world.buyer.user())?.unwrap();
                let wanted = Permissions { dispute_calls, ..Permissions::default() };
                users::set_permissions(conn, &world.manager.actor(), &row, wanted, now)
            })
            .unwrap();
    };
    change(false);
    assert!(matches!(world.send(call), Err(SendError::NotAllowed)));
    change(true);
    world
        .db
        .write_blocking::<_, DbError>(|conn| {
            Ok(users::set_password(conn, &world.manager.actor(), world.buyer.user(), "x", now)?)
        })
        .unwrap();
    assert!(matches!(world.send(call), Err(SendError::NotAllowed)));
    assert_eq!(world.badges(), (0, 0, 0));
}

#[test]
fn each_verdict_moves_the_money_once() {
    let world = World::new();
    let cases = [
        (Verdict::Accepted, None, (Status::Accepted, 4200, 2500, DisputeState::Adjusted, vec![4200])),
        (
            Verdict::AcceptedPartial,
            Some(2100),
            (Status::AcceptedPartial, 2100, 1250, DisputeState::Adjusted, vec![2100]),
        ),
        (Verdict::Rejected, None, (Status::Rejected, 0, 0, DisputeState::None, vec![])),
    ];
    for (verdict, credit, expected) in cases {
        let id = world.send(world.call(|_| {})).unwrap();
        world.decide(id, verdict, credit).unwrap();
        assert_eq!(world.money(id), expected);
        let again = world.decide(id, Verdict::Accepted, None);
        assert!(matches!(&again, Err(DecideError::NotPending { by: Some(by), .. }) if by == "dana"), "{again:?}");
        assert_eq!(world.money(id), expected);
    }
    assert_eq!(world.badges(), (0, 0, 0));
    assert_eq!(world.unread(&world.buyer), 3);
}

#[test]
fn reopening_reverses_by_new_rows_and_a_second_decision_counts_alone() {
    let world = World::new();
    let id = world.send(world.call(|_| {})).unwrap();
    assert!(matches!(world.reopen(id), Err(DecideError::NotDecided(Status::Pending))));
    world.decide(id, Verdict::Accepted, None).unwrap();
    world.reopen(id).unwrap();
    assert_eq!(world.money(id), (Status::Pending, 0, 0, DisputeState::Disputed, vec![4200, -4200]));
    world.decide(id, Verdict::AcceptedPartial, Some(1)).unwrap();
    world.reopen(id).unwrap();
    world.decide(id, Verdict::AcceptedPartial, Some(4199)).unwrap();
    let (status, credit, clawback, state, ledger) = world.money(id);
    assert_eq!((status, credit, clawback, state), (Status::AcceptedPartial, 4199, 2499, DisputeState::Adjusted));
    assert_eq!(ledger, [4200, -4200, 1, -1, 4199]);
    assert_eq!(world.badges(), (0, 0, 0));
}

#[test]
fn after_withdrawing_or_rejecting_the_call_may_be_disputed_again() {
    let world = World::new();
    let call = world.call(|_| {});
    let first = world.send(call).unwrap();
    assert!(matches!(world.withdraw(&world.other, first), Err(SendError::Missing)));
    world.withdraw(&world.buyer, first).unwrap();
    assert!(matches!(world.withdraw(&world.buyer, first), Err(SendError::Closed(Status::Withdrawn))));
    assert!(matches!(world.reopen(first), Err(DecideError::NotDecided(Status::Withdrawn))));
    let second = world.send(call).unwrap();
    world.decide(second, Verdict::Rejected, None).unwrap();
    let third = world.send(call).unwrap();
    assert!(matches!(world.reopen(second), Err(DecideError::AnotherActive(Status::Pending))));
    world.decide(third, Verdict::Accepted, None).unwrap();
    assert_eq!(refusal(world.send(call)), Refusal::AlreadyDisputed(Status::Accepted));
    assert_eq!(world.badges(), (0, 0, 0));
}

#[test]
fn a_buyers_reply_reopens_a_rejected_dispute_while_the_window_is_open() {
    let world = World::new();
    let id = world.send(world.call(|_| {})).unwrap();
    world.decide(id, Verdict::Rejected, None).unwrap();
    world.reply(&world.manager, id);
    assert_eq!(world.money(id).0, Status::Rejected);
    world.reply(&world.buyer, id);
    assert_eq!(world.money(id).0, Status::Pending);
    assert_eq!(world.badges(), (1, 0, 1));
    world.decide(id, Verdict::Rejected, None).unwrap();
    world.clock.advance(Duration::days(7));
    world.reply(&world.buyer, id);
    assert_eq!(world.money(id).0, Status::Rejected);
}

#[test]
fn a_draft_is_the_buyers_alone_until_it_is_sent_or_discarded() {
    let world = World::new();
    let call = world.call(|_| {});
    let draft = story::dispute(&world.db, &world.clock, &world.buyer, call, Intent::Draft).unwrap();
    let seen_by = |viewer: &Viewer| {
        world.db.read_blocking::<_, DbError>(|conn| Ok(disputes::find(conn, viewer.scope(), draft)?)).unwrap().is_some()
    };
    assert_eq!((seen_by(&world.buyer), seen_by(&world.other), seen_by(&world.manager)), (true, false, false));
    assert_eq!(world.badges(), (0, 0, 0));
    assert_eq!(refusal(world.send(call)), Refusal::AlreadyDisputed(Status::Draft));

    let grant = Granted::<DisputeCalls>::check(&world.buyer).unwrap();
    let files = Files { limit: 10, ..Files::default() };
    let update = |claim: &Claim, intent| {
        world.db.write_blocking(|conn| sending::update(conn, &grant, &world.clock, draft, (claim, &files, intent)))
    };
    assert!(matches!(update(&Claim::default(), Intent::Send), Err(SendError::Invalid(_))));
    update(&Claim::new("other", "It rang twice.", Vec::new()), Intent::Send).unwrap();
    assert_eq!(world.money(draft).0, Status::Pending);
    assert_eq!(world.badges(), (1, 0, 1));
    assert!(matches!(update(&Claim::default(), Intent::Draft), Err(SendError::Closed(Status::Pending))));

    let other = story::dispute(&world.db, &world.clock, &world.buyer, world.call(|_| {}), Intent::Draft).unwrap();
    world.db.write_blocking(|conn| sending::discard(conn, &grant, &world.clock, other)).unwrap();
    let discard = world.db.write_blocking(|conn| sending::discard(conn, &grant, &world.clock, draft));
    assert!(matches!(discard, Err(SendError::Closed(Status::Pending))));
}

#[test]
fn drafts_expire_30_days_after_the_window() {
    let world = World::new();
    story::dispute(&world.db, &world.clock, &world.buyer, world.call(|_| {}), Intent::Draft).unwrap();
    let expire = || world.db.write_blocking(|conn| sending::discard_expired(conn, &world.clock)).unwrap();
    world.clock.advance(Duration::days(36) - Duration::microseconds(1));
    assert_eq!(expire(), 0);
    world.clock.advance(Duration::microseconds(1));
    assert_eq!(expire(), 1);
    world.badges();
}

#[test]
fn a_call_that_changed_under_a_dispute_needs_an_open_eye() {
    use schema::calls;
    let world = World::new();
    let call = world.call(|_| {});
    let id = world.send(call).unwrap();
    world
        .db
        .write_blocking::<_, DbError>(|conn| {
            diesel::update(calls::table.find(call)).set(calls::payout.eq(Some(100))).execute(conn)?;
            Ok(())
        })
        .unwrap();
    assert!(matches!(world.decide(id, Verdict::Accepted, None), Err(DecideError::DifferenceUnseen)));
    assert_eq!(world.money(id).0, Status::Pending);
}

#[test]
fn the_database_itself_refuses_what_no_code_may_do() {
    let world = World::new();
    let call = world.call(|_| {});
    let id = world.send(call).unwrap();
    world.decide(id, Verdict::AcceptedPartial, Some(100)).unwrap();
    let pending = world.send(world.call(|_| {})).unwrap();
    let (id, pending, call) = (id.number(), pending.number(), call.number());
    let mut raw = world.database.connect();
    let copied = "call_id, buyer_id, status, status_rank, reason, additional_information, source, external_id, \
        call_started_at, caller_id, destination, currency, payout, payout_sort, publisher_payout_sort, duration_sort, \
        call_status, hangup_by, hangup_cause, has_recording, has_evidence, created_by, created_at, updated_at, listed_at, \
        submitted_by, submitted_at, due_at, version";
    let attempts = [
        format!("INSERT INTO disputes (id, {copied}) SELECT 1, {copied} FROM disputes WHERE id = {pending}"),
        format!("UPDATE disputes SET credit = 0 WHERE id = {id}"),
        format!("UPDATE disputes SET credit = payout WHERE id = {id}"),
        format!("UPDATE disputes SET credit = payout + 1 WHERE id = {id}"),
        format!("UPDATE disputes SET decided_by = NULL WHERE id = {id}"),
        format!("UPDATE disputes SET decided_at = NULL WHERE id = {id}"),
        format!("UPDATE disputes SET clawback = -1 WHERE id = {id}"),
        format!("UPDATE disputes SET clawback = publisher_payout + 1 WHERE id = {id}"),
        format!("UPDATE disputes SET status = 'lost' WHERE id = {pending}"),
        format!("UPDATE disputes SET status = 'accepted' WHERE id = {pending}"),
        format!("UPDATE disputes SET payout = NULL WHERE id = {pending}"),
        format!("UPDATE disputes SET payout = 0 WHERE id = {pending}"),
        format!("UPDATE calls SET net_credit = -1 WHERE id = {call}"),
        "INSERT INTO evidence (id, dispute_id, name, media_type, size, sha256, uploaded_by, created_at) \
            SELECT 'x', 1, 'a', 'text/plain', 1, '', id, created_at FROM users LIMIT 1"
            .to_owned(),
        "UPDATE users SET disputes_view = FALSE WHERE disputes_edit".to_owned(),
        "UPDATE users SET disputes_view = TRUE WHERE role = 'buyer'".to_owned(),
        "UPDATE audit_log SET actor_name = 'nobody'".to_owned(),
        "DELETE FROM audit_log".to_owned(),
        "UPDATE adjustments SET credit = 1".to_owned(),
        "DELETE FROM adjustments".to_owned(),
        // PostgreSQL has no such statement.
        "INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log".to_owned(),
        "INSERT OR REPLACE INTO adjustments SELECT * FROM adjustments".to_owned(),
    ];
    for attempt in attempts {
        assert!(raw.batch_execute(&attempt).is_err(), "{attempt}");
    }
}

#[test]
fn a_changed_entry_breaks_the_chain_at_its_place() {
    let world = World::new();
    world.send(world.call(|_| {})).unwrap();
    // The head row isn't protected by a trigger: moving it back is how a cut tail would look.
    let verify = || world.db.read_blocking(audit::verify).unwrap();
    let (length, _) = verify().expect("the chain is whole");
    assert!(length > 0);
    world.database.connect().batch_execute("UPDATE audit_head SET seq = seq + 1").unwrap();
    assert_eq!(verify(), Err(audit::ChainFault::Cut { found: length, expected: length + 1 }));
}
