//! Finds what a pasted id means.

use diesel::prelude::*;

use super::Reference;
use crate::db::ids::ProjectId;
use crate::db::schema::{action_references, activity_events, project_actions, reference_text};

/// The keys that a pasted value is looked up under, in the order of the answer.
const KEYS: [&str; 10] = [
    "deployment_id",
    "github_push_id",
    "commit_sha",
    "container_id",
    "container_session_id",
    "database_id",
    "database_name",
    "app_name",
    "branch_name",
    "chat_message_id",
];

/// References that hold exactly `value`; a commit is also found by its first seven digits and more.
///
/// # Errors
/// When a statement fails.
pub fn references(conn: &mut PgConnection, value: &str) -> QueryResult<Vec<Reference>> {
    let mut found: Vec<(String, String)> = action_references::table
        .filter(action_references::key.eq_any(KEYS))
        .filter(action_references::value.eq(reference_text(value)))
        .select((action_references::key, action_references::value))
        .distinct()
        .load(conn)?;
    let is_abbreviated = (7..40).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_abbreviated {
        let start = value.to_ascii_lowercase();
        // No digit sorts after "g": the range holds what begins with `start`, and an index can walk it.
        let commits: Vec<(String, String)> = action_references::table
            .filter(action_references::key.eq("commit_sha"))
            .filter(action_references::value.gt(start.clone()))
            .filter(action_references::value.lt(format!("{start}g")))
            .select((action_references::key, action_references::value))
            .distinct()
            .limit(10)
            .load(conn)?;
        found.extend(commits);
    }
    found.sort_by_key(|(key, value)| (KEYS.iter().position(|known| known == key), value.clone()));
    Ok(found.into_iter().map(|(key, value)| Reference { key, value }).collect())
}

/// The first action of each of these requests in a project: request, action, and what it says.
///
/// # Errors
/// When a statement fails.
pub fn first_of_requests(
    conn: &mut PgConnection,
    project: ProjectId,
    requests: &[String],
) -> QueryResult<Vec<(String, String, Option<String>)>> {
    project_actions::table
        .filter(project_actions::project_id.eq(project.to_string()))
        .filter(project_actions::request_id.eq_any(requests))
        .distinct_on(project_actions::request_id)
        .order((project_actions::request_id, project_actions::created_at, project_actions::action_id))
        .select((
            project_actions::request_id.assume_not_null(),
            project_actions::action_id,
            project_actions::action_details,
        ))
        .load(conn)
}

/// Which records have exactly this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// An action has it.
    pub action: bool,
    /// An event has it.
    pub event: bool,
}

/// Which records have the id `id`.
///
/// # Errors
/// When a statement fails.
pub fn ids(conn: &mut PgConnection, id: &str) -> QueryResult<Ids> {
    let action = project_actions::table.find(id).select(project_actions::action_id);
    let event = activity_events::table.find(id).select(activity_events::id);
    let (action, event) =
        diesel::select((diesel::dsl::exists(action), diesel::dsl::exists(event))).get_result(conn)?;
    Ok(Ids { action, event })
}
