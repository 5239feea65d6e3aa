//! What both sides write to each other, and the managers' internal notes.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::dialect::{Lock, lock};
use super::notifications::{self, Audience, Kind};
use super::outbox::{self, Topic};
use super::schema::{disputes as table, messages, users as people};
use super::{AnyConnection, DbError, calls, counters, database_failure, disputes, policy, sending, transitions, users};
use crate::auth::{DisputeViewer, EditDisputes, Granted, Viewer};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::dispute::{Side, Status};
use crate::domain::fact::MAX_TEXT;
use crate::domain::ids::{DisputeId, MessageId, UserId};

/// A message with its author's name.
#[derive(Clone, Debug, Queryable)]
pub struct MessageRow {
    pub id: MessageId,
    pub author_id: UserId,
    pub author_name: String,
    pub author_side: Side,
    pub is_internal: bool,
    pub body: String,
    pub created_at: Instant,
}

/// Why a message could not be written.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("no such dispute")]
    Missing,
    #[error("the permission to reply is missing")]
    NotAllowed,
    #[error("a Draft has no messages")]
    NotSent,
    #[error("Write a message")]
    Empty,
    #[error("A message has at most 5,000 characters")]
    TooLong,
    #[error(transparent)]
    Database(DbError),
}

database_failure!(MessageError);

/// Messages of a dispute that the viewer has found before, oldest first; notes only for the platform's side.
pub fn list(conn: &mut AnyConnection, viewer: &DisputeViewer, dispute: DisputeId) -> QueryResult<Vec<MessageRow>> {
    let rows = messages::table
        .inner_join(people::table)
        .filter(messages::dispute_id.eq(dispute))
        .order((messages::created_at, messages::id))
        .select((
            messages::id,
            messages::author_id,
            people::name,
            messages::author_side,
            messages::is_internal,
            messages::body,
            messages::created_at,
        ));
    match viewer.viewer().side() {
        Side::Platform => rows.load(conn),
        Side::Buyer => rows.filter(messages::is_internal.eq(false)).load(conn),
    }
}

/// What both sides wrote to each other in some disputes the viewer has found before, oldest first; never a note.
pub fn threads(conn: &mut AnyConnection, disputes: &[DisputeId]) -> QueryResult<Vec<(DisputeId, MessageRow)>> {
    let row = (
        messages::id,
        messages::author_id,
        people::name,
        messages::author_side,
        messages::is_internal,
        messages::body,
        messages::created_at,
    );
    messages::table
        .inner_join(people::table)
        .filter(messages::dispute_id.eq_any(disputes.to_vec()))
        .filter(messages::is_internal.eq(false))
        .order((messages::dispute_id, messages::created_at, messages::id))
        .select((messages::dispute_id, row))
        .load(conn)
}

/// Writes a message, or an internal note; a buyer's reply may reopen a Rejected dispute (rule 11).
///
/// # Errors
/// If the dispute isn't the viewer's to write to, or the text is empty or too long.
pub fn write(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    clock: &Clock,
    id: DisputeId,
    (body, is_note): (&str, bool),
) -> Result<MessageId, MessageError> {
    let policy = recheck(conn, viewer)?;
    let dispute = disputes::find_locked(conn, viewer.scope(), id)?.ok_or(MessageError::Missing)?;
    let (side, author, now) = (viewer.viewer().side(), viewer.viewer().user(), clock.now());
    let is_note = is_note && side == Side::Platform;
    match body.chars().count() {
        _ if dispute.status == Status::Draft => return Err(MessageError::NotSent),
        0 => return Err(MessageError::Empty),
        count if count > MAX_TEXT => return Err(MessageError::TooLong),
        _ => {}
    }
    let message = MessageId::generate();
    diesel::insert_into(messages::table)
        .values((
            messages::id.eq(message),
            messages::dispute_id.eq(id),
            messages::author_id.eq(author),
            messages::author_side.eq(side),
            messages::is_internal.eq(is_note),
            messages::body.eq(body),
            messages::created_at.eq(now),
        ))
        .execute(conn)?;
    if !is_note {
        diesel::update(table::table.find(id))
            .set((table::last_speaker.eq(side), table::updated_at.eq(now)))
            .execute(conn)?;
        let audience = match side {
            Side::Buyer => Audience::Managers,
            Side::Platform => Audience::Buyer(dispute.buyer_id),
        };
        let beginning: String = body.chars().take(120).collect();
        notifications::tell(conn, audience, Some(author), id, (Kind::MessageWritten, &beginning), now)?;
        let payload = serde_json::json!({ "message_id": message, "author_side": side });
        outbox::push(conn, Topic::Message, (id, dispute.buyer_id), &payload, now)?;
    }
    let action = if is_note { "note.written" } else { "message.written" };
    let entry = Entry::new(action, "message", &message).under(id).now_is(serde_json::json!({ "body": body }));
    let actor = viewer.viewer().actor();
    let reopens = side == Side::Buyer && dispute.status == Status::Rejected && policy.reply_reopens && {
        let window = sending::window_of(conn, &policy, dispute.buyer_id, dispute.call_started_at)?;
        window.is_open(now) && calls::active_dispute(conn, dispute.call_id)?.is_none()
    };
    if reopens {
        counters::hold(conn, &BTreeSet::from([dispute.buyer_id]))?;
    }
    audit::append(conn, &actor, now, &entry)?;
    if reopens {
        transitions::make_pending_again(conn, &actor, &dispute, author, (Side::Buyer, "The buyer replied"), now)?;
    }
    Ok(message)
}

/// Asks again, under locks: a buyer's user needs Dispute Calls, a manager needs Edit.
fn recheck(conn: &mut AnyConnection, viewer: &DisputeViewer) -> Result<crate::domain::policy::Policy, MessageError> {
    lock(conn, Lock::Policy)?;
    lock(conn, Lock::User(viewer.viewer().user().number()))?;
    let row = users::find(conn, viewer.viewer().user())?.ok_or(MessageError::NotAllowed)?;
    let is_current = row.epoch == viewer.viewer().profile().epoch;
    let now = Viewer::from_row(&row, viewer.viewer().actor().origin)
        .filter(|_| is_current)
        .ok_or(MessageError::NotAllowed)?;
    let may = match &now {
        Viewer::Buyer(buyer) => buyer.may_dispute_calls(),
        Viewer::Manager(_) => Granted::<EditDisputes>::check(&now).is_some(),
    };
    if may { Ok(policy::load(conn)?) } else { Err(MessageError::NotAllowed) }
}
