//! The record behind a reference: the row that `deployment_id`, `github_push_id` and the like point to.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Deserialize;

use super::Reference;
use super::sentence::LinkTarget;
use crate::db::spelling::spellings;
use crate::db::statement::Statement;

/// What a reference points to, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceTarget {
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue {
    /// Words.
    Text(String),
    /// An id, a path, a number: shown as it is.
    Code(String),
    /// An address that somebody else wrote: check it before making a link.
    Url(String),
    /// How something went that was done, as it is stored.
    Status(String),
    /// What state a thing is in, as it is stored.
    State(String),
    /// Epoch milliseconds.
    Time(i64),
    /// A thing with a page of its own, and what it is called.
    Link(LinkTarget, String),
}

struct Facts {
    project: Option<String>,
    list: Vec<Fact>,
}

impl Facts {
    fn add(&mut self, label: &'static str, value: Option<FactValue>) {
        let is_empty = |value: &FactValue| {
            matches!(value, FactValue::Text(t) | FactValue::Code(t) | FactValue::Url(t) | FactValue::Status(t) | FactValue::State(t)
                | FactValue::Link(_, t) if t.trim().is_empty())
        };
        if let Some(value) = value.filter(|value| !is_empty(value)) {
            self.list.push(Fact { label, value });
        }
    }

    fn reference(&mut self, label: &'static str, key: &str, value: Option<String>) {
        let project = self.project.clone().filter(|_| key == "branch_name");
        let link = |value: String| {
            let (key, shown) = (key.to_owned(), value.clone());
            let target = match project {
                Some(project) => LinkTarget::ReferenceWithin { project, key, value },
                None => LinkTarget::Reference { key, value },
            };
            FactValue::Link(target, shown)
        };
        self.add(label, value.map(link));
    }

    fn of(row: &Stored) -> Self {
        Self { project: row.project_id.clone(), list: Vec::new() }
    }

    fn project(&mut self, id: Option<String>, name: Option<String>) {
        let link = |id: String| FactValue::Link(LinkTarget::Project(id.clone()), name.unwrap_or(id));
        self.add("Project", id.map(link));
    }
}

/// The record that `reference` points to, if there is one and the viewer may see it. For a key that several
/// records share (a commit, an app) the newest.
pub fn of(conn: &mut PgConnection, reference: &Reference) -> QueryResult<Option<ReferenceTarget>> {
    Ok(of_each(conn, std::slice::from_ref(reference))?.pop().flatten())
}

/// [`of`] for each of `references`, in one round trip; none when no key among them has records.
pub fn of_each(
    conn: &mut PgConnection,
    references: &[Reference],
) -> QueryResult<Vec<Option<ReferenceTarget>>> {
    let mut records: Vec<Option<ReferenceTarget>> = vec![None; references.len()];
    let mut s = Statement::<(BigInt, Text)>::new();
    s.limit_statement_cache();
    let mut asked = false;
    for (at, reference) in (0_i64..).zip(references) {
        let is_uuid = || reference.value.parse::<uuid::Uuid>().is_ok();
        let has_records = KEYS.contains(&reference.key.as_str())
            && !reference.value.contains('\0')
            && (reference.key != "chat_message_id" || is_uuid());
        if has_records {
            for value in spellings(&reference.value) {
                s.sql(if asked { " UNION ALL (SELECT " } else { "(SELECT " }).big(at);
                s.sql(", to_jsonb(t)::text FROM (");
                row_behind(&mut s, &reference.key, &value);
                s.sql(" LIMIT 1) t)");
                asked = true;
            }
        }
    }
    if !asked {
        return Ok(records);
    }
    let found: Vec<(i64, String)> = s.load(conn)?;
    for (at, json) in found {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        if let (Some(reference), Some(record)) = (references.get(at), records.get_mut(at)) {
            *record = ReferenceTarget::read(&reference.key, &json);
        }
    }
    Ok(records)
}

/// The keys that records stand behind.
const KEYS: [&str; 9] = [
    "github_push_id",
    "commit_sha",
    "deployment_id",
    "app_name",
    "container_session_id",
    "database_id",
    "container_id",
    "project_id",
    "chat_message_id",
];

/// What the project of a record is called, or was.
macro_rules! of_project {
    ($columns:literal) => {
        concat!(
            "SELECT (SELECT coalesce((SELECT p.name FROM public.projects p WHERE p.id_text = r.project_id), \
             (SELECT g.name FROM pilothouse.tombstones g WHERE g.kind = 'project' AND g.id = r.project_id))) AS project_name, ",
            $columns
        )
    };
}

/// Long texts and lists are cut: a page shows their beginning.
const PUSH: &str = of_project!(
    "push_id AS id, project_id, left(repo_url, 500) AS repo_url, \
    left(branch_name, 500) AS branch_name, left(commit_sha, 200) AS commit_sha, left(commit_message, 1000) AS commit_message, \
    left(author_name, 200) AS author_name, left(author_email, 200) AS author_email, files_changed, created_at, \
    CASE WHEN jsonb_typeof(files) = 'array' THEN (SELECT jsonb_agg(x.file) FROM (SELECT left(coalesce(f->>'path', \
    f->>'filename', f#>>'{}'), 120) AS file FROM jsonb_array_elements(files) f LIMIT 8) x) END AS files \
    FROM turbobackend.github_push_history r WHERE "
);
const DEPLOYMENT: &str = of_project!(
    "deployment_id AS id, project_id, left(app_name, 500) AS app_name, \
    left(app_url, 500) AS app_url, left(commit_sha, 200) AS commit_sha, left(status, 200) AS status, \
    left(environment, 200) AS environment, left(error, 2000) AS error, created_at, finished_at FROM turbobackend.project_deployments r WHERE "
);
const SESSION: &str = of_project!(
    "session_id AS id, project_id, left(container_id, 500) AS container_id, left(status, 200) AS status, exit_code, created_at, ended_at \
    FROM turbobackend.container_sessions r WHERE session_id = "
);
const DATABASE: &str = of_project!(
    "database_id AS id, project_id, left(database_name, 500) AS database_name, left(status, 200) AS status, created_at, \
    CASE WHEN jsonb_typeof(schema_design->'tables') = 'array' THEN jsonb_array_length(schema_design->'tables') END AS tables, \
    CASE WHEN jsonb_typeof(schema_design->'tables') = 'array' THEN (SELECT jsonb_agg(x.name) FROM (SELECT \
    left(coalesce(t->>'name', t#>>'{}'), 60) AS name FROM jsonb_array_elements(schema_design->'tables') t LIMIT 8) x) \
    END AS names FROM turbobackend.project_databases r WHERE database_id = "
);
const CONTAINER: &str = "SELECT id::text AS id, container_id, name, status, image_name, left(url, 500) AS url, \
    floor(extract(epoch FROM CASE WHEN created_at IS NOT NULL THEN greatest('0001-01-01Z', least('9999-12-31 23:59:59Z', created_at)) END) * 1000)::bigint \
    AS created_at FROM public.containers WHERE container_id = ";
const PROJECT: &str = "SELECT id_text AS id, name, status, left(description, 1000) AS description, \
    floor(extract(epoch FROM CASE WHEN created_at IS NOT NULL THEN greatest('0001-01-01Z', least('9999-12-31 23:59:59Z', created_at)) END) * 1000)::bigint \
    AS created_at FROM public.projects WHERE id_text = ";
/// Workers may have stored a time that no calendar holds.
const MESSAGE: &str = "SELECT m.id::text AS id, m.role, left(m.content, 300) AS words, p.id_text AS project_id, p.name, \
    floor(extract(epoch FROM CASE WHEN m.created_at IS NOT NULL THEN greatest('0001-01-01Z', least('9999-12-31 23:59:59Z', m.created_at)) END) * 1000)::bigint \
    AS created_at FROM public.chat_messages m LEFT JOIN public.projects p ON p.container_id = m.container_id WHERE m.id = ";
const NEWEST: &str = " ORDER BY created_at DESC NULLS LAST";

fn row_behind(s: &mut Statement<(BigInt, Text)>, key: &str, value: &str) {
    match key {
        "github_push_id" => s.sql(PUSH).sql("push_id = ").text(value),
        "commit_sha" => s.sql(PUSH).sql("commit_sha = ").text(value).sql(NEWEST),
        "deployment_id" => s.sql(DEPLOYMENT).sql("deployment_id = ").text(value),
        "app_name" => s.sql(DEPLOYMENT).sql("app_name = ").text(value).sql(NEWEST),
        "container_session_id" => s.sql(SESSION).text(value),
        "database_id" => s.sql(DATABASE).text(value),
        "container_id" => {
            // Workers name the engine's id or the row's.
            s.sql(CONTAINER).text(value);
            if value.parse::<uuid::Uuid>().is_ok() {
                s.sql(" OR id = ").text(value).sql("::uuid");
            }
            s
        }
        "chat_message_id" => s.sql(MESSAGE).text(value).sql("::uuid ORDER BY p.name, p.id"),
        _ => s.sql(PROJECT).text(value),
    };
}

/// What a row of any of those tables may hold; each table has some of it.
#[derive(Debug, Deserialize)]
struct Stored {
    id: String,
    name: Option<String>,
    project_name: Option<String>,
    description: Option<String>,
    project_id: Option<String>,
    status: Option<String>,
    created_at: Option<i64>,
    repo_url: Option<String>,
    branch_name: Option<String>,
    commit_sha: Option<String>,
    commit_message: Option<String>,
    author_name: Option<String>,
    author_email: Option<String>,
    files_changed: Option<i64>,
    files: Option<Vec<String>>,
    app_name: Option<String>,
    app_url: Option<String>,
    environment: Option<String>,
    error: Option<String>,
    finished_at: Option<i64>,
    container_id: Option<String>,
    exit_code: Option<i64>,
    ended_at: Option<i64>,
    database_name: Option<String>,
    tables: Option<i64>,
    names: Option<Vec<String>>,
    image_name: Option<String>,
    url: Option<String>,
    role: Option<String>,
    words: Option<String>,
}

fn code(text: Option<String>) -> Option<FactValue> {
    text.map(FactValue::Code)
}

fn number(number: Option<i64>) -> Option<FactValue> {
    number.map(|number| FactValue::Code(number.to_string()))
}

/// "a, b and 3 more".
fn listed(names: Option<Vec<String>>, count: Option<i64>) -> Option<FactValue> {
    let names = names.filter(|names| !names.is_empty())?;
    let shown = i64::try_from(names.len()).unwrap_or(i64::MAX);
    let more = count.map_or(0, |count| count - shown);
    let text = names.join(", ");
    Some(FactValue::Code(if more > 0 { format!("{text} and {more} more") } else { text }))
}

impl ReferenceTarget {
    fn read(key: &str, json: &str) -> Option<Self> {
        let row: Stored = serde_json::from_str(json)
            .inspect_err(|error| tracing::warn!(key, %error, "a record behind a reference can't be read"))
            .ok()?;
        Some(match key {
            "github_push_id" | "commit_sha" => Self::of_push(row),
            "deployment_id" | "app_name" => Self::of_deployment(row),
            "container_session_id" => Self::of_session(row),
            "database_id" => Self::of_database(row),
            "container_id" => Self::of_container(row),
            "chat_message_id" => Self::of_message(row),
            _ => Self::of_project(row),
        })
    }

    fn of_message(row: Stored) -> Self {
        let mut facts = Facts::of(&row);
        facts.add("Role", row.role.map(FactValue::Text));
        let words = row.words.unwrap_or_default();
        if let Some((project, name)) = row.project_id.zip(row.name) {
            let target = LinkTarget::Message { project: project.clone(), id: row.id.clone() };
            facts.add("Words", Some(FactValue::Link(target, words)));
            facts.add("Project", Some(FactValue::Link(LinkTarget::Project(project), name)));
        } else {
            facts.add("Words", Some(FactValue::Text(words)));
        }
        facts.add("Sent", row.created_at.map(FactValue::Time));
        Self { kind: "Message", title: row.id, facts: facts.list }
    }

    fn of_push(row: Stored) -> Self {
        let mut facts = Facts::of(&row);
        facts.add("Message", row.commit_message.map(FactValue::Text));
        facts.add("Author", row.author_name.or(row.author_email).map(FactValue::Text));
        facts.reference("Commit", "commit_sha", row.commit_sha);
        facts.reference("Branch", "branch_name", row.branch_name);
        facts.add("Files changed", number(row.files_changed));
        facts.add("Files", listed(row.files, row.files_changed));
        facts.add("Repository", row.repo_url.map(FactValue::Url));
        facts.project(row.project_id, row.project_name);
        facts.add("Pushed", row.created_at.map(FactValue::Time));
        Self { kind: "Push", title: row.id, facts: facts.list }
    }

    fn of_deployment(row: Stored) -> Self {
        let mut facts = Facts::of(&row);
        facts.add("Status", row.status.map(FactValue::Status));
        facts.add("Error", row.error.map(FactValue::Text));
        facts.reference("App", "app_name", row.app_name);
        facts.add("Address", row.app_url.map(FactValue::Url));
        facts.add("Environment", row.environment.map(FactValue::Text));
        facts.reference("Commit", "commit_sha", row.commit_sha);
        facts.project(row.project_id, row.project_name);
        facts.add("Started", row.created_at.map(FactValue::Time));
        facts.add("Finished", row.finished_at.map(FactValue::Time));
        Self { kind: "Deployment", title: row.id, facts: facts.list }
    }

    fn of_session(row: Stored) -> Self {
        let mut facts = Facts::of(&row);
        facts.add("Status", row.status.map(FactValue::State));
        facts.add("Exit code", number(row.exit_code));
        facts.reference("Container", "container_id", row.container_id);
        facts.project(row.project_id, row.project_name);
        facts.add("Started", row.created_at.map(FactValue::Time));
        facts.add("Ended", row.ended_at.map(FactValue::Time));
        Self { kind: "Container session", title: row.id, facts: facts.list }
    }

    fn of_database(row: Stored) -> Self {
        let mut facts = Facts::of(&row);
        facts.add("Status", row.status.map(FactValue::State));
        facts.add("Tables", number(row.tables));
        facts.add("Schema", listed(row.names, row.tables));
        facts.project(row.project_id, row.project_name);
        facts.add("Created", row.created_at.map(FactValue::Time));
        Self { kind: "Database", title: row.database_name.unwrap_or(row.id), facts: facts.list }
    }

    fn of_container(row: Stored) -> Self {
        let mut facts = Facts::of(&row);
        let name = row.name.unwrap_or_else(|| row.id.clone());
        facts.add("Container", Some(FactValue::Link(LinkTarget::Container(row.id), name.clone())));
        facts.add("Status", row.status.map(FactValue::State));
        facts.add("Image", code(row.image_name));
        facts.add("Engine id", code(row.container_id));
        facts.add("Address", row.url.map(FactValue::Url));
        facts.add("Created", row.created_at.map(FactValue::Time));
        Self { kind: "Container", title: name, facts: facts.list }
    }

    fn of_project(row: Stored) -> Self {
        let mut facts = Facts::of(&row);
        let name = row.name.unwrap_or_else(|| row.id.clone());
        facts.add("Project", Some(FactValue::Link(LinkTarget::Project(row.id), name.clone())));
        facts.add("Status", row.status.map(FactValue::State));
        facts.add("Description", row.description.map(FactValue::Text));
        facts.add("Created", row.created_at.map(FactValue::Time));
        Self { kind: "Project", title: name, facts: facts.list }
    }
}
