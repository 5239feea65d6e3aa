//! Whether the program is alive, and whether each of its parts can work. For programs; says nothing of versions or paths.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::config::Config;
use crate::db::Db;

/// GET `/healthz`: alive, whatever the database does.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body("ok\n")
}

/// GET `/readyz`: the state of each part; 503 if one can't work.
pub(super) async fn ready(config: web::Data<Config>, db: web::Data<Db>) -> HttpResponse {
    let database = match db.ping().await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(?error, "the database doesn't answer");
            false
        }
    };
    let folder = config.data_dir.clone();
    // Writing a file waits for the disk, so it is done off the threads that serve.
    let data_folder = match web::block(move || tempfile::tempfile_in(folder)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the data folder can't be written");
            false
        }
        Err(error) => {
            tracing::warn!(%error, "the data folder could not be tried");
            false
        }
    };
    let word = |fine: bool| if fine { "ok" } else { "failed" };
    let status = if database && data_folder { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "ready": database && data_folder, "parts": { "database": word(database), "data_folder": word(data_folder) } }))
}
