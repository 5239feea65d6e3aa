//! The telephone line: turns what the mouths do into samples, one by one.

use std::f32::consts::{PI, TAU};

use rand::Rng as _;

use super::super::{Dice, dice};
use super::{RATE_HZ, Sound, silence};

/// A resonator of two poles: rings at one frequency.
#[derive(Clone, Copy, Default)]
struct Resonator {
    gain: f32,
    near: f32,
    far: f32,
    last: f32,
    before: f32,
}

impl Resonator {
    fn tune(&mut self, hertz: f32, width: f32) {
        let radius = (-PI * width / RATE_HZ).exp();
        self.near = 2.0 * radius * (TAU * hertz.min(3_800.0) / RATE_HZ).cos();
        self.far = -radius * radius;
        self.gain = 1.0 - self.near - self.far;
    }

    fn next(&mut self, input: f32) -> f32 {
        let output = self.gain * input + self.near * self.last + self.far * self.before;
        (self.before, self.last) = (self.last, output);
        output
    }
}

/// The line and both mouths on it: what is smooth between one sound and the next.
pub(super) struct Line {
    dice: Dice,
    voice: f32,
    breath: f32,
    pitch: f32,
    formants: [f32; 3],
    phase: f32,
    hum: f32,
    drift: f32,
    tick: u32,
    mouth: [Resonator; 4],
    hiss: Resonator,
    low_cut: [f32; 4],
}

impl Line {
    pub(super) fn new(seed: u64) -> Self {
        let rest = silence(0);
        Self {
            dice: dice(seed, 42, 0),
            voice: 0.0,
            breath: 0.0,
            pitch: rest.pitch,
            formants: rest.formants,
            phase: 0.0,
            hum: 0.0,
            drift: 0.0,
            tick: 0,
            mouth: [Resonator::default(); 4],
            hiss: Resonator::default(),
            low_cut: [0.0; 4],
        }
    }

    pub(super) fn next(&mut self, sound: &Sound) -> i16 {
        self.move_to(sound);
        let noise = self.dice.random_range(-1.0_f32..1.0);
        // Glottal pulse: opens slowly, closes fast, rests; what leaves the lips is its change.
        self.phase += self.pitch * (1.0 + 0.012 * self.drift) / RATE_HZ;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.drift = self.dice.random_range(-1.0..1.0);
        }
        let pulse = match self.phase {
            open if open < 0.4 => (PI * open / 0.4).sin() * 0.35,
            shut if shut < 0.49 => -1.6 * (PI * (shut - 0.4) / 0.09).sin(),
            _ => 0.0,
        };
        let aspirated = noise * 0.06;
        let mut talk = (pulse + aspirated) * self.voice;
        for resonator in &mut self.mouth {
            talk = resonator.next(talk);
        }
        let hissed = self.hiss.next(noise) * self.breath * 0.55;
        self.hum = (self.hum + 60.0 / RATE_HZ).fract();
        let hum = (TAU * self.hum).sin() * 0.004 + (TAU * self.hum * 3.0).sin() * 0.002;
        let heard = self.cut_low(talk * 1.5 + hissed) + hum + noise * 0.0016;
        companded(heard)
    }

    /// Mouths don't jump: everything slides to its target, and filters are tuned again every 4 ms.
    fn move_to(&mut self, sound: &Sound) {
        self.voice += (sound.voice - self.voice) * 0.012;
        self.breath += (sound.breath - self.breath) * 0.03;
        self.pitch += (sound.pitch - self.pitch) * 0.003;
        for (now, to) in self.formants.iter_mut().zip(sound.formants) {
            *now += (to - *now) * 0.006;
        }
        if self.tick.is_multiple_of(32) {
            let [first, second, third] = self.formants;
            let tuned = [(first, 70.0), (second, 95.0), (third, 150.0), (3_400.0, 300.0)];
            for (resonator, (hertz, width)) in self.mouth.iter_mut().zip(tuned) {
                resonator.tune(hertz, width);
            }
            self.hiss.tune(sound.hiss, 900.0);
        }
        self.tick = self.tick.wrapping_add(1);
    }

    /// A telephone carries nothing below some 300 Hz: two high passes in a row.
    fn cut_low(&mut self, input: f32) -> f32 {
        let [in_1, out_1, in_2, out_2] = self.low_cut;
        let once = 0.84 * (out_1 + input - in_1);
        let twice = 0.84 * (out_2 + once - in_2);
        self.low_cut = [input, once, once, twice];
        twice
    }
}

/// One sample as a telephone network hands it on: limited softly, in the 256 uneven steps of mu-law.
fn companded(value: f32) -> i16 {
    let value = (value * 0.45).tanh();
    let steps = (1.0 + 255.0 * value.abs()).ln() / 256_f32.ln() * 127.0;
    let level = ((steps.round() / 127.0 * 256_f32.ln()).exp() - 1.0) / 255.0;
    whole(level.copysign(value) * 30_000.0)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "no other way from float to integer; clamped"
)]
fn whole(value: f32) -> i16 {
    value.clamp(-32_767.0, 32_767.0) as i16
}
