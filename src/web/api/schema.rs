//! How the closed sets of words and the values of the API are described.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::db::metadata::MetadataChange;
use crate::domain::Instant;
use crate::domain::call::{CallStatus, DisputeState, HangupBy};
use crate::domain::decision::Verdict;
use crate::domain::dispute::{Side, Status};
use crate::domain::fact;

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

/// Named facts, as they are described: the names there are, and a text for each.
pub(super) fn named_facts() -> Object {
    let names = ObjectBuilder::new().schema_type(Type::String);
    let names = names.enum_values(Some(fact::ALL.iter().map(|kind| kind.name))).build();
    let values = ObjectBuilder::new().schema_type(Type::String);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Named facts; an unknown name, or one that doesn\u{2019}t go with the reason, is a 422."))
        .property_names(Some(Schema::Object(names)))
        .additional_properties(Some(values))
        .examples([serde_json::json!({ "service_date": "2026-11-20" })])
        .build()
}

/// The same where nothing may stand as well.
pub(super) fn named_facts_or_null() -> Object {
    let facts = named_facts();
    let either = [Type::Object, Type::Null].into_iter().collect::<SchemaType>();
    ObjectBuilder::from(facts).schema_type(either).build()
}

/// What `expand[]` takes.
pub(super) struct Part;

impl Part {
    /// The words for it.
    pub(super) const ALL: [&str; 4] = ["call", "messages", "evidence", "decision"];
}

impl PartialSchema for Part {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Self::ALL)).into()
    }
}

impl ToSchema for Part {}

/// What a body wants to come with the dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expand(Vec<String>);

impl Expand {
    /// As it was written.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Expand {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Expand;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a list of parts")
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Expand, E> {
                Ok(Expand::default())
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Expand, E> {
                Ok(Expand(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Expand, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(Expand(names))
            }
        }

        from.deserialize_any(Reader)
    }
}

impl PartialSchema for Expand {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(Ref::from_schema_name("Part")).into()
    }
}

impl ToSchema for Expand {}

/// What the filter `status` takes.
pub(super) struct StatusOrTurn;

impl StatusOrTurn {
    /// Beside the statuses: who is to speak, and whether it is decided.
    pub(super) const MORE: [&str; 3] = ["open", "replied", "resolved"];
}

impl PartialSchema for StatusOrTurn {
    fn schema() -> RefOr<Schema> {
        let words = Status::ALL.iter().map(|status| status.code()).chain(Self::MORE);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.collect::<Vec<_>>())).into()
    }
}

impl ToSchema for StatusOrTurn {}

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

impl Amount {
    /// An amount, or none: null, and what a form sends of a field that was left empty.
    pub(super) fn or_nothing<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Option<Amount>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("whole minor units, or {\"amount\", \"currency\"}")
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Option<Amount>, E> {
                Ok(None)
            }

            fn visit_i64<E: serde::de::Error>(self, minor: i64) -> Result<Option<Amount>, E> {
                Ok(Some(Amount { minor, currency: None }))
            }

            fn visit_u64<E: serde::de::Error>(self, minor: u64) -> Result<Option<Amount>, E> {
                let minor =
                    i64::try_from(minor).map_err(|_large| E::custom("an amount that large isn\u{2019}t taken"))?;
                self.visit_i64(minor)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<Amount>, E> {
                if text.is_empty() {
                    return Ok(None);
                }
                let minor = text.parse().map_err(|_error| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
                self.visit_i64(minor)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Option<Amount>, M::Error> {
                let money = Money::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Some(Amount { minor: money.amount, currency: Some(money.currency) }))
            }
        }

        from.deserialize_any(Reader)
    }
}

/// True or false, or nothing; in a form also as languages write it there: `False`, `0`.
pub(super) fn flag_or_nothing<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    struct Reader;

    impl Visitor<'_> for Reader {
        type Value = Option<bool>;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("true or false")
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Option<bool>, E> {
            Ok(None)
        }

        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Option<bool>, E> {
            Ok(Some(value))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<bool>, E> {
            match text.to_ascii_lowercase().as_str() {
                "" => Ok(None),
                "true" | "1" => Ok(Some(true)),
                "false" | "0" => Ok(Some(false)),
                _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }
    }

    from.deserialize_any(Reader)
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

            // How a form writes an empty text.
            fn visit_unit<E: serde::de::Error>(self) -> Result<Labels, E> {
                Ok(Labels(MetadataChange::Clear))
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
