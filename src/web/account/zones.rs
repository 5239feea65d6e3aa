//! The time zones that people choose from: places, by part of the world. Old spellings are understood, not offered.

use std::sync::LazyLock;

use chrono_tz::{TZ_VARIANTS, Tz};

/// Zones under one heading.
pub(in crate::web) struct Group {
    pub(in crate::web) heading: &'static str,
    pub(in crate::web) zones: Vec<Zone>,
}

/// A zone as it is stored, and as people read it.
pub(in crate::web) struct Zone {
    pub(in crate::web) code: &'static str,
    pub(in crate::web) words: String,
}

/// Where most calls are made.
const UNITED_STATES: [(&str, &str); 7] = [
    ("America/New_York", "Eastern (New York)"),
    ("America/Chicago", "Central (Chicago)"),
    ("America/Denver", "Mountain (Denver)"),
    ("America/Phoenix", "Arizona (Phoenix)"),
    ("America/Los_Angeles", "Pacific (Los Angeles)"),
    ("America/Anchorage", "Alaska (Anchorage)"),
    ("Pacific/Honolulu", "Hawaii (Honolulu)"),
];

const PARTS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// Every zone on offer, the United States and UTC first.
pub(in crate::web) static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let own = |code: &'static str, words: &str| Zone { code, words: words.to_owned() };
    let first = UNITED_STATES.iter().map(|(code, words)| own(code, words)).collect();
    let mut groups = vec![
        Group { heading: "United States", zones: first },
        Group { heading: "Everywhere", zones: vec![own("UTC", "UTC")] },
    ];
    groups.extend(PARTS.iter().map(|part| Group { heading: part, zones: of_part(part) }));
    groups
});

fn of_part(part: &str) -> Vec<Zone> {
    TZ_VARIANTS
        .iter()
        .filter(|zone| !UNITED_STATES.iter().any(|(code, _)| *code == zone.name()))
        .filter_map(|zone| {
            let (found, place) = zone.name().split_once('/')?;
            (found == part).then(|| Zone { code: zone.name(), words: place.replace('_', " ") })
        })
        .collect()
}

/// Whether the zone is on offer, or only understood.
pub(in crate::web) fn is_offered(zone: Tz) -> bool {
    GROUPS.iter().any(|group| group.zones.iter().any(|offered| offered.code == zone.name()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_zone_on_offer_is_one_and_stands_once() {
        let codes: Vec<&str> = GROUPS.iter().flat_map(|group| group.zones.iter().map(|zone| zone.code)).collect();
        assert!(codes.iter().all(|code| code.parse::<Tz>().is_ok()));
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        assert!(codes.len() > 300 && GROUPS.iter().all(|group| !group.zones.is_empty()));
    }

    #[test]
    fn old_spellings_are_understood_and_not_offered() {
        assert!(!is_offered("US/Eastern".parse().expect("a zone")));
        assert!(is_offered("Europe/Berlin".parse().expect("a zone")));
    }
}
