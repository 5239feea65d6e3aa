//! The files under `/static/`: embedded at build time, named by their content, cached for ever.
//!
//! Knows nothing of pages. A changed file has another address, so no browser mixes old and new.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::web::error::AppError;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/assets"]
struct Embedded;

struct Asset {
    name: String,
    content_type: String,
    body: web::Bytes,
}

#[derive(Default)]
struct Assets {
    /// By the file's own name, such as `app.css`: the address to link to.
    urls: HashMap<String, String>,
    /// By the last part of the address, such as `app.3f9a0c21b7d4.css`.
    files: HashMap<String, Asset>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(Assets::load);

impl Assets {
    fn load() -> Self {
        let mut assets = Self::default();
        for name in Embedded::iter() {
            let Some(file) = Embedded::get(&name) else { continue };
            let hashed = hashed_name(&name, &file.data);
            assets.urls.insert(name.to_string(), format!("/static/{hashed}"));
            let content_type = with_charset(file.metadata.mimetype());
            let body = web::Bytes::from(file.data.into_owned());
            assets.files.insert(hashed, Asset { name: name.to_string(), content_type, body });
        }
        assets
    }
}

/// `app.css` becomes `app.HASH.css`.
fn hashed_name(name: &str, bytes: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(bytes));
    let short = digest.get(..12).unwrap_or(&digest);
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{short}.{extension}"),
        None => format!("{name}.{short}"),
    }
}

fn with_charset(kind: &str) -> String {
    if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() }
}

/// The address of an embedded file; an empty text for a file that this build doesn't hold.
#[must_use]
pub fn url(name: &str) -> &'static str {
    ASSETS.urls.get(name).map_or("", String::as_str)
}

/// The address of the icons, which a list names a hundred times.
#[must_use]
pub fn icons() -> &'static str {
    static ICONS: LazyLock<&str> = LazyLock::new(|| url("icons.svg"));
    *ICONS
}

/// Whether this build holds the file (a debug build without npm has no browser libraries).
#[must_use]
pub fn has(name: &str) -> bool {
    ASSETS.urls.contains_key(name)
}

/// GET `/static/{file}`.
pub(crate) async fn show(file: crate::web::Path<String>) -> Result<HttpResponse, AppError> {
    let asset = ASSETS.files.get(file.as_str()).ok_or(AppError::NotFound)?;
    tracing::trace!(asset = asset.name, "static file");
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, asset.content_type.as_str()))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")))
        .body(asset.body.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_the_hash_of_the_content() {
        let one = hashed_name("app.css", b"a{}");
        assert!(one.len() == "app..css".len() + 12 && one.split('.').map(str::len).eq([3, 12, 3]));
        assert_ne!(one, hashed_name("app.css", b"b{}"));
    }

    #[test]
    fn the_layouts_files_are_embedded() {
        for name in ["app.css", "app.js", "icons.svg", "favicon.svg"] {
            assert!(url(name).starts_with("/static/"), "{name} is missing");
        }
        assert_eq!(url("missing.css"), "");
    }

    #[test]
    fn the_stylesheet_names_no_other_file() {
        // A hashed address would have to be written into it.
        let file = Embedded::get("app.css").map(|file| file.data.into_owned()).unwrap_or_default();
        assert!(!file.is_empty());
        assert!(!String::from_utf8_lossy(&file).contains("url("));
    }
}
