//! How something went: the words that workers store, and the few things that they mean.

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

/// A status of an action or an event. The text is kept: two words for the same outcome stay two.
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

    /// The word as people read it, in lower case: `IN_PROGRESS` is "in progress".
    #[must_use]
    pub fn label(&self) -> String {
        in_words(&self.0)
    }
}

fn in_words(stored: &str) -> String {
    const MARKS: [char; 3] = ['_', '.', '-'];
    let words = stored.trim_matches(|c: char| MARKS.contains(&c) || c.is_whitespace()).to_lowercase();
    match words.as_str() {
        "" => "unnamed".to_owned(),
        text if text.contains(MARKS) => text.replace(MARKS, " "),
        _ => words,
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
        assert_eq!(Status::from_stored("IN_PROGRESS").label(), "in progress");
        let strange = Status::from_stored("superseded");
        assert_eq!((strange.outcome(), strange.label().as_str()), (Outcome::Unknown, "superseded"));
        assert_eq!(Status::from_stored(" - ").label(), "unnamed");
    }
}
