//! Log lines to standard error, with a request id. Never a query string, never a secret in a path.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use tracing::{Span, field};
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging; a second start (several servers in one test program) changes nothing.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let started = match config.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging had been started before");
    }
}

struct StartedAt(Instant);

/// What a log line says of a request: method, path without its query, status, duration, id.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        request.extensions_mut().insert(StartedAt(Instant::now()));
        tracing::info_span!("request", method = %request.method(), path = %loggable_path(request.path()), request_id = id, user_id = field::Empty)
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let _inside = span.enter();
        match outcome {
            Ok(response) => {
                let took = response.request().extensions().get::<StartedAt>().map(|started| started.0.elapsed());
                let duration_ms = took.as_ref().map(Duration::as_millis);
                let status = response.status().as_u16();
                let request = response.request();
                let took = took.unwrap_or_default();
                crate::metrics::answered(request.method().as_str(), request.match_pattern(), status, took);
                let path = response.request().path();
                if path == "/healthz" || path.starts_with("/static/") {
                    tracing::debug!(status, duration_ms, "served");
                } else {
                    tracing::info!(status, duration_ms, "served");
                }
            }
            Err(error) => tracing::info!(status = error.as_response_error().status_code().as_u16(), "served"),
        }
    }
}

/// Links that let somebody in are secrets; only their kind is logged.
fn loggable_path(path: &str) -> Cow<'_, str> {
    for secret in ["/setup/", "/invitations/"] {
        if path.starts_with(secret) {
            return Cow::Owned(format!("{secret}…"));
        }
    }
    Cow::Borrowed(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_let_somebody_in_are_not_logged() {
        assert_eq!(loggable_path("/setup/0123abc"), "/setup/…");
        assert_eq!(loggable_path("/disputes/0123abc"), "/disputes/0123abc");
    }
}
