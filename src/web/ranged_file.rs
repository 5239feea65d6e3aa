//! A stored file as an answer that can be asked for in parts: what players need to jump.

use std::io::SeekFrom;
use std::path::Path;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, ContentEncoding, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::AppError;

/// How much is read at once.
const CHUNK: u64 = 64 * 1024;

/// What is told of the file besides its bytes.
#[derive(Clone, Debug)]
pub struct FileAnswer<'a> {
    pub media_type: &'a str,
    /// The whole value of `Content-Disposition`.
    pub disposition: &'a str,
    /// Changes with the bytes; a hash of them.
    pub tag: &'a str,
}

/// The part of a file that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// From the first byte, so many.
    Part {
        start: u64,
        length: u64,
    },
    /// Nothing of it is there.
    Nothing,
}

/// Answers with the file, or the part of it that the request asks for.
///
/// # Errors
/// If the file can't be opened: a row without its file is ours to mend.
pub async fn answer(request: &HttpRequest, path: &Path, told: &FileAnswer<'_>) -> Result<HttpResponse, AppError> {
    let broken = |error: std::io::Error| {
        AppError::Internal(anyhow::Error::new(error).context(format!("the file {} can't be read", path.display())))
    };
    let mut file = File::open(path).await.map_err(broken)?;
    let size = file.metadata().await.map_err(broken)?.len();
    let tag = format!("\"{}\"", told.tag);
    let wanted = wanted(request.headers(), size, &tag);
    let mut response = HttpResponse::build(match wanted {
        Wanted::Whole => StatusCode::OK,
        Wanted::Part { .. } => StatusCode::PARTIAL_CONTENT,
        Wanted::Nothing => StatusCode::RANGE_NOT_SATISFIABLE,
    });
    response
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        // Compression would change the offsets that ranges count by.
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::CACHE_CONTROL, "private, max-age=0, must-revalidate"))
        .insert_header((header::VARY, "Cookie"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_DISPOSITION, told.disposition))
        .insert_header((header::ETAG, tag.as_str()))
        .content_type(told.media_type);
    let (start, length) = match wanted {
        Wanted::Whole => (0, size),
        Wanted::Part { start, length } => {
            let last = start.saturating_add(length).saturating_sub(1);
            response.insert_header((header::CONTENT_RANGE, format!("bytes {start}-{last}/{size}")));
            (start, length)
        }
        Wanted::Nothing => {
            response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}"))).content_type("text/plain");
            return Ok(response.body(format!("The file has {size} bytes; what was asked for lies beyond them.\n")));
        }
    };
    if request.method() == Method::HEAD {
        return Ok(response.body(SizedStream::new(length, stream::empty::<Result<Bytes, std::io::Error>>())));
    }
    file.seek(SeekFrom::Start(start)).await.map_err(broken)?;
    let parts = stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(left.min(CHUNK)).unwrap_or_default();
        let mut chunk = vec![0; size];
        file.read_exact(&mut chunk).await?;
        Ok::<_, std::io::Error>(Some((Bytes::from(chunk), (file, left.saturating_sub(CHUNK)))))
    });
    Ok(response.body(SizedStream::new(length, Box::pin(parts))))
}

/// What the headers ask for. Of what isn't understood, and of several parts at once, the whole is sent: both is allowed.
fn wanted(headers: &HeaderMap, size: u64, tag: &str) -> Wanted {
    let text = |name| headers.get(name).map(|value: &header::HeaderValue| value.to_str().unwrap_or_default());
    // A part of another version than the one they have would be of no use.
    if text(header::IF_RANGE).is_some_and(|held| held != tag) {
        return Wanted::Whole;
    }
    match text(header::RANGE) {
        Some(range) => read_range(range, size),
        None => Wanted::Whole,
    }
}

fn read_range(range: &str, size: u64) -> Wanted {
    let Some((unit, spec)) = range.split_once('=') else { return Wanted::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return Wanted::Whole;
    }
    let part = |start: u64, end: u64| Wanted::Part { start, length: end.saturating_sub(start).saturating_add(1) };
    match (number(first), number(last)) {
        // The last so many bytes.
        (Number::Absent, Number::Is(0)) => Wanted::Nothing,
        (Number::Absent, Number::Is(_)) if size == 0 => Wanted::Nothing,
        (Number::Absent, Number::Is(count)) => part(size.saturating_sub(count), size.saturating_sub(1)),
        (Number::Is(start), Number::Is(last)) if last < start => Wanted::Whole,
        (Number::Is(start), _) if start >= size => Wanted::Nothing,
        (Number::Is(start), Number::Is(last)) => part(start, last.min(size.saturating_sub(1))),
        (Number::Is(start), Number::Absent) => part(start, size.saturating_sub(1)),
        _ => Wanted::Whole,
    }
}

enum Number {
    Absent,
    Is(u64),
    Bad,
}

fn number(text: &str) -> Number {
    let text = text.trim();
    if text.is_empty() {
        return Number::Absent;
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Number::Bad;
    }
    // Beyond what can be counted lies beyond the end of any file.
    Number::Is(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("bytes=0-0", Wanted::Part { start: 0, length: 1 })]
    #[case("bytes=2-4", Wanted::Part { start: 2, length: 3 })]
    #[case("bytes=2-", Wanted::Part { start: 2, length: 8 })]
    #[case("bytes=-3", Wanted::Part { start: 7, length: 3 })]
    #[case("bytes=-100", Wanted::Part { start: 0, length: 10 })]
    #[case("bytes=0-99999999999999999999999", Wanted::Part { start: 0, length: 10 })]
    #[case("bytes=10-", Wanted::Nothing)]
    #[case("bytes=99999999999999999999999-", Wanted::Nothing)]
    #[case("bytes=-0", Wanted::Nothing)]
    #[case("bytes=4-2", Wanted::Whole)]
    #[case("bytes=0-1,3-4", Wanted::Whole)]
    #[case("bytes=", Wanted::Whole)]
    #[case("bytes=-", Wanted::Whole)]
    #[case("bytes=a-b", Wanted::Whole)]
    #[case("bytes=--1", Wanted::Whole)]
    #[case("lines=0-1", Wanted::Whole)]
    #[case("", Wanted::Whole)]
    fn ranges_are_read_as_they_are_meant(#[case] range: &str, #[case] expected: Wanted) {
        assert_eq!(read_range(range, 10), expected);
    }

    #[test]
    fn of_an_empty_file_there_is_no_part() {
        for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(read_range(range, 0), Wanted::Nothing, "{range}");
        }
    }
}
