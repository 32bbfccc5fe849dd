//! How a reference is shown: as a chip that leads to its page.

use std::borrow::Cow;

use super::display::ReferenceChip;
use super::form::KEYS;
use crate::activity::{Entry, ProjectState, Reference};
use crate::web::display::{beginning, in_short};
use crate::web::urls;

/// What a reference's key is called.
#[must_use]
pub fn key_label(key: &str) -> &str {
    known_label(key).unwrap_or(key)
}

fn known_label(key: &str) -> Option<&'static str> {
    Some(match key {
        "deployment_id" => "deployment",
        "github_push_id" => "push",
        "commit_sha" => "commit",
        "branch_name" => "branch",
        "container_id" => "container",
        "container_session_id" => "session",
        "database_id" => "database",
        "database_name" => "database name",
        "chat_message_id" => "message",
        "app_name" => "app",
        _ => return None,
    })
}

/// References that stand in a row.
const SHOWN: usize = 3;

/// The first references of a row, what tells most first, and how many more there are.
#[must_use]
pub fn chips(entry: &Entry) -> (Vec<ReferenceChip>, String) {
    let mut references: Vec<&Reference> = entry.references.iter().collect();
    references.sort_by_key(|reference| rank(&reference.key));
    let all = references.len() + entry.references_cut;
    // "and 1 more" takes the room of the one.
    references.truncate(if all == SHOWN + 1 { all } else { SHOWN });
    let more = all - references.len();
    let chips = references.into_iter().map(|reference| chip(reference, project_of(entry)));
    (chips.chain(cause(entry)).collect(), if more == 0 { String::new() } else { format!("and {more} more") })
}

/// What led to an entry, as a chip that leads to their thread.
fn cause(entry: &Entry) -> Option<ReferenceChip> {
    let (shown, is_cut) = beginning(entry.caused_by.as_deref()?, 16);
    let value = if is_cut { format!("{shown}…") } else { shown.to_owned() };
    Some(ReferenceChip { key: "caused by".into(), value, url: urls::thread(entry.source(), entry.id()) })
}

/// The project that a chip of `entry` stays in.
#[must_use]
pub fn project_of(entry: &Entry) -> Option<&str> {
    let project = entry.project.as_ref().filter(|project| project.state == ProjectState::Exists);
    project.map(|project| project.id.as_str())
}

/// Known keys in the form's order, then the others as they are stored.
#[must_use]
pub fn rank(key: &str) -> usize {
    KEYS.iter().position(|known| *known == key).unwrap_or(KEYS.len())
}

/// The page of what carries a value, or of what does in `project`.
#[must_use]
pub fn address(key: &str, value: &str, project: Option<&str>) -> String {
    let address = urls::reference(key, value);
    match project {
        Some(project) => urls::with_query(&address, &[("project", project)]),
        None => address,
    }
}

/// A reference as a chip: its value is shortened, its address is not.
#[must_use]
pub fn chip(reference: &Reference, project: Option<&str>) -> ReferenceChip {
    let is_digits = |length: usize| {
        reference.value.len() >= length && reference.value.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let (length, mark) = match reference.key.as_str() {
        "commit_sha" => (7, ""),
        "container_id" if is_digits(64) => (12, ""),
        _ => (32, "…"),
    };
    let (shown, is_cut) = beginning(&reference.value, length);
    ReferenceChip {
        key: known_label(&reference.key)
            .map_or_else(|| Cow::Owned(in_short(&reference.key, 60)), Cow::Borrowed),
        value: if is_cut { format!("{shown}{mark}") } else { shown.to_owned() },
        url: address(&reference.key, &reference.value, project.filter(|_| reference.key == "branch_name")),
    }
}
