//! Stores the demo's world: the small one through the program's own functions, a large one in bulk.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;

use super::audio;
use super::calls::DemoCall;
use super::world::World;
use super::{PASS_PHRASE, PLATFORM, Scale};
use crate::auth::{Actor, Origin, Viewer, password};
use crate::db::audit::{self, Entry};
use crate::db::bulk::{self, WholeRecording};
use crate::db::call_store::{self, Facts, NewCall};
use crate::db::users::{self, NewUser, Permissions};
use crate::db::{AnyConnection, Db, DbError, Failure, buyers, policy};
use crate::domain::Instant;
use crate::domain::call::{CallStatus, HangupBy};
use crate::domain::ids::{BuyerId, CallId, CampaignId, PublisherId, UserId};
use crate::file_store::FileStore;

mod history;
mod large;

/// Calls and disputes of one transaction: large enough that commits don't count, small enough that others get a turn.
const BATCH: u64 = 5_000;

/// Up to so many disputes are sent and decided one by one, with evidence, messages and recordings.
const MOST_WITH_HISTORY: u64 = 1_000;

/// The ids that the places in the world's lists have in the database.
struct Known {
    buyers: Vec<BuyerId>,
    publishers: Vec<PublisherId>,
    campaigns: Vec<CampaignId>,
    users: Vec<UserId>,
    calls: Vec<CallId>,
}

/// What can go wrong while the world is stored.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("{0}")]
    World(String),
    #[error(transparent)]
    Database(DbError),
}

crate::db::database_failure!(StoreError);

/// Any refusal by the program's own functions: the world is meant to be consistent.
fn refused(error: impl std::fmt::Display) -> StoreError {
    StoreError::World(error.to_string())
}

/// Whether a database holds a demo already, something else, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Demo,
    SomethingElse,
}

/// What the database holds.
///
/// # Errors
/// If it can't be asked.
pub fn look(db: &Db) -> Result<Found, DbError> {
    db.read_blocking(|conn| {
        let is_live = policy::load(conn)?.is_live;
        Ok(match (is_live, users::is_anyone_there(conn)?) {
            (false, _) => Found::Demo,
            (true, true) => Found::SomethingElse,
            (true, false) => Found::Nothing,
        })
    })
}

/// Fills an empty database and folder with the world; `step` is told of every call and dispute stored.
///
/// # Errors
/// If the database or the folder fails.
pub fn fill(db: &Db, files: &FileStore, world: &World, now: Instant, step: impl Fn(u64)) -> anyhow::Result<()> {
    let hash = password::hash_blocking(PASS_PHRASE)?;
    let mut known = db.write_blocking(|conn| add_people(conn, world, &hash, now))?;
    if world.scale().disputes <= MOST_WITH_HISTORY {
        let mut clips = Clips::default();
        for range in batches(world.scale().calls) {
            let calls: Vec<DemoCall<'_>> = range.map(|index| world.call(index)).collect();
            let added = db.write_blocking(|conn| add_calls(conn, world, &known, &calls))?;
            let rows = clips.for_calls(files, &calls, &added).context("the recordings can't be written")?;
            db.write_blocking::<_, DbError>(|conn| Ok(bulk::add_recordings(conn, &rows)?))?;
            known.calls.extend(&added);
            step(u64::try_from(added.len())?);
        }
        history::tell(db, files, world, &known, now)?;
        step(world.scale().disputes);
    } else {
        large::fill(db, world, &mut known, now, &step)?;
    }
    // Last: until here a second start sees that the first one didn't finish.
    db.write_blocking::<_, DbError>(|conn| {
        policy::name_platform(conn, PLATFORM, false)?;
        let scale = world.scale();
        let what = serde_json::json!({ "calls": scale.calls, "disputes": scale.disputes, "buyers": scale.buyers });
        Ok(audit::append(conn, &Actor::operator(), now, &Entry::new("demo.filled", "platform", &1).now_is(what))?)
    })?;
    Ok(())
}

/// The numbers up to a count, a transaction's worth at a time.
fn batches(count: u64) -> impl Iterator<Item = Range<u64>> {
    let start_of = move |batch: u64| batch.saturating_mul(BATCH).min(count);
    (0..count.div_ceil(BATCH)).map(move |batch| start_of(batch)..start_of(batch.saturating_add(1)))
}

fn add_people(conn: &mut AnyConnection, world: &World, hash: &str, now: Instant) -> Result<Known, StoreError> {
    let operator = Actor::operator();
    let mut buyer_ids = Vec::with_capacity(world.buyers.len());
    for buyer in &world.buyers {
        let id = buyers::insert(conn, &operator, &buyer.name, buyer.window_days, now).map_err(refused)?;
        buyer_ids.push(id);
    }
    let publishers: Vec<&str> = world.publishers.iter().map(|publisher| publisher.name).collect();
    let campaigns: Vec<&str> = world.campaigns.iter().map(|campaign| campaign.name).collect();
    let mut known = Known {
        publishers: bulk::add_publishers(conn, &publishers)?,
        campaigns: bulk::add_campaigns(conn, &campaigns)?,
        buyers: buyer_ids,
        users: Vec::with_capacity(world.users.len()),
        calls: Vec::new(),
    };
    for (at, user) in (0_i64..).zip(&world.users) {
        let new = NewUser {
            email: user.email.clone(),
            name: user.name.clone(),
            password_hash: Some(hash.to_owned()),
            buyer: user.buyer.and_then(|at| known.buyers.get(at).copied()),
            permissions: Permissions {
                dispute_calls: user.dispute_calls,
                disputes_view: user.disputes_view,
                disputes_edit: user.disputes_edit,
                calls_import: user.calls_import,
                settings: user.settings,
            },
        };
        let id = users::insert(conn, &operator, &new, now).map_err(refused)?;
        // Some minutes ago, some days ago, as it happens.
        let ago = chrono::TimeDelta::minutes((at * at * 37 + 12) % 4_000);
        users::signed_in(conn, id, now - ago)?;
        known.users.push(id);
    }
    Ok(known)
}

fn add_calls(
    conn: &mut AnyConnection,
    world: &World,
    known: &Known,
    batch: &[DemoCall<'_>],
) -> Result<Vec<CallId>, StoreError> {
    let mut rows = Vec::with_capacity(batch.len());
    for call in batch {
        let buyer = world.buyers.get(call.buyer).ok_or_else(|| refused("a call of no buyer"))?;
        rows.push(NewCall {
            id: CallId::generate(),
            source: call.source,
            external_id: &call.external_id,
            facts: Facts {
                buyer_id: *known.buyers.get(call.buyer).ok_or_else(|| refused("a call of no buyer"))?,
                publisher_id: call.publisher.and_then(|at| known.publishers.get(at).copied()),
                campaign_id: call.campaign.and_then(|at| known.campaigns.get(at).copied()),
                started_at: call.started_at,
                caller_id: &call.caller_id,
                dialed: &call.dialed,
                destination_number: call.destination_number,
                destination: call.destination,
                currency: call.currency,
                payout: call.payout,
                publisher_payout: call.publisher_payout,
                duration_s: call.duration_s,
                connected_s: call.connected_s,
                status: CallStatus::from_code(call.status).ok_or_else(|| refused("a call without a status"))?,
                hangup_by: HangupBy::from_code(call.hangup_by).unwrap_or(HangupBy::Unknown),
                hangup_cause: call.hangup_cause,
                is_duplicate: call.is_duplicate,
                recording_url: "",
            },
            has_recording: call.recording.is_some(),
            buyer_name: &buyer.name,
            raw: "{}",
        });
    }
    let Some(last) = batch.last() else { return Ok(Vec::new()) };
    call_store::insert_new(conn, &rows, last.created_at)?;
    Ok(rows.iter().map(|row| row.id).collect())
}

/// The recordings that calls share, each made and written when the first call needs it.
#[derive(Default)]
struct Clips(HashMap<usize, crate::db::evidence::StoredFile>);

impl Clips {
    /// A file of its own for each call with a recording: another name for the same bytes.
    fn for_calls(
        &mut self,
        files: &FileStore,
        batch: &[DemoCall<'_>],
        ids: &[CallId],
    ) -> anyhow::Result<Vec<WholeRecording<'_>>> {
        self.write(files, batch.iter().filter_map(|call| call.recording).collect())?;
        let mut rows = Vec::new();
        for (call, id) in batch.iter().zip(ids) {
            let Some(clip) = call.recording.and_then(|at| self.0.get(&at)) else { continue };
            rows.push(WholeRecording {
                call_id: *id,
                file_id: files.link(&clip.id)?.to_string(),
                media_type: &clip.media_type,
                size: clip.size,
                sha256: &clip.sha256,
                created_at: call.created_at,
            });
        }
        Ok(rows)
    }

    /// Makes those that aren't there yet, on as many threads as there are cores: talk takes long to compute.
    fn write(&mut self, files: &FileStore, mut wanted: BTreeSet<usize>) -> anyhow::Result<()> {
        wanted.retain(|at| !self.0.contains_key(at));
        let wanted = Mutex::new(wanted);
        let clips = Mutex::new(&mut self.0);
        let make = || -> anyhow::Result<()> {
            // The longest first: they come last in the catalogue.
            while let Some(at) = lock(&wanted).pop_last() {
                let seconds = audio::CATALOGUE.get(at).copied().unwrap_or_default();
                let bytes = audio::synthesize(u64::try_from(at)?, seconds);
                let stored = files.put("recording.wav", "audio/wav", &bytes)?;
                lock(&clips).insert(at, stored);
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let makers: Vec<_> = (0..cores).map(|_| scope.spawn(make)).collect();
            makers.into_iter().try_for_each(|maker| {
                maker.join().unwrap_or_else(|_panic| Err(anyhow::anyhow!("a recording couldn't be made")))
            })
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    fn call(&self, index: u64) -> Result<CallId, StoreError> {
        let at = usize::try_from(index).map_err(refused)?;
        self.calls.get(at).copied().ok_or_else(|| refused("a dispute of no call"))
    }

    fn user(&self, at: usize) -> Result<UserId, StoreError> {
        self.users.get(at).copied().ok_or_else(|| refused("nobody is there"))
    }

    fn viewer(&self, conn: &mut AnyConnection, at: usize) -> Result<Viewer, StoreError> {
        let row = users::find(conn, self.user(at)?)?.ok_or_else(|| refused("nobody is there"))?;
        Viewer::from_row(&row, Origin::command()).ok_or_else(|| refused("a disabled user did something"))
    }
}

// `?` on the refusals of other layers needs to know what the database said of them.
fn passed<E: Failure + std::fmt::Debug>(error: &E) -> StoreError {
    refused(format!("{error:?}"))
}

/// The scale of the world a command asks for.
#[must_use]
pub fn scale(disputes: Option<u64>) -> Scale {
    disputes.map_or_else(Scale::demo, Scale::of)
}
