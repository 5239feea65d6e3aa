//! Signing in and out.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, Responder, http::header};
use askama::Template;
use sha2::{Digest, Sha256};

use super::form::{Checked, FormState};
use super::htmx::Htmx;
use super::page::{Chrome, Fragments, Page, see_other};
use super::paths::LocalPath;
use super::{AppError, paths};
use crate::auth::session::{Loaded, TypedSession};
use crate::auth::{extract, password};
use crate::clock::Clock;
use crate::db::{Db, DbError, policy, throttles, users};

/// Wrong passwords a minute, of one account and from one address.
const TRIES_OF_ACCOUNT: i32 = 10;
const TRIES_FROM_ADDRESS: i32 = 30;

/// When a throttled sign-in may be tried again.
const SECONDS_UNTIL_NEXT: u32 = 60;

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
    let platform = db.read(policy::load).await?.platform_name;
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
    let account = format!("account:{}", hex::encode(Sha256::digest(users::email_key(&email))));
    let address = format!("address:{}", origin.address);
    let keys = [(account.clone(), TRIES_OF_ACCOUNT), (address.clone(), TRIES_FROM_ADDRESS)];

    // A try is taken before the hash is touched, so that a flood of guesses costs no more than the tries allowed.
    let (now, wanted) = (clock.now(), email.clone());
    let (may_try, user) = db
        .write::<_, DbError, _>(move |conn| {
            for (key, most) in &keys {
                if !throttles::take(conn, key, *most, now)? {
                    return Ok((false, None));
                }
            }
            Ok((true, users::find_by_email(conn, &wanted)?))
        })
        .await?;
    if !may_try {
        return Err(AppError::TooMany { seconds: SECONDS_UNTIL_NEXT });
    }
    let user = user.filter(|user| !user.is_disabled);
    let is_right = password::verify(typed, user.as_ref().and_then(|user| user.password_hash.clone())).await?;
    let Some(user) = user.filter(|_| is_right) else {
        let mut form = FormState::new().with("email", email).with("next", &next);
        form.refuse("password", "E-mail and password don't fit together");
        return Ok(page(htmx, &db, form).await?.unprocessable().respond_to(&request));
    };
    db.write::<_, DbError, _>(move |conn| {
        throttles::forget(conn, &account)?;
        Ok(throttles::give_back(conn, &address)?)
    })
    .await?;
    let user_agent =
        request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    TypedSession::of(&request).sign_in(user.id, user.epoch, &origin.address, user_agent).map_err(AppError::Internal)?;
    Ok(see_other(next.to_string()))
}

/// POST `/logout`
pub(super) async fn destroy(request: HttpRequest) -> HttpResponse {
    TypedSession::of(&request).sign_out();
    see_other(paths::login())
}
