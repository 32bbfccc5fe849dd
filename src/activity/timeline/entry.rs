//! One record of the timeline, as data: whoever shows it makes words and links of it.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::activity::action_type::ActionType;
use crate::activity::engine_event_type::EngineEventType;
use crate::activity::event_type::EventType;
use crate::activity::filter::Reference;
use crate::activity::position::{Source, TimelineCursor};
use crate::activity::sentence::{self, Actor, LinkTarget, Object, Part};
use crate::activity::status::{Outcome, Status};
use crate::audit::AuditAction;
use crate::vocabulary::Group;

/// What kind of record an entry is, and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// Something happened to a project.
    Action(ActionType),
    /// An operation with a start and an end.
    Event(EventType),
    /// Something was done in the console.
    Audit(AuditAction),
    /// An engine saw something happen to a container.
    Engine(EngineEventType),
}

impl EntryKind {
    /// The stored type.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Action(kind) => kind.as_str(),
            Self::Event(kind) => kind.as_str(),
            Self::Audit(act) => act.as_str(),
            Self::Engine(kind) => kind.as_str(),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Action(kind) => kind.label(),
            Self::Event(kind) => kind.label(),
            Self::Audit(act) => act.label(),
            Self::Engine(kind) => kind.label(),
        }
    }

    /// A symbol of the icon sprite.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self {
            Self::Action(kind) => kind.facts().icon,
            Self::Event(kind) => kind.facts().icon,
            Self::Audit(act) => act.facts().icon,
            Self::Engine(kind) => kind.facts().icon,
        }
    }

    /// Where filters list it.
    #[must_use]
    pub fn group(&self) -> Group {
        match self {
            Self::Action(kind) => kind.facts().group,
            Self::Event(kind) => kind.facts().group,
            Self::Audit(act) => act.facts().group,
            Self::Engine(kind) => kind.facts().group,
        }
    }
}

/// When something happened, as it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Epoch milliseconds. Kept as the writer wrote it, even when it is odd.
    pub ms: i64,
    /// What is odd about it.
    pub oddity: Option<Oddity>,
}

/// Why a time is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// None was stored; the row stands at the epoch.
    Missing,
    /// It reads like seconds: the writer forgot to multiply.
    LooksLikeSeconds,
    /// Before 1990 or after 2100.
    Implausible,
    /// Told to be more than five minutes after it was received, where it stands instead.
    Ahead,
}

impl Moment {
    pub(in crate::activity) fn of(ms: i64, told: Option<i64>, source: Source) -> Self {
        const YEAR_1990: i64 = 631_152_000_000;
        const YEAR_2100: i64 = 4_102_444_800_000;
        let oddity = match told.unwrap_or(ms) {
            told_ms if told.is_some() && told_ms < YEAR_2100 => Some(Oddity::Ahead),
            0 if source != Source::Event => Some(Oddity::Missing),
            // 1990 to 2100, in seconds.
            631_152_000..=4_102_444_800 => Some(Oddity::LooksLikeSeconds),
            YEAR_1990..YEAR_2100 => None,
            _ => Some(Oddity::Implausible),
        };
        Self { ms, oddity }
    }
}

/// What is known of the project that an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectState {
    /// The viewer can open it.
    Exists,
    /// Its row was deleted; a tombstone keeps its name.
    Gone,
    /// There is no such project. Only admins see such rows.
    Unknown,
}

/// The project that an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName {
    /// The stored id; any text.
    pub id: String,
    /// Its name, or the id where none is known.
    pub name: String,
    /// Whether there is such a project.
    pub state: ProjectState,
}

impl ProjectName {
    pub(super) fn as_object(&self) -> Object {
        let target = match self.state {
            ProjectState::Exists => LinkTarget::Project(self.id.clone()),
            ProjectState::Gone | ProjectState::Unknown => LinkTarget::Nowhere,
        };
        Object { target, label: self.name.clone() }
    }
}

/// One record of the timeline, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, and so its source and id.
    pub position: TimelineCursor,
    /// When.
    pub moment: Moment,
    /// What kind of record, and its type.
    pub kind: EntryKind,
    /// How it went; audit entries have none.
    pub status: Option<Status>,
    /// Where it happened; actions only.
    pub environment: Option<String>,
    pub actor: Actor,
    pub project: Option<ProjectName>,
    /// Who did what to which thing.
    pub sentence: Vec<Part>,
    /// The second line: at most 2,000 characters.
    pub details: Option<String>,
    /// What it refers to: at most 24 pairs, scalars only, without the cause.
    pub references: Vec<Reference>,
    /// How many more there are.
    pub references_cut: usize,
    pub request_id: Option<String>,
    /// The id of the record that led to it.
    pub caused_by: Option<String>,
    /// How long it took; events only.
    pub duration_ms: Option<i64>,
    /// Percent done; events only.
    pub progress: Option<u8>,
    /// When an event that should go on was last heard of, where that is too long ago; epoch milliseconds.
    pub silent_since: Option<i64>,
    /// What 95 of a hundred of its type have stayed within in its project, where enough have ended; of what goes on alone.
    pub usual_ms: Option<i64>,
    /// Records of the same request, deployment, push, commit or database, newest first.
    pub folded: Vec<Entry>,
}

impl Entry {
    /// The source's table.
    #[must_use]
    pub fn source(&self) -> Source {
        self.position.source
    }

    /// The record's id within its table.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.position.id
    }

    /// What `data-activity` holds: `ID`, `event:ID`, `audit:ID` or `engine:ID`.
    #[must_use]
    pub fn key(&self) -> String {
        self.position.key()
    }

    /// What an entry that this one led to says of its cause: `action:ID`, `event:ID`, `audit:ID`.
    #[must_use]
    pub fn cause_text(&self) -> String {
        format!("{}:{}", self.position.source.as_str(), self.position.id)
    }

    /// Whether this audit entry is what `act`, which the console recorded as an action too, left in the audit log.
    #[must_use]
    pub fn is_twin_of(&self, act: &Self) -> bool {
        self.source() == Source::Audit
            && self.kind.group() == Group::Projects
            && act.source() == Source::Action
            && self.request_id.is_some()
            && self.request_id == act.request_id
            && self.actor.user == act.actor.user
    }

    /// Whether nothing but their times and references tells two records apart. What failed or goes on is like no other.
    #[must_use]
    pub fn says_same(&self, other: &Self) -> bool {
        let is_over = |entry: &Self| {
            entry.status.as_ref().is_none_or(|s| matches!(s.outcome(), Outcome::Good | Outcome::Unknown))
                && entry.folded.iter().all(|inner| inner.is_twin_of(entry))
        };
        self.kind == other.kind
            && self.sentence == other.sentence
            && self.details == other.details
            && self.status == other.status
            && self.environment == other.environment
            && self.moment.oddity == other.moment.oddity
            && is_over(self)
            && is_over(other)
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.outcome() == Outcome::Busy)
    }

    /// The sentence as plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        sentence::plain(&self.sentence)
    }
}

/// `ms` as a time without a zone, within the years 1 to 9999.
pub(in crate::activity) fn utc(ms: i64) -> NaiveDateTime {
    const FIRST_MS: i64 = -62_135_596_800_000;
    const LAST_MS: i64 = 253_402_300_799_999;
    DateTime::from_timestamp_millis(ms.clamp(FIRST_MS, LAST_MS))
        .map_or(NaiveDate::MIN.into(), |at| at.naive_utc())
}
