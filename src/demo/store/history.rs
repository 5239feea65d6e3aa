//! The small world's disputes, told in the order in which everything happened, through the program's own functions.

use crate::auth::Actor;
use crate::auth::{DisputeCalls, EditDisputes, Granted};
use crate::clock::Clock;
use crate::db::evidence::StoredFile;
use crate::db::sending::{self, Files};
use crate::db::transitions::{self, DecisionInput};
use crate::db::{AnyConnection, Db, bulk, messages, users};
use crate::demo::disputes::{DemoDispute, DemoMessage};
use crate::demo::files;
use crate::demo::world::World;
use crate::domain::Instant;
use crate::domain::claim::{Claim, Intent};
use crate::domain::decision::Verdict;
use crate::domain::ids::DisputeId;
use crate::domain::money;
use crate::file_store::FileStore;

use super::{Known, StoreError, passed, refused};

/// Something that happened.
struct Event<'d> {
    at: Instant,
    dispute: usize,
    what: What<'d>,
}

enum What<'d> {
    Filed,
    Wrote(&'d DemoMessage),
    Decided,
    Withdrew,
}

/// Tells the whole history in one transaction.
pub(super) fn tell(db: &Db, store: &FileStore, world: &World, known: &Known, now: Instant) -> anyhow::Result<()> {
    let disputes: Vec<DemoDispute> = world.disputes().collect();
    let mut evidence: Vec<Vec<StoredFile>> = Vec::with_capacity(disputes.len());
    for dispute in &disputes {
        let stored = dispute
            .evidence
            .iter()
            .map(|file| store.put(&file.name, file.kind.media_type(), &files::bytes(world, dispute, file)));
        evidence.push(stored.collect::<Result<_, _>>()?);
    }
    let mut events: Vec<Event<'_>> = disputes.iter().enumerate().flat_map(events_of).collect();
    events.sort_by_key(|event| event.at);

    db.write_blocking(|conn| {
        let mut ids: Vec<Option<DisputeId>> = vec![None; disputes.len()];
        for event in &events {
            let (Some(dispute), Some(files)) = (disputes.get(event.dispute), evidence.get(event.dispute)) else {
                continue;
            };
            let clock = Clock::fixed(event.at);
            let id = ids.get(event.dispute).copied().flatten();
            match (&event.what, id) {
                (What::Filed, _) => {
                    let id = file(conn, known, &clock, dispute, files)?;
                    if let Some(slot) = ids.get_mut(event.dispute) {
                        *slot = Some(id);
                    }
                }
                (What::Wrote(message), Some(id)) => write(conn, known, &clock, id, message)?,
                (What::Decided, Some(id)) => decide(conn, known, &clock, id, dispute)?,
                (What::Withdrew, Some(id)) => {
                    let viewer = known.viewer(conn, dispute.created_by)?;
                    let grant = Granted::<DisputeCalls>::check(&viewer).ok_or_else(|| refused("no Dispute Calls"))?;
                    transitions::withdraw(conn, &grant, &clock, id).map_err(|error| passed(&error))?;
                }
                (_, None) => return Err(refused("something happened to a dispute that wasn't filed")),
            }
        }
        bulk::read_notifications_before(conn, now - chrono::Duration::days(2))?;
        for (at, user) in world.users.iter().enumerate().filter(|(_, user)| user.is_disabled) {
            let row = users::find(conn, known.user(at)?)?.ok_or_else(|| refused(&user.email))?;
            users::set_disabled(conn, &Actor::operator(), &row, true, now)?;
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(())
}

fn events_of((at, dispute): (usize, &DemoDispute)) -> Vec<Event<'_>> {
    let event = |when: Instant, what| Event { at: when, dispute: at, what };
    let mut events = vec![event(dispute.submitted_at.unwrap_or(dispute.created_at), What::Filed)];
    events.extend(dispute.messages.iter().map(|message| event(message.at, What::Wrote(message))));
    events.extend(dispute.decision.iter().map(|decision| event(decision.decided_at, What::Decided)));
    events.extend(dispute.withdrawn_at.map(|when| event(when, What::Withdrew)));
    events
}

fn file(
    conn: &mut AnyConnection,
    known: &Known,
    clock: &Clock,
    dispute: &DemoDispute,
    stored: &[StoredFile],
) -> Result<DisputeId, StoreError> {
    let viewer = known.viewer(conn, dispute.created_by)?;
    let grant = Granted::<DisputeCalls>::check(&viewer).ok_or_else(|| refused("no Dispute Calls"))?;
    let mut facts: Vec<(String, String)> =
        dispute.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    if let Some(original) = dispute.original_call {
        facts.push(("original_call_id".to_owned(), known.call(original)?.to_string()));
    }
    let by_file = dispute.evidence.iter().zip(stored);
    facts.extend(by_file.filter_map(|(file, stored)| Some((file.fact?.to_owned(), stored.id.to_string()))));
    let claim = Claim::new(dispute.reason, &dispute.additional_information, facts);
    let files = Files { received: stored.to_vec(), kept: Vec::new(), limit: 10 };
    let intent = if dispute.submitted_at.is_some() { Intent::Send } else { Intent::Draft };
    sending::create(conn, &grant, clock, known.call(dispute.call)?, (&claim, &files, intent))
        .map_err(|error| passed(&error))
}

fn write(
    conn: &mut AnyConnection,
    known: &Known,
    clock: &Clock,
    id: DisputeId,
    message: &DemoMessage,
) -> Result<(), StoreError> {
    let viewer = known.viewer(conn, message.author)?;
    let viewer = viewer.dispute_viewer().ok_or_else(|| refused("somebody wrote who may not"))?;
    messages::write(conn, &viewer, clock, id, (&message.body, message.is_internal))
        .map(drop)
        .map_err(|error| passed(&error))
}

fn decide(
    conn: &mut AnyConnection,
    known: &Known,
    clock: &Clock,
    id: DisputeId,
    dispute: &DemoDispute,
) -> Result<(), StoreError> {
    let Some(decision) = &dispute.decision else { return Ok(()) };
    let manager = known.viewer(conn, decision.decided_by)?;
    let grant = Granted::<EditDisputes>::check(&manager).ok_or_else(|| refused("somebody decided who may not"))?;
    let verdict = Verdict::from_code(decision.verdict).ok_or_else(|| refused(decision.verdict))?;
    let row = crate::db::disputes::find(conn, grant.scope(), id)?.ok_or_else(|| refused("no dispute"))?;
    let credit = match verdict {
        Verdict::AcceptedPartial => {
            Some(money::percent_of(row.payout.unwrap_or(0), decision.credit_percent.saturating_mul(100)))
        }
        Verdict::Accepted | Verdict::Rejected => None,
    };
    let input = DecisionInput {
        verdict,
        credit,
        clawback: None,
        note: decision.note.clone(),
        version: None,
        difference_seen: false,
    };
    transitions::decide(conn, &grant, clock, id, &input).map_err(|error| passed(&error))
}
