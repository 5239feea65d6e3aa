//! People who sign in.

use diesel::prelude::*;

use super::audit::{self, Entry};
use super::schema::users;
use super::{AnyConnection, DbError, database_failure, links};
use crate::auth::Actor;
use crate::auth::principal::Theme;
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, UserId};

/// A user's row.
#[derive(Clone, Debug, Queryable, Selectable, Identifiable, serde::Serialize, serde::Deserialize)]
#[diesel(table_name = users)]
#[expect(clippy::struct_excessive_bools, reason = "each permission is a column with its own CHECK")]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub name: String,
    #[serde(skip)]
    pub password_hash: Option<String>,
    pub buyer_id: Option<BuyerId>,
    pub dispute_calls: bool,
    pub disputes_view: bool,
    pub disputes_edit: bool,
    pub calls_import: bool,
    pub settings: bool,
    pub is_disabled: bool,
    pub epoch: i32,
    pub time_zone: String,
    pub theme: Theme,
    pub keyboard_shortcuts: bool,
    pub mail_notifications: bool,
    /// Whether the next Pending dispute opens after a decision.
    pub opens_next: bool,
    pub created_at: Instant,
}

/// What a user may do, as given to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = users)]
#[expect(clippy::struct_excessive_bools, reason = "each permission is a column with its own CHECK")]
pub struct Permissions {
    pub dispute_calls: bool,
    pub disputes_view: bool,
    pub disputes_edit: bool,
    pub calls_import: bool,
    pub settings: bool,
}

impl UserRow {
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        Permissions {
            dispute_calls: self.dispute_calls,
            disputes_view: self.disputes_view,
            disputes_edit: self.disputes_edit,
            calls_import: self.calls_import,
            settings: self.settings,
        }
    }
}

/// A user to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    /// Hashed; `None` until an invitation is taken up.
    pub password_hash: Option<String>,
    /// `None` for a platform manager.
    pub buyer: Option<BuyerId>,
    pub permissions: Permissions,
}

/// Why a user couldn't be added or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("there is a user with this e-mail already")]
    EmailTaken,
    #[error("an e-mail looks like name@company.example")]
    EmailUnusable,
    #[error("a name has 1 to 200 characters, all of them visible")]
    NameUnusable,
    #[error(
        "these permissions don't go together: a buyer's user can have dispute-calls alone, a manager all others, and disputes-edit needs disputes-view"
    )]
    PermissionsUnfit,
    #[error(transparent)]
    Database(DbError),
}

database_failure!(UserError);

/// How e-mails are compared: trimmed and case-blind.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether somebody can be called so.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let name = name.trim();
    (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// Whether a text looks like an e-mail address.
#[must_use]
pub fn is_email(email: &str) -> bool {
    let key = email_key(email);
    let has_shape = key.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    has_shape && key.chars().count() <= 254 && !key.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A user by id; for sessions and commands, which then build a viewer from it.
pub fn find(conn: &mut AnyConnection, id: UserId) -> QueryResult<Option<UserRow>> {
    users::table.find(id).select(UserRow::as_select()).first(conn).optional()
}

/// A user by e-mail; for signing in and commands.
pub fn find_by_email(conn: &mut AnyConnection, email: &str) -> QueryResult<Option<UserRow>> {
    users::table.filter(users::email_key.eq(email_key(email))).select(UserRow::as_select()).first(conn).optional()
}

/// Every user, by e-mail.
pub fn list(conn: &mut AnyConnection) -> QueryResult<Vec<UserRow>> {
    users::table.order(users::email_key).select(UserRow::as_select()).load(conn)
}

/// Whether there is any user yet.
pub fn is_anyone_there(conn: &mut AnyConnection) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(conn)
}

/// Adds a user.
///
/// # Errors
/// If the e-mail is taken or unusable, or the permissions don't fit the role.
pub fn insert(conn: &mut AnyConnection, actor: &Actor, new: &NewUser, now: Instant) -> Result<UserId, UserError> {
    let (email, key) = (new.email.trim(), email_key(&new.email));
    if !is_email(email) {
        return Err(UserError::EmailUnusable);
    }
    if !is_name(&new.name) {
        return Err(UserError::NameUnusable);
    }
    check_permissions(new.buyer.is_some(), new.permissions)?;
    if find_by_email(conn, &key)?.is_some() {
        return Err(UserError::EmailTaken);
    }
    let id = UserId::generate();
    diesel::insert_into(users::table)
        .values((
            (users::id.eq(id), users::email.eq(email), users::email_key.eq(&key), users::name.eq(new.name.trim())),
            (users::password_hash.eq(new.password_hash.as_deref()), users::buyer_id.eq(new.buyer)),
            users::role.eq(if new.buyer.is_some() { "buyer" } else { "manager" }),
            (
                users::dispute_calls.eq(new.permissions.dispute_calls),
                users::disputes_view.eq(new.permissions.disputes_view),
                users::disputes_edit.eq(new.permissions.disputes_edit),
                users::calls_import.eq(new.permissions.calls_import),
                users::settings.eq(new.permissions.settings),
            ),
            users::created_at.eq(now),
        ))
        .execute(conn)?;
    let added = serde_json::json!({ "email": email, "name": new.name.trim(), "buyer": new.buyer, "permissions": new.permissions });
    audit::append(conn, actor, now, &Entry::new("user.added", "user", &id).now_is(added))?;
    Ok(id)
}

/// Whether the permissions fit a buyer's user, or else a manager.
///
/// # Errors
/// If they don't.
pub fn check_permissions(is_buyers: bool, permissions: Permissions) -> Result<(), UserError> {
    let Permissions { dispute_calls, disputes_view, disputes_edit, calls_import, settings } = permissions;
    let fits = if is_buyers {
        !disputes_view && !disputes_edit && !calls_import && !settings
    } else {
        !dispute_calls && (disputes_view || !disputes_edit)
    };
    if fits { Ok(()) } else { Err(UserError::PermissionsUnfit) }
}

/// Gives a user exactly these permissions, from their next request on.
///
/// # Errors
/// If they don't fit the role.
pub fn set_permissions(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: &UserRow,
    wanted: Permissions,
    now: Instant,
) -> Result<(), UserError> {
    check_permissions(user.buyer_id.is_some(), wanted)?;
    if wanted == user.permissions() {
        return Ok(());
    }
    diesel::update(users::table.find(user.id)).set(&wanted).execute(conn)?;
    let entry = Entry::new("user.permissions_changed", "user", &user.id)
        .was(serde_json::json!(user.permissions()))
        .now_is(serde_json::json!(wanted));
    audit::append(conn, actor, now, &entry)?;
    Ok(())
}

/// Gives a user another name or e-mail.
///
/// # Errors
/// If the e-mail is taken or unusable, or the name is.
pub fn set_identity(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: &UserRow,
    (name, email): (&str, &str),
    now: Instant,
) -> Result<(), UserError> {
    let (name, email) = (name.trim(), email.trim());
    if !is_name(name) {
        return Err(UserError::NameUnusable);
    }
    if !is_email(email) {
        return Err(UserError::EmailUnusable);
    }
    if (name, email) == (user.name.as_str(), user.email.as_str()) {
        return Ok(());
    }
    if find_by_email(conn, email)?.is_some_and(|other| other.id != user.id) {
        return Err(UserError::EmailTaken);
    }
    diesel::update(users::table.find(user.id))
        .set((users::name.eq(name), users::email.eq(email), users::email_key.eq(email_key(email))))
        .execute(conn)?;
    let entry = Entry::new("user.identity_changed", "user", &user.id)
        .was(serde_json::json!({ "name": user.name, "email": user.email }))
        .now_is(serde_json::json!({ "name": name, "email": email }));
    audit::append(conn, actor, now, &entry)?;
    Ok(())
}

/// Disables or enables a user; a disabled user's sessions are dead at once.
pub fn set_disabled(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: &UserRow,
    is_disabled: bool,
    now: Instant,
) -> QueryResult<()> {
    if user.is_disabled == is_disabled {
        return Ok(());
    }
    diesel::update(users::table.find(user.id))
        .set((users::is_disabled.eq(is_disabled), users::epoch.eq(users::epoch + 1)))
        .execute(conn)?;
    let action = if is_disabled { "user.disabled" } else { "user.enabled" };
    audit::append(conn, actor, now, &Entry::new(action, "user", &user.id))
}

/// Sets a new password; every session of the user and every link sent to them is dead at once.
pub fn set_password(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: UserId,
    hash: &str,
    now: Instant,
) -> QueryResult<i32> {
    diesel::update(users::table.find(user))
        .set((users::password_hash.eq(hash), users::epoch.eq(users::epoch + 1)))
        .execute(conn)?;
    links::forget_of(conn, user)?;
    audit::append(conn, actor, now, &Entry::new("user.password_changed", "user", &user))?;
    users::table.find(user).select(users::epoch).first(conn)
}

/// Keeps when a user signed in last.
pub fn signed_in(conn: &mut AnyConnection, user: UserId, at: Instant) -> QueryResult<()> {
    diesel::update(users::table.find(user)).set(users::last_signed_in_at.eq(at)).execute(conn)?;
    Ok(())
}

/// Ends every session of a user; gives the epoch that new sessions carry.
pub fn end_sessions(conn: &mut AnyConnection, actor: &Actor, user: UserId, now: Instant) -> QueryResult<i32> {
    diesel::update(users::table.find(user)).set(users::epoch.eq(users::epoch + 1)).execute(conn)?;
    audit::append(conn, actor, now, &Entry::new("user.signed_out_everywhere", "user", &user))?;
    users::table.find(user).select(users::epoch).first(conn)
}

/// What a person sets for themselves.
#[derive(Clone, Debug, PartialEq, Eq, AsChangeset, serde::Serialize)]
#[diesel(table_name = users)]
pub struct Preferences {
    pub name: String,
    pub time_zone: String,
    pub theme: Theme,
    pub keyboard_shortcuts: bool,
    pub mail_notifications: bool,
    pub opens_next: bool,
}

impl UserRow {
    /// What the person has set for themselves.
    #[must_use]
    pub fn preferences(&self) -> Preferences {
        Preferences {
            name: self.name.clone(),
            time_zone: self.time_zone.clone(),
            theme: self.theme,
            keyboard_shortcuts: self.keyboard_shortcuts,
            mail_notifications: self.mail_notifications,
            opens_next: self.opens_next,
        }
    }
}

/// Keeps what a person sets for themselves.
pub fn set_preferences(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: &UserRow,
    wanted: &Preferences,
    now: Instant,
) -> QueryResult<()> {
    let before = user.preferences();
    if before == *wanted {
        return Ok(());
    }
    diesel::update(users::table.find(user.id)).set(wanted).execute(conn)?;
    let entry = Entry::new("user.preferences_changed", "user", &user.id)
        .was(serde_json::json!(before))
        .now_is(serde_json::json!(wanted));
    audit::append(conn, actor, now, &entry)
}
