//! GET `/disputes/{id}`: a dispute as a page of its own, or as the panel beside the table.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::panel::Panel;
use super::review::RateView;
use super::state::{self, ListState};
use crate::auth::DisputeViewer;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::dispute_list;
use crate::db::disputes::DisputeRow;
use crate::db::paging::Place;
use crate::db::{AnyConnection, Db, calls, counters, disputes, policy};
use crate::domain::Instant;
use crate::domain::dispute::Status;
use crate::domain::ids::DisputeId;
use crate::web::chrome::{self, Here};
use crate::web::dispute_form::{self, AdditionForm, DisputeForm, Setting};
use crate::web::form::FormState;
use crate::web::htmx::Htmx;
use crate::web::page::{Chrome, Flash, FlashKind, Fragments, NavItem, Page};
use crate::web::upload::Limits;
use crate::web::{AppError, Path, paths};

#[derive(Template)]
#[template(path = "pages/disputes/show.html", blocks = ["panel_itself"])]
pub(in crate::web) struct DisputePage {
    chrome: Chrome,
    /// Whether it is a page of its own.
    is_whole: bool,
    panel: Panel,
    /// A Draft is shown as the form it will be sent by.
    form: Option<DisputeForm>,
    /// What a buyer can add to a Pending dispute.
    addition: Option<AdditionForm>,
    /// The list's query, carried by every link.
    query: String,
    close: String,
    previous: String,
    next: String,
    typed: Typed,
}

/// What was typed into a form of the page and couldn't be taken.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Typed {
    pub(super) body: String,
    pub(super) is_note: bool,
    pub(super) problem: Option<String>,
    /// The decision form, with what is wrong with it.
    pub(super) decision: FormState,
    pub(super) reopening: FormState,
    /// What was to be added to the dispute.
    pub(super) addition: Option<dispute_form::Typed>,
    /// What was decided about a dispute that can't be decided any more.
    pub(super) unsent: Option<Unsent>,
}

impl Typed {
    /// Whether something needs attention.
    fn is_refused(&self) -> bool {
        let is_clean = self.decision.is_clean() && self.reopening.is_clean() && self.problem.is_none();
        !is_clean || self.addition.as_ref().is_some_and(|typed| !typed.problems.is_empty())
    }

    /// Facts and files to be added to the dispute.
    pub(in crate::web) fn addition(typed: dispute_form::Typed) -> Self {
        Self { addition: Some(typed), ..Self::default() }
    }

    /// A message or an internal note.
    pub(in crate::web) fn message(body: String, is_note: bool) -> Self {
        Self { body, is_note, ..Self::default() }
    }
}

/// A decision that came too late: why, and what was typed, to be copied.
#[derive(Clone, Debug)]
pub(super) struct Unsent {
    pub(super) said: String,
    pub(super) wanted: String,
    pub(super) note: String,
}

/// Why an act on a dispute is answered with the dispute as it is now.
#[derive(Clone, Debug)]
pub(in crate::web) enum Problem {
    /// The state doesn't allow it any more: 409.
    Conflict(String),
    /// The form must be mended: 422.
    Invalid(String),
    /// What is wrong stands in the page already.
    Told(StatusCode),
}

impl Fragments for DisputePage {
    fn fragment(&self, region: &str) -> Option<askama::Result<String>> {
        (region == "panel-slot").then(|| self.as_panel_itself().render())
    }
}

impl DisputePage {
    fn path(&self) -> String {
        paths::dispute(self.panel.id)
    }

    fn decision_action(&self) -> String {
        self.to(&paths::decision(self.panel.id))
    }

    #[expect(clippy::unused_self, reason = "the review queue's form answers otherwise")]
    fn in_queue(&self) -> bool {
        false
    }

    /// How often the buyer disputes stands in the review queue alone.
    #[expect(clippy::unused_self, reason = "the review queue's form answers otherwise")]
    fn rates(&self) -> &[RateView] {
        &[]
    }

    /// Where a form of the panel is sent: with the list it was opened from.
    fn to(&self, path: &str) -> String {
        format!("{path}{}", self.query)
    }
}

/// GET `/disputes/{id}`.
pub(in crate::web) async fn show(
    viewer: DisputeViewer,
    id: Path<DisputeId>,
    request: HttpRequest,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<Page<DisputePage>, AppError> {
    let asked = Asked::of(&request, &here, &htmx, clock.now());
    let (page, pending) = db.read(move |conn| load(conn, &viewer, *id, &asked, Typed::default())).await?;
    Ok(Page::new(htmx, page).with_badge(Some(pending)))
}

/// What of a request the page needs.
#[derive(Clone, Debug)]
pub(in crate::web) struct Asked {
    query: String,
    here: Here,
    is_whole: bool,
    limits: Option<Limits>,
    now: Instant,
}

impl Asked {
    pub(in crate::web) fn of(request: &HttpRequest, here: &Here, htmx: &Htmx, now: Instant) -> Self {
        Self {
            query: request.query_string().to_owned(),
            here: here.clone(),
            is_whole: htmx.region() != Some("panel-slot"),
            limits: request.app_data::<Data<Config>>().map(|config| Limits::of(config)),
            now,
        }
    }

    /// Where and when a form of the page is shown.
    fn setting(&self) -> Option<Setting> {
        self.limits.map(|limits| Setting { limits, now: self.now, in_panel: !self.is_whole })
    }

    /// The list the dispute was opened from, if its address carries one.
    pub(super) fn list(&self, viewer: &DisputeViewer) -> Option<ListState> {
        state::carried(&self.query, viewer.viewer(), self.now)
    }

    /// The dispute's address with the list's query, to come back to after an act.
    pub(in crate::web) fn back_to(&self, id: DisputeId) -> String {
        match self.query.as_str() {
            "" => paths::dispute(id),
            query => format!("{}?{query}", paths::dispute(id)),
        }
    }
}

/// The answer to an act that couldn't be done: the dispute as it is now, with what was typed.
pub(in crate::web) async fn answer(
    (viewer, id): (DisputeViewer, DisputeId),
    (htmx, asked): (Htmx, Asked),
    db: &Db,
    (problem, mut typed): (Problem, Typed),
) -> Result<Page<DisputePage>, AppError> {
    let (said, status) = match problem {
        Problem::Conflict(said) => (Some(said), StatusCode::CONFLICT),
        Problem::Invalid(said) => {
            typed.problem = Some(said.clone());
            (Some(said), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Problem::Told(status) => (None, status),
    };
    let flash = said.map(|text| Flash { kind: FlashKind::Problem, text, link: None });
    let shown = flash.clone();
    let (page, pending) = db
        .read(move |conn| {
            let (mut page, pending) = load(conn, &viewer, id, &asked, typed.clone())?;
            page.chrome.flash.clone_from(&shown);
            Ok::<_, AppError>((page, pending))
        })
        .await?;
    let page = Page::new(htmx, page).with_badge(Some(pending));
    let page = match flash {
        Some(flash) => page.with_flash(flash),
        None => page,
    };
    Ok(match status {
        StatusCode::OK => page,
        StatusCode::CONFLICT => page.conflict(),
        StatusCode::PAYLOAD_TOO_LARGE => page.too_large(),
        StatusCode::FORBIDDEN => page.forbidden(),
        _ => page.unprocessable(),
    })
}

pub(super) fn load(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    id: DisputeId,
    asked: &Asked,
    typed: Typed,
) -> Result<(DisputePage, i64), AppError> {
    let row = disputes::find(conn, viewer.scope(), id)?.ok_or(AppError::NotFound)?;
    let policy = policy::load(conn)?;
    let list = asked.list(viewer);
    let (previous, next) = match &list {
        Some(list) => neighbours(conn, viewer, list, id)?,
        None => Default::default(),
    };
    let zone = list.as_ref().map_or(viewer.viewer().profile().zone, ListState::zone);
    let chrome = if asked.is_whole {
        chrome::load(conn, viewer.viewer(), NavItem::Disputes, &asked.here)?
    } else {
        Chrome::default()
    };
    let form = draft_form(conn, viewer, &row, asked)?;
    let query = list.as_ref().map(ListState::query).unwrap_or_default();
    let addition = match asked.setting().filter(|_| form.is_none()) {
        Some(setting) => AdditionForm::load(conn, viewer.viewer(), (&row, &query), typed.addition.as_ref(), setting)?,
        None => None,
    };
    let page = DisputePage {
        form,
        addition,
        chrome,
        is_whole: asked.is_whole,
        panel: Panel::load(conn, viewer, &policy, row, (zone, asked.now))?,
        close: list.as_ref().map_or_else(paths::disputes, |list| list.here().to_string()),
        query,
        previous,
        next,
        typed,
    };
    Ok((page, counters::pending(conn, viewer.scope())?))
}

/// The form of a Draft, for its owner.
fn draft_form(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    row: &DisputeRow,
    asked: &Asked,
) -> Result<Option<DisputeForm>, AppError> {
    let Some(setting) = asked.setting().filter(|_| row.status == Status::Draft) else { return Ok(None) };
    let call = calls::find(conn, viewer.scope(), row.call_id)?.ok_or(AppError::NotFound)?;
    Ok(Some(DisputeForm::of_draft(conn, viewer.viewer(), (&call, row), setting)?))
}

/// Addresses of the disputes before and after this one in its list; empty at an end.
fn neighbours(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    list: &ListState,
    id: DisputeId,
) -> Result<(String, String), AppError> {
    let query = list.query();
    let mut beside = |place| -> Result<String, AppError> {
        let found = dispute_list::page(conn, viewer.scope(), &list.filter, list.listing.sort, (place, 1))?;
        let row = found.rows.first().filter(|row| row.id != id);
        Ok(row.map(|row| format!("{}{query}", paths::dispute(row.id))).unwrap_or_default())
    };
    Ok((beside(Place::Before(id.into()))?, beside(Place::After(id.into()))?))
}
