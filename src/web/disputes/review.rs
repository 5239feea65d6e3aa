//! `/review`: one Pending dispute after another, with all that is needed to decide it.

mod background;
mod queue;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use askama::Template;

use self::background::Background;
pub(super) use self::background::RateView;
use self::queue::Queue;
use super::deciding::{self, DecisionForm, Sent};
use super::panel::Panel;
use super::show::Typed;
use crate::auth::{DisputeViewer, EditDisputes, Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::{AnyConnection, Db, disputes, policy};
use crate::domain::Instant;
use crate::domain::ids::DisputeId;
use crate::web::chrome::{self, Here};
use crate::web::form::Checked;
use crate::web::htmx::Htmx;
use crate::web::notice::Notice;
use crate::web::page::{Chrome, Flash, Fragments, NavItem, Page};
use crate::web::{AppError, Path};

/// One dispute of the queue.
#[derive(Template)]
#[template(path = "pages/review/show.html")]
pub(in crate::web) struct ReviewPage {
    chrome: Chrome,
    flash: Option<Flash>,
    queue: Queue,
    panel: Panel,
    background: Background,
    typed: Typed,
    /// It is a page of its own, as the parts it shares with the panel ask.
    is_whole: bool,
    /// Where the form leads to without deciding: the next dispute, if there is one.
    close: String,
}

impl Fragments for ReviewPage {}

impl ReviewPage {
    /// Where a form that isn't the decision's is sent.
    #[expect(clippy::unused_self, reason = "parts shared with the panel ask their page")]
    fn to(&self, path: &str) -> String {
        path.to_owned()
    }

    fn decision_action(&self) -> String {
        self.queue.at(self.panel.id)
    }

    fn rates(&self) -> &[RateView] {
        &self.background.rates
    }

    #[expect(clippy::unused_self, reason = "the panel's form answers otherwise")]
    fn in_queue(&self) -> bool {
        true
    }
}

/// The queue with nothing in it.
#[derive(Template)]
#[template(path = "pages/review/empty.html")]
pub(in crate::web) struct EmptyPage {
    chrome: Chrome,
    flash: Option<Flash>,
    queue: Queue,
}

impl Fragments for EmptyPage {}

/// What of a request the page needs.
#[derive(Clone)]
struct Asked {
    query: String,
    here: Here,
    now: Instant,
}

impl Asked {
    fn of(request: &HttpRequest, here: &Here, clock: &Clock) -> Self {
        Self { query: request.query_string().to_owned(), here: here.clone(), now: clock.now() }
    }
}

/// Either page.
enum Shown {
    Case(Box<ReviewPage>),
    Empty(Box<EmptyPage>),
}

/// GET `/review`: the first dispute of the queue, or the one `after` another.
pub(in crate::web) async fn index(
    (grant, viewer): (Granted<ViewDisputes>, DisputeViewer),
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let asked = Asked::of(&request, &here, &clock);
    let shown = db.read(move |conn| load_first(conn, (&grant, &viewer), &asked)).await?;
    Ok(match shown {
        Shown::Case(page) => Page::new(htmx, *page).respond_to(&request),
        Shown::Empty(page) => Page::new(htmx, *page).respond_to(&request),
    })
}

/// GET `/review/{id}`.
pub(in crate::web) async fn show(
    (grant, viewer): (Granted<ViewDisputes>, DisputeViewer),
    id: Path<DisputeId>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<Page<ReviewPage>, AppError> {
    let asked = Asked::of(&request, &here, &clock);
    let page = db.read(move |conn| load(conn, (&grant, &viewer), *id, &asked, Typed::default())).await?;
    Ok(Page::new(htmx, page))
}

/// POST `/review/{id}`: the decision, and on to the next dispute.
pub(in crate::web) async fn decide(
    (grant, viewer): (Granted<EditDisputes>, DisputeViewer),
    id: Path<DisputeId>,
    form: Checked<DecisionForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let asked = Asked::of(&request, &here, &clock);
    let (id, form, zone) = (*id, form.into_inner(), viewer.viewer().profile().zone);
    let (reader, question) = (viewer.clone(), asked.clone());
    // Looked up before the decision, while the dispute still stands in its place.
    let next = db
        .read(move |conn| {
            let queue = Queue::read(&question.query, &reader, question.now)?;
            let next = queue.after(conn, &reader, id)?;
            Ok::<_, AppError>(queue.onward(next, id))
        })
        .await?;
    let (sent, manager, now) = (form.clone(), grant.clone(), Data::clone(&clock));
    let (status, typed) = match db.write(move |conn| deciding::write(conn, &manager, &now, id, &sent)).await {
        Ok(Sent::Done) => return Ok(Notice::Decided.redirect(&request, next)),
        Ok(Sent::Unreadable(form)) => (StatusCode::UNPROCESSABLE_ENTITY, deciding::told(form)),
        Err(error) => deciding::refused(error, &form, zone)?,
    };
    let view = Granted::<ViewDisputes>::check(viewer.viewer());
    let view = view.ok_or_else(|| AppError::Forbidden { what: "Disputes View".to_owned() })?;
    let page = db.read(move |conn| load(conn, (&view, &viewer), id, &asked, typed.clone())).await?;
    let page = Page::new(htmx, page);
    let page = match status {
        StatusCode::CONFLICT => page.conflict(),
        StatusCode::FORBIDDEN => page.forbidden(),
        _ => page.unprocessable(),
    };
    Ok(page.respond_to(&request))
}

fn load_first(
    conn: &mut AnyConnection,
    (grant, viewer): (&Granted<ViewDisputes>, &DisputeViewer),
    asked: &Asked,
) -> Result<Shown, AppError> {
    let mut queue = Queue::read(&asked.query, viewer, asked.now)?;
    if let Some(first) = queue.first(conn, viewer)? {
        return Ok(Shown::Case(Box::new(load(conn, (grant, viewer), first, asked, Typed::default())?)));
    }
    let policy = policy::load(conn)?;
    queue.fill(conn, viewer, &policy, None)?;
    let chrome = chrome::load(conn, viewer.viewer(), NavItem::Disputes, &asked.here)?;
    let flash = queue.told(chrome.flash.clone());
    Ok(Shown::Empty(Box::new(EmptyPage { chrome, flash, queue })))
}

fn load(
    conn: &mut AnyConnection,
    (grant, viewer): (&Granted<ViewDisputes>, &DisputeViewer),
    id: DisputeId,
    asked: &Asked,
    typed: Typed,
) -> Result<ReviewPage, AppError> {
    let row = disputes::find(conn, viewer.scope(), id)?.ok_or(AppError::NotFound)?;
    let policy = policy::load(conn)?;
    let mut queue = Queue::read(&asked.query, viewer, asked.now)?;
    queue.fill(conn, viewer, &policy, Some(&row))?;
    let zone = queue.zone();
    let chrome = chrome::load(conn, viewer.viewer(), NavItem::Disputes, &asked.here)?;
    let background = Background::load(conn, grant, &policy, &row, (zone, asked.now))?;
    Ok(ReviewPage {
        flash: queue.told(chrome.flash.clone()),
        chrome,
        background,
        panel: Panel::load(conn, viewer, &policy, row, (zone, asked.now))?,
        close: queue.next.clone(),
        queue,
        typed,
        is_whole: true,
    })
}
