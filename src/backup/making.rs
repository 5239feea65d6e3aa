//! Making a backup while the server runs.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{DATABASE, FORMAT, KEY, MANIFEST, Manifest, Member, SUMS, copy_durably, is_vacant, line, write_durably};
use crate::db::copying::{self, Source};
use crate::db::inspection::{self, NamedFile};
use crate::db::{AnyConnection, DatabaseUrl, Db, DbError, migrations};
use crate::domain::Instant;
use crate::file_store::{self, Digested, FileStore, sync_folder};

/// Where a backup is made from.
pub struct From<'a> {
    pub db: &'a Db,
    pub url: &'a DatabaseUrl,
    pub data_dir: &'a Path,
}

/// Makes a backup in a folder that isn't there yet, or is empty. All of it is there at the end, under its name, or nothing.
///
/// # Errors
/// If the folder is in use, or anything can't be read or written. A file that is missing or damaged is no error: it is named
/// in the manifest.
pub fn make(from: &From<'_>, dir: &Path, now: Instant, step: impl Fn(u64, u64)) -> anyhow::Result<Manifest> {
    if !is_vacant(dir)? {
        anyhow::bail!(
            "{}: there is something in the folder already. Name one that is empty or not there",
            dir.display()
        );
    }
    let place = place_of(dir)?;
    let unfinished = tempfile::Builder::new()
        .prefix(".fairdial-unfinished-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&place)
        .with_context(|| format!("{}: no folder can be made here", place.display()))?;
    let manifest = fill(from, unfinished.path(), now, step)?;
    // From here on it has its name. An empty folder of that name gives way.
    fs::rename(unfinished.path(), dir).with_context(|| format!("{}: the backup can't be named so", dir.display()))?;
    drop(unfinished.keep());
    sync_folder(&place)?;
    Ok(manifest)
}

/// The folder in which a backup will lie. It isn't made: a disk that isn't mounted has no such folder.
fn place_of(dir: &Path) -> anyhow::Result<PathBuf> {
    let place = match dir.parent() {
        Some(place) if place != Path::new("") => place.to_path_buf(),
        _ => PathBuf::from("."),
    };
    anyhow::ensure!(place.is_dir(), "{}: there is no such folder to make a backup in", place.display());
    Ok(place)
}

fn fill(from: &From<'_>, into: &Path, now: Instant, step: impl Fn(u64, u64)) -> anyhow::Result<Manifest> {
    let store = FileStore::open(from.data_dir).context("data-dir: its folders can't be opened")?;
    // Before the database: what its copy names stays where it is until it is copied too.
    let _keeping = store.keep_all().context("data-dir: its files can't be kept")?;
    let database = into.join(DATABASE);
    copy_database(from, &database, &into.join("database"))?;
    let mut sums = BufWriter::new(super::create(&into.join(SUMS))?);
    let digested = file_store::digest(&database)?;
    sums.write_all(line(&digested.sha256, &Member::Database).as_bytes())?;
    let has_key = copy_key(from.data_dir, into, &mut sums)?;
    let (named, schema) = {
        let mut copy = AnyConnection::finished_file(&database)?;
        (inspection::named_files(&mut copy)?, migrations::newest(&mut copy)?)
    };
    let mut manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.and_utc().to_rfc3339(),
        schema,
        files: 0,
        bytes: 0,
        unsound: Vec::new(),
        has_key,
        sums_sha256: String::new(),
    };
    copy_files(&store, &named, into, &mut sums, &mut manifest, step)?;
    sums.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    manifest.sums_sha256 = file_store::digest(&into.join(SUMS))?.sha256;
    sync_folder(into)?;
    // Last: with it the folder is a backup.
    write_durably(&into.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
    sync_folder(into)?;
    Ok(manifest)
}

/// Writes the database as it is at one moment into a file of SQLite's.
fn copy_database(from: &From<'_>, file: &Path, workshop: &Path) -> anyhow::Result<()> {
    match from.url {
        DatabaseUrl::Sqlite(_) => from.db.read_blocking::<_, DbError>(|conn| Ok(conn.compact_into(file)?))?,
        DatabaseUrl::Postgres(_) => {
            DirBuilder::new().mode(0o700).create(workshop)?;
            let copy = Db::open(DatabaseUrl::Sqlite(workshop.join(DATABASE)))?;
            migrations::run(&copy)?;
            copying::everything(from.db, &copy, Source::MayChange, |_| ())?;
            copy.read_blocking::<_, DbError>(|conn| Ok(conn.compact_into(file)?))?;
            drop(copy);
            fs::remove_dir_all(workshop)?;
        }
    }
    // SQLite waits for no disk when it writes such a file.
    File::open(file)?.sync_all()?;
    fs::set_permissions(file, Permissions::from_mode(0o600))?;
    Ok(())
}

/// With the key people stay signed in after a restore. It opens nothing by itself: the database holds digests of sessions alone.
fn copy_key(data_dir: &Path, into: &Path, sums: &mut impl Write) -> anyhow::Result<bool> {
    let key = data_dir.join(KEY);
    if !key.exists() {
        // Nobody ever served from this folder.
        return Ok(false);
    }
    let digested = copy_durably(&key, &into.join(KEY)).with_context(|| format!("{KEY} can't be copied"))?;
    sums.write_all(line(&digested.sha256, &Member::Key).as_bytes())?;
    Ok(true)
}

fn copy_files(
    store: &FileStore,
    named: &[NamedFile],
    into: &Path,
    sums: &mut impl Write,
    manifest: &mut Manifest,
    step: impl Fn(u64, u64),
) -> anyhow::Result<()> {
    let whole = u64::try_from(named.len())?;
    let mut folders = HashSet::new();
    let mut seen = HashSet::new();
    for (row, done) in named.iter().zip(1_u64..) {
        step(done, whole);
        if !seen.insert(row.id.as_str()) {
            continue;
        }
        let unsound =
            |manifest: &mut Manifest, why: &str| manifest.unsound.push(format!("{} {}: {why}", row.table, row.id));
        let Ok(id) = row.id.parse() else {
            unsound(manifest, "this is no id of a file");
            continue;
        };
        let (from, member) = (store.path(&id), Member::File(id));
        if !from.exists() {
            unsound(manifest, "the file is missing");
            continue;
        }
        let to = into.join(member.path());
        let folder = to.parent().unwrap_or(into).to_path_buf();
        if folders.insert(folder.clone()) {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        }
        let copied = match copy_durably(&from, &to) {
            Ok(copied) if copied == (Digested { size: row.size, sha256: row.sha256.clone() }) => copied,
            Ok(_) => {
                fs::remove_file(&to)?;
                unsound(manifest, "the file was changed");
                continue;
            }
            // A spoilt file is no reason to have no backup at all; a full disk is.
            Err(error) if file_store::digest(&from).is_err() => {
                fs::remove_file(&to)?;
                unsound(manifest, &format!("the file can't be read: {error}"));
                continue;
            }
            Err(error) => return Err(error).with_context(|| format!("{} can't be copied", from.display())),
        };
        sums.write_all(line(&copied.sha256, &member).as_bytes())?;
        manifest.files = manifest.files.saturating_add(1);
        manifest.bytes = manifest.bytes.saturating_add(u64::try_from(copied.size).unwrap_or_default());
    }
    for folder in &folders {
        sync_folder(folder)?;
    }
    if !folders.is_empty() {
        sync_folder(&into.join("files"))?;
    }
    Ok(())
}
