//! Files sent one by one while the form is filled in, kept for it for 24 hours.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder, web};

use super::outcome::{self, Trouble};
use super::{Said, Subject, Target, addition, view};
use crate::auth::{DisputeCalls, Granted};
use crate::db::disputes::{self, DisputeRow};
use crate::db::evidence;
use crate::domain::dispute::Status;
use crate::domain::ids::{CallId, FileId};
use crate::web::around::Around;
use crate::web::page::Page;
use crate::web::upload::{self, Limits};
use crate::web::{AppError, Path};

/// POST `/calls/{id}/uploads`: one file; its line of the form comes back.
pub(in crate::web) async fn create(
    grant: Granted<DisputeCalls>,
    call: Path<CallId>,
    request: HttpRequest,
    payload: web::Payload,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let call = super::own_call(&grant, *call, &around).await?;
    let limits = Limits { files: 1, ..Limits::of(&around.config) };
    let sent = upload::read(&request, payload, &around.files, limits).await?;
    if let Some(refused) = sent.refused.first() {
        let status = if sent.is_too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::UNPROCESSABLE_ENTITY };
        return Ok(plain(status, format!("{}.", refused.sentence)));
    }
    if sent.is_too_large {
        return Err(AppError::TooLarge { limit: limits.file_bytes });
    }
    let [file] = sent.files.as_slice() else {
        upload::discard(&around.files, sent.files).await;
        return Ok(plain(StatusCode::UNPROCESSABLE_ENTITY, "One file is sent at a time.".to_owned()));
    };
    let (writer, clock, kept) = (grant.clone(), around.clock.clone(), file.clone());
    let id = file.id.clone();
    let row = around
        .db
        .write(move |conn| {
            evidence::keep(conn, &writer, &clock, call, std::slice::from_ref(&kept))?;
            let rows = evidence::staged(conn, writer.user(), call, std::slice::from_ref(&id), clock.now())?;
            Ok(rows.into_iter().next())
        })
        .await
        .map_err(|error| outcome::failure(error, Target::Call(call)))?;
    let row = row.ok_or_else(|| AppError::Internal(anyhow::anyhow!("an upload was kept and is not there")))?;
    Ok(HttpResponse::Created()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(view::kept_line(row)?))
}

/// POST `/calls/{id}/uploads/{file}/delete`: forgets a kept file; without script the form comes back without it.
pub(in crate::web) async fn destroy(
    grant: Granted<DisputeCalls>,
    path: Path<(CallId, FileId)>,
    request: HttpRequest,
    payload: web::Payload,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let (call, file) = path.into_inner();
    let (writer, forgotten) = (grant.clone(), file.clone());
    let was_there = around
        .db
        .write(move |conn| Ok::<_, AppError>(evidence::unstage(conn, writer.user(), call, &forgotten)?))
        .await?;
    if around.htmx.is_requested() {
        return if was_there { Ok(HttpResponse::NoContent().finish()) } else { Err(AppError::NotFound) };
    }
    let mut said = Said::read(&request, payload, &around).await?;
    said.kept.retain(|kept| *kept != file);
    let trouble = said.trouble(&around).unwrap_or_default();
    if !trouble.problems.is_empty() || !said.sent.files.is_empty() {
        return show_without(grant, call, &request, around, (said, trouble)).await;
    }
    let (subject, target) = of_call(&grant, call, &around).await?;
    let typed = said.typed(said.kept.clone());
    if let Target::Dispute(id) = target
        && subject.draft.is_none()
    {
        return addition::show_again(&grant, id, &request, around, typed, &trouble).await;
    }
    let (htmx, db) = (around.htmx.clone(), around.db.clone());
    let page = db.read(move |conn| subject.page(conn, &grant, &around, typed)).await?;
    Ok(Page::new(htmx, page).respond_to(&request))
}

/// The form that a file was kept for: that of the call's Draft, of its Pending dispute, or of a new one.
async fn of_call(grant: &Granted<DisputeCalls>, call: CallId, around: &Around) -> Result<(Subject, Target), AppError> {
    let grant = grant.clone();
    around
        .db
        .read(move |conn| {
            let subject = Subject::of_call(conn, &grant, call)?;
            let is_open = |row: &DisputeRow| matches!(row.status, Status::Draft | Status::Pending);
            let open = disputes::of_call(conn, grant.scope(), call)?.into_iter().find(is_open);
            Ok((subject, open.map_or(Target::Call(call), |row| Target::Dispute(row.id))))
        })
        .await
}

/// The form that brought more files with it: they are kept too, and what is wrong with them is told.
async fn show_without(
    grant: Granted<DisputeCalls>,
    call: CallId,
    request: &HttpRequest,
    around: Around,
    (said, trouble): (Said, Trouble),
) -> Result<HttpResponse, AppError> {
    let (_, target) = of_call(&grant, call, &around).await?;
    outcome::show_again(grant, target, request, around, said, trouble).await
}

fn plain(status: StatusCode, sentence: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(sentence)
}
