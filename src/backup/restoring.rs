//! Checking a backup, and bringing it back.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{DATABASE, FORMAT, KEY, MANIFEST, Manifest, Member, SUMS, copy_durably, is_vacant, members};
use crate::db::copying::{self, Source};
use crate::db::{AnyConnection, DatabaseUrl, Db, migrations};
use crate::file_store::{self, FileStore, remove_if_there, sync_folder};

/// Where a backup is brought back to.
pub struct To<'a> {
    pub url: &'a DatabaseUrl,
    pub data_dir: &'a Path,
    /// Whether what is there gives way.
    pub is_forced: bool,
}

/// Checks that a backup is whole and unchanged: its manifest, its list, and the digest of every file on it. Changes nothing.
///
/// # Errors
/// If it isn't, or is newer than this program.
pub fn check(dir: &Path, step: impl Fn(u64, u64)) -> anyhow::Result<Manifest> {
    let path = dir.join(MANIFEST);
    let said = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            anyhow::bail!("{}: this is no finished backup: there is no {MANIFEST} in it", dir.display())
        }
        said => said.with_context(|| format!("{}: the file can't be read", path.display()))?,
    };
    let manifest: Manifest = serde_json::from_slice(&said)
        .with_context(|| format!("{}: {MANIFEST} is not what a backup writes", dir.display()))?;
    anyhow::ensure!(
        manifest.format <= FORMAT,
        "the backup has the form {}, newer than this program's {FORMAT}: use the newer program",
        manifest.format
    );
    migrations::demand_known(&manifest.schema)?;
    let sums =
        file_store::digest(&dir.join(SUMS)).with_context(|| format!("{}: {SUMS} can't be read", dir.display()))?;
    anyhow::ensure!(sums.sha256 == manifest.sums_sha256, "{}: {SUMS} was changed", dir.display());
    let (mut files, mut has_database, mut has_key) = (0_u64, false, false);
    for member in members(dir)? {
        let (sha256, member) = member?;
        let path = dir.join(member.path());
        let found = file_store::digest(&path).with_context(|| format!("{}: the file can't be read", path.display()))?;
        anyhow::ensure!(found.sha256 == sha256, "{}: the file was changed", path.display());
        match member {
            Member::Database => has_database = true,
            Member::Key => has_key = true,
            Member::File(_) => {
                files = files.saturating_add(1);
                step(files, manifest.files);
            }
        }
    }
    let is_whole = has_database && has_key == manifest.has_key && files == manifest.files;
    anyhow::ensure!(is_whole, "{}: the backup isn't whole: {SUMS} names other files than its manifest", dir.display());
    Ok(manifest)
}

/// Refuses a data folder or a database that something is in, unless that gives way. Nobody serves from them.
///
/// # Errors
/// If there is something.
pub fn demand_room(dir: &Path, to: &To<'_>) -> anyhow::Result<()> {
    if to.data_dir.exists() && to.data_dir.canonicalize()? == dir.canonicalize()? {
        anyhow::bail!("data-dir {}: this is the backup itself", dir.display());
    }
    if to.is_forced {
        return Ok(());
    }
    let used = |what: &str| anyhow::anyhow!("{what}: there is something already. With --force it gives way");
    if !is_vacant(to.data_dir)? {
        return Err(used(&format!("data-dir {}", to.data_dir.display())));
    }
    match to.url {
        DatabaseUrl::Sqlite(file) if file.exists() => Err(used(&format!("database-url {}", file.display()))),
        DatabaseUrl::Sqlite(_) => Ok(()),
        DatabaseUrl::Postgres(_) => {
            let target = open_target(to.url)?;
            copying::demand_empty(&target).map_err(|refusal| used("database-url").context(refusal))
        }
    }
}

fn open_target(url: &DatabaseUrl) -> anyhow::Result<Db> {
    Db::open(url.clone()).with_context(|| format!("the database {url:?} can't be opened"))
}

/// Brings a backup back that was found whole. Gives why the database that was there couldn't be opened any more, if so.
///
/// # Errors
/// If anything can't be read or written. The database is the old one then, or none; what was brought back of the files is
/// swept, or used by the next try.
pub fn bring_back(
    dir: &Path,
    to: &To<'_>,
    manifest: &Manifest,
    step: impl Fn(u64, u64),
) -> anyhow::Result<Option<String>> {
    let store = FileStore::open(to.data_dir).context("data-dir: its folders can't be opened")?;
    let _keeping = store.keep_all().context("data-dir: its files can't be kept")?;
    // Before the database: until it is there, the old one names files that are there too.
    let mut done = 0_u64;
    for member in members(dir)? {
        let (sha256, Member::File(id)) = member? else { continue };
        let copy = dir.join(Member::File(id.clone()).path());
        let found = store.bring_back(&id, &copy).with_context(|| format!("{} can't be copied", copy.display()))?;
        anyhow::ensure!(found.sha256 == sha256, "{}: the file was changed just now", copy.display());
        done = done.saturating_add(1);
        step(done, manifest.files);
    }
    let spoilt = match to.url {
        DatabaseUrl::Sqlite(file) => replace_file(&dir.join(DATABASE), file)?,
        DatabaseUrl::Postgres(_) => {
            fill_postgres(&dir.join(DATABASE), to)?;
            None
        }
    };
    if manifest.has_key {
        let (key, new) = (to.data_dir.join(KEY), to.data_dir.join("session.key.new"));
        remove_if_there(&new)?;
        copy_durably(&dir.join(KEY), &new)?;
        fs::rename(&new, &key)?;
        sync_folder(to.data_dir)?;
    }
    Ok(spoilt)
}

/// Puts a copy of the backup's database in the place of an SQLite file. Whoever opens it brings its schema up to date.
fn replace_file(backup: &Path, file: &Path) -> anyhow::Result<Option<String>> {
    let beside = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let new = beside(".new");
    remove_if_there(&new)?;
    copy_durably(backup, &new).with_context(|| format!("{} can't be written", new.display()))?;
    // What the old one keeps beside it goes into it first: without, a kill at the wrong moment would leave half of it. One that
    // can't be opened any more is what is to be replaced.
    let spoilt = if file.exists() { AnyConnection::fold_log(file).err() } else { None };
    remove_if_there(&beside("-wal"))?;
    remove_if_there(&beside("-shm"))?;
    fs::rename(&new, file)?;
    sync_folder(folder)?;
    Ok(spoilt.map(|error| format!("{error:#}")))
}

/// Copies the backup's database into PostgreSQL, all of it in one transaction.
fn fill_postgres(backup: &Path, to: &To<'_>) -> anyhow::Result<()> {
    let workshop = tempfile::Builder::new()
        .prefix(".fairdial-restoring-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(to.data_dir)?;
    let file = workshop.path().join(DATABASE);
    copy_durably(backup, &file)?;
    let from = Db::open(DatabaseUrl::Sqlite(file))?;
    migrations::run(&from)?;
    let target = open_target(to.url)?;
    if to.is_forced {
        copying::instead_of_everything(&from, &target)?;
    } else {
        migrations::run(&target)?;
        copying::everything(&from, &target, Source::MayChange, |_| ())?;
    }
    Ok(())
}
