//! The files of each container, as the pushes of its project left them.

use std::collections::BTreeMap;

use super::cast::Project;
use super::rows::File;
use super::world::{World, utc};

/// A file as the pushes so far left it.
#[derive(Debug, Clone, Copy)]
struct State {
    created_at: i64,
    changed_at: i64,
    size: i64,
    is_deleted: bool,
}

/// Writes down every file that a push to `main` named: made by the first, changed by the last.
pub(super) fn store(world: &mut World, projects: &[Project]) {
    for project in projects {
        let Some(container) = &project.container else { continue };
        let own = project.key();
        let mut pushes: Vec<_> = world
            .rows
            .pushes
            .iter()
            .filter(|push| push.project_id == own && push.branch_name == "main")
            .cloned()
            .collect();
        pushes.sort_by_key(|push| push.created_at);
        let mut files: BTreeMap<String, State> = BTreeMap::new();
        for push in pushes {
            for path in &push.files {
                let grown = world.chance.between(40, 2_400);
                let at = push.created_at;
                let new = State { created_at: at, changed_at: at, size: 180 * grown / 10, is_deleted: false };
                let state = files.entry(path.clone()).or_insert(new);
                state.changed_at = at;
                state.size = (state.size + grown - 900).max(120);
                state.is_deleted = deletes(&push.commit_message, path);
            }
        }
        for (path, state) in files {
            let id = world.uuid();
            world.rows.files.push(File {
                id,
                container_id: container.id.hyphenated().to_string(),
                file_name: path.rsplit('/').next().unwrap_or(&path).chars().take(255).collect(),
                mime_type: media_type(&path),
                file_path: path,
                file_size: state.size,
                created_at: utc(state.created_at),
                updated_at: utc(state.changed_at),
                is_deleted: state.is_deleted,
            });
        }
    }
}

/// Whether a commit takes `path` away.
fn deletes(commit: &str, path: &str) -> bool {
    matches!(
        (commit, path),
        ("Delete dead code", "src/legacy.ts")
            | ("Remove a feature flag that is always on", "src/flags.ts")
            | ("Remove uploads that nobody uses", _)
    )
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("ts" | "tsx") => "text/typescript",
        Some("css") => "text/css",
        Some("md") => "text/markdown",
        Some("html") => "text/html",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("webp") => "image/webp",
        Some("png") => "image/png",
        Some("csv") => "text/csv",
        Some("js") => "text/javascript",
        Some("exe") => "application/vnd.microsoft.portable-executable",
        _ => "text/plain",
    }
}
