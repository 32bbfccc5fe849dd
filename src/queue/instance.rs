//! What the runner of this instance does besides jobs, and how that goes: known to this process alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::schedules::LATE;

/// What an instance does for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Errand {
    /// Taking what the embedded server hands over of its log into the archive.
    ArchiveLog,
    LookForJobs,
    /// Watching the container engine, or waiting for whoever does.
    ObserveEngine,
    /// Reading in the file of actions that the database did not take: it lies on this machine.
    ReadSpoolFile,
    /// For pages that are open.
    LookForChanges,
}

impl Errand {
    /// The word for it in addresses and attributes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ArchiveLog => "archive_log",
            Self::LookForJobs => "look_for_jobs",
            Self::ObserveEngine => "observe_engine",
            Self::ReadSpoolFile => "read_spool_file",
            Self::LookForChanges => "look_for_changes",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ArchiveLog => "Archive the log of the embedded database",
            Self::LookForJobs => "Look for jobs that are due",
            Self::ObserveEngine => "Observe the container engine, or wait for the instance that does",
            Self::ReadSpoolFile => "Read in actions that were kept on disk",
            Self::LookForChanges => "Tell open pages what changed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrandRecord {
    /// When the runner began with it.
    pub since: DateTime<Utc>,
    /// When it last went well.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Since when it has not.
    pub failing_since: Option<DateTime<Utc>>,
    /// Why not.
    pub last_error: Option<String>,
}

impl ErrandRecord {
    /// Whether nobody has heard of it for long.
    #[must_use]
    pub fn is_late(&self, at: DateTime<Utc>) -> bool {
        at - self.last_success_at.unwrap_or(self.since) > TimeDelta::minutes(LATE)
    }
}

/// The errands of this process; none where no runner was started.
#[derive(Debug, Clone, Default)]
pub struct Errands(Arc<Mutex<BTreeMap<Errand, ErrandRecord>>>);

impl Errands {
    /// An errand came to its end.
    pub fn note(&self, errand: Errand, at: DateTime<Utc>, outcome: Result<(), String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let record = all.entry(errand).or_insert(ErrandRecord {
            since: at,
            last_success_at: None,
            failing_since: None,
            last_error: None,
        });
        match outcome {
            Ok(()) => {
                record.last_success_at = Some(at);
                (record.failing_since, record.last_error) = (None, None);
            }
            Err(error) => {
                record.failing_since.get_or_insert(at);
                record.last_error = Some(error);
            }
        }
    }

    /// Those that are late, each in a sentence.
    #[must_use]
    pub fn late(&self, at: DateTime<Utc>) -> Vec<String> {
        let late = self.all().into_iter().filter(|(_, record)| record.is_late(at));
        late.map(|(errand, record)| {
            let last = record.last_success_at.unwrap_or(record.since);
            format!("{}: not done here since {}", errand.as_str(), last.to_rfc3339())
        })
        .collect()
    }

    #[must_use]
    pub fn all(&self) -> Vec<(Errand, ErrandRecord)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(errand, record)| (*errand, record.clone())).collect()
    }
}
