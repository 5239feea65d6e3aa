//! One call of the demo: what it looks like follows from its number, and from the reason if it is disputed.

use chrono::{Duration, NaiveDateTime};
use rand::Rng as _;

use super::cast::{Order, SOURCES};
use super::names::{ARIZONA, ELSEWHERE, FLORIDA, TEXAS};
use super::world::{Plan, World};
use super::{Dice, audio, chance, dice, mix, pick};

/// A call of the demo; the fields are those of the calls table, with places in the world's lists instead of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoCall<'w> {
    pub index: u64,
    pub source: &'static str,
    pub external_id: String,
    pub buyer: usize,
    pub publisher: Option<usize>,
    pub campaign: Option<usize>,
    pub started_at: NaiveDateTime,
    pub caller_id: String,
    pub dialed: String,
    pub destination_number: &'w str,
    pub destination: &'w str,
    pub currency: &'static str,
    pub payout: Option<i64>,
    pub publisher_payout: Option<i64>,
    pub duration_s: Option<i32>,
    pub connected_s: Option<i32>,
    pub status: &'static str,
    pub hangup_by: &'static str,
    pub hangup_cause: &'static str,
    pub is_duplicate: bool,
    /// Place in `audio::CATALOGUE`; none where the call has no recording.
    pub recording: Option<usize>,
    /// When the source reported it: soon after its end.
    pub created_at: NaiveDateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    Masked { area: u16 },
    Number { area: u16, line: u16 },
}

/// A call before its texts are written: no heap, so that ten million are quick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    started_at: NaiveDateTime,
    buyer: usize,
    destination: usize,
    order: Order,
    publisher: Option<usize>,
    caller: Caller,
    status: &'static str,
    connected_s: i32,
    ringing_s: i32,
    hangup_by: &'static str,
    hangup_cause: &'static str,
    payout: Option<i64>,
    publisher_payout: Option<i64>,
    is_duplicate: bool,
    is_recorded: bool,
}

const CONVERTED: &str = "completed_with_conversion";
const NOT_CONNECTED: &str = "not_connected_with_conversion";

impl Facts {
    /// The call as it is: shaped by its dispute, or now and then by an earlier call of the same caller.
    pub(super) fn of(world: &World, index: u64) -> Self {
        let mut facts = Self::plain(world, index);
        if let Some(last) = index.checked_add(2).and_then(|after| after.checked_sub(world.scale.calls)) {
            return facts.still_going_on(world.now - Duration::seconds(if last == 0 { 215 } else { 70 }));
        }
        if let Some(plan) = world.plan_of_call(index) {
            facts.shape(world, &plan);
        } else if world.is_repeat(index) {
            // Somebody calls again: the platform's own mark, not a dispute.
            let back = 1 + mix(index) % 200;
            if let Some(earlier) = index.checked_sub(back).filter(|&earlier| world.is_plain(earlier)) {
                facts.repeat(&Self::plain(world, earlier));
            }
        }
        let age = (world.now - facts.started_at).num_seconds();
        // Over for a minute or two, so that a source can have reported it.
        let most = i32::try_from(age.saturating_sub(180).max(0)).unwrap_or(i32::MAX);
        facts.connected_s = facts.connected_s.min(most);
        facts
    }

    /// The call as its number alone makes it.
    pub(super) fn plain(world: &World, index: u64) -> Self {
        let mut dice = dice(world.seed, 1, index);
        let buyer = world.buyer_at(dice.random());
        let order = world.buyers.get(buyer).map(|buyer| pick_order(&mut dice, &buyer.orders)).unwrap_or_default();
        let destinations = world.buyers.get(buyer).map_or(1, |buyer| buyer.destinations.len());
        // The first destination takes most.
        let destination = dice.random_range(0..destinations.max(1)).min(dice.random_range(0..destinations.max(1)));
        let publisher = if chance(&mut dice, 15) {
            None
        } else {
            let count = world.publishers.len().max(1);
            Some(dice.random_range(0..count).min(dice.random_range(0..count)))
        };
        let caller = pick_caller(&mut dice, world, order.campaign);
        let (status, connected_s) = outcome(&mut dice);
        let (hangup_by, hangup_cause) = hangup(&mut dice, status, connected_s);
        let mut facts = Self {
            started_at: world.started_at(index),
            buyer,
            destination,
            order,
            publisher,
            caller,
            status,
            connected_s,
            ringing_s: dice.random_range(3..26),
            hangup_by,
            hangup_cause,
            payout: None,
            publisher_payout: None,
            is_duplicate: false,
            is_recorded: connected_s >= 3 && chance(&mut dice, 900),
        };
        let luck = dice.random_range(0..1_000);
        facts.price(world, luck);
        facts
    }

    /// Whether a later call can be called its duplicate.
    pub(super) fn can_be_original(&self, now: NaiveDateTime) -> bool {
        self.status == CONVERTED
            && matches!(self.caller, Caller::Number { .. })
            && self.payout > Some(0)
            && self.connected_s > 45
            && self.started_at + Duration::hours(1) < now
    }

    /// Money by status: nothing is owed without conversion; now and then the source doesn't say, or says zero.
    fn price(&mut self, world: &World, luck: u32) {
        let share = self.publisher.and_then(|place| world.publishers.get(place)).map(|publisher| publisher.share);
        let converted = matches!(self.status, CONVERTED | NOT_CONNECTED);
        self.payout = match (converted, luck) {
            (true, 0..12) | (false, 0..30) => None,
            (true, 20..) => Some(self.order.payout),
            _ => Some(0),
        };
        // Publishers are paid in steps of 50 cents.
        self.publisher_payout = match (self.payout, share) {
            (Some(payout), Some(share)) if luck < 970 => Some(payout * share / 5_000 * 50),
            _ => None,
        };
    }

    /// A disputed call looks the way its reason says.
    fn shape(&mut self, world: &World, plan: &Plan) {
        let mut dice = dice(world.seed, 2, plan.dispute);
        self.status = CONVERTED;
        self.is_recorded = chance(&mut dice, 975);
        self.connected_s = dice.random_range(55..420);
        (self.hangup_by, self.hangup_cause) = hangup(&mut dice, CONVERTED, self.connected_s);
        match plan.reason {
            "caller_hung_up" => {
                self.connected_s = dice.random_range(3..15);
                self.ringing_s = dice.random_range(2..7);
                (self.hangup_by, self.hangup_cause) = ("caller", "normal_clearing");
            }
            "not_connected" => {
                self.status = NOT_CONNECTED;
                self.connected_s = 0;
                self.ringing_s = dice.random_range(4..44);
                self.is_recorded = false;
                (self.hangup_by, self.hangup_cause) = hangup(&mut dice, NOT_CONNECTED, 0);
            }
            "invalid_caller" => {
                self.connected_s = dice.random_range(9..64);
                self.hangup_by = pick(&mut dice, &["destination", "destination", "caller", "unknown"]);
                if chance(&mut dice, 250) {
                    self.caller = Caller::Anonymous;
                }
            }
            "technical_issues" => {
                self.connected_s = dice.random_range(8..130);
                (self.hangup_by, self.hangup_cause) =
                    ("system", pick(&mut dice, &["media_timeout", "network_out_of_order", "recovery_on_timer_expire"]));
            }
            "duplicate_call" => {
                self.connected_s = dice.random_range(20..190);
                if let Some(original) = plan.original {
                    self.repeat(&Self::plain(world, original));
                }
            }
            _ => {}
        }
        // Luck that always pays, and tells what the publisher gets but for a few.
        let luck = dice.random_range(20..980);
        self.price(world, luck);
    }

    fn repeat(&mut self, earlier: &Self) {
        self.buyer = earlier.buyer;
        self.destination = earlier.destination;
        self.order = earlier.order;
        self.caller = earlier.caller;
        self.is_duplicate = !matches!(earlier.caller, Caller::Anonymous);
        // Paid as the earlier order says, where this call is paid at all.
        if self.payout > Some(0) {
            let paid = self.order.payout;
            self.publisher_payout = self.publisher_payout.map(|_| paid * 60 / 5_000 * 50);
            self.payout = Some(paid);
        }
    }

    fn still_going_on(mut self, since: NaiveDateTime) -> Self {
        self.started_at = since;
        (self.status, self.hangup_by, self.hangup_cause) = ("in_progress", "unknown", "");
        (self.connected_s, self.payout, self.publisher_payout, self.is_recorded) = (0, None, None, false);
        self
    }
}

impl<'w> DemoCall<'w> {
    pub(super) fn new(world: &'w World, index: u64, facts: &Facts) -> Self {
        let buyer = world.buyers.get(facts.buyer);
        let destination = buyer.and_then(|buyer| buyer.destinations.get(facts.destination));
        let key = mix(world.seed ^ mix(index));
        let (source, external_id) = if key.is_multiple_of(5) {
            (SOURCES[1], format!("{}", 4_100_000_000 + index * 3))
        } else {
            (SOURCES[0], format!("RGB{key:016X}{:08X}", mix(key) >> 32))
        };
        let is_over = facts.status != "in_progress";
        let duration = facts.ringing_s + facts.connected_s;
        let talked = u32::try_from(facts.connected_s).unwrap_or(0);
        Self {
            index,
            source,
            external_id,
            buyer: facts.buyer,
            publisher: facts.publisher,
            campaign: Some(facts.order.campaign),
            started_at: facts.started_at,
            caller_id: facts.caller.written(world.is_wide()),
            dialed: format!(
                "+18335550{:03}",
                100 + mix(u64::try_from(facts.order.campaign).unwrap_or(0)) % 8 * 10 + key % 4
            ),
            destination_number: destination.map_or("", |destination| destination.number.as_str()),
            destination: destination.map_or("", |destination| destination.shown()),
            currency: buyer.map_or("USD", |buyer| buyer.currency),
            payout: facts.payout,
            publisher_payout: facts.publisher_payout,
            duration_s: is_over.then_some(duration),
            connected_s: is_over.then_some(facts.connected_s),
            status: facts.status,
            hangup_by: facts.hangup_by,
            hangup_cause: facts.hangup_cause,
            is_duplicate: facts.is_duplicate,
            recording: facts.is_recorded.then(|| audio::fitting(talked, key)),
            created_at: facts.started_at + Duration::seconds(i64::from(if is_over { duration } else { 0 }) + 20),
        }
    }

    /// Whether there is audio of the call.
    #[must_use]
    pub fn has_recording(&self) -> bool {
        self.recording.is_some()
    }
}

impl Caller {
    fn written(self, is_wide: bool) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Masked { area } => format!("+1{area}555XXXX"),
            Self::Number { area, line } if is_wide => format!("+1{area}555{line:04}"),
            Self::Number { area, line } => format!("+1{area}55501{:02}", line % 100),
        }
    }
}

fn pick_order(dice: &mut Dice, orders: &[Order]) -> Order {
    let last = orders.len().max(1);
    let place = dice.random_range(0..last).min(dice.random_range(0..last));
    orders.get(place).copied().unwrap_or_default()
}

fn pick_caller(dice: &mut Dice, world: &World, campaign: usize) -> Caller {
    let draw = dice.random_range(0..1_000);
    let home = match world.campaigns.get(campaign).and_then(|campaign| campaign.state) {
        Some("Texas") => TEXAS,
        Some("Florida") => FLORIDA,
        Some("Arizona") => ARIZONA,
        _ => ELSEWHERE,
    };
    // People keep their number when they move.
    let area = pick(dice, if draw % 10 < 7 { home } else { ELSEWHERE });
    match draw {
        0..25 => Caller::Anonymous,
        25..75 => Caller::Masked { area },
        _ => Caller::Number { area, line: dice.random_range(0..10_000) },
    }
}

/// Status and seconds of talk.
fn outcome(dice: &mut Dice) -> (&'static str, i32) {
    match dice.random_range(0..1_000) {
        0..570 => (CONVERTED, talk(dice, 75, 390)),
        570..600 => (NOT_CONNECTED, 0),
        600..840 => ("completed_without_conversion", talk(dice, 4, 80)),
        840..965 => ("not_connected_without_conversion", 0),
        _ => ("failed", 0),
    }
}

/// Mostly near the least, sometimes long.
fn talk(dice: &mut Dice, least: i32, usual: i32) -> i32 {
    let near = dice.random_range(0..usual).min(dice.random_range(0..usual));
    let far = if chance(dice, 70) { dice.random_range(0..usual * 3) } else { 0 };
    least + near + far
}

fn hangup(dice: &mut Dice, status: &str, connected_s: i32) -> (&'static str, &'static str) {
    if status == "failed" {
        return ("system", pick(dice, &["network_out_of_order", "invalid_number_format", "temporary_failure"]));
    }
    if connected_s == 0 {
        return pick(
            dice,
            &[
                ("system", "no_answer"),
                ("system", "no_user_response"),
                ("destination", "user_busy"),
                ("destination", "call_rejected"),
                ("caller", "originator_cancel"),
            ],
        );
    }
    (pick(dice, &["caller", "caller", "caller", "destination", "destination", "unknown"]), "normal_clearing")
}
