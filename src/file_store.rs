//! Evidence and recordings as files under the data folder, named by id and never by what a person called them.
//!
//! Knows no database rows: a row is written only after `finish` or `put` has made its file durable.

pub mod kinds;
mod lock;
pub mod names;

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::db::evidence::StoredFile;
use crate::domain::ids::FileId;
use kinds::Watch;
pub use lock::{Keeping, Removing};

/// So many bytes of a file under way are held in memory.
const BUFFER: usize = 256 * 1024;

/// The folders of the files; clones share them.
#[derive(Clone, Debug)]
pub struct FileStore {
    folders: Arc<Folders>,
}

#[derive(Debug)]
struct Folders {
    files: PathBuf,
    incoming: PathBuf,
    waveforms: PathBuf,
    lock: PathBuf,
}

/// A file on disk, as a walk over the folders finds it.
#[derive(Clone, Debug)]
pub struct Found {
    pub path: PathBuf,
    /// `None` where the name is no id, or the file lies in the wrong folder.
    pub id: Option<FileId>,
    pub size: u64,
    pub modified: SystemTime,
}

impl FileStore {
    /// Opens the folders below the data folder, and creates those that are missing.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let folders = Folders {
            files: data_dir.join("files"),
            incoming: data_dir.join("incoming"),
            waveforms: data_dir.join("waveforms"),
            lock: data_dir.join("files.lock"),
        };
        create_folder(&folders.incoming)?;
        create_folder(&folders.waveforms)?;
        create_folder(&folders.files)?;
        for number in 0..=u8::MAX {
            create_folder(&folders.files.join(format!("{number:02x}")))?;
        }
        sync_folder(&folders.files)?;
        sync_folder(data_dir)?;
        Ok(Self { folders: Arc::new(folders) })
    }

    /// Where the file of an id is, or would be.
    #[must_use]
    pub fn path(&self, id: &FileId) -> PathBuf {
        self.folder(id).join(id.as_str())
    }

    fn folder(&self, id: &FileId) -> PathBuf {
        self.folders.files.join(id.as_str().get(..2).unwrap_or("00"))
    }

    /// Begins a new file; it becomes one only by `Incoming::finish`.
    pub async fn receive(&self) -> io::Result<Incoming> {
        let id = FileId::generate();
        let path = self.folders.incoming.join(id.as_str());
        let mut file = tokio::fs::File::options().write(true).create_new(true).mode(0o600).open(&path).await?;
        file.set_max_buf_size(BUFFER);
        let temporary = Temporary { path };
        Ok(Incoming {
            store: self.clone(),
            id,
            file,
            temporary,
            hasher: Sha256::new(),
            size: 0,
            watch: Watch::default(),
        })
    }

    /// Stores bytes that are already checked, such as a recording. Blocks until they are durable.
    pub fn put(&self, name: &str, media_type: &str, bytes: &[u8]) -> io::Result<StoredFile> {
        let id = FileId::generate();
        let temporary = Temporary { path: self.folders.incoming.join(id.as_str()) };
        let mut file = File::options().write(true).create_new(true).open(&temporary.path)?;
        file.write_all(bytes)?;
        self.keep(&id, &file, temporary)?;
        let size = i64::try_from(bytes.len()).map_err(io::Error::other)?;
        let sha256 = hex::encode(Sha256::digest(bytes));
        Ok(StoredFile { id, name: names::clean(name), media_type: media_type.to_owned(), size, sha256 })
    }

    /// Keeps every file that was ever named where it is, for as long as the value lives; waits for a removal under way.
    ///
    /// # Errors
    /// If the folder of the files can't be written.
    pub fn keep_all(&self) -> io::Result<Keeping> {
        lock::keep(&self.folders.lock)
    }

    /// The right to remove files that rows once named; `None` while somebody keeps them all.
    ///
    /// # Errors
    /// If the folder of the files can't be written.
    pub fn begin_removing(&self) -> io::Result<Option<Removing>> {
        lock::remove(&self.folders.lock)
    }

    /// Brings a file back under the id it had, from a copy; what is there is replaced. Gives its size and digest.
    ///
    /// # Errors
    /// If the copy can't be read, or the disk fails.
    pub fn bring_back(&self, id: &FileId, copy: &Path) -> io::Result<Digested> {
        let temporary = Temporary { path: self.folders.incoming.join(FileId::generate().as_str()) };
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary.path)?;
        let digested = digest_into(copy, &mut file)?;
        self.keep(id, &file, temporary)?;
        Ok(digested)
    }

    /// A second name for the bytes of a file that is there, under an id of its own.
    ///
    /// # Errors
    /// If the file is gone or the disk fails.
    pub fn link(&self, existing: &FileId) -> io::Result<FileId> {
        let id = FileId::generate();
        fs::hard_link(self.path(existing), self.path(&id))?;
        sync_folder(&self.folder(&id))?;
        Ok(id)
    }

    /// Temp file, fsync, rename, fsync of the folder: only after this may a row name the file.
    fn keep(&self, id: &FileId, file: &File, temporary: Temporary) -> io::Result<()> {
        file.sync_all()?;
        fs::rename(&temporary.path, self.path(id))?;
        temporary.has_moved();
        sync_folder(&self.folder(id))
    }

    /// Removes a file and what was drawn from it; that it has gone already is as good.
    pub fn remove(&self, id: &FileId) -> io::Result<()> {
        remove_if_there(&self.path(id))?;
        remove_if_there(&self.waveform(id))
    }

    fn waveform(&self, id: &FileId) -> PathBuf {
        self.folders.waveforms.join(id.as_str())
    }

    /// What was drawn from a recording.
    ///
    /// # Errors
    /// If nothing was, or the disk fails.
    pub fn read_waveform(&self, id: &FileId) -> io::Result<Vec<u8>> {
        fs::read(self.waveform(id))
    }

    /// Keeps what was drawn from a recording. It can be drawn again, so nothing waits for the disk.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn keep_waveform(&self, id: &FileId, drawn: &[u8]) -> io::Result<()> {
        let temporary = Temporary { path: self.folders.incoming.join(FileId::generate().as_str()) };
        fs::write(&temporary.path, drawn)?;
        fs::rename(&temporary.path, self.waveform(id))?;
        temporary.has_moved();
        // The recording may have been removed meanwhile; what is drawn goes with it.
        if self.path(id).exists() { Ok(()) } else { remove_if_there(&self.waveform(id)) }
    }

    /// Every stored file, one folder at a time.
    pub fn walk(&self) -> impl Iterator<Item = io::Result<Found>> + use<> {
        let files = self.folders.files.clone();
        (0..=u8::MAX).flat_map(move |number| {
            let prefix = format!("{number:02x}");
            list(&files.join(&prefix), Some(&prefix))
        })
    }

    /// Every file whose upload is under way, or broke off with the process.
    pub fn walk_incoming(&self) -> impl Iterator<Item = io::Result<Found>> + use<> {
        list(&self.folders.incoming, None).into_iter()
    }
}

/// A file that is being received. Dropped before `finish`, nothing of it stays.
#[derive(Debug)]
pub struct Incoming {
    store: FileStore,
    id: FileId,
    file: tokio::fs::File,
    temporary: Temporary,
    hasher: Sha256,
    size: u64,
    watch: Watch,
}

impl Incoming {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.watch.see(bytes);
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.file.write_all(bytes).await
    }

    /// How many bytes have come.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the bytes so far say about themselves.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Makes the file durable under its id.
    pub async fn finish(self, name: &str, media_type: &str) -> io::Result<StoredFile> {
        let Self { store, id, mut file, temporary, hasher, size, watch: _ } = self;
        file.flush().await?;
        let file = file.into_std().await;
        let stored = StoredFile {
            id,
            name: names::clean(name),
            media_type: media_type.to_owned(),
            size: i64::try_from(size).map_err(io::Error::other)?,
            sha256: hex::encode(hasher.finalize()),
        };
        // If the request is dropped meanwhile the file is finished all the same, and the sweep removes it.
        tokio::task::spawn_blocking(move || store.keep(&stored.id, &file, temporary).map(|()| stored))
            .await
            .map_err(io::Error::other)?
    }
}

/// A name in `incoming/` that is removed unless the file has moved on.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn has_moved(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        if let Err(error) = remove_if_there(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "a temporary file stays until the next sweep");
        }
    }
}

/// What the bytes of a file are, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested {
    pub size: i64,
    pub sha256: String,
}

/// Reads a file to its end.
///
/// # Errors
/// If it can't be read.
pub fn digest(path: &Path) -> io::Result<Digested> {
    digest_into(path, &mut io::sink())
}

/// Copies a file, and digests what was copied.
///
/// # Errors
/// If it can't be read, or the other one written.
pub fn digest_into(path: &Path, to: &mut impl Write) -> io::Result<Digested> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0_i64, vec![0; BUFFER]);
    loop {
        let read = file.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Digested { size, sha256: hex::encode(hasher.finalize()) });
        }
        hasher.update(bytes);
        to.write_all(bytes)?;
        size = size.saturating_add(i64::try_from(read).unwrap_or(i64::MAX));
    }
}

fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the names in a folder durable: without it a crash can forget a file whose bytes are on disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a file unless it has gone already.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn list(folder: &Path, prefix: Option<&str>) -> Vec<io::Result<Found>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return vec![Err(error)],
    };
    let found = |entry: io::Result<fs::DirEntry>| -> io::Result<Option<Found>> {
        let entry = entry?;
        let path = entry.path();
        // A file can go between the listing and the look at it.
        let about = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            about => about?,
        };
        let id = path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<FileId>().ok());
        let id = id.filter(|id| prefix.is_none_or(|prefix| id.as_str().starts_with(prefix)));
        Ok(Some(Found { path, id, size: about.len(), modified: about.modified()? }))
    };
    entries.map(found).filter_map(Result::transpose).collect()
}

#[cfg(test)]
#[path = "file_store/tests.rs"]
mod tests;
