//! Figures for Prometheus, on a listener of their own: whoever can reach it needs no token.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// How long requests take, in seconds, by method, route and status.
const REQUEST_SECONDS: &str = "fairdial_http_request_seconds";

/// Upper bounds that tell a quick page from a slow one.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Whether anybody asked for figures; labels cost memory that nobody else should pay.
static COLLECTS: AtomicBool = AtomicBool::new(false);

/// Counts a request that was answered. `route` is the pattern: a path would make a series of every id.
pub fn answered(method: &str, route: Option<String>, status: u16, took: Duration) {
    if !COLLECTS.load(Ordering::Relaxed) {
        return;
    }
    let labels = [
        ("method", method.to_owned()),
        ("route", route.unwrap_or_else(|| "none".to_owned())),
        ("status", status.to_string()),
    ];
    metrics::histogram!(REQUEST_SECONDS, &labels).record(took);
}

/// Starts collecting, and serving `/metrics` at the address; the server runs when it is awaited or spawned.
///
/// # Errors
/// If somebody collects already, or the address can't be listened on.
pub fn start(bind: SocketAddr) -> anyhow::Result<Server> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.to_owned()), BUCKETS)?
        .install_recorder()
        .context("metrics can't be collected")?;
    metrics::describe_histogram!(REQUEST_SECONDS, metrics::Unit::Seconds, "How long requests take");
    COLLECTS.store(true, Ordering::Relaxed);
    let handle = web::Data::new(handle);
    let server = HttpServer::new(move || App::new().app_data(handle.clone()).route("/metrics", web::get().to(show)))
        .workers(1)
        .disable_signals()
        .bind(bind)
        .with_context(|| format!("metrics-bind {bind}: can't listen there"))?;
    Ok(server.run())
}

async fn show(handle: web::Data<PrometheusHandle>) -> HttpResponse {
    handle.run_upkeep();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(handle.render())
}
