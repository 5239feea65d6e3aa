//! Which files may be sent, told by their bytes; the name may only agree.

use infer::MatcherType;

use super::names;

/// So many bytes from the start are looked at.
const HEAD: usize = 8 * 1024;

/// What a file is for a person who opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Image,
    Audio,
    Pdf,
    Text,
}

/// A kind of file that may be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub family: Family,
    pub media_type: &'static str,
    /// The endings a name of this kind has.
    pub endings: &'static [&'static str],
}

const fn kind(family: Family, media_type: &'static str, endings: &'static [&'static str]) -> Kind {
    Kind { family, media_type, endings }
}

const EMAIL: Kind = kind(Family::Text, "message/rfc822", &["eml"]);
const TABLE: Kind = kind(Family::Text, "text/csv", &["csv"]);
const TEXT: Kind = kind(Family::Text, "text/plain", &["txt", "log", "tsv", "md"]);

/// Kinds with a signature, by the media type that `infer` reads from it.
const BINARY: &[(&str, Kind)] = &[
    ("application/pdf", kind(Family::Pdf, "application/pdf", &["pdf"])),
    ("image/png", kind(Family::Image, "image/png", &["png"])),
    ("image/jpeg", kind(Family::Image, "image/jpeg", &["jpg", "jpeg", "jpe", "jfif"])),
    ("image/gif", kind(Family::Image, "image/gif", &["gif"])),
    ("image/webp", kind(Family::Image, "image/webp", &["webp"])),
    ("image/heif", kind(Family::Image, "image/heic", &["heic", "heif"])),
    ("audio/mpeg", kind(Family::Audio, "audio/mpeg", &["mp3"])),
    ("audio/x-wav", kind(Family::Audio, "audio/wav", &["wav"])),
    ("audio/ogg", kind(Family::Audio, "audio/ogg", &["ogg", "oga"])),
    ("audio/opus", kind(Family::Audio, "audio/ogg", &["opus"])),
    ("audio/x-flac", kind(Family::Audio, "audio/flac", &["flac"])),
    ("audio/m4a", kind(Family::Audio, "audio/mp4", &["m4a"])),
    ("video/mp4", kind(Family::Audio, "audio/mp4", &["mp4"])),
    ("video/webm", kind(Family::Audio, "audio/webm", &["webm", "weba"])),
];

/// What the form says about the kinds that may be sent.
pub const ALLOWED: &str = "PDF, PNG, JPEG, GIF, WebP, HEIC, MP3, WAV, OGG, M4A, FLAC, WebM, CSV, TXT, EML";

/// What the form's file field offers; the bytes decide.
pub const ACCEPT: &str =
    ".pdf,.png,.jpg,.jpeg,.gif,.webp,.heic,.mp3,.wav,.ogg,.opus,.m4a,.mp4,.flac,.webm,.csv,.txt,.log,.tsv,.md,.eml";

/// Why a file was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it is empty")]
    Empty,
    #[error("files of this type can\u{2019}t be sent")]
    Type,
    #[error("its content isn\u{2019}t what its name says")]
    Misnamed,
}

/// Looks at the bytes of a file as they come.
#[derive(Debug)]
pub struct Watch {
    head: Vec<u8>,
    is_empty: bool,
    /// Still valid UTF-8 without NUL.
    is_text: bool,
    /// The beginning of a character whose end has yet to come.
    cut: Vec<u8>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { head: Vec::new(), is_empty: true, is_text: true, cut: Vec::new() }
    }
}

impl Watch {
    /// Looks at the next bytes.
    pub fn see(&mut self, bytes: &[u8]) {
        self.is_empty &= bytes.is_empty();
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(room));
        if self.is_text {
            self.read_text(bytes);
        }
    }

    fn read_text(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        // At most three bytes are left over; they are completed one by one.
        while !self.cut.is_empty() && self.is_text {
            let Some((first, after)) = rest.split_first() else { return };
            self.cut.push(*first);
            rest = after;
            match std::str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(error) => self.is_text = error.error_len().is_none(),
            }
        }
        self.is_text &= !rest.contains(&0);
        if let Err(error) = std::str::from_utf8(rest) {
            self.is_text &= error.error_len().is_none();
            self.cut = rest.get(error.valid_up_to()..).unwrap_or_default().to_vec();
        }
    }

    /// The kind of the whole file, or why it may not be sent under this name.
    ///
    /// # Errors
    /// If it is empty, of another kind, or not what its name says.
    pub fn judge(&self, name: &str) -> Result<&'static Kind, Unfit> {
        if self.is_empty {
            return Err(Unfit::Empty);
        }
        let ending = names::ending(name).map(str::to_ascii_lowercase);
        let known = ending.as_deref().map(family_of);
        // An ending that nothing allowed has decides alone, whatever the bytes pretend to be.
        if known == Some(None) {
            return Err(Unfit::Type);
        }
        let kind = self.by_bytes(ending.as_deref()).ok_or(Unfit::Type)?;
        match known.flatten() {
            Some(family) if family != kind.family => Err(Unfit::Misnamed),
            _ => Ok(kind),
        }
    }

    fn by_bytes(&self, ending: Option<&str>) -> Option<&'static Kind> {
        let signature = infer::get(&self.head);
        if signature.is_some_and(|found| matches!(found.matcher_type(), MatcherType::App | MatcherType::Archive))
            && signature.is_none_or(|found| found.mime_type() != "application/pdf")
        {
            return None;
        }
        if let Some((_, kind)) =
            signature.and_then(|found| BINARY.iter().find(|(media_type, _)| *media_type == found.mime_type()))
        {
            let is_genuine = has_signature(kind.media_type, &self.head) && !has_markup(&self.head);
            return is_genuine.then_some(kind);
        }
        let is_text = self.is_text && self.cut.is_empty();
        if !is_text {
            return None;
        }
        // An e-mail may hold a page as one of its parts; it is only ever given out as a download.
        if is_email(&self.head) {
            return (ending.is_none() || ending == Some("eml") || !has_markup(&self.head))
                .then_some(if ending == Some("eml") { &EMAIL } else { &TEXT });
        }
        let looks_harmless = !begins_like_code(&self.head) && !has_markup(&self.head);
        looks_harmless.then_some(if ending == Some("csv") { &TABLE } else { &TEXT })
    }
}

fn family_of(ending: &str) -> Option<Family> {
    let binary = BINARY.iter().map(|(_, kind)| kind);
    [&EMAIL, &TABLE, &TEXT]
        .into_iter()
        .chain(binary)
        .find(|kind| kind.endings.contains(&ending))
        .map(|kind| kind.family)
}

/// The whole signature at the very start, where `infer` is content with less or with a later place.
fn has_signature(media_type: &str, head: &[u8]) -> bool {
    match media_type {
        "application/pdf" => head.starts_with(b"%PDF-"),
        "image/png" => head.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/gif" => head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a"),
        "image/webp" => head.starts_with(b"RIFF"),
        _ => true,
    }
}

/// Whether the bytes hold what a browser would take for a page, or a server for a program.
fn has_markup(head: &[u8]) -> bool {
    const MARKS: &[&[u8]] = &[
        b"<!doctype",
        b"<html",
        b"<head",
        b"<body",
        b"<script",
        b"<svg",
        b"<iframe",
        b"<object",
        b"<embed",
        b"<img",
        b"<style",
        b"<link",
        b"<meta",
        b"<?php",
        b"<?xml-stylesheet",
        b"<xsl:",
        b"<math",
    ];
    let lower = head.to_ascii_lowercase();
    MARKS.iter().any(|mark| lower.windows(mark.len()).any(|window| window == *mark))
}

/// Whether a text is XML or a script by its first characters.
fn begins_like_code(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let code: &[&[u8]] = &[b"#!", b"<?", b"<!", b"%!PS", b"{\\rtf", b"@echo", b"mz\x90"];
    code.iter().any(|mark| text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark)))
}

/// Whether a text begins with the header of an e-mail.
fn is_email(head: &[u8]) -> bool {
    const FIELDS: &[&str] =
        &["from", "received", "return-path", "delivered-to", "mime-version", "message-id", "subject", "date", "to"];
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}');
    let field = |line: &str| line.split_once(':').map(|(name, _)| name.trim().to_ascii_lowercase());
    let is_field = |line: &&str| field(line).is_some_and(|name| FIELDS.contains(&name.as_str()));
    let first = text.lines().next().and_then(field);
    // One line such as "To: the manager" is a letter's; an e-mail has several.
    first.is_some_and(|name| !name.is_empty() && !name.contains(' '))
        && text.lines().take_while(|line| !line.trim().is_empty()).filter(is_field).count() >= 2
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod tests;
