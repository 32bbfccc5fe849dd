//! Finding things by what somebody types or pastes into one box: names, and ids of every kind.
//!
//! [`find`] asks a handful of bounded questions that all walk an index: names among the newest rows and by how
//! they begin among all, ids exactly, and the beginnings that people paste (a commit's first seven digits, a
//! container's first twelve). Row-level security decides what is there to be found.

mod files;
mod ids;
mod names;

use std::net::IpAddr;

use diesel::{PgConnection, QueryResult};

use crate::activity::{Reference, lookup};
use crate::db::ids::{ContainerId, FileId, ProjectId, UserId};
use crate::identity::{Role, Viewer};

pub use files::{OF_EACH, PROJECTS, statement as statement_for_files};
pub use names::statement_for;

/// Things of one kind at most.
pub const MOST: usize = 10;
/// The longest text that is searched for, in characters.
pub const LONGEST: usize = 500;

/// What kind of thing was found: results are grouped by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A project, by name or id.
    Project,
    /// A container, by name, image, id or the engine's id.
    Container,
    /// A user, by name, address or id.
    User,
    /// A file of a project, by its path.
    File,
    /// An entry of the timeline, by its id or its request's; for admins, acts by the address that they came from.
    Entry,
    /// A value that entries refer to, or a record of its own.
    Reference,
}

impl Kind {
    /// Every kind, in the order of the results.
    pub const ALL: [Self; 6] =
        [Self::Project, Self::Container, Self::User, Self::File, Self::Entry, Self::Reference];
}

/// Where a thing has its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A project, or what is left of it.
    Project(ProjectId),
    Container(ContainerId),
    /// A user, for admins.
    User(UserId),
    /// A file, in the project whose it is.
    File(ProjectId, FileId),
    /// What was done from an address; for admins.
    Address(IpAddr),
    /// The searcher.
    Oneself,
    /// An action, by its id.
    Action(String),
    /// An event, by its id.
    Event(String),
    /// An audit entry, by its id; for admins.
    AuditEntry(String),
    /// What an engine saw, by its id.
    Observation(String),
    Reference(Reference),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    /// Where its page is.
    pub target: Target,
    /// What it is called.
    pub label: String,
    /// What tells it from others of its name.
    pub note: String,
    /// Whether the text is this thing's id, which means it and nothing else.
    pub is_meant: bool,
}

/// Everything that `text` finds for `viewer`: at most [`MOST`] of a kind and one more, by which the reader of
/// the answer tells that there are more.
pub fn find(conn: &mut PgConnection, viewer: &Viewer, text: &str) -> QueryResult<Vec<Found>> {
    let is_admin = viewer.role == Role::Admin;
    let mut found = ids::things(conn, viewer, text)?;
    found.extend(names::projects(conn, text)?);
    found.extend(names::containers(conn, text)?);
    if is_admin {
        found.extend(names::users(conn, text)?);
        found.extend(ids::address(conn, text)?);
    }
    found.extend(files::by_path(conn, text)?);
    found.extend(ids::entries(conn, is_admin, text)?);
    found.extend(lookup::references(conn, is_admin, text)?.into_iter().map(|reference| Found {
        kind: Kind::Reference,
        label: reference.value.clone(),
        note: reference.key.clone(),
        target: Target::Reference(reference),
        is_meant: false,
    }));
    found.sort_by_key(|hit| hit.kind);
    let mut known: Vec<Target> = Vec::new();
    found.retain(|hit| {
        let is_new = !known.contains(&hit.target);
        known.push(hit.target.clone());
        is_new
    });
    Ok(found)
}

/// What to open at once: the only thing found, or the only one whose id the text is.
#[must_use]
pub fn only(found: &[Found]) -> Option<&Found> {
    let mut meant = found.iter().filter(|hit| hit.is_meant);
    match (found, meant.next(), meant.next()) {
        ([only], ..) | (_, Some(only), None) => Some(only),
        _ => None,
    }
}
