//! Evidence files of a dispute: the page's own reading, storing and answering.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use utoipa::ToSchema;

use super::disputes::{Versions, with_eyes};
use super::once::{Answered, Once};
use super::refusals;
use super::shapes::File;
use crate::auth::{ByToken, DisputeCalls, DisputeViewer, DisputesRead, DisputesWrite, Granted};
use crate::db::evidence;
use crate::db::sending::Files;
use crate::domain::claim::Problem;
use crate::domain::ids::{DisputeId, FileId};
use crate::web::around::Around;
use crate::web::upload::{self, Limits, Sent};
use crate::web::{AppError, Path, evidence as pages};

/// One file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes a form, which is read as it streams in")]
pub(in crate::web) struct Upload {
    #[schema(value_type = String, format = Binary)]
    evidence: Vec<u8>,
}

/// POST `/api/v1/disputes/{id}/evidence`: adds a file to a draft or a pending dispute.
#[utoipa::path(post, path = "/api/v1/disputes/{id}/evidence", tag = "evidence", operation_id = "add_evidence_file",
    summary = "Add a file",
    description = "While it is a draft or pending. One file at a time; what can be run is refused.",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = File)), security(("token" = ["disputes:write"])))]
pub(in crate::web) async fn create(
    grant: ByToken<Granted<DisputeCalls>, DisputesWrite>,
    id: Path<DisputeId>,
    request: HttpRequest,
    payload: web::Payload,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let (grant, viewer) = with_eyes(grant)?;
    let (id, versions) = (*id, Versions::of(&request));
    pages::known(&grant, id, &around).await?;
    refuse_unless_form(&request)?;
    let sent = pages::received(&request, payload, &around).await.map_err(at_the_field)?;
    let stored = sent.files.clone();
    let (written, once) = match (one(&sent), Once::of(&request, &digest(&sent))) {
        (Ok(()), Ok(once)) => (sent.files, once),
        (Err(error), _) | (_, Err(error)) => {
            upload::discard(&around.files, stored).await;
            return Err(error);
        }
    };
    let limit = Limits::of(&around.config).files;
    let files = Files { received: written, kept: Vec::new(), limit: u32::try_from(limit).unwrap_or(u32::MAX) };
    let (clock, user, now) = (around.clock.clone(), grant.user(), around.clock.now());
    let done = around
        .db
        .write(move |conn| {
            once.run(conn, (user, now), |conn| {
                versions.check(conn, &viewer, id)?;
                evidence::add(conn, &grant, &clock, id, &files).map_err(refusals::of_sending)?;
                let added = files.received.first().ok_or(AppError::NotFound)?;
                let row = evidence::find(conn, &viewer, id, &added.id)?.ok_or(AppError::NotFound)?;
                Answered::with(StatusCode::CREATED, &File::from(row))
            })
        })
        .await;
    match done {
        Ok(done) => {
            if !done.has_created() {
                upload::discard(&around.files, stored).await;
            }
            Ok(done.into_response())
        }
        // After a failure of the database nobody can say whether a row names it; the sweep can.
        Err(error @ (AppError::Busy | AppError::Internal(_))) => Err(error),
        Err(error) => {
            upload::discard(&around.files, stored).await;
            Err(error)
        }
    }
}

fn refuse_unless_form(request: &HttpRequest) -> Result<(), AppError> {
    let is_form = request.content_type().trim().eq_ignore_ascii_case("multipart/form-data");
    if is_form { Ok(()) } else { Err(AppError::UnsupportedMedia { expected: "multipart/form-data" }) }
}

/// A file that isn't taken is named as other values are.
fn at_the_field(failure: AppError) -> AppError {
    match failure {
        AppError::Unprocessable(said) => {
            AppError::Invalid(vec![Problem::new("evidence", said.strip_suffix('.').unwrap_or(&said))])
        }
        other => other,
    }
}

fn one(sent: &Sent) -> Result<(), AppError> {
    if sent.files.len() == 1 {
        return Ok(());
    }
    Err(AppError::Invalid(vec![Problem::new("evidence", "Send one file at a time, in the field evidence")]))
}

/// What a form says, however its parts were kept apart.
fn digest(sent: &Sent) -> String {
    sent.files.iter().flat_map(|file| [file.sha256.as_str(), " ", file.name.as_str(), "\n"]).collect()
}

/// GET `/api/v1/disputes/{id}/evidence/{eid}`: the file itself.
#[utoipa::path(get, path = "/api/v1/disputes/{id}/evidence/{eid}", tag = "evidence", operation_id = "get_evidence_file",
    summary = "Read a file",
    description = "The bytes, whole or in the part that `Range` names.",
    params(("id" = String, Path), ("eid" = String, Path)),
    responses((status = 200, description = "The file", content_type = "application/octet-stream")),
    security(("token" = ["disputes:read"])))]
pub(in crate::web) async fn show(
    viewer: ByToken<DisputeViewer, DisputesRead>,
    path: Path<(DisputeId, FileId)>,
    request: HttpRequest,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let answer = pages::answer(viewer.into_right(), path.into_inner(), &request, &around).await?;
    if answer.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(answer);
    }
    // The words are a problem here; how long the file is stays in the header.
    let mut refused = HttpResponse::from_error(AppError::RangeNotSatisfiable);
    if let Some(range) = answer.headers().get(header::CONTENT_RANGE) {
        refused.headers_mut().insert(header::CONTENT_RANGE, range.clone());
    }
    Ok(refused)
}

/// DELETE `/api/v1/disputes/{id}/evidence/{eid}`: takes a file out of a draft.
#[utoipa::path(delete, path = "/api/v1/disputes/{id}/evidence/{eid}", tag = "evidence", operation_id = "delete_evidence_file",
    summary = "Take a file out of a draft",
    description = "What was sent can't be taken away.",
    params(("id" = String, Path), ("eid" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204, description = "It is gone")), security(("token" = ["disputes:write"])))]
pub(in crate::web) async fn destroy(
    grant: ByToken<Granted<DisputeCalls>, DisputesWrite>,
    path: Path<(DisputeId, FileId)>,
    request: HttpRequest,
    around: Around,
) -> Result<HttpResponse, AppError> {
    let (grant, viewer) = with_eyes(grant)?;
    let ((id, file), versions) = (path.into_inner(), Versions::of(&request));
    let clock = around.clock.clone();
    around
        .db
        .write(move |conn| {
            versions.check(conn, &viewer, id)?;
            evidence::remove(conn, &grant, &clock, id, &file).map_err(refusals::of_sending)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
