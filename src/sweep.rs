//! The sweep: forgets what is no longer kept, and removes files that no row names.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::db::{
    Db, DbError, answers, bulk_jobs, deliveries, evidence, imports, inspection, links, mail, presences, sending,
    sessions, throttles,
};
use crate::domain::Instant;
use crate::domain::ids::FileId;
use crate::file_store::{FileStore, Found, Removing, remove_if_there};
use crate::shutdown::Shutdown;

/// How often the sweep runs.
const EVERY: Duration = Duration::from_hours(1);

/// Files younger than this may belong to a request under way.
pub const YOUNG: chrono::Duration = chrono::Duration::hours(24);

/// So many files are asked about at once.
const BATCH: usize = 200;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub files: usize,
    pub uploads: usize,
    pub drafts: usize,
    /// Whether a backup was being made: files are left to the next sweep.
    pub leaves_files: bool,
}

/// Sweeps every hour until the server stops. A sweep that fails is told, and the next one tries again.
pub async fn run_hourly(db: Db, clock: Clock, store: FileStore, shutdown: Shutdown) {
    loop {
        match sweep(&db, &clock, &store).await {
            Ok(swept) if swept == Swept::default() => tracing::debug!("nothing to sweep"),
            Ok(swept) => tracing::info!(files = swept.files, uploads = swept.uploads, drafts = swept.drafts, "swept"),
            Err(error) => tracing::error!(%error, "the sweep broke off"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.clone().begun() => return,
        }
    }
}

/// One sweep.
///
/// # Errors
/// If the database or the folders can't be read or changed.
pub async fn sweep(db: &Db, clock: &Clock, store: &FileStore) -> anyhow::Result<Swept> {
    let time = clock.clone();
    let (uploads, drafts) = db
        .write::<_, DbError, _>(move |conn| {
            let now = time.now();
            answers::forget_old(conn, now)?;
            deliveries::forget_old(conn, now)?;
            bulk_jobs::forget_old(conn, now)?;
            imports::forget_old(conn, now)?;
            sessions::forget_old(conn, now)?;
            links::forget_old(conn, now)?;
            presences::forget_old(conn, now)?;
            throttles::forget_old(conn, now)?;
            mail::give_up(conn, now)?;
            Ok((evidence::forget_expired(conn, now)?, sending::discard_expired(conn, &time)?))
        })
        .await?;
    let today = clock.now();
    // One import at a time: each may have kept very many rows.
    while db.write::<_, DbError, _>(move |conn| Ok(imports::forget_failures(conn, today)?)).await? {}
    let locked = store.clone();
    let Some(removing) = tokio::task::spawn_blocking(move || locked.begin_removing()).await?? else {
        tracing::info!("a backup is being made: files are left to the next sweep");
        return Ok(Swept { files: 0, uploads, drafts, leaves_files: true });
    };
    let removing = Arc::new(removing);
    let (walked, now) = (store.clone(), clock.now());
    let (ids, strays) = tokio::task::spawn_blocking(move || old_files(&walked, now)).await??;
    let mut files = 0_usize;
    for batch in ids.chunks(BATCH) {
        let asked = batch.to_vec();
        let unnamed = db.read::<_, DbError, _>(move |conn| Ok(inspection::unnamed(conn, &asked)?)).await?;
        if !unnamed.is_empty() {
            // Held by the write itself, which goes on if nobody waits for it any more.
            let (store, removing) = (store.clone(), Arc::clone(&removing));
            let removed = db.write(move |conn| remove_unnamed(conn, &store, &removing, &unnamed)).await?;
            files = files.saturating_add(removed);
        }
    }
    for stray in strays {
        tokio::task::spawn_blocking(move || remove_if_there(&stray)).await??;
        files = files.saturating_add(1);
    }
    Ok(Swept { files, uploads, drafts, leaves_files: false })
}

/// Removes files that still nobody names, inside the write that asks; gives how many.
///
/// # Errors
/// If the database can't be asked; a file that can't be removed is told and left to the next sweep.
pub fn remove_unnamed(
    conn: &mut crate::db::AnyConnection,
    store: &FileStore,
    _removing: &Removing,
    files: &[FileId],
) -> Result<usize, DbError> {
    let mut removed = 0_usize;
    for file in files {
        if evidence::is_named(conn, file)? {
            continue;
        }
        match store.remove(file) {
            Ok(()) => removed = removed.saturating_add(1),
            Err(error) => tracing::error!(%error, file.id = %file, "a file could not be removed"),
        }
    }
    Ok(removed)
}

/// The old files: those that a row may name, and uploads that broke off with an earlier process.
///
/// # Errors
/// If a folder can't be read.
pub fn old_files(store: &FileStore, now: Instant) -> io::Result<(Vec<FileId>, Vec<PathBuf>)> {
    let mut ids = Vec::new();
    for found in store.walk() {
        let found = found?;
        if is_old(&found, now) {
            ids.extend(found.id);
        }
    }
    let mut strays = Vec::new();
    for found in store.walk_incoming() {
        let found = found?;
        if is_old(&found, now) {
            strays.push(found.path);
        }
    }
    Ok((ids, strays))
}

fn is_old(found: &Found, now: Instant) -> bool {
    let modified: SystemTime = found.modified;
    now - DateTime::<Utc>::from(modified).naive_utc() > YOUNG
}
