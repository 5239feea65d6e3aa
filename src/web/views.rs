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
use super::once::{FormToken, once};
use super::page::{Chrome, Fragments, NavItem, Page};
use super::{AppError, Path, paths};
use crate::auth::{Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::views::{self, ViewChange, ViewRow};
use crate::db::{AnyConnection, Db};
use crate::domain::ids::{UserId, ViewId};

#[derive(Template)]
#[template(path = "pages/views/index.html")]
pub(super) struct ViewsPage {
    chrome: Chrome,
    views: Vec<ViewRow>,
    /// The one that the Disputes page opens with.
    first: Option<ViewId>,
    me: UserId,
    form: FormState,
}

impl Fragments for ViewsPage {}

impl ViewsPage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn is_first(&self, id: &ViewId) -> bool {
        self.first == Some(*id)
    }

    /// Where the form that is shown again was sent.
    fn action(&self) -> String {
        self.form.value("id").parse().map_or_else(|_new| paths::views(), |id: ViewId| paths::view(id))
    }
}

/// The name as it is kept, and whether it can be one.
fn clean_name(form: &ViewForm) -> (String, bool) {
    let name = form.name.trim().to_owned();
    let is_usable = (1..=60).contains(&name.chars().count());
    (name, is_usable)
}

fn refused(form: &ViewForm, query: &str, id: &str) -> FormState {
    let mut state = FormState::new()
        .with("id", id)
        .with("name", &form.name)
        .with("query", query)
        .with("shared", if form.is_shared() { "1" } else { "" });
    state.refuse("name", "Give the view a name of at most 60 characters");
    state
}

fn load(
    conn: &mut AnyConnection,
    grant: &Granted<ViewDisputes>,
    here: &Here,
    form: FormState,
) -> Result<ViewsPage, AppError> {
    let chrome = chrome::load(conn, grant.viewer(), NavItem::Disputes, here)?;
    let first = views::opened_first(conn, grant)?.map(|(id, _)| id);
    Ok(ViewsPage { chrome, views: views::list(conn, grant)?, first, me: grant.user(), form })
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
    form_token: FormToken,
}

impl ViewForm {
    fn is_shared(&self) -> bool {
        matches!(self.shared.as_str(), "1" | "on" | "true")
    }
}

/// POST `/views`: saves the list that is shown.
pub(super) async fn create(
    grant: Granted<ViewDisputes>,
    form: Checked<ViewForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (now, (name, is_usable), is_shared) = (clock.now(), clean_name(&form), form.is_shared());
    let query = list_query(form.query.trim_start_matches('?'), grant.viewer(), now)?;
    if !is_usable {
        let state = refused(&form, &query, "");
        let page = db.read(move |conn| load(conn, &grant, &here, state.clone())).await?;
        return Ok(Page::new(htmx, page).unprocessable().respond_to(&request));
    }
    let back = format!("{}{query}", paths::disputes());
    db.write(move |conn| {
        once(conn, (grant.user(), now), ("view", &form.form_token), |conn| {
            views::save(conn, &grant, (&name, &query, is_shared), now)?;
            Ok::<_, AppError>((String::new(), Notice::ViewSaved))
        })
    })
    .await?;
    Ok(Notice::ViewSaved.redirect(&request, back))
}

/// POST `/views/{id}` {name, shared}: another name, shared or not; one of one's own.
pub(super) async fn update(
    grant: Granted<ViewDisputes>,
    id: Path<ViewId>,
    form: Checked<ViewForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, now, (name, is_usable), is_shared) = (*id, clock.now(), clean_name(&form), form.is_shared());
    if !is_usable {
        let state = refused(&form, "", &id.to_string());
        let page = db.read(move |conn| load(conn, &grant, &here, state.clone())).await?;
        return Ok(Page::new(htmx, page).unprocessable().respond_to(&request));
    }
    let was_there = db
        .write(move |conn| {
            let wanted = ViewChange { name: &name, list_query: None, is_shared };
            Ok::<_, AppError>(views::change(conn, &grant, id, &wanted, now)?)
        })
        .await?;
    if !was_there {
        return Err(AppError::NotFound);
    }
    Ok(Notice::ViewSaved.redirect(&request, paths::views()))
}

/// Whether a view opens first.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct FirstForm {
    first: u8,
}

/// POST `/views/{id}/default` {first=1|0}: the Disputes page opens with it, or no longer.
pub(super) async fn open_first(
    grant: Granted<ViewDisputes>,
    id: Path<ViewId>,
    form: Checked<FirstForm>,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let (id, now, is_first) = (*id, clock.now(), form.first == 1);
    let is_seen = db.write(move |conn| Ok::<_, AppError>(views::open_first(conn, &grant, id, is_first, now)?)).await?;
    if !is_seen {
        return Err(AppError::NotFound);
    }
    Ok(Notice::ViewOpensFirst.redirect(&request, paths::views()))
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
