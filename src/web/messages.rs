//! POST `/disputes/{id}/messages`: what the two sides write to each other, and the managers' internal notes.

use actix_web::web::Data;
use actix_web::{Either, HttpRequest};
use serde::Deserialize;

use super::chrome::Here;
use super::disputes::{Asked, Outcome, Problem, Typed, answer};
use super::form::Checked;
use super::htmx::Htmx;
use super::notice::Notice;
use super::once::{FormToken, once};
use super::{AppError, Path};
use crate::auth::DisputeViewer;
use crate::clock::Clock;
use crate::db::messages::{self, MessageError};
use crate::db::{AnyConnection, Db, disputes};
use crate::domain::claim::clean_text;
use crate::domain::dispute::Status;
use crate::domain::ids::DisputeId;

/// The message form.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MessageForm {
    #[serde(default)]
    body: String,
    #[serde(default)]
    internal: String,
    #[serde(default)]
    form_token: FormToken,
}

/// POST `/disputes/{id}/messages`.
pub(super) async fn create(
    viewer: DisputeViewer,
    id: Path<DisputeId>,
    form: Checked<MessageForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Outcome {
    let asked = Asked::of(&request, &here, &htmx, clock.now());
    let (id, form, writer, now) = (*id, form.into_inner(), viewer.clone(), Data::clone(&clock));
    let is_manager = viewer.viewer().is_manager();
    let is_note = is_manager && matches!(form.internal.as_str(), "1" | "on" | "true");
    let body = clean_text(&form.body);
    let token = form.form_token;
    let written = db.write(move |conn| write(conn, &writer, &now, (id, &body, is_note), &token)).await;
    let typed = Typed::message(form.body, is_note);
    let problem = match written {
        Ok(notice) => return Ok(Either::Left(notice.redirect(&request, asked.back_to(id)))),
        Err(MessageError::Missing) => return Err(AppError::NotFound),
        Err(MessageError::NotAllowed) => {
            let what = if is_manager { "Disputes Edit" } else { "Dispute Calls" };
            return Err(AppError::Forbidden { what: what.to_owned() });
        }
        Err(MessageError::Database(error)) => return Err(error.into()),
        Err(MessageError::NotSent) => Problem::Conflict("This is a draft. Messages begin when it is sent.".to_owned()),
        Err(error @ (MessageError::Empty | MessageError::TooLong)) => Problem::Invalid(error.to_string()),
    };
    answer((viewer, id), (htmx, asked), &db, (problem, typed)).await.map(Either::Right)
}

/// Writes once for each form, and says what came of it.
fn write(
    conn: &mut AnyConnection,
    viewer: &DisputeViewer,
    clock: &Clock,
    (id, body, is_note): (DisputeId, &str, bool),
    token: &FormToken,
) -> Result<Notice, MessageError> {
    let (user, now) = (viewer.viewer().user(), clock.now());
    let of = format!("message/{id}");
    let done = once(conn, (user, now), (&of, token), |conn| {
        let status = |conn: &mut AnyConnection| -> Result<Option<Status>, MessageError> {
            Ok(disputes::find(conn, viewer.scope(), id)?.map(|row| row.status))
        };
        let before = status(conn)?;
        messages::write(conn, viewer, clock, id, (body, is_note))?;
        let is_reopened = before == Some(Status::Rejected) && status(conn)? == Some(Status::Pending);
        let notice = match (is_note, is_reopened) {
            (true, _) => Notice::NoteSaved,
            (false, true) => Notice::ReplyReopened,
            (false, false) => Notice::MessageSent,
        };
        Ok::<_, MessageError>((String::new(), notice))
    })?;
    // Every answer that is kept has one.
    Ok(done.notice.unwrap_or(Notice::MessageSent))
}
