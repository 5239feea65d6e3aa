//! Who may take files away: the sweep and the doctor, unless a backup is copying.
//!
//! A lock of the file system on a file of the data folder, so that other processes learn of it, and that the system lets go when
//! a process ends in whatever way: a killed backup stops no sweep.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// While one lives, no file goes that a row ever named. There can be several.
#[derive(Debug)]
pub struct Keeping {
    _lock: File,
}

/// The right to remove files that no row names any more; nobody keeps them meanwhile.
#[derive(Debug)]
pub struct Removing {
    _lock: File,
}

pub(super) fn keep(path: &Path) -> io::Result<Keeping> {
    let lock = open(path)?;
    lock.lock_shared()?;
    Ok(Keeping { _lock: lock })
}

pub(super) fn remove(path: &Path) -> io::Result<Option<Removing>> {
    let lock = open(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Removing { _lock: lock })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
