//! Reading a form with files: text fields, files stored as they stream in, and what was refused and why.
//!
//! Knows the file store and the limits, not what the form is for. Rows are the caller's; a file without one is swept.

use std::io;
use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::error::AppError;
use super::filters::Size;
use crate::config::Config;
use crate::db::evidence::StoredFile;
use crate::file_store::kinds::Unfit;
use crate::file_store::{FileStore, Incoming, names};

/// All text of a form together; the longest dispute has 150,000 characters.
const TEXT: usize = 1024 * 1024;

/// So many parts are read; a form of ours has about thirty.
const PARTS: usize = 200;

/// A form ends within this time: a file must be young when its row is written, or the sweep could take it.
const LONGEST: Duration = Duration::from_hours(12);

/// The field whose parts are files; programs say `file` as well.
const FILES: &str = "evidence";
const FILE: &str = "file";

/// How much is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub file_bytes: u64,
    pub files: usize,
    pub kinds: Kinds,
}

/// Which files are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// What people can look at or listen to, told by its bytes.
    Evidence,
    /// Files that a reader of ours takes apart and nobody ever opens: it says itself what it can't read.
    Calls,
}

impl Kinds {
    fn judge(self, file: &Incoming, name: &str) -> Result<&'static str, Unfit> {
        match self {
            Self::Evidence => file.watch().judge(name).map(|kind| kind.media_type),
            Self::Calls if file.size() == 0 => Err(Unfit::Empty),
            Self::Calls => Ok("application/octet-stream"),
        }
    }
}

impl Limits {
    /// Those of the settings.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let files = usize::from(config.max_evidence_files);
        Self { file_bytes: config.max_evidence_bytes, files, kinds: Kinds::Evidence }
    }

    /// Those of a file of calls.
    #[must_use]
    pub fn of_calls(config: &Config) -> Self {
        Self { file_bytes: config.max_import_bytes, files: 1, kinds: Kinds::Calls }
    }

    /// Whole files are read past the limits so that the others and the text are kept, but not for ever.
    fn body_bytes(self) -> u64 {
        let files = u64::try_from(self.files.saturating_add(1)).unwrap_or(u64::MAX);
        self.file_bytes.saturating_mul(files).saturating_add(4 * 1024 * 1024)
    }
}

/// A file that was not kept, and the sentence that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub name: String,
    pub sentence: String,
}

/// A form as it was sent.
#[derive(Debug, Default)]
pub struct Sent {
    fields: Vec<(String, String)>,
    /// Stored and durable, named by no row yet.
    pub files: Vec<StoredFile>,
    pub refused: Vec<Refused>,
    /// More was sent than is taken: the answer is a 413.
    pub is_too_large: bool,
    /// More files were sent than a dispute can have.
    pub has_too_many: bool,
}

impl Sent {
    /// What a field was sent with last; empty where it wasn't sent.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.values(name).last().unwrap_or_default()
    }

    /// Whether nothing of it could be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.files.is_empty() && self.refused.is_empty()
    }

    /// Whether a field was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// All a field was sent with.
    pub fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.fields.iter().filter(move |(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// The facts: `fact[NAME]` gives NAME.
    pub fn facts(&self) -> impl Iterator<Item = (String, String)> {
        self.fields.iter().filter_map(|(name, value)| {
            let fact = name.strip_prefix("fact[")?.strip_suffix(']')?;
            Some((fact.to_owned(), value.clone()))
        })
    }
}

/// Reads a form, with files or urlencoded.
///
/// # Errors
/// If it isn't one, broke off, or can't be stored. What was stored by then is swept.
pub async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    store: &FileStore,
    limits: Limits,
) -> Result<Sent, AppError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let reading = async {
        match essence.as_str() {
            "multipart/form-data" => read_multipart(request, payload, store, limits).await,
            "application/x-www-form-urlencoded" => read_plain(payload).await,
            _ => Err(AppError::BadRequest("A form is sent as multipart/form-data.".to_owned())),
        }
    };
    match timeout(LONGEST, reading).await {
        Ok(sent) => sent,
        Err(_elapsed) => Err(AppError::BadRequest("The form took too long to arrive.".to_owned())),
    }
}

async fn read_plain(mut payload: web::Payload) -> Result<Sent, AppError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken_off(&error))?;
        body.extend_from_slice(&chunk);
        if body.len() > TEXT {
            return Err(AppError::TooLarge { limit: u64::try_from(TEXT).unwrap_or_default() });
        }
    }
    let fields = serde_urlencoded::from_bytes(&body).map_err(|error| {
        AppError::Unprocessable(format!("The form has a field that can\u{2019}t be read: {error}."))
    })?;
    Ok(Sent { fields, ..Sent::default() })
}

async fn read_multipart(
    request: &HttpRequest,
    payload: web::Payload,
    store: &FileStore,
    limits: Limits,
) -> Result<Sent, AppError> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limits.body_bytes()) {
        return Ok(Sent { is_too_large: true, ..Sent::default() });
    }
    let multipart = Multipart::new(request.headers(), bounded(payload, limits.body_bytes()));
    let mut arrival = Arrival { store, limits, sent: Sent::default(), text: 0 };
    match arrival.read(multipart).await {
        Err(Cut::Failed(error)) => return Err(error),
        Err(Cut::Overflow) => arrival.sent.is_too_large = true,
        Ok(()) => {}
    }
    Ok(std::mem::take(&mut arrival.sent))
}

/// A form on its way. Dropped before its end, the files that came with it go: no row can name them yet.
struct Arrival<'store> {
    store: &'store FileStore,
    limits: Limits,
    sent: Sent,
    text: usize,
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        remove_files(self.store, &self.sent.files);
    }
}

/// Removes files that no row names; what can't be removed now is left to the sweep.
fn remove_files(store: &FileStore, files: &[StoredFile]) {
    for file in files {
        if let Err(error) = store.remove(&file.id) {
            tracing::warn!(%error, file.id = %file.id, "an unnamed file stays until the sweep");
        }
    }
}

/// Removes files off the async threads, after a write that certainly did not name them.
pub async fn discard(store: &FileStore, files: Vec<StoredFile>) {
    if files.is_empty() {
        return;
    }
    let store = store.clone();
    if let Err(error) = tokio::task::spawn_blocking(move || remove_files(&store, &files)).await {
        tracing::warn!(%error, "unnamed files stay until the sweep");
    }
}

/// The body up to a limit; what is over it ends the form.
fn bounded(payload: web::Payload, limit: u64) -> impl Stream<Item = Result<web::Bytes, PayloadError>> {
    let mut left = limit;
    payload.map(move |chunk| {
        let chunk = chunk?;
        left = left.checked_sub(u64::try_from(chunk.len()).unwrap_or(u64::MAX)).ok_or(PayloadError::Overflow)?;
        Ok(chunk)
    })
}

/// Why a part could not be read to its end.
enum Cut {
    Overflow,
    Failed(AppError),
}

impl From<MultipartError> for Cut {
    fn from(error: MultipartError) -> Self {
        if is_overflow(&error) { Self::Overflow } else { Self::Failed(unreadable(&error)) }
    }
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        Self::Failed(not_stored(error))
    }
}

fn is_overflow(error: &MultipartError) -> bool {
    matches!(error, MultipartError::Payload(PayloadError::Overflow))
}

fn unreadable(error: &MultipartError) -> AppError {
    match error {
        MultipartError::Payload(error) => broken_off(error),
        other => AppError::BadRequest(format!("The form can\u{2019}t be read: {other}.")),
    }
}

fn broken_off(error: &PayloadError) -> AppError {
    tracing::debug!(%error, "a form broke off");
    AppError::BadRequest("The form did not arrive completely.".to_owned())
}

/// A full or read-only disk passes, and is told as such; everything else is ours.
pub fn not_stored(error: io::Error) -> AppError {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    if matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem) {
        tracing::error!(%error, "a file could not be stored");
        return AppError::Busy;
    }
    AppError::Internal(anyhow::Error::new(error).context("a file could not be stored"))
}

/// The name of a file part, as its browser meant it; `None` for a text field.
fn given_name(field: &Field) -> Option<String> {
    let disposition = field.content_disposition()?;
    let extended = disposition.get_filename_ext().map(|name| String::from_utf8_lossy(&name.value).into_owned());
    let plain = || disposition.get_filename().map(undo_escapes);
    extended.or_else(plain)
}

/// Browsers write these three, and only these, as percent signs and digits.
fn undo_escapes(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

impl Arrival<'_> {
    async fn read(&mut self, mut multipart: Multipart) -> Result<(), Cut> {
        let mut parts = 0_usize;
        while let Some(field) = multipart.next().await {
            let field = field?;
            parts = parts.saturating_add(1);
            if parts > PARTS {
                return Err(Cut::Failed(AppError::BadRequest(format!("A form has at most {PARTS} fields."))));
            }
            match given_name(&field) {
                Some(file) => self.take_file(field, &file).await?,
                None => self.take_text(field).await?,
            }
        }
        Ok(())
    }

    async fn take_text(&mut self, mut field: Field) -> Result<(), Cut> {
        let name = field.name().unwrap_or_default().to_owned();
        let mut value = Vec::new();
        self.text = self.text.saturating_add(name.len());
        while let Some(chunk) = field.next().await {
            let chunk = chunk?;
            self.text = self.text.saturating_add(chunk.len());
            if self.text > TEXT {
                return Err(Cut::Failed(AppError::TooLarge { limit: u64::try_from(TEXT).unwrap_or_default() }));
            }
            value.extend_from_slice(&chunk);
        }
        let value = String::from_utf8(value).map_err(|_not_utf8| {
            let sentence = format!("The field \u{201c}{name}\u{201d} isn\u{2019}t written in UTF-8.");
            Cut::Failed(AppError::Unprocessable(sentence))
        })?;
        self.sent.fields.push((name, value));
        Ok(())
    }

    async fn take_file(&mut self, mut field: Field, given: &str) -> Result<(), Cut> {
        if !matches!(field.name(), Some(FILES | FILE)) {
            let sentence = format!("Files are sent in the field \u{201c}{FILES}\u{201d}.");
            return Err(Cut::Failed(AppError::Unprocessable(sentence)));
        }
        let name = names::clean(given);
        let has_room = self.sent.files.len() < self.limits.files;
        let mut incoming = if has_room { Some(self.store.receive().await?) } else { None };
        let mut is_empty = true;
        while let Some(chunk) = field.next().await {
            let chunk = chunk?;
            is_empty &= chunk.is_empty();
            let Some(file) = incoming.as_mut() else { continue };
            let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            if file.size().saturating_add(bytes) > self.limits.file_bytes {
                // The rest is read and thrown away, so that what stands after it in the form is kept.
                incoming = None;
                self.sent.is_too_large = true;
                let sentence = format!("{name} was not kept: it is larger than {}", Size(self.limits.file_bytes));
                self.sent.refused.push(Refused { name: name.clone(), sentence });
                continue;
            }
            file.write(&chunk).await?;
        }
        if is_empty && given.is_empty() {
            // A file field in which nothing was chosen.
            return Ok(());
        }
        self.sent.has_too_many |= !has_room;
        let Some(file) = incoming else { return Ok(()) };
        match self.limits.kinds.judge(&file, &name) {
            Ok(media_type) => self.sent.files.push(file.finish(&name, media_type).await?),
            Err(why) => self.sent.refused.push(refusal(name, why)),
        }
        Ok(())
    }
}

fn refusal(name: String, why: Unfit) -> Refused {
    Refused { sentence: format!("{name} was not kept: {why}"), name }
}
