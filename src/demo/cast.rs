//! Who takes part in the demo's network: buyers with their destinations, publishers, campaigns.

use rand::Rng as _;

use super::names::{self, BuyerSeed};
use super::{Scale, dice, mix, pick};

/// The line of business of a campaign: what its texts speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vertical {
    #[default]
    Auto,
    Home,
    Renters,
    Injury,
    Exterior,
}

/// Where a buyer takes its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Empty where the source knows only the number.
    pub name: String,
    pub number: String,
}

impl Destination {
    /// What is shown: the name, or the number where there is none.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.number } else { &self.name }
    }
}

/// What a buyer pays for a call of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub campaign: usize,
    /// Minor units of the buyer's currency.
    pub payout: i64,
}

/// A buyer of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoBuyer {
    pub name: String,
    /// Before `.example` in the addresses of its users.
    pub domain: String,
    pub currency: &'static str,
    pub window_days: Option<i32>,
    pub time_zone: &'static str,
    /// (source, name) by which the tracking platforms call it.
    pub aliases: Vec<(&'static str, String)>,
    pub destinations: Vec<Destination>,
    pub orders: Vec<Order>,
}

/// A publisher of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoPublisher {
    pub name: &'static str,
    /// How much of the payout it usually gets, in percent.
    pub share: i64,
}

/// A campaign of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoCampaign {
    pub name: &'static str,
    pub vertical: Vertical,
    pub payout: i64,
    pub state: Option<&'static str>,
}

/// The tracking platforms the calls come from.
pub const SOURCES: [&str; 2] = ["ringba", "trackdrive"];

pub(super) fn publishers() -> Vec<DemoPublisher> {
    names::PUBLISHERS.iter().map(|&(name, share)| DemoPublisher { name, share: i64::from(share) }).collect()
}

pub(super) fn campaigns() -> Vec<DemoCampaign> {
    names::CAMPAIGNS
        .iter()
        .map(|&(name, vertical, payout, state)| DemoCampaign { name, vertical, payout, state })
        .collect()
}

pub(super) fn buyers(seed: u64, scale: Scale) -> Vec<DemoBuyer> {
    let known = names::BUYERS.iter().map(|written| buyer(seed, written));
    let more = (0..).map(|number| invented(seed, number));
    known.chain(more).zip(0..scale.buyers).map(|(buyer, _)| buyer).collect()
}

fn buyer(seed: u64, written: &BuyerSeed) -> DemoBuyer {
    let destinations = written.destinations.iter().map(|place| (*place).to_owned()).collect();
    let mut buyer = assemble(seed, written.name.to_owned(), written.domain.to_owned(), destinations, written.verticals);
    buyer.currency = written.currency;
    buyer.window_days = written.window_days;
    buyer.time_zone = written.time_zone;
    buyer
}

/// A buyer of a larger network: names are counted through, so no two are equal.
fn invented(seed: u64, number: usize) -> DemoBuyer {
    let (fronts, backs) = (names::FRONTS.len(), names::BACKS.len());
    let front = names::FRONTS.get(number % fronts).copied().unwrap_or_default();
    let back = names::BACKS.get(number / fronts % backs).copied().unwrap_or_default();
    let trades = names::TRADES.len();
    let (trade, vertical) = names::TRADES.get((number + number / fronts / backs) % trades).copied().unwrap_or_default();
    let name = format!("{front}{back} {trade}");
    let domain = name.to_lowercase().replace(' ', "");
    let mut dice = dice(seed, 11, u64::try_from(number).unwrap_or_default());
    let desks = dice.random_range(1..=3);
    let mut places: Vec<String> = Vec::new();
    while places.len() < desks {
        let place = pick(&mut dice, names::DESKS).to_owned();
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut buyer = assemble(seed, name, domain, places, &[vertical]);
    buyer.window_days = pick(&mut dice, &[None, None, None, Some(10), Some(14)]);
    buyer.time_zone =
        pick(&mut dice, &["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"]);
    buyer
}

fn assemble(seed: u64, name: String, domain: String, places: Vec<String>, verticals: &[Vertical]) -> DemoBuyer {
    let key = name.bytes().fold(0, |key, byte| mix(key ^ u64::from(byte)));
    let mut dice = dice(seed, 12, key);
    let mut destinations: Vec<Destination> = Vec::new();
    for name in places {
        destinations.push(Destination { name, number: number(&mut dice) });
    }
    // Some sources report a destination by its number alone.
    if dice.random_range(0..6) == 0 {
        destinations.push(Destination { name: String::new(), number: number(&mut dice) });
    }
    let orders = campaigns()
        .iter()
        .zip(0..)
        .filter(|(campaign, _)| verticals.contains(&campaign.vertical))
        .map(|(campaign, index)| Order { campaign: index, payout: campaign.payout + 50 * dice.random_range(-6..=9) })
        .collect();
    let short = name.split(' ').next().unwrap_or_default();
    let aliases =
        vec![(SOURCES[0], name.clone()), (SOURCES[0], format!("{short} - Inbound")), (SOURCES[1], name.to_uppercase())];
    DemoBuyer {
        name,
        domain,
        currency: "USD",
        window_days: None,
        time_zone: "America/New_York",
        aliases,
        destinations,
        orders,
    }
}

/// A number that rings nowhere: 555-0100 to 555-0199 are kept for fiction.
fn number(dice: &mut super::Dice) -> String {
    let area = pick(dice, names::ELSEWHERE);
    format!("+1{area}55501{:02}", dice.random_range(0..100))
}
