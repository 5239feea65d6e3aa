//! `fairdial serve`: creates what is missing, listens, and stops in order.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{self, Running};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, DbError, links};
use crate::telemetry;
use crate::web::paths;

/// Serves until a signal; 0 after an orderly stop.
pub(super) fn run(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::start(&config);
    super::create_data_dir(&config)?;
    // Held until the process ends, however it ends.
    let _only_server = lock_if_needed(&config)?;
    let db = Db::open_current(&config)?;
    let listener =
        TcpListener::bind(config.bind).with_context(|| format!("bind {}: can't listen there", config.bind))?;
    let address = listener.local_addr()?;
    let metrics_bind = config.metrics_bind;
    offer_setup(&config, &db, address)?;
    actix_web::rt::System::new().block_on(async move {
        let mut signals = Signals::listen()?;
        let figures = db.clone();
        let Running { server, shutdown } = app::start(config, db, Clock::System, listener)?;
        tracing::info!(%address, "listening");
        if let Some(bind) = metrics_bind {
            actix_web::rt::spawn(crate::metrics::start(bind, figures)?);
        }
        actix_web::rt::spawn(async move {
            signals.next().await;
            tracing::info!("stopping: requests under way finish; a second signal stops at once");
            shutdown.begin();
            signals.next().await;
            tracing::warn!("stopped at once");
            std::process::exit(1);
        });
        server.await?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}

/// While there is nobody to sign in, whoever sees this terminal may become the first manager.
fn offer_setup(config: &Config, db: &Db, address: SocketAddr) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let token = db.write_blocking::<_, DbError>(|conn| Ok(links::start_setup(conn, now)?))?;
    if let Some(token) = token {
        let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let origin = match &config.public_url {
            Some(url) => url.origin().to_owned(),
            None => format!("http://{host}:{}", address.port()),
        };
        eprintln!("There is no user yet. Set Fairdial up within 24 hours, once: {origin}{}", paths::setup(token));
    }
    Ok(())
}

/// Keeps other servers off the folder where the database can't bear two.
pub(super) fn lock_if_needed(config: &Config) -> anyhow::Result<Option<File>> {
    if config.database().is_sqlite() { lock_folder(config).map(Some) } else { Ok(None) }
}

/// The lock that one server alone has on a data folder with SQLite. PostgreSQL is made for several.
fn lock_folder(config: &Config) -> anyhow::Result<File> {
    let path = config.data_dir.join("serve.lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("{}: the file can't be opened", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "data-dir {}: another server runs on this folder. Stop it first, or name another folder; several servers \
             can share a PostgreSQL database",
            config.data_dir.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{}: the file can't be locked", path.display()))
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
