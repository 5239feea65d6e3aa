//! CSV: comma, semicolon or tab; quoted newlines; LF or CRLF; blank lines.

use std::borrow::Cow;
use std::io::{Read, Write as _};

use csv::{ReaderBuilder, StringRecord, Terminator};

use super::{Broken, Cell, Content, Each, Gauge, Layout, Row, stream_error};
use crate::import::ImportError;

/// The delimiter of the first line that has any text: the one that it holds most of, outside quotation marks.
pub(super) fn delimiter(head: &[u8]) -> u8 {
    let lines = head.split(|byte| *byte == b'\n');
    let header = lines.into_iter().find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let count = |delimiter: u8| {
        let mut is_quoted = false;
        let is_counted = |byte: &&u8| {
            is_quoted ^= **byte == b'"';
            !is_quoted && **byte == delimiter
        };
        header.iter().filter(is_counted).count()
    };
    // On a tie the last wins: a comma, as when there is one column only.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// Reads the header and every row after it.
pub(super) fn read(input: impl Read, delimiter: u8, each: &mut Each<'_>) -> Result<(), ImportError> {
    // Records end at LF alone and the file at a line's end, so that the line of a record can be told from where the
    // reader stands after it; a CR before it is taken off below.
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(Gauge::new(input.chain(&b"\n"[..])));
    let mut record = StringRecord::new();
    let Some(header) = next(&mut reader, &mut record)?.then(|| cells(&record)) else {
        return Err(ImportError::Empty);
    };
    let headers: Vec<String> = header.iter().map(|name| name.trim_matches(is_padding).to_owned()).collect();
    let names: Vec<Cow<'_, str>> = headers.iter().map(|name| Cow::Borrowed(name.as_str())).collect();
    let keys: Vec<Vec<u8>> = headers.iter().map(|name| json_text(name)).collect();
    let layout = Layout::Csv { delimiter, headers: headers.clone() };
    while next(&mut reader, &mut record)? {
        let line = line_of(&reader, &record);
        let mut cells = cells(&record);
        while cells.len() > headers.len() && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        let raw = raw(&keys, &cells);
        let content = if cells.len() == headers.len() {
            let cells = cells.iter().map(|cell| Cell::Text(Cow::Borrowed(*cell))).collect();
            Ok(Content { names: &names, cells })
        } else {
            Err(Broken {
                value: format!("{} values", cells.len()),
                expected: format!("{} values, one for each column", headers.len()),
            })
        };
        if each(&layout, Row { line, raw: Cow::Owned(raw), content }).is_break() {
            break;
        }
    }
    Ok(())
}

/// Moves to the next record that isn't blank.
fn next<R: Read>(reader: &mut csv::Reader<Gauge<R>>, record: &mut StringRecord) -> Result<bool, ImportError> {
    loop {
        reader.get_mut().restart();
        let line = reader.position().line();
        let has_record = reader.read_record(record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Utf8 { pos, .. } => ImportError::NotUtf8 { line: pos.map_or(line, |pos| pos.line()) },
            csv::ErrorKind::Io(error) => stream_error(error, line),
            other => ImportError::Io(std::io::Error::other(format!("{other:?}"))),
        })?;
        if !has_record {
            return Ok(false);
        }
        if !record.as_slice().trim().is_empty() {
            return Ok(true);
        }
    }
}

/// The line on which the record just read begins, blank lines before it left out.
fn line_of<R: Read>(reader: &csv::Reader<Gauge<R>>, record: &StringRecord) -> u64 {
    let newlines = record.as_slice().bytes().filter(|byte| *byte == b'\n').count();
    reader.position().line().saturating_sub(1).saturating_sub(u64::try_from(newlines).unwrap_or(0))
}

fn cells(record: &StringRecord) -> Vec<&str> {
    let mut cells: Vec<&str> = record.iter().collect();
    if let Some(last) = cells.last_mut() {
        *last = last.strip_suffix('\r').unwrap_or(last);
    }
    cells
}

fn is_padding(char: char) -> bool {
    char.is_whitespace() || char == '\u{feff}'
}

/// The row as a JSON object, in the order of the columns; a value too many stands under an empty name.
fn raw(keys: &[Vec<u8>], cells: &[&str]) -> String {
    let mut out = Vec::with_capacity(1_024);
    let names = keys.iter().map(Vec::as_slice).chain(std::iter::repeat(&b"\"\""[..]));
    for (index, (name, cell)) in names.zip(cells).enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        out.extend_from_slice(name);
        out.push(b':');
        write_json_text(cell, &mut out);
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

fn json_text(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_json_text(text, &mut out);
    out
}

fn write_json_text(text: &str, out: &mut Vec<u8>) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, text).is_err() {
        // Writing a text into memory doesn't fail; an empty text keeps the object whole if it ever does.
        let _ = out.write_all(b"\"\"");
    }
}
