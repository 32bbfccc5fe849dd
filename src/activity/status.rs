//! How something went: the words that workers store, and the few things that they mean.

use crate::vocabulary::humanised;

/// What a stored status means, whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// It goes on.
    Busy,
    /// Something else.
    Unknown,
}

/// A status of an action or an event, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Status(String);

/// The words for success, in lower case.
pub const GOOD: [&str; 5] = ["success", "succeeded", "completed", "ok", "done"];
pub const FAILED: [&str; 3] = ["failed", "failure", "error"];
/// The words for what goes on.
pub const BUSY: [&str; 5] = ["running", "in_progress", "pending", "queued", "started"];
/// The words of `project_actions.status` that filters offer: one at least for each outcome, and what the seeds write.
pub const ACTION_STATUSES: [&str; 7] = [GOOD[0], FAILED[0], FAILED[1], FAILED[2], BUSY[0], BUSY[1], BUSY[2]];
/// The labels of `"ActivityEventStatus"`.
pub const EVENT_STATUSES: [&str; 3] = ["IN_PROGRESS", "COMPLETED", "FAILED"];

impl Status {
    /// It went well.
    #[must_use]
    pub fn success() -> Self {
        Self("success".to_owned())
    }

    /// It did not.
    #[must_use]
    pub fn failed() -> Self {
        Self("failed".to_owned())
    }

    /// It goes on.
    #[must_use]
    pub fn running() -> Self {
        Self("running".to_owned())
    }

    /// Reads the stored text, whatever it is.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it means.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        outcome_of(&self.0)
    }

    /// The word as people read it: `IN_PROGRESS` is "in progress", and what is no word of ours stays as it is written.
    #[must_use]
    pub fn label(&self) -> String {
        match self.outcome() {
            // Workers have several words for it, readers one.
            Outcome::Bad => FAILED[0].to_owned(),
            Outcome::Unknown if self.0.trim().is_empty() => "unnamed".to_owned(),
            Outcome::Unknown => self.0.trim().to_owned(),
            Outcome::Good | Outcome::Busy => humanised(&self.0).to_lowercase(),
        }
    }
}

/// What `stored` means, in whatever case it is written.
#[must_use]
pub fn outcome_of(stored: &str) -> Outcome {
    let is_one_of = |words: &[&str]| words.iter().any(|word| stored.eq_ignore_ascii_case(word));
    if is_one_of(&GOOD) {
        Outcome::Good
    } else if is_one_of(&FAILED) {
        Outcome::Bad
    } else if is_one_of(&BUSY) {
        Outcome::Busy
    } else {
        Outcome::Unknown
    }
}

/// Where something happened: `project_actions.environment`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Where people work on it.
    Development,
    /// Where it is tried.
    Staging,
    /// Where its users are.
    Production,
    /// What the console does not know, shown as it is.
    Other(String),
}

impl Environment {
    /// The known environments, in the order that filters offer them.
    pub const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// Reads the stored text, whatever it is.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        match text {
            "development" => Self::Development,
            "staging" => Self::Staging,
            "production" => Self::Production,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
            Self::Other(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_status_means_something_and_unknown_ones_are_shown_as_they_are() {
        for known in ACTION_STATUSES.into_iter().chain(EVENT_STATUSES) {
            assert_ne!(outcome_of(known), Outcome::Unknown, "{known}");
        }
        for busy in BUSY {
            assert_eq!(outcome_of(busy), Outcome::Busy);
        }
        for (stored, shown) in [
            ("IN_PROGRESS", "in progress"),
            ("superseded", "superseded"),
            (" ", "unnamed"),
            ("qa-7", "qa-7"),
            ("Failure", "failed"),
            ("ERROR", "failed"),
        ] {
            assert_eq!(Status::from_stored(stored).label(), shown);
        }
    }
}
