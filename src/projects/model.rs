//! What a project is made of.

use crate::db::spelling::composed;
use crate::identity::is_deceptive;

/// What state a project is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// In use.
    Active,
    /// Out of the lists, its history kept.
    Archived,
    /// Out of sight until retention purges it.
    Deleted,
    /// What another writer called it.
    Other(String),
}

impl Status {
    /// The states that the console itself sets.
    pub const KNOWN: [Self; 3] = [Self::Active, Self::Archived, Self::Deleted];

    /// Reads `projects.status`; NULL is the column's default.
    #[must_use]
    pub fn from_stored(text: Option<&str>) -> Self {
        match text {
            None | Some("active") => Self::Active,
            Some("archived") => Self::Archived,
            Some("deleted") => Self::Deleted,
            Some(other) => Self::Other(other.to_owned()),
        }
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Deleted => "deleted",
            Self::Other(other) => other,
        }
    }
}

/// What moves a project from one status to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Out of the lists.
    Archive,
    /// Back from the archive.
    Unarchive,
    /// Out of sight.
    Delete,
    /// Back in sight.
    Restore,
    /// Nobody may delete it, nor stop or delete its container.
    Lock,
    Unlock,
}

impl Move {
    /// Where it leads; nowhere when it leaves the status as it is.
    #[must_use]
    pub fn target(self) -> Option<Status> {
        match self {
            Self::Archive => Some(Status::Archived),
            Self::Delete => Some(Status::Deleted),
            Self::Unarchive | Self::Restore => Some(Status::Active),
            Self::Lock | Self::Unlock => None,
        }
    }

    /// Why it makes no sense from where the project is, in a sentence. A page may ask before, to explain; what counts
    /// is what the command finds under the row's lock.
    #[must_use]
    pub fn obstacle(self, from: &Status, is_locked: bool) -> Option<&'static str> {
        match (self, from) {
            (Self::Lock | Self::Unlock, Status::Deleted) => {
                Some("This project is deleted. Restore it first.")
            }
            (Self::Lock, _) => is_locked.then_some("This project is locked already."),
            (Self::Unlock, _) => (!is_locked).then_some("This project is not locked."),
            (Self::Delete, from) if is_locked && *from != Status::Deleted => {
                Some("This project is locked. Unlock it first.")
            }
            (Self::Archive, Status::Archived) => Some("This project is archived already."),
            (Self::Archive, Status::Deleted) => Some("This project is deleted. Restore it first."),
            (Self::Unarchive, Status::Archived) | (Self::Restore, Status::Deleted) => None,
            (Self::Unarchive, _) => Some("This project is not archived."),
            (Self::Delete, Status::Deleted) => Some("This project is deleted already."),
            (Self::Restore, _) => Some("This project is not deleted."),
            (Self::Archive | Self::Delete, _) => None,
        }
    }
}

/// The types that forms offer; workers may write others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind(String);

impl Kind {
    /// Stored text and label of each type that forms offer.
    pub const OFFERED: [(&'static str, &'static str); 9] = [
        ("nextjs", "Next.js"),
        ("react", "React"),
        ("vue", "Vue"),
        ("svelte", "Svelte"),
        ("node", "Node.js"),
        ("python", "Python"),
        ("rust", "Rust"),
        ("static", "Static site"),
        ("other", "Something else"),
    ];

    /// What a type is called; one that the console does not know is called as it is stored.
    #[must_use]
    pub fn label(stored: &str) -> &str {
        Self::OFFERED.iter().find(|(known, _)| *known == stored).map_or(stored, |(_, label)| label)
    }

    /// Checks `text`; a type that a worker wrote stays allowed for its project.
    pub fn parse(text: &str, present: Option<&str>) -> Result<Self, String> {
        let text = text.trim();
        let known = Self::OFFERED.iter().any(|(known, _)| *known == text);
        if known || present == Some(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("Choose one of the types.".to_owned())
        }
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName(String);

impl ProjectName {
    /// The most characters that a form takes; workers may store up to 255.
    pub const LONGEST: usize = 100;

    /// Checks `text`; a name that is stored already stays allowed for its project.
    pub fn parse(text: &str, present: Option<&str>) -> Result<Self, String> {
        if present == Some(text) {
            return Ok(Self(text.to_owned()));
        }
        let text = text.trim();
        if text.is_empty() {
            return Err("Enter a name.".to_owned());
        }
        if text.chars().count() > Self::LONGEST {
            return Err(format!("Use at most {} characters.", Self::LONGEST));
        }
        if text.chars().any(is_deceptive) {
            return Err(
                "Leave out control characters and characters that change the direction of text.".to_owned()
            );
        }
        Ok(Self(composed(text)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a project is about; empty means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectDescription(Option<String>);

impl ProjectDescription {
    /// Checks `text`; what is stored already stays allowed for its project.
    pub fn parse(text: &str, present: Option<&str>) -> Result<Self, String> {
        if present == Some(text) {
            return Ok(Self(Some(text.to_owned())));
        }
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        if text.chars().count() > 5000 {
            return Err("Use at most 5,000 characters.".to_owned());
        }
        Ok(Self((!text.is_empty()).then(|| text.to_owned())))
    }

    /// The text, if there is one.
    #[must_use]
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(ProjectName::parse(" shop-api ", None).unwrap().as_str(), "shop-api");
        for bad in ["", "   ", "a\u{202E}b", "a\nb", &"x".repeat(101)] {
            assert!(ProjectName::parse(bad, None).is_err(), "{bad:?}");
            assert!(ProjectName::parse(bad, Some(bad)).is_ok(), "{bad:?}");
        }
    }

    #[test]
    fn a_type_that_a_worker_wrote_stays_allowed_for_its_project() {
        assert!(Kind::parse("cobol", None).is_err());
        assert!(Kind::parse("cobol", Some("cobol")).is_ok());
    }
}
