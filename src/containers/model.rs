//! What a container is made of.

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

/// What can be done to a container once an engine is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    /// Stop and start it.
    Restart,
    /// Remove it from the engine.
    Delete,
}

impl Verb {
    /// Every verb in the order of the buttons.
    pub const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Restart, Self::Delete];

    /// Reads the last part of an address.
    #[must_use]
    pub fn from_path(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text)
    }

    /// The last part of its address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Delete => "delete",
        }
    }

    /// The button's word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Restart => "Restart",
            Self::Delete => "Delete",
        }
    }

    /// Why it can't be done in this release.
    pub const UNAVAILABLE: &'static str = "No container engine is connected, so containers can't be started, stopped, \
         restarted or deleted from here. States are what workers last reported.";

    /// Why there are no logs in this release, and what to do.
    pub const NO_LOGS: &'static str = "No container engine is connected, so what the container writes can't be read \
         from here. Read it on the machine where the container runs.";
}
