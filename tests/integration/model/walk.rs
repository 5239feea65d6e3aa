//! What happens next: chosen by chance, more often something that may succeed than not.

use chrono::Duration;
use fairdial::db::bulk_jobs::Plan;
use fairdial::db::users::Permissions;
use fairdial::domain::decision::Verdict;
use fairdial::domain::dispute::Status;
use fairdial::domain::policy::PolicyChange;
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use super::op::{CallFacts, Entered, Op, Said};
use super::rules::{Model, STATUSES, User};

const REASONS: [&str; 4] = ["caller_hung_up", "invalid_caller", "other", "duplicate_call"];
const FACTS: [&str; 3] = ["customer_name", "service_date", "uncategorized_text"];

pub(super) struct Walk {
    pub(super) rng: SmallRng,
    /// What each user may do at first, and mostly has.
    pub(super) home: Vec<Permissions>,
    pub(super) first_policy: PolicyChange,
}

impl Walk {
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        of.choose(&mut self.rng).cloned()
    }

    /// A time passes, perhaps somebody's page is read anew, and something is done.
    pub(super) fn next(&mut self, model: &Model) -> Vec<Op> {
        let mut ops = vec![self.wait(model)];
        let op = loop {
            if let Some(op) = self.op(model) {
                break op;
            }
        };
        if let Some(user) = who(&op).filter(|_| self.chance(85)) {
            ops.push(Op::Enter(user));
        }
        ops.push(op);
        ops
    }

    /// Some minutes, or until the very instant at which a window closes.
    fn wait(&mut self, model: &Model) -> Op {
        let some = Duration::seconds(self.rng.random_range(0..480));
        let until = (!model.calls.is_empty() && self.chance(3))
            .then(|| &model.calls[self.recent(model.calls.len())])
            .map(|call| model.window_closes(call.buyer, call.started_at) - model.now)
            .filter(|until| *until > Duration::zero() && *until < Duration::hours(12));
        Op::Wait(until.unwrap_or(some))
    }

    fn recent(&mut self, length: usize) -> usize {
        let back = self.rng.random_range(0..length.min(100));
        length - 1 - back
    }

    fn op(&mut self, model: &Model) -> Option<Op> {
        let op = match self.rng.random_range(0..100) {
            0..10 => Op::Import(model.calls.len(), self.facts(model)),
            10..14 => self.import_again(model)?,
            14..32 => self.file(model)?,
            32..37 => self.dispute(model, &[Status::Draft]).map(|(user, dispute)| {
                let said = self.said(70);
                Op::Change(user, dispute, said)
            })?,
            37 => self.dispute(model, &[Status::Draft]).map(|(user, dispute)| Op::Discard(user, dispute))?,
            38..41 => self.dispute(model, &[Status::Pending]).map(|(user, dispute)| Op::Withdraw(user, dispute))?,
            41..44 => {
                let (user, dispute) = self.dispute(model, &[Status::Pending])?;
                Op::AddFact(user, dispute, self.one(&FACTS)?)
            }
            44..47 => {
                let (user, dispute) = self.dispute(model, &[Status::Draft, Status::Pending])?;
                Op::AddFiles(user, dispute, self.rng.random_range(1..3))
            }
            47..62 => self.decide(model)?,
            62..67 => {
                let wanted = [Status::Accepted, Status::AcceptedPartial, Status::Rejected, Status::Rejected];
                let (_, dispute) = self.dispute(model, &wanted)?;
                let length = self.one(&[12, 12, 12, 12, 12, 12, 0, 5_001])?;
                Op::Reopen(self.manager(model)?, dispute, length)
            }
            67..78 => self.write(model)?,
            78..80 => {
                let dispute = self.any(model)?;
                let to = self.rng.random_range(0..model.users.len());
                let to = self.chance(80).then_some(to);
                Op::Assign(self.manager(model)?, dispute, to)
            }
            80 => {
                let (_, dispute) = self.dispute(model, &[Status::Pending])?;
                let manager = self.manager(model)?;
                let is_sent = model.disputes[dispute].status != Status::Draft;
                (is_sent && !model.disputes[dispute].is_gone).then_some(Op::FiledBy(manager, dispute))?
            }
            81..84 => self.set_user(model)?,
            84..86 => {
                // Somebody who is disabled comes back soon, or the desk would be empty.
                let gone = self.user(model, |user| user.is_disabled).filter(|_| self.chance(70));
                let user = gone.unwrap_or(self.rng.random_range(0..model.users.len()));
                Op::Disable { by: self.operator(model)?, user, is_disabled: gone.is_none() && self.chance(60) }
            }
            86..88 => self.set_policy(model)?,
            88 => {
                let days = self.one(&[None, None, Some(3), Some(7), Some(10), Some(0), Some(-1)])?;
                let buyer = self.rng.random_range(0..model.windows.len());
                Op::SetWindow { by: self.operator(model)?, buyer, days }
            }
            89 => Op::Sweep,
            90..92 => self.select(model)?,
            92..96 => self.start(model)?,
            _ => Op::Work(self.job(model)?),
        };
        Some(op)
    }

    fn facts(&mut self, model: &Model) -> CallFacts {
        let minutes = self.rng.random_range(0..6 * 24 * 60);
        let money: Vec<Option<i64>> = [None, Some(0), Some(1), Some(5), Some(15)]
            .into_iter()
            .chain((0..12).map(|_| Some(self.rng.random_range(2..20_000))))
            .collect();
        let status = if self.chance(85) { STATUSES[self.rng.random_range(0..2)] } else { self.one(&STATUSES).unwrap() };
        let publisher_payout = if self.chance(5) { Some(-250) } else { self.one(&money).unwrap() };
        CallFacts {
            buyer: self.rng.random_range(0..model.windows.len()),
            started_at: model.now - Duration::minutes(minutes),
            currency: "USD",
            payout: self.one(&money).unwrap(),
            publisher_payout,
            status,
        }
    }

    /// A source corrects what it said of a call, or says the same again.
    fn import_again(&mut self, model: &Model) -> Option<Op> {
        let place = (!model.calls.is_empty()).then(|| self.recent(model.calls.len()))?;
        let (was, new) = (model.calls[place].clone(), self.facts(model));
        let facts = match self.rng.random_range(0..8) {
            0 => was,
            1 => CallFacts { buyer: new.buyer, ..was },
            2 => CallFacts { currency: "EUR", ..was },
            3 => CallFacts { status: new.status, ..was },
            4 => CallFacts { publisher_payout: new.publisher_payout, ..was },
            _ => CallFacts { payout: new.payout, ..was },
        };
        Some(Op::Import(place, facts))
    }

    fn said(&mut self, sent: u32) -> Said {
        let reason = if self.chance(90) { self.one(&REASONS) } else { self.one(&["", "nonsense"]) };
        let length = if self.chance(3) { 5_001 } else { 40 };
        Said { reason: reason.unwrap(), length, is_sent: self.chance(sent) }
    }

    fn file(&mut self, model: &Model) -> Option<Op> {
        let call = (!model.calls.is_empty()).then(|| self.recent(model.calls.len()))?;
        let of_buyer = model.calls[call].buyer;
        let is_right = self.chance(90);
        let user = self.user(model, |user| !is_right || files_for(user, of_buyer))?;
        Some(Op::File(user, call, self.said(75)))
    }

    fn user(&mut self, model: &Model, is_one: impl Fn(&User) -> bool) -> Option<usize> {
        let those: Vec<usize> = (0..model.users.len()).filter(|place| is_one(&model.users[*place])).collect();
        self.one(&those)
    }

    fn manager(&mut self, model: &Model) -> Option<usize> {
        let may = self.chance(85);
        self.user(model, |user| if may { user.permissions.disputes_edit } else { true })
    }

    fn operator(&mut self, model: &Model) -> Option<usize> {
        let may = self.chance(85);
        self.user(model, |user| if may { user.permissions.settings } else { true })
    }

    /// A dispute, mostly of these statuses, and mostly one of its owner's users.
    fn dispute(&mut self, model: &Model, statuses: &[Status]) -> Option<(usize, usize)> {
        let dispute = if self.chance(85) {
            let status = self.one(statuses)?;
            let those: Vec<usize> =
                (0..model.disputes.len()).filter(|place| model.disputes[*place].status == status).collect();
            self.one(&those)?
        } else {
            self.any(model)?
        };
        let owner = model.disputes[dispute].snapshot.buyer;
        let is_right = self.chance(90);
        Some((self.user(model, |user| !is_right || files_for(user, owner))?, dispute))
    }

    fn any(&mut self, model: &Model) -> Option<usize> {
        (!model.disputes.is_empty()).then(|| self.recent(model.disputes.len()))
    }

    fn decide(&mut self, model: &Model) -> Option<Op> {
        let (_, dispute) = self.dispute(model, &[Status::Pending])?;
        let row = &model.disputes[dispute];
        let (payout, earned) = (row.snapshot.payout.unwrap_or(0), row.snapshot.publisher_payout.unwrap_or(0));
        let verdict = self.one(&[Verdict::Accepted, Verdict::AcceptedPartial, Verdict::Rejected])?;
        let part = self.rng.random_range(0..=payout.max(1));
        let credit = match verdict {
            Verdict::AcceptedPartial => self.one(&[Some(part), Some(part), Some(part), Some(payout), Some(-1), None]),
            _ => self.one(&[None, None, None, Some(payout), Some(0), Some(part)]),
        }?;
        let some = self.rng.random_range(-1..=earned.max(0) + 1);
        let clawback = self.one(&[None, None, Some(0), Some(some)])?;
        let version = self.one(&[None, Some(row.version), Some(row.version), Some(row.version - 1)])?;
        let note = self.one(&[0, 20, 20, 20, 20, 20, 20, 5_000, 5_001])?;
        let entered = Entered { verdict, credit, clawback, note, version, difference_seen: self.chance(30) };
        Some(Op::Decide(self.manager(model)?, dispute, entered))
    }

    fn write(&mut self, model: &Model) -> Option<Op> {
        let (user, dispute) = self.dispute(model, &[Status::Rejected, Status::Pending])?;
        let user = if self.chance(35) { self.manager(model)? } else { user };
        let length = self.one(&[30, 30, 30, 30, 30, 30, 5_000, 5_001, 0])?;
        Some(Op::Write(user, dispute, (length, self.chance(20))))
    }

    fn set_user(&mut self, model: &Model) -> Option<Op> {
        let user = self.rng.random_range(0..model.users.len());
        let mut wanted = self.home[user];
        if self.chance(30) {
            let is_buyers = model.users[user].buyer.is_some() && self.chance(90);
            wanted = Permissions {
                dispute_calls: self.chance(if is_buyers { 50 } else { 5 }),
                disputes_view: !is_buyers && self.chance(70),
                disputes_edit: !is_buyers && self.chance(50),
                calls_import: !is_buyers && self.chance(30),
                settings: !is_buyers && self.chance(50),
            };
        }
        let seen = self.one(&[None, Some(model.users[user].permissions), Some(self.home[user])])?;
        Some(Op::SetUser { by: self.operator(model)?, user, wanted, seen })
    }

    fn set_policy(&mut self, model: &Model) -> Option<Op> {
        let mut wanted = if self.chance(50) { self.first_policy.clone() } else { model.policy.clone() };
        match self.rng.random_range(0..9) {
            0 => wanted.dispute_window_days = self.one(&[2, 5, 7, 12, -1])?,
            1 => wanted.disputable_statuses = STATUSES[..self.rng.random_range(0..3)].to_vec(),
            2 => wanted.decision_deadline_days = self.one(&[1, 10, 0])?,
            3 => wanted.reasons.iter_mut().for_each(|reason| reason.is_off = true),
            4 => {
                let of = self.rng.random_range(0..wanted.reasons.len());
                wanted.reasons[of].is_off ^= true;
            }
            5 => {
                let of = self.rng.random_range(0..wanted.reasons.len());
                wanted.reasons[of].needs_evidence ^= true;
            }
            6 | 7 => wanted.reply_reopens ^= true,
            _ => {}
        }
        let seen = self.one(&[None, Some(model.policy_version), Some(model.policy_version - 1)])?;
        Some(Op::SetPolicy { by: self.operator(model)?, wanted, seen })
    }

    /// Some of the newest disputes, drafts and decided ones among them, a few named twice.
    fn select(&mut self, model: &Model) -> Option<Op> {
        let number = self.one(&[1, 5, 30, 220])?;
        let mut named = Vec::new();
        for _ in 0..number {
            named.push(self.dispute(model, &[Status::Pending])?.1);
        }
        Some(Op::Select(self.manager(model)?, named))
    }

    fn start(&mut self, model: &Model) -> Option<Op> {
        let job = self.job(model)?;
        let user = if self.chance(90) { model.jobs[job].user } else { self.manager(model)? };
        let verdict = self.one(&[Verdict::Accepted, Verdict::AcceptedPartial, Verdict::Rejected])?;
        let percent = self.one(&[1, 5_000, 3_333, 9_999])?;
        let credit_percent = (verdict == Verdict::AcceptedPartial).then_some(percent);
        Some(Op::Start(user, job, Plan { verdict, credit_percent, note: "As agreed.".to_owned() }))
    }

    /// Mostly the newest job.
    fn job(&mut self, model: &Model) -> Option<usize> {
        let back = (!model.jobs.is_empty()).then(|| self.rng.random_range(0..model.jobs.len().min(4)))?;
        let back = if self.chance(70) { 0 } else { back };
        Some(model.jobs.len() - 1 - back)
    }
}

/// Whether this is a user of the buyer who may dispute its calls.
fn files_for(user: &User, buyer: usize) -> bool {
    user.buyer == Some(buyer) && user.permissions.dispute_calls
}

/// Whose request an operation is.
fn who(op: &Op) -> Option<usize> {
    match op {
        Op::File(user, ..)
        | Op::Change(user, ..)
        | Op::Discard(user, ..)
        | Op::Withdraw(user, ..)
        | Op::AddFact(user, ..)
        | Op::AddFiles(user, ..)
        | Op::Decide(user, ..)
        | Op::Reopen(user, ..)
        | Op::Write(user, ..)
        | Op::Assign(user, ..)
        | Op::Select(user, ..)
        | Op::Start(user, ..)
        | Op::SetUser { by: user, .. }
        | Op::Disable { by: user, .. }
        | Op::SetPolicy { by: user, .. }
        | Op::SetWindow { by: user, .. } => Some(*user),
        Op::Wait(_) | Op::Enter(_) | Op::Import(..) | Op::FiledBy(..) | Op::Sweep | Op::Work(_) => None,
    }
}
