//! `AppError`: how a request can fail. The only error type that a handler returns; `error_pages` renders it.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::db::{DbError, Failure};
use crate::domain::claim::Problem;
use crate::web::htmx::Htmx;
use crate::web::paths::LocalPath;

/// A way out: where to go next, and what the link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub href: String,
    pub text: String,
}

impl Link {
    /// A link to a page of this server.
    pub fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self { href: href.into(), text: text.into() }
    }
}

/// What a conflict tells: the state as it is now, in the platform's words.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// Stable for programs, such as `window_closed`.
    pub code: &'static str,
    pub title: String,
    pub sentence: String,
    pub back: Link,
}

/// How a request can fail.
#[derive(Debug)]
pub enum AppError {
    /// Nobody is signed in: the sign-in page, and back to `return_to` afterwards.
    SignInRequired { return_to: LocalPath },
    /// A right is missing; `what` is its name, such as "Dispute Calls".
    Forbidden { what: String },
    /// A token without the scope, such as `disputes:write`; only the API answers so.
    InsufficientScope { scope: String },
    /// Missing, or not this viewer's: the same answer.
    NotFound,
    /// The request can't be read; the sentence says what of it.
    BadRequest(String),
    /// Understood and not allowed; the sentence says why.
    Unprocessable(String),
    /// Understood and not allowed, with what is wrong at each field; only the API answers so.
    Invalid(Vec<Problem>),
    /// The key of an earlier request with another one; only the API answers so.
    KeyReused,
    /// It changed since whoever asks saw it; only the API answers so.
    PreconditionFailed,
    /// A part of a file that it doesn't have; only the API answers so.
    RangeNotSatisfiable,
    /// A body of a kind that isn't read.
    UnsupportedMedia { expected: &'static str },
    /// The state doesn't allow it any more.
    Conflict(Box<Conflict>),
    /// More bytes than are taken.
    TooLarge { limit: u64 },
    /// Was here, and has gone: a used link, an expired selection.
    Gone(String),
    /// Too many tries; again after so many seconds.
    TooMany { seconds: u32 },
    /// Sent by another site, or by nobody who says so.
    CrossSite,
    /// A method that this address doesn't have.
    MethodNotAllowed,
    /// Database busy or away.
    Busy,
    /// Ours: the cause is logged and never shown.
    Internal(anyhow::Error),
}

impl AppError {
    /// Sign-in, then back to the page that was asked for (or on which htmx acted).
    #[must_use]
    pub fn sign_in(request: &HttpRequest) -> Self {
        let htmx = Htmx::of(request.head());
        let here = || request.uri().path_and_query().and_then(|path| LocalPath::parse(path.as_str()));
        let wanted = if htmx.is_requested() {
            htmx.current_path().and_then(|path| LocalPath::parse(&path))
        } else if request.method().is_safe() {
            here()
        } else {
            // A form can't be sent again from here: back to the page it stood on, where a script kept what was typed.
            LocalPath::of_referer(request)
        };
        Self::SignInRequired { return_to: wanted.unwrap_or_default() }
    }

    /// A conflict with its sentence and the way out.
    pub fn conflict(code: &'static str, title: impl Into<String>, sentence: impl Into<String>, back: Link) -> Self {
        Self::Conflict(Box::new(Conflict { code, title: title.into(), sentence: sentence.into(), back }))
    }

    /// The status of the answer to a program; pages redirect where sign-in is required.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignInRequired { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::InsufficientScope { .. } | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unprocessable(_) | Self::Invalid(_) | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::UnsupportedMedia { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Gone(_) => StatusCode::GONE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignInRequired { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::NotFound => "not_found",
            Self::BadRequest(_) => "bad_request",
            Self::Unprocessable(_) => "unprocessable",
            Self::Invalid(_) => "invalid",
            Self::KeyReused => "idempotency_key_reused",
            Self::PreconditionFailed => "precondition_failed",
            Self::RangeNotSatisfiable => "range_not_satisfiable",
            Self::UnsupportedMedia { .. } => "unsupported_media_type",
            Self::Conflict(conflict) => conflict.code,
            Self::TooLarge { .. } => "too_large",
            Self::Gone(_) => "gone",
            Self::TooMany { .. } => "too_many_requests",
            Self::CrossSite => "cross_site",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Busy => "busy",
            Self::Internal(_) => "internal",
        }
    }

    /// Our own error if the response carries one, else what the framework's rejection amounts to.
    #[must_use]
    pub(super) fn like(status: StatusCode, cause: impl fmt::Display) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge { limit: 0 },
            StatusCode::UNPROCESSABLE_ENTITY => {
                Self::Unprocessable("A value that was sent isn't allowed here.".to_owned())
            }
            status if status.is_client_error() => Self::BadRequest("What was sent could not be read.".to_owned()),
            _ => Self::Internal(anyhow::anyhow!("{cause}")),
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // For the log: the code, and the cause where it is ours.
        match self {
            Self::Internal(cause) => write!(out, "internal: {cause:#}"),
            other => out.write_str(other.code()),
        }
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        // A bare status: only `error_pages` knows who asked and how.
        HttpResponse::new(self.status())
    }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy => Self::Busy,
            DbError::Query(error) => Self::Internal(error.into()),
            DbError::Broken(said) => Self::Internal(anyhow::anyhow!(said)),
        }
    }
}

impl From<diesel::result::Error> for AppError {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

impl Failure for AppError {
    fn db_error(&self) -> Option<&DbError> {
        static BUSY: DbError = DbError::Busy;
        // Whatever else the database said is told once, by the renderer.
        matches!(self, Self::Busy).then_some(&BUSY)
    }
}

impl From<askama::Error> for AppError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(anyhow::Error::new(error).context("a template could not be rendered"))
    }
}
