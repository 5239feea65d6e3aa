//! The form that says how a file is to be read.

use crate::domain::claim::Problem;
use crate::import::preset::PRESETS;
use crate::intake::Settings;
use crate::web::account::zones::{GROUPS, Group};
use crate::web::form::FormState;

/// What is chosen, what is wrong with it, and what there is to choose from.
pub(super) struct SettingsForm {
    pub(super) state: FormState,
    pub(super) formats: Vec<(&'static str, &'static str)>,
    pub(super) sources: Vec<&'static str>,
    pub(super) groups: &'static [Group],
}

impl SettingsForm {
    pub(super) fn new(settings: &Settings, problems: &[Problem]) -> Self {
        let mut state = FormState::new()
            .with("format", &settings.format)
            .with("source", &settings.source)
            .with("time_zone", &settings.time_zone)
            .with("date_order", &settings.date_order)
            .with("currency", &settings.currency)
            .with("mapping", &settings.mapping)
            .with("create_names", if settings.creates_names { "1" } else { "" });
        for problem in problems {
            state.refuse(&problem.field, problem.sentence.clone());
        }
        Self {
            state,
            formats: super::formats(),
            sources: PRESETS.iter().map(|preset| preset.name).collect(),
            groups: GROUPS.as_slice(),
        }
    }

    /// Whether what is seldom needed is shown at once.
    pub(super) fn shows_mapping(&self) -> bool {
        !self.state.value("mapping").is_empty() || self.state.has_problem("mapping")
    }
}

/// The choices of a form that was sent.
pub(super) fn read<'a>(value: impl Fn(&'static str) -> &'a str) -> Settings {
    let text = |name| value(name).replace("\r\n", "\n").replace('\0', "");
    Settings {
        format: text("format"),
        source: text("source"),
        time_zone: text("time_zone"),
        date_order: text("date_order"),
        currency: text("currency"),
        mapping: text("mapping"),
        creates_names: value("create_names") == "1",
    }
}

/// What a file is read with where nothing is chosen yet.
pub(super) fn usual() -> Settings {
    Settings { creates_names: true, ..Settings::default() }
}
