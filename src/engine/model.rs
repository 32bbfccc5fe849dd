//! What an engine says, as far as the console listens.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

/// A container's full id: 64 hexadecimal digits, and so nothing that changes the meaning of an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EngineId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the full id of a container")]
pub struct NotAnEngineId;

impl EngineId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EngineId {
    type Err = NotAnEngineId;

    fn from_str(text: &str) -> Result<Self, NotAnEngineId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnEngineId)
        }
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an engine did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nobody is at its address: nothing was asked.
    #[error("{0}")]
    Absent(String),
    /// It did not answer in time. What was asked may be done, and may yet be done.
    #[error("The engine did not answer in time.")]
    Silent,
    /// Its own words.
    #[error("{message}")]
    Refused { status: u16, message: String },
    /// An answer that can't be read, or half of one.
    #[error("{0}")]
    Odd(String),
}

/// What is kept of an engine's words.
const LONGEST_MESSAGE: usize = 2_000;

impl EngineError {
    pub(super) fn refused(status: u16, message: &str) -> Self {
        let message = message.chars().filter(|c| *c != '\0').take(LONGEST_MESSAGE).collect();
        Self::Refused { status, message }
    }

    /// Whether nobody knows if it was done.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::Silent | Self::Odd(_))
    }

    /// Why the engine counts as away, if it does.
    pub(super) fn absence(&self) -> Option<String> {
        match self {
            Self::Absent(reason) => Some(reason.clone()),
            Self::Silent => Some("It does not answer.".to_owned()),
            Self::Refused { .. } | Self::Odd(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// Its own id, which stays the same when it is restarted or moved to another address.
    pub id: String,
    pub name: String,
    pub version: String,
    pub api_version: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedContainer {
    pub id: EngineId,
    pub name: String,
    pub image: String,
    /// Its own word: `running`, `exited`, …
    pub state: String,
    pub labels: BTreeMap<String, String>,
}

/// A container as it is. Of environment variables the names alone leave this room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedContainer {
    pub id: EngineId,
    pub name: String,
    pub image: String,
    pub labels: BTreeMap<String, String>,
    pub run: RunState,
    /// How often its restart policy has started it since it was last started by hand.
    pub restart_count: i64,
    /// Whether its output is a terminal's: one stream without frames.
    pub has_terminal: bool,
    pub environment_names: Vec<String>,
}

impl ObservedContainer {
    /// Whether this console made it, for the record with the id `record`.
    #[must_use]
    pub fn is_made_for(&self, record: &str) -> bool {
        self.labels.get("pilothouse.container").is_some_and(|label| label == record)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunState {
    /// `created`, `running`, `paused`, `restarting`, `exited`, `dead`, `removing`
    pub word: String,
    pub is_running: bool,
    pub pid: i64,
    pub exit_code: i64,
    /// A process in it was killed for memory during this run.
    pub was_out_of_memory: bool,
    /// Why it could not be started, in the engine's words.
    pub error: String,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// `healthy`, `unhealthy`, `starting`; none without a check.
    pub health: Option<String>,
}

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEvent {
    pub id: EngineId,
    /// `start`, `die`, `kill`, …; never a command that somebody ran in it.
    pub action: String,
    pub nanos: i64,
    pub exit_code: Option<i64>,
    /// The signal of a `kill`.
    pub signal: Option<i64>,
    pub name: String,
    pub old_name: Option<String>,
    pub image: String,
    pub labels: BTreeMap<String, String>,
}

/// Which part of a container's output is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogsWanted {
    /// The last so many pieces; none for all.
    pub last: Option<u32>,
    /// Nanoseconds since 1970, inclusive.
    pub since: Option<i64>,
    pub until: Option<i64>,
    pub follow: bool,
    /// Whether it is a terminal's, as [`ObservedContainer::has_terminal`] says: such output has no frames.
    pub has_terminal: bool,
}

/// A piece of output: a line, or 16 KB of a longer one, behind its time as RFC 3339 and a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    pub is_error: bool,
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_id_is_an_id() {
        assert!("0123456789abcdef".repeat(4).parse::<EngineId>().is_ok());
        let long = "a".repeat(65);
        for odd in
            ["", "abc", "../version?x=", "ABCDEF", &"a".repeat(63), &long, &"g".repeat(64), &"é".repeat(32)]
        {
            assert_eq!(odd.parse::<EngineId>(), Err(NotAnEngineId), "{odd}");
        }
    }
}
