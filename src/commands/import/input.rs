//! Where the bytes of an import come from: files, or standard input spooled into a nameless one.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use anyhow::Context;

/// A file that is read more than once.
pub(super) struct Input {
    /// What it is called in reports.
    pub(super) name: String,
    pub(super) size: u64,
    file: File,
}

impl Input {
    /// Opens a file; `-` is standard input, kept on disk because a file is looked through before its rows go in.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            let mut file = tempfile::tempfile().context("standard input can't be kept on disk")?;
            io::copy(&mut io::stdin().lock(), &mut file).context("standard input can't be read")?;
            let size = file.metadata()?.len();
            return Ok(Self { name: "standard input".to_owned(), size, file });
        }
        let opened = || -> io::Result<(File, u64)> {
            let file = File::open(path)?;
            let about = file.metadata()?;
            if !about.is_file() {
                return Err(io::Error::other("this is no file"));
            }
            Ok((file, about.len()))
        };
        let (file, size) = opened().with_context(|| format!("{} can't be read", path.display()))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, size, file })
    }

    /// Its bytes from the start, and a count of those that were read.
    pub(super) fn read_anew(&mut self) -> io::Result<(impl Read + '_, Rc<Cell<u64>>)> {
        self.file.seek(SeekFrom::Start(0))?;
        let count = Rc::new(Cell::new(0));
        Ok((Counted { inner: &self.file, count: Rc::clone(&count) }, count))
    }
}

struct Counted<'f> {
    inner: &'f File,
    count: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get().saturating_add(u64::try_from(count).unwrap_or(0)));
        Ok(count)
    }
}
