//! What a recording looks like: how loud it is from moment to moment, read from the audio file by a decoding library.
//!
//! Whole numbers throughout. Memory is bounded by the number of slots, time by a deadline, work at once by a gate; what was
//! found is kept beside the files, so that each recording is decoded once.

mod loudness;

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as AudioError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use tokio::sync::Semaphore;

use crate::domain::ids::FileId;
use crate::file_store::FileStore;
use loudness::Loudness;

/// How many bars a waveform has.
pub const BARS: usize = 190;

/// So many recordings are decoded at once, by all requests together.
const AT_ONCE: usize = 2;

/// How long one may take: an hour of MP3 needs some seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Changes when waveforms are reckoned in another way; older ones are then drawn anew.
pub const VERSION: u32 = 1;

/// A silence shorter than this is a pause for breath.
const HUSH: u64 = 3_000;

/// Bars up to this level, of 255, are silence: the noise of a line.
const QUIET: u8 = 14;

/// How loud a recording is, from moment to moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waveform {
    pub millis: u64,
    /// One level a bar; 255 is the loudest moment of this recording.
    pub bars: Vec<u8>,
}

impl Waveform {
    /// The silences of three seconds and more, in milliseconds.
    #[must_use]
    pub fn silences(&self) -> Vec<(u64, u64)> {
        let at = |bar: usize| {
            let (bar, bars) = (u64::try_from(bar).unwrap_or_default(), u64::try_from(self.bars.len()).unwrap_or(1));
            self.millis.saturating_mul(bar) / bars.max(1)
        };
        let mut found = Vec::new();
        let mut since = None;
        for (bar, level) in self.bars.iter().copied().chain([u8::MAX]).enumerate() {
            match since {
                None if level <= QUIET => since = Some(bar),
                Some(first) if level > QUIET => {
                    found.push((at(first), at(bar)));
                    since = None;
                }
                _ => {}
            }
        }
        found.retain(|(from, to)| to.saturating_sub(*from) >= HUSH);
        found
    }
}

/// What is kept of a recording. Without a waveform: it can't be decoded, and that stays so.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    waveform: Option<Waveform>,
}

/// Why there is no waveform.
#[derive(Debug, thiserror::Error)]
pub enum Undrawn {
    #[error("it can't be decoded: {0}")]
    Undecodable(String),
    #[error("decoding took too long")]
    TooLong,
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// Draws waveforms, a bounded number at once. Clones share the gate.
#[derive(Clone, Debug)]
pub struct Waveforms {
    store: FileStore,
    gate: Arc<Semaphore>,
}

impl Waveforms {
    /// Beside the files of this store.
    #[must_use]
    pub fn beside(store: FileStore) -> Self {
        Self { store, gate: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The waveform of a recording; `None` where it can't be drawn, which is nobody's error.
    pub async fn of(&self, file: &FileId) -> Option<Waveform> {
        if let Some(kept) = self.kept(file.clone()).await {
            return kept.waveform;
        }
        let _turn = self.gate.acquire().await.ok()?;
        // Somebody else may have drawn it while this one waited.
        if let Some(kept) = self.kept(file.clone()).await {
            return kept.waveform;
        }
        let (store, id) = (self.store.clone(), file.clone());
        let drawn = tokio::task::spawn_blocking(move || draw(&store, &id)).await;
        // A library that panics over an odd file has not decoded it.
        let drawn = drawn.unwrap_or_else(|panic| Err(Undrawn::Undecodable(panic.to_string())));
        match drawn {
            Ok(waveform) => {
                self.keep(file, Some(waveform.clone())).await;
                Some(waveform)
            }
            Err(error @ Undrawn::Undecodable(_)) => {
                tracing::info!(%error, file.id = %file, "a recording has no waveform");
                self.keep(file, None).await;
                None
            }
            Err(error) => {
                tracing::warn!(%error, file.id = %file, "a recording has no waveform");
                None
            }
        }
    }

    async fn kept(&self, file: FileId) -> Option<Kept> {
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || store.read_waveform(&file)).await.ok()?;
        let kept: Kept = serde_json::from_slice(&read.ok()?).ok()?;
        (kept.version == VERSION).then_some(kept)
    }

    async fn keep(&self, file: &FileId, waveform: Option<Waveform>) {
        let (store, id) = (self.store.clone(), file.clone());
        let kept = serde_json::to_vec(&Kept { version: VERSION, waveform }).map_err(io::Error::other);
        let written = tokio::task::spawn_blocking(move || store.keep_waveform(&id, &kept?)).await;
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            tracing::warn!(%error, file.id = %file, "a waveform was not kept; it is drawn again next time");
        }
    }
}

fn draw(store: &FileStore, file: &FileId) -> Result<Waveform, Undrawn> {
    decode(File::open(store.path(file))?, Instant::now() + PATIENCE)
}

/// Decodes the file from end to end, keeping the loudness alone.
///
/// # Errors
/// If it is no audio that is known, or takes longer than `until`.
fn decode(file: File, until: Instant) -> Result<Waveform, Undrawn> {
    let refused = |error: AudioError| Undrawn::Undecodable(error.to_string());
    let stream = MediaSourceStream::new(Box::new(file), symphonia::core::io::MediaSourceStreamOptions::default());
    // The bytes say what it is; names and headers may lie.
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(refused)?;
    let missing = |what: &str| Undrawn::Undecodable(what.to_owned());
    let track = format.default_track(TrackType::Audio).ok_or_else(|| missing("no audio in it"))?;
    let (track_id, parameters) = (track.id, track.codec_params.as_ref().and_then(|parameters| parameters.audio()));
    let parameters = parameters.ok_or_else(|| missing("an unknown kind of audio"))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(refused)?;
    let (mut loudness, mut samples) = (Loudness::default(), Vec::<i16>::new());
    loop {
        if Instant::now() > until {
            return Err(Undrawn::TooLong);
        }
        // A file that breaks off is drawn as far as it goes.
        let Ok(Some(packet)) = format.next_packet() else { break };
        if packet.track_id != track_id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(audio) => {
                audio.copy_to_vec_interleaved(&mut samples);
                loudness.take(&samples, audio.num_planes(), audio.spec().rate());
            }
            Err(AudioError::DecodeError(_)) => {}
            Err(_) => break,
        }
    }
    loudness.finish().ok_or_else(|| missing("no sound in it"))
}

#[cfg(test)]
#[path = "waveform/tests.rs"]
mod tests;
