//! The kinds of jobs.

use chrono::TimeDelta;

/// What the console knows about a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindFacts {
    /// The stored word.
    pub stored: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// When it is due by itself: a cron pattern with seconds, in UTC.
    pub schedule: Option<&'static str>,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An owner's message in a chat is answered.
    AnswerMessage,
    /// A backup is made, and those that the rule does not keep are deleted.
    BackUp,
    /// What somebody asked to be done to a container is done.
    CarryOutOperation,
    /// Backups are copied to a bucket; without one, a job is asked for each.
    CopyBackups,
    /// Events that were reported and never heard of again end.
    EndSilentEvents,
    /// Conversations of visitors end without a word for thirty days.
    ExpireConversations,
    /// Records that are older than the timeline are taken into it.
    FillTimeline,
    /// How large tables are today is kept.
    MeasureTables,
    /// How far visitors come is counted.
    KeepFunnel,
    /// What insights show is counted.
    KeepInsights,
    /// A container is made, or made anew, as somebody asked for.
    MakeContainer,
    /// Entries of a project that changed hands go with it.
    MoveEntries,
    /// The newest backup is restored beside the database, and compared.
    ProveBackup,
    /// Jobs that ended long ago are deleted.
    PruneJobs,
    /// Answers for retries and the bodies of deliveries are kept for a time.
    PruneReports,
    /// What containers used is thinned out, and forgotten after a week.
    PruneSamples,
    /// Posted drafts get their public pages.
    PublishDrafts,
    /// Actions that could not be recorded when they happened are recorded.
    RecordSpooled,
    /// What is older than its rule is deleted.
    Retain,
    /// What heat maps and charts show is counted.
    RollUpActivity,
    /// Posted drafts whose owners agreed are told to the CRM.
    SendOpportunities,
    /// What was delivered to a webhook becomes records.
    WorkOffDelivery,
    /// Another version's: it waits for an instance that knows it.
    Other(String),
}

impl Kind {
    /// Every known kind.
    pub const ALL: &[Self] = &[
        Self::AnswerMessage,
        Self::BackUp,
        Self::CarryOutOperation,
        Self::CopyBackups,
        Self::EndSilentEvents,
        Self::ExpireConversations,
        Self::FillTimeline,
        Self::MeasureTables,
        Self::KeepFunnel,
        Self::KeepInsights,
        Self::MakeContainer,
        Self::MoveEntries,
        Self::ProveBackup,
        Self::PruneJobs,
        Self::PruneReports,
        Self::PruneSamples,
        Self::PublishDrafts,
        Self::RecordSpooled,
        Self::Retain,
        Self::RollUpActivity,
        Self::SendOpportunities,
        Self::WorkOffDelivery,
    ];

    /// What the console knows about it; nothing of [`Kind::Other`].
    #[must_use]
    pub fn facts(&self) -> Option<KindFacts> {
        let (stored, label, schedule) = match self {
            Self::AnswerMessage => ("answer_message", "Answer a message in a project's chat", None),
            Self::BackUp => ("back_up", "Make a backup", Some("0 13 3 * * *")),
            Self::CarryOutOperation => ("carry_out_operation", "Do to a container what was asked for", None),
            Self::CopyBackups => ("copy_backups", "Copy backups to a bucket", Some("50 */5 * * * *")),
            Self::EndSilentEvents => {
                ("end_silent_events", "End events that went silent", Some("30 * * * * *"))
            }
            Self::ExpireConversations => {
                ("expire_conversations", "End visitors' silent conversations", Some("0 41 3 * * *"))
            }
            Self::FillTimeline => ("fill_timeline", "Take older records into the timeline", None),
            Self::KeepFunnel => ("keep_funnel", "Count how far visitors come", Some("*/15 * * * * *")),
            Self::KeepInsights => ("keep_insights", "Count what insights show", Some("*/10 * * * * *")),
            Self::MeasureTables => ("measure_tables", "Keep how large tables are", Some("0 7 0 * * *")),
            Self::MoveEntries => ("move_entries", "Move the entries of a project to its owner", None),
            Self::ProveBackup => {
                ("prove_backup", "Restore the newest backup and compare it", Some("0 43 4 * * 0"))
            }
            Self::MakeContainer => ("make_container", "Make a container", None),
            Self::PruneJobs => ("prune_jobs", "Delete jobs that ended long ago", Some("0 17 3 * * *")),
            Self::PruneReports => {
                ("prune_reports", "Forget old answers and bodies of deliveries", Some("0 23 * * * *"))
            }
            Self::PruneSamples => ("prune_samples", "Thin out what containers used", Some("0 41 * * * *")),
            Self::PublishDrafts => ("publish_drafts", "Publish posted drafts", Some("*/20 * * * * *")),
            Self::RecordSpooled => {
                ("record_spooled", "Record actions that were kept back", Some("*/5 * * * * *"))
            }
            Self::Retain => ("retain", "Delete what is older than its rule", Some("0 41 2 * * *")),
            Self::RollUpActivity => ("roll_up_activity", "Count activity for charts", Some("*/5 * * * * *")),
            Self::SendOpportunities => {
                ("send_opportunities", "Tell the CRM of posted drafts", Some("*/10 * * * * *"))
            }
            Self::WorkOffDelivery => ("work_off_delivery", "Work off what was delivered to a webhook", None),
            Self::Other(_) => return None,
        };
        Some(KindFacts { stored, label, schedule })
    }

    /// How long after it is known here it may first be due; without a time, at once.
    #[must_use]
    pub fn first_after(&self) -> Option<TimeDelta> {
        match self {
            // Whoever upgrades has time to see what will go.
            Self::Retain => Some(TimeDelta::days(7)),
            Self::BackUp | Self::ProveBackup => Some(TimeDelta::zero()),
            _ => None,
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        let known = Self::ALL.iter().find(|kind| kind.as_str() == text);
        known.cloned().unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// The stored word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => known.facts().map_or("", |facts| facts.stored),
        }
    }

    /// What people call it; an unknown kind by its word.
    #[must_use]
    pub fn label(&self) -> &str {
        self.facts().map_or(self.as_str(), |facts| facts.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_from_what_it_stores() {
        for kind in Kind::ALL {
            assert_eq!(&Kind::from_stored(kind.as_str()), kind);
        }
        let newer = Kind::from_stored("send_mail");
        assert_eq!((newer.as_str(), newer.label()), ("send_mail", "send_mail"));
    }

    #[test]
    fn every_schedule_is_a_pattern_that_comes_due() {
        let start = chrono::DateTime::UNIX_EPOCH;
        for pattern in Kind::ALL.iter().filter_map(|kind| kind.facts()?.schedule) {
            assert!(super::super::schedules::next_after(pattern, start).unwrap() > start, "{pattern}");
        }
    }
}
