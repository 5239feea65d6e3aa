//! One call: what is known of it, its recording, its disputes, and what can be done.

use actix_web::web::Data;
use askama::Template;
use chrono_tz::Tz;

use super::player::Player;
use super::rows::{self, CallRowView, RowAction, RowContext};
use crate::auth::Viewer;
use crate::clock::Clock;
use crate::db::{Db, call_list, disputes, policy};
use crate::domain::dispute::Status;
use crate::domain::ids::{CallId, DisputeId};
use crate::web::chrome::{self, Here};
use crate::web::filters::{Duration, Phone, When};
use crate::web::htmx::Htmx;
use crate::web::page::{Chrome, Fragments, NavItem, Page};
use crate::web::{AppError, Path};

/// The page of one call.
#[derive(Template)]
#[template(path = "pages/calls/show.html")]
pub struct CallPage {
    chrome: Chrome,
    call: CallRowView,
    /// `None` for those who may not see disputes.
    disputes: Option<Vec<DisputeEntry>>,
    /// Where the source keeps the recording; managers only, it names the source's platform.
    recording_at_source: Option<String>,
    is_manager: bool,
    zone: Tz,
}

/// A dispute of the call.
struct DisputeEntry {
    id: DisputeId,
    status: Status,
    reason: String,
    when: When,
}

impl Fragments for CallPage {}

impl CallPage {
    fn title(&self) -> String {
        format!("Call of {}", self.call.caller())
    }

    fn dialed(&self) -> Phone<'_> {
        Phone(&self.call.line.dialed)
    }

    fn connected(&self) -> Option<Duration> {
        self.call.line.connected_s.map(|seconds| Duration(i64::from(seconds)))
    }

    fn player(&self) -> Player {
        Player::new(self.call.line.id, Vec::new())
    }
}

/// GET `/calls/{id}`.
pub async fn show(
    viewer: Viewer,
    call: Path<CallId>,
    here: Here,
    htmx: Htmx,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<Page<CallPage>, AppError> {
    let (now, call) = (clock.now(), call.into_inner());
    let page = db
        .read(move |conn| {
            let zone = viewer.profile().zone;
            let context = RowContext { policy: policy::load(conn)?, now, zone };
            let line = call_list::find(conn, viewer.scope(), call)?.ok_or(AppError::NotFound)?;
            let url = Some(line.recording_url.clone());
            let recording_at_source =
                url.filter(|url| viewer.is_manager() && !line.has_recording && url.starts_with("http"));
            let entry = |row: disputes::DisputeRow| DisputeEntry {
                id: row.id,
                status: row.status,
                reason: context.policy.reason_label(&row.reason).to_owned(),
                when: When::new(row.listed_at, zone, now),
            };
            let disputes = match viewer.dispute_viewer() {
                Some(viewer) => {
                    let found = disputes::of_call(conn, viewer.scope(), call)?;
                    Some(found.into_iter().map(entry).collect())
                }
                None => None,
            };
            let row = rows::load(conn, &viewer, vec![line], &context)?.pop().ok_or(AppError::NotFound)?;
            Ok::<_, AppError>(CallPage {
                chrome: chrome::load(conn, &viewer, NavItem::Calls, &here)?,
                call: row,
                disputes,
                recording_at_source,
                is_manager: viewer.is_manager(),
                zone,
            })
        })
        .await?;
    Ok(Page::new(htmx, page))
}
