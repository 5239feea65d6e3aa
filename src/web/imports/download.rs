//! GET `/imports/{id}/errors`: the failed rows in the format they came in, with a column that says why.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use futures_util::stream;

use crate::auth::{Granted, ImportCalls};
use crate::db::Db;
use crate::db::imports::{self, State};
use crate::domain::ids::ImportId;
use crate::import::errors_file::ErrorsFile;
use crate::import::{FailedRow, Layout};
use crate::web::{AppError, Path};

/// Rows that are read at once.
const PART: i64 = 500;

/// What is left to be written.
struct Rest {
    grant: Granted<ImportCalls>,
    id: ImportId,
    layout: Layout,
    file: Option<ErrorsFile<Vec<u8>>>,
    next: i64,
}

/// GET `/imports/{id}/errors`.
pub(in crate::web) async fn errors(
    grant: Granted<ImportCalls>,
    id: Path<ImportId>,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    let (id, reader) = (*id, grant.clone());
    let (row, first) = db
        .read(move |conn| {
            let row = imports::find(conn, &reader, id)?.ok_or(AppError::NotFound)?;
            Ok::<_, AppError>((row, imports::failures(conn, &reader, id, (0, 1))?))
        })
        .await?;
    let layout = row.layout().filter(|_| !first.is_empty() && !matches!(row.state, State::Looking | State::Running));
    let Some(layout) = layout else { return Err(AppError::NotFound) };
    let (ending, media_type) = match layout {
        Layout::Csv { .. } => ("csv", "text/csv; charset=utf-8"),
        Layout::Json { .. } => ("json", "application/json"),
        Layout::JsonLines => ("jsonl", "application/x-ndjson"),
    };
    let name = format!("import-{id}-errors.{ending}");
    let rest = Rest { grant, id, layout, file: Some(ErrorsFile::new(Vec::new())), next: 0 };
    let (start, rest) = part(&db, rest).await?;
    let body = stream::try_unfold((db, Some(start), rest), |(db, ready, rest)| async move {
        if let Some(ready) = ready {
            return Ok::<_, actix_web::Error>(Some((Bytes::from(ready), (db, None, rest))));
        }
        if rest.file.is_none() {
            return Ok(None);
        }
        let told = |error: &AppError| tracing::error!(%error, "an errors file broke off");
        let (text, rest) = part(&db, rest).await.inspect_err(told)?;
        Ok(Some((Bytes::from(text), (db, None, rest))))
    });
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(Box::pin(body)))
}

/// The next rows as text, and what closes the file after the last.
async fn part(db: &Db, mut rest: Rest) -> Result<(Vec<u8>, Rest), AppError> {
    db.read(move |conn| {
        let written = |error: std::io::Error| AppError::Internal(error.into());
        let rows = imports::failures(conn, &rest.grant, rest.id, (rest.next, PART))?;
        let Some(mut file) = rest.file.take() else { return Ok((Vec::new(), rest)) };
        for row in &rows {
            let said = FailedRow { raw: String::new(), errors: row.errors() }.to_string();
            file.write(&rest.layout, &row.raw, &said).map_err(written)?;
        }
        rest.next = rows.last().map_or(rest.next, |row| row.position.saturating_add(1));
        if i64::try_from(rows.len()).is_ok_and(|count| count < PART) {
            return Ok((file.finish().map_err(written)?, rest));
        }
        let text = file.take_written();
        rest.file = Some(file);
        Ok((text, rest))
    })
    .await
}
