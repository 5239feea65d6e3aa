//! Named evidence facts of a dispute.

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::dialect::on_backend;
use super::disputes::DisputeRow;
use super::notifications::{self, Audience, Kind};
use super::outbox::{self, Topic};
use super::schema::facts;
use super::sending::{self, SendError};
use super::{AnyConnection, disputes, policy};
use crate::auth::{DisputeCalls, Granted};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::claim::{Claim, Intent};
use crate::domain::dispute::Status;
use crate::domain::ids::{DisputeId, FileId};

/// A fact's row. A staged one is the buyer's alone until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = facts)]
pub struct FactRow {
    pub dispute_id: DisputeId,
    pub name: String,
    pub is_staged: bool,
    pub value: String,
    pub created_at: Instant,
}

/// The facts of a dispute the viewer has found before; staged ones only where asked for.
pub fn list(conn: &mut AnyConnection, dispute: DisputeId, with_staged: bool) -> QueryResult<Vec<FactRow>> {
    let rows = facts::table.filter(facts::dispute_id.eq(dispute)).order((facts::name, facts::is_staged));
    if with_staged {
        rows.select(FactRow::as_select()).load(conn)
    } else {
        rows.filter(facts::is_staged.eq(false)).select(FactRow::as_select()).load(conn)
    }
}

/// The facts of some disputes the viewer has found before.
pub fn list_of(conn: &mut AnyConnection, disputes: &[DisputeId], with_staged: bool) -> QueryResult<Vec<FactRow>> {
    let rows = facts::table.filter(facts::dispute_id.eq_any(disputes.to_vec())).order((facts::dispute_id, facts::name));
    if with_staged {
        rows.select(FactRow::as_select()).load(conn)
    } else {
        rows.filter(facts::is_staged.eq(false)).select(FactRow::as_select()).load(conn)
    }
}

/// Keeps facts for a dispute that was sent; its buyer alone sees them until they are sent too.
pub(super) fn stage(
    conn: &mut AnyConnection,
    dispute: DisputeId,
    wanted: &[(String, String)],
    now: Instant,
) -> QueryResult<()> {
    unstage(conn, dispute)?;
    add(conn, dispute, wanted.iter().map(|(name, value)| (name.as_str(), value.as_str())), true, now)
}

/// Forgets what was staged.
pub(super) fn unstage(conn: &mut AnyConnection, dispute: DisputeId) -> QueryResult<()> {
    let staged = facts::table.filter(facts::dispute_id.eq(dispute)).filter(facts::is_staged.eq(true));
    diesel::delete(staged).execute(conn)?;
    Ok(())
}

/// Takes the facts of a Draft that name this file; gives what was taken.
pub(super) fn forget_file(conn: &mut AnyConnection, dispute: DisputeId, file: &FileId) -> QueryResult<Vec<String>> {
    let naming = facts::table.filter(facts::dispute_id.eq(dispute)).filter(facts::value.eq(file.as_str()));
    let named = naming.select(facts::name).order(facts::name).load(conn)?;
    diesel::delete(naming).execute(conn)?;
    Ok(named)
}

/// Makes these the facts of a Draft.
pub(super) fn replace<'a>(
    conn: &mut AnyConnection,
    dispute: DisputeId,
    wanted: impl Iterator<Item = (&'a str, &'a str)>,
    now: Instant,
) -> QueryResult<()> {
    diesel::delete(facts::table.filter(facts::dispute_id.eq(dispute))).execute(conn)?;
    add(conn, dispute, wanted, false, now)
}

/// Adds facts.
pub(super) fn add<'a>(
    conn: &mut AnyConnection,
    dispute: DisputeId,
    new: impl Iterator<Item = (&'a str, &'a str)>,
    is_staged: bool,
    now: Instant,
) -> QueryResult<()> {
    let rows: Vec<FactRow> = new
        .map(|(name, value)| FactRow {
            dispute_id: dispute,
            name: name.to_owned(),
            is_staged,
            value: value.to_owned(),
            created_at: now,
        })
        .collect();
    on_backend!(conn, |conn| diesel::insert_into(facts::table).values(&rows).execute(conn))?;
    Ok(())
}

/// Adds facts to a Pending dispute; nothing that was sent is changed.
///
/// # Errors
/// If it isn't the viewer's, isn't Pending, has one of these facts already, or they can't be taken.
pub fn add_to_sent(
    conn: &mut AnyConnection,
    grant: &Granted<DisputeCalls>,
    clock: &Clock,
    id: DisputeId,
    new: &[(String, String)],
) -> Result<(), SendError> {
    sending::recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    if dispute.status != Status::Pending {
        return Err(SendError::Closed(dispute.status));
    }
    if new.is_empty() {
        return Ok(());
    }
    refuse_unfit(conn, &dispute, new)?;
    let now = clock.now();
    let claim = Claim::new(&dispute.reason, "", new.iter().cloned());
    let added: serde_json::Map<_, _> =
        claim.fitting_facts().map(|(name, value)| (name.to_owned(), value.into())).collect();
    if added.is_empty() {
        return Ok(());
    }
    add(conn, id, claim.fitting_facts(), false, now)?;
    disputes::touch(conn, id, now)?;
    notifications::tell(conn, Audience::Managers, Some(grant.user()), id, (Kind::EvidenceAdded, ""), now)?;
    let payload = serde_json::json!({ "status": dispute.status });
    outbox::push(conn, Topic::Updated, (id, dispute.buyer_id), &payload, now)?;
    let entry = Entry::of_dispute("dispute.facts_added", id).now_is(serde_json::json!({ "facts": added }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(())
}

/// New facts come beside what was sent, and the limits hold for the dispute as it will be.
pub(super) fn refuse_unfit(
    conn: &mut AnyConnection,
    dispute: &DisputeRow,
    new: &[(String, String)],
) -> Result<(), SendError> {
    let there = list(conn, dispute.id, false)?;
    if let Some((name, _)) = new.iter().find(|(name, _)| there.iter().any(|fact| fact.name == *name)) {
        return Err(SendError::AlreadySent(name.clone()));
    }
    let sent = there.into_iter().map(|fact| (fact.name, fact.value));
    let whole = Claim::new(&dispute.reason, &dispute.additional_information, sent.chain(new.iter().cloned()));
    // Its reason may have been switched off since.
    let problems: Vec<_> = whole
        .problems(&policy::load(conn)?, Intent::Send)
        .into_iter()
        .filter(|problem| problem.field != "reason")
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(SendError::Invalid(problems)) }
}
