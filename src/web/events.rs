//! Live counts: one watcher a process reads the number of the last audit entry, and wakes every stream there is.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, Responder};
use actix_web_lab::sse;
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::{Notify, watch};

use super::{AppError, chrome};
use crate::auth::session::{Loaded, TypedSession};
use crate::auth::{Granted, ViewDisputes, Viewer};
use crate::clock::Clock;
use crate::db::presences::{self, Present};
use crate::db::{Db, DbError, audit, notifications, sessions};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, UserId};
use crate::shutdown::Shutdown;
use crate::web::disputes::{everybody, is_told_to_buyers};

/// How often the watcher looks.
const TICK: Duration = Duration::from_secs(1);

/// How long a stream is silent at most; then it asks again whether its reader may still listen.
const SILENCE: Duration = Duration::from_secs(10);

/// How many streams a person can have: one for each visible tab.
const STREAMS_PER_USER: usize = 8;

/// How many entries one look reads; after more than that everybody looks again.
const AT_ONCE: i64 = 500;

/// What all streams of a process share.
#[derive(Clone, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    wake: watch::Sender<u64>,
    /// Who is on which dispute, once the watcher has looked. Only the streams of managers wait for it.
    here: watch::Sender<Option<Arc<Vec<Present>>>>,
    // Numbers of the log would tell a buyer how much happens elsewhere.
    secret: RandomState,
}

#[derive(Default)]
struct State {
    streams: HashMap<UserId, VecDeque<Arc<Notify>>>,
    is_watched: bool,
    /// The last entry that was seen, and the last under each buyer's disputes that the buyer may know of.
    last: i64,
    of_buyers: HashMap<BuyerId, i64>,
    everything: i64,
}

/// What a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Counts {
    pending: Option<i64>,
    unread: i64,
    /// Another number whenever the reader's list may look different.
    changed: u64,
}

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all streams now, for changes that write no audit entry.
    pub fn wake(&self) {
        self.0.wake.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.state().streams.values().map(VecDeque::len).sum()
    }

    /// A place among the streams of this person. Where all are taken the oldest ends: it is likely that of a page
    /// that was left, which nobody notices before something is written to it.
    fn enter(&self, user: UserId) -> Place {
        let end = Arc::new(Notify::new());
        let mut state = self.state();
        let there = state.streams.entry(user).or_default();
        there.push_back(Arc::clone(&end));
        if there.len() > STREAMS_PER_USER
            && let Some(oldest) = there.pop_front()
        {
            oldest.notify_one();
        }
        Place { hub: self.clone(), user, end }
    }

    fn changed(&self, viewer: &Viewer) -> u64 {
        let state = self.state();
        let number = match viewer {
            Viewer::Buyer(buyer) => {
                state.of_buyers.get(&buyer.account()).copied().unwrap_or_default().max(state.everything)
            }
            Viewer::Manager(_) => state.last,
        };
        // 48 bits are exact in every program that reads JSON.
        self.0.secret.hash_one((viewer.scope().buyer(), number)) >> 16
    }

    /// Starts the watcher, unless it runs.
    fn watch(&self, db: &Data<Db>, clock: &Clock, shutdown: &Shutdown) {
        if std::mem::replace(&mut self.state().is_watched, true) {
            return;
        }
        let (watcher, db, shutdown) = (Watcher(self.clone()), Data::clone(db), shutdown.clone());
        let clock = clock.clone();
        actix_web::rt::spawn(async move {
            while !shutdown.has_begun() && watcher.is_needed() {
                if let Err(error) = watcher.look(&db, clock.now()).await {
                    tracing::warn!(%error, "the watcher could not look for changes; it tries again");
                }
                tokio::select! {
                    () = tokio::time::sleep(TICK) => {}
                    () = shutdown.clone().begun() => break,
                }
            }
        });
    }
}

/// One stream's place; given back when the stream ends, however it ends.
struct Place {
    hub: Hub,
    user: UserId,
    end: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Some(there) = state.streams.get_mut(&self.user) {
            there.retain(|end| !Arc::ptr_eq(end, &self.end));
            if there.is_empty() {
                state.streams.remove(&self.user);
            }
        }
    }
}

/// The running watcher; if it ends, the next stream starts another.
struct Watcher(Hub);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.state().is_watched = false;
    }
}

impl Watcher {
    fn is_needed(&self) -> bool {
        !self.0.state().streams.is_empty()
    }

    async fn look(&self, db: &Db, now: Instant) -> Result<(), DbError> {
        let seen = self.0.state().last;
        let (last, changes, here) = db
            .read(move |conn| {
                let last = audit::last_number(conn)?;
                let is_new = seen > 0 && last > seen;
                let changes = if is_new { audit::changes_after(conn, seen, AT_ONCE)? } else { Vec::new() };
                Ok::<_, DbError>((last, changes, presences::everybody(conn, now)?))
            })
            .await?;
        self.0.0.here.send_if_modified(|known| {
            let is_new = known.as_deref() != Some(&here);
            if is_new {
                *known = Some(Arc::new(here));
            }
            is_new
        });
        if last == seen {
            return Ok(());
        }
        {
            let mut state = self.0.state();
            state.last = last;
            if i64::try_from(changes.len()).unwrap_or(AT_ONCE) >= AT_ONCE {
                state.everything = last;
            }
            for (number, action, buyer) in changes {
                if let Some(buyer) = buyer.filter(|_| is_told_to_buyers(&action)) {
                    state.of_buyers.insert(buyer, number);
                }
            }
        }
        self.0.wake();
        Ok(())
    }
}

/// GET `/events`: the counts of whoever listens, now and whenever they change.
pub(super) async fn stream(
    viewer: Viewer,
    request: HttpRequest,
    (db, clock): (Data<Db>, Data<Clock>),
    (hub, shutdown): (Data<Hub>, Data<Shutdown>),
) -> Result<impl Responder, AppError> {
    let Some(Loaded::SignedIn { token_hash, .. }) = TypedSession::of(&request).loaded() else {
        return Err(AppError::sign_in(&request));
    };
    let place = hub.enter(viewer.user());
    hub.watch(&db, &clock, &shutdown);
    let listener = Listener {
        wake: hub.0.wake.subscribe(),
        here: hub.0.here.subscribe(),
        others: None,
        queued: None,
        viewer,
        token_hash,
        db,
        clock,
        hub,
        shutdown: shutdown.as_ref().clone(),
        last: None,
        place,
    };
    let events = sse::Sse::from_stream(listener.events()).with_retry_duration(Duration::from_secs(3));
    Ok(events.customize().insert_header(("x-accel-buffering", "no")))
}

struct Listener {
    wake: watch::Receiver<u64>,
    here: watch::Receiver<Option<Arc<Vec<Present>>>>,
    /// What was said last of who is on which dispute.
    others: Option<String>,
    queued: Option<sse::Event>,
    viewer: Viewer,
    token_hash: String,
    db: Data<Db>,
    clock: Data<Clock>,
    hub: Data<Hub>,
    shutdown: Shutdown,
    last: Option<Counts>,
    place: Place,
}

impl Listener {
    fn events(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, |mut listener| async move {
            let event = listener.next().await?;
            Some((Ok(event), listener))
        })
    }

    /// The next thing to say; `None` ends the stream: the server stops, or the reader may no longer listen.
    async fn next(&mut self) -> Option<sse::Event> {
        if let Some(event) = self.queued.take() {
            return Some(event);
        }
        loop {
            let sees_others = Granted::<ViewDisputes>::check(&self.viewer).is_some();
            // The first counts are said at once.
            let is_quiet = self.last.is_some()
                && tokio::select! {
                    () = self.shutdown.clone().begun() => return None,
                    () = self.place.end.notified() => return None,
                    changed = self.wake.changed() => {
                        changed.ok()?;
                        false
                    }
                    changed = self.here.changed(), if sees_others => {
                        changed.ok()?;
                        false
                    }
                    () = tokio::time::sleep(SILENCE) => true,
                };
            if self.shutdown.has_begun() {
                return None;
            }
            let counts = match self.ask().await {
                Ok(counts) => counts?,
                Err(error) => {
                    // The page asks again by itself; a stream that lies about the counts would be worse.
                    tracing::warn!(%error, "a stream of counts ended");
                    return None;
                }
            };
            let others = self.others();
            if self.last != Some(counts) {
                self.last = Some(counts);
                self.queued = others;
                return sse::Data::new_json(counts).ok().map(|data| data.event("counts").into());
            }
            if others.is_some() {
                return others;
            }
            if is_quiet {
                return Some(sse::Event::Comment("still here".into()));
            }
        }
    }

    /// Who else is on which dispute, for a manager, unless it was said already.
    fn others(&mut self) -> Option<sse::Event> {
        Granted::<ViewDisputes>::check(&self.viewer)?;
        let here = self.here.borrow_and_update().clone()?;
        match everybody(&here, self.viewer.user()) {
            Ok(said) if self.others.as_ref() == Some(&said) => None,
            Ok(said) => {
                self.others = Some(said.clone());
                Some(sse::Data::new(said).event("here").into())
            }
            Err(error) => {
                tracing::warn!(%error, "a stream could not tell who is on which dispute");
                None
            }
        }
    }

    /// The counts of the person as they are now; `None` for somebody who may no longer listen.
    async fn ask(&mut self) -> Result<Option<Counts>, DbError> {
        let before = self.viewer.clone();
        let changed = self.hub.changed(&before);
        let (token_hash, at) = (self.token_hash.clone(), self.clock.now());
        let found = self
            .db
            .read(move |conn| {
                // Nothing marks the session as used: a forgotten tab doesn't keep it alive.
                let Some((_, Some(row))) = sessions::find_alive(conn, &token_hash, at)? else { return Ok(None) };
                let now = Viewer::from_row(&row, before.actor().origin);
                let Some(now) = now.filter(|now| now.user() == before.user()) else { return Ok(None) };
                let (pending, unread) = (chrome::pending(conn, &now)?, notifications::unread(conn, &now)?);
                // Whoever gained or lost the right to see disputes gets a stream of their own.
                let was_allowed = before.dispute_viewer().is_some();
                Ok::<_, DbError>((pending.is_some() == was_allowed).then_some((now, pending, unread)))
            })
            .await?;
        let Some((viewer, pending, unread)) = found else { return Ok(None) };
        self.viewer = viewer;
        Ok(Some(Counts { pending, unread, changed: if pending.is_some() { changed } else { 0 } }))
    }
}
