//! `Idempotency-Key`: same key and body, same answer for 24 hours; two at once wait for each other.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use diesel::Connection;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::db::AnyConnection;
use crate::db::answers::{self, Answer};
use crate::domain::Instant;
use crate::domain::ids::UserId;
use crate::web::AppError;
use crate::web::error_pages::{self, PROBLEM_TYPE};

/// The longest key.
const LONGEST: usize = 255;

/// A request's key, if it has one, and what tells it from other requests.
#[derive(Clone, Debug)]
pub(in crate::web) struct Once {
    key: Option<String>,
    fingerprint: String,
}

/// What a request came to.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    status: u16,
    body: String,
    is_replayed: bool,
}

impl Answered {
    /// An answer of this request.
    ///
    /// # Errors
    /// If it can't be written as JSON, which is ours.
    pub(super) fn with(status: StatusCode, value: &impl Serialize) -> Result<Self, AppError> {
        let body = serde_json::to_string(value).map_err(|error| AppError::Internal(error.into()))?;
        Ok(Self { status: status.as_u16(), body, is_replayed: false })
    }

    /// Whether this very request made something.
    pub(super) fn has_created(&self) -> bool {
        self.status == StatusCode::CREATED.as_u16() && !self.is_replayed
    }

    fn refusal(failure: &AppError) -> Self {
        Self {
            status: failure.status().as_u16(),
            body: error_pages::problem_of(failure).to_string(),
            is_replayed: false,
        }
    }

    /// The answer, with the version of a dispute as its tag, and where a new one is.
    pub(super) fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let is_problem = status.is_client_error();
        let mut response = HttpResponse::build(status);
        response
            .content_type(if is_problem { PROBLEM_TYPE } else { "application/json" })
            .insert_header((header::CACHE_CONTROL, "private, no-store"));
        if self.is_replayed {
            response.insert_header(("idempotency-replayed", "true"));
        }
        if let Some((tag, path)) = dispute_of(&self.body) {
            response.insert_header((header::ETAG, tag));
            if status == StatusCode::CREATED {
                response.insert_header((header::LOCATION, path));
            }
        }
        response.body(self.body)
    }
}

/// The tag and the path of a dispute that is written so.
fn dispute_of(body: &str) -> Option<(String, String)> {
    let value: Value = serde_json::from_str(body).ok()?;
    let dispute = Some(value).filter(|value| value.get("object").is_some_and(|object| object == "dispute"))?;
    let (version, id) = (dispute.get("version")?.as_i64()?, dispute.get("id")?.as_str()?);
    Some((format!("\"{version}\""), format!("/api/v1/disputes/{id}")))
}

impl Once {
    /// The key of a request with this digest of its body.
    ///
    /// # Errors
    /// 400 where the key can't be one.
    pub(super) fn of(request: &HttpRequest, digest: &str) -> Result<Self, AppError> {
        let mut keys = request.headers().get_all("idempotency-key");
        let key = match (keys.next(), keys.next()) {
            (None, _) => None,
            (Some(key), None) => {
                let text = key.to_str().unwrap_or_default().trim();
                if !(1..=LONGEST).contains(&text.len()) {
                    let sentence = "An Idempotency-Key has 1 to 255 visible ASCII characters.";
                    return Err(AppError::BadRequest(sentence.to_owned()));
                }
                Some(format!("api/{}", hex::encode(Sha256::digest(text))))
            }
            (Some(_), Some(_)) => {
                return Err(AppError::BadRequest("A request has one Idempotency-Key.".to_owned()));
            }
        };
        let said = format!("{} {}\n{digest}", request.method(), request.uri());
        Ok(Self { key, fingerprint: hex::encode(Sha256::digest(said)) })
    }

    /// Does the work, unless it was done under this key before: then gives the first answer again.
    ///
    /// A refusal is kept too. What was begun before it is undone, to a savepoint, so that both are one transaction.
    ///
    /// # Errors
    /// What the work ends in, where that isn't a refusal that would be the same again.
    pub(super) fn run(
        &self,
        conn: &mut AnyConnection,
        (user, now): (UserId, Instant),
        work: impl Fn(&mut AnyConnection) -> Result<Answered, AppError>,
    ) -> Result<Answered, AppError> {
        let Some(key) = &self.key else { return work(conn) };
        if let Some(first) = answers::recall(conn, user, key, now)? {
            if first.fingerprint != self.fingerprint {
                return Err(AppError::KeyReused);
            }
            let status = u16::try_from(first.status).unwrap_or(200);
            return Ok(Answered { status, body: first.body, is_replayed: true });
        }
        let answered = match conn.transaction(|conn| work(conn)) {
            Ok(answered) => answered,
            Err(failure) if is_kept(&failure) => Answered::refusal(&failure),
            Err(failure) => return Err(failure),
        };
        let answer = Answer {
            fingerprint: self.fingerprint.clone(),
            status: i32::from(answered.status),
            location: String::new(),
            body: answered.body.clone(),
        };
        answers::remember(conn, user, key, &answer, now)?;
        Ok(answered)
    }
}

/// Whether the same request would be refused alike: what has nothing to do with who asks, or with load.
fn is_kept(failure: &AppError) -> bool {
    matches!(
        failure,
        AppError::NotFound
            | AppError::Conflict(_)
            | AppError::Invalid(_)
            | AppError::Unprocessable(_)
            | AppError::PreconditionFailed
    )
}
