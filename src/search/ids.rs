//! Things whose id was pasted.

use diesel::prelude::*;

use super::{Found, Kind, Target};
use crate::activity::{ActionType, lookup};
use crate::auth::Viewer;
use crate::containers;
use crate::projects::deletion::{self, Known};
use crate::users::{self, Role};

/// The project, the container and the user whose id `text` is; and the searcher, who may paste their address.
pub(super) fn things(conn: &mut PgConnection, viewer: &Viewer, text: &str) -> QueryResult<Vec<Found>> {
    let meant = |kind, target, label: String, note: &str| Found {
        kind,
        target,
        label,
        note: note.to_owned(),
        is_meant: true,
    };
    let mut found = Vec::new();
    if viewer.role != Role::Admin && text.eq_ignore_ascii_case(&viewer.email) {
        found.push(meant(Kind::User, Target::Oneself, viewer.display_name().to_owned(), "your account"));
    }
    let id = text.to_ascii_lowercase();
    if let Ok(id) = id.parse() {
        match deletion::known(conn, id)? {
            Some(Known::Row(project)) => {
                found.push(meant(Kind::Project, Target::Project(id), project.name, "by its id"));
            }
            Some(Known::Gone(gone)) => {
                found.push(meant(Kind::Project, Target::Project(id), gone.name().to_owned(), "removed"));
            }
            None => {}
        }
    }
    if let Ok(id) = id.parse()
        && let Some(container) = containers::queries::find(conn, id)?
    {
        found.push(meant(Kind::Container, Target::Container(id), container.name, "by its id"));
    }
    if viewer.role == Role::Admin
        && let Ok(id) = id.parse()
        && let Some(user) = users::queries::find(conn, id)?
    {
        found.push(meant(Kind::User, Target::User(id), user.display_name().to_owned(), &user.email));
    }
    Ok(found)
}

/// The entry whose id `text` is, and those of the request whose id it is.
pub(super) fn entries(conn: &mut PgConnection, is_admin: bool, text: &str) -> QueryResult<Vec<Found>> {
    let entry = |target, label: &str, note: String, is_meant| Found {
        kind: Kind::Entry,
        target,
        label: label.to_owned(),
        note,
        is_meant,
    };
    let mut found = Vec::new();
    let ids = lookup::ids(conn, text)?;
    if ids.action {
        found.push(entry(Target::Action(text.to_owned()), text, "activity".to_owned(), true));
    }
    if ids.event {
        found.push(entry(Target::Event(text.to_owned()), text, "event".to_owned(), true));
    }
    if is_admin && ids.audit {
        found.push(entry(Target::AuditEntry(text.to_owned()), text, "audit entry".to_owned(), true));
    }
    for (id, kind) in lookup::actions_of_request(conn, text)? {
        let label = kind
            .as_deref()
            .map_or_else(|| "activity".to_owned(), |kind| ActionType::from_stored(kind).label());
        found.push(entry(Target::Action(id.clone()), &id, format!("{label}, of this request"), false));
    }
    if is_admin {
        for (id, act) in lookup::audit_entries_of_request(conn, text)? {
            found.push(entry(Target::AuditEntry(id.clone()), &id, format!("{act}, of this request"), false));
        }
    }
    Ok(found)
}
