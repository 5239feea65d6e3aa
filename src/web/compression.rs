//! zstd for answers that are there as a whole: pages, JSON, static files. What streams is left to the gzip around it.
//!
//! The compressor of a stream doesn't know how much will come and takes megabytes; told the size, it takes a fraction of
//! that, half the time of gzip, and gives a third less to send.

use std::cell::RefCell;

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use zstd::bulk::Compressor;

/// Less than this isn't worth a header.
const SMALLEST: usize = 1024;

/// More than this would hold up the others of its thread.
const LARGEST: usize = 1024 * 1024;

/// The level whose time a page can afford: the next one takes twice as long for a twentieth less.
const LEVEL: i32 = 3;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses an answer whose reader takes zstd.
pub async fn at_once(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let takes_zstd = takes_zstd(&request);
    let response = next.call(request).await?.map_into_boxed_body();
    if !takes_zstd || !is_fit(&response) {
        return Ok(response);
    }
    Ok(response.map_body(|head, body| match body.try_into_bytes() {
        Ok(bytes) if (SMALLEST..=LARGEST).contains(&bytes.len()) => match compress(&bytes) {
            Ok(smaller) => {
                head.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
                head.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
                BoxBody::new(smaller)
            }
            Err(error) => {
                tracing::warn!(%error, "an answer could not be compressed and goes out as it is");
                BoxBody::new(bytes)
            }
        },
        Ok(bytes) => BoxBody::new(bytes),
        Err(body) => body,
    }))
}

fn takes_zstd(request: &ServiceRequest) -> bool {
    let known = [Encoding::zstd(), Encoding::gzip(), Encoding::identity()];
    AcceptEncoding::parse(request)
        .ok()
        .and_then(|accepted| accepted.negotiate(known.iter()))
        .is_some_and(|chosen| chosen == Encoding::Known(ContentEncoding::Zstd))
}

/// Text that isn't compressed yet, and whole: the parts of a file are counted in its own bytes.
fn is_fit(response: &ServiceResponse<BoxBody>) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    let is_text = kind.starts_with("text/")
        || kind.ends_with("json")
        || matches!(kind, "application/javascript" | "image/svg+xml" | "application/jsonl");
    is_text && response.status() != StatusCode::PARTIAL_CONTENT && !headers.contains_key(header::CONTENT_ENCODING)
}

fn compress(bytes: &Bytes) -> std::io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| match compressor {
        Some(compressor) => compressor.compress(bytes),
        None => compressor.insert(Compressor::new(LEVEL)?).compress(bytes),
    })
}
