//! `fairdial user`: people who sign in.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{CommandError, WrongUse, open_existing, open_or_create, output, password};
use crate::auth::Actor;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::users::{self, NewUser, Permissions, UserError, UserRow};
use crate::db::{DbError, buyers};

/// What can be done with users.
#[derive(Subcommand, Debug)]
pub enum UserCommand {
    /// Add a user; the password is asked for, or one line of standard input with --password-stdin
    Add(Add),
    /// List the users
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what a user may do, disable or enable them, or set a new password; it holds at their next request
    Set(Set),
}

/// A new user.
#[derive(Args, Debug)]
pub struct Add {
    /// What the user signs in with
    #[arg(long)]
    email: String,
    /// What the user is called
    #[arg(long)]
    name: String,
    /// Whether the user belongs to a buyer or manages the platform
    #[arg(long)]
    role: Role,
    /// Name of the buyer; only for --role buyer
    #[arg(long, value_name = "NAME", required_if_eq("role", "buyer"))]
    buyer: Option<String>,
    /// What the user may do; once for each permission
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<PermissionName>,
    /// Read the password from one line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// What is to change of a user.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each flag of the command is a field")]
pub struct Set {
    /// What the user signs in with
    #[arg(long)]
    email: String,
    /// Give a permission; once for each
    #[arg(long, value_name = "PERMISSION")]
    grant: Vec<PermissionName>,
    /// Take a permission away; once for each
    #[arg(long, value_name = "PERMISSION")]
    revoke: Vec<PermissionName>,
    /// End the user's sessions and let them in no more
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    /// Let a disabled user in again
    #[arg(long)]
    enable: bool,
    /// Set a new password, asked for at a prompt
    #[arg(long, conflicts_with = "password_stdin")]
    password: bool,
    /// Set a new password, read from one line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Which side a user is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    Buyer,
    Manager,
}

/// A permission by its name in commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PermissionName {
    /// A buyer's user disputes calls
    DisputeCalls,
    /// A manager sees disputes
    DisputesView,
    /// A manager decides and replies; only with disputes-view
    DisputesEdit,
    /// A manager imports calls
    CallsImport,
    /// A manager looks after users, buyers, policy and audit
    Settings,
}

impl PermissionName {
    fn put(self, permissions: &mut Permissions, is_given: bool) {
        match self {
            Self::DisputeCalls => permissions.dispute_calls = is_given,
            Self::DisputesView => permissions.disputes_view = is_given,
            Self::DisputesEdit => permissions.disputes_edit = is_given,
            Self::CallsImport => permissions.calls_import = is_given,
            Self::Settings => permissions.settings = is_given,
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn is_in(self, permissions: Permissions) -> bool {
        let mut without = permissions;
        self.put(&mut without, false);
        without != permissions
    }
}

/// Runs the command.
pub(super) fn run(config: &Config, command: UserCommand) -> anyhow::Result<ExitCode> {
    match command {
        UserCommand::Add(add) => add_user(config, &add)?,
        UserCommand::List { json } => list(config, json)?,
        UserCommand::Set(set) => change(config, &set)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add_user(config: &Config, add: &Add) -> anyhow::Result<()> {
    if add.role == Role::Manager && add.buyer.is_some() {
        return Err(WrongUse("--buyer is for --role buyer: a manager belongs to the platform".to_owned()).into());
    }
    let mut permissions = Permissions::default();
    for permission in &add.permissions {
        permission.put(&mut permissions, true);
    }
    users::check_permissions(add.role == Role::Buyer, permissions).map_err(|error| WrongUse(error.to_string()))?;
    let password_hash = password::new_hash(add.password_stdin, &[&add.email, &add.name])?;
    let db = open_or_create(config)?;
    let now = Clock::System.now();
    let id = db.write_blocking::<_, CommandError>(|conn| {
        let buyer = match &add.buyer {
            Some(name) => Some(buyers::find_by_name(conn, name)?.ok_or_else(|| no_buyer(name))?.id),
            None => None,
        };
        let new = NewUser {
            email: add.email.clone(),
            name: add.name.clone(),
            password_hash: Some(password_hash.clone()),
            buyer,
            permissions,
        };
        Ok(users::insert(conn, &Actor::operator(), &new, now)?)
    })?;
    output::line(&format!("{} is added ({id})", add.email.trim()))
}

fn list(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let db = open_existing(config)?;
    let (users, buyers) = db.read_blocking::<_, DbError>(|conn| Ok((users::list(conn)?, buyers::list(conn)?)))?;
    let company = |user: &UserRow| {
        let buyer = buyers.iter().find(|buyer| Some(buyer.id) == user.buyer_id);
        buyer.map(|buyer| buyer.name.clone()).unwrap_or_default()
    };
    let held = |user: &UserRow| {
        let all = PermissionName::value_variants().iter().filter(|permission| permission.is_in(user.permissions()));
        all.map(|permission| permission.name()).collect::<Vec<_>>()
    };
    let role = |user: &UserRow| if user.buyer_id.is_some() { "buyer" } else { "manager" };
    if as_json {
        let users = users.iter().map(|user| {
            json!({
                "id": user.id, "email": user.email, "name": user.name, "role": role(user),
                "buyer": user.buyer_id.map(|_| company(user)), "permissions": held(user),
                "disabled": user.is_disabled, "created": user.created_at.and_utc().to_rfc3339(),
            })
        });
        return output::json(&users.collect());
    }
    let rows: Vec<[String; 6]> = users
        .iter()
        .map(|user| {
            let state = if user.is_disabled { "disabled" } else { "" };
            let permissions = held(user).join(" ");
            [user.email.clone(), user.name.clone(), role(user).to_owned(), company(user), permissions, state.to_owned()]
        })
        .collect();
    output::table(["EMAIL", "NAME", "ROLE", "BUYER", "PERMISSIONS", "STATE"], &rows)
}

fn change(config: &Config, set: &Set) -> anyhow::Result<()> {
    let sets_password = set.password || set.password_stdin;
    if set.grant.is_empty() && set.revoke.is_empty() && !set.disable && !set.enable && !sets_password {
        let sentence = "nothing to change: name at least one of --grant, --revoke, --disable, --enable, --password, --password-stdin";
        return Err(WrongUse(sentence.to_owned()).into());
    }
    if let Some(both) = set.grant.iter().find(|permission| set.revoke.contains(permission)) {
        return Err(WrongUse(format!("{} can't be granted and revoked at once", both.name())).into());
    }
    let db = open_existing(config)?;
    let user = db
        .read_blocking::<_, DbError>(|conn| Ok(users::find_by_email(conn, &set.email)?))?
        .ok_or_else(|| anyhow::anyhow!("there is no user with the e-mail {}", set.email))?;
    let hash =
        if sets_password { Some(password::new_hash(set.password_stdin, &[&user.email, &user.name])?) } else { None };
    let (actor, now) = (Actor::operator(), Clock::System.now());
    db.write_blocking::<_, CommandError>(|conn| {
        let user = users::find(conn, user.id)?.ok_or_else(|| CommandError::Refused("the user is gone".to_owned()))?;
        let mut wanted = user.permissions();
        for permission in &set.grant {
            permission.put(&mut wanted, true);
        }
        for permission in &set.revoke {
            permission.put(&mut wanted, false);
        }
        users::set_permissions(conn, &actor, &user, wanted, now)?;
        if set.disable || set.enable {
            users::set_disabled(conn, &actor, &user, set.disable, now)?;
        }
        if let Some(hash) = &hash {
            users::set_password(conn, &actor, user.id, hash, now)?;
        }
        Ok(())
    })?;
    output::line(&format!("{} is changed", user.email))
}

impl From<UserError> for CommandError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Database(error) => Self::Database(error),
            refused => Self::Refused(refused.to_string()),
        }
    }
}

fn no_buyer(name: &str) -> CommandError {
    CommandError::Refused(format!("there is no buyer of the name {name}: add it with `fairdial buyer add`"))
}
