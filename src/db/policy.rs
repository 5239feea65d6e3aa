//! The platform and its policy: one row.

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::schema::policy;
use super::{AnyConnection, DbError};
use crate::auth::Actor;
use crate::domain::Instant;
use crate::domain::call::CallStatus;
use crate::domain::policy::Policy;

/// The policy as it is now.
pub fn load(conn: &mut AnyConnection) -> Result<Policy, DbError> {
    let (platform_name, dispute_window_days, statuses, reasons, reply_reopens, decision_deadline_days, is_live): (
        String,
        i32,
        String,
        String,
        bool,
        i32,
        bool,
    ) = policy::table
        .select((
            policy::platform_name,
            policy::dispute_window_days,
            policy::disputable_statuses,
            policy::reasons,
            policy::reply_reopens,
            policy::decision_deadline_days,
            policy::is_live,
        ))
        .first(conn)?;
    Ok(Policy {
        platform_name,
        dispute_window_days,
        disputable_statuses: statuses.split(',').filter_map(CallStatus::from_code).collect(),
        reasons: serde_json::from_str(&reasons).map_err(|error| DbError::Broken(format!("policy.reasons: {error}")))?,
        reply_reopens,
        decision_deadline_days,
        is_live,
    })
}

/// Names the platform; `is_live` is false for the demo's data.
pub fn name_platform(conn: &mut AnyConnection, name: &str, is_live: bool) -> QueryResult<()> {
    diesel::update(policy::table).set((policy::platform_name.eq(name), policy::is_live.eq(is_live))).execute(conn)?;
    Ok(())
}

/// Gives the platform another name.
pub fn rename_platform(conn: &mut AnyConnection, actor: &Actor, name: &str, now: Instant) -> QueryResult<()> {
    let before: String = policy::table.select(policy::platform_name).first(conn)?;
    diesel::update(policy::table).set(policy::platform_name.eq(name)).execute(conn)?;
    let entry = Entry::new("policy.platform_renamed", "policy", &1)
        .was(serde_json::json!({ "platform_name": before }))
        .now_is(serde_json::json!({ "platform_name": name }));
    audit::append(conn, actor, now, &entry)
}
