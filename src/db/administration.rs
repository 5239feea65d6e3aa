//! What a manager with Settings does to users: each write asks again, under a lock, whether they still may.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::buyers::BuyerError;
use super::dialect::{self, Lock, lock};
use super::paging::{Listed, Place};
use super::schema::users;
use super::users::{self as people, NewUser, Permissions, UserError, UserRow};
use super::{AnyConnection, Backend, DbError, aliases, database_failure, links};
use crate::auth::{Granted, ManageSettings, Viewer};
use crate::domain::Instant;
use crate::domain::claim::Problem;
use crate::domain::ids::{BuyerId, UserId};

/// Why a setting couldn't be changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("no such thing")]
    Missing,
    #[error("the permission to change settings is missing")]
    NotAllowed,
    /// Whoever locks themselves out needs somebody else to let them in again.
    #[error("you can\u{2019}t disable yourself: another manager with Settings can")]
    OwnAccount,
    #[error("you can\u{2019}t take Settings from yourself: another manager with Settings can")]
    OwnSettings,
    #[error("somebody else changed this meanwhile")]
    Changed,
    #[error("the user is disabled: enable them first")]
    Disabled,
    #[error("at least one manager needs Settings")]
    LastSettings,
    #[error(transparent)]
    User(UserError),
    #[error(transparent)]
    Buyer(BuyerError),
    #[error("{0}")]
    Alias(&'static str),
    #[error("the policy can't be like this")]
    Policy(Vec<Problem>),
    #[error(transparent)]
    Database(DbError),
}

database_failure!(SettingsError);

impl From<UserError> for SettingsError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Database(error) => Self::Database(error),
            refused => Self::User(refused),
        }
    }
}

impl From<BuyerError> for SettingsError {
    fn from(error: BuyerError) -> Self {
        match error {
            BuyerError::Database(error) => Self::Database(error),
            refused => Self::Buyer(refused),
        }
    }
}

impl From<aliases::AliasError> for SettingsError {
    fn from(error: aliases::AliasError) -> Self {
        match error {
            aliases::AliasError::Database(error) => Self::Database(error),
            aliases::AliasError::Unusable => Self::Alias("Write a name of 1 to 200 characters"),
        }
    }
}

/// Asks again, under a lock, whether the manager may change settings. One such change at a time: two managers who
/// take each other's rights away meet here.
pub(super) fn recheck(conn: &mut AnyConnection, grant: &Granted<ManageSettings>) -> Result<(), SettingsError> {
    dialect::lock_key(conn, "settings")?;
    lock(conn, Lock::Policy)?;
    recheck_user(conn, grant)
}

/// The same once the policy is locked.
pub(super) fn recheck_user(conn: &mut AnyConnection, grant: &Granted<ManageSettings>) -> Result<(), SettingsError> {
    lock(conn, Lock::User(grant.user().number()))?;
    let row = people::find(conn, grant.user())?.ok_or(SettingsError::NotAllowed)?;
    let is_current = row.epoch == grant.viewer().profile().epoch;
    let viewer = Viewer::from_row(&row, grant.actor().origin).filter(|_| is_current);
    viewer.and_then(|viewer| Granted::<ManageSettings>::check(&viewer)).map(drop).ok_or(SettingsError::NotAllowed)
}

/// A user as the list has them.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserLine {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub buyer_id: Option<BuyerId>,
    #[diesel(embed)]
    pub permissions: Permissions,
    pub is_disabled: bool,
    pub last_signed_in_at: Option<Instant>,
}

/// Whose users are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    Platform,
    Buyer(BuyerId),
}

/// Which users are listed.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// A part of the name or the e-mail.
    pub search: Option<String>,
    pub company: Option<Company>,
}

diesel::define_sql_function! {
    /// Lower case, as the database knows it.
    fn lower(text: Text) -> Text;
}

fn matching<'a>(filter: &UserFilter) -> users::BoxedQuery<'a, Backend> {
    let mut query = users::table.into_boxed::<Backend>();
    if let Some(search) = &filter.search {
        let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = format!("%{escaped}%");
        query = query.filter(
            lower(users::name).like(pattern.clone()).escape('\\').or(users::email_key.like(pattern).escape('\\')),
        );
    }
    match filter.company {
        Some(Company::Platform) => query.filter(users::buyer_id.is_null()),
        Some(Company::Buyer(buyer)) => query.filter(users::buyer_id.eq(buyer)),
        None => query,
    }
}

/// One page of users by name.
pub fn users(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    filter: &UserFilter,
    (place, per_page): (Place<UserId>, i64),
) -> QueryResult<Listed<UserLine>> {
    let beside: Option<(String, UserId)> = match place.row() {
        Some(id) => users::table.find(id).select((users::name, users::id)).first(conn).optional()?,
        None => None,
    };
    let mut query = matching(filter);
    query = match (beside, place.is_backwards()) {
        (None, _) => query,
        (Some((name, id)), false) => {
            query.filter(users::name.gt(name.clone()).or(users::name.eq(name).and(users::id.gt(id))))
        }
        (Some((name, id)), true) => {
            query.filter(users::name.lt(name.clone()).or(users::name.eq(name).and(users::id.lt(id))))
        }
    };
    query = if place.is_backwards() {
        query.order((users::name.desc(), users::id.desc()))
    } else {
        query.order((users::name.asc(), users::id.asc()))
    };
    let rows = query.limit(per_page.saturating_add(1)).select(UserLine::as_select()).load(conn)?;
    Ok(Listed::cut(rows, usize::try_from(per_page).unwrap_or(usize::MAX), &place, false))
}

/// How many users match.
pub fn count_users(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    filter: &UserFilter,
) -> QueryResult<i64> {
    matching(filter).count().get_result(conn)
}

/// Adds a user who chooses a password by the link; gives the user and the link's token, which is never to be had again.
///
/// # Errors
/// If the e-mail is taken, or anything doesn't fit.
pub fn invite(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    new: &NewUser,
    now: Instant,
) -> Result<(UserId, String), SettingsError> {
    recheck(conn, grant)?;
    let actor = grant.actor();
    let id = people::insert(conn, &actor, new, now)?;
    let token = links::invite(conn, &actor, id, now)?;
    Ok((id, token))
}

/// A new link by which a user chooses a password; gives its token. The old password holds until it is used.
///
/// # Errors
/// If there is no such user, or they are disabled.
pub fn make_link(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: UserId,
    now: Instant,
) -> Result<String, SettingsError> {
    recheck(conn, grant)?;
    let user = people::find(conn, id)?.ok_or(SettingsError::Missing)?;
    if user.is_disabled {
        return Err(SettingsError::Disabled);
    }
    Ok(links::invite(conn, &grant.actor(), id, now)?)
}

/// A value of a form: as it was shown (`None`: nobody said), and as it came back.
#[derive(Clone, Debug)]
pub struct Edited<T> {
    pub seen: Option<T>,
    pub sent: T,
}

impl<T> Edited<T> {
    /// What shall hold, whatever stood there.
    pub fn to(sent: T) -> Self {
        Self { seen: None, sent }
    }
}

impl<T: Clone + PartialEq> Edited<T> {
    /// What it shall be: what was left as it was shown stays as it is, so that nobody's change is undone unseen.
    ///
    /// # Errors
    /// `Changed`, if somebody else changed it too.
    pub(super) fn upon(&self, current: &T) -> Result<T, SettingsError> {
        match &self.seen {
            Some(seen) if *seen == self.sent => Ok(current.clone()),
            Some(seen) if seen != current => Err(SettingsError::Changed),
            _ => Ok(self.sent.clone()),
        }
    }
}

/// What a manager sets for somebody.
#[derive(Clone, Debug)]
pub struct UserChange {
    pub name: Edited<String>,
    pub email: Edited<String>,
    pub permissions: Permissions,
    /// The permissions that the manager saw; `None` doesn't check.
    pub seen: Option<Permissions>,
}

/// Gives a user another name, e-mail or other permissions, from their next request on.
///
/// # Errors
/// If it doesn't fit, somebody else changed the same meanwhile, or the managers would lock themselves out.
pub fn change_user(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: UserId,
    change: &UserChange,
    now: Instant,
) -> Result<(), SettingsError> {
    recheck(conn, grant)?;
    let user = people::find(conn, id)?.ok_or(SettingsError::Missing)?;
    // Stricter than the rest: what is ticked is what holds afterwards, or nothing is saved.
    if change.seen.is_some_and(|seen| seen != user.permissions()) {
        return Err(SettingsError::Changed);
    }
    let (name, email) = (change.name.upon(&user.name)?, change.email.upon(&user.email)?);
    if id == grant.user() && !change.permissions.settings {
        return Err(SettingsError::OwnSettings);
    }
    let actor = grant.actor();
    people::set_permissions(conn, &actor, &user, change.permissions, now)?;
    people::set_identity(conn, &actor, &user, (&name, &email), now)?;
    keep_one_in_charge(conn)
}

/// Disables or enables a user; a disabled user's sessions are dead at once.
///
/// # Errors
/// If there is no such user, or it is the manager's own account.
pub fn set_disabled(
    conn: &mut AnyConnection,
    grant: &Granted<ManageSettings>,
    id: UserId,
    is_disabled: bool,
    now: Instant,
) -> Result<(), SettingsError> {
    recheck(conn, grant)?;
    let user: UserRow = people::find(conn, id)?.ok_or(SettingsError::Missing)?;
    if is_disabled && id == grant.user() {
        return Err(SettingsError::OwnAccount);
    }
    people::set_disabled(conn, &grant.actor(), &user, is_disabled, now)?;
    keep_one_in_charge(conn)
}

// INVARIANT: somebody who can sign in holds Settings.
fn keep_one_in_charge(conn: &mut AnyConnection) -> Result<(), SettingsError> {
    let in_charge = users::table
        .filter(users::settings.eq(true))
        .filter(users::is_disabled.eq(false))
        .filter(users::password_hash.is_not_null());
    let is_there: bool = diesel::select(diesel::dsl::exists(in_charge.select(users::id))).get_result(conn)?;
    if is_there { Ok(()) } else { Err(SettingsError::LastSettings) }
}

/// The users of a buyer, by name, at most so many.
pub fn users_of(
    conn: &mut AnyConnection,
    _grant: &Granted<ManageSettings>,
    buyer: BuyerId,
    limit: i64,
) -> QueryResult<Vec<UserLine>> {
    users::table
        .filter(users::buyer_id.eq(buyer))
        .order((users::name, users::id))
        .limit(limit)
        .select(UserLine::as_select())
        .load(conn)
}
