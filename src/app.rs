//! The server as main and the tests start it: one order of middleware, one set of shared values.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::cookie::Key;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, Error, HttpServer, web};
use tracing_actix_web::TracingLogger;

use crate::auth::session;
use crate::bulk;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::file_store::FileStore;
use crate::intake::Imports;
use crate::mail::Mailer;
use crate::shutdown::Shutdown;
use crate::sweep;
use crate::telemetry::RequestSpan;
use crate::waveform::Waveforms;
use crate::web::{api, compression, error_pages, events, form, routes, same_origin, security_headers, slow_body};
use crate::webhooks::Webhooks;

/// How long requests under way may take after the stop has begun.
const SHUTDOWN_SECONDS: u64 = 25;

/// A started server: await `server`, end it with `shutdown`.
pub struct Running {
    pub server: Server,
    pub shutdown: Shutdown,
}

/// What every worker shares.
#[derive(Clone)]
pub struct Shared {
    pub config: web::Data<Config>,
    pub db: web::Data<Db>,
    pub clock: web::Data<Clock>,
    pub files: web::Data<FileStore>,
    pub waveforms: web::Data<Waveforms>,
    pub shutdown: web::Data<Shutdown>,
    pub imports: web::Data<Imports>,
    pub events: web::Data<events::Hub>,
    pub rates: web::Data<api::Rates>,
    session_key: Key,
}

impl Shared {
    /// Wraps the values once for all workers, and opens the folders of the files.
    pub fn new(config: Config, db: Db, clock: Clock, session_key: Key) -> io::Result<Self> {
        let files = web::Data::new(FileStore::open(&config.data_dir)?);
        let rates = web::Data::new(api::Rates::of(&config));
        let shutdown = Shutdown::default();
        Ok(Self {
            rates,
            config: web::Data::new(config),
            imports: web::Data::new(Imports::new(db.clone(), clock.clone(), files.as_ref().clone(), shutdown.clone())),
            shutdown: web::Data::new(shutdown),
            db: web::Data::new(db),
            clock: web::Data::new(clock),
            waveforms: web::Data::new(Waveforms::beside(files.as_ref().clone())),
            files,
            events: web::Data::new(events::Hub::default()),
            session_key,
        })
    }
}

/// The application around some routes. Middleware runs from the last `wrap` to the first.
pub fn build(
    shared: Shared,
    register: impl FnOnce(&mut web::ServiceConfig),
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let sessions = session::middleware(
        &shared.config,
        shared.db.as_ref().clone(),
        shared.clock.as_ref().clone(),
        shared.session_key,
    );
    App::new()
        .app_data(shared.config)
        .app_data(shared.db)
        .app_data(shared.clock)
        .app_data(shared.files)
        .app_data(shared.waveforms)
        .app_data(shared.shutdown)
        .app_data(shared.imports)
        .app_data(shared.events)
        .app_data(shared.rates)
        .app_data(form::payload_config())
        .wrap(from_fn(error_pages::render_errors))
        .wrap(from_fn(compression::at_once))
        .wrap(Compress::default())
        .wrap(from_fn(security_headers::add_headers))
        .wrap(TracingLogger::<RequestSpan>::new())
        .configure(routes::register_for_anybody)
        .service(
            // Tokens alone, and no session: nobody can borrow a browser's rights here.
            web::scope("/api/v1")
                .app_data(api::payload_config())
                .wrap(from_fn(slow_body::limit_slow_bodies))
                .wrap(from_fn(api::admit))
                .configure(routes::register_api),
        )
        .service(
            web::scope(routes::METRICS)
                .wrap(from_fn(slow_body::limit_slow_bodies))
                .wrap(from_fn(api::admit))
                .configure(routes::register_metrics),
        )
        .service(
            web::scope("")
                .wrap(from_fn(slow_body::limit_slow_bodies))
                .wrap(from_fn(same_origin::require_same_origin))
                .wrap(sessions)
                .configure(register),
        )
}

/// Starts serving on the listener. Signals are the caller's: it calls `Shutdown::begin`.
pub fn start(config: Config, db: Db, clock: Clock, listener: TcpListener) -> io::Result<Running> {
    let session_key = session::signing_key(&config.data_dir).map_err(io::Error::other)?;
    let workers = config.workers.map(usize::from);
    let shared = Shared::new(config, db, clock, session_key)?;
    let shutdown = shared.shutdown.as_ref().clone();
    let (db, clock, files) = (shared.db.as_ref().clone(), shared.clock.as_ref().clone(), shared.files.as_ref().clone());
    actix_web::rt::spawn(shared.imports.as_ref().clone().resume());
    actix_web::rt::spawn(bulk::resume(db.clone(), clock.clone(), shutdown.clone()));
    if let Some(mailer) = Mailer::new(&shared.config).map_err(io::Error::other)? {
        actix_web::rt::spawn(mailer.run(db.clone(), clock.clone(), shutdown.clone()));
    }
    let webhooks = Webhooks::new(&shared.config, db.clone(), clock.clone()).map_err(io::Error::other)?;
    actix_web::rt::spawn(webhooks.run(shutdown.clone()));
    actix_web::rt::spawn(sweep::run_hourly(db, clock, files, shutdown.clone()));
    let server = HttpServer::new(move || build(shared.clone(), routes::register))
        // Compressed pages are written in several pieces; without it each waits 44 ms for the other side.
        .tcp_nodelay(true)
        .keep_alive(Duration::from_secs(30))
        .client_request_timeout(Duration::from_secs(10))
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .shutdown_signal(shutdown.clone().begun());
    let server = match workers {
        Some(workers) => server.workers(workers),
        None => server,
    };
    Ok(Running { server: server.listen(listener)?.run(), shutdown })
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
