//! Bodies as JSON or as forms with bracket keys, and the digest that tells one request from another.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use sha2::{Digest, Sha256};

use super::LONGEST;
use super::once::Once;
use crate::domain::claim::Problem;
use crate::web::AppError;

/// What was sent, and under which key.
#[derive(Debug)]
pub(in crate::web) struct Sent<T> {
    pub(super) value: T,
    pub(super) once: Once,
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for Sent<T> {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = Kind::of(request);
        let request = request.clone();
        let body = web::Bytes::from_request(&request, payload);
        Box::pin(async move {
            let kind = kind?;
            let body = body.await.map_err(|error| match error.as_response_error().status_code().as_u16() {
                413 => AppError::TooLarge { limit: u64::try_from(LONGEST).unwrap_or_default() },
                status => AppError::BadRequest(format!("The body did not arrive completely ({status}).")),
            })?;
            let once = Once::of(&request, &hex::encode(Sha256::digest(&body)))?;
            Ok(Self { value: kind.read(&body)?, once })
        })
    }
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    /// Also where nothing is said.
    Form,
}

impl Kind {
    fn of(request: &HttpRequest) -> Result<Self, AppError> {
        let Some(kind) = request.headers().get(header::CONTENT_TYPE) else { return Ok(Self::Form) };
        let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" => Ok(Self::Json),
            "application/x-www-form-urlencoded" | "" => Ok(Self::Form),
            _ => Err(AppError::UnsupportedMedia { expected: "application/json or application/x-www-form-urlencoded" }),
        }
    }

    fn read<T: DeserializeOwned + Default>(self, body: &[u8]) -> Result<T, AppError> {
        if body.is_empty() {
            return Ok(T::default());
        }
        match self {
            Self::Json => read_json(body),
            Self::Form => serde_qs::Config::new()
                .use_form_encoding(true)
                .deserialize_bytes(body)
                .map_err(|error| invalid("", &error.to_string())),
        }
    }
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        match cause.classify() {
            Category::Data => invalid(if path == "." { "" } else { &path }, &without_place(&cause.to_string())),
            _ => AppError::BadRequest(format!("The body isn\u{2019}t JSON: {cause}.")),
        }
    })?;
    reader.end().map_err(|cause| AppError::BadRequest(format!("The body isn\u{2019}t JSON: {cause}.")))?;
    Ok(value)
}

/// The field says where it is; nobody counts columns.
fn without_place(said: &str) -> String {
    said.rsplit_once(" at line ").map_or(said, |(said, _)| said).to_owned()
}

fn invalid(field: &str, said: &str) -> AppError {
    AppError::Invalid(vec![Problem::new(field, said)])
}

/// The body of an endpoint that takes none; what comes all the same isn't looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::web) struct Nothing;

impl<'de> serde::Deserialize<'de> for Nothing {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(from).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Example {
        reason: Option<String>,
        submit: Option<bool>,
        version: Option<i32>,
        evidence: BTreeMap<String, String>,
    }

    #[test]
    fn both_ways_of_writing_say_the_same() {
        let json = br#"{"reason":"other","submit":false,"version":2,"evidence":{"service_date":"2026-11-20 a&b"}}"#;
        let form = b"reason=other&submit=false&version=2&evidence[service_date]=2026-11-20+a%26b";
        let encoded = b"reason=other&submit=false&version=2&evidence%5Bservice_date%5D=2026-11-20+a%26b";
        let read: Example = Kind::Json.read(json).expect("JSON");
        assert_eq!(read.evidence.get("service_date").map(String::as_str), Some("2026-11-20 a&b"));
        assert_eq!(Kind::Form.read::<Example>(form).expect("a form"), read);
        assert_eq!(Kind::Form.read::<Example>(encoded).expect("a form"), read);
        assert_eq!(Kind::Form.read::<Example>(b"").expect("nothing"), Example::default());
    }

    #[test]
    fn a_wrong_field_is_named_and_a_broken_body_is_no_json() {
        let told = |body: &[u8]| match Kind::Json.read::<Example>(body) {
            Err(AppError::Invalid(problems)) => problems[0].field.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told(br#"{"evidence":{"service_date":3}}"#), "evidence.service_date");
        assert_eq!(told(br#"{"submit":"yes"}"#), "submit");
        assert!(matches!(Kind::Json.read::<Example>(b"{"), Err(AppError::BadRequest(_))));
        assert!(matches!(Kind::Json.read::<Example>(b"{} {}"), Err(AppError::BadRequest(_))));
        assert!(matches!(Kind::Form.read::<Example>(b"submit=yes"), Err(AppError::Invalid(_))));
    }
}
