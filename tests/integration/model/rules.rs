//! The rules of the domain once more, as plain lists in memory: what each operation must come to.

use chrono::Duration;
use fairdial::db::bulk_jobs::Plan;
use fairdial::db::users::Permissions;
use fairdial::domain::Instant;
use fairdial::domain::call::CallStatus;
use fairdial::domain::dispute::{Side, Status};
use fairdial::domain::policy::PolicyChange;

use super::op::{CallFacts, Said};

/// Most characters of any text, and most files of a dispute here.
pub(super) const LONGEST: usize = 5_000;
pub(super) const MOST_FILES: usize = 2;

#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) name: &'static str,
    /// `None` for a manager.
    pub(super) buyer: Option<usize>,
    pub(super) permissions: Permissions,
    pub(super) is_disabled: bool,
    pub(super) epoch: i32,
    /// The rights and epoch of the last request.
    pub(super) request: Option<(Permissions, i32)>,
    /// How often they were told something.
    pub(super) told: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Dispute {
    pub(super) call: usize,
    pub(super) status: Status,
    pub(super) reason: &'static str,
    pub(super) version: i32,
    /// The call as it was when this was last saved as a Draft, or sent.
    pub(super) snapshot: CallFacts,
    pub(super) credit: Option<i64>,
    pub(super) clawback: Option<i64>,
    pub(super) decided: Option<(usize, Instant)>,
    pub(super) filed_by: Option<usize>,
    pub(super) assignee: Option<usize>,
    pub(super) due_at: Option<Instant>,
    pub(super) adjustments: Vec<(i64, i64)>,
    pub(super) messages: i64,
    pub(super) facts: Vec<&'static str>,
    pub(super) files: usize,
    pub(super) last_speaker: Side,
    pub(super) saved_at: Instant,
    pub(super) is_gone: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) user: usize,
    pub(super) made_at: Instant,
    pub(super) items: Vec<(usize, i32)>,
    pub(super) plan: Option<Plan>,
    pub(super) next: usize,
}

pub(super) struct Model {
    pub(super) now: Instant,
    pub(super) policy: PolicyChange,
    pub(super) policy_version: i32,
    pub(super) windows: Vec<Option<i32>>,
    pub(super) users: Vec<User>,
    pub(super) calls: Vec<CallFacts>,
    pub(super) disputes: Vec<Dispute>,
    pub(super) jobs: Vec<Job>,
}

pub(super) type Answer = Result<i64, String>;

pub(super) fn say<T>(why: impl Into<String>) -> Result<T, String> {
    Err(why.into())
}

impl Model {
    /// Who asks holds the permission in their request, and still holds it when it is done.
    pub(super) fn may(&self, user: usize, holds: fn(&Permissions) -> bool) -> Result<(), String> {
        self.may_when(user, holds, holds)
    }

    pub(super) fn may_when(
        &self,
        user: usize,
        asked: fn(&Permissions) -> bool,
        done: fn(&Permissions) -> bool,
    ) -> Result<(), String> {
        let user = &self.users[user];
        let Some((permissions, epoch)) = &user.request else { return say("signed out") };
        if !asked(permissions) {
            return say("forbidden");
        }
        let is_same = !user.is_disabled && user.epoch == *epoch && done(&user.permissions);
        if is_same { Ok(()) } else { say("NotAllowed") }
    }

    pub(super) fn sees(&self, user: usize, dispute: usize) -> bool {
        let dispute = &self.disputes[dispute];
        let owner = dispute.snapshot.buyer;
        !dispute.is_gone && self.users[user].buyer.map_or(dispute.status != Status::Draft, |buyer| buyer == owner)
    }

    pub(super) fn seen(&self, user: usize, dispute: usize) -> Result<&Dispute, String> {
        if self.sees(user, dispute) { Ok(&self.disputes[dispute]) } else { say("Missing") }
    }

    pub(super) fn window_closes(&self, buyer: usize, started_at: Instant) -> Instant {
        started_at + Duration::days(i64::from(self.windows[buyer].unwrap_or(self.policy.dispute_window_days)))
    }

    pub(super) fn active(&self, call: usize, but: Option<usize>) -> Option<Status> {
        let ended = [Status::Rejected, Status::Withdrawn];
        let of_call = |(place, dispute): &(usize, &Dispute)| {
            dispute.call == call && !dispute.is_gone && Some(*place) != but && !ended.contains(&dispute.status)
        };
        self.disputes.iter().enumerate().rev().find(of_call).map(|(_, dispute)| dispute.status)
    }

    /// Rule 1, and rule 9 for a Draft.
    fn check(&self, call: usize, own: Option<usize>, said: &Said, files: usize) -> Result<(), String> {
        let (facts, active) = (&self.calls[call], self.active(call, own));
        let closes = self.window_closes(facts.buyer, facts.started_at);
        if said.is_sent && !self.policy.disputable_statuses.contains(&facts.status) {
            return say(format!("Refused(StatusNotDisputable({:?}))", facts.status));
        }
        match (active, facts.payout) {
            (Some(status), _) => return say(format!("Refused(AlreadyDisputed({status:?}))")),
            _ if !said.is_sent => {}
            _ if self.now >= closes => return say(format!("Refused(WindowClosed({closes:?}))")),
            (_, None) => return say("Refused(PayoutUnknown)"),
            (_, Some(..=0)) => return say("Refused(PayoutZero)"),
            _ => {}
        }
        let reason = self.policy.reasons.iter().find(|reason| reason.code == said.reason && !reason.is_off);
        let mut wrong = Vec::new();
        if reason.is_none() && (said.is_sent || !said.reason.is_empty()) {
            wrong.push("reason");
        }
        if said.length > LONGEST {
            wrong.push("additional_information");
        }
        if wrong.is_empty() && said.is_sent && files == 0 && reason.is_some_and(|reason| reason.needs_evidence) {
            wrong.push("evidence");
        }
        if wrong.is_empty() { Ok(()) } else { say(format!("Invalid({wrong:?})")) }
    }

    pub(super) fn file(&mut self, user: usize, call: usize, said: &Said) -> Answer {
        self.may(user, |held| held.dispute_calls)?;
        if Some(self.calls[call].buyer) != self.users[user].buyer {
            return say("Missing");
        }
        self.check(call, None, said, 0)?;
        self.disputes.push(Dispute {
            call,
            status: Status::Draft,
            reason: said.reason,
            version: 1,
            snapshot: self.calls[call].clone(),
            credit: None,
            clawback: None,
            decided: None,
            filed_by: None,
            assignee: None,
            due_at: None,
            adjustments: Vec::new(),
            messages: 0,
            facts: Vec::new(),
            files: 0,
            last_speaker: Side::Buyer,
            saved_at: self.now,
            is_gone: false,
        });
        self.send_if_said(user, self.disputes.len() - 1, said);
        Ok(1)
    }

    pub(super) fn change(&mut self, user: usize, dispute: usize, said: &Said) -> Answer {
        self.may(user, |held| held.dispute_calls)?;
        let (call, files) = (self.seen(user, dispute)?.call, self.disputes[dispute].files);
        self.still(dispute, &[Status::Draft])?;
        self.check(call, Some(dispute), said, files)?;
        let (facts, now) = (self.calls[call].clone(), self.now);
        let draft = &mut self.disputes[dispute];
        (draft.reason, draft.snapshot, draft.saved_at) = (said.reason, facts, now);
        draft.version += 1;
        self.send_if_said(user, dispute, said);
        Ok(1)
    }

    fn send_if_said(&mut self, user: usize, dispute: usize, said: &Said) {
        if said.is_sent {
            self.disputes[dispute].status = Status::Pending;
            self.disputes[dispute].due_at = Some(self.due());
            self.tell(Side::Platform, dispute, user);
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.now + Duration::days(i64::from(self.policy.decision_deadline_days))
    }

    /// Everybody of a side who may see it is told, but whoever did it.
    pub(super) fn tell(&mut self, side: Side, dispute: usize, but: usize) {
        let owner = self.disputes[dispute].snapshot.buyer;
        for (place, user) in self.users.iter_mut().enumerate() {
            let hears = match side {
                Side::Platform => user.permissions.disputes_view,
                Side::Buyer => user.buyer == Some(owner) && user.permissions.dispute_calls,
            };
            user.told += i64::from(hears && place != but && !user.is_disabled);
        }
    }

    fn still(&self, dispute: usize, wanted: &[Status]) -> Result<(), String> {
        let status = self.disputes[dispute].status;
        if wanted.contains(&status) { Ok(()) } else { say(format!("Closed({status:?})")) }
    }

    pub(super) fn discard(&mut self, user: usize, dispute: usize) -> Answer {
        self.may(user, |held| held.dispute_calls)?;
        self.seen(user, dispute)?;
        self.still(dispute, &[Status::Draft])?;
        self.disputes[dispute].is_gone = true;
        Ok(1)
    }

    pub(super) fn withdraw(&mut self, user: usize, dispute: usize) -> Answer {
        self.may(user, |held| held.dispute_calls)?;
        self.seen(user, dispute)?;
        self.still(dispute, &[Status::Pending])?;
        self.disputes[dispute].status = Status::Withdrawn;
        self.disputes[dispute].version += 1;
        self.tell(Side::Platform, dispute, user);
        Ok(1)
    }

    pub(super) fn add_fact(&mut self, user: usize, dispute: usize, name: &'static str) -> Answer {
        self.may(user, |held| held.dispute_calls)?;
        self.seen(user, dispute)?;
        self.still(dispute, &[Status::Pending])?;
        if self.disputes[dispute].facts.contains(&name) {
            return say(format!("AlreadySent({name:?})"));
        }
        self.disputes[dispute].facts.push(name);
        self.disputes[dispute].version += 1;
        self.tell(Side::Platform, dispute, user);
        Ok(1)
    }

    pub(super) fn add_files(&mut self, user: usize, dispute: usize, number: usize) -> Answer {
        self.may(user, |held| held.dispute_calls)?;
        self.seen(user, dispute)?;
        self.still(dispute, &[Status::Draft, Status::Pending])?;
        if self.disputes[dispute].files + number > MOST_FILES {
            return say(format!("TooManyFiles {{ limit: {MOST_FILES} }}"));
        }
        self.disputes[dispute].files += number;
        self.disputes[dispute].version += 1;
        if self.disputes[dispute].status == Status::Pending {
            self.tell(Side::Platform, dispute, user);
        }
        Ok(i64::try_from(number).expect("few"))
    }
}

impl Dispute {
    /// What all its adjustments come to.
    pub(super) fn net(&self) -> (i64, i64) {
        self.adjustments.iter().fold((0, 0), |net, row| (net.0 + row.0, net.1 + row.1))
    }
}

/// Whether these permissions go together.
pub(super) fn fit(is_buyers: bool, held: Permissions) -> bool {
    let of_a_manager = [held.disputes_view, held.disputes_edit, held.calls_import, held.settings];
    if is_buyers {
        of_a_manager == [false; 4]
    } else {
        !held.dispute_calls && (held.disputes_view || !held.disputes_edit)
    }
}

/// The two statuses of a call that can be disputed unless the policy says otherwise come first.
pub(super) const STATUSES: [CallStatus; 4] = [
    CallStatus::CompletedWithConversion,
    CallStatus::NotConnectedWithConversion,
    CallStatus::CompletedWithoutConversion,
    CallStatus::Failed,
];
