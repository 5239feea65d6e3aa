//! Figures for Prometheus: how long requests take, and what stands in the database.
//!
//! Served to a token on the server's own address, and to whoever can reach `metrics-bind`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::{StatusCode, header};
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::db::inspection::{self, Standing};
use crate::db::{Db, DbError, Load};

/// How long requests take, in seconds, by method, route and status.
const REQUEST_SECONDS: &str = "fairdial_http_request_seconds";

/// Upper bounds that tell a quick page from a slow one.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Whether anybody asked for figures; labels cost memory that nobody else should pay.
static COLLECTS: AtomicBool = AtomicBool::new(false);

/// What was collected since somebody first asked.
static COLLECTED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

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

/// Starts serving `/metrics` at the address, without a token; the server runs when it is awaited or spawned.
///
/// # Errors
/// If somebody else collects already, or the address can't be listened on.
pub fn start(bind: SocketAddr, db: Db) -> anyhow::Result<Server> {
    collected()?;
    let db = web::Data::new(db);
    let server = HttpServer::new(move || App::new().app_data(db.clone()).route("/metrics", web::get().to(show)))
        .workers(1)
        .disable_signals()
        .bind(bind)
        .with_context(|| format!("metrics-bind {bind}: can't listen there"))?;
    Ok(server.run())
}

async fn show(db: web::Data<Db>) -> HttpResponse {
    match answer(&db).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "figures can't be told");
            HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// All figures, in Prometheus' text format. While the database is away they say so, and the rest is told all the same.
///
/// # Errors
/// If somebody else collects already.
pub async fn answer(db: &Db) -> anyhow::Result<HttpResponse> {
    let collected = collected()?;
    let standing = db.read::<_, DbError, _>(|conn| Ok(inspection::standing(conn)?)).await;
    let standing = standing.inspect_err(|error| tracing::warn!(%error, "the database gives no figures")).ok();
    collected.run_upkeep();
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(collected.render() + &gauges(standing.as_ref(), db.load())))
}

/// What was collected; the first who asks begins it.
fn collected() -> anyhow::Result<PrometheusHandle> {
    let mut collected = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = collected.as_ref() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.to_owned()), BUCKETS)?
        .install_recorder()
        .context("metrics can't be collected")?;
    metrics::describe_histogram!(REQUEST_SECONDS, metrics::Unit::Seconds, "How long requests take");
    COLLECTS.store(true, Ordering::Relaxed);
    Ok(collected.insert(handle).clone())
}

/// What is so at this moment: whole numbers, which the exporter would make fractions of.
fn gauges(standing: Option<&Standing>, load: Load) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: i64| {
        // Writing into a text doesn't fail.
        let _ = writeln!(text, "# HELP fairdial_{name} {help}\n# TYPE fairdial_{name} gauge\nfairdial_{name} {value}");
    };
    gauge("database_up", "Whether the database answers", i64::from(standing.is_some()));
    gauge("database_connections", "Connections to the database", i64::from(load.connections));
    gauge("database_connections_idle", "Those that nobody uses now", i64::from(load.idle));
    gauge("database_readers_free", "How many more requests could read now", i64::from(load.readers_free));
    gauge("database_writers_free", "How many more requests could write now", i64::from(load.writers_free));
    if let Some(standing) = standing {
        gauge("disputes_pending", "Disputes that are Pending", standing.pending);
        gauge("disputes_sent", "Disputes that were ever sent", standing.sent);
        gauge("calls", "Calls in the Call Log", standing.calls);
        gauge("webhook_deliveries_waiting", "Events that a receiver has yet to take", standing.deliveries);
        gauge("mails_waiting", "Notifications that have yet to be sent by e-mail", standing.mails);
    }
    text
}
