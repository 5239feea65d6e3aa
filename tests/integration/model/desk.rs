//! The program's side of the walk: each operation by the functions that the handlers call.

use diesel::prelude::*;
use fairdial::auth::{Actor, DisputeCalls, EditDisputes, Granted, ManageSettings, Origin, Permission, Viewer};
use fairdial::clock::Clock;
use fairdial::db::administration::{self, Edited, SettingsError, UserChange};
use fairdial::db::bulk_jobs::{self, Plan, StartError, State};
use fairdial::db::call_store::{self, NameKind, Options};
use fairdial::db::evidence::{self, StoredFile};
use fairdial::db::messages::{self, MessageError};
use fairdial::db::sending::{self, Files, SendError};
use fairdial::db::transitions::{self, DecideError, DecisionInput};
use fairdial::db::users::{self, UserRow};
use fairdial::db::{Db, DbError, assignments, audit, buyer_settings, facts, policy, schema};
use fairdial::domain::call::HangupBy;
use fairdial::domain::claim::{Claim, Intent, Problem};
use fairdial::domain::ids::{BulkJobId, BuyerId, CallId, DisputeId, FileId, UserId};
use fairdial::domain::money::Currency;
use fairdial::import::CallRecord;

use super::op::{CallFacts, Entered, Op, Outcome, Said};
use super::rules::MOST_FILES;

pub(super) struct Desk {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) users: Vec<UserId>,
    /// Each user as their last request knew them.
    pub(super) requests: Vec<Option<Viewer>>,
    pub(super) buyers: Vec<(BuyerId, &'static str)>,
    pub(super) calls: Vec<CallId>,
    pub(super) disputes: Vec<DisputeId>,
    pub(super) jobs: Vec<BulkJobId>,
    /// How many entries the audit log had after the last operation.
    pub(super) entries: i64,
}

fn fields(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.field.as_str()).collect()
}

fn sending(error: SendError) -> String {
    match error {
        SendError::Invalid(problems) => format!("Invalid({:?})", fields(&problems)),
        other => format!("{other:?}"),
    }
}

fn settings(error: SettingsError) -> String {
    match error {
        SettingsError::Policy(problems) => format!("Policy({:?})", fields(&problems)),
        other => format!("{other:?}"),
    }
}

fn deciding(error: DecideError) -> String {
    format!("{error:?}")
}

fn done<T>(_: T) -> String {
    "ok".to_owned()
}

type Answer = Result<String, String>;

impl Desk {
    /// Does it, and says what came of it.
    pub(super) fn apply(&mut self, op: &Op) -> Outcome {
        let answer = self.answer(op).unwrap_or_else(|refusal| refusal);
        if matches!(op, Op::Wait(_) | Op::Enter(_)) {
            return Outcome { answer, entries: 0 };
        }
        let last = self.last_entry();
        let before = std::mem::replace(&mut self.entries, last);
        Outcome { answer, entries: last - before }
    }

    pub(super) fn last_entry(&self) -> i64 {
        self.db.read_blocking::<_, DbError>(|conn| Ok(audit::last_number(conn)?)).expect("read")
    }

    fn user(&self, place: usize) -> UserRow {
        let found = self.db.read_blocking::<_, DbError>(|conn| Ok(users::find(conn, self.users[place])?));
        found.expect("read").expect("nobody is removed")
    }

    /// The proof that a handler demands.
    fn granted<P: Permission>(&self, user: usize) -> Result<Granted<P>, String> {
        let viewer = self.requests[user].as_ref().ok_or("signed out")?;
        Granted::check(viewer).ok_or_else(|| "forbidden".to_owned())
    }

    fn answer(&mut self, op: &Op) -> Answer {
        let clock = self.clock.clone();
        match op {
            Op::Wait(by) => {
                clock.advance(*by);
                Ok(done(()))
            }
            Op::Enter(user) => {
                self.requests[*user] = Viewer::from_row(&self.user(*user), Origin::command());
                Ok(done(()))
            }
            Op::Import(call, facts) => self.import(*call, facts),
            Op::File(user, call, said) => {
                let (grant, (claim, files, intent)) = (self.granted::<DisputeCalls>(*user)?, as_typed(said));
                let call = self.calls[*call];
                let work = |conn: &mut _| sending::create(conn, &grant, &clock, call, (&claim, &files, intent));
                self.disputes.push(self.db.write_blocking(work).map_err(sending)?);
                Ok(done(()))
            }
            Op::Change(user, dispute, said) => {
                let (grant, (claim, files, intent)) = (self.granted::<DisputeCalls>(*user)?, as_typed(said));
                let id = self.disputes[*dispute];
                let work = |conn: &mut _| sending::update(conn, &grant, &clock, id, (&claim, &files, intent));
                self.db.write_blocking(work).map(done).map_err(sending)
            }
            Op::Discard(user, dispute) => self.as_buyer(*user, *dispute, sending::discard),
            Op::Withdraw(user, dispute) => self.as_buyer(*user, *dispute, transitions::withdraw),
            Op::AddFact(user, dispute, name) => {
                let new = [((*name).to_owned(), "As we noted it.".to_owned())];
                self.as_buyer(*user, *dispute, |conn, grant, clock, id| {
                    facts::add_to_sent(conn, grant, clock, id, &new)
                })
            }
            Op::AddFiles(user, dispute, number) => {
                let received = (0..*number).map(|_| stored_file()).collect();
                let files = Files { received, ..no_files() };
                self.as_buyer(*user, *dispute, |conn, grant, clock, id| evidence::add(conn, grant, clock, id, &files))
            }
            Op::Decide(user, dispute, entered) => {
                let input = as_entered(entered);
                self.as_manager(*user, *dispute, |conn, grant, clock, id| {
                    transitions::decide(conn, grant, clock, id, &input)
                })
            }
            Op::Reopen(user, dispute, length) => {
                let reason = "x".repeat(*length);
                self.as_manager(*user, *dispute, |conn, grant, clock, id| {
                    transitions::reopen(conn, grant, clock, id, &reason)
                })
            }
            Op::Write(user, dispute, (length, is_note)) => {
                let viewer = self.requests[*user].as_ref().ok_or("signed out")?;
                let viewer = viewer.dispute_viewer().ok_or("forbidden")?;
                let (id, body) = (self.disputes[*dispute], "x".repeat(*length));
                let work = |conn: &mut _| messages::write(conn, &viewer, &clock, id, (&body, *is_note));
                self.db.write_blocking(work).map(done).map_err(|error: MessageError| format!("{error:?}"))
            }
            Op::Assign(user, dispute, to) => {
                let to = to.map(|to| self.users[to]);
                self.as_manager(*user, *dispute, |conn, grant, clock, id| {
                    assignments::assign(conn, grant, clock, id, to)
                })
            }
            Op::FiledBy(manager, dispute) => {
                use schema::disputes as d;
                let (row, manager) = (d::table.find(self.disputes[*dispute]), self.users[*manager]);
                let work = |conn: &mut _| {
                    Ok(diesel::update(row).set(d::filed_by_manager.eq(manager)).execute(conn).map(drop)?)
                };
                self.db.write_blocking::<_, DbError>(work).map(done).map_err(|error| format!("{error:?}"))
            }
            Op::Select(user, disputes) => {
                let grant = self.granted::<EditDisputes>(*user)?;
                let ids: Vec<_> = disputes.iter().map(|place| self.disputes[*place]).collect();
                let selected = self.db.write_blocking::<_, DbError>(|conn| {
                    let rows = bulk_jobs::versions(conn, &grant, &ids)?;
                    Ok(bulk_jobs::select(conn, &grant, &rows, "", clock.now())?)
                });
                self.jobs.push(selected.map_err(|error| format!("{error:?}"))?);
                Ok(done(()))
            }
            Op::Start(user, job, plan) => self.start(*user, *job, plan),
            Op::Work(job) => self.work(*job),
            _ => self.run(op),
        }
    }

    /// What changes users and policy, or comes by itself.
    fn run(&self, op: &Op) -> Answer {
        let clock = &self.clock;
        match op {
            Op::SetUser { by, user, wanted, seen } => {
                let row = self.user(*user);
                let (name, email) = (Edited::to(row.name), Edited::to(row.email));
                let change = UserChange { name, email, permissions: *wanted, seen: *seen };
                self.as_operator(*by, |conn, grant| {
                    administration::change_user(conn, grant, row.id, &change, clock.now())
                })
            }
            Op::Disable { by, user, is_disabled } => {
                let id = self.users[*user];
                self.as_operator(*by, |conn, grant| {
                    administration::set_disabled(conn, grant, id, *is_disabled, clock.now())
                })
            }
            Op::SetPolicy { by, wanted, seen } => {
                self.as_operator(*by, |conn, grant| policy::change(conn, grant, wanted, *seen, clock.now()))
            }
            Op::SetWindow { by, buyer, days } => {
                let (id, name) = self.buyers[*buyer];
                let (name, days) = (Edited::to(name.to_owned()), Edited::to(*days));
                let now = clock.now();
                self.as_operator(*by, |conn, grant| buyer_settings::change(conn, grant, id, (&name, &days), now))
            }
            Op::Sweep => {
                let work = |conn: &mut _| sending::discard_expired(conn, clock);
                self.db.write_blocking(work).map(done).map_err(|error| format!("{error:?}"))
            }
            _ => Err(format!("nobody does {op:?} here")),
        }
    }

    fn as_buyer(
        &self,
        user: usize,
        dispute: usize,
        work: impl Fn(&mut fairdial::db::AnyConnection, &Granted<DisputeCalls>, &Clock, DisputeId) -> Result<(), SendError>,
    ) -> Answer {
        let (grant, id) = (self.granted(user)?, self.disputes[dispute]);
        self.db.write_blocking(|conn| work(conn, &grant, &self.clock, id)).map(done).map_err(sending)
    }

    fn as_manager(
        &self,
        user: usize,
        dispute: usize,
        work: impl Fn(
            &mut fairdial::db::AnyConnection,
            &Granted<EditDisputes>,
            &Clock,
            DisputeId,
        ) -> Result<(), DecideError>,
    ) -> Answer {
        let (grant, id) = (self.granted(user)?, self.disputes[dispute]);
        self.db.write_blocking(|conn| work(conn, &grant, &self.clock, id)).map(done).map_err(deciding)
    }

    fn as_operator(
        &self,
        user: usize,
        work: impl Fn(&mut fairdial::db::AnyConnection, &Granted<ManageSettings>) -> Result<(), SettingsError>,
    ) -> Answer {
        let grant = self.granted(user)?;
        self.db.write_blocking(|conn| work(conn, &grant)).map(done).map_err(settings)
    }

    fn import(&mut self, place: usize, facts: &CallFacts) -> Answer {
        let record = CallRecord {
            source: "ringba".to_owned(),
            external_id: format!("EXT-{place}"),
            buyer: self.buyers[facts.buyer].1.to_owned(),
            publisher: None,
            campaign: None,
            started_at: facts.started_at,
            is_time_ambiguous: false,
            caller_id: format!("+1214555{:04}", place % 10_000),
            dialed: "+18005550111".to_owned(),
            destination_number: "+12145550118".to_owned(),
            destination_name: "Dallas intake".to_owned(),
            currency: Currency::from_code(facts.currency).expect("a currency"),
            payout: facts.payout,
            publisher_payout: facts.publisher_payout,
            duration_s: Some(91),
            connected_s: None,
            status: facts.status,
            hangup_by: HangupBy::Caller,
            hangup_cause: String::new(),
            is_duplicate: false,
            recording_url: String::new(),
            raw: "{}".to_owned(),
        };
        let options = Options { creates_names: false, now: self.clock.now() };
        let stored = self
            .db
            .write_blocking(|conn| call_store::store(conn, &Actor::operator(), std::slice::from_ref(&record), options));
        let report = stored.map_err(|error| format!("{error:?}"))?;
        assert!(report.created.iter().all(|name| name.kind != NameKind::Buyer), "the buyers are known");
        Ok(match &report.outcomes[..] {
            [call_store::Outcome::New(id)] => {
                self.calls.push(*id);
                "new".to_owned()
            }
            [call_store::Outcome::Updated(_)] => "updated".to_owned(),
            [call_store::Outcome::Unchanged(_)] => "unchanged".to_owned(),
            [call_store::Outcome::Failed(refusal)] => format!("failed: {}", refusal.field),
            other => format!("{other:?}"),
        })
    }

    fn start(&self, user: usize, job: usize, plan: &Plan) -> Answer {
        let (grant, id, now) = (self.granted::<EditDisputes>(user)?, self.jobs[job], self.clock.now());
        self.db
            .write_blocking::<_, StartError>(|conn| {
                let was = bulk_jobs::find(conn, &grant, id)?.ok_or(StartError::Missing)?;
                let (totals, skipped) = bulk_jobs::totals(conn, &grant, id, Some(plan))?;
                bulk_jobs::start(conn, &grant, id, plan, now)?;
                if was.state != State::Selected {
                    return Ok("started before".to_owned());
                }
                let (mut count, mut sums) = (0, (0, 0));
                for total in totals {
                    count += total.count;
                    sums = (sums.0 + total.credit, sums.1 + total.clawback);
                }
                Ok(format!("started: {count} {sums:?}, {skipped} skipped"))
            })
            .map_err(|error| format!("{error:?}"))
    }

    fn work(&self, job: usize) -> Answer {
        use schema::{bulk_items as i, bulk_jobs as j};
        let id = self.jobs[job];
        let worked = self.db.write_blocking::<_, DecideError>(|conn| {
            let place = |conn: &mut _| j::table.find(id).select(j::next_position).first::<i64>(conn);
            let before = place(conn)?;
            let is_more = bulk_jobs::work(conn, &self.clock, id)?;
            let after = place(conn)?;
            let became: Vec<String> = i::table
                .filter(i::job_id.eq(id))
                .filter(i::position.ge(before).and(i::position.lt(after)))
                .order(i::position)
                .select(i::outcome)
                .load(conn)?;
            Ok(format!("{became:?}, more: {is_more}"))
        });
        worked.map_err(deciding)
    }
}

fn as_typed(said: &Said) -> (Claim, Files, Intent) {
    let claim = Claim::new(said.reason, &"x".repeat(said.length), Vec::new());
    (claim, no_files(), if said.is_sent { Intent::Send } else { Intent::Draft })
}

fn as_entered(entered: &Entered) -> DecisionInput {
    DecisionInput {
        verdict: entered.verdict,
        credit: entered.credit,
        clawback: entered.clawback,
        note: "x".repeat(entered.note),
        version: entered.version,
        difference_seen: entered.difference_seen,
    }
}

fn no_files() -> Files {
    Files { limit: u32::try_from(MOST_FILES).expect("few"), ..Files::default() }
}

fn stored_file() -> StoredFile {
    StoredFile {
        id: FileId::generate(),
        name: "call notes.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        size: 12,
        sha256: "0".repeat(64),
    }
}
