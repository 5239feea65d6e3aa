//! Forms: reading one within limits, and showing it again with what was typed and a message at each field.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::error::AppError;

/// Longest form that is read; files come as multipart and have their own limit.
const LONGEST: usize = 1024 * 1024;

/// A form that was sent as `application/x-www-form-urlencoded`, by a page of this server.
#[derive(Debug, Clone)]
pub struct Checked<T>(T);

impl<T> Checked<T> {
    /// The values.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Checked<T> {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let plain = is_urlencoded(request);
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !plain {
                return Err(AppError::BadRequest("A form is sent as application/x-www-form-urlencoded.".to_owned()));
            }
            let body = body.await.map_err(|error| match error.as_response_error().status_code().as_u16() {
                413 => AppError::TooLarge { limit: u64::try_from(LONGEST).unwrap_or_default() },
                status => AppError::BadRequest(format!("The form did not arrive completely ({status}).")),
            })?;
            serde_urlencoded::from_bytes(&without_nul(body))
                .map(Self)
                .map_err(|error| AppError::Unprocessable(format!("The form has a field that can’t be read: {error}.")))
        })
    }
}

/// No person types a NUL, and no text column of PostgreSQL takes one.
fn without_nul(body: web::Bytes) -> web::Bytes {
    if !body.contains(&0) && !body.windows(3).any(|part| part == b"%00") {
        return body;
    }
    let pairs = url::form_urlencoded::parse(&body);
    let pairs = pairs.map(|(name, value)| (name.replace('\0', ""), value.replace('\0', "")));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into()
}

pub(super) fn is_urlencoded(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The limit that `Checked` and `web::Bytes` share.
#[must_use]
pub(crate) fn payload_config() -> web::PayloadConfig {
    web::PayloadConfig::new(LONGEST)
}

/// What is wrong with one field; without a field, with the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

/// What was typed and what is wrong with it, for showing the form again.
#[derive(Debug, Clone, Default)]
pub struct FormState {
    values: HashMap<String, String>,
    problems: Vec<FieldError>,
}

impl FormState {
    /// An empty form.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a value for the field. Passwords are not kept.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl fmt::Display) -> Self {
        self.values.insert(field.to_owned(), value.to_string());
        self
    }

    /// Notes what is wrong with a field.
    pub fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.problems.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    /// Notes what is wrong with the form as a whole.
    pub fn refuse_form(&mut self, message: impl Into<String>) {
        self.refuse("", message);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// What was typed into the field.
    #[must_use]
    pub fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }

    /// Whether this option was chosen.
    #[must_use]
    pub fn is(&self, field: &str, value: &str) -> bool {
        self.value(field) == value
    }

    /// What is wrong with the field.
    #[must_use]
    pub fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    /// Whether something is wrong with the field.
    #[must_use]
    pub fn has_problem(&self, field: &str) -> bool {
        self.problem(field).is_some()
    }

    /// All that is wrong, in the order of the fields.
    #[must_use]
    pub fn problems(&self) -> &[FieldError] {
        &self.problems
    }

    /// "Three things need your attention".
    #[must_use]
    pub fn headline(&self) -> String {
        const WORDS: [&str; 9] = ["One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
        let number = self.problems.len();
        match number.checked_sub(1).and_then(|at| WORDS.get(at)) {
            Some(&"One") => "One thing needs your attention".to_owned(),
            Some(word) => format!("{word} things need your attention"),
            None => format!("{number} things need your attention"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_field_keeps_its_value_and_has_its_message() {
        let mut form = FormState::new().with("reason", "other");
        assert!(form.is_clean());
        form.refuse("reason", "Choose a reason");
        form.refuse("credit", "Write an amount");
        assert_eq!(form.value("reason"), "other");
        assert_eq!(form.problem("reason"), Some("Choose a reason"));
        assert!(!form.has_problem("note"));
        assert_eq!(form.headline(), "Two things need your attention");
    }
}
