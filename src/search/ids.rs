//! Things whose id was pasted.

use std::net::IpAddr;

use diesel::prelude::*;

use super::{Found, Kind, Target};
use crate::activity::Source;
use crate::activity::lookup::{self, KnownEntry};
use crate::audit::columns::was_seen;
use crate::containers;
use crate::identity::{Role, Viewer, domain_spellings};
use crate::projects::deletion::{self, ProjectOrTombstone};
use crate::users;

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
    if viewer.role != Role::Admin && is_address(text, &viewer.email) {
        found.push(meant(Kind::User, Target::Oneself, viewer.display_name().to_owned(), "your account"));
    }
    let id =
        uuid::Uuid::try_parse(text.trim()).map_or_else(|_| text.to_owned(), |id| id.hyphenated().to_string());
    if let Ok(id) = id.parse() {
        match deletion::project_or_tombstone(conn, id)? {
            Some(ProjectOrTombstone::Project(project)) => {
                found.push(meant(Kind::Project, Target::Project(id), project.name, "by its id"));
            }
            Some(ProjectOrTombstone::Tombstone(gone)) => {
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

/// What was done from the network address `text`, if anything is on record. For admins.
pub(super) fn address(conn: &mut PgConnection, text: &str) -> QueryResult<Option<Found>> {
    let Ok(address) = text.trim().parse::<IpAddr>().map(|address| address.to_canonical()) else {
        return Ok(None);
    };
    let found = Found {
        kind: Kind::Entry,
        target: Target::Address(address),
        label: address.to_string(),
        note: "what was done from this address".to_owned(),
        is_meant: true,
    };
    Ok(was_seen(conn, address)?.then_some(found))
}

/// Whether `text` is the address `email`, in whatever spelling.
fn is_address(text: &str, email: &str) -> bool {
    domain_spellings(text).iter().any(|text| text.eq_ignore_ascii_case(email))
}

/// The entry whose id `text` is, and those of the request whose id it is. Audit entries have pages for admins.
pub(super) fn entries(conn: &mut PgConnection, is_admin: bool, text: &str) -> QueryResult<Vec<Found>> {
    let mut entries = lookup::entries(conn, text)?;
    entries.retain(|entry| is_admin || entry.source != Source::Audit);
    let found = |entry: KnownEntry| {
        let (target, name): (fn(String) -> Target, &str) = match entry.source {
            Source::Action => (Target::Action, "activity"),
            Source::Event => (Target::Event, "event"),
            Source::Audit => (Target::AuditEntry, "audit entry"),
            Source::Engine => (Target::Observation, "observation"),
        };
        let is_meant = entry.of_request.is_none();
        let note =
            entry.of_request.map_or_else(|| name.to_owned(), |what| format!("{what}, of this request"));
        Found { kind: Kind::Entry, target: target(entry.id.clone()), label: entry.id, note, is_meant }
    };
    Ok(entries.into_iter().map(found).collect())
}
