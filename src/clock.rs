//! The only reader of the current time.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Duration, SubsecRound};

use crate::domain::Instant;

/// Where `now` comes from: the system, or a test that sets it.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Fixed(Arc<Mutex<Instant>>),
}

impl Clock {
    /// A clock that stands still until it is advanced.
    #[must_use]
    pub fn fixed(at: Instant) -> Self {
        Self::Fixed(Arc::new(Mutex::new(at)))
    }

    /// The current instant in UTC, cut to microseconds.
    #[must_use]
    pub fn now(&self) -> Instant {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
            Self::System => chrono::Utc::now().naive_utc().trunc_subsecs(6),
            Self::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a fixed clock; the system's clock can't be moved.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(at) = self {
            let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
            *at = at.checked_add_signed(by).unwrap_or(*at);
        }
    }
}
