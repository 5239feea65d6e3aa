//! How a file of calls is to be read, as a person chooses it.

use serde::{Deserialize, Serialize};

use crate::domain::claim::Problem;
use crate::domain::money::Currency;
use crate::import::preset::Preset;
use crate::import::{DateOrder, Mapping, Options};

/// The choices as they were typed; what is empty is left to the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub format: String,
    pub source: String,
    pub time_zone: String,
    pub date_order: String,
    pub currency: String,
    /// A mapping in TOML or JSON.
    pub mapping: String,
    pub creates_names: bool,
}

impl Settings {
    /// What they say to the reader of files.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn options(&self) -> Result<Options, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut refuse = |field: &str, sentence: String| problems.push(Problem::new(field, sentence));
        let format = chosen(&self.format).map(|name| Preset::named(name).ok_or(name));
        if let Some(Err(_)) = format {
            refuse("format", "Choose one of the formats".to_owned());
        }
        let source = chosen(&self.source).map(source_name);
        if source == Some(None) {
            refuse("source", "Write a name of at most 200 characters".to_owned());
        }
        let timezone = chosen(&self.time_zone).map(str::parse::<chrono_tz::Tz>);
        if let Some(Err(_)) = timezone {
            refuse("time_zone", "Choose one of the time zones".to_owned());
        }
        let date_order = chosen(&self.date_order).map(DateOrder::from_name);
        if date_order == Some(None) {
            refuse("date_order", "Choose one of the orders".to_owned());
        }
        let currency = chosen(&self.currency).map(Currency::from_code);
        if currency == Some(None) {
            refuse("currency", "Write the three letters of a currency, such as USD".to_owned());
        }
        let mapping = chosen(&self.mapping).map(Mapping::parse);
        if let Some(Err(error)) = &mapping {
            refuse("mapping", error.to_string());
        }
        let mapped_source = mapping.as_ref().and_then(|mapping| mapping.as_ref().ok()?.source.as_deref());
        if mapped_source.is_some_and(|source| source_name(source).is_none()) {
            refuse("mapping", "The source has a name of 1 to 200 characters".to_owned());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Options {
            format: format.and_then(Result::ok).map(|preset| preset.name.to_owned()),
            timezone: timezone.and_then(Result::ok),
            date_order: date_order.flatten(),
            mapping: mapping.and_then(Result::ok),
            source: source.flatten(),
            currency: currency.flatten(),
        })
    }
}

/// The source that the calls of a file have; nothing where each row names its own.
#[must_use]
pub fn source_of(options: &Options, format: &str) -> String {
    let mapped = || options.mapping.as_ref().and_then(|mapping| mapping.source.clone());
    let of_platform = || Some(format.to_owned()).filter(|format| !matches!(format.as_str(), "mapping" | "fairdial"));
    options.source.clone().or_else(mapped).or_else(of_platform).unwrap_or_default()
}

/// The name of a source, if it can be one.
#[must_use]
pub fn source_name(text: &str) -> Option<String> {
    let name = text.trim();
    let is_name = !name.is_empty() && name.chars().count() <= 200 && !name.contains(char::is_control);
    is_name.then(|| name.to_owned())
}

fn chosen(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_left_to_the_file() {
        assert!(Settings::default().options().is_ok_and(|options| options.timezone.is_none()));
        let said = Settings {
            format: "ringba".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            date_order: "dmy".to_owned(),
            currency: " EUR ".to_owned(),
            source: " second ".to_owned(),
            ..Settings::default()
        };
        let options = said.options().expect("they are right");
        assert_eq!((options.format.as_deref(), options.source.as_deref()), (Some("ringba"), Some("second")));
        assert_eq!(options.date_order, Some(DateOrder::DayFirst));
        assert_eq!(source_of(&options, "ringba"), "second");
    }

    #[test]
    fn what_is_wrong_is_told_by_field() {
        let wrong = Settings {
            format: "excel".to_owned(),
            source: "a\u{7}".to_owned(),
            time_zone: "Mars/Olympus".to_owned(),
            date_order: "ymd".to_owned(),
            currency: "dollars".to_owned(),
            mapping: "columns = 1".to_owned(),
            creates_names: true,
        };
        let problems = wrong.options().expect_err("they are wrong");
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["format", "source", "time_zone", "date_order", "currency", "mapping"]);
    }
}
