//! The demo's world: a believable network, the same each time for the same seed and instant.
//!
//! Pure but for [`store`], which asks the rest for buyers, users, calls, disputes, recordings and evidence files.

pub mod audio;
pub mod calls;
pub mod cast;
pub mod disputes;
pub mod files;
mod names;
pub mod people;
mod picture;
pub mod store;
mod stories;
mod telling;
mod threads;
pub mod world;

#[cfg(test)]
mod tests;

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

pub(crate) type Dice = rand::rngs::SmallRng;

/// What everybody in the demo signs in with; the demo only listens on this machine.
pub const PASS_PHRASE: &str = "four quiet lanterns on the moor";

/// The seed of the demo that `fairdial demo` shows.
pub const SEED: u64 = 20_261_120;

/// The platform of the demo.
pub const PLATFORM: &str = "Quillmoor Network";

/// How large the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    pub disputes: u64,
    pub calls: u64,
    pub buyers: u32,
    /// Over how many days before `now` the calls are spread.
    pub days: u32,
}

impl Scale {
    /// What the demo shows unless asked for more.
    #[must_use]
    pub fn demo() -> Self {
        Self { disputes: 180, calls: 5_000, buyers: 12, days: 30 }
    }

    /// So many disputes, and ten calls for each; more buyers and a longer past as it grows.
    #[must_use]
    pub fn of(disputes: u64) -> Self {
        let disputes = disputes.clamp(1, 10_000_000);
        let days = match disputes {
            0..=10_000 => 30,
            10_001..=100_000 => 90,
            _ => 365,
        };
        Self {
            disputes,
            calls: disputes * 10,
            buyers: u32::try_from(disputes / 200).unwrap_or(5_000).clamp(12, 5_000),
            days,
        }
    }
}

/// Dice for one thing of the world: equal seed, kind and number give equal throws.
pub(crate) fn dice(seed: u64, kind: u64, number: u64) -> Dice {
    Dice::seed_from_u64(mix(seed ^ mix(kind.wrapping_add(0x51_7c_c1_b7)) ^ mix(number)))
}

/// Stirs a number so that neighbours look unrelated; no two numbers give the same.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of several; the type's empty value where there is none.
pub(crate) fn pick<T: Copy + Default>(dice: &mut Dice, from: &[T]) -> T {
    from.choose(dice).copied().unwrap_or_default()
}

/// True so many times in a thousand.
pub(crate) fn chance(dice: &mut Dice, per_mille: u32) -> bool {
    dice.random_range(0..1_000) < per_mille
}
