//! A file that is read more than once.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file of calls.
#[derive(Debug)]
pub struct Input {
    pub size: u64,
    file: File,
    /// Set where nobody waits for the rest any more.
    stop: Arc<AtomicBool>,
}

impl Input {
    /// A file as it is now.
    ///
    /// # Errors
    /// If it is none, or can't be looked at.
    pub fn of(file: File) -> io::Result<Self> {
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::Error::other("this is no file"));
        }
        Ok(Self { size: about.len(), file, stop: Arc::default() })
    }

    /// The same, read only until this is set.
    #[must_use]
    pub fn until(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Its bytes from the start, and a count of those that were read.
    pub(super) fn read_anew(&mut self) -> io::Result<(impl Read + '_, Rc<Cell<u64>>)> {
        self.file.seek(SeekFrom::Start(0))?;
        let count = Rc::new(Cell::new(0));
        Ok((Counted { inner: &self.file, stop: &self.stop, count: Rc::clone(&count) }, count))
    }
}

struct Counted<'f> {
    inner: &'f File,
    stop: &'f AtomicBool,
    count: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get().saturating_add(u64::try_from(count).unwrap_or(0)));
        Ok(count)
    }
}
