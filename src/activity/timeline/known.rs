//! What a page's rows need not ask for, because whoever asks knows it already.

use super::row::Row;
use super::{ProjectState, Scope};
use crate::db::ids::ProjectId;
use crate::identity::{Role, Viewer};

/// Names of the rows of one page. The default knows none: everything is asked for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The only user whom an owner may see: themselves.
    me: Option<(String, String)>,
    /// The project whose timeline it is.
    project: Option<(String, Option<String>, ProjectState)>,
}

impl Known {
    #[must_use]
    pub fn by(viewer: &Viewer) -> Self {
        let me = (viewer.role == Role::Owner)
            .then(|| (viewer.id.to_string(), viewer.display_name().trim().to_owned()));
        Self { me, project: None }
    }

    /// The same on the timeline of a project, of which the name is known, if it has one.
    #[must_use]
    pub fn within(self, id: ProjectId, name: Option<String>, state: ProjectState) -> Self {
        Self { project: Some((id.to_string(), name, state)), ..self }
    }

    pub(super) fn knows_users(&self) -> bool {
        self.me.is_some()
    }

    pub(super) fn knows_projects(&self, scope: Scope) -> bool {
        matches!((&self.project, scope), (Some((known, ..)), Scope::Project(id)) if *known == id.to_string())
    }

    /// Fills in what was not asked for.
    pub(in crate::activity) fn complete(&self, row: &mut Row) {
        if let Some((_, name)) = self.me.as_ref().filter(|(id, _)| row.user.as_ref() == Some(id)) {
            row.user_name = Some(name.clone());
            row.user_exists = true;
        }
        if let Some((_, name, state)) =
            self.project.as_ref().filter(|(id, ..)| row.project.as_ref() == Some(id))
        {
            row.project_name.clone_from(name);
            row.project_exists = *state == ProjectState::Exists;
            row.project_is_gone = *state == ProjectState::Gone;
        }
    }
}
