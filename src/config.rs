//! Every setting: a flag and an environment variable of the same name, read once at the start.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use url::Url;

use crate::db::DatabaseUrl;

/// The typed settings, as flags that stand before or after the command's name.
#[derive(Args, Clone)]
#[command(next_help_heading = "Settings")]
pub struct Config {
    /// Address and port to listen on
    #[arg(long, global = true, env = "FAIRDIAL_BIND", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT", value_parser = socket)]
    pub bind: SocketAddr,

    /// Folder for the database, evidence, recordings and keys
    #[arg(long, global = true, env = "FAIRDIAL_DATA_DIR", default_value = "./data", value_name = "FOLDER")]
    pub data_dir: PathBuf,

    /// Database; without it a SQLite file in the data folder
    #[arg(long, global = true, env = "FAIRDIAL_DATABASE_URL", value_name = "URL", hide_env_values = true, value_parser = database_url)]
    pub database_url: Option<DatabaseUrl>,

    /// Address under which people reach this server; decides Secure cookies, HSTS and links
    #[arg(long, global = true, env = "FAIRDIAL_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<PublicUrl>,

    /// Proxies whose forwarded headers are believed, separated by commas
    #[arg(long, global = true, env = "FAIRDIAL_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<Network>,

    /// Address and port for `/metrics` alone, without a token
    #[arg(long, global = true, env = "FAIRDIAL_METRICS_BIND", value_name = "ADDRESS:PORT", value_parser = socket)]
    pub metrics_bind: Option<SocketAddr>,

    /// Largest evidence file, in bytes
    #[arg(long, global = true, env = "FAIRDIAL_MAX_EVIDENCE_BYTES", default_value = "26214400", value_name = "BYTES", value_parser = evidence_bytes)]
    pub max_evidence_bytes: u64,

    /// Most evidence files of one dispute
    #[arg(long, global = true, env = "FAIRDIAL_MAX_EVIDENCE_FILES", default_value = "10", value_name = "NUMBER", value_parser = evidence_files)]
    pub max_evidence_files: u16,

    /// Largest file of calls that the Imports page takes, in bytes
    #[arg(long, global = true, env = "FAIRDIAL_MAX_IMPORT_BYTES", default_value = "268435456", value_name = "BYTES", value_parser = import_bytes)]
    pub max_import_bytes: u64,

    /// Requests to the JSON API that a token may make in a minute, at each process
    #[arg(long, global = true, env = "FAIRDIAL_API_REQUESTS_PER_MINUTE", default_value = "600", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub api_requests_per_minute: u32,

    /// How log lines are written to standard error
    #[arg(long, global = true, env = "FAIRDIAL_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace, or `part=level` separated by commas
    #[arg(long, global = true, env = "FAIRDIAL_LOG_FILTER", default_value = "info", value_name = "FILTER", value_parser = log_filter)]
    pub log_filter: String,

    /// Server that sends e-mail, such as `smtps://user:password@mail.example.com` or `smtp://localhost:25`; none: no e-mail
    #[arg(long, global = true, env = "FAIRDIAL_SMTP_URL", value_name = "URL", hide_env_values = true, value_parser = smtp_url, requires_all = ["mail_from", "public_url"])]
    pub smtp_url: Option<SmtpUrl>,

    /// Who e-mail comes from, such as "Disputes <disputes@example.com>"
    #[arg(long, global = true, env = "FAIRDIAL_MAIL_FROM", value_name = "ADDRESS", value_parser = mail_from)]
    pub mail_from: Option<Mailbox>,

    /// Let webhooks go to private and loopback addresses, and by http: for receivers in your own network
    #[arg(long, global = true, env = "FAIRDIAL_WEBHOOK_PRIVATE_ADDRESSES")]
    pub webhook_private_addresses: bool,

    /// Threads that serve requests; without it one for each processor
    #[arg(long, global = true, env = "FAIRDIAL_WORKERS", value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
}

impl Config {
    /// Whether people reach this server by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Where the database is: as set, or the SQLite file in the data folder.
    #[must_use]
    pub fn database(&self) -> DatabaseUrl {
        self.database_url.clone().unwrap_or_else(|| DatabaseUrl::in_folder(&self.data_dir))
    }

    /// Whether forwarded headers of this peer are believed.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The database's address can hold a password; its own Debug hides it.
        out.debug_struct("Config")
            .field("bind", &self.bind)
            .field("data_dir", &self.data_dir)
            .field("database_url", &self.database_url)
            .field("public_url", &self.public_url)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("metrics_bind", &self.metrics_bind)
            .field("max_evidence_bytes", &self.max_evidence_bytes)
            .field("max_evidence_files", &self.max_evidence_files)
            .field("max_import_bytes", &self.max_import_bytes)
            .field("api_requests_per_minute", &self.api_requests_per_minute)
            .field("log_format", &self.log_format)
            .field("log_filter", &self.log_filter)
            .field("smtp_url", &self.smtp_url)
            .field("mail_from", &self.mail_from)
            .field("webhook_private_addresses", &self.webhook_private_addresses)
            .field("workers", &self.workers)
            .finish()
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The address under which people reach this server: scheme and host, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    https: bool,
}

impl PublicUrl {
    /// Scheme, host and port, as a browser writes it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the scheme is https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }
}

/// The server that sends e-mail. Holds a password: it is never shown.
#[derive(Clone)]
pub struct SmtpUrl(String);

impl SmtpUrl {
    /// The address with its password, for the connection alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SmtpUrl(..)")
    }
}

/// One address, or all that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    mask: u128,
}

impl Network {
    /// Whether the address is in the network; an IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.bits
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const ALLOWED: &str = "allowed: addresses or networks, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8";
        let (address, length) = text.trim().split_once('/').map_or((text.trim(), None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|error| format!("{error}; {ALLOWED}"))?;
        let (full, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let length: u32 = match length {
            Some(length) => length.parse().map_err(|error| format!("{error}; {ALLOWED}"))?,
            None => full,
        };
        if length > full {
            return Err(format!("a network has at most {full} bits; {ALLOWED}"));
        }
        let mask = u128::MAX.checked_shl(full - length).unwrap_or(0)
            | if offset > 0 && length == 0 { u128::MAX << 32 } else { 0 };
        Ok(Self { bits: bits(address) & mask, mask })
    }
}

/// IPv4 as its mapped IPv6 form, so that one comparison serves both.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|error| format!("{error}; allowed: an address and a port, such as 127.0.0.1:8080 or [::]:8080"))
}

fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    // The value isn't repeated: it can hold a password.
    text.parse()
}

fn public_url(text: &str) -> Result<PublicUrl, String> {
    const ALLOWED: &str =
        "allowed: http:// or https:// and a host, without a path, such as https://disputes.example.com";
    let url = Url::parse(text).map_err(|error| format!("{error}; {ALLOWED}"))?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(ALLOWED.to_owned());
    }
    Ok(PublicUrl { origin: url.origin().ascii_serialization(), https: url.scheme() == "https" })
}

fn smtp_url(text: &str) -> Result<SmtpUrl, String> {
    // The value isn't repeated: it can hold a password.
    match AsyncSmtpTransport::<Tokio1Executor>::from_url(text) {
        Ok(_) => Ok(SmtpUrl(text.to_owned())),
        Err(_) => {
            Err("allowed: smtps://USER:PASSWORD@HOST, or smtp://HOST:PORT, with ?tls=required for STARTTLS".to_owned())
        }
    }
}

fn mail_from(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|error| format!("{error}; allowed: an address, such as Disputes <disputes@example.com>"))
}

fn network(text: &str) -> Result<Network, String> {
    text.parse()
}

fn evidence_bytes(text: &str) -> Result<u64, String> {
    within(text, &1024, &(1 << 30))
}

fn import_bytes(text: &str) -> Result<u64, String> {
    within(text, &1024, &(1 << 32))
}

fn evidence_files(text: &str) -> Result<u16, String> {
    within(text, &1, &100)
}

fn within<T: FromStr + PartialOrd + fmt::Display>(text: &str, low: &T, high: &T) -> Result<T, String> {
    match text.parse::<T>() {
        Ok(number) if number >= *low && number <= *high => Ok(number),
        _ => Err(format!("allowed: a whole number from {low} to {high}")),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| {
        format!("{error}; allowed: error, warn, info, debug, trace, or part=level separated by commas")
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
