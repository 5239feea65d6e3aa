//! The people of the tests, written straight into the database.

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{OptionalExtension, QueryableByName, RunQueryDsl, sql_query};

use super::database::{RawConnection, TestDatabase};

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

    /// Writes the person, and a buyer's company, unless they are there already; returns the user's id.
    pub(crate) fn ensure(&self, database: &TestDatabase) -> i64 {
        let mut connection = database.connect();
        let email = self.email();
        if let Some(id) = find(&mut connection, "SELECT id FROM users WHERE email_key = ", &email) {
            return id;
        }
        let (role, name, company, permissions) = match *self {
            Self::Buyer { name, company, dispute_calls } => {
                let company = ensure_company(&mut connection, company);
                ("buyer", name, Some(company), [dispute_calls, false, false, false, false])
            }
            Self::Manager { name, view, edit, import, settings } => {
                ("manager", name, None, [false, view, edit, import, settings])
            }
        };
        let [dispute_calls, view, edit, import, settings] = permissions;
        let id = next_id(&mut connection, "users");
        let markers = markers(&connection, 11);
        let statement = format!(
            "INSERT INTO users (id, email, email_key, name, password_hash, role, buyer_id, dispute_calls, \
             disputes_view, disputes_edit, calls_import, settings, created_at) \
             VALUES ({markers}, {settings}, '2026-01-05 12:00:00')"
        );
        sql_query(statement)
            .bind::<BigInt, _>(id)
            .bind::<Text, _>(&email)
            .bind::<Text, _>(&email)
            .bind::<Text, _>(name)
            .bind::<Text, _>(quick_hash(PASSWORD))
            .bind::<Text, _>(role)
            .bind::<Nullable<BigInt>, _>(company)
            .bind::<Bool, _>(dispute_calls)
            .bind::<Bool, _>(view)
            .bind::<Bool, _>(edit)
            .bind::<Bool, _>(import)
            .execute(&mut connection)
            .unwrap_or_else(|error| panic!("{email} is not written: {error}"));
        id
    }
}

fn ensure_company(connection: &mut RawConnection, name: &str) -> i64 {
    if let Some(id) = find(connection, "SELECT id FROM buyers WHERE name_key = ", name) {
        return id;
    }
    let id = next_id(connection, "buyers");
    let markers = markers(connection, 3);
    sql_query(format!("INSERT INTO buyers (id, name, name_key, created_at) VALUES ({markers}, '2026-01-05 12:00:00')"))
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(name)
        .bind::<Text, _>(name)
        .execute(connection)
        .unwrap_or_else(|error| panic!("{name} is not written: {error}"));
    id
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

fn find(connection: &mut RawConnection, select: &str, key: &str) -> Option<i64> {
    let marker = markers(connection, 1);
    let found = sql_query(format!("{select}{marker}")).bind::<Text, _>(key).get_result::<Id>(connection);
    found.optional().expect("the row is looked up").map(|row| row.id)
}

fn next_id(connection: &mut RawConnection, table: &str) -> i64 {
    let statement = format!("SELECT COALESCE(MAX(id), 0) + 1 AS id FROM {table}");
    sql_query(statement).get_result::<Id>(connection).expect("the ids are readable").id
}

/// `?, ?, …` or `$1, $2, …`
fn markers(connection: &RawConnection, count: usize) -> String {
    let marker = |number: usize| match connection {
        RawConnection::Sqlite(_) => "?".to_owned(),
        RawConnection::Postgres(_) => format!("${number}"),
    };
    (1..=count).map(marker).collect::<Vec<_>>().join(", ")
}

/// A real hash at the least cost, so that signing in takes no time.
fn quick_hash(password: &str) -> String {
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).expect("the least cost is allowed");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(password.as_bytes()).expect("the password is hashed").to_string()
}
