use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeZone, Utc};

/// What time it is: the machine's, or one that a test holds still.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    frozen: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { frozen: None }
    }

    /// A clock that stands at `millis` (epoch milliseconds) until [`Clock::set`] moves it.
    #[must_use]
    pub fn frozen_at(millis: i64) -> Self {
        Self { frozen: Some(Arc::new(AtomicI64::new(millis))) }
    }

    /// Moves a frozen clock to `millis` (epoch milliseconds); the machine's clock ignores it.
    pub fn set(&self, millis: i64) {
        if let Some(frozen) = &self.frozen {
            frozen.store(millis, Ordering::SeqCst);
        }
    }

    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.frozen {
            None => Utc::now(),
            Some(frozen) => {
                Utc.timestamp_millis_opt(frozen.load(Ordering::SeqCst)).single().unwrap_or_default()
            }
        }
    }

    /// Now, in epoch milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }
}
