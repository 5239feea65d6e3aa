//! Bodies as JSON or as forms with bracket keys, and the digest that tells one request from another.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_path_to_error::Segment;
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

/// What a body can be read as.
pub(in crate::web) trait Body: DeserializeOwned + Default + 'static {
    /// Whether JSON may be something else than an object. Objects alone have names; a list would be read by places.
    const TAKES_ALL: bool = false;
}

impl<T: Body> FromRequest for Sent<T> {
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

    fn read<T: Body>(self, body: &[u8]) -> Result<T, AppError> {
        if body.is_empty() {
            return Ok(T::default());
        }
        match self {
            Self::Json => read_json(body),
            Self::Form => read_form(body),
        }
    }
}

fn read_json<T: Body>(body: &[u8]) -> Result<T, AppError> {
    let broken = |cause: serde_json::Error| AppError::BadRequest(format!("The body isn\u{2019}t JSON: {cause}."));
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if !T::TAKES_ALL && first != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(body).map_err(broken)?;
        return Err(invalid("", "Send an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = field_of(error.path());
        let cause = error.into_inner();
        match cause.classify() {
            Category::Data => invalid(&field, &without_place(&cause.to_string())),
            _ => broken(cause),
        }
    })?;
    reader.end().map_err(broken)?;
    Ok(value)
}

fn read_form<T: Body>(body: &[u8]) -> Result<T, AppError> {
    let form = serde_qs::Config::new().use_form_encoding(true);
    let read: Placed<T> = form.deserialize_bytes(body).map_err(|error| invalid("", &error.to_string()))?;
    read.0
}

/// A value, or what is wrong with it and at which field: the reader of forms doesn't say where it is.
struct Placed<T>(Result<T, AppError>);

impl<'de, T: Body> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(serde_path_to_error::deserialize(from).map_err(|error| {
            let field = field_of(error.path());
            invalid(&field, &error.into_inner().to_string())
        })))
    }
}

/// A field as a form names it: `evidence[service_date]`.
fn field_of(path: &serde_path_to_error::Path) -> String {
    let names = path.iter().filter_map(|part| match part {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let bracketed = |(at, name): (usize, String)| if at == 0 { name } else { format!("[{name}]") };
    names.enumerate().map(bracketed).collect()
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

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Self)
    }
}

impl Body for Nothing {
    const TAKES_ALL: bool = true;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Example {
        reason: Option<String>,
        submit: Option<bool>,
        version: Option<i32>,
        evidence: BTreeMap<String, String>,
    }

    impl Body for Example {}

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
        let told = |kind: Kind, body: &[u8]| match kind.read::<Example>(body) {
            Err(AppError::Invalid(problems)) => problems[0].field.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told(Kind::Json, br#"{"evidence":{"service_date":3}}"#), "evidence[service_date]");
        assert_eq!(told(Kind::Json, br#"{"submit":"yes"}"#), "submit");
        assert_eq!(told(Kind::Form, b"evidence[service_date][x]=3"), "evidence[service_date]");
        assert_eq!(told(Kind::Form, b"submit=yes"), "submit");
        assert_eq!(told(Kind::Form, b"version=1&colour=red"), "colour");
        assert!(matches!(Kind::Json.read::<Example>(b"{"), Err(AppError::BadRequest(_))));
        assert!(matches!(Kind::Json.read::<Example>(b"{} {}"), Err(AppError::BadRequest(_))));
    }

    #[test]
    fn a_list_is_not_taken_for_the_fields_by_their_places() {
        for body in [br#"["other", false, 1, {}]"#.as_slice(), b"[]", b"null", b" 3"] {
            assert!(matches!(Kind::Json.read::<Example>(body), Err(AppError::Invalid(_))), "{body:?}");
        }
        assert!(matches!(Kind::Json.read::<Example>(b"[1"), Err(AppError::BadRequest(_))));
        assert!(Kind::Json.read::<Example>(b" {}").is_ok() && Kind::Json.read::<Nothing>(b"[1]").is_ok());
    }
}
