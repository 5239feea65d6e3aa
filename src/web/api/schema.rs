//! How the closed sets of words and the values of the API are described.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::db::metadata::MetadataChange;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, DisputeState, HangupBy};
use crate::domain::decision::Verdict;
use crate::domain::dispute::{Side, Status};

macro_rules! word_schemas {
    ($($name:ty),+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = <$name>::ALL.iter().map(|word| word.code());
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
            }
        }
        impl ToSchema for $name {}
    )+};
}

word_schemas!(CallStatus, DisputeState, HangupBy, Verdict, Side, Status);

/// A time, RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Instant);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Time {}

/// An amount in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Money {
    /// Whole minor units: 1250 is $12.50.
    pub(super) amount: i64,
    /// ISO 4217.
    #[schema(example = "USD", min_length = 3, max_length = 3)]
    pub(super) currency: String,
}

impl Money {
    pub(super) fn new(amount: i64, currency: &str) -> Self {
        Self { amount, currency: currency.to_owned() }
    }
}

/// An amount as it is sent: minor units, with or without their currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) minor: i64,
    pub(super) currency: Option<String>,
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Amount;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("whole minor units, or {\"amount\", \"currency\"}")
            }

            fn visit_i64<E: serde::de::Error>(self, minor: i64) -> Result<Amount, E> {
                Ok(Amount { minor, currency: None })
            }

            fn visit_u64<E: serde::de::Error>(self, minor: u64) -> Result<Amount, E> {
                let minor =
                    i64::try_from(minor).map_err(|_large| E::custom("an amount that large isn\u{2019}t taken"))?;
                self.visit_i64(minor)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
                let minor = text.parse().map_err(|_error| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
                self.visit_i64(minor)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Amount, M::Error> {
                let money = Money::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Amount { minor: money.amount, currency: Some(money.currency) })
            }
        }

        from.deserialize_any(Reader)
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let minor = Object::with_type(Type::Integer);
        OneOfBuilder::new().item(minor).item(Ref::from_schema_name("Money")).into()
    }
}

impl ToSchema for Amount {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("Money".to_owned(), Money::schema()));
    }
}

/// Keys to be set, or an empty text to remove all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labels(pub(super) MetadataChange);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Labels;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("keys and texts, or an empty text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Labels, E> {
                if !text.is_empty() {
                    return Err(E::invalid_value(serde::de::Unexpected::Str(text), &self));
                }
                Ok(Labels(MetadataChange::Clear))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Labels, M::Error> {
                let keys = BTreeMap::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Labels(MetadataChange::Set(keys)))
            }
        }

        from.deserialize_any(Reader)
    }
}

impl PartialSchema for Labels {
    fn schema() -> RefOr<Schema> {
        let empty = ObjectBuilder::new().schema_type(Type::String).max_length(Some(0));
        let value = ObjectBuilder::new().schema_type(Type::String).max_length(Some(500));
        let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(40));
        let keys = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property_names(Some(Schema::Object(name.build())))
            .additional_properties(Some(value))
            .max_properties(Some(50));
        OneOfBuilder::new().item(keys).item(empty).into()
    }
}

impl ToSchema for Labels {}
