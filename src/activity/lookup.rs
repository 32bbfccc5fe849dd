//! Finds what a pasted id means.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::{ActionType, EngineEventType, Reference, Source};
use crate::audit::AuditAction;
use crate::db::ids::ProjectId;
use crate::db::schema::action_references;
use crate::db::spelling::spellings;
use crate::db::statement::Statement;

/// The keys that a pasted value is looked up under, in the order of the answer.
const KEYS: [&str; 12] = [
    "deployment_id",
    "github_push_id",
    "commit_sha",
    "container_id",
    "container_session_id",
    "database_id",
    "message_id",
    "request_id",
    "database_name",
    "app_name",
    "branch_name",
    "chat_message_id",
];

/// What carries one key and value, found by one probe of an index each.
#[derive(Debug, Clone, Copy)]
struct Carrier {
    key: &'static str,
    /// A row of it, up to the value.
    row: &'static str,
}

/// Records that stand for themselves: one may be known before any action refers to it.
const RECORDS: [Carrier; 5] = [
    Carrier {
        key: "deployment_id",
        row: "SELECT FROM turbobackend.project_deployments r WHERE r.deployment_id = ",
    },
    Carrier {
        key: "github_push_id",
        row: "SELECT FROM turbobackend.github_push_history r WHERE r.push_id = ",
    },
    Carrier {
        key: "commit_sha",
        row: "SELECT FROM turbobackend.github_push_history r WHERE r.commit_sha = ",
    },
    Carrier {
        key: "container_session_id",
        row: "SELECT FROM turbobackend.container_sessions r WHERE r.session_id = ",
    },
    Carrier {
        key: "database_id",
        row: "SELECT FROM turbobackend.project_databases r WHERE r.database_id = ",
    },
];

/// The statement that answers under which keys `value` is known.
///
/// What names one record is found by key and value alone, and so is everything for an admin. Else an owner's are found
/// project by project: a branch called `main` is everybody's, and row-level security would walk past all of the others'.
#[must_use]
pub fn statement_for(value: &str, everything: bool) -> Statement<(Text,)> {
    const OF_KEY: &str =
        "turbobackend.action_references r WHERE r.key = k.key AND r.value = pilothouse.reference_text(";
    let mut statement = Statement::new();
    statement.sql("SELECT k.key FROM unnest(");
    statement.texts(KEYS.iter().map(|key| (*key).to_owned()).collect());
    statement.sql(") AS k(key) WHERE (SELECT true FROM ");
    // The order makes the planner walk the index even where a value is so common that any row might do.
    statement.sql(OF_KEY).text(value).sql(")");
    if !everything {
        statement.sql(" AND ").sql(Reference::NAMES_ONE_RECORD);
    }
    statement.sql(" ORDER BY r.created_at DESC LIMIT 1)");
    if !everything {
        statement
            .sql(
                " OR (SELECT true FROM (SELECT p.id_text AS id FROM public.projects p \
                 UNION ALL SELECT t.id FROM pilothouse.tombstones t WHERE t.kind = 'project') own, \
                 LATERAL (SELECT FROM ",
            )
            .sql(OF_KEY)
            .text(value)
            .sql(") AND r.project_id = own.id AND ")
            .sql(Reference::MAY_BE_SHARED)
            .sql(" ORDER BY r.created_at DESC LIMIT 1) x LIMIT 1)");
    }
    for record in RECORDS {
        statement.sql(" OR (k.key = '").sql(record.key).sql("' AND EXISTS (");
        statement.sql(record.row).text(value).sql("))");
    }
    statement
}

/// References that hold exactly `value`, and records of that id; a commit is also found by its first seven
/// digits and more. `everything`: for an admin.
pub fn references(conn: &mut PgConnection, everything: bool, value: &str) -> QueryResult<Vec<Reference>> {
    let mut found: Vec<(String, String)> = Vec::new();
    for spelling in spellings(value) {
        let keys: Vec<(String,)> = statement_for(&spelling, everything).load(conn)?;
        // The page of either spelling shows both.
        found.extend(keys.into_iter().map(|(key,)| (key, value.to_owned())));
    }
    let is_abbreviated =
        (7..=40).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_abbreviated {
        let start = value.to_ascii_lowercase();
        // No digit sorts after "g": the range holds what begins with `start`, and an index can walk it.
        let commits: Vec<(String, String)> = action_references::table
            .filter(action_references::key.eq("commit_sha"))
            .filter(action_references::value.ge(start.clone()))
            .filter(action_references::value.lt(format!("{start}g")))
            .select((action_references::key, action_references::value))
            .distinct()
            .limit(10)
            .load(conn)?;
        found.extend(commits);
    }
    found.sort_by_key(|(key, value)| (KEYS.iter().position(|known| known == key), value.clone()));
    found.dedup();
    Ok(found.into_iter().map(|(key, value)| Reference { key, value }).collect())
}

/// Tables whose rows name a reference that is no record of their own, by the column of its name.
const NAMED_IN: [(&str, &str); 3] = [
    ("branch_name", "SELECT true FROM turbobackend.github_push_history r WHERE r.branch_name = ANY ("),
    ("commit_sha", "SELECT true FROM turbobackend.project_deployments r WHERE r.commit_sha = ANY ("),
    ("container_id", "SELECT true FROM turbobackend.container_sessions r WHERE r.container_id = ANY ("),
];

/// Whether a record that the viewer may see names `reference`, so that its page links to it.
pub fn is_named(conn: &mut PgConnection, reference: &Reference) -> QueryResult<bool> {
    for (_, row) in NAMED_IN.into_iter().filter(|(key, _)| *key == reference.key) {
        let mut s = Statement::<(Bool,)>::new();
        s.sql(row).texts(spellings(&reference.value)).sql(") LIMIT 1");
        if s.get_result::<(bool,)>(conn).optional()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who saved something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    pub user: Option<String>,
    /// What they were called.
    pub name: Option<String>,
    /// Epoch milliseconds.
    pub at_ms: i64,
}

/// The act of the console that made the thing `target` what it has been since `updated_at`, as far as the viewer may
/// know: none when another program wrote it.
pub fn save_of(
    conn: &mut PgConnection,
    target: &str,
    updated_at: Option<DateTime<Utc>>,
) -> QueryResult<Option<Save>> {
    /// Between the row's own time and that of its entry in the audit log.
    const APART_MS: i64 = 5_000;
    let Some(updated_at) = updated_at else { return Ok(None) };
    let mut s = Statement::<(Nullable<Text>, Nullable<Text>, BigInt)>::new();
    s.sql("SELECT t.actor, t.actor_name, t.at FROM pilothouse.timeline t WHERE t.source = 'audit' AND t.target_id = ");
    s.text(target).sql(" ORDER BY t.at DESC, t.id DESC LIMIT 1");
    let newest: Option<(Option<String>, Option<String>, i64)> = s.get_result(conn).optional()?;
    let save = newest.map(|(user, name, at_ms)| Save { user, name, at_ms });
    Ok(save.filter(|save| (save.at_ms - updated_at.timestamp_millis()).abs() <= APART_MS))
}

/// The first action of each of these requests in a project: request, action, and what it says.
pub fn first_of_requests(
    conn: &mut PgConnection,
    project: ProjectId,
    requests: &[String],
) -> QueryResult<Vec<(String, String, Option<String>)>> {
    let mut s = Statement::<(Text, Text, Nullable<Text>)>::new();
    s.sql(
        "SELECT DISTINCT ON (t.request_id) t.request_id, t.id, t.details FROM pilothouse.timeline t \
         WHERE t.source = 'action' AND t.project_id = ",
    );
    s.text(project.to_string()).sql("::uuid AND t.request_id = ANY (").texts(requests.to_vec());
    s.sql(") ORDER BY t.request_id, t.at, t.id");
    s.load(conn)
}

/// An entry that a pasted id means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEntry {
    pub source: Source,
    pub id: String,
    /// What it is called when it is found by its request; none when the id is its own.
    pub of_request: Option<String>,
}

/// The entries whose id is `id`, and at most ten of each source of the request whose id it is, in their order.
pub fn entries(conn: &mut PgConnection, id: &str) -> QueryResult<Vec<KnownEntry>> {
    let mut statement = Statement::<(Text, Text, Nullable<Text>)>::new();
    statement
        .sql(
            "SELECT t.source, t.id, NULL FROM pilothouse.timeline t \
             WHERE t.source = ANY ('{action,audit,engine,event}') AND t.id = ",
        )
        .text(id)
        .sql(
            " UNION ALL (SELECT t.source, t.id, coalesce(t.kind, '') FROM pilothouse.timeline t \
             WHERE t.source <> 'event' AND t.request_id = ",
        )
        .text(id)
        .sql(" ORDER BY t.source, t.at, t.id LIMIT 20)");
    let rows: Vec<(String, String, Option<String>)> = statement.load(conn)?;
    let known = |(source, id, word): (String, String, Option<String>)| {
        let (source, label): (Source, fn(&str) -> String) = match source.as_str() {
            "action" => (Source::Action, |word| ActionType::from_stored(word).label()),
            "event" => (Source::Event, str::to_owned),
            "engine" => (Source::Engine, |word| EngineEventType::from_stored(word).label()),
            _ => (Source::Audit, |word| AuditAction::from_stored(word).label()),
        };
        KnownEntry { source, id, of_request: word.as_deref().map(label) }
    };
    Ok(rows.into_iter().map(known).collect())
}
