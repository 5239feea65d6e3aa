//! The platform and its policy: one row.

use diesel::prelude::*;

use super::administration::{self, SettingsError};
use super::audit::{self, Entry};
use super::schema::policy;
use super::{AnyConnection, DbError, dialect};
use crate::auth::{Actor, Granted, ManageSettings};
use crate::domain::Instant;
use crate::domain::call::CallStatus;
use crate::domain::policy::{Policy, PolicyChange};

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

/// What the platform is called.
pub fn platform_name(conn: &mut AnyConnection) -> QueryResult<String> {
    policy::table.select(policy::platform_name).first(conn)
}

/// Names the platform; `is_live` is false for the demo's data.
pub fn name_platform(conn: &mut AnyConnection, name: &str, is_live: bool) -> QueryResult<()> {
    diesel::update(policy::table).set((policy::platform_name.eq(name), policy::is_live.eq(is_live))).execute(conn)?;
    Ok(())
}

/// Gives the platform another name.
pub fn rename_platform(conn: &mut AnyConnection, actor: &Actor, name: &str, now: Instant) -> QueryResult<()> {
    let before = platform_name(conn)?;
    diesel::update(policy::table).set(policy::platform_name.eq(name)).execute(conn)?;
    let entry = Entry::new("policy.platform_renamed", "policy", &1)
        .was(serde_json::json!({ "platform_name": before }))
        .now_is(serde_json::json!({ "platform_name": name }));
    audit::append(conn, actor, now, &entry)
}

/// The number of the policy's state: raised by every change.
pub fn version(conn: &mut AnyConnection) -> QueryResult<i32> {
    policy::table.select(policy::version).first(conn)
}

/// Sets the policy, from now on.
///
/// # Errors
/// If it can't be like this, or somebody changed it since the manager read it; nothing is changed then.
pub fn change(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    wanted: &PolicyChange,
    seen: Option<i32>,
    now: Instant,
) -> Result<(), SettingsError> {
    let problems = wanted.problems();
    if !problems.is_empty() {
        return Err(SettingsError::Policy(problems));
    }
    dialect::lock_key(conn, "settings")?;
    // Locks the row against those who read it to send or decide, before anything else is locked.
    diesel::update(policy::table).set(policy::version.eq(policy::version + 1)).execute(conn)?;
    administration::recheck_user(conn, grant)?;
    let now_is = version(conn)?;
    if seen.is_some_and(|seen| now_is != seen.saturating_add(1)) {
        return Err(SettingsError::Changed);
    }
    let before = PolicyChange::from(load(conn)?);
    if before == *wanted {
        diesel::update(policy::table).set(policy::version.eq(policy::version - 1)).execute(conn)?;
        return Ok(());
    }
    let statuses: Vec<_> = wanted.disputable_statuses.iter().map(|status| status.code()).collect();
    let reasons = serde_json::to_string(&wanted.reasons).map_err(|error| DbError::Broken(error.to_string()))?;
    diesel::update(policy::table)
        .set((
            policy::dispute_window_days.eq(wanted.dispute_window_days),
            policy::disputable_statuses.eq(statuses.join(",")),
            policy::reasons.eq(reasons),
            policy::reply_reopens.eq(wanted.reply_reopens),
            policy::decision_deadline_days.eq(wanted.decision_deadline_days),
        ))
        .execute(conn)?;
    let entry =
        Entry::new("policy.changed", "policy", &1).was(serde_json::json!(before)).now_is(serde_json::json!(wanted));
    audit::append(conn, &grant.actor(), now, &entry)?;
    Ok(())
}
