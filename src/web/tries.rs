//! How often a password may be tried: counted in the database, so that all processes count together.

use sha2::{Digest, Sha256};

use super::AppError;
use crate::auth::Origin;
use crate::db::{AnyConnection, Db, DbError, throttles, users};
use crate::domain::Instant;

/// Wrong passwords a minute, of one account and from one address.
const OF_ACCOUNT: i32 = 10;
const FROM_ADDRESS: i32 = 30;

/// When a throttled try may be made again.
const SECONDS_UNTIL_NEXT: u32 = 60;

/// What a link that works once leads to. Wrong ones are counted by address, and are a 404 like any other: nobody learns
/// whether a link was ever there.
pub(super) async fn follow_link<T: Send + 'static>(
    db: &Db,
    origin: &Origin,
    now: Instant,
    find: impl Fn(&mut AnyConnection) -> Result<Option<T>, DbError> + Send + 'static,
) -> Result<T, AppError> {
    let key = format!("link:{}", origin.address);
    let found = db
        .write::<_, DbError, _>(move |conn| {
            if !throttles::take(conn, &key, FROM_ADDRESS, now)? {
                return Ok(None);
            }
            let found = find(conn)?;
            if found.is_some() {
                throttles::give_back(conn, &key)?;
            }
            Ok(Some(found))
        })
        .await?;
    match found {
        Some(Some(found)) => Ok(found),
        Some(None) => Err(AppError::NotFound),
        None => Err(AppError::TooMany { seconds: SECONDS_UNTIL_NEXT }),
    }
}

/// What a try is counted under.
pub(super) struct Tries {
    account: String,
    address: String,
}

impl Tries {
    /// The tries for this e-mail, whether or not it is anybody's, from where the request came.
    pub(super) fn of(email: &str, origin: &Origin) -> Self {
        Self {
            account: format!("account:{}", hex::encode(Sha256::digest(users::email_key(email)))),
            address: format!("address:{}", origin.address),
        }
    }

    /// Takes a try before any hash is touched, so that a flood of guesses costs no more than the tries allowed.
    pub(super) async fn take(&self, db: &Db, now: Instant) -> Result<(), AppError> {
        let keys = [(self.account.clone(), OF_ACCOUNT), (self.address.clone(), FROM_ADDRESS)];
        let may_try = db
            .write::<_, DbError, _>(move |conn| {
                for (key, most) in &keys {
                    if !throttles::take(conn, key, *most, now)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            })
            .await?;
        if may_try { Ok(()) } else { Err(AppError::TooMany { seconds: SECONDS_UNTIL_NEXT }) }
    }

    /// Somebody proved who they are: the account's failures are forgotten, the address gets this try back.
    pub(super) async fn forgive(self, db: &Db) -> Result<(), AppError> {
        db.write::<_, DbError, _>(move |conn| {
            throttles::forget(conn, &self.account)?;
            Ok(throttles::give_back(conn, &self.address)?)
        })
        .await?;
        Ok(())
    }
}
