//! Evidence files of a dispute: added while it is open, read through the viewer's scope, taken away from a Draft alone.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::around::Around;
use super::dispute_form::refusal;
use super::notice::Notice;
use super::ranged_file::{self, FileAnswer};
use super::upload::{self, Limits, Sent};
use super::{AppError, Path, paths};
use crate::auth::{DisputeCalls, DisputeViewer, Granted};
use crate::db::evidence::{self, EvidenceRow};
use crate::db::sending::{Files, SendError};
use crate::db::{DbError, disputes};
use crate::domain::ids::{DisputeId, FileId};
use crate::file_store::names;

/// A file is never a page of ours: no script, no form, nothing else to load; its own style is a PDF viewer's.
const SANDBOX: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; sandbox",
);

/// POST `/disputes/{id}/evidence`: adds files to a Draft or a Pending dispute.
pub(super) async fn create(
    grant: Granted<DisputeCalls>,
    id: Path<DisputeId>,
    request: HttpRequest,
    payload: web::Payload,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let id = *id;
    known(&grant, id, &around).await?;
    let sent = received(&request, payload, &around).await?;
    let limit = u32::from(around.config.max_evidence_files);
    let files = Files { received: sent.files.clone(), kept: Vec::new(), limit };
    let (clock, writer) = (around.clock.clone(), grant);
    let added = around.db.write(move |conn| evidence::add(conn, &writer, &clock, id, &files)).await;
    if let Err(error) = added {
        if !matches!(error, SendError::Database(_)) {
            upload::discard(&around.files, sent.files).await;
        }
        return Err(refusal(error, id));
    }
    Ok(Notice::EvidenceAdded.redirect(&request, back_to(&request, id)))
}

/// Nobody's files are taken for a dispute that isn't theirs.
pub(super) async fn known(grant: &Granted<DisputeCalls>, id: DisputeId, around: &Around) -> Result<(), AppError> {
    let scope = grant.scope();
    let known = around.db.read(move |conn| Ok::<_, DbError>(disputes::find(conn, scope, id)?)).await?;
    known.map(drop).ok_or(AppError::NotFound)
}

/// The files of a form, stored; a form with one that isn't taken is refused whole.
pub(super) async fn received(request: &HttpRequest, payload: web::Payload, around: &Around) -> Result<Sent, AppError> {
    let limits = Limits::of(&around.config);
    let sent = upload::read(request, payload, &around.files, limits).await?;
    if let Some(error) = not_taken(&sent, limits) {
        upload::discard(&around.files, sent.files).await;
        return Err(error);
    }
    Ok(sent)
}

/// All of the files, or none: what was refused is named.
fn not_taken(sent: &Sent, limits: Limits) -> Option<AppError> {
    if sent.is_too_large {
        return Some(AppError::TooLarge { limit: limits.file_bytes });
    }
    let mut sentences: Vec<String> = sent.refused.iter().map(|refused| format!("{}.", refused.sentence)).collect();
    if sent.has_too_many {
        sentences.push(format!("A dispute can have at most {} files.", limits.files));
    } else if sentences.is_empty() && sent.files.is_empty() {
        sentences.push("Choose a file first.".to_owned());
    }
    (!sentences.is_empty()).then(|| AppError::Unprocessable(sentences.join(" ")))
}

/// The dispute, in the list it was opened from.
fn back_to(request: &HttpRequest, id: DisputeId) -> String {
    match request.query_string() {
        "" => paths::dispute(id),
        query => format!("{}?{query}", paths::dispute(id)),
    }
}

/// GET `/disputes/{id}/evidence/{eid}`.
pub(super) async fn show(
    viewer: DisputeViewer,
    path: Path<(DisputeId, FileId)>,
    request: HttpRequest,
    around: Around,
) -> Result<HttpResponse, AppError> {
    answer(viewer, path.into_inner(), &request, &around).await
}

/// A file of a dispute the viewer can see, with the headers that keep it from being a page of ours.
pub(super) async fn answer(
    viewer: DisputeViewer,
    (id, file): (DisputeId, FileId),
    request: &HttpRequest,
    around: &Around,
) -> Result<HttpResponse, AppError> {
    let wanted = file.clone();
    let row = around.db.read(move |conn| Ok::<_, DbError>(evidence::find(conn, &viewer, id, &wanted)?)).await?;
    let row = row.ok_or(AppError::NotFound)?;
    let disposition = names::content_disposition(if is_shown(&row) { "inline" } else { "attachment" }, &row.name);
    let media_type = with_charset(&row.media_type);
    let told = FileAnswer { media_type: &media_type, disposition: &disposition, tag: &row.sha256 };
    let mut response = ranged_file::answer(request, &around.files.path(&file), &told).await?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
    headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// Pictures, sound and PDF are shown by the browser; everything else is a download.
fn is_shown(row: &EvidenceRow) -> bool {
    let shown = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"];
    shown.contains(&row.media_type.as_str()) || row.media_type.starts_with("audio/")
}

fn with_charset(media_type: &str) -> String {
    if media_type.starts_with("text/") { format!("{media_type}; charset=utf-8") } else { media_type.to_owned() }
}

/// POST `/disputes/{id}/evidence/{eid}/delete`: takes a file out of a Draft.
pub(super) async fn destroy(
    grant: Granted<DisputeCalls>,
    path: Path<(DisputeId, FileId)>,
    request: HttpRequest,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let (id, file) = path.into_inner();
    let clock = around.clock.clone();
    let removed = around.db.write(move |conn| evidence::remove(conn, &grant, &clock, id, &file)).await;
    removed.map_err(|error| refusal(error, id))?;
    Ok(Notice::EvidenceRemoved.redirect(&request, back_to(&request, id)))
}
