//! The badge on the Disputes menu item, alone: for a page that was hidden and wants to catch up.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use askama::Template;

use super::AppError;
use super::page::PendingBadge;
use crate::auth::DisputeViewer;
use crate::db::{Db, DbError, counters};

/// GET `/pending-count`.
pub(super) async fn show(viewer: DisputeViewer, db: Data<Db>) -> Result<HttpResponse, AppError> {
    let scope = viewer.scope();
    let pending = db.read(move |conn| Ok::<_, DbError>(counters::pending(conn, scope)?)).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(PendingBadge::new(pending).render()?))
}
