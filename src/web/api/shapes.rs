//! Disputes as programs read them, for one viewer: what a buyer may not know is left out.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::call_shape::{self, Call};
use super::schema::{Money, Time, named_facts};
use crate::auth::{DisputeViewer, Viewer};
use crate::db::disputes::DisputeRow;
use crate::db::evidence::{self, EvidenceRow};
use crate::db::facts::{self, FactRow};
use crate::db::messages::{self, MessageRow};
use crate::db::{AnyConnection, DbError, calls, metadata, policy};
use crate::domain::decision::Verdict;
use crate::domain::dispute::{Side, Status};
use crate::domain::ids::{CallId, DisputeId, MessageId};
use crate::domain::policy::Policy;

/// A buyer's claim that one call is not payable in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dispute {
    pub(super) id: String,
    /// Always `dispute`.
    object: &'static str,
    /// False on a demo.
    livemode: bool,
    pub(super) call_id: String,
    call_external_id: String,
    source: String,
    buyer_id: String,
    /// The payout when it was sent; of a draft the payout now.
    #[schema(required = true)]
    amount: Option<Money>,
    status: Status,
    /// The code of a reason; empty while a draft has none.
    #[schema(examples("caller_hung_up"))]
    reason: String,
    additional_information: String,
    /// Named facts that were sent.
    #[schema(schema_with = named_facts)]
    evidence: BTreeMap<String, String>,
    /// Named facts that were not sent yet; the buyer alone sees them.
    #[schema(schema_with = named_facts)]
    staged_evidence: BTreeMap<String, String>,
    files: Vec<File>,
    metadata: BTreeMap<String, String>,
    /// Oldest first; in lists only where expanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    messages: Option<Vec<Message>>,
    #[schema(required = true)]
    decision: Option<Decision>,
    /// Where expanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    call: Option<Call>,
    pub(super) version: i32,
    created: Time,
    updated: Time,
    #[schema(required = true)]
    submitted_at: Option<Time>,
    #[schema(required = true)]
    resolved_at: Option<Time>,
}

/// A file of a dispute.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct File {
    id: String,
    name: String,
    /// By its bytes.
    r#type: String,
    size: i64,
    sha256: String,
    created: Time,
}

/// What one side wrote to the other.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Message {
    pub(super) id: String,
    dispute_id: String,
    author_side: Side,
    author_name: String,
    message: String,
    sent_at: Time,
}

/// What the platform decided.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Decision {
    verdict: Verdict,
    credit: Money,
    note: String,
    resolved_at: Time,
    /// For managers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    clawback: Option<Money>,
}

impl From<EvidenceRow> for File {
    fn from(row: EvidenceRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            r#type: row.media_type,
            size: row.size,
            sha256: row.sha256,
            created: Time(row.created_at),
        }
    }
}

impl Message {
    /// A message as this viewer reads it: to a buyer everybody at the platform is the platform.
    fn of(dispute: DisputeId, row: MessageRow, viewer: &Viewer, policy: &Policy) -> Self {
        let is_platform = row.author_side == Side::Platform && !viewer.is_manager();
        Self {
            id: row.id.to_string(),
            dispute_id: dispute.to_string(),
            author_side: row.author_side,
            author_name: if is_platform { policy.platform_name.clone() } else { row.author_name },
            message: row.body,
            sent_at: Time(row.created_at),
        }
    }
}

/// What comes with a dispute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct With {
    pub(super) messages: bool,
    pub(super) call: bool,
}

/// The disputes of some rows the viewer has found, in their order: one query a kind, never one a row.
pub(super) fn disputes(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    rows: Vec<DisputeRow>,
    with: With,
) -> Result<Vec<Dispute>, DbError> {
    let is_manager = viewer.viewer().is_manager();
    let ids: Vec<DisputeId> = rows.iter().map(|row| row.id).collect();
    let policy = policy::load(conn)?;
    let mut facts = grouped(facts::list_of(conn, &ids, !is_manager)?, |fact| fact.dispute_id);
    let mut files = grouped(evidence::list_of(conn, &ids)?, |file| file.dispute_id);
    let threads = if with.messages { messages::threads(conn, &ids)? } else { Vec::new() };
    let mut threads = grouped(threads, |(dispute, _)| *dispute);
    let calls = if with.call { calls_of(conn, viewer, &rows)? } else { HashMap::new() };
    let dispute = |row: DisputeRow| {
        let (staged, sent) = parted(&row, facts.remove(&row.id).unwrap_or_default());
        let thread = threads.remove(&row.id).unwrap_or_default();
        let message = |(id, message)| Message::of(id, message, viewer.viewer(), &policy);
        Dispute {
            object: "dispute",
            livemode: policy.is_live,
            amount: row.payout.map(|payout| Money::new(payout, &row.currency)),
            status: row.status,
            evidence: sent,
            staged_evidence: staged,
            files: files.remove(&row.id).unwrap_or_default().into_iter().map(File::from).collect(),
            metadata: metadata::of(&row),
            messages: with.messages.then(|| thread.into_iter().map(message).collect()),
            decision: Decision::of(&row, is_manager),
            // Several disputes of a page may share a call.
            call: calls.get(&row.call_id).cloned(),
            version: row.version,
            created: Time(row.created_at),
            updated: Time(row.updated_at),
            submitted_at: row.submitted_at.map(Time),
            resolved_at: row.decided_at.map(Time),
            id: row.id.to_string(),
            call_id: row.call_id.to_string(),
            call_external_id: row.external_id,
            source: row.source,
            buyer_id: row.buyer_id.to_string(),
            reason: row.reason,
            additional_information: row.additional_information,
        }
    };
    Ok(rows.into_iter().map(dispute).collect())
}

/// The calls of some disputes, by id.
fn calls_of(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    rows: &[DisputeRow],
) -> Result<HashMap<CallId, Call>, DbError> {
    let ids: Vec<CallId> = rows.iter().map(|row| row.call_id).collect();
    let found = calls::list_of(conn, viewer.scope(), &ids)?;
    let ids: Vec<CallId> = found.iter().map(|row| row.id).collect();
    Ok(ids.into_iter().zip(call_shape::calls(conn, viewer.viewer(), found)?).collect())
}

/// One message, as this viewer reads it.
pub(super) fn message(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    (dispute, message): (DisputeId, MessageId),
) -> Result<Option<Message>, DbError> {
    let policy = policy::load(conn)?;
    let thread = messages::threads(conn, &[dispute])?;
    let found = thread.into_iter().map(|(_, row)| row).find(|row| row.id == message);
    Ok(found.map(|row| Message::of(dispute, row, viewer.viewer(), &policy)))
}

type Named = BTreeMap<String, String>;

/// Staged and sent facts. Nothing of a Draft was sent.
fn parted(row: &DisputeRow, facts: Vec<FactRow>) -> (Named, Named) {
    let (staged, sent): (Vec<_>, Vec<_>) =
        facts.into_iter().partition(|fact| fact.is_staged || row.status == Status::Draft);
    let named = |facts: Vec<FactRow>| facts.into_iter().map(|fact| (fact.name, fact.value)).collect();
    (named(staged), named(sent))
}

impl Decision {
    fn of(row: &DisputeRow, is_manager: bool) -> Option<Self> {
        Some(Self {
            verdict: Verdict::of_status(row.status)?,
            credit: Money::new(row.credit?, &row.currency),
            note: row.decision_note.clone(),
            resolved_at: Time(row.decided_at?),
            clawback: row.clawback.filter(|_| is_manager).map(|clawback| Money::new(clawback, &row.currency)),
        })
    }
}

fn grouped<T>(rows: Vec<T>, key: impl Fn(&T) -> DisputeId) -> HashMap<DisputeId, Vec<T>> {
    let mut groups: HashMap<DisputeId, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
