//! Recordings for the demo: two voices in turn over a telephone line, made from nothing but numbers.
//!
//! Source and filter: glottal pulses and breath noise through moving formants, in phrases with pauses between them. It says
//! nothing, but it has the rhythm, the pitch and the spectrum of talk, so a player and a waveform look as they do at work.

mod line;

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngCore as _};

use self::line::Line;
use super::{Dice, chance, dice};

const RATE: u32 = 8_000;
const RATE_HZ: f32 = 8_000.0;

/// Lengths in seconds of the recordings the demo has; calls of similar length share one.
pub const CATALOGUE: [u32; 40] = [
    4, 4, 4, 4, 6, 6, 6, 6, 8, 8, 8, 8, 11, 11, 11, 11, 15, 15, 15, 15, 20, 20, 20, 20, 27, 27, 27, 27, 36, 36, 36, 36,
    60, 60, 60, 60, 90, 90, 120, 120,
];

/// The recording in the catalogue for a call with so many seconds of talk.
#[must_use]
pub fn fitting(talked_s: u32, key: u64) -> usize {
    let end = CATALOGUE.partition_point(|&seconds| seconds <= talked_s).max(1);
    let seconds = CATALOGUE.get(end - 1).copied().unwrap_or_default();
    let first = CATALOGUE.partition_point(|&other| other < seconds);
    let end = CATALOGUE.partition_point(|&other| other <= seconds);
    let variants = u64::try_from(end - first).unwrap_or(1).max(1);
    first + usize::try_from(key % variants).unwrap_or(0)
}

/// What the mouth does for some milliseconds.
#[derive(Clone, Copy)]
struct Sound {
    ms: u32,
    /// How loud the voice is, from 0 to 1.
    voice: f32,
    /// How loud the breath is.
    breath: f32,
    /// Where the breath is loudest, in hertz.
    hiss: f32,
    formants: [f32; 3],
    pitch: f32,
}

/// A speaker: pitch in hertz, length of the throat against an average man's, pace against a usual one.
#[derive(Clone, Copy)]
struct Speaker {
    pitch: f32,
    throat: f32,
    pace: f32,
    level: f32,
}

/// First three formants of vowels, in hertz.
const VOWELS: [[f32; 3]; 10] = [
    [270.0, 2290.0, 3010.0],
    [390.0, 1990.0, 2550.0],
    [530.0, 1840.0, 2480.0],
    [660.0, 1720.0, 2410.0],
    [730.0, 1090.0, 2440.0],
    [570.0, 840.0, 2410.0],
    [440.0, 1020.0, 2240.0],
    [300.0, 870.0, 2240.0],
    [640.0, 1190.0, 2390.0],
    [490.0, 1350.0, 1690.0],
];
const NASAL: [f32; 3] = [280.0, 1150.0, 2300.0];
const LIQUIDS: [[f32; 3]; 3] = [[360.0, 1300.0, 2700.0], [350.0, 1060.0, 1500.0], [300.0, 610.0, 2200.0]];
/// Where s, sh, f and h are loudest on a telephone.
const HISSES: [f32; 4] = [3_500.0, 2_500.0, 3_100.0, 1_400.0];

/// A complete WAV file, 8 kHz mono 16 bit, of so many seconds of talk.
#[must_use]
pub fn synthesize(seed: u64, seconds: u32) -> Vec<u8> {
    let samples = seconds.saturating_mul(RATE);
    let mut dice = dice(seed, 41, u64::from(seconds));
    let sounds = conversation(&mut dice, seconds.saturating_mul(1_000));
    let mut line = Line::new(dice.next_u64());
    let mut bytes = header(samples);
    let mut left = samples;
    for sound in &sounds {
        for _ in 0..(sound.ms * (RATE / 1_000)).min(left) {
            bytes.extend_from_slice(&line.next(sound).to_le_bytes());
            left -= 1;
        }
    }
    bytes
}

fn header(samples: u32) -> Vec<u8> {
    let size = samples.saturating_mul(2);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 44);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&size.saturating_add(36).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&(RATE * 2).to_le_bytes());
    bytes.extend_from_slice(&2_u16.to_le_bytes());
    bytes.extend_from_slice(&16_u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes
}

/// Two speakers in turn until the time is over.
fn conversation(dice: &mut Dice, total_ms: u32) -> Vec<Sound> {
    let low = Speaker {
        pitch: dice.random_range(95.0..130.0),
        throat: dice.random_range(0.96..1.04),
        pace: dice.random_range(0.9..1.15),
        level: dice.random_range(0.85..1.0),
    };
    let high = Speaker {
        pitch: dice.random_range(170.0..225.0),
        throat: dice.random_range(1.1..1.2),
        pace: dice.random_range(0.85..1.1),
        // The far end of the line is weaker.
        level: dice.random_range(0.5..0.75),
    };
    let (mut now, mut next) = if chance(dice, 500) { (low, high) } else { (high, low) };
    let mut sounds = vec![silence(dice.random_range(150..700))];
    let mut ms: u32 = 0;
    while ms < total_ms {
        let before = sounds.len();
        for _ in 0..dice.random_range(1..4) {
            let syllables = if chance(dice, 250) { dice.random_range(1..4) } else { dice.random_range(4..15) };
            phrase(dice, now, syllables, &mut sounds);
            sounds.push(silence(dice.random_range(140..480)));
        }
        sounds.push(silence(dice.random_range(80..650)));
        // Somebody looks something up.
        if chance(dice, 80) {
            sounds.push(silence(dice.random_range(1_200..3_200)));
        }
        ms += sounds.iter().skip(before).map(|sound| sound.ms).sum::<u32>();
        std::mem::swap(&mut now, &mut next);
    }
    sounds
}

fn silence(ms: u32) -> Sound {
    Sound { ms, voice: 0.0, breath: 0.0, hiss: 2_000.0, formants: [500.0, 1_500.0, 2_500.0], pitch: 120.0 }
}

/// A phrase: pitch falls towards its end, or rises where it is a question; the last syllable is longer.
fn phrase(dice: &mut Dice, speaker: Speaker, syllables: u16, sounds: &mut Vec<Sound>) {
    let is_question = chance(dice, 220);
    for number in 0..syllables {
        let at = f32::from(number) / f32::from(syllables);
        let is_last = number + 1 == syllables;
        let is_stressed = chance(dice, 380);
        let accent = if is_stressed { dice.random_range(1.08..1.24) } else { dice.random_range(0.95..1.04) };
        let rise = if is_question && is_last { 1.32 } else { 1.0 };
        let pitch = speaker.pitch * (1.16 - 0.3 * at) * accent * rise;
        let loud = speaker.level * if is_stressed { 1.0 } else { dice.random_range(0.5..0.8) } * (1.0 - 0.3 * at);
        onset(dice, speaker, loud, pitch, sounds);
        let ms = scaled(dice.random_range(if is_stressed { 90..170 } else { 55..110 }), speaker.pace);
        let ms = if is_last { ms * 3 / 2 } else { ms };
        let vowel = of_throat(VOWELS.choose(dice).copied().unwrap_or(NASAL), speaker.throat);
        sounds.push(Sound { ms, voice: loud, breath: 0.02, hiss: 2_500.0, formants: vowel, pitch });
        if is_stressed && chance(dice, 300) {
            // A diphthong: the vowel moves to another.
            let to = of_throat(VOWELS.choose(dice).copied().unwrap_or(NASAL), speaker.throat);
            sounds.push(Sound {
                ms: ms / 2,
                voice: loud * 0.8,
                breath: 0.02,
                hiss: 2_500.0,
                formants: to,
                pitch: pitch * 0.96,
            });
        }
        if chance(dice, 300) {
            onset(dice, speaker, loud * 0.7, pitch * 0.95, sounds);
        }
    }
}

/// A consonant, or none.
fn onset(dice: &mut Dice, speaker: Speaker, loud: f32, pitch: f32, sounds: &mut Vec<Sound>) {
    let rest = Sound { voice: 0.0, breath: 0.0, pitch, ..silence(0) };
    match dice.random_range(0..10) {
        0..3 => {
            let hiss = HISSES.choose(dice).copied().unwrap_or(2_500.0);
            let ms = scaled(dice.random_range(50..115), speaker.pace);
            let voice = if chance(dice, 300) { loud * 0.25 } else { 0.0 };
            sounds.push(Sound { ms, voice, breath: loud * 0.5, hiss, formants: NASAL, ..rest });
        }
        3..6 => {
            // A stop: the line falls silent, then bursts.
            let hiss = dice.random_range(900.0..3_200.0);
            sounds.push(Sound { ms: scaled(dice.random_range(30..65), speaker.pace), voice: loud * 0.04, ..rest });
            sounds.push(Sound { ms: dice.random_range(7..22), breath: loud * 0.8, hiss, ..rest });
        }
        6..8 => {
            let formants = of_throat(NASAL, speaker.throat);
            sounds.push(Sound { ms: dice.random_range(40..80), voice: loud * 0.35, formants, ..rest });
        }
        8 => {
            let formants = of_throat(LIQUIDS.choose(dice).copied().unwrap_or(NASAL), speaker.throat);
            sounds.push(Sound { ms: dice.random_range(40..75), voice: loud * 0.6, formants, ..rest });
        }
        _ => {}
    }
}

fn of_throat(formants: [f32; 3], throat: f32) -> [f32; 3] {
    formants.map(|hertz| hertz * throat)
}

fn scaled(ms: u16, pace: f32) -> u32 {
    u32::from(ms) * if pace > 1.0 { 9 } else { 10 } / 10
}
