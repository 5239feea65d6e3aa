//! The people of the tests, added by the library's own functions.

use std::sync::OnceLock;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use fairdial::auth::{Actor, Origin, Viewer};
use fairdial::db::buyers::{self, BuyerError};
use fairdial::db::users::{self, NewUser, Permissions, UserError};
use fairdial::db::{AnyConnection, Db};
use fairdial::domain::Instant;
use fairdial::domain::ids::BuyerId;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Who somebody is and what they may do; `name` is the part of the address before `@example.com`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    Buyer { name: &'static str, company: &'static str, dispute_calls: bool },
    Manager { name: &'static str, view: bool, edit: bool, import: bool, settings: bool },
}

impl Person {
    /// A user of the company, with Dispute Calls.
    pub(crate) fn buyer(company: &'static str) -> Self {
        Self::Buyer { name: company, company, dispute_calls: true }
    }

    /// A manager with every permission.
    pub(crate) fn manager(name: &'static str) -> Self {
        Self::Manager { name, view: true, edit: true, import: true, settings: true }
    }

    pub(crate) fn email(&self) -> String {
        let (Self::Buyer { name, .. } | Self::Manager { name, .. }) = self;
        format!("{name}@example.com")
    }

    /// Adds the person, and a buyer's company, unless they are there already; gives them as a viewer.
    pub(crate) fn ensure(&self, db: &Db, now: Instant) -> Viewer {
        let row = db.write_blocking::<_, UserError>(|conn| {
            if let Some(row) = users::find_by_email(conn, &self.email())? {
                return Ok(row);
            }
            let (name, buyer, permissions) = match *self {
                Self::Buyer { name, company, dispute_calls } => {
                    let buyer = ensure_company(conn, company, now).expect("the company is added");
                    (name, Some(buyer), Permissions { dispute_calls, ..Permissions::default() })
                }
                Self::Manager { name, view, edit, import, settings } => {
                    let permissions = Permissions {
                        dispute_calls: false,
                        disputes_view: view,
                        disputes_edit: edit,
                        calls_import: import,
                        settings,
                    };
                    (name, None, permissions)
                }
            };
            let new = NewUser {
                email: self.email(),
                name: name.to_owned(),
                password_hash: Some(quick_hash().to_owned()),
                buyer,
                permissions,
            };
            let id = users::insert(conn, &Actor::operator(), &new, now)?;
            Ok(users::find(conn, id)?.expect("the user was added"))
        });
        Viewer::from_row(&row.expect("the person is added"), Origin::command()).expect("nobody is disabled yet")
    }
}

/// The buyer of this name, added if missing.
pub(crate) fn ensure_company(conn: &mut AnyConnection, name: &str, now: Instant) -> Result<BuyerId, BuyerError> {
    match buyers::find_by_name(conn, name)? {
        Some(row) => Ok(row.id),
        None => buyers::insert(conn, &Actor::operator(), name, None, now),
    }
}

/// A real hash at the least cost, so that signing in takes no time.
fn quick_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let params = Params::new(Params::MIN_M_COST, 1, 1, None).expect("the least cost is allowed");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password(PASSWORD.as_bytes()).expect("the password is hashed").to_string()
    })
}
