//! What a container is made of.

use chrono::{DateTime, Utc};

/// What state a container is in, by the table's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Made, not started.
    Created,
    Running,
    Stopped,
    /// Gone from the engine; its record stays.
    Deleted,
    /// What another writer called it.
    Other(String),
}

impl Status {
    /// The states that the table's documentation names.
    pub const KNOWN: [Self; 4] = [Self::Running, Self::Created, Self::Stopped, Self::Deleted];

    /// Reads `containers.status`.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        match text {
            "created" => Self::Created,
            "running" => Self::Running,
            "stopped" => Self::Stopped,
            "deleted" => Self::Deleted,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
            Self::Other(other) => other,
        }
    }
}

/// What can be done to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    /// Stop and start it.
    Restart,
    /// Make it anew of the image as it is now; volume, port and address stay.
    Recreate,
    Rename,
    /// Let nobody stop or delete it.
    Lock,
    Unlock,
    /// Remove it from the engine.
    Delete,
    /// Make it: a new project's.
    Create,
}

impl Verb {
    /// Every verb of a container that is there, in the order of the buttons.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Recreate,
        Self::Rename,
        Self::Lock,
        Self::Unlock,
        Self::Delete,
    ];

    /// Reads the last part of an address.
    #[must_use]
    pub fn from_path(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text)
    }

    /// Reads what an operation stores.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Create]).find(|verb| verb.as_str() == text)
    }

    /// Whether it may be asked for of several at once.
    #[must_use]
    pub fn is_for_several(self) -> bool {
        !matches!(self, Self::Rename | Self::Create)
    }

    /// Whether no engine is asked for it.
    #[must_use]
    pub fn is_ours_alone(self) -> bool {
        matches!(self, Self::Lock | Self::Unlock)
    }

    /// Whether pressing its button does it; others have a page before.
    #[must_use]
    pub fn acts(self) -> bool {
        !matches!(self, Self::Delete | Self::Recreate | Self::Rename)
    }

    /// The last part of its address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Recreate => "recreate",
            Self::Rename => "rename",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Delete => "delete",
            Self::Create => "create",
        }
    }

    /// The button's word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Restart => "Restart",
            Self::Recreate => "Recreate",
            Self::Rename => "Rename",
            Self::Lock => "Lock",
            Self::Unlock => "Unlock",
            Self::Delete => "Delete",
            Self::Create => "Make",
        }
    }

    /// What is being done: "shop-api is being stopped".
    #[must_use]
    pub fn being_done(self) -> &'static str {
        match self {
            Self::Start => "being started",
            Self::Stop => "being stopped",
            Self::Restart => "being restarted",
            Self::Recreate => "being recreated",
            Self::Rename => "being renamed",
            Self::Lock => "being locked",
            Self::Unlock => "being unlocked",
            Self::Delete => "being deleted",
            Self::Create => "being made",
        }
    }

    /// Why a container in this state is not asked for it, if it is not.
    #[must_use]
    pub fn obstacle(self, status: &Status, is_locked: bool) -> Option<&'static str> {
        match (self, status) {
            (_, Status::Deleted) => {
                Some("The container is deleted: there is nothing left of it at the engine.")
            }
            (Self::Stop | Self::Delete | Self::Recreate, _) if is_locked => {
                Some("The container or its project is locked. Unlock it first.")
            }
            _ => None,
        }
    }
}

/// A container's state as an engine has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The engine's own word; `removed` when it has no such container any more.
    pub engine_status: String,
    /// Where the engine is.
    pub from: String,
    pub started_at: Option<DateTime<Utc>>,
    pub stopped_at: Option<DateTime<Utc>>,
}

impl Observation {
    /// The engine's word in the table's words.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.engine_status.as_str() {
            "running" | "paused" => Status::Running,
            "created" => Status::Created,
            "removed" | "removing" => Status::Deleted,
            _ => Status::Stopped,
        }
    }
}
