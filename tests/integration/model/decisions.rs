//! What managers and messages do to a dispute: decisions, by hand and of many at once, and what undoes them.

use fairdial::db::bulk_jobs::Plan;
use fairdial::db::users::Permissions;
use fairdial::domain::decision::Verdict;
use fairdial::domain::dispute::{Side, Status};

use super::op::Entered;
use super::rules::{Answer, LONGEST, Model, say};

impl Model {
    /// Rule 10: whether the call's money or status isn't what the dispute was sent with.
    fn differs(&self, dispute: usize) -> bool {
        let (sent, now) = (&self.disputes[dispute].snapshot, &self.calls[self.disputes[dispute].call]);
        (sent.payout, sent.publisher_payout, sent.status) != (now.payout, now.publisher_payout, now.status)
    }

    pub(super) fn decide(&mut self, user: usize, place: usize, entered: &Entered) -> Answer {
        self.may(user, |held| held.disputes_edit)?;
        let dispute = self.seen(user, place)?;
        if dispute.status != Status::Pending {
            let by = dispute.decided.map(|(user, _)| self.users[user].name);
            let at = dispute.decided.map(|(_, at)| at);
            return say(format!("NotPending {{ status: {:?}, by: {by:?}, at: {at:?} }}", dispute.status));
        }
        if entered.version.is_some_and(|seen| seen != dispute.version) {
            return say(format!("Changed {{ version: {} }}", dispute.version));
        }
        if dispute.filed_by == Some(user) {
            return say("FiledBySelf");
        }
        if self.differs(place) && !entered.difference_seen {
            return say("DifferenceUnseen");
        }
        let (payout, earned) = (dispute.snapshot.payout.expect("known at Send"), dispute.snapshot.publisher_payout);
        let credit = match (entered.verdict, entered.credit) {
            (Verdict::Accepted, credit) if credit.is_none_or(|credit| credit == payout) => payout,
            (Verdict::Accepted, _) => return say("Amounts(CreditNotWhole)"),
            (Verdict::AcceptedPartial, Some(credit)) if 0 < credit && credit < payout => credit,
            (Verdict::AcceptedPartial, _) => return say("Amounts(CreditNotPartial)"),
            (Verdict::Rejected, None | Some(0)) => 0,
            (Verdict::Rejected, _) => return say("Amounts(CreditNotZero)"),
        };
        let most = if entered.verdict == Verdict::Rejected { 0 } else { earned.unwrap_or(0).max(0) };
        let clawback = entered.clawback.unwrap_or_else(|| proposed(earned, credit, payout));
        if !(0..=most).contains(&clawback) {
            return say("Amounts(ClawbackOutOfRange)");
        }
        if entered.note > LONGEST {
            return say("Amounts(NoteTooLong)");
        }
        self.settle(user, place, entered.verdict, (credit, clawback));
        Ok(1)
    }

    fn settle(&mut self, user: usize, place: usize, verdict: Verdict, (credit, clawback): (i64, i64)) {
        let now = self.now;
        let dispute = &mut self.disputes[place];
        dispute.status = match verdict {
            Verdict::Accepted => Status::Accepted,
            Verdict::AcceptedPartial => Status::AcceptedPartial,
            Verdict::Rejected => Status::Rejected,
        };
        dispute.version += 1;
        (dispute.credit, dispute.clawback, dispute.decided) = (Some(credit), Some(clawback), Some((user, now)));
        dispute.last_speaker = Side::Platform;
        if credit > 0 || clawback > 0 {
            dispute.adjustments.push((credit, clawback));
        }
        self.tell(Side::Buyer, place, user);
    }

    pub(super) fn reopen(&mut self, user: usize, dispute: usize, reason: usize) -> Answer {
        self.may(user, |held| held.disputes_edit)?;
        let (status, call) = (self.seen(user, dispute)?.status, self.disputes[dispute].call);
        match reason {
            0 => return say("ReasonMissing"),
            1..=LONGEST => {}
            _ => return say("ReasonTooLong"),
        }
        if !matches!(status, Status::Accepted | Status::AcceptedPartial | Status::Rejected) {
            return say(format!("NotDecided({status:?})"));
        }
        if let Some(other) = self.active(call, Some(dispute)) {
            return say(format!("AnotherActive({other:?})"));
        }
        self.make_pending_again(user, dispute, Side::Platform);
        Ok(1)
    }

    fn make_pending_again(&mut self, user: usize, place: usize, by: Side) {
        let due_at = self.due();
        let dispute = &mut self.disputes[place];
        (dispute.status, dispute.due_at, dispute.last_speaker) = (Status::Pending, Some(due_at), by);
        (dispute.credit, dispute.clawback, dispute.decided) = (None, None, None);
        dispute.version += 1;
        let net = dispute.net();
        if net != (0, 0) {
            dispute.adjustments.push((-net.0, -net.1));
        }
        let other = if by == Side::Buyer { Side::Platform } else { Side::Buyer };
        self.tell(other, place, user);
    }

    pub(super) fn write(&mut self, user: usize, place: usize, (length, is_note): (usize, bool)) -> Answer {
        let sees = |held: &Permissions| held.dispute_calls || held.disputes_view;
        self.may_when(user, sees, |held| held.dispute_calls || held.disputes_edit)?;
        let (status, call) = (self.seen(user, place)?.status, self.disputes[place].call);
        match length {
            _ if status == Status::Draft => return say("NotSent"),
            0 => return say("Empty"),
            1..=LONGEST => {}
            _ => return say("TooLong"),
        }
        self.disputes[place].messages += 1;
        let side = if self.users[user].buyer.is_some() { Side::Buyer } else { Side::Platform };
        if side == Side::Platform && is_note {
            return Ok(1);
        }
        self.disputes[place].last_speaker = side;
        if side == Side::Platform {
            self.tell(Side::Buyer, place, user);
            return Ok(1);
        }
        self.tell(Side::Platform, place, user);
        let snapshot = &self.disputes[place].snapshot;
        let is_open = self.now < self.window_closes(snapshot.buyer, snapshot.started_at);
        if status == Status::Rejected && self.policy.reply_reopens && is_open && self.active(call, None).is_none() {
            self.make_pending_again(user, place, Side::Buyer);
            return Ok(2);
        }
        Ok(1)
    }

    pub(super) fn assign(&mut self, user: usize, place: usize, to: Option<usize>) -> Answer {
        self.may(user, |held| held.disputes_edit)?;
        self.seen(user, place)?;
        if to.is_some_and(|to| !self.users[to].permissions.disputes_view || self.users[to].is_disabled) {
            return say("Missing");
        }
        let is_news = self.disputes[place].assignee != to;
        self.disputes[place].assignee = to;
        Ok(i64::from(is_news))
    }

    /// One batch of a job: what became of each dispute.
    pub(super) fn work(&mut self, place: usize) -> (Vec<&'static str>, i64) {
        let job = self.jobs[place].clone();
        let Some(plan) = job.plan.clone() else { return (Vec::new(), 0) };
        let items: Vec<_> = job.items.iter().skip(job.next).take(100).copied().collect();
        self.jobs[place].next += items.len();
        let user = &self.users[job.user];
        let may = !user.is_disabled && user.permissions.disputes_edit;
        let mut became = Vec::new();
        for (dispute, version) in items {
            became.push(if may { self.decide_one(job.user, dispute, version, &plan) } else { "not_allowed" });
        }
        let decided = became.iter().filter(|outcome| **outcome == "decided").count();
        (became, i64::try_from(decided).expect("few"))
    }

    fn decide_one(&mut self, user: usize, place: usize, version: i32, plan: &Plan) -> &'static str {
        match self.judged(user, place, version, plan) {
            Err(skipped) => skipped,
            Ok(money) => {
                self.settle(user, place, plan.verdict, money);
                "decided"
            }
        }
    }

    /// The credit and the clawback that a plan gives a dispute, or why it is skipped.
    pub(super) fn judged(
        &self,
        user: usize,
        place: usize,
        version: i32,
        plan: &Plan,
    ) -> Result<(i64, i64), &'static str> {
        let dispute = &self.disputes[place];
        let payout = dispute.snapshot.payout.filter(|_| dispute.status == Status::Pending).ok_or("not_pending")?;
        if dispute.version != version {
            return Err("changed");
        }
        if dispute.filed_by == Some(user) {
            return Err("filed_by_self");
        }
        if self.differs(place) {
            return Err("call_changed");
        }
        let credit = planned(plan, payout)?;
        let clawback = if credit == 0 { 0 } else { proposed(dispute.snapshot.publisher_payout, credit, payout) };
        Ok((credit, clawback))
    }
}

/// The credit that a plan for many gives for this payout.
fn planned(plan: &Plan, payout: i64) -> Result<i64, &'static str> {
    match (plan.verdict, plan.credit_percent) {
        (Verdict::AcceptedPartial, Some(hundredths)) => match half_to_even(payout * hundredths, 10_000) {
            0 => Err("credit_zero"),
            credit if credit == payout => Err("credit_whole"),
            credit => Ok(credit),
        },
        (Verdict::Accepted, _) => Ok(payout),
        _ => Ok(0),
    }
}

/// The clawback that goes with a credit.
fn proposed(earned: Option<i64>, credit: i64, payout: i64) -> i64 {
    earned.filter(|earned| *earned > 0).map_or(0, |earned| half_to_even(earned * credit, payout))
}

/// The whole number nearest to `above / below`; of two as near, the even one.
fn half_to_even(above: i64, below: i64) -> i64 {
    let low = above / below;
    let distance = |candidate: i64| (2 * (candidate * below - above).abs(), candidate % 2);
    if distance(low) <= distance(low + 1) { low } else { low + 1 }
}
