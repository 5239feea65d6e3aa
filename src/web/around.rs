//! What a handler of several parts works with besides who asks for what, taken from the request as one value.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::AppError;
use super::chrome::Here;
use super::htmx::Htmx;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::file_store::FileStore;

/// How it was asked, and everything the server holds.
#[derive(Clone)]
pub struct Around {
    pub htmx: Htmx,
    pub here: Here,
    pub db: Db,
    pub clock: Clock,
    pub config: Data<Config>,
    pub files: Data<FileStore>,
}

impl FromRequest for Around {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            Self::of(request)
                .ok_or_else(|| AppError::Internal(anyhow::anyhow!("the app was built without its values"))),
        )
    }
}

impl Around {
    fn of(request: &HttpRequest) -> Option<Self> {
        Some(Self {
            htmx: Htmx::of(request.head()),
            here: Here::of(request.head()),
            db: request.app_data::<Data<Db>>()?.as_ref().clone(),
            clock: request.app_data::<Data<Clock>>()?.as_ref().clone(),
            config: request.app_data::<Data<Config>>()?.clone(),
            files: request.app_data::<Data<FileStore>>()?.clone(),
        })
    }
}
