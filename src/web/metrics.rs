//! `/metrics` on the server's own address: figures for a program whose user looks after the platform.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::AppError;
use crate::auth::{AuditRead, ByToken, Granted, ManageSettings};
use crate::db::Db;
use crate::metrics;

/// GET `/metrics`: by a Bearer token alone, as under `/api/v1`.
pub(super) async fn show(
    _by: ByToken<Granted<ManageSettings>, AuditRead>,
    db: Data<Db>,
) -> Result<HttpResponse, AppError> {
    metrics::answer(&db).await.map_err(AppError::Internal)
}
