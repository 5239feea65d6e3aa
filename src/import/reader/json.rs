//! JSON: an array of rows, that array wrapped in objects, or one object a line. Numbers are kept as they were written.

use std::borrow::Cow;
use std::cell::Cell as Shared;
use std::fmt;
use std::io::BufRead;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Broken, Cell, Content, Each, Gauge, Layout, Row, read_line, stream_error};
use crate::import::ImportError;

/// The keys under which platforms wrap their list of calls.
const WRAPPERS: [&str; 4] = ["calls", "report", "records", "data"];

/// An object taken apart: its keys in order, each with the text of its value.
pub(in crate::import) struct Object<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

/// Whether the file has one object a line: its first line is a whole object, and not one that wraps a list.
pub(super) fn is_lines(head: &[u8]) -> bool {
    let is_text = |line: &&[u8]| !line.trim_ascii().is_empty();
    let first = head.split(|byte| *byte == b'\n').find(is_text).unwrap_or_default();
    match serde_json::from_slice::<Object<'_>>(first) {
        Ok(Object(fields)) => !fields.iter().any(|(key, value)| is_wrapper(key, value)),
        Err(_) => false,
    }
}

fn is_wrapper(key: &str, value: &RawValue) -> bool {
    WRAPPERS.contains(&key) && value.get().starts_with(['[', '{'])
}

/// Reads one object a line; a line that is none is a row that fails.
pub(super) fn read_lines(mut input: impl BufRead, each: &mut Each<'_>) -> Result<(), ImportError> {
    let mut buffer = Vec::new();
    for line in 1_u64.. {
        if read_line(&mut input, &mut buffer).map_err(|error| stream_error(error, line))? == 0 {
            break;
        }
        let text = std::str::from_utf8(&buffer).or(Err(ImportError::NotUtf8 { line }))?.trim();
        if !text.is_empty() && give(&Layout::JsonLines, line, text, each).is_break() {
            break;
        }
    }
    Ok(())
}

/// Reads a document whose rows are in an array, without ever holding more than one of them.
pub(super) fn read_document(input: impl BufRead, each: &mut Each<'_>) -> Result<(), ImportError> {
    let gauge = Gauge::new(input);
    let lines = Rc::clone(&gauge.lines);
    let mut walk = Walk {
        each,
        layout: Layout::Json { path: Vec::new() },
        lines: Rc::clone(&lines),
        restarts: Rc::clone(&gauge.restarts),
        has_rows: false,
        is_stopped: false,
    };
    let mut json = serde_json::Deserializer::from_reader(gauge);
    loop {
        match (Document { walk: &mut walk, path: Vec::new() }).deserialize(&mut json) {
            Ok(()) if json.end().is_ok() => return Ok(()),
            Ok(()) => walk.has_rows = false,
            Err(_) if walk.is_stopped => return Ok(()),
            Err(error) => return Err(told(error, lines.get())),
        }
    }
}

fn told(error: serde_json::Error, line: u64) -> ImportError {
    match error.classify() {
        serde_json::error::Category::Io => stream_error(error.into(), line),
        _ => ImportError::BrokenJson { line: error.line(), column: error.column(), cause: error.to_string() },
    }
}

/// The way through a document.
struct Walk<'w, 'e> {
    each: &'w mut Each<'e>,
    layout: Layout,
    lines: Rc<Shared<u64>>,
    restarts: Rc<Shared<bool>>,
    has_rows: bool,
    is_stopped: bool,
}

impl Walk<'_, '_> {
    fn give<E: serde::de::Error>(&mut self, line: u64, text: &str) -> Result<(), E> {
        if give(&self.layout, line, text, self.each).is_break() {
            self.is_stopped = true;
            return Err(E::custom("stopped"));
        }
        Ok(())
    }
}

/// A value that holds rows: the array of them, or an object that leads to it.
struct Document<'d, 'w, 'e> {
    walk: &'d mut Walk<'w, 'e>,
    path: Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of calls")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        self.walk.has_rows = true;
        self.walk.layout = Layout::Json { path: self.path };
        while rows.next_element_seed(Element(&mut *self.walk))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let line = self.walk.lines.get();
        let mut text = String::from("{");
        while let Some(key) = map.next_key::<String>()? {
            self.walk.restarts.set(true);
            if self.walk.has_rows {
                map.next_value::<IgnoredAny>()?;
            } else if WRAPPERS.contains(&key.as_str()) {
                let mut path = self.path.clone();
                path.push(key);
                map.next_value_seed(Document { walk: &mut *self.walk, path })?;
            } else {
                let value = map.next_value::<Box<RawValue>>()?;
                let comma = if text.len() > 1 { "," } else { "" };
                let key = serde_json::to_string(&key).map_err(A::Error::custom)?;
                text.extend([comma, &key, ":", value.get()]);
                if text.len() > super::MAX_ROW {
                    return Err(A::Error::custom("an object of more than 1 MiB before the list of calls"));
                }
            }
        }
        text.push('}');
        if self.walk.has_rows || !self.path.is_empty() { Ok(()) } else { self.walk.give(line, &text) }
    }
}

/// One element of the array of rows.
struct Element<'d, 'w, 'e>(&'d mut Walk<'w, 'e>);

impl<'de> DeserializeSeed<'de> for Element<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.0.restarts.set(true);
        let line = self.0.lines.get();
        let row: Box<RawValue> = serde::Deserialize::deserialize(from)?;
        self.0.give(line, row.get())
    }
}

/// Takes a row's text apart and hands it on.
fn give(layout: &Layout, line: u64, text: &str, each: &mut Each<'_>) -> std::ops::ControlFlow<()> {
    let raw = Cow::Borrowed(text);
    let Ok(Object(fields)) = fields(text) else {
        let broken = Broken { value: text.to_owned(), expected: "an object in JSON".to_owned() };
        return each(layout, Row { line, raw, content: Err(broken) });
    };
    let cells = fields.iter().map(|(_, value)| cell(value)).collect();
    let names: Vec<Cow<'_, str>> = fields.into_iter().map(|(name, _)| name).collect();
    each(layout, Row { line, raw, content: Ok(Content { names: &names, cells }) })
}

/// The fields of a row; those inside `call` where that is all it has, but for the error of an errors file.
fn fields(text: &str) -> serde_json::Result<Object<'_>> {
    let object: Object<'_> = serde_json::from_str(text)?;
    let mut inner = object.0.iter().filter(|(key, _)| key != "error");
    match (inner.next(), inner.next()) {
        (Some((key, value)), None) if key == "call" => serde_json::from_str(value.get()),
        _ => Ok(object),
    }
}

fn cell(value: &RawValue) -> Cell<'_> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map_or(Cell::Nested, |Text(text)| Cell::Text(text)),
        Some(b'{' | b'[') => Cell::Nested,
        Some(b'n') | None => Cell::Text(Cow::Borrowed("")),
        Some(_) => Cell::Text(Cow::Borrowed(without_trailing_zeros(text))),
    }
}

/// A number that JSON writes as `5.0` is the number 5, in every currency.
fn without_trailing_zeros(number: &str) -> &str {
    match number.split_once('.') {
        Some((_, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            number.trim_end_matches('0').trim_end_matches('.')
        }
        _ => number,
    }
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::with_capacity(24);
                while let Some((Text(key), value)) = map.next_entry()? {
                    fields.push((key, value));
                }
                Ok(Object(fields))
            }
        }
        from.deserialize_map(Fields)
    }
}

/// A text that is borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Borrowed)
    }
}
