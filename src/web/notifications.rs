//! Notifications: what happened to disputes, who is told, and what was read.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::chrome::{self, Here};
use super::events::Hub;
use super::filters::{Phone, When};
use super::form::Checked;
use super::htmx::Htmx;
use super::notice::Notice;
use super::page::{Chrome, Fragments, NavItem, Page};
use super::{AppError, paths};
use crate::auth::Viewer;
use crate::clock::Clock;
use crate::db::notifications::{self, Kind, Told};
use crate::db::{Db, policy};
use crate::domain::ids::NotificationId;

/// How many the page lists; older ones are history.
const LISTED: i64 = 200;

#[derive(Template)]
#[template(path = "pages/notifications/index.html")]
pub(super) struct NotificationsPage {
    chrome: Chrome,
    lines: Vec<Line>,
    may_see_disputes: bool,
}

/// One notification as its reader sees it.
struct Line {
    id: NotificationId,
    href: String,
    icon: &'static str,
    caller_id: String,
    text: String,
    detail: String,
    when: When,
    is_unread: bool,
}

impl Line {
    fn caller(&self) -> Phone<'_> {
        Phone(&self.caller_id)
    }
}

impl Fragments for NotificationsPage {}

/// GET `/notifications`.
pub(super) async fn index(
    viewer: Viewer,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<Page<NotificationsPage>, AppError> {
    let now = clock.now();
    let page = db
        .read(move |conn| {
            let chrome = chrome::load(conn, &viewer, NavItem::Elsewhere, &here)?;
            let platform = policy::platform_name(conn)?;
            let told = notifications::told(conn, &viewer, None, LISTED)?;
            let zone = viewer.profile().zone;
            let lines = told.into_iter().map(|told| line(told, &viewer, &platform, |at| When::new(at, zone, now)));
            Ok::<_, AppError>(NotificationsPage {
                chrome,
                lines: lines.collect(),
                may_see_disputes: viewer.dispute_viewer().is_some(),
            })
        })
        .await?;
    Ok(Page::new(htmx, page))
}

fn line(told: Told, viewer: &Viewer, platform: &str, when: impl Fn(crate::domain::Instant) -> When) -> Line {
    let is_manager = viewer.is_manager();
    let (text, detail) = (told.sentence(is_manager, platform), told.detail(is_manager).to_owned());
    let Told { row, caller_id, .. } = told;
    let icon = match row.kind {
        Kind::DisputeSent | Kind::DisputeReopened => "s-pending",
        Kind::DisputeWithdrawn => "s-withdrawn",
        Kind::DisputeDecided => "check",
        Kind::MessageWritten => "message",
        Kind::EvidenceAdded => "clip",
        Kind::WebhookOff => "alert",
    };
    Line {
        id: row.id,
        href: row.dispute_id.map_or_else(paths::webhooks, paths::dispute),
        icon,
        caller_id,
        text,
        detail,
        when: when(row.created_at),
        is_unread: row.read_at.is_none(),
    }
}

/// Which one was read; none named: all.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ReadForm {
    #[serde(default)]
    id: String,
}

/// POST `/notifications/read`.
pub(super) async fn read(
    viewer: Viewer,
    form: Checked<ReadForm>,
    request: HttpRequest,
    (db, clock, hub): (Data<Db>, Data<Clock>, Data<Hub>),
) -> Result<HttpResponse, AppError> {
    let one = match form.id.as_str() {
        "" => None,
        id => Some(id.parse::<NotificationId>().or(Err(AppError::NotFound))?),
    };
    let (user, now) = (viewer.user(), clock.now());
    db.write(move |conn| Ok::<_, AppError>(notifications::mark_read(conn, user, one, now)?)).await?;
    hub.wake();
    Ok(Notice::NotificationsRead.redirect(&request, paths::notifications()))
}
