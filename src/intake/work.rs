//! The work on files that came in by the page: beside the requests, one file at a time, taken up again after a restart.
//!
//! A thread of its own reads the file and waits for each batch; the batches go to the database in their turn, so that
//! others are served between them.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Batch, Came, CreatedNames, Input, Pace, Repeats, Settings, settings, told};
use crate::clock::Clock;
use crate::db::call_store::{self, StoreError};
use crate::db::imports::{self, ImportRow, ImportsError, Moved, State};
use crate::db::{Db, DbError};
use crate::domain::ids::{FileId, ImportId};
use crate::file_store::FileStore;
use crate::import::{ImportError, Options, Summary};
use crate::shutdown::Shutdown;

/// How long an import waits while the database is busy.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it waits after each failure in a row, before it stops and says why.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];

/// The most characters of what is kept of a failure.
const LONGEST_TROUBLE: usize = 300;

/// What the imports of one server work with. Clones share it.
#[derive(Clone)]
pub struct Imports {
    db: Db,
    clock: Clock,
    files: FileStore,
    shutdown: Shutdown,
    /// One file at a time: each takes memory for its ids, and the database has one writer.
    turn: Arc<Semaphore>,
}

/// What ends a way through a file before its end.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    File(#[from] ImportError),
    #[error("{0}")]
    Store(StoreError),
    #[error("somebody else is at work on it, or the server stops")]
    Elsewhere,
    #[error("the permission to import was taken away")]
    NotAllowed,
}

impl From<DbError> for Halt {
    fn from(error: DbError) -> Self {
        Self::Store(error.into())
    }
}

impl From<ImportsError> for Halt {
    fn from(error: ImportsError) -> Self {
        match error {
            ImportsError::Database(error) => error.into(),
            _ => Self::Elsewhere,
        }
    }
}

/// A batch on its way to the database, and where its answer is waited for.
type Asked = (Batch, oneshot::Sender<Result<Duration, Halt>>);

impl Imports {
    /// For one server.
    #[must_use]
    pub fn new(db: Db, clock: Clock, files: FileStore, shutdown: Shutdown) -> Self {
        Self { db, clock, files, shutdown, turn: Arc::new(Semaphore::new(1)) }
    }

    /// Takes up what an earlier process left.
    pub async fn resume(self) {
        let left = match self.db.write::<_, DbError, _>(|conn| Ok(imports::take_up(conn)?)).await {
            Ok(left) => left,
            Err(error) => {
                tracing::error!(%error, "imports that were begun can't be found");
                return;
            }
        };
        for id in left {
            tracing::info!(import.id = %id, "going on with an import");
            self.clone().work(id).await;
        }
    }

    /// Works on an import until nothing is left to do or the server stops; what is left is taken up at the next start.
    pub async fn work(self, id: ImportId) {
        let _turn = tokio::select! {
            turn = self.turn.clone().acquire_owned() => turn,
            () = self.shutdown.clone().begun() => return,
        };
        let mut left = PAUSES.iter();
        let mut reached = -1;
        while !self.shutdown.has_begun() {
            let Failed { halt, place } = match self.pass(id).await {
                Ok(()) | Err(Failed { halt: Halt::Elsewhere, .. }) => return,
                Err(failed) => failed,
            };
            if matches!(halt, Halt::Store(StoreError::Database(DbError::Busy))) {
                self.pause(PATIENCE).await;
                continue;
            }
            if place > reached {
                // It got on since the last failure.
                (left, reached) = (PAUSES.iter(), place);
            }
            match left.next() {
                Some(pause) => {
                    tracing::warn!(error = %halt, import.id = %id, ?pause, "an import failed; it is tried again");
                    self.pause(*pause).await;
                }
                None if self.stop(id, &halt).await => return,
                None => self.pause(PATIENCE).await,
            }
        }
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.shutdown.clone().begun() => {}
        }
    }

    /// Keeps why the work stopped; whether that could be kept.
    async fn stop(&self, id: ImportId, halt: &Halt) -> bool {
        let (now, trouble) = (self.clock.now(), halt.to_string().chars().take(LONGEST_TROUBLE).collect::<String>());
        tracing::error!(error = %halt, import.id = %id, "an import stopped; a manager or the next start goes on with it");
        let kept = self.db.write::<_, DbError, _>(move |conn| Ok(imports::stop(conn, id, &trouble, now)?)).await;
        kept.inspect_err(|error| tracing::error!(%error, import.id = %id, "that it stopped can't be kept")).is_ok()
    }

    /// One way through the file, from where the import stands.
    async fn pass(&self, id: ImportId) -> Result<(), Failed> {
        let row = self.db.read::<_, DbError, _>(move |conn| Ok(imports::of_work(conn, id)?)).await;
        let row = row.map_err(|error| Failed { halt: error.into(), place: 0 })?;
        let Some(row) = row.filter(|row| matches!(row.state, State::Looking | State::Running)) else { return Ok(()) };
        let place = row.next_row;
        self.read(row).await.map_err(|halt| Failed { halt, place })
    }

    async fn read(&self, row: ImportRow) -> Result<(), Halt> {
        let (id, state, import) = (row.id, row.state, (row.id, row.version));
        let settings = row.settings();
        let options = match settings.options() {
            Ok(options) => options,
            // They were looked at when they were chosen; a later version may read them otherwise.
            Err(problems) => {
                let said: Vec<_> = problems.into_iter().map(|problem| problem.sentence).collect();
                return self.unreadable(&row, &ImportError::Mapping(said.join("; "))).await;
            }
        };
        let stop = Stop::default();
        let (ask, mut asked) = mpsc::channel::<Asked>(1);
        let reader = self.reader(&row, options.clone(), ask, &stop);
        let mut created = CreatedNames::default();
        created.add(row.created_names());
        while let Some((batch, answer)) = tokio::select! {
            asked = asked.recv() => asked,
            () = self.shutdown.clone().begun() => None,
        } {
            let done = match state {
                State::Looking => self.look(import, &settings, &mut created, batch).await,
                _ => self.store(import, batch).await,
            };
            if answer.send(done).is_err() {
                break;
            }
        }
        if self.shutdown.has_begun() {
            return Err(Halt::Elsewhere);
        }
        let now = self.clock.now();
        match reader.await.map_err(|error| DbError::Broken(error.to_string()))? {
            Ok(summary) => {
                let source = settings::source_of(&options, summary.format);
                let format = summary.format;
                if state == State::Looking {
                    let looked = self.db.write::<_, DbError, _>(move |conn| {
                        Ok(imports::finish_looking(conn, import, (format, &source), now)?)
                    });
                    return Ok(looked.await?);
                }
                let done = self
                    .db
                    .write::<_, ImportsError, _>(move |conn| imports::finish(conn, import, (format, &source), now));
                self.remove(done.await?).await;
                Ok(())
            }
            Err(Halt::File(error)) => self.unreadable(&row, &error).await,
            Err(Halt::NotAllowed) => self.end(id, row.version, "The permission Calls Import was taken away").await,
            Err(halt) => Err(halt),
        }
    }

    /// Reads the file in a thread of its own, and asks for each batch.
    fn reader(
        &self,
        row: &ImportRow,
        options: Options,
        ask: mpsc::Sender<Asked>,
        stop: &Stop,
    ) -> tokio::task::JoinHandle<Result<Summary, Halt>> {
        let path = row.file().map(|file| self.files.path(&file));
        let (skip, flag) = (u64::try_from(row.next_row).unwrap_or(0), Arc::clone(&stop.0));
        tokio::task::spawn_blocking(move || {
            let path = path.ok_or_else(|| ImportError::Io(std::io::ErrorKind::NotFound.into()))?;
            let mut input = File::open(path).and_then(Input::of).map_err(ImportError::from)?.until(flag);
            let mut repeats = Repeats::of(&mut input, &options, |_bytes| {})?;
            let how = (&options, &mut repeats, Pace::BESIDE_OTHERS);
            super::read(
                &mut input,
                how,
                skip,
                |_bytes, _rows| {},
                |batch| {
                    let (answer, answered) = oneshot::channel();
                    ask.blocking_send((batch, answer)).map_err(|_gone| Halt::Elsewhere)?;
                    answered.blocking_recv().map_err(|_gone| Halt::Elsewhere)?
                },
            )
        })
    }

    /// Only looks what would become of a batch.
    async fn look(
        &self,
        import: (ImportId, i32),
        settings: &Settings,
        created: &mut CreatedNames,
        batch: Batch,
    ) -> Result<Duration, Halt> {
        let options = call_store::Options { creates_names: settings.creates_names, now: self.clock.now() };
        let began = Instant::now();
        let looked = self.db.read(move |conn| {
            let came = batch.came_to(call_store::preview(conn, &batch.records, options)?);
            Ok::<_, StoreError>((batch, came))
        });
        let (batch, came) = looked.await.map_err(Halt::Store)?;
        let came = Came { created: created.add(came.created).to_vec(), ..came };
        let took = began.elapsed();
        match self.db.write(move |conn| imports::looked_through(conn, import, (&batch, &came))).await? {
            Moved::On => Ok(took),
            Moved::Elsewhere => Err(Halt::Elsewhere),
            Moved::NotAllowed => Err(Halt::NotAllowed),
        }
    }

    async fn store(&self, import: (ImportId, i32), batch: Batch) -> Result<Duration, Halt> {
        let clock = self.clock.clone();
        let stored = self.db.write(move |conn| {
            // Only the work counts: how long it waited for its turn says nothing about its size.
            let began = Instant::now();
            imports::store(conn, &clock, import, &batch).map(|moved| (moved, began.elapsed()))
        });
        match stored.await.map_err(Halt::Store)? {
            (Moved::On, took) => Ok(took),
            (Moved::Elsewhere, _) => Err(Halt::Elsewhere),
            (Moved::NotAllowed, _) => Err(Halt::NotAllowed),
        }
    }

    /// The file can't be read so: before an import that is told at the form, within one it ends there.
    async fn unreadable(&self, row: &ImportRow, error: &ImportError) -> Result<(), Halt> {
        let (field, said) = told::trouble(error);
        if row.state == State::Running {
            return self.end(row.id, row.version, &said).await;
        }
        let (import, now) = ((row.id, row.version), self.clock.now());
        let refused =
            self.db.write::<_, DbError, _>(move |conn| Ok(imports::refuse(conn, import, (field, &said), now)?));
        Ok(refused.await?)
    }

    async fn end(&self, id: ImportId, version: i32, why: &str) -> Result<(), Halt> {
        let (now, why) = (self.clock.now(), why.to_owned());
        let ended = self.db.write::<_, ImportsError, _>(move |conn| imports::end(conn, (id, version), &why, now));
        self.remove(ended.await?).await;
        Ok(())
    }

    /// Removes a file that no row names any more; what can't be removed now is left to the sweep.
    pub async fn remove(&self, file: Option<FileId>) {
        let Some(file) = file else { return };
        let files = self.files.clone();
        let removed = tokio::task::spawn_blocking(move || files.remove(&file)).await;
        if let Err(error) = removed.map_err(std::io::Error::other).flatten() {
            tracing::warn!(%error, "the file of an import stays until the sweep");
        }
    }
}

/// What a way through a file failed with, and at which row it began.
struct Failed {
    halt: Halt,
    place: i64,
}

/// Stops the reader when its work is given up, wherever in the file it is.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Imports {
    /// Works on an import beside the request, and waits a moment for a short one.
    pub async fn begin(&self, id: ImportId) {
        /// A short file is done by then, and its page shows what came of it at once.
        const MOMENT: Duration = Duration::from_secs(2);
        let task = actix_web::rt::spawn(self.clone().work(id));
        if let Ok(Err(error)) = tokio::time::timeout(MOMENT, task).await {
            tracing::error!(%error, import.id = %id, "the work on an import broke off");
        }
    }
}
