//! What the people of the walk can do. Users, buyers, calls, disputes and jobs are their places in the order they came.

use chrono::Duration;
use fairdial::db::bulk_jobs::Plan;
use fairdial::db::users::Permissions;
use fairdial::domain::Instant;
use fairdial::domain::call::CallStatus;
use fairdial::domain::decision::Verdict;
use fairdial::domain::policy::PolicyChange;

/// What a source says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallFacts {
    pub(super) buyer: usize,
    pub(super) started_at: Instant,
    pub(super) currency: &'static str,
    pub(super) payout: Option<i64>,
    pub(super) publisher_payout: Option<i64>,
    pub(super) status: CallStatus,
}

/// What somebody says of a call.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) reason: &'static str,
    /// How many characters the additional information has.
    pub(super) length: usize,
    pub(super) is_sent: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Entered {
    pub(super) verdict: Verdict,
    pub(super) credit: Option<i64>,
    pub(super) clawback: Option<i64>,
    pub(super) note: usize,
    pub(super) version: Option<i32>,
    pub(super) difference_seen: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Op {
    Wait(Duration),
    /// The user's next request: they are known with the rights they hold now.
    Enter(usize),
    Import(usize, CallFacts),
    File(usize, usize, Said),
    Change(usize, usize, Said),
    Discard(usize, usize),
    Withdraw(usize, usize),
    AddFact(usize, usize, &'static str),
    AddFiles(usize, usize, usize),
    Decide(usize, usize, Entered),
    /// With a reason of so many characters.
    Reopen(usize, usize, usize),
    Write(usize, usize, (usize, bool)),
    Assign(usize, usize, Option<usize>),
    /// A manager filed the dispute for the buyer: written past the functions, which don't do this yet.
    FiledBy(usize, usize),
    SetUser {
        by: usize,
        user: usize,
        wanted: Permissions,
        seen: Option<Permissions>,
    },
    Disable {
        by: usize,
        user: usize,
        is_disabled: bool,
    },
    SetPolicy {
        by: usize,
        wanted: PolicyChange,
        seen: Option<i32>,
    },
    SetWindow {
        by: usize,
        buyer: usize,
        days: Option<i32>,
    },
    Sweep,
    Select(usize, Vec<usize>),
    Start(usize, usize, Plan),
    Work(usize),
}

/// What came of it: the answer, and how many entries the audit log got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) answer: String,
    pub(super) entries: i64,
}

impl Outcome {
    pub(super) fn of(result: Result<i64, String>) -> Self {
        match result {
            Ok(entries) => Self { answer: "ok".to_owned(), entries },
            Err(answer) => Self { answer, entries: 0 },
        }
    }
}
