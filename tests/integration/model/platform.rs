//! The other half of the rules: calls that come in, users, policy, time, and many disputes at once.

use chrono::Duration;
use fairdial::db::bulk_jobs::Plan;
use fairdial::db::users::Permissions;
use fairdial::domain::dispute::Status;
use fairdial::domain::policy::PolicyChange;

use super::op::{CallFacts, Op, Outcome};
use super::rules::{Answer, Job, Model, fit, say};

impl Model {
    /// Does it, and says what it must come to.
    pub(super) fn apply(&mut self, op: &Op) -> Outcome {
        let answer = match op {
            Op::Wait(by) => {
                self.now += *by;
                Ok(0)
            }
            Op::Enter(user) => {
                let user = &mut self.users[*user];
                user.request = (!user.is_disabled).then_some((user.permissions, user.epoch));
                Ok(0)
            }
            Op::Import(call, facts) => return self.import(*call, facts),
            Op::File(user, call, said) => self.file(*user, *call, said),
            Op::Change(user, dispute, said) => self.change(*user, *dispute, said),
            Op::Discard(user, dispute) => self.discard(*user, *dispute),
            Op::Withdraw(user, dispute) => self.withdraw(*user, *dispute),
            Op::AddFact(user, dispute, name) => self.add_fact(*user, *dispute, name),
            Op::AddFiles(user, dispute, number) => self.add_files(*user, *dispute, *number),
            Op::Decide(user, dispute, entered) => self.decide(*user, *dispute, entered),
            Op::Reopen(user, dispute, reason) => self.reopen(*user, *dispute, *reason),
            Op::Write(user, dispute, message) => self.write(*user, *dispute, *message),
            Op::Assign(user, dispute, to) => self.assign(*user, *dispute, *to),
            Op::FiledBy(manager, dispute) => {
                self.disputes[*dispute].filed_by = Some(*manager);
                Ok(0)
            }
            Op::SetUser { by, user, wanted, seen } => self.set_user(*by, *user, *wanted, *seen),
            Op::Disable { by, user, is_disabled } => self.disable(*by, *user, *is_disabled),
            Op::SetPolicy { by, wanted, seen } => self.set_policy(*by, wanted, *seen),
            Op::SetWindow { by, buyer, days } => self.set_window(*by, *buyer, *days),
            Op::Sweep => Ok(self.sweep()),
            Op::Select(user, disputes) => self.select(*user, disputes),
            Op::Start(user, job, plan) => return self.start(*user, *job, plan),
            Op::Work(job) => {
                let (became, entries) = self.work(*job);
                let job = &self.jobs[*job];
                let is_running = job.plan.is_some() && job.next < job.items.len();
                return Outcome { answer: format!("{became:?}, more: {is_running}"), entries };
            }
        };
        Outcome::of(answer)
    }

    /// Rule 10: the buyer and the currency of a call that ever had a dispute stay.
    fn import(&mut self, place: usize, facts: &CallFacts) -> Outcome {
        let answered = |answer: &str, entries| Outcome { answer: answer.to_owned(), entries };
        let Some(call) = self.calls.get(place) else {
            self.calls.push(facts.clone());
            return answered("new", 0);
        };
        if call == facts {
            return answered("unchanged", 0);
        }
        let of_call = || self.disputes.iter().filter(|dispute| dispute.call == place && !dispute.is_gone);
        let was_sent = of_call().any(|dispute| dispute.status != Status::Draft);
        if of_call().next().is_some() && call.buyer != facts.buyer {
            return answered("failed: buyer", 0);
        }
        if of_call().next().is_some() && call.currency != facts.currency {
            return answered("failed: currency", 0);
        }
        self.calls[place] = facts.clone();
        for draft in self.disputes.iter_mut().filter(|dispute| dispute.call == place) {
            if draft.status == Status::Draft {
                draft.snapshot = facts.clone();
            }
        }
        answered("updated", i64::from(was_sent))
    }

    fn set_user(&mut self, by: usize, place: usize, wanted: Permissions, seen: Option<Permissions>) -> Answer {
        self.may(by, |held| held.settings)?;
        let user = &mut self.users[place];
        if seen.is_some_and(|seen| seen != user.permissions) {
            return say("Changed");
        }
        if by == place && !wanted.settings {
            return say("OwnSettings");
        }
        if !fit(user.buyer.is_some(), wanted) {
            return say("User(PermissionsUnfit)");
        }
        let is_news = user.permissions != wanted;
        user.permissions = wanted;
        Ok(i64::from(is_news))
    }

    fn disable(&mut self, by: usize, place: usize, is_disabled: bool) -> Answer {
        self.may(by, |held| held.settings)?;
        if by == place && is_disabled {
            return say("OwnAccount");
        }
        let user = &mut self.users[place];
        let is_news = user.is_disabled != is_disabled;
        user.is_disabled = is_disabled;
        user.epoch += i32::from(is_news);
        Ok(i64::from(is_news))
    }

    fn set_policy(&mut self, by: usize, wanted: &PolicyChange, seen: Option<i32>) -> Answer {
        match &self.users[by].request {
            None => return say("signed out"),
            Some((permissions, _)) if !permissions.settings => return say("forbidden"),
            Some(_) => {}
        }
        let mut wrong = Vec::new();
        if !(0..=3650).contains(&wanted.dispute_window_days) {
            wrong.push("dispute_window_days");
        }
        if wanted.disputable_statuses.is_empty() {
            wrong.push("disputable_status");
        }
        if wanted.reasons.iter().all(|reason| reason.is_off) {
            wrong.push("offered");
        }
        if !(1..=3650).contains(&wanted.decision_deadline_days) {
            wrong.push("decision_deadline_days");
        }
        if !wrong.is_empty() {
            return Err(format!("Policy({wrong:?})"));
        }
        self.may(by, |held| held.settings)?;
        if seen.is_some_and(|seen| seen != self.policy_version) {
            return say("Changed");
        }
        let is_news = self.policy != *wanted;
        self.policy = wanted.clone();
        self.policy_version += i32::from(is_news);
        Ok(i64::from(is_news))
    }

    fn set_window(&mut self, by: usize, buyer: usize, days: Option<i32>) -> Answer {
        self.may(by, |held| held.settings)?;
        if days.is_some_and(|days| !(0..=3650).contains(&days)) {
            return say("Buyer(WindowOutOfRange)");
        }
        let is_news = self.windows[buyer] != days;
        self.windows[buyer] = days;
        Ok(i64::from(is_news))
    }

    /// Rule 9: a Draft expires 30 days after the window. One that was saved since is kept as long as that.
    fn sweep(&mut self) -> i64 {
        let month = Duration::days(30);
        let expired: Vec<usize> = (0..self.disputes.len())
            .filter(|place| {
                let draft = &self.disputes[*place];
                let closes = self.window_closes(draft.snapshot.buyer, draft.snapshot.started_at);
                let is_old = closes + month <= self.now && draft.saved_at + month < self.now;
                draft.status == Status::Draft && !draft.is_gone && is_old
            })
            .collect();
        for place in &expired {
            self.disputes[*place].is_gone = true;
        }
        i64::try_from(expired.len()).expect("few")
    }

    fn select(&mut self, user: usize, disputes: &[usize]) -> Answer {
        match &self.users[user].request {
            None => return say("signed out"),
            Some((permissions, _)) if !permissions.disputes_edit => return say("forbidden"),
            Some(_) => {}
        }
        let mut items: Vec<(usize, i32)> = Vec::new();
        for place in disputes {
            if self.sees(user, *place) && items.iter().all(|(known, _)| known != place) {
                items.push((*place, self.disputes[*place].version));
            }
        }
        self.jobs.push(Job { user, made_at: self.now, items, plan: None, next: 0 });
        Ok(0)
    }

    /// Starts a job; the answer has what was said beforehand: how many, the credit, the clawback, how many skipped.
    fn start(&mut self, user: usize, place: usize, plan: &Plan) -> Outcome {
        let answered = |answer: &str| Outcome { answer: answer.to_owned(), entries: 0 };
        match &self.users[user].request {
            None => return answered("signed out"),
            Some((permissions, _)) if !permissions.disputes_edit => return answered("forbidden"),
            Some(_) => {}
        }
        let job = &self.jobs[place];
        if job.user != user {
            return answered("Missing");
        }
        if job.plan.is_some() {
            return answered("started before");
        }
        if self.now - job.made_at >= Duration::hours(1) {
            return answered("Expired");
        }
        let (mut count, mut sums, mut skipped) = (0, (0, 0), 0);
        for (dispute, version) in &job.items {
            match self.judged(user, *dispute, *version, plan) {
                Ok((credit, clawback)) => {
                    count += 1;
                    sums = (sums.0 + credit, sums.1 + clawback);
                }
                Err(_) => skipped += 1,
            }
        }
        self.jobs[place].plan = Some(plan.clone());
        answered(&format!("started: {count} {sums:?}, {skipped} skipped"))
    }
}
