use std::collections::BTreeSet;

use serde::Serialize;

use crate::activity::changes::Change;
use crate::db::ids::{ContainerId, ProjectId};

/// Ids that are told one by one; beyond them, everything counts as changed.
const MOST: usize = 200;

/// What changed, for one who watches.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct News {
    projects: BTreeSet<ProjectId>,
    containers: BTreeSet<ContainerId>,
    /// More than is told by ids.
    everything: bool,
    /// Something that belongs to no project and no container.
    other: bool,
}

impl News {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, change: &Change) {
        if self.everything {
            return;
        }
        self.projects.extend(change.project);
        self.containers.extend(change.container);
        self.other |= change.project.is_none() && change.container.is_none();
        if self.projects.len() + self.containers.len() > MOST {
            self.add_everything();
        }
    }

    pub(super) fn add_everything(&mut self) {
        *self = Self { everything: true, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(project: Option<u128>, container: Option<u128>) -> Change {
        let id = uuid::Uuid::from_u128;
        Change {
            source: "action".to_owned(),
            id: "1".to_owned(),
            project: project.map(|n| ProjectId(id(n))),
            container: container.map(|n| ContainerId(id(n))),
            owner: None,
        }
    }

    #[test]
    fn what_changed_is_named_once_and_counted_as_everything_when_it_is_much() {
        let mut news = News::default();
        assert!(news.is_empty());
        news.add(&change(Some(1), Some(2)));
        news.add(&change(Some(1), None));
        news.add(&change(None, None));
        let json = serde_json::to_value(&news).unwrap();
        assert_eq!(json["projects"].as_array().unwrap().len(), 1);
        assert_eq!(json["containers"].as_array().unwrap().len(), 1);
        assert_eq!((&json["other"], &json["everything"]), (&true.into(), &false.into()));
        for n in 0..1_000 {
            news.add(&change(Some(n), None));
        }
        let json = serde_json::to_string(&news).unwrap();
        assert_eq!(json, r#"{"projects":[],"containers":[],"everything":true,"other":false}"#);
    }
}
