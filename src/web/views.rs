//! `/views`: lists by name, own and shared.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;
use serde::Deserialize;

use super::chrome::{self, Here};
use super::disputes::list_query;
use super::form::{Checked, FormState};
use super::htmx::Htmx;
use super::notice::Notice;
use super::page::{Chrome, Fragments, NavItem, Page};
use super::{AppError, Path, paths};
use crate::auth::{Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::views::{self, ViewRow};
use crate::db::{AnyConnection, Db};
use crate::domain::ids::{UserId, ViewId};

#[derive(Template)]
#[template(path = "pages/views/index.html")]
pub(super) struct ViewsPage {
    chrome: Chrome,
    views: Vec<ViewRow>,
    me: UserId,
    form: FormState,
}

impl Fragments for ViewsPage {}

fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    here: &Here,
    form: FormState,
) -> Result<ViewsPage, AppError> {
    let chrome = chrome::load(conn, grant.viewer(), NavItem::Disputes, here)?;
    Ok(ViewsPage { chrome, views: views::list(conn, grant)?, me: grant.user(), form })
}

/// GET `/views`.
pub(super) async fn index(
    grant: Granted<ViewDisputes>,
    (here, htmx): (Here, Htmx),
    db: Data<Db>,
) -> Result<Page<ViewsPage>, AppError> {
    let page = db.read(move |conn| load(conn, &grant, &here, FormState::new())).await?;
    Ok(Page::new(htmx, page))
}

/// A list to be kept by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ViewForm {
    name: String,
    query: String,
    shared: String,
}

/// POST `/views`: saves the list that is shown.
pub(super) async fn create(
    grant: Granted<ViewDisputes>,
    form: Checked<ViewForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (now, name) = (clock.now(), form.name.trim().to_owned());
    let query = list_query(form.query.trim_start_matches('?'), grant.viewer(), now)?;
    let is_shared = matches!(form.shared.as_str(), "1" | "on" | "true");
    if !(1..=60).contains(&name.chars().count()) {
        let mut state = FormState::new()
            .with("name", &form.name)
            .with("query", &query)
            .with("shared", if is_shared { "1" } else { "" });
        state.refuse("name", "Give the view a name of at most 60 characters");
        let page = db.read(move |conn| load(conn, &grant, &here, state.clone())).await?;
        return Ok(Page::new(htmx, page).unprocessable().respond_to(&request));
    }
    let back = format!("{}{query}", paths::disputes());
    db.write(move |conn| Ok::<_, AppError>(views::save(conn, &grant, (&name, &query, is_shared), now)?)).await?;
    Ok(Notice::ViewSaved.redirect(&request, back))
}

/// POST `/views/{id}/delete`: one of one's own.
pub(super) async fn destroy(
    grant: Granted<ViewDisputes>,
    id: Path<ViewId>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, now) = (*id, clock.now());
    let was_there = db.write(move |conn| Ok::<_, AppError>(views::remove(conn, &grant, id, now)?)).await?;
    if !was_there {
        return Err(AppError::NotFound);
    }
    Ok(Notice::ViewRemoved.redirect(&request, paths::views()))
}
