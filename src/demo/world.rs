//! The whole demo world: who takes part, when calls come in, which call is disputed and why.
//!
//! Every call and dispute is computed from its number alone, so ten million of them need no memory.

use chrono::{Duration, NaiveDateTime, Timelike as _};
use rand::Rng as _;

use super::calls::{DemoCall, Facts};
use super::cast::{self, DemoBuyer, DemoCampaign, DemoPublisher};
use super::disputes::DemoDispute;
use super::people::{self, DemoUser};
use super::{Scale, dice, mix};

/// How busy the lines are by hour of the day in US Central time, Monday to Friday.
const BUSY: [u64; 24] = [1, 1, 1, 1, 1, 2, 5, 14, 34, 52, 60, 58, 50, 54, 58, 56, 50, 40, 30, 20, 12, 6, 3, 2];

/// Reason codes and how often each is chosen, in a thousand.
const REASONS: [(&str, u32); 7] = [
    ("caller_hung_up", 190),
    ("not_connected", 130),
    ("invalid_caller", 170),
    ("duplicate_call", 170),
    ("not_qualified", 220),
    ("technical_issues", 80),
    ("other", 40),
];

/// Which call a dispute is about, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub dispute: u64,
    pub call: u64,
    pub reason: &'static str,
    /// The earlier call of the same caller, for a duplicate.
    pub original: Option<u64>,
}

/// The demo's network at one instant.
#[derive(Debug)]
pub struct World {
    pub(super) seed: u64,
    pub(super) scale: Scale,
    pub(super) now: NaiveDateTime,
    start: NaiveDateTime,
    /// Weight of all hours up to and including each hour since `start`.
    hours: Vec<u64>,
    /// Weight of all buyers up to and including each.
    shares: Vec<f64>,
    pub buyers: Vec<DemoBuyer>,
    pub publishers: Vec<DemoPublisher>,
    pub campaigns: Vec<DemoCampaign>,
    pub users: Vec<DemoUser>,
    /// By buyer: its users with Dispute Calls.
    filers: Vec<Vec<usize>>,
    /// Managers with Edit.
    pub(super) deciders: Vec<usize>,
}

impl World {
    /// The world of a seed and a size as it is at `now`.
    #[must_use]
    pub fn new(seed: u64, scale: Scale, now: NaiveDateTime) -> Self {
        // The last quarter of an hour is left to the calls that are still going on.
        let start = now - Duration::days(i64::from(scale.days)) + Duration::minutes(45);
        let buyers = cast::buyers(seed, scale);
        let users = people::users(seed, &buyers);
        let hours = (1..i64::from(scale.days) * 24)
            .scan(0, |sum, hour| {
                *sum += busy(start + Duration::hours(hour - 1));
                Some(*sum)
            })
            .collect();
        // Few buyers take most calls: Zipf with the exponent that gives the largest of 5,000 some 6 % of all.
        let shares = (1..=scale.buyers)
            .scan(0.0, |sum, rank| {
                *sum += f64::from(rank).powf(-0.87);
                Some(*sum)
            })
            .collect();
        let (publishers, campaigns) = (cast::publishers(), cast::campaigns());
        let deciders = (0..).zip(&users).filter_map(|(place, user)| user.disputes_edit.then_some(place)).collect();
        let mut filers = vec![Vec::new(); buyers.len()];
        for (place, user) in users.iter().enumerate().filter(|(_, user)| user.dispute_calls) {
            if let Some(of_buyer) = user.buyer.and_then(|buyer| filers.get_mut(buyer)) {
                of_buyer.push(place);
            }
        }
        Self { seed, scale, now, start, hours, shares, buyers, publishers, campaigns, users, filers, deciders }
    }

    /// The size this world was made with.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Whether there are more callers than the numbers kept for fiction can tell apart.
    pub(super) fn is_wide(&self) -> bool {
        self.scale.calls > 50_000
    }

    /// One call; `index` counts from the oldest.
    #[must_use]
    pub fn call(&self, index: u64) -> DemoCall<'_> {
        DemoCall::new(self, index, &Facts::of(self, index))
    }

    /// All calls, oldest first.
    pub fn calls(&self) -> impl Iterator<Item = DemoCall<'_>> {
        (0..self.scale.calls).map(|index| self.call(index))
    }

    /// One dispute; `index` counts from the one on the oldest call.
    #[must_use]
    pub fn dispute(&self, index: u64) -> DemoDispute {
        DemoDispute::of(self, &self.plan(index))
    }

    /// All disputes, in the order of their calls.
    pub fn disputes(&self) -> impl Iterator<Item = DemoDispute> {
        (0..self.scale.disputes).map(|index| self.dispute(index))
    }

    /// How long after a call of this buyer it can be disputed, where the platform's default is 7 days.
    #[must_use]
    pub fn window_days(&self, buyer: usize) -> i32 {
        self.buyers.get(buyer).and_then(|buyer| buyer.window_days).unwrap_or(7)
    }

    /// The users of a buyer who may dispute its calls.
    pub(super) fn filers(&self, buyer: usize) -> &[usize] {
        self.filers.get(buyer).map_or(&[], Vec::as_slice)
    }

    /// When a call came in: busy hours hold more of them; never before the call with the number before it.
    pub(super) fn started_at(&self, index: u64) -> NaiveDateTime {
        let total = self.hours.last().copied().unwrap_or(1);
        let jitter = mix(self.seed ^ mix(index)) >> 32;
        // In units of one 2^32th of a call, so that the jitter stays between this call and the next.
        let at = ((u128::from(index) << 32) + u128::from(jitter)) * u128::from(total) * 3_600_000_000;
        let at = at / (u128::from(self.scale.calls.max(1)) << 32);
        let weight = u64::try_from(at / 3_600_000_000).unwrap_or(total);
        let hour = self.hours.partition_point(|&sum| sum <= weight).min(self.hours.len().saturating_sub(1));
        let before = hour.checked_sub(1).and_then(|before| self.hours.get(before)).copied().unwrap_or(0);
        let width = self.hours.get(hour).copied().unwrap_or(total) - before;
        let inside = at.saturating_sub(u128::from(before) * 3_600_000_000) / u128::from(width.max(1));
        let inside = i64::try_from(inside).unwrap_or(0).min(3_599_999_999);
        self.start + Duration::hours(i64::try_from(hour).unwrap_or(0)) + Duration::microseconds(inside)
    }

    /// Whose call it is, by the buyers' shares; `draw` is from 0 to 1.
    pub(super) fn buyer_at(&self, draw: f64) -> usize {
        let total = self.shares.last().copied().unwrap_or(1.0);
        let place = self.shares.partition_point(|&sum| sum <= draw * total);
        place.min(self.shares.len().saturating_sub(1))
    }

    /// The dispute that is about this call, if there is one.
    #[must_use]
    pub fn plan_of_call(&self, call: u64) -> Option<Plan> {
        let dispute = self.block_of(call);
        (self.disputed_call(dispute) == call).then(|| self.plan(dispute))
    }

    /// Which call a dispute is about, and why.
    #[must_use]
    pub fn plan(&self, dispute: u64) -> Plan {
        let call = self.disputed_call(dispute);
        let mut dice = dice(self.seed, 31, dispute);
        let mut draw = dice.random_range(0..1_000_u32);
        let mut reason = "other";
        for (code, per_mille) in REASONS {
            if draw < per_mille {
                reason = code;
                break;
            }
            draw -= per_mille;
        }
        let original = if reason == "duplicate_call" { self.original_of(call, &mut dice) } else { None };
        if reason == "duplicate_call" && original.is_none() {
            reason = "not_qualified";
        }
        Plan { dispute, call, reason, original }
    }

    /// Whether somebody calls again whom no buyer complains about.
    pub(super) fn is_repeat(&self, call: u64) -> bool {
        mix(self.seed ^ call).is_multiple_of(40)
    }

    /// Whether a call is shaped by nothing but its number: only such calls can be repeated.
    pub(super) fn is_plain(&self, call: u64) -> bool {
        self.disputed_call(self.block_of(call)) != call && !self.is_repeat(call)
    }

    /// An earlier call that was paid for, not disputed itself and not masked, at most some three days before.
    fn original_of(&self, call: u64, dice: &mut super::Dice) -> Option<u64> {
        let reach = (self.scale.calls / u64::from(self.scale.days.max(1)) * 3).min(call);
        let from = call.checked_sub(dice.random_range(1..=reach.max(1)))?;
        (0..12)
            .filter_map(|step| from.checked_sub(step))
            .find(|&earlier| self.is_plain(earlier) && Facts::plain(self, earlier).can_be_original(self.now))
    }

    /// Calls are cut into as many blocks as there are disputes; each block has one disputed call.
    fn block_start(&self, dispute: u64) -> u64 {
        let start = u128::from(dispute) * u128::from(self.scale.calls) / u128::from(self.scale.disputes.max(1));
        u64::try_from(start).unwrap_or(u64::MAX)
    }

    fn block_of(&self, call: u64) -> u64 {
        let (calls, disputes) = (u128::from(self.scale.calls.max(1)), u128::from(self.scale.disputes));
        let block = ((u128::from(call) + 1) * disputes).div_ceil(calls).saturating_sub(1);
        u64::try_from(block).unwrap_or(u64::MAX)
    }

    fn disputed_call(&self, dispute: u64) -> u64 {
        let (start, end) = (self.block_start(dispute), self.block_start(dispute.saturating_add(1)));
        let width = end.saturating_sub(start).max(1);
        // The newest calls are still going on: nobody has disputed them yet.
        let width = if end >= self.scale.calls { (width / 2).max(1) } else { width };
        start + mix(self.seed ^ mix(dispute ^ 0xd15b)) % width
    }
}

fn busy(hour: NaiveDateTime) -> u64 {
    use chrono::Datelike as _;
    let local = hour - Duration::hours(6);
    let weight = usize::try_from(local.hour()).ok().and_then(|hour| BUSY.get(hour)).copied().unwrap_or(1);
    if local.weekday().num_days_from_monday() < 5 { weight * 20 } else { weight * 7 }
}
