//! The address of whoever asks: the peer's, or the one that a trusted proxy names.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Once;

use actix_web::dev::{Payload, RequestHead};
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpRequest, web};

use crate::config::Config;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

static WARNED: Once = Once::new();

/// The asker's address, for the audit log and for throttling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Goes back along `X-Forwarded-For` as long as the hops are trusted; the first stranger is the client.
    #[must_use]
    pub fn of(head: &RequestHead, config: &Config) -> Self {
        let peer = head.peer_addr.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
        let named =
            head.headers().get_all(FORWARDED_FOR).filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
        if named.is_empty() {
            return Self(peer);
        }
        if !config.trusts(peer) {
            WARNED.call_once(|| {
                tracing::warn!(%peer, "a forwarded header was ignored: its sender isn't among the setting trusted-proxies");
            });
            return Self(peer);
        }
        let mut client = peer;
        for hop in named.rsplit(',') {
            // What can't be read was written by somebody further out; the last good hop stays.
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            client = address.to_canonical();
            if !config.trusts(client) {
                break;
            }
        }
        Self(client)
    }
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let unknown = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        ready(Ok(request.app_data::<web::Data<Config>>().map_or(unknown, |config| Self::of(request.head(), config))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use clap::Parser;
    use rstest::rstest;

    use super::*;
    use crate::commands::Cli;

    #[rstest]
    #[case::without_a_proxy("203.0.113.9", "198.51.100.7", "203.0.113.9")]
    #[case::behind_a_proxy("10.0.0.2", "198.51.100.7", "198.51.100.7")]
    #[case::behind_two("10.0.0.2", "198.51.100.7, 10.0.0.3", "198.51.100.7")]
    #[case::a_forged_first_hop("10.0.0.2", "1.1.1.1, 198.51.100.7", "198.51.100.7")]
    #[case::nonsense("10.0.0.2", "nobody", "10.0.0.2")]
    fn only_trusted_hops_are_believed(#[case] peer: &str, #[case] named: &str, #[case] client: &str) {
        let config = Cli::try_parse_from(["fairdial", "serve", "--trusted-proxies", "10.0.0.0/8"]).unwrap().config;
        let request = TestRequest::default()
            .peer_addr(format!("{peer}:4711").parse().unwrap())
            .insert_header(("x-forwarded-for", named))
            .to_http_request();
        assert_eq!(ClientAddress::of(request.head(), &config).0.to_string(), client);
    }
}
