//! `Path<T>`: what a URL names, or our own 404.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use super::error::AppError;

/// Typed parts of the path; an id that can't be one is a 404 like any other missing thing.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(T);

impl<T> Path<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        #[expect(clippy::disallowed_types, reason = "this is the extractor of ours that wraps it")]
        #[expect(clippy::map_err_ignore, reason = "why an id can't be read is nobody's business: nothing is there")]
        ready(
            actix_web::web::Path::<T>::extract(request)
                .into_inner()
                .map(|path| Self(path.into_inner()))
                .map_err(|_| AppError::NotFound),
        )
    }
}
