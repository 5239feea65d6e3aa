//! What the recording of a call looks like, through the viewer's scope.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::svg::{Drawing, MarkSpan, NOT_DRAWN, not_drawn};
use crate::auth::Viewer;
use crate::db::{Db, DbError, recordings};
use crate::domain::ids::CallId;
use crate::waveform::{VERSION, Waveforms};
use crate::web::htmx::Htmx;
use crate::web::list_query::{Params, refuse};
use crate::web::page::VARY;
use crate::web::{AppError, Path};

/// As many marks as a picture can bear.
const MOST_MARKS: usize = 50;

/// GET `/calls/{id}/waveform`; `mark=12-31` (repeatable) are seconds to be marked.
///
/// A whole picture, or for a region of a page the same to stand in it. Where the file can't be decoded both say so.
pub async fn waveform(
    viewer: Viewer,
    call: Path<CallId>,
    request: HttpRequest,
    htmx: Htmx,
    (db, waveforms): (Data<Db>, Data<Waveforms>),
) -> Result<HttpResponse, AppError> {
    let (scope, call) = (viewer.scope(), call.into_inner());
    let row = db.read(move |conn| Ok::<_, DbError>(recordings::find(conn, scope, call)?)).await?;
    let row = row.ok_or(AppError::NotFound)?;
    let marks = marks(&Params::parse(request.query_string()))?;
    let file =
        row.file().ok_or_else(|| AppError::Internal(anyhow::anyhow!("the recording of {call} names no file")))?;
    let tag = format!("\"{}-{VERSION}\"", row.sha256);
    let held = request.headers().get(header::IF_NONE_MATCH).and_then(|held| held.to_str().ok());
    let is_held = held.is_some_and(|held| held.split(',').any(|held| held.trim().trim_start_matches("W/") == tag));
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::VARY, VARY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .content_type(if htmx.is_partial() { "text/html; charset=utf-8" } else { "image/svg+xml" });
    let Some(waveform) = waveforms.of(&file).await else {
        response.insert_header((header::CACHE_CONTROL, "private, no-store"));
        let said = if htmx.is_partial() { format!("<p class=\"muted undrawn\">{NOT_DRAWN}</p>") } else { not_drawn() };
        return Ok(response.body(said));
    };
    response
        .insert_header((header::CACHE_CONTROL, "private, max-age=0, must-revalidate"))
        .insert_header((header::ETAG, tag));
    if is_held {
        return Ok(response.status(actix_web::http::StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response.body(Drawing { waveform: &waveform, marks: &marks }.to_string()))
}

fn marks(params: &Params) -> Result<Vec<MarkSpan>, AppError> {
    let read = |text: &str| {
        let (from, to) = text.split_once('-')?;
        Some(MarkSpan { from_s: from.parse().ok()?, to_s: to.parse().ok()? })
    };
    params
        .all("mark")
        .take(MOST_MARKS)
        .map(|text| read(text).ok_or_else(|| refuse("mark", text, "seconds such as 12-31")))
        .collect()
}
