//! A saved mapping: our field ← their column, plus what is the same for every call of the file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ImportError;
use super::preset::{Field, Preset, key};

/// A mapping file, in TOML or JSON.
///
/// ```toml
/// format = "twilio"          # optional: start from a preset
/// source = "our-twilio"      # optional: what the calls' source is
/// [columns]
/// external_id = "Call SID"
/// [constants]
/// buyer = "Acme Senior"
/// converted = true
/// payout = "40.00"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub format: Option<String>,
    pub source: Option<String>,
    #[serde(default)]
    pub columns: BTreeMap<Field, String>,
    #[serde(default)]
    pub constants: BTreeMap<Field, Constant>,
}

/// A value that every call of the file has; money is text, so that it is never a float.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "text in quotation marks, a whole number, true or false")]
pub enum Constant {
    Text(String),
    Whole(i64),
    Flag(bool),
}

impl Constant {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.trim().to_owned(),
            Self::Whole(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

impl Mapping {
    /// Reads a mapping file.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        let text = text.trim_start_matches('\u{feff}');
        let mapping: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| ImportError::Mapping(error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| ImportError::Mapping(error.to_string().trim_end().to_owned()))?
        };
        if let Some(field) = mapping.columns.keys().find(|field| mapping.constants.contains_key(field)) {
            return Err(ImportError::Mapping(format!("{field} has both a column and a constant: keep one")));
        }
        for field in [Field::ExternalId, Field::StartedAt] {
            if mapping.constants.contains_key(&field) {
                return Err(ImportError::Mapping(format!("{field} differs from call to call and can't be a constant")));
            }
        }
        Ok(mapping)
    }
}

/// Where each field of a call comes from: a preset, a mapping, or a mapping over a preset.
#[derive(Debug)]
pub(super) struct Plan {
    pub format: &'static str,
    /// Each field with the keys of the columns it may come from, the first counts.
    columns: Vec<(Field, Vec<String>)>,
    constants: Vec<(Field, String)>,
}

/// The places of the fields in one row's names.
#[derive(Debug, Default)]
pub(super) struct Columns(Vec<(Field, usize)>);

impl Plan {
    /// Makes the plan for a file with these headers, or keys of the first row.
    pub(super) fn new<S: AsRef<str>>(
        names: &[S],
        format: Option<&str>,
        mapping: Option<&Mapping>,
    ) -> Result<Self, ImportError> {
        let asked_for = format.or(mapping.and_then(|mapping| mapping.format.as_deref()));
        let is_mapped = mapping.is_some_and(|mapping| mapping.columns.contains_key(&Field::ExternalId));
        let preset = match asked_for {
            Some(name) => Some(Preset::named(name).ok_or_else(|| ImportError::UnknownFormat(name.to_owned()))?),
            None if is_mapped => None,
            None => Some(Preset::recognised(names).ok_or_else(|| unrecognised(names))?),
        };
        let mut columns: Vec<(Field, Vec<String>)> = preset.map_or_else(Vec::new, |preset| {
            let keys = |columns: &[&str]| columns.iter().map(|column| key(column)).collect();
            preset.columns.iter().map(|(field, columns)| (*field, keys(columns))).collect()
        });
        let mut constants = Vec::new();
        if let Some(mapping) = mapping {
            let is_mapped =
                |field: &Field| mapping.columns.contains_key(field) || mapping.constants.contains_key(field);
            columns.retain(|(field, _)| !is_mapped(field));
            columns.extend(mapping.columns.iter().map(|(field, column)| (*field, vec![key(column)])));
            constants.extend(mapping.constants.iter().map(|(field, constant)| (*field, constant.text())));
        }
        Ok(Self { format: preset.map_or("mapping", |preset| preset.name), columns, constants })
    }

    /// Finds the fields among the names of a row.
    pub(super) fn locate<S: AsRef<str>>(&self, names: &[S]) -> Columns {
        let keys: Vec<String> = names.iter().map(|name| key(name.as_ref())).collect();
        let place = |columns: &[String]| columns.iter().find_map(|column| keys.iter().position(|key| key == column));
        Columns(self.columns.iter().filter_map(|(field, columns)| Some((*field, place(columns)?))).collect())
    }

    /// Refuses a file that lacks a column without which there is no call.
    pub(super) fn check(&self, columns: &Columns) -> Result<(), ImportError> {
        let is_missing = |field: &Field| columns.place(*field).is_none() && self.constant(*field).is_none();
        let missing: Vec<Field> =
            [Field::ExternalId, Field::StartedAt, Field::Buyer].into_iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(ImportError::MissingColumns { format: self.format, missing: self.expected_columns(&missing) })
    }

    pub(super) fn constant(&self, field: Field) -> Option<&str> {
        self.constants.iter().find(|(own, _)| *own == field).map(|(_, value)| value.as_str())
    }

    fn expected_columns(&self, fields: &[Field]) -> String {
        let of = |field: &Field| {
            let names = self.columns.iter().find(|(own, _)| own == field).and_then(|(_, columns)| columns.last());
            names.map_or_else(|| field.to_string(), |column| format!("{field} (column {column:?})"))
        };
        fields.iter().map(of).collect::<Vec<_>>().join(", ")
    }
}

impl Columns {
    pub(super) fn place(&self, field: Field) -> Option<usize> {
        self.0.iter().find(|(own, _)| *own == field).map(|(_, place)| *place)
    }
}

fn unrecognised<S: AsRef<str>>(names: &[S]) -> ImportError {
    let mut shown: Vec<&str> = names.iter().map(|name| name.as_ref().trim()).take(30).collect();
    if names.len() > shown.len() {
        shown.push("…");
    }
    ImportError::Unrecognised(shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "source = 'our-twilio'\n[columns]\nexternal_id = 'Call'\n[constants]\nbuyer = 'Acme'\nconverted = true\npayout = '40.00'\n";

    #[test]
    fn a_mapping_is_toml_or_json() {
        let toml = Mapping::parse(TOML).expect("a mapping");
        let json = Mapping::parse(
            r#"{"source":"our-twilio","columns":{"external_id":"Call"},"constants":{"buyer":"Acme","converted":true,"payout":"40.00"}}"#,
        );
        assert_eq!(json.ok().as_ref(), Some(&toml));
        assert_eq!(toml.constants.get(&Field::Converted).map(Constant::text).as_deref(), Some("true"));
    }

    #[test]
    fn a_wrong_mapping_says_why() {
        let says = |text: &str| Mapping::parse(text).expect_err("wrong").to_string();
        assert!(says("[columns]\nrevenue = 'x'").contains("revenue"));
        assert!(says("[columns]\nbuyer = 'x'\n[constants]\nbuyer = 'y'").contains("both"));
        assert!(says("[constants]\nexternal_id = 'y'").contains("can't be a constant"));
        assert!(says("[constants]\npayout = 40.5").contains("quotation marks"));
        assert!(says("{").contains("mapping"));
    }

    #[test]
    fn a_mapping_goes_over_the_preset_it_names() {
        let mapping = Mapping::parse("format = 'twilio'\n[constants]\nbuyer = 'Acme'").expect("a mapping");
        let names = ["Sid", "Start_Time", "From"];
        let plan = Plan::new(&names, None, Some(&mapping)).expect("a plan");
        let columns = plan.locate(&names);
        assert_eq!(columns.place(Field::CallerId), Some(2));
        assert_eq!(plan.constant(Field::Buyer), Some("Acme"));
        assert!(plan.check(&columns).is_ok());
    }
}
