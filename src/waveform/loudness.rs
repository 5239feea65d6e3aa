//! The loudness of a stream of unknown length in bounded memory: when the slots are full, neighbours become one.

use super::{BARS, Waveform};

/// The most slots held; at the end there are at least half as many, several a bar.
const SLOTS: usize = BARS * 8;

/// A recording whose loudest moment is below this is a silent line: it is drawn flat rather than blown up.
const LEAST_LOUD: u64 = 200;

/// How loud each stretch of a recording is: the mean of its samples without their signs. Loudness would say less, as
/// telephone lines press speech up to one level.
#[derive(Debug)]
pub(super) struct Loudness {
    /// Frames a slot.
    width: u64,
    slots: Vec<u64>,
    /// The slot that is being filled: the sum of its frames, and how many there are.
    sum: u64,
    filled: u64,
    frames: u64,
    rate: u32,
}

impl Default for Loudness {
    fn default() -> Self {
        Self { width: 16, slots: Vec::with_capacity(SLOTS), sum: 0, filled: 0, frames: 0, rate: 0 }
    }
}

impl Loudness {
    /// Takes samples, interleaved by channel.
    pub(super) fn take(&mut self, samples: &[i16], channels: usize, rate: u32) {
        self.rate = rate;
        for frame in samples.chunks(channels.max(1)) {
            let loudest = frame.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
            self.sum = self.sum.saturating_add(u64::from(loudest));
            self.filled = self.filled.saturating_add(1);
            self.frames = self.frames.saturating_add(1);
            if self.filled >= self.width {
                self.close_slot();
            }
        }
    }

    fn close_slot(&mut self) {
        self.slots.push(self.sum.checked_div(self.filled).unwrap_or_default());
        (self.sum, self.filled) = (0, 0);
        if self.slots.len() >= SLOTS {
            self.slots = self.slots.chunks(2).map(mean).collect();
            self.width = self.width.saturating_mul(2);
        }
    }

    /// The waveform; `None` if there was nothing to hear.
    pub(super) fn finish(mut self) -> Option<Waveform> {
        if self.filled > 0 {
            self.close_slot();
        }
        let millis = self.frames.saturating_mul(1000).checked_div(u64::from(self.rate))?;
        let count = self.slots.len();
        let bar = |number: usize| {
            let first = number.saturating_mul(count) / BARS;
            let end = (number.saturating_add(1).saturating_mul(count) / BARS).max(first.saturating_add(1)).min(count);
            mean(self.slots.get(first..end).unwrap_or_default())
        };
        let bars: Vec<u64> = (0..BARS).map(bar).collect();
        let loudest = bars.iter().copied().max()?.max(LEAST_LOUD);
        let level = |loud: u64| u8::try_from(loud.saturating_mul(255) / loudest).unwrap_or(u8::MAX);
        (count > 0).then(|| Waveform { millis, bars: bars.into_iter().map(level).collect() })
    }
}

fn mean(slots: &[u64]) -> u64 {
    let count = u64::try_from(slots.len()).unwrap_or(u64::MAX);
    slots.iter().fold(0_u64, |sum, slot| sum.saturating_add(*slot)).checked_div(count).unwrap_or_default()
}
