//! What rules are made for.

/// What the console knows about a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassFacts {
    /// The stored word.
    pub stored: &'static str,
    /// What people call it: "Chat messages".
    pub label: &'static str,
    /// What its rows are called in a count: one, and several.
    pub rows: (&'static str, &'static str),
    /// From when its time is counted: "after they were written".
    pub since: &'static str,
    /// The shortest time that a rule may name, days.
    pub at_least: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Chat,
    Files,
    Containers,
    Projects,
    Users,
    Sessions,
    Deliveries,
    Guests,
    Actions,
    Events,
    Observations,
    Audit,
}

impl Class {
    /// In the order in which they are worked off: what belongs to others goes before them.
    pub const ALL: [Self; 12] = [
        Self::Chat,
        Self::Files,
        Self::Containers,
        Self::Projects,
        Self::Users,
        Self::Sessions,
        Self::Deliveries,
        Self::Guests,
        Self::Actions,
        Self::Events,
        Self::Observations,
        Self::Audit,
    ];

    #[must_use]
    pub fn facts(self) -> ClassFacts {
        let (stored, label, rows, since, at_least) = match self {
            Self::Chat => {
                ("chat", "Chat messages", ("chat message", "chat messages"), "after they were written", 7)
            }
            Self::Files => (
                "files",
                "Deleted files",
                ("deleted file", "deleted files"),
                "after they were marked as deleted",
                7,
            ),
            Self::Containers => (
                "containers",
                "Deleted containers",
                ("container", "containers"),
                "after their deletion, with their chat and files",
                30,
            ),
            Self::Projects => (
                "projects",
                "Deleted projects",
                ("project", "projects"),
                "after their deletion, with their events; until then they can be restored",
                30,
            ),
            Self::Users => (
                "users",
                "Deactivated users",
                ("user", "users"),
                "after they were deactivated, if they own nothing",
                30,
            ),
            Self::Sessions => ("sessions", "Sessions", ("session", "sessions"), "after their end", 1),
            Self::Deliveries => (
                "deliveries",
                "Deliveries to webhooks",
                ("delivery", "deliveries"),
                "after they were received",
                30,
            ),
            Self::Guests => (
                "guests",
                "Guests of the assistant",
                ("guest's conversation", "guests' conversations"),
                "after the last message, with drafts that nobody claimed",
                1,
            ),
            Self::Actions => (
                "actions",
                "Actions",
                ("action", "actions"),
                "after they happened, with their references",
                30,
            ),
            Self::Events => {
                ("events", "Events", ("event", "events"), "after they began, once they ended", 30)
            }
            Self::Observations => (
                "observations",
                "Observations of the engine",
                ("observation", "observations"),
                "after they were made",
                30,
            ),
            Self::Audit => ("audit", "Audit log", ("audit entry", "audit entries"), "after the act", 365),
        };
        ClassFacts { stored, label, rows, since, at_least }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.facts().stored
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_reads_back_from_what_it_stores() {
        for class in Class::ALL {
            assert_eq!(Class::from_stored(class.as_str()), Some(class));
        }
        assert_eq!(Class::from_stored("everything"), None);
    }
}
