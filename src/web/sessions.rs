//! Signing in and out.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, Responder, http::header};
use askama::Template;

use super::form::{Checked, FormState};
use super::htmx::Htmx;
use super::page::{Chrome, Fragments, Page, see_other};
use super::paths::LocalPath;
use super::tries::Tries;
use super::{AppError, paths};
use crate::auth::session::{Loaded, TypedSession};
use crate::auth::{extract, password};
use crate::clock::Clock;
use crate::db::{Db, DbError, policy, sessions as live_sessions, users};
use crate::domain::ids::UserId;

/// The sign-in form. A password is never shown again.
#[derive(Debug, serde::Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: LocalPath,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: LocalPath,
}

/// The sign-in page.
#[derive(Template)]
#[template(path = "pages/sessions/new.html")]
pub(super) struct SignInPage {
    chrome: Chrome,
    form: FormState,
    platform: String,
}

impl Fragments for SignInPage {}

/// GET `/login`
pub(super) async fn new(
    request: HttpRequest,
    next: Query<Next>,
    htmx: Htmx,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    if let Some(Loaded::SignedIn { .. }) = TypedSession::of(&request).loaded() {
        return Ok(see_other(next.next.to_string()));
    }
    let form = FormState::new().with("next", &next.next);
    Ok(page(htmx, &db, form).await?.respond_to(&request))
}

async fn page(htmx: Htmx, db: &Db, form: FormState) -> Result<Page<SignInPage>, AppError> {
    let platform = db.read::<_, DbError, _>(|conn| Ok(policy::platform_name(conn)?)).await?;
    Ok(Page::new(htmx, SignInPage { chrome: Chrome::anonymous(), form, platform }))
}

/// POST `/login`
pub(super) async fn create(
    request: HttpRequest,
    form: Checked<SignIn>,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<HttpResponse, AppError> {
    let SignIn { email, password: typed, next } = form.into_inner();
    let origin = extract::origin(&request);
    let tries = Tries::of(&email, &origin);
    tries.take(&db, clock.now()).await?;
    let wanted = email.clone();
    let user = db.read::<_, DbError, _>(move |conn| Ok(users::find_by_email(conn, &wanted)?)).await?;
    let user = user.filter(|user| !user.is_disabled);
    let is_right = password::verify(typed, user.as_ref().and_then(|user| user.password_hash.clone())).await?;
    let Some(user) = user.filter(|_| is_right) else {
        let mut form = FormState::new().with("email", email).with("next", &next);
        form.refuse("password", "E-mail and password don't fit together");
        return Ok(page(htmx, &db, form).await?.unprocessable().respond_to(&request));
    };
    tries.forgive(&db).await?;
    begin(&request, user.id, user.epoch)?;
    Ok(see_other(next.to_string()))
}

/// Begins a session of this user under a new id, with what the account page tells of it.
pub(super) fn begin(request: &HttpRequest, user: UserId, epoch: i32) -> Result<(), AppError> {
    let origin = extract::origin(request);
    let user_agent =
        request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    TypedSession::of(request).sign_in(user, epoch, &origin.address, user_agent).map_err(AppError::Internal)
}

/// POST `/logout`
pub(super) async fn destroy(request: HttpRequest, db: Data<Db>) -> Result<HttpResponse, AppError> {
    let session = TypedSession::of(&request);
    match session.loaded() {
        // Ended here, where a busy database is an answer: nobody is told that they are signed out who isn't.
        Some(Loaded::SignedIn { token_hash, .. }) => {
            db.write::<_, DbError, _>(move |conn| Ok(live_sessions::delete(conn, &token_hash)?)).await?;
        }
        Some(Loaded::Unavailable) => return Err(AppError::Busy),
        None => {}
    }
    session.sign_out();
    Ok(see_other(paths::login()))
}
