//! What the console does by itself, for admins.

pub mod backups;
pub mod database;
pub mod jobs;
pub mod retention;
pub mod retention_rule;
pub mod show;

use crate::web::display::Tab;

/// The pages of this room.
const PAGES: [(&str, &str); 4] = [
    ("Duties and jobs", show::PATH),
    ("Backups", backups::PATH),
    ("Retention", retention::PATH),
    ("Database", database::PATH),
];

/// The ways between them, seen from `here`.
fn tabs(here: &str) -> Vec<Tab> {
    PAGES
        .into_iter()
        .map(|(label, path)| Tab { label, url: path.to_owned(), current: path == here })
        .collect()
}
