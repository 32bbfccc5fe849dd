//! What the projects and users of a page's records are called, as its statement answers it.

use std::collections::HashMap;

use super::{ProjectState, Row};

/// The names behind the ids that records hold, as far as the viewer may know them.
#[derive(Debug, Default)]
pub(in crate::activity) struct Names {
    pub(super) projects: HashMap<String, NamedProject>,
    pub(super) users: HashMap<String, NamedUser>,
}

#[derive(Debug)]
pub(super) struct NamedProject {
    pub(super) name: Option<String>,
    pub(super) state: ProjectState,
}

#[derive(Debug)]
pub(super) struct NamedUser {
    /// Their name, or else their address.
    pub(super) called: Option<String>,
    pub(super) exists: bool,
}

impl Names {
    /// The rows without those that hold names, and the names.
    pub(in crate::activity) fn split_from(mut rows: Vec<Row>) -> (Vec<Row>, Self) {
        let mut names = Self::default();
        for row in rows.extract_if(.., |row| matches!(row.part.as_str(), "project" | "user")) {
            match row.part.as_str() {
                "project" => names.add_project(row),
                _ => names.add_user(row),
            }
        }
        (rows, names)
    }

    fn add_project(&mut self, row: Row) {
        let state = match row.amount {
            Some(2) => ProjectState::Exists,
            Some(1) => ProjectState::Gone,
            _ => ProjectState::Unknown,
        };
        self.projects.insert(row.id, NamedProject { name: row.entity_name, state });
    }

    fn add_user(&mut self, row: Row) {
        let known = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let called = known(row.entity_name).or_else(|| known(row.actor_name));
        self.users.insert(row.id, NamedUser { called, exists: row.amount == Some(2) });
    }

    /// What a user is called; their id where nobody knows.
    pub(in crate::activity) fn of_user<'a>(&'a self, id: &'a str) -> &'a str {
        self.users.get(id).and_then(|user| user.called.as_deref()).unwrap_or(id)
    }
}
