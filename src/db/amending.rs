//! Changing a dispute piece by piece, as programs do: a Draft in any part, a Pending one by staged and sent facts.

use std::collections::BTreeMap;

use super::audit::{self, Entry};
use super::dialect::{Lock, lock};
use super::disputes::{self, DisputeRow};
use super::metadata::{self, MetadataChange};
use super::sending::{self, Files, SendError};
use super::{AnyConnection, DbError, evidence, facts};
use crate::auth::{DisputeCalls, DisputeViewer, Granted};
use crate::clock::Clock;
use crate::domain::claim::{Claim, Intent, Problem, clean_text};
use crate::domain::dispute::Status;
use crate::domain::fact;
use crate::domain::ids::{CallId, DisputeId};

/// What is to change; what isn't named stays.
#[derive(Clone, Debug, Default)]
pub struct Amendment {
    pub reason: Option<String>,
    pub additional_information: Option<String>,
    /// By name; an empty value removes one that was not sent.
    pub facts: BTreeMap<String, String>,
    pub metadata: Option<MetadataChange>,
    /// Whether what is staged is sent, where that was said.
    pub submits: Option<bool>,
}

impl Amendment {
    /// Whether only metadata changes, for which a dispute need not be open.
    fn is_metadata_alone(&self) -> bool {
        self.metadata.is_some() && !self.changes_claim() && self.submits.is_none()
    }

    fn changes_claim(&self) -> bool {
        self.reason.is_some() || self.additional_information.is_some() || !self.facts.is_empty()
    }

    fn intent(&self) -> Intent {
        if self.submits == Some(false) { Intent::Draft } else { Intent::Send }
    }
}

/// Files a dispute, or saves it as a Draft, with its metadata.
///
/// # Errors
/// As [`sending::create`], and where a fact doesn't fit.
pub fn create(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    call: CallId,
    wanted: &Amendment,
) -> Result<DisputeId, SendError> {
    let (reason, said) = (wanted.reason.as_deref(), wanted.additional_information.as_deref());
    let claim = Claim::new(reason.unwrap_or_default(), said.unwrap_or_default(), wanted.facts.clone());
    refuse_unfit(conn, None, &claim, &wanted.facts)?;
    let id = sending::create(conn, grant, clock, call, (&claim, &Files::default(), wanted.intent()))?;
    if let Some(change) = &wanted.metadata {
        let row = disputes::find(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
        metadata::begin(conn, &grant.actor(), &row, change, clock.now())?;
    }
    Ok(id)
}

/// Changes a dispute.
///
/// # Errors
/// If it isn't the viewer's, or its status doesn't allow the change; nothing is changed then.
pub fn amend(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    id: DisputeId,
    wanted: &Amendment,
) -> Result<(), SendError> {
    sending::recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    if !wanted.is_metadata_alone() {
        match dispute.status {
            Status::Draft => change_draft(conn, grant, clock, &dispute, wanted)?,
            Status::Pending => add_to_pending(conn, grant, clock, &dispute, wanted)?,
            closed => return Err(SendError::Closed(closed)),
        }
    }
    if let Some(change) = &wanted.metadata {
        let row = disputes::find(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
        metadata::change(conn, &grant.actor(), &row, change, clock.now())?;
    }
    Ok(())
}

fn change_draft(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    draft: &DisputeRow,
    wanted: &Amendment,
) -> Result<(), SendError> {
    let there = facts::list(conn, draft.id, true)?.into_iter().map(|fact| (fact.name, fact.value));
    let reason = wanted.reason.as_deref().unwrap_or(&draft.reason);
    let said = wanted.additional_information.as_deref().unwrap_or(&draft.additional_information);
    let claim = Claim::new(reason, said, there.chain(wanted.facts.clone()));
    refuse_unfit(conn, Some(draft), &claim, &wanted.facts)?;
    sending::update(conn, grant, clock, draft.id, (&claim, &Files::default(), wanted.intent()))
}

/// What was sent stays as it was sent; facts come on top, at once or together with what was staged.
fn add_to_pending(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    dispute: &DisputeRow,
    wanted: &Amendment,
) -> Result<(), SendError> {
    // Compared as it would be kept.
    let said = Claim::new(
        wanted.reason.as_deref().unwrap_or(&dispute.reason),
        wanted.additional_information.as_deref().unwrap_or(&dispute.additional_information),
        Vec::new(),
    );
    if said.reason() != dispute.reason {
        return Err(SendError::AlreadySent("reason".to_owned()));
    }
    if said.additional_information() != dispute.additional_information {
        return Err(SendError::AlreadySent("additional_information".to_owned()));
    }
    let there = facts::list(conn, dispute.id, true)?;
    let (staged, sent): (Vec<_>, Vec<_>) = there.into_iter().partition(|fact| fact.is_staged);
    // What says the same again changes nothing.
    let is_said =
        |name: &str, value: &str| sent.iter().any(|fact| fact.name == name && fact.value == clean_text(value));
    let facts: BTreeMap<_, _> =
        wanted.facts.clone().into_iter().filter(|(name, value)| !is_said(name, value)).collect();
    if let Some(name) = facts.keys().find(|name| sent.iter().any(|fact| fact.name == **name)) {
        return Err(SendError::AlreadySent(name.clone()));
    }
    let staged = staged.into_iter().map(|fact| (fact.name, fact.value));
    let new = Claim::new(&dispute.reason, "", staged.chain(facts.clone()));
    refuse_unfit(conn, Some(dispute), &new, &facts)?;
    if wanted.intent() == Intent::Send {
        facts::unstage(conn, dispute.id)?;
        return facts::add_to_sent(conn, grant, clock, dispute.id, new.facts());
    }
    facts::refuse_unfit(conn, dispute, new.facts())?;
    let now = clock.now();
    facts::stage(conn, dispute.id, new.facts(), now)?;
    // Names alone: the values are the buyer's until they are sent.
    let names: Vec<_> = new.facts().iter().map(|(name, _)| name).collect();
    let entry = Entry::of_dispute("dispute.facts_staged", dispute.id).now_is(serde_json::json!({ "staged": names }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(())
}

/// Every fact must go with the reason, and one that names a file must name a file of this dispute.
fn refuse_unfit(
    conn: &mut AnyConnection,
    dispute: Option<&DisputeRow>,
    claim: &Claim,
    wanted: &BTreeMap<String, String>,
) -> Result<(), SendError> {
    let files = match dispute {
        Some(dispute) => evidence::list(conn, dispute.id)?,
        None => Vec::new(),
    };
    let kept: Vec<&str> = claim.fitting_facts().map(|(name, _)| name).collect();
    let mut problems = Vec::new();
    for (name, value) in claim.facts().iter().filter(|(name, _)| wanted.contains_key(name)) {
        let field = format!("fact[{name}]");
        // An unknown name is told by the claim itself.
        let Some(kind) = fact::kind(name) else { continue };
        if !kept.contains(&name.as_str()) {
            let sentence = format!("{} goes with the reason {}", kind.label, kind.reasons.join(" or "));
            problems.push(Problem::new(field, sentence));
        } else if kind.is_file && !files.iter().any(|file| file.id == *value) {
            problems.push(Problem::new(field, "Add the file first, then give its id here"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(SendError::Invalid(problems)) }
}

/// Holds a dispute in the lock order, and says whether it has this version; `None` if there is none to be seen.
pub fn has_version(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    id: DisputeId,
    versions: &[i32],
) -> Result<Option<bool>, DbError> {
    lock(conn, Lock::Policy)?;
    lock(conn, Lock::User(viewer.viewer().user().number()))?;
    if let Some(buyer) = viewer.scope().buyer() {
        lock(conn, Lock::Buyer(buyer.number()))?;
    }
    let row = disputes::find_locked(conn, viewer.scope(), id)?;
    Ok(row.map(|row| versions.contains(&row.version)))
}
