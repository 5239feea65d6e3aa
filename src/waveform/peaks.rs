//! Peaks of a stream of unknown length in bounded memory: when the slots are full, neighbours become one.

use super::{BARS, Waveform};

/// The most slots held; at the end there are at least half as many, several a bar.
const SLOTS: usize = BARS * 8;

/// A recording whose loudest moment is below this is a silent line: it is drawn flat rather than blown up.
const LEAST_LOUD: u16 = 400;

/// The loudest sample of each stretch of a recording.
#[derive(Debug)]
pub(super) struct Peaks {
    /// Frames a slot.
    width: u64,
    slots: Vec<u16>,
    /// The slot that is being filled.
    loudest: u16,
    filled: u64,
    frames: u64,
    rate: u32,
}

impl Default for Peaks {
    fn default() -> Self {
        Self { width: 16, slots: Vec::with_capacity(SLOTS), loudest: 0, filled: 0, frames: 0, rate: 0 }
    }
}

impl Peaks {
    /// Takes samples, interleaved by channel.
    pub(super) fn take(&mut self, samples: &[i16], channels: usize, rate: u32) {
        self.rate = rate;
        for frame in samples.chunks(channels.max(1)) {
            let peak = frame.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
            self.loudest = self.loudest.max(peak);
            self.filled = self.filled.saturating_add(1);
            self.frames = self.frames.saturating_add(1);
            if self.filled >= self.width {
                self.close_slot();
            }
        }
    }

    fn close_slot(&mut self) {
        self.slots.push(self.loudest);
        (self.loudest, self.filled) = (0, 0);
        if self.slots.len() >= SLOTS {
            self.slots = self.slots.chunks(2).map(|pair| pair.iter().copied().max().unwrap_or_default()).collect();
            self.width = self.width.saturating_mul(2);
        }
    }

    /// The waveform; `None` if there was nothing to hear.
    pub(super) fn finish(mut self) -> Option<Waveform> {
        if self.filled > 0 {
            self.slots.push(self.loudest);
        }
        let millis = self.frames.saturating_mul(1000).checked_div(u64::from(self.rate))?;
        let loudest = u32::from(self.slots.iter().copied().max()?.max(LEAST_LOUD));
        let count = self.slots.len();
        let bar = |number: usize| {
            let first = number.saturating_mul(count) / BARS;
            let end = (number.saturating_add(1).saturating_mul(count) / BARS).max(first.saturating_add(1));
            let peak = self.slots.iter().take(end).skip(first).copied().max().unwrap_or_default();
            u8::try_from(u32::from(peak).saturating_mul(255) / loudest).unwrap_or(u8::MAX)
        };
        Some(Waveform { millis, bars: (0..BARS).map(bar).collect() })
    }
}
