//! The one place that shows and logs failures: a page, a flash region for htmx, or a problem document for programs.

use std::borrow::Cow;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::HeaderName;
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use askama::Template;
use serde_json::json;
use tracing_actix_web::RequestId;

use super::error::{AppError, Link};
use super::filters::Size;
use super::htmx::Htmx;
use super::page::Chrome;
use super::{paths, routes};
use crate::domain::claim::Problem;

/// The page that says no.
#[derive(Template)]
#[template(path = "pages/errors/error.html")]
struct ErrorPage<'failure> {
    chrome: Chrome,
    status: u16,
    icon: &'static str,
    title: &'failure str,
    sentence: Cow<'failure, str>,
    back: Option<Link>,
    request_id: Option<String>,
}

/// The same in the status region of the page that stays.
#[derive(Template)]
#[template(path = "pages/errors/problem.html")]
struct ProblemFlash<'failure> {
    title: &'failure str,
    sentence: Cow<'failure, str>,
    back: Option<Link>,
    request_id: Option<String>,
}

/// Told to who was signed out while a form was being filled in.
#[derive(Template)]
#[template(path = "pages/errors/signed_out.html")]
struct SignedOut;

/// What must be known of a request after it has been consumed.
struct Asked {
    htmx: Htmx,
    /// Whether it sends what somebody typed.
    sends: bool,
    program: bool,
    request_id: String,
    route: String,
}

impl Asked {
    fn of(request: &ServiceRequest) -> Self {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        Self {
            htmx: Htmx::of(request.head()),
            sends: !request.method().is_safe(),
            program: request.path().starts_with("/api/") || request.path() == routes::METRICS,
            request_id: id.unwrap_or_default(),
            route: request.match_pattern().unwrap_or_default(),
        }
    }
}

/// What an answer carries also where its body is written anew.
const KEPT: [HeaderName; 7] = [
    header::ALLOW,
    header::CONTENT_RANGE,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
    HeaderName::from_static("ratelimit-policy"),
];

/// Outermost middleware of ours: turns the error that a response carries into what the asker can read.
pub async fn render_errors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let asked = Asked::of(&request);
    match next.call(request).await {
        Ok(response) => Ok(rendered(response.map_into_boxed_body(), &asked)),
        Err(error) => {
            // Of the middleware inside only the sessions can fail, when the database takes none; the request is
            // gone, so the answer travels in the error.
            tracing::error!(%error, "a session could not be kept");
            let answer = answer(error.as_error().unwrap_or(&AppError::Busy), &asked, Chrome::anonymous());
            Err(InternalError::from_response(error, answer).into())
        }
    }
}

fn rendered(response: ServiceResponse, asked: &Asked) -> ServiceResponse {
    let kept: Vec<_> =
        KEPT.iter().filter_map(|name| Some((name.clone(), response.headers().get(name)?.clone()))).collect();
    let chrome = || Chrome::of(response.request());
    let status = response.status();
    let answer = match response.response().error() {
        Some(error) => with_failure(error, |failure| answer(failure, asked, chrome())),
        None if is_bare(&response) => answer(&AppError::like(status, "a bare status"), asked, chrome()),
        None => return response,
    };
    let mut answered = response.into_response(answer);
    for (name, value) in kept {
        answered.headers_mut().insert(name, value);
    }
    answered
}

/// The framework's own refusals (no such method) have a status and nothing else.
fn is_bare(response: &ServiceResponse<BoxBody>) -> bool {
    let status = response.status();
    let refusal = status.is_client_error() || status.is_server_error();
    refusal && matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0))
}

fn with_failure<T>(error: &Error, show: impl FnOnce(&AppError) -> T) -> T {
    match error.as_error::<AppError>() {
        Some(failure) => show(failure),
        None => show(&AppError::like(error.as_response_error().status_code(), error)),
    }
}

fn answer(failure: &AppError, asked: &Asked, chrome: Chrome) -> HttpResponse {
    log(failure, asked);
    if asked.program {
        return problem_document(failure, asked);
    }
    if let AppError::SignInRequired { return_to } = failure {
        let to = paths::sign_in(return_to);
        if asked.htmx.is_partial() && asked.sends {
            return signed_out();
        }
        // A redirect would be followed out of sight, and the form would land inside the page.
        return if asked.htmx.is_requested() {
            HttpResponse::NoContent().insert_header(("hx-redirect", to)).finish()
        } else {
            HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
        };
    }
    let Words { icon, title, sentence, back } = Words::of(failure);
    let status = failure.status();
    let request_id = names_request(status).then(|| asked.request_id.clone());
    let mut response = HttpResponse::build(status);
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::VARY, super::page::VARY));
    retry_after(failure, &mut response);
    let text = if asked.htmx.is_partial() {
        // Only the flash region changes; the table and the URL stay as they are.
        response
            .insert_header(("hx-retarget", "#flash"))
            .insert_header(("hx-reswap", "outerHTML"))
            .insert_header(("hx-push-url", "false"));
        ProblemFlash { title, sentence, back, request_id }.render()
    } else {
        ErrorPage { chrome, status: status.as_u16(), icon, title, sentence, back, request_id }.render()
    };
    match text {
        Ok(text) => response.body(text),
        Err(error) => {
            tracing::error!(%error, "the error page could not be rendered");
            response
                .content_type("text/plain; charset=utf-8")
                .body("Something went wrong on our side. Try again in a moment.")
        }
    }
}

/// In place of the way to the sign-in page: the form stays on the page with all that was typed.
fn signed_out() -> HttpResponse {
    let mut response = HttpResponse::Forbidden();
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::VARY, super::page::VARY))
        .insert_header(("hx-retarget", "#flash"))
        .insert_header(("hx-reswap", "outerHTML"))
        .insert_header(("hx-push-url", "false"));
    match SignedOut.render() {
        Ok(text) => response.body(text),
        Err(error) => {
            tracing::error!(%error, "the words for who is signed out could not be rendered");
            response.finish()
        }
    }
}

fn retry_after(failure: &AppError, response: &mut actix_web::HttpResponseBuilder) {
    match failure {
        AppError::Busy => response.insert_header((header::RETRY_AFTER, "5")),
        AppError::TooMany { seconds } => response.insert_header((header::RETRY_AFTER, seconds.to_string())),
        _ => response,
    };
}

/// RFC 9457, for programs.
fn problem_document(failure: &AppError, asked: &Asked) -> HttpResponse {
    let status = failure.status();
    let mut document = problem_of(failure);
    if let (true, Some(fields)) = (names_request(status), document.as_object_mut()) {
        fields.insert("request_id".to_owned(), asked.request_id.clone().into());
    }
    let mut response = HttpResponse::build(status);
    response.content_type(PROBLEM_TYPE).insert_header((header::CACHE_CONTROL, "no-store"));
    match failure {
        AppError::InsufficientScope { scope } => {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        AppError::SignInRequired { .. } => {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        _ => {}
    }
    retry_after(failure, &mut response);
    response.body(document.to_string())
}

/// The media type of a problem.
pub(super) const PROBLEM_TYPE: &str = "application/problem+json";

/// A failure as programs read it; equal failures are equal byte for byte.
pub(super) fn problem_of(failure: &AppError) -> serde_json::Value {
    let words = Words::of(failure);
    // The words of a page lead to pages.
    let (title, detail) = match failure {
        AppError::NotFound => ("Not found", "It isn’t there, or isn’t yours to see.".into()),
        AppError::SignInRequired { .. } => ("No good token", "Send a token as Authorization: Bearer TOKEN.".into()),
        AppError::Forbidden { .. } => ("A permission is missing", words.sentence),
        AppError::MethodNotAllowed => ("No such method", "Allow names the methods of this address.".into()),
        _ => (words.title, words.sentence),
    };
    let mut document = json!({
        "type": format!("/api/v1/docs#{}", failure.code()),
        "title": title,
        "status": failure.status().as_u16(),
        "code": failure.code(),
        "detail": detail,
    });
    if let (AppError::Invalid(problems), Some(fields)) = (failure, document.as_object_mut()) {
        let told = |problem: &Problem| json!({ "field": problem.field, "detail": problem.sentence });
        fields.insert("errors".to_owned(), problems.iter().map(told).collect());
    }
    document
}

/// The request's id helps where we must look something up; elsewhere equal answers stay equal byte for byte.
fn names_request(status: StatusCode) -> bool {
    status.is_server_error()
}

fn log(failure: &AppError, asked: &Asked) {
    let (route, request_id) = (&asked.route, &asked.request_id);
    match failure {
        AppError::Internal(cause) => tracing::error!(route, request_id, cause = format!("{cause:#}"), "request failed"),
        AppError::Busy => tracing::warn!(route, request_id, "database busy or away"),
        other => tracing::debug!(route, request_id, code = other.code(), "request refused"),
    }
}

struct Words<'failure> {
    icon: &'static str,
    title: &'failure str,
    sentence: Cow<'failure, str>,
    back: Option<Link>,
}

impl<'failure> Words<'failure> {
    fn of(failure: &'failure AppError) -> Self {
        let calls = || Some(Link::new(paths::calls(), "Go to the Call Log"));
        let (icon, title, sentence, back) = match failure {
            AppError::SignInRequired { .. } => (
                "lock",
                "Sign in first",
                "This needs a valid session or token.".into(),
                Some(Link::new(paths::login(), "Sign in")),
            ),
            AppError::Forbidden { what } => (
                "lock",
                "You can’t open this",
                format!("It needs the permission {what}. A person with Settings at the platform can give it to you.")
                    .into(),
                calls(),
            ),
            AppError::InsufficientScope { scope } => {
                ("lock", "The token lacks a scope", format!("This needs the scope {scope}.").into(), None)
            }
            AppError::NotFound => (
                "search",
                "There is nothing at this address",
                "The link may be mistyped, or what it pointed to is not yours to see.".into(),
                calls(),
            ),
            AppError::BadRequest(sentence) => ("alert", "This request can’t be read", sentence.into(), calls()),
            AppError::Unprocessable(sentence) => ("alert", "This can’t be done so", sentence.into(), calls()),
            AppError::Invalid(problems) => {
                let sentences: Vec<String> = problems.iter().map(|problem| format!("{}.", problem.sentence)).collect();
                ("alert", "This can’t be done so", sentences.join(" ").into(), None)
            }
            AppError::KeyReused => (
                "alert",
                "The key was used before",
                "This Idempotency-Key came with another request in the last 24 hours. Use a new one.".into(),
                None,
            ),
            AppError::PreconditionFailed => (
                "s-pending",
                "It changed meanwhile",
                "It isn’t as it was when you read it. Read it again, then decide.".into(),
                None,
            ),
            AppError::RangeNotSatisfiable => (
                "info",
                "There is no such part",
                "What was asked for lies beyond the end of the file; Content-Range says how long it is.".into(),
                None,
            ),
            AppError::UnsupportedMedia { expected } => {
                ("alert", "This can’t be read", format!("Send it as {expected}.").into(), None)
            }
            AppError::Conflict(conflict) => {
                ("s-pending", conflict.title.as_str(), conflict.sentence.as_str().into(), Some(conflict.back.clone()))
            }
            AppError::TooLarge { limit: 0 } => {
                ("clip", "This is too large", "More was sent than is taken at once.".into(), calls())
            }
            AppError::TooLarge { limit } => {
                ("clip", "This is too large", format!("Up to {} can be sent at once.", Size(*limit)).into(), calls())
            }
            AppError::Gone(sentence) => ("info", "This link has been used or is too old", sentence.into(), None),
            AppError::TooMany { seconds } => {
                ("s-pending", "Too many tries", format!("Try again in {seconds} seconds.").into(), None)
            }
            AppError::CrossSite => (
                "lock",
                "This did not come from a page of Fairdial",
                "Nothing was changed. Open the page again and repeat what you did.".into(),
                calls(),
            ),
            AppError::MethodNotAllowed => (
                "info",
                "This address can’t be used that way",
                "Go back and use the page’s own buttons.".into(),
                calls(),
            ),
            AppError::Busy => (
                "refresh",
                "Fairdial is busy",
                "Nothing was lost and nothing was sent. Try again in a few seconds.".into(),
                None,
            ),
            AppError::Internal(_) => (
                "alert",
                "Something went wrong on our side",
                "Nothing was sent. Try again; if it stays so, tell the platform the number below.".into(),
                None,
            ),
        };
        Self { icon, title, sentence, back }
    }
}
