//! Webhooks on their way.
//!
//! Signed by the rules of Standard Webhooks, sent to public addresses alone, each receiver for
//! itself, so that one that hangs delays nobody else.

use std::cell::Cell;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::{StreamExt, future, stream};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, header};
use sha2::Sha256;
use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::clock::Clock;
use crate::config::Config;
use crate::db::deliveries::{self, Outcome, Work};
use crate::db::webhooks::{EventRow, MARK};
use crate::db::{Db, DbError};
use crate::domain::Instant;
use crate::domain::ids::{DeliveryId, EndpointId, EventId};
use crate::domain::webhook::is_public;
use crate::shutdown::Shutdown;

/// How often is looked for what is due.
const EVERY: Duration = Duration::from_secs(1);

/// A receiver that hasn't answered by then has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many events are under way to one receiver at once, each of another dispute.
const ABREAST: usize = 4;

/// So many receivers are worked on at once.
const RECEIVERS: usize = 64;

/// So much of an answer is kept.
const ANSWER: usize = 2048;

/// Delivers events.
#[derive(Clone)]
pub struct Webhooks {
    client: Client,
    allows_private: bool,
    db: Db,
    clock: Clock,
    places: Arc<Semaphore>,
}

/// Why an address can't be a receiver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error("Write a whole address, such as https://example.com/fairdial")]
    NotAnAddress,
    #[error("Only https is allowed: events are about money")]
    NotHttps,
    #[error("A name and password in the address aren\u{2019}t sent: the signature says who it comes from")]
    Credentials,
    #[error("This address belongs to a private network or to this machine; events only go to public ones")]
    Private,
}

/// Reads a receiver's address. Names are looked up, and checked, when something is sent.
///
/// # Errors
/// Says what is wrong with it.
pub fn read_url(text: &str, allows_private: bool) -> Result<Url, BadUrl> {
    let url = Url::parse(text.trim()).or(Err(BadUrl::NotAnAddress))?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.as_str().len() <= 2000;
    match () {
        () if !is_web => Err(BadUrl::NotAnAddress),
        () if url.scheme() != "https" && !allows_private => Err(BadUrl::NotHttps),
        () if !url.username().is_empty() || url.password().is_some() => Err(BadUrl::Credentials),
        () if !allows_private && is_private_literal(&url) => Err(BadUrl::Private),
        () => Ok(url),
    }
}

/// An address in numbers is never looked up: it is checked here.
fn is_private_literal(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
        // RFC 6761, 6.3: whatever stands before it, it is this machine.
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
        }
        None => true,
    }
}

/// Looks names up, and gives public addresses alone: what was checked is what is connected to.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(Box::<dyn Error + Send + Sync>::from(BadUrl::Private));
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// `v1,` and HMAC-SHA256 over id, time and body, for each secret (Standard Webhooks, "Signature scheme").
fn sign(secrets: &[&str], event: EventId, at: i64, body: &str) -> String {
    let signature = |secret: &&str| {
        let key = BASE64_STANDARD.decode(secret.trim_start_matches(MARK)).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(format!("{event}.{at}.{body}").as_bytes());
        Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    };
    secrets.iter().filter_map(signature).collect::<Vec<_>>().join(" ")
}

/// What sends: no redirects, no proxy, and without the setting no connection to a private address.
fn client(allows_private: bool) -> anyhow::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        tracing::warn!("this machine has no root certificates: no webhook can be delivered by https");
    }
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .timeout(PATIENCE)
        .user_agent(concat!("Fairdial/", env!("CARGO_PKG_VERSION")));
    if !allows_private {
        client = client.dns_resolver(PublicOnly);
    }
    Ok(client.build()?)
}

impl Webhooks {
    /// As set.
    ///
    /// # Errors
    /// If this machine's certificates can't be read.
    pub fn new(config: &Config, db: Db, clock: Clock) -> anyhow::Result<Self> {
        let allows_private = config.webhook_private_addresses;
        let client = client(allows_private)?;
        let places = Arc::new(Semaphore::new(RECEIVERS));
        Ok(Self { client, allows_private, db, clock, places })
    }

    /// Delivers what is due, until the server stops.
    pub async fn run(self, shutdown: Shutdown) {
        loop {
            match self.due().await {
                Ok(receivers) => {
                    for id in receivers {
                        let own = self.clone();
                        actix_web::rt::spawn(async move { own.serve(id).await });
                    }
                }
                Err(error) => tracing::error!(%error, "looking for webhooks to deliver broke off"),
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.clone().begun() => return,
            }
        }
    }

    /// Delivers what is due now, and waits until that is done.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn deliver(&self) -> anyhow::Result<()> {
        let receivers = self.due().await?;
        future::join_all(receivers.into_iter().map(|id| self.serve(id))).await;
        Ok(())
    }

    async fn due(&self) -> Result<Vec<EndpointId>, DbError> {
        let now = self.clock.now();
        self.db.read(move |conn| Ok::<_, DbError>(deliveries::due(conn, now)?)).await
    }

    /// Works on one receiver until nothing is due for it, or it fails.
    async fn serve(&self, id: EndpointId) {
        // Whoever finds no place is due again in a second.
        let Ok(_place) = self.places.try_acquire() else { return };
        if let Err(error) = self.work_on(id).await {
            tracing::error!(%error, webhook.id = %id, "delivering to a webhook broke off; it is tried again");
        }
    }

    async fn work_on(&self, id: EndpointId) -> Result<(), DbError> {
        let now = self.clock.now();
        let mut next = self.db.write(move |conn| Ok::<_, DbError>(deliveries::claim(conn, id, now)?)).await?;
        while let Some(work) = next {
            let goes_on = self.send_all(&work).await?;
            let now = self.clock.now();
            next = if goes_on {
                self.db.write(move |conn| Ok::<_, DbError>(deliveries::take(conn, id, now)?)).await?
            } else {
                self.db.write(move |conn| Ok::<_, DbError>(deliveries::release(conn, id, now)?)).await?;
                None
            };
        }
        Ok(())
    }

    /// Sends a batch; whether all of it arrived. After the first failure nothing more is begun.
    async fn send_all(&self, work: &Work) -> Result<bool, DbError> {
        let all_arrived = Cell::new(true);
        let events = stream::iter(&work.events).take_while(|_| future::ready(all_arrived.get()));
        let mut attempts = events.map(|(delivery, event)| self.send(work, *delivery, event)).buffer_unordered(ABREAST);
        while let Some(outcome) = attempts.next().await {
            all_arrived.set(outcome? && all_arrived.get());
        }
        Ok(all_arrived.get())
    }

    /// One attempt; whether it arrived.
    async fn send(&self, work: &Work, delivery: DeliveryId, event: &EventRow) -> Result<bool, DbError> {
        let at = self.clock.now();
        let body = event.body();
        let signature = sign(&work.endpoint.secrets(at), event.id, at.and_utc().timestamp(), &body);
        let began = tokio::time::Instant::now();
        let answered = tokio::time::timeout(PATIENCE, self.post(&work.endpoint.url, event.id, at, (&signature, body)));
        let (status, answer) = match answered.await {
            Ok(Ok((status, answer))) => (Some(status), answer),
            Ok(Err(error)) => (None, told(error.as_ref())),
            Err(_) => (None, "There was no answer within ten seconds.".to_owned()),
        };
        let outcome = Outcome {
            at,
            milliseconds: i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX),
            signature,
            status,
            answer,
        };
        let (arrived, endpoint) = (outcome.is_delivered(), work.endpoint.id);
        let chance = rand::random_range(0..=1000);
        self.db.write(move |conn| deliveries::settle(conn, (endpoint, delivery), &outcome, chance)).await?;
        Ok(arrived)
    }

    async fn post(
        &self,
        url: &str,
        event: EventId,
        at: Instant,
        (signature, body): (&str, String),
    ) -> Result<(u16, String), Box<dyn Error + Send + Sync>> {
        // The setting may be another one than when the address was written down.
        let url = read_url(url, self.allows_private)?;
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", event.to_string())
            .header("webhook-timestamp", at.and_utc().timestamp())
            .header("webhook-signature", signature)
            .body(body);
        let mut response = request.send().await?;
        let mut answer = Vec::new();
        while answer.len() < ANSWER
            && let Some(chunk) = response.chunk().await?
        {
            answer.extend_from_slice(&chunk);
        }
        answer.truncate(ANSWER);
        // Text in PostgreSQL holds no NUL.
        Ok((response.status().as_u16(), String::from_utf8_lossy(&answer).replace('\0', "\u{fffd}")))
    }
}

/// Why there was no answer, without the address: that stands beside it.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    format!("There was no answer: {last}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_many_names() {
        for host in ["localhost", "LOCALHOST", "localhost.", "mail.localhost", "127.1", "0x7f000001", "[::ffff:7f00:1]"]
        {
            let refused = read_url(&format!("https://{host}/events"), false);
            assert_eq!(refused, Err(BadUrl::Private), "{host}");
        }
        for host in ["localhost.example.com", "notlocalhost"] {
            assert!(read_url(&format!("https://{host}/events"), false).is_ok(), "{host}");
        }
    }

    #[actix_web::test]
    async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
        // Nothing is let through at this port either way: why it failed tells who refused.
        for (allows_private, is_refused) in [(false, true), (true, false)] {
            let client = client(allows_private).unwrap();
            let error = client.post("https://localhost:1/events").send().await.unwrap_err();
            assert_eq!(told(&error).contains("private network"), is_refused, "{}", told(&error));
        }
    }
}
