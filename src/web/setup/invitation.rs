//! An invitation: whoever holds the link chooses the password of the user it was made for. Once.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::refuse_password;
use crate::auth::{Actor, extract, password};
use crate::clock::Clock;
use crate::db::users::{self, UserRow};
use crate::db::{Db, DbError, links, policy};
use crate::web::error::AppError;
use crate::web::form::{Checked, FormState};
use crate::web::htmx::Htmx;
use crate::web::page::{Chrome, Fragments, Page, see_other};
use crate::web::path::Path;
use crate::web::{paths, sessions, tries};

/// The form. The password is never shown again.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Choice {
    password: String,
}

/// The page of an invitation.
#[derive(Template)]
#[template(path = "pages/invitations/show.html")]
pub(crate) struct InvitationPage {
    chrome: Chrome,
    form: FormState,
    action: String,
    platform: String,
    name: String,
    email: String,
}

impl Fragments for InvitationPage {}

/// GET `/invitations/{token}`
pub(crate) async fn show(
    request: HttpRequest,
    token: Path<String>,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<Page<InvitationPage>, AppError> {
    let (user, platform) = load(&request, &db, &token, &clock).await?;
    Ok(page(htmx, &token, FormState::new(), user, platform))
}

/// POST `/invitations/{token}`
pub(crate) async fn update(
    request: HttpRequest,
    token: Path<String>,
    form: Checked<Choice>,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<HttpResponse, AppError> {
    let (user, platform) = load(&request, &db, &token, &clock).await?;
    let mut state = FormState::new();
    refuse_password(&mut state, "password", &form.password, &[&user.email, &user.name, &platform]);
    if !state.is_clean() {
        return Ok(page(htmx, &token, state, user, platform).unprocessable().respond_to(&request));
    }
    let hash = password::hash(form.into_inner().password).await.map_err(AppError::Internal)?;
    let (origin, now, link) = (extract::origin(&request), clock.now(), token.to_string());
    let taken = db
        .write::<_, DbError, _>(move |conn| {
            let Some(user) = links::take_invitation(conn, &link, now)? else { return Ok(None) };
            let actor = Actor { user: Some(user.id), name: user.name, origin: origin.clone() };
            Ok(Some((user.id, users::set_password(conn, &actor, user.id, &hash, now)?)))
        })
        .await?;
    let (user, epoch) = taken.ok_or(AppError::NotFound)?;
    sessions::begin(&request, user, epoch)?;
    Ok(see_other(paths::calls()))
}

async fn load(request: &HttpRequest, db: &Db, token: &str, clock: &Clock) -> Result<(UserRow, String), AppError> {
    let (token, now) = (token.to_owned(), clock.now());
    tries::follow_link(db, &extract::origin(request), now, move |conn| {
        let Some(user) = links::invited(conn, &token, now)? else { return Ok(None) };
        Ok(Some((user, policy::platform_name(conn)?)))
    })
    .await
}

fn page(htmx: Htmx, token: &str, form: FormState, user: UserRow, platform: String) -> Page<InvitationPage> {
    let (chrome, action) = (Chrome::anonymous(), paths::invitation(token));
    Page::new(htmx, InvitationPage { chrome, form, action, platform, name: user.name, email: user.email })
}
