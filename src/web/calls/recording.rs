//! The recording of a call, through the viewer's scope.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::auth::Viewer;
use crate::db::{Db, DbError, recordings};
use crate::domain::ids::CallId;
use crate::file_store::FileStore;
use crate::web::ranged_file::{self, FileAnswer};
use crate::web::{AppError, Path};

/// GET `/calls/{id}/recording`.
pub async fn recording(
    viewer: Viewer,
    call: Path<CallId>,
    request: HttpRequest,
    db: Data<Db>,
    store: Data<FileStore>,
) -> Result<HttpResponse, AppError> {
    let (scope, call) = (viewer.scope(), call.into_inner());
    let row = db.read(move |conn| Ok::<_, DbError>(recordings::find(conn, scope, call)?)).await?;
    let row = row.ok_or(AppError::NotFound)?;
    let file =
        row.file().ok_or_else(|| AppError::Internal(anyhow::anyhow!("the recording of {call} names no file")))?;
    let media_type = if row.media_type.starts_with("audio/") { row.media_type.as_str() } else { "audio/mpeg" };
    let disposition = format!("inline; filename=\"call-{call}.{}\"", ending(media_type));
    let told = FileAnswer { media_type, disposition: &disposition, tag: &row.sha256 };
    ranged_file::answer(&request, &store.path(&file), &told).await
}

/// Some players go by the name.
fn ending(media_type: &str) -> &'static str {
    match media_type {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        "audio/ogg" | "audio/opus" => "ogg",
        "audio/mp4" | "audio/m4a" | "audio/x-m4a" | "audio/aac" => "m4a",
        "audio/flac" | "audio/x-flac" => "flac",
        "audio/webm" => "webm",
        _ => "mp3",
    }
}
