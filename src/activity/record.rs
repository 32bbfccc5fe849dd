//! The record behind a reference: the row that `deployment_id`, `github_push_id` and the like point to.

use diesel::prelude::*;

use super::Reference;
use super::sentence::LinkTarget;
use crate::db::schema::{
    chat_messages, container_sessions, containers, github_push_history, project_databases,
    project_deployments, projects,
};

/// What a reference points to, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What kind of thing it is: "Deployment".
    pub kind: &'static str,
    /// What it is called.
    pub title: String,
    /// What is known of it, without what is empty.
    pub facts: Vec<Fact>,
}

/// One thing that is known of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is: "Commit".
    pub label: &'static str,
    /// What it says.
    pub value: FactValue,
}

/// How a fact is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue {
    /// Words.
    Text(String),
    /// An id, a path, a number: shown as it is.
    Code(String),
    /// An address that somebody else wrote: check it before making a link.
    Url(String),
    /// A stored status.
    Status(String),
    /// Epoch milliseconds.
    Time(i64),
    /// A thing with a page of its own, and what it is called.
    Link(LinkTarget, String),
}

struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, label: &'static str, value: Option<FactValue>) {
        let is_empty = |value: &FactValue| {
            matches!(value, FactValue::Text(t) | FactValue::Code(t) | FactValue::Url(t) | FactValue::Status(t)
                | FactValue::Link(_, t) if t.trim().is_empty())
        };
        if let Some(value) = value.filter(|value| !is_empty(value)) {
            self.0.push(Fact { label, value });
        }
    }

    fn reference(&mut self, label: &'static str, key: &str, value: Option<String>) {
        let link = |value: String| {
            FactValue::Link(LinkTarget::Reference { key: key.to_owned(), value: value.clone() }, value)
        };
        self.add(label, value.map(link));
    }

    fn project(&mut self, id: Option<String>) {
        self.add("Project", id.map(|id| FactValue::Link(LinkTarget::Project(id.clone()), id)));
    }
}

/// The record that `reference` points to, if there is one and the viewer may see it. For a key that several
/// records share (a commit, an app) the newest.
///
/// # Errors
/// When a statement fails.
pub fn behind(conn: &mut PgConnection, reference: &Reference) -> QueryResult<Option<Record>> {
    let value = reference.value.as_str();
    if value.contains('\0') {
        return Ok(None);
    }
    match reference.key.as_str() {
        "github_push_id" | "commit_sha" => push(conn, reference.key == "commit_sha", value),
        "deployment_id" | "app_name" => deployment(conn, reference.key == "app_name", value),
        "container_session_id" => session(conn, value),
        "database_id" => database(conn, value),
        "container_id" => container(conn, value),
        "project_id" => project(conn, value),
        "chat_message_id" => message(conn, value),
        _ => Ok(None),
    }
}

type Text = Option<String>;

fn push(conn: &mut PgConnection, by_commit: bool, value: &str) -> QueryResult<Option<Record>> {
    use github_push_history as t;
    type Row = (String, Text, Text, Text, Text, Text, Text, Text, Option<i32>, Option<i64>);
    let mut query = t::table
        .select((
            t::push_id,
            t::project_id,
            t::repo_url,
            t::branch_name,
            t::commit_sha,
            t::commit_message,
            t::author_name,
            t::author_email,
            t::files_changed,
            t::created_at,
        ))
        .order(t::created_at.desc().nulls_last())
        .into_boxed();
    query =
        if by_commit { query.filter(t::commit_sha.eq(value)) } else { query.filter(t::push_id.eq(value)) };
    let row: Option<Row> = query.first(conn).optional()?;
    Ok(row.map(|(id, project, repo, branch, commit, message, author, email, files, at)| {
        let mut facts = Facts(Vec::new());
        facts.add("Message", message.map(FactValue::Text));
        facts.add("Author", author.or(email).map(FactValue::Text));
        facts.reference("Commit", "commit_sha", commit);
        facts.reference("Branch", "branch_name", branch);
        facts.add("Files changed", files.map(|files| FactValue::Code(files.to_string())));
        facts.add("Repository", repo.map(FactValue::Url));
        facts.project(project);
        facts.add("Pushed", at.map(FactValue::Time));
        Record { kind: "Push", title: id, facts: facts.0 }
    }))
}

fn deployment(conn: &mut PgConnection, by_app: bool, value: &str) -> QueryResult<Option<Record>> {
    use project_deployments as t;
    type Row = (String, Text, Text, Text, Text, Text, Text, Text, Option<i64>, Option<i64>);
    let mut query = t::table
        .select((
            t::deployment_id,
            t::project_id,
            t::app_name,
            t::app_url,
            t::commit_sha,
            t::status,
            t::environment,
            t::error,
            t::created_at,
            t::finished_at,
        ))
        .order(t::created_at.desc().nulls_last())
        .into_boxed();
    query =
        if by_app { query.filter(t::app_name.eq(value)) } else { query.filter(t::deployment_id.eq(value)) };
    let row: Option<Row> = query.first(conn).optional()?;
    Ok(row.map(|(id, project, app, url, commit, status, environment, error, at, finished)| {
        let mut facts = Facts(Vec::new());
        facts.add("Status", status.map(FactValue::Status));
        facts.add("Error", error.map(FactValue::Text));
        facts.reference("App", "app_name", app);
        facts.add("Address", url.map(FactValue::Url));
        facts.add("Environment", environment.map(FactValue::Text));
        facts.reference("Commit", "commit_sha", commit);
        facts.project(project);
        facts.add("Started", at.map(FactValue::Time));
        facts.add("Finished", finished.map(FactValue::Time));
        Record { kind: "Deployment", title: id, facts: facts.0 }
    }))
}

fn session(conn: &mut PgConnection, value: &str) -> QueryResult<Option<Record>> {
    use container_sessions as t;
    type Row = (Text, Text, Text, Option<i32>, Option<i64>, Option<i64>);
    let row: Option<Row> = t::table
        .find(value)
        .select((t::project_id, t::container_id, t::status, t::exit_code, t::created_at, t::ended_at))
        .first(conn)
        .optional()?;
    Ok(row.map(|(project, container, status, exit, at, ended)| {
        let mut facts = Facts(Vec::new());
        facts.add("Status", status.map(FactValue::Status));
        facts.add("Exit code", exit.map(|code| FactValue::Code(code.to_string())));
        facts.reference("Container", "container_id", container);
        facts.project(project);
        facts.add("Started", at.map(FactValue::Time));
        facts.add("Ended", ended.map(FactValue::Time));
        Record { kind: "Container session", title: value.to_owned(), facts: facts.0 }
    }))
}

fn database(conn: &mut PgConnection, value: &str) -> QueryResult<Option<Record>> {
    use project_databases as t;
    type Row = (Text, Text, Text, Option<serde_json::Value>, Option<i64>);
    let row: Option<Row> = t::table
        .find(value)
        .select((t::project_id, t::database_name, t::status, t::schema_design, t::created_at))
        .first(conn)
        .optional()?;
    Ok(row.map(|(project, name, status, design, at)| {
        let mut facts = Facts(Vec::new());
        let tables = design.and_then(|design| Some(design.get("tables")?.as_array()?.len()));
        facts.add("Status", status.map(FactValue::Status));
        facts.add("Tables", tables.map(|tables| FactValue::Code(tables.to_string())));
        facts.project(project);
        facts.add("Created", at.map(FactValue::Time));
        Record { kind: "Database", title: name.unwrap_or_else(|| value.to_owned()), facts: facts.0 }
    }))
}

fn container(conn: &mut PgConnection, value: &str) -> QueryResult<Option<Record>> {
    use containers as t;
    type Row = (uuid::Uuid, String, String, String, Text, Text, Option<chrono::DateTime<chrono::Utc>>);
    let mut query = t::table
        .select((t::id, t::container_id, t::name, t::status, t::image_name, t::url, t::created_at))
        .filter(t::container_id.eq(value))
        .into_boxed();
    if let Ok(id) = value.parse::<uuid::Uuid>() {
        query = query.or_filter(t::id.eq(id));
    }
    let row: Option<Row> = query.first(conn).optional()?;
    Ok(row.map(|(id, engine, name, status, image, url, at)| {
        let mut facts = Facts(Vec::new());
        facts.add("Container", Some(FactValue::Link(LinkTarget::Container(id.to_string()), name.clone())));
        facts.add("Status", Some(FactValue::Status(status)));
        facts.add("Image", image.map(FactValue::Code));
        facts.add("Engine id", Some(FactValue::Code(engine)));
        facts.add("Address", url.map(FactValue::Url));
        facts.add("Created", at.map(|at| FactValue::Time(at.timestamp_millis())));
        Record { kind: "Container", title: name, facts: facts.0 }
    }))
}

fn project(conn: &mut PgConnection, value: &str) -> QueryResult<Option<Record>> {
    use projects as t;
    type Row = (String, Text, Text, Option<chrono::DateTime<chrono::Utc>>);
    let row: Option<Row> = t::table
        .filter(t::id_text.eq(value))
        .select((t::name, t::status, t::description, t::created_at))
        .first(conn)
        .optional()?;
    Ok(row.map(|(name, status, description, at)| {
        let mut facts = Facts(Vec::new());
        facts.add("Project", Some(FactValue::Link(LinkTarget::Project(value.to_owned()), name.clone())));
        facts.add("Status", status.map(FactValue::Status));
        facts.add("Description", description.map(FactValue::Text));
        facts.add("Created", at.map(|at| FactValue::Time(at.timestamp_millis())));
        Record { kind: "Project", title: name, facts: facts.0 }
    }))
}

fn message(conn: &mut PgConnection, value: &str) -> QueryResult<Option<Record>> {
    use chat_messages as t;
    type Row = (String, String, Option<chrono::DateTime<chrono::Utc>>, Option<(String, String)>);
    let Ok(id) = value.parse::<uuid::Uuid>() else { return Ok(None) };
    let row: Option<Row> = t::table
        .left_join(projects::table.on(projects::container_id.eq(t::container_id)))
        .filter(t::id.eq(id))
        .order((projects::name, projects::id))
        .select((
            t::role,
            left(t::content, 300),
            diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>(
                // Workers may have stored a time that no calendar holds.
                "CASE WHEN chat_messages.created_at BETWEEN '0001-01-01' AND '9999-12-31' \
                 THEN chat_messages.created_at END",
            ),
            (projects::id_text.assume_not_null(), projects::name).nullable(),
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(role, words, at, project)| {
        let mut facts = Facts(Vec::new());
        facts.add("Role", Some(FactValue::Text(role)));
        if let Some((project, name)) = project {
            let target = LinkTarget::Message { project: project.clone(), id: id.to_string() };
            facts.add("Words", Some(FactValue::Link(target, words)));
            facts.add("Project", Some(FactValue::Link(LinkTarget::Project(project), name)));
        } else {
            facts.add("Words", Some(FactValue::Text(words)));
        }
        facts.add("Sent", at.map(|at| FactValue::Time(at.timestamp_millis())));
        Record { kind: "Message", title: value.to_owned(), facts: facts.0 }
    }))
}

diesel::define_sql_function! {
    /// The first characters of a text.
    fn left(text: diesel::sql_types::Text, length: diesel::sql_types::Integer) -> diesel::sql_types::Text;
}
