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
    /// How many days it is kept unless a rule says otherwise; for ever without a number.
    pub usual: Option<i32>,
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
        let (stored, label, rows, since, usual, at_least) = match self {
            Self::Chat => (
                "chat",
                "Chat messages",
                ("chat message", "chat messages"),
                "after they were written",
                Some(180),
                7,
            ),
            Self::Files => (
                "files",
                "Deleted files",
                ("deleted file", "deleted files"),
                "after they were marked as deleted",
                Some(365),
                7,
            ),
            Self::Containers => (
                "containers",
                "Deleted containers",
                ("container", "containers"),
                "after their deletion, with their chat and files",
                Some(365),
                30,
            ),
            Self::Projects => (
                "projects",
                "Deleted projects",
                ("project", "projects"),
                "after their deletion, with their events; until then they can be restored",
                Some(365),
                30,
            ),
            Self::Users => (
                "users",
                "Deactivated users",
                ("user", "users"),
                "after they were deactivated, if they own nothing",
                Some(2555),
                30,
            ),
            Self::Sessions => {
                ("sessions", "Sessions", ("session", "sessions"), "after their end", Some(90), 1)
            }
            Self::Deliveries => (
                "deliveries",
                "Deliveries to webhooks",
                ("delivery", "deliveries"),
                "after they were received",
                Some(90),
                30,
            ),
            Self::Guests => (
                "guests",
                "Guests of the assistant",
                ("guest's conversation", "guests' conversations"),
                "after the last message, with drafts that nobody claimed",
                Some(90),
                1,
            ),
            Self::Actions => (
                "actions",
                "Actions",
                ("action", "actions"),
                "after they happened, with their references",
                None,
                30,
            ),
            Self::Events => {
                ("events", "Events", ("event", "events"), "after they began, once they ended", None, 30)
            }
            Self::Observations => (
                "observations",
                "Observations of the engine",
                ("observation", "observations"),
                "after they were made",
                None,
                30,
            ),
            Self::Audit => {
                ("audit", "Audit log", ("audit entry", "audit entries"), "after the act", None, 365)
            }
        };
        ClassFacts { stored, label, rows, since, usual, at_least }
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
