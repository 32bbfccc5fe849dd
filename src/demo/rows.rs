//! The rows of the invented life. Fields are called as the columns are.

#![expect(clippy::struct_field_names, reason = "the columns are called like that")]

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Jsonb;
use serde::Serialize;
use serde_json::Value;

/// A row of a table, with every column that is written.
pub(super) trait Row: Serialize {
    /// The table, quoted where its name needs it.
    const TABLE: &'static str;
}

macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident in $table:literal { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Debug, Clone, PartialEq, Serialize)]
            $(#[$meta])*
            pub(super) struct $name { $($(#[$field_meta])* pub $field: $type,)* }

            impl Row for $name {
                const TABLE: &'static str = $table;
            }
        )*
    };
}

rows! {
    User in "public.users" {
        id: String, email: &'static str, name: &'static str, role: &'static str, password_hash: String,
        time_zone: &'static str, created_at: String, updated_at: String, last_login: String, is_active: bool,
    }
    Container in "public.containers" {
        id: String, container_id: String, name: String, status: &'static str, image_name: String, assigned_port: i64,
        url: Option<String>, created_at: String, updated_at: String, started_at: Option<String>,
        stopped_at: Option<String>, user_id: String, labels: Value, metadata: Value,
    }
    Project in "public.projects" {
        id: String, container_id: Option<String>, name: String, description: &'static str, r#type: &'static str,
        status: &'static str, created_at: String, updated_at: String, user_id: String, metadata: Value,
        settings: Value,
    }
    Message in "public.chat_messages" {
        id: String, container_id: String, session_id: String, role: &'static str, content: String,
        attachments: Value, created_at: String, metadata: Value,
    }
    File in "public.file_storage" {
        id: String, container_id: String, file_path: String, file_name: String, file_size: i64,
        mime_type: &'static str, created_at: String, updated_at: String, is_deleted: bool,
    }
    Action in "turbobackend.project_actions" {
        action_id: String, project_id: String, user_id: Option<String>, request_id: Option<String>,
        action_type: String, action_details: String, status: &'static str, environment: &'static str,
        reference_ids: Value, created_at: i64,
    }
    Push in "turbobackend.github_push_history" {
        push_id: String, project_id: String, user_id: String, request_id: String, repo_url: String,
        branch_name: &'static str, commit_sha: String, commit_message: String, author_name: &'static str,
        author_email: &'static str, files_changed: usize, files: Vec<String>, created_at: i64,
    }
    Deployment in "turbobackend.project_deployments" {
        deployment_id: String, project_id: String, user_id: String, request_id: String, app_name: String,
        app_url: String, commit_sha: String, status: &'static str, environment: &'static str,
        error: Option<&'static str>, created_at: i64, finished_at: i64,
    }
    ContainerSession in "turbobackend.container_sessions" {
        session_id: String, project_id: String, user_id: String, container_id: String, status: &'static str,
        exit_code: Option<i64>, created_at: i64, ended_at: Option<i64>,
    }
    Database in "turbobackend.project_databases" {
        database_id: String, project_id: String, user_id: String, request_id: String, database_name: String,
        schema_design: Value, status: &'static str, created_at: i64,
    }
    Cost in "turbobackend.message_cost_tracker" {
        cost_id: String, project_id: String, user_id: String, request_id: String, message_id: String,
        model: &'static str, input_tokens: i64, output_tokens: i64, cost_usd: String, created_at: i64,
    }
    #[serde(rename_all = "camelCase")]
    Event in "public.\"ActivityEvent\"" {
        id: String, project_id: String, user_id: String, event_type: &'static str, entity_type: &'static str,
        entity_id: Option<String>, title: String, description: Option<String>, metadata: Value,
        status: &'static str, duration: Option<i64>, created_at: String, updated_at: String,
    }
    EngineEvent in "pilothouse.engine_events" {
        id: String, engine_id: &'static str, kind: &'static str, engine_container_id: String, container_name: String,
        container_id: String, project_id: String, owner_id: String, at: String, at_nanos: i64, exit_code: i64,
        was_out_of_memory: bool, last_lines: String, title: String, details: String, times: i64,
        is_reconstructed: bool, cause: String,
    }
    #[serde(rename_all = "camelCase")]
    AuditEntry in "public.\"ActivityLog\"" {
        id: String, project_id: Option<String>, user_id: String, activity_type: &'static str, description: String,
        created_at: String, actor_name: &'static str, actor_email: &'static str, actor_role: &'static str,
        target_type: &'static str, target_id: String, target_name: String, ip: &'static str,
        user_agent: &'static str, request_id: String, before: Option<Value>, after: Option<Value>,
    }
}

/// Everything, in the order in which it can be inserted.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Rows {
    pub users: Vec<User>,
    pub containers: Vec<Container>,
    pub projects: Vec<Project>,
    pub messages: Vec<Message>,
    pub files: Vec<File>,
    pub actions: Vec<Action>,
    pub pushes: Vec<Push>,
    pub deployments: Vec<Deployment>,
    pub sessions: Vec<ContainerSession>,
    pub databases: Vec<Database>,
    pub costs: Vec<Cost>,
    pub events: Vec<Event>,
    pub engine_events: Vec<EngineEvent>,
    pub audit: Vec<AuditEntry>,
}

impl Rows {
    pub(super) fn insert(&self, conn: &mut PgConnection) -> QueryResult<()> {
        insert(conn, &self.users)?;
        insert(conn, &self.containers)?;
        insert(conn, &self.projects)?;
        insert(conn, &self.messages)?;
        insert(conn, &self.files)?;
        insert(conn, &self.actions)?;
        insert(conn, &self.pushes)?;
        insert(conn, &self.deployments)?;
        insert(conn, &self.sessions)?;
        insert(conn, &self.databases)?;
        insert(conn, &self.costs)?;
        insert(conn, &self.events)?;
        insert(conn, &self.engine_events)?;
        insert(conn, &self.audit)
    }
}

/// One statement a table: the server reads enums, times and numbers out of one JSON document.
fn insert<R: Row>(conn: &mut PgConnection, rows: &[R]) -> QueryResult<()> {
    let failed = |error: serde_json::Error| DieselError::SerializationError(Box::new(error));
    let Some(first) = rows.first() else { return Ok(()) };
    let first = serde_json::to_value(first).map_err(failed)?;
    let columns: Vec<String> =
        first.as_object().into_iter().flatten().map(|(column, _)| format!("\"{column}\"")).collect();
    let (table, columns) = (R::TABLE, columns.join(", "));
    diesel::sql_query(format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1)"
    ))
    .bind::<Jsonb, _>(serde_json::to_value(rows).map_err(failed)?)
    .execute(conn)
    .map(|_| ())
}
