//! Rows out of a file, one at a time and in bounded memory: CSV, or JSON in its usual shapes.
//!
//! Knows lines, headers and keys; knows nothing of calls.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::ImportError;

mod csv;
mod json;

pub(super) use json::Object;

/// The most bytes of one row. A quotation mark that is never closed must not swallow the file into memory.
const MAX_ROW: usize = 1024 * 1024;

/// How much of the file is looked at to tell what it is.
const HEAD: usize = 64 * 1024;

/// The shape a file came in, so that failed rows can be written in the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    Csv {
        delimiter: u8,
        headers: Vec<String>,
    },
    /// An array, inside objects under these keys.
    Json {
        path: Vec<String>,
    },
    JsonLines,
}

/// One row: where it began, its text as JSON (an object of header and value where it came as CSV), and its cells.
pub(super) struct Row<'a> {
    pub line: u64,
    pub raw: Cow<'a, str>,
    pub content: Result<Content<'a>, Broken>,
}

/// The names and values of a row, in step.
pub(super) struct Content<'a> {
    pub names: &'a [Cow<'a, str>],
    pub cells: Vec<Cell<'a>>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    /// A list or an object, where one value belongs.
    Nested,
}

/// A row that has no cells: what it was, and what it should have been.
#[derive(Debug)]
pub(super) struct Broken {
    pub value: String,
    pub expected: String,
}

/// What takes the rows, until it has had enough.
pub(super) type Each<'e> = dyn FnMut(&Layout, Row<'_>) -> ControlFlow<()> + 'e;

/// Reads every row of a file.
pub(super) fn read(mut input: &mut dyn Read, each: &mut Each<'_>) -> Result<(), ImportError> {
    let mut head = Vec::with_capacity(HEAD);
    Read::by_ref(&mut input).take(u64::try_from(HEAD).unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(ImportError::Utf16);
    }
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    let start = head.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let shape = match start {
        None => return Err(ImportError::Empty),
        Some(b'{' | b'[') => Shape::Json { is_lines: json::is_lines(&head) },
        Some(_) => Shape::Csv { delimiter: csv::delimiter(&head) },
    };
    let input = Cursor::new(head).chain(input);
    match shape {
        Shape::Csv { delimiter } => csv::read(input, delimiter, each),
        Shape::Json { is_lines: true } => json::read_lines(BufReader::new(input), each),
        Shape::Json { is_lines: false } => json::read_document(BufReader::new(input), each),
    }
}

enum Shape {
    Csv { delimiter: u8 },
    Json { is_lines: bool },
}

/// Counts lines, and refuses to give more than one row may hold since the last [`Gauge::restart`].
struct Gauge<R> {
    inner: R,
    given: usize,
    lines: std::rc::Rc<std::cell::Cell<u64>>,
    restarts: std::rc::Rc<std::cell::Cell<bool>>,
}

impl<R> Gauge<R> {
    fn new(inner: R) -> Self {
        let restarts = std::rc::Rc::new(std::cell::Cell::new(false));
        Self { inner, given: 0, lines: std::rc::Rc::new(std::cell::Cell::new(1)), restarts }
    }

    fn restart(&mut self) {
        self.given = 0;
    }
}

impl<R: Read> Read for Gauge<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.restarts.take() {
            self.given = 0;
        }
        // A reader in front of this one may hold a buffer's worth of earlier rows.
        if self.given > MAX_ROW + HEAD {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row of more than 1 MiB"));
        }
        let count = self.inner.read(buffer)?;
        self.given += count;
        if let [byte] = buffer {
            self.lines.set(self.lines.get() + u64::from(count == 1 && *byte == b'\n'));
        }
        Ok(count)
    }
}

/// Reads one line, without more than one row may hold.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    let limit = u64::try_from(MAX_ROW).unwrap_or(u64::MAX);
    let count = input.take(limit).read_until(b'\n', line)?;
    if count == MAX_ROW && !line.ends_with(b"\n") {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row of more than 1 MiB"));
    }
    Ok(count)
}

/// An error of the stream, told as the file's.
fn stream_error(error: io::Error, line: u64) -> ImportError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ImportError::RowTooLong { line },
        _ => ImportError::Io(error),
    }
}

#[cfg(test)]
mod tests;
