//! What the import asks of the database, and what it writes.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::db::functions::{beginning, lower};
use crate::db::ids::ProjectId;
use crate::db::schema::{github_push_history, project_actions, projects, users};
use crate::identity::domain_spellings;

/// A row of `github_push_history`.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = github_push_history)]
pub(super) struct NewPush {
    pub push_id: String,
    pub project_id: String,
    pub user_id: Option<String>,
    pub repo_url: String,
    pub branch_name: String,
    pub commit_sha: String,
    pub commit_message: String,
    pub author_name: String,
    pub author_email: String,
    pub files_changed: Option<i32>,
    pub files: Option<Value>,
    pub created_at: i64,
}

/// A row of `project_actions`.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = project_actions)]
pub(super) struct ImportedAction {
    pub action_id: String,
    pub project_id: String,
    pub user_id: Option<String>,
    pub action_type: &'static str,
    pub action_details: String,
    pub status: &'static str,
    pub environment: &'static str,
    pub reference_ids: Value,
    pub created_at: i64,
}

/// Whether there still is such a project; its row stays until the transaction ends.
pub(super) fn hold_project(conn: &mut PgConnection, project: ProjectId) -> QueryResult<bool> {
    let row: Option<ProjectId> =
        projects::table.find(project.0).select(projects::id).for_key_share().first(conn).optional()?;
    Ok(row.is_some())
}

/// What the project is called; None when there is no such project.
pub(super) fn project_name(conn: &mut PgConnection, project: ProjectId) -> QueryResult<Option<String>> {
    projects::table.find(project.0).select(projects::name).get_result(conn).optional()
}

/// Id and newest commit of the pushes that the project has on record, whoever recorded them.
pub(super) fn recorded_heads(
    conn: &mut PgConnection,
    project: ProjectId,
) -> QueryResult<Vec<(String, String)>> {
    github_push_history::table
        .filter(github_push_history::project_id.eq(project.to_string()))
        .filter(github_push_history::commit_sha.is_not_null())
        .select((github_push_history::push_id, github_push_history::commit_sha.assume_not_null()))
        .load(conn)
}

/// How the sentences of the project's push actions begin, by action.
pub(super) fn recorded_sentences(
    conn: &mut PgConnection,
    project: ProjectId,
) -> QueryResult<HashMap<String, String>> {
    let sentences = project_actions::table
        .filter(project_actions::project_id.eq(project.to_string()))
        .filter(project_actions::action_type.eq("github_push"))
        .filter(project_actions::action_details.is_not_null())
        .select((
            project_actions::action_id,
            beginning(project_actions::action_details.assume_not_null(), 30),
        ))
        .load(conn)?;
    Ok(sentences.into_iter().collect())
}

/// Who the users with these e-mail addresses are.
#[derive(Debug, Default)]
pub(super) struct Authors {
    exact: HashMap<String, Uuid>,
    lower: HashMap<String, Uuid>,
}

impl Authors {
    /// The user with this address, as it is written or else in another spelling.
    pub(super) fn user(&self, email: &str) -> Option<String> {
        let id = self.exact.get(email).or_else(|| self.lower.get(&folded(email)))?;
        Some(id.hyphenated().to_string())
    }
}

/// An address in the spelling under which all of its spellings are found.
fn folded(email: &str) -> String {
    let [_, read, _] = domain_spellings(email);
    read.to_lowercase()
}

/// Looks up the users behind `emails`. Of users whose addresses differ in their spelling only, the oldest counts.
pub(super) fn authors(conn: &mut PgConnection, emails: &[String]) -> QueryResult<Authors> {
    let lowered: Vec<String> =
        emails.iter().flat_map(|email| domain_spellings(email)).map(|email| email.to_lowercase()).collect();
    let found: Vec<(Uuid, String)> = users::table
        .filter(lower(users::email).eq_any(&lowered).or(users::email.eq_any(emails)))
        .order((users::created_at.desc(), users::id.desc()))
        .select((users::id, users::email))
        .load(conn)?;
    let mut authors = Authors::default();
    for (id, email) in found {
        authors.lower.insert(folded(&email), id);
        authors.exact.insert(email, id);
    }
    Ok(authors)
}

/// Inserts what is not there yet; returns how many pushes and actions were new.
pub(super) fn insert(
    conn: &mut PgConnection,
    pushes: &[NewPush],
    actions: &[ImportedAction],
) -> QueryResult<(usize, usize)> {
    let pushes = diesel::insert_into(github_push_history::table)
        .values(pushes)
        .on_conflict_do_nothing()
        .execute(conn)?;
    let actions =
        diesel::insert_into(project_actions::table).values(actions).on_conflict_do_nothing().execute(conn)?;
    Ok((pushes, actions))
}
