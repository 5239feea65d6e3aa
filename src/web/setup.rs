//! The set-up of a new installation: a link, printed while nobody can sign in, makes the first manager. Once.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use super::error::AppError;
use super::form::{Checked, FormState};
use super::htmx::Htmx;
use super::page::{Chrome, Fragments, Page, see_other};
use super::path::Path;
use super::{paths, sessions, tries};
use crate::auth::{Actor, extract, password};
use crate::clock::Clock;
use crate::db::users::{self, NewUser, Permissions, UserError};
use crate::db::{Db, links, policy};

pub(super) mod invitation;

/// The longest name of a platform, as that of any company.
const LONGEST_NAME: usize = 200;

/// The form. The password is never shown again.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Setup {
    platform_name: String,
    name: String,
    email: String,
    password: String,
}

/// The set-up page.
#[derive(Template)]
#[template(path = "pages/setup/new.html")]
pub(super) struct SetupPage {
    chrome: Chrome,
    form: FormState,
    action: String,
}

impl Fragments for SetupPage {}

/// GET `/setup/{token}`
pub(super) async fn new(
    request: HttpRequest,
    token: Path<String>,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<Page<SetupPage>, AppError> {
    require_open(&request, &db, &token, &clock).await?;
    Ok(page(htmx, &token, FormState::new()))
}

/// POST `/setup/{token}`
pub(super) async fn create(
    request: HttpRequest,
    token: Path<String>,
    form: Checked<Setup>,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<HttpResponse, AppError> {
    // Asked before anything is hashed: without the link nothing here costs more than a look.
    require_open(&request, &db, &token, &clock).await?;
    let setup = form.into_inner();
    let state = setup.state();
    if !state.is_clean() {
        return Ok(page(htmx, &token, state).unprocessable().respond_to(&request));
    }
    let hash = password::hash(setup.password.clone()).await.map_err(AppError::Internal)?;
    let (origin, now, link) = (extract::origin(&request), clock.now(), token.to_string());
    let created = db
        .write::<_, UserError, _>(move |conn| {
            if !links::take_setup(conn, &link, now)? {
                return Ok(None);
            }
            let actor = Actor { user: None, name: setup.name.trim().to_owned(), origin: origin.clone() };
            let id = users::insert(conn, &actor, &setup.first_manager(hash.clone()), now)?;
            policy::rename_platform(conn, &actor, setup.platform_name.trim(), now)?;
            Ok(users::find(conn, id)?)
        })
        .await;
    match created {
        Ok(Some(user)) => {
            sessions::begin(&request, user.id, user.epoch)?;
            Ok(see_other(paths::calls()))
        }
        Ok(None) => Err(AppError::NotFound),
        Err(UserError::Database(error)) => Err(error.into()),
        Err(refused) => Err(AppError::Unprocessable(format!("{refused}."))),
    }
}

impl Setup {
    fn state(&self) -> FormState {
        let mut form = FormState::new()
            .with("platform_name", &self.platform_name)
            .with("name", &self.name)
            .with("email", &self.email);
        let platform = self.platform_name.trim();
        if platform.is_empty() {
            form.refuse("platform_name", "Write the name of your network");
        } else if platform.chars().count() > LONGEST_NAME || platform.chars().any(char::is_control) {
            form.refuse("platform_name", "A name has at most 200 characters, all of them visible");
        }
        if self.name.trim().is_empty() {
            form.refuse("name", "Write your name");
        } else if !users::is_name(&self.name) {
            form.refuse("name", "A name has at most 200 characters, all of them visible");
        }
        if !users::is_email(&self.email) {
            form.refuse("email", "Write your e-mail, such as name@company.example");
        }
        refuse_password(&mut form, "password", &self.password, &[&self.email, &self.name, platform]);
        form
    }

    fn first_manager(&self, hash: String) -> NewUser {
        NewUser {
            email: self.email.clone(),
            name: self.name.clone(),
            password_hash: Some(hash),
            buyer: None,
            permissions: Permissions {
                dispute_calls: false,
                disputes_view: true,
                disputes_edit: true,
                calls_import: true,
                settings: true,
            },
        }
    }
}

/// Notes at the field why a new password can't be chosen.
pub(super) fn refuse_password(form: &mut FormState, field: &str, password: &str, about: &[&str]) {
    if let Err(problem) = password::check(password, about) {
        form.refuse(field, problem.to_string());
    }
}

fn page(htmx: Htmx, token: &str, form: FormState) -> Page<SetupPage> {
    Page::new(htmx, SetupPage { chrome: Chrome::anonymous(), form, action: paths::setup(token) })
}

async fn require_open(request: &HttpRequest, db: &Db, token: &str, clock: &Clock) -> Result<(), AppError> {
    let (token, now) = (token.to_owned(), clock.now());
    tries::follow_link(db, &extract::origin(request), now, move |conn| {
        Ok(links::is_setup_open(conn, &token, now)?.then_some(()))
    })
    .await
}
