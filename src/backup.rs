//! Backups: a folder with the database in its SQLite form, the files that its rows name, and the key that signs cookies.
//!
//! It looks like a data folder. `SHA256SUMS` names every file in it, and `manifest.json`, written last, names that list: what
//! broke off has no manifest, and no folder of that name.

pub mod making;
pub mod restoring;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::domain::ids::FileId;
use crate::file_store;

/// The database's name in a backup, and in a data folder.
pub const DATABASE: &str = "fairdial.sqlite3";

/// The name of the key that signs cookies.
pub const KEY: &str = "session.key";

const SUMS: &str = "SHA256SUMS";
const MANIFEST: &str = "manifest.json";

/// Changes when an older program can't read a backup any more.
const FORMAT: u32 = 1;

/// What a backup says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    pub program: String,
    pub made_at: String,
    /// The newest migration of the database.
    pub schema: String,
    /// Evidence, recordings and uploads.
    pub files: u64,
    pub bytes: u64,
    /// Files that a row names and that were missing or damaged before the backup: they are not in it.
    pub unsound: Vec<String>,
    pub has_key: bool,
    sums_sha256: String,
}

/// A file of a backup, as its list names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    Database,
    Key,
    File(FileId),
}

impl Member {
    /// Its path within the backup.
    fn path(&self) -> PathBuf {
        match self {
            Self::Database => DATABASE.into(),
            Self::Key => KEY.into(),
            Self::File(id) => {
                let id = id.as_str();
                [Path::new("files"), Path::new(id.get(..2).unwrap_or("00")), Path::new(id)].iter().collect()
            }
        }
    }

    /// The member of this path; nothing else is ever read or written, whatever a list says.
    fn read(path: &str) -> Option<Self> {
        let member = match path {
            DATABASE => Self::Database,
            KEY => Self::Key,
            path => Self::File(path.rsplit('/').next()?.parse().ok()?),
        };
        // As text: as paths, two ways to write one are the same.
        (member.path().as_os_str() == path).then_some(member)
    }
}

/// One line of `SHA256SUMS`, as `sha256sum --check` reads it.
fn line(sha256: &str, member: &Member) -> String {
    format!("{sha256}  {}\n", member.path().display())
}

/// Every member of a backup with its digest, in the order they were written.
fn members(dir: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<(String, Member)>>> {
    let path = dir.join(SUMS);
    let file = File::open(&path).with_context(|| format!("{}: the file can't be read", path.display()))?;
    Ok(BufReader::new(file).lines().map(move |text| {
        let text = text.with_context(|| format!("{}: the file can't be read", path.display()))?;
        let parts = text.split_once("  ").and_then(|(sha256, name)| Some((sha256.to_owned(), Member::read(name)?)));
        parts.with_context(|| format!("{}: a line names no file of a backup: {text}", path.display()))
    }))
}

/// Makes a new file that its owner alone can read.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Copies a file to a new one and makes its bytes durable; gives its size and digest.
fn copy_durably(from: &Path, to: &Path) -> io::Result<file_store::Digested> {
    let mut file = create(to)?;
    let digested = file_store::digest_into(from, &mut file)?;
    file.sync_all()?;
    Ok(digested)
}

/// Writes a small file and makes it durable.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether there is nothing in a folder, or no such folder.
fn is_vacant(dir: &Path) -> anyhow::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("{}: the folder can't be read", dir.display())),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(DATABASE, true)]
    #[case(KEY, true)]
    #[case("files/0a/0a23456789abcdef0123456789abcdef", true)]
    #[case::another_folder("files/0b/0a23456789abcdef0123456789abcdef", false)]
    #[case::a_way_out("files/../../0a23456789abcdef0123456789abcdef", false)]
    #[case::from_the_root("/0a23456789abcdef0123456789abcdef", false)]
    #[case::not_normal("files//0a/0a23456789abcdef0123456789abcdef", false)]
    #[case::no_id("files/0a/note.txt", false)]
    #[case::its_own_list(SUMS, false)]
    #[case::nothing("", false)]
    fn only_the_files_of_a_backup_are_its_members(#[case] path: &str, #[case] is_one: bool) {
        assert_eq!(Member::read(path).is_some(), is_one);
    }
}
