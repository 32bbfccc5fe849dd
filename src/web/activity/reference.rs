//! How a reference is shown: as a chip that leads to its page.

use std::borrow::Cow;

use super::display::ReferenceChip;
use crate::activity::Reference;
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

/// A reference as a chip: its value is shortened, its address is not.
#[must_use]
pub fn chip(reference: &Reference) -> ReferenceChip {
    let is_commit = reference.key == "commit_sha";
    let (shown, is_cut) = beginning(&reference.value, if is_commit { 7 } else { 32 });
    let mut value = shown.to_owned();
    if is_cut && !is_commit {
        value.push('…');
    }
    ReferenceChip {
        key: known_label(&reference.key)
            .map_or_else(|| Cow::Owned(in_short(&reference.key, 60)), Cow::Borrowed),
        value,
        url: urls::reference(&reference.key, &reference.value),
    }
}
