//! Ids: 64 bits, time-ordered with random low bits, written as 13 characters of Crockford's base32.

use std::fmt;
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, PoisonError};

use tsid::{TSID, TsidFactory};

static FACTORY: LazyLock<Mutex<TsidFactory>> = LazyLock::new(|| Mutex::new(TsidFactory::new()));

/// The next number: later ones are larger within a process.
fn next_number() -> i64 {
    let id = FACTORY.lock().unwrap_or_else(PoisonError::into_inner).create();
    // 42 bits of milliseconds since 2020 stay clear of the sign bit until the year 2089.
    i64::try_from(id.number()).unwrap_or(i64::MAX)
}

fn write_number(number: i64, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = TSID::from(number.unsigned_abs()).to_string();
    text.make_ascii_lowercase();
    out.write_str(&text)
}

/// What was given is not an id.
#[derive(Debug, thiserror::Error)]
#[error("an id has 13 letters and digits")]
pub struct NotAnId;

fn read_number(text: &str) -> Result<i64, NotAnId> {
    let number = TSID::try_from(text).map_err(|_reason| NotAnId)?.number();
    let number = i64::try_from(number).map_err(|_too_large| NotAnId)?;
    // One id has one spelling, so that a URL is the same for everybody.
    let mut canonical = TSID::from(number.unsigned_abs()).to_string();
    canonical.make_ascii_lowercase();
    if canonical == text { Ok(number) } else { Err(NotAnId) }
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        pub struct $name(i64);

        impl $name {
            /// A new id, never given out before.
            #[must_use]
            pub fn generate() -> Self {
                Self(next_number())
            }

            /// The id with this number; for keysets, counters and tests.
            #[must_use]
            pub const fn from_number(number: i64) -> Self {
                Self(number)
            }

            /// The number in the database.
            #[must_use]
            pub const fn number(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_number(self.0, out)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                read_number(text).map(Self)
            }
        }

        impl<DB> diesel::serialize::ToSql<diesel::sql_types::BigInt, DB> for $name
        where
            DB: diesel::backend::Backend,
            i64: diesel::serialize::ToSql<diesel::sql_types::BigInt, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::BigInt, DB>::to_sql(&self.0, out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB> for $name
        where
            DB: diesel::backend::Backend,
            i64: diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                <i64 as diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>>::from_sql(bytes).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// A buyer: a company that pays for calls.
    BuyerId;
    /// A publisher. Managers only.
    PublisherId;
    /// A campaign.
    CampaignId;
    /// A person who signs in.
    UserId;
    /// A sign-in, as listed on the account page; not what opens it.
    SessionId;
    /// An API token, as lists name it; not what opens anything.
    TokenId;
    /// A call.
    CallId;
    /// A dispute.
    DisputeId;
    /// A message or an internal note.
    MessageId;
    /// A row of the ledger.
    AdjustmentId;
    /// A notification.
    NotificationId;
    /// A list by name.
    ViewId;
    /// A text that managers use again and again.
    CannedNoteId;
    /// What a manager selected to decide at once.
    BulkJobId;
    /// A file of calls, as it comes in.
    ImportId;
    /// An event in the outbox.
    EventId;
    /// A receiver of events.
    EndpointId;
    /// An event on its way to a receiver.
    DeliveryId;
}

/// The id of an uploaded file: 128 random bits, also its name on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct FileId(String);

impl FileId {
    /// A new id that can't be guessed.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }

    /// The 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for FileId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let is_id = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
    }
}

impl<'de> serde::Deserialize<'de> for FileId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling_of_13_characters() {
        let id = CallId::generate();
        let text = id.to_string();
        assert_eq!(text.len(), 13);
        assert_eq!(text.parse::<CallId>().expect("its own spelling"), id);
        assert!(text.to_uppercase().parse::<CallId>().is_err());
        assert!("".parse::<CallId>().is_err());
        assert!("zzzzzzzzzzzzz".parse::<CallId>().is_err());
        assert!("é123456789abc".parse::<CallId>().is_err());
    }

    #[test]
    fn later_ids_are_larger_and_distinct() {
        let ids: Vec<_> = (0..10_000).map(|_| DisputeId::generate()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_file_id_is_32_hexadecimal_digits() {
        let id = FileId::generate();
        assert_eq!(id.to_string().parse::<FileId>().expect("its own spelling"), id);
        assert!("../../etc/passwd".parse::<FileId>().is_err());
        assert!(
            id.to_string().to_uppercase().parse::<FileId>().is_err() || !id.to_string().contains(char::is_alphabetic)
        );
    }
}
