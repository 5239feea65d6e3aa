//! Webhooks: what is sent when, and to where it may not be sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::Duration;

/// So long an event is tried, from when it was written or sent again by hand.
pub const TRIED_FOR: Duration = Duration::hours(24);

/// A receiver that failed at everything for this time is switched off.
pub const PATIENCE: Duration = Duration::days(3);

/// So long the earlier secret of a receiver signs too, after it got another.
pub const OVERLAP: Duration = Duration::hours(24);

/// Pauses after the failures of one event, in seconds; the last one repeats until [`TRIED_FOR`] is over.
const PAUSES: [i64; 8] = [5, 30, 2 * 60, 10 * 60, 30 * 60, 60 * 60, 2 * 60 * 60, 4 * 60 * 60];

/// The longest rest of a receiver between failures of different events, in seconds.
const LONGEST_REST: i64 = 300;

/// The pause after so many failures of one event. `chance` in 0 to 1,000 makes it up to a fifth shorter or longer, so
/// that what failed together isn't tried together.
#[must_use]
pub fn pause(failures: i32, chance: i64) -> Duration {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or_default();
    let seconds = PAUSES.get(index).or(PAUSES.last()).copied().unwrap_or_default();
    let percent = chance.clamp(0, 1000).saturating_mul(40) / 1000 + 80;
    Duration::milliseconds(seconds.saturating_mul(percent).saturating_mul(10))
}

/// How long a receiver rests after so many failures in a row: 5 s, doubled with each, at most five minutes.
#[must_use]
pub fn rest(failures: i32) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or_default().min(10);
    Duration::seconds(5_i64.saturating_mul(1 << doublings).min(LONGEST_REST))
}

/// Whether an address belongs to the public internet: not to this machine, a private network or a special purpose
/// (RFC 6890 and the IANA registries of special-purpose addresses).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network; shared by carriers (RFC 6598); protocol assignments and relays; benchmarks; reserved.
        [0 | 240..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] => true,
        [100, second, ..] => (64..128).contains(&second),
        [198, second, ..] => second == 18 || second == 19,
        _ => false,
    };
    !(special
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only 2000::/3 is given out; in it are addresses that hold others (6to4, Teredo) and examples.
    match address.segments() {
        [0x2001, second, ..] => second > 0x01ff && second != 0x0db8,
        [0x2002, ..] => false,
        [0x3fff, second, ..] => second > 0x0fff,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_special_addresses_are_not_public() {
        let public = ["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "198.20.0.1", "223.255.255.254"];
        let public = public.iter().chain(&["2606:4700::1111", "2a00:1450::1", "2001:200::1", "::ffff:1.1.1.1"]);
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn pauses_grow_and_vary_by_a_fifth() {
        assert_eq!((pause(1, 0), pause(1, 1000)), (Duration::seconds(4), Duration::seconds(6)));
        assert_eq!(pause(2, 500), Duration::seconds(30));
        assert_eq!(pause(8, 500), Duration::hours(4));
        assert_eq!(pause(100, 500), Duration::hours(4));
        assert_eq!([1, 2, 3, 7, 40].map(|failures| rest(failures).num_seconds()), [5, 10, 20, 300, 300]);
    }
}
