//! The records behind references: pushes, deployments, databases, runs of containers, costs.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text};
use serde_json::{Map, Value, json};

use super::actions::ReportError;
use crate::db::ids::ProjectId;
use crate::runtime::Entropy;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Text,
    /// `integer`
    Number,
    /// `bigint`
    Large,
    /// Epoch milliseconds.
    Time,
    /// `numeric(12,6)`
    Amount,
    Json,
}

/// A kind of record: its table and the columns that a reporter fills. The project is the address's.
#[derive(Debug, Clone, Copy)]
pub struct RecordKind {
    /// The last part of its address, and the name of its list.
    pub path: &'static str,
    /// The word in `reports.source`.
    source: &'static str,
    table: &'static str,
    /// The primary key's column.
    pub id: &'static str,
    /// What an id begins with that is made here.
    prefix: &'static str,
    pub columns: &'static [(&'static str, Holds)],
}

use Holds::{Amount, Json, Large, Number, Text as Words, Time};

pub const KINDS: [RecordKind; 5] = [
    RecordKind {
        path: "pushes",
        source: "push",
        table: "turbobackend.github_push_history",
        id: "push_id",
        prefix: "push_",
        columns: &[
            ("push_id", Words),
            ("user_id", Words),
            ("request_id", Words),
            ("repo_url", Words),
            ("branch_name", Words),
            ("commit_sha", Words),
            ("commit_message", Words),
            ("author_name", Words),
            ("author_email", Words),
            ("files_changed", Number),
            ("files", Json),
            ("created_at", Time),
        ],
    },
    RecordKind {
        path: "deployments",
        source: "deployment",
        table: "turbobackend.project_deployments",
        id: "deployment_id",
        prefix: "deploy_",
        columns: &[
            ("deployment_id", Words),
            ("user_id", Words),
            ("request_id", Words),
            ("app_name", Words),
            ("app_url", Words),
            ("commit_sha", Words),
            ("status", Words),
            ("environment", Words),
            ("error", Words),
            ("created_at", Time),
            ("finished_at", Time),
        ],
    },
    RecordKind {
        path: "databases",
        source: "database",
        table: "turbobackend.project_databases",
        id: "database_id",
        prefix: "db_",
        columns: &[
            ("database_id", Words),
            ("user_id", Words),
            ("request_id", Words),
            ("database_name", Words),
            ("schema_design", Json),
            ("status", Words),
            ("created_at", Time),
        ],
    },
    RecordKind {
        path: "sessions",
        source: "session",
        table: "turbobackend.container_sessions",
        id: "session_id",
        prefix: "run_",
        columns: &[
            ("session_id", Words),
            ("user_id", Words),
            ("container_id", Words),
            ("status", Words),
            ("exit_code", Number),
            ("created_at", Time),
            ("ended_at", Time),
        ],
    },
    RecordKind {
        path: "costs",
        source: "cost",
        table: "turbobackend.message_cost_tracker",
        id: "cost_id",
        prefix: "cost_",
        columns: &[
            ("cost_id", Words),
            ("user_id", Words),
            ("request_id", Words),
            ("message_id", Words),
            ("model", Words),
            ("input_tokens", Large),
            ("output_tokens", Large),
            ("cost_usd", Amount),
            ("created_at", Time),
        ],
    },
];

impl RecordKind {
    #[must_use]
    pub fn of_path(path: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.path == path)
    }

    fn names(&self, before: &str) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| format!("{before}{name}")).collect();
        names.join(", ")
    }
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    json: String,
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

/// Writes a record of `project`: a new one, or the named columns of one that is there. Answers its row as JSON text, and
/// whether it is new.
pub fn record(
    conn: &mut PgConnection,
    project: ProjectId,
    kind: &RecordKind,
    mut fields: Map<String, Value>,
    now_ms: i64,
) -> Result<(String, bool), ReportError> {
    let named: Vec<&str> = kind
        .columns
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != kind.id && fields.contains_key(*name))
        .collect();
    let changes: Vec<String> = named.iter().map(|name| format!("{name} = EXCLUDED.{name}")).collect();
    if fields.get(kind.id).is_none_or(Value::is_null) {
        fields.insert(
            kind.id.to_owned(),
            json!(format!("{}{}", kind.prefix, Entropy.ordered_uuid(now_ms).simple())),
        );
    }
    if fields.get("created_at").is_none_or(Value::is_null) {
        fields.insert("created_at".to_owned(), json!(now_ms));
    }
    let RecordKind { table, id, source, .. } = kind;
    let (columns, values) = (kind.names(""), kind.names("r."));
    // What is there belongs to this project, or the row is not touched, whoever's it is.
    let on_conflict = if changes.is_empty() {
        format!("DO UPDATE SET {id} = EXCLUDED.{id}")
    } else {
        format!("DO UPDATE SET {}", changes.join(", "))
    };
    let written: Option<Written> = diesel::sql_query(format!(
        "WITH known AS MATERIALIZED (SELECT x.{id} FROM {table} x WHERE x.{id} = $2->>'{id}'), \
         kept AS (INSERT INTO {table} AS x ({columns}, project_id) \
             SELECT {values}, $1 FROM pg_catalog.jsonb_populate_record(NULL::{table}, $2) r \
             ON CONFLICT ({id}) {on_conflict} WHERE x.project_id = $1 RETURNING x.*), \
         told AS (INSERT INTO pilothouse.reports (source, id, token_id) \
             SELECT '{source}', k.{id}, pilothouse.app_token_id() FROM kept k ON CONFLICT DO NOTHING) \
         SELECT pg_catalog.to_json(k)::text AS json, NOT EXISTS (SELECT FROM known) AS is_new FROM kept k"
    ))
    .bind::<Text, _>(project.to_string())
    .bind::<Jsonb, _>(Value::Object(fields))
    .get_result(conn)
    .optional()
    .or_else(|error| if is_refused(&error) { Ok(None) } else { Err(error) })?;
    written.map(|written| (written.json, written.is_new)).ok_or(ReportError::Taken(0))
}

/// Whether row-level security refused to touch a row: another tenant has this id.
fn is_refused(error: &diesel::result::Error) -> bool {
    error.to_string().contains("row-level security policy")
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = Text)]
    json: String,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    id: String,
}

/// Milliseconds and id of the last record of a page.
pub type Position = (i64, String);

/// A page of the records of `project`, newest first, each as JSON text; and where the next ones begin, if there are more.
pub fn page(
    conn: &mut PgConnection,
    project: ProjectId,
    kind: &RecordKind,
    before: Option<Position>,
    limit: i64,
) -> QueryResult<(Vec<String>, Option<Position>)> {
    let RecordKind { table, id, .. } = kind;
    let (before_at, before_id) = before.unzip();
    let rows: Vec<Listed> = diesel::sql_query(format!(
        "SELECT pg_catalog.to_json(x)::text AS json, coalesce(x.created_at, 0) AS at, x.{id}::text AS id FROM {table} x \
         WHERE x.project_id = $1 AND ($2 IS NULL OR (x.created_at, x.{id}) < ($2, $3)) \
         ORDER BY x.created_at DESC, x.{id} DESC LIMIT $4"
    ))
    .bind::<Text, _>(project.to_string())
    .bind::<Nullable<BigInt>, _>(before_at)
    .bind::<Nullable<Text>, _>(before_id)
    .bind::<BigInt, _>(limit.saturating_add(1))
    .load(conn)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = rows.get(most.wrapping_sub(1)).filter(|_| rows.len() > most);
    let next = next.map(|row| (row.at, row.id.clone()));
    Ok((rows.into_iter().take(most).map(|row| row.json).collect(), next))
}
