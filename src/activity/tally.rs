//! What could not be recorded, counted since the process started.

use std::sync::atomic::{AtomicU64, Ordering};

static FAILED: AtomicU64 = AtomicU64::new(0);
static SPOOLED: AtomicU64 = AtomicU64::new(0);
static FILED: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// What this process could not record, since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Inserts that failed, rolled-back ones too.
    pub failed: u64,
    /// Kept in the spool table for a retry.
    pub spooled: u64,
    /// Kept in a file, because the database was gone.
    pub filed: u64,
    /// Given up: each is a gap of the record.
    pub lost: u64,
}

/// The process's [`Tally`].
#[must_use]
pub fn tally() -> Tally {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Tally { failed: read(&FAILED), spooled: read(&SPOOLED), filed: read(&FILED), lost: read(&LOST) }
}

pub(super) fn count_failed() {
    FAILED.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn count_spooled() {
    SPOOLED.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn count_filed() {
    FILED.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn count_lost(how_many: u64) {
    LOST.fetch_add(how_many, Ordering::Relaxed);
}
