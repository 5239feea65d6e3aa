//! Settings: users, buyers, policy and webhooks, for managers with Settings.

pub(super) mod buyers;
mod fields;
pub(super) mod policy;
mod user_form;
pub(super) mod users;
pub(super) mod webhooks;

use actix_web::HttpResponse;

use super::AppError;
use super::page::see_other;
use super::paths;
use crate::auth::{Granted, ManageSettings, Permission};
use crate::db::administration::SettingsError;

/// The tab that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Users,
    Buyers,
    Policy,
    Webhooks,
}

/// GET `/settings`: the first tab.
pub(super) async fn index(_grant: Granted<ManageSettings>) -> HttpResponse {
    see_other(paths::users())
}

/// What isn't about a field of the form.
fn failed(error: SettingsError) -> AppError {
    match error {
        SettingsError::Missing => AppError::NotFound,
        SettingsError::NotAllowed => AppError::Forbidden { what: ManageSettings::LABEL.to_owned() },
        SettingsError::Database(error) => error.into(),
        refused => AppError::Unprocessable(sentence(&refused)),
    }
}

/// An error's words as a sentence.
fn sentence(error: &SettingsError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>() + ".").unwrap_or_default()
}
