//! Whose work a dispute is. Managers only: no buyer's page, file or notification tells of it.

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::schema::{disputes as table, users as people};
use super::transitions::{self, DecideError};
use super::{AnyConnection, disputes};
use crate::auth::{EditDisputes, Granted, ViewDisputes};
use crate::clock::Clock;
use crate::domain::ids::{DisputeId, UserId};

/// The managers who can be given a dispute, by name.
pub fn choices(conn: &mut AnyConnection, _manager: &Granted<ViewDisputes>) -> QueryResult<Vec<(UserId, String)>> {
    people::table
        .filter(people::disputes_view.eq(true))
        .filter(people::is_disabled.eq(false))
        .order((people::name, people::id))
        .limit(200)
        .select((people::id, people::name))
        .load(conn)
}

/// Gives a dispute to a manager who can see it, or to nobody. Its version stays: nobody's decision is held up by it.
///
/// # Errors
/// `Missing` also where there is no such manager.
pub fn assign(
    conn: &mut AnyConnection,
    grant: &Granted<EditDisputes>,
    clock: &Clock,
    id: DisputeId,
    to: Option<UserId>,
) -> Result<(), DecideError> {
    transitions::recheck(conn, grant)?;
    let dispute = disputes::find_locked(conn, grant.scope(), id)?.ok_or(DecideError::Missing)?;
    if let Some(user) = to {
        let known = people::table
            .find(user)
            .filter(people::disputes_view.eq(true))
            .filter(people::is_disabled.eq(false))
            .select(people::id)
            .first::<UserId>(conn)
            .optional()?;
        known.ok_or(DecideError::Missing)?;
    }
    if dispute.assignee_id == to {
        return Ok(());
    }
    diesel::update(table::table.find(id)).set(table::assignee_id.eq(to)).execute(conn)?;
    let entry = Entry::of_dispute("dispute.assigned", id)
        .was(serde_json::json!({ "assignee": dispute.assignee_id }))
        .now_is(serde_json::json!({ "assignee": to }));
    audit::append(conn, &grant.actor(), clock.now(), &entry)?;
    Ok(())
}
