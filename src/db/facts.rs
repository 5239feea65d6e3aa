//! Named evidence facts of a dispute.

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::dialect::on_backend;
use super::notifications::{self, Audience, Kind};
use super::outbox::{self, Topic};
use super::schema::facts;
use super::sending::{self, SendError};
use super::{AnyConnection, disputes};
use crate::auth::{DisputeCalls, Granted};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::claim::{Claim, Intent};
use crate::domain::dispute::Status;
use crate::domain::ids::DisputeId;

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
    let (policy, _) = sending::recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(SendError::Missing)?;
    if dispute.status != Status::Pending {
        return Err(SendError::Closed(dispute.status));
    }
    let there = list(conn, id, false)?;
    if let Some((name, _)) = new.iter().find(|(name, _)| there.iter().any(|fact| fact.name == *name)) {
        return Err(SendError::AlreadySent(name.clone()));
    }
    // The limits hold for the dispute as it will be; its reason may have been switched off since.
    let sent = there.into_iter().map(|fact| (fact.name, fact.value));
    let whole = Claim::new(&dispute.reason, &dispute.additional_information, sent.chain(new.iter().cloned()));
    let problems: Vec<_> =
        whole.problems(&policy, Intent::Send).into_iter().filter(|problem| problem.field != "reason").collect();
    if !problems.is_empty() {
        return Err(SendError::Invalid(problems));
    }
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
    let payload = serde_json::json!({ "dispute": id, "status": dispute.status });
    outbox::push(conn, Topic::Updated, (id, dispute.buyer_id), &payload, now)?;
    let entry = Entry::of_dispute("dispute.facts_added", id).now_is(serde_json::json!({ "facts": added }));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(())
}
