//! The stop of the server, as everything hears of it that would never end by itself.

use std::sync::Arc;

use tokio::sync::watch;

/// Says that the server stops. Streams that would never end by themselves wait for it.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Shutdown {
    /// Begins the stop: no new connections, streams end, requests under way finish.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it begins.
    pub async fn begun(self) {
        let mut receiver = self.0.subscribe();
        // The sender lives in `self`, so waiting can't fail before it begins.
        if receiver.wait_for(|begun| *begun).await.is_err() {
            tracing::debug!("the server has gone already");
        }
    }
}
