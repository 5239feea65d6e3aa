//! Being asked to stop: the batch under way is finished, so that what went in is told and audited.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Whether somebody asked the import to stop.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for the signals of a terminal and a supervisor; a second one stops at once.
    pub(super) fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        let asked = interrupt.clone();
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut terminal, mut supervisor) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        thread::spawn(move || {
            runtime.block_on(async move {
                loop {
                    tokio::select! {
                        _ = terminal.recv() => {}
                        _ = supervisor.recv() => {}
                    }
                    if asked.0.swap(true, Ordering::Relaxed) {
                        std::process::exit(1);
                    }
                }
            });
        });
        Ok(interrupt)
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
