//! The JSON API, `/api/v1`: the pages' own scopes, rules and database functions, in the words of programs.

pub(super) mod audit_logs;
mod body;
mod call_shape;
pub(super) mod calls;
mod codes;
pub(super) mod disputes;
pub(super) mod docs;
pub(super) mod evidence;
mod gate;
pub(super) mod intake;
mod once;
mod openapi;
mod pages;
mod query;
mod refusals;
mod schema;
pub(super) mod settling;
mod shapes;

pub use gate::{Rates, admit};
pub use openapi::document;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::AppError;

/// The longest body that isn't a file: 150,000 characters, each written as an escape, or 1,000 calls.
const LONGEST: usize = 8 * 1024 * 1024;

/// How much of a body is read.
pub(crate) fn payload_config() -> web::PayloadConfig {
    web::PayloadConfig::new(LONGEST)
}

/// An answer as JSON.
fn json(status: StatusCode, value: &impl Serialize) -> Result<HttpResponse, AppError> {
    let body = serde_json::to_string(value).map_err(|error| AppError::Internal(error.into()))?;
    Ok(HttpResponse::build(status)
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(body))
}
