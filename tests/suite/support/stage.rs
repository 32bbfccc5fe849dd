//! Rows as workers and time would have left them, and a look behind the pages; past every policy.

use std::sync::{MutexGuard, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::console::{Console, Person};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    answer: Option<String>,
}

impl Console {
    fn superuser(&self) -> MutexGuard<'_, PgConnection> {
        self.superuser.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs statements as the superuser.
    pub fn sql(&self, statements: &str) {
        self.superuser().batch_execute(statements).unwrap();
    }

    /// What `pilothouse timeline rebuild` does.
    pub fn rebuild_timeline(&self) {
        let mut conn = self.superuser();
        for step in pilothouse::activity::upkeep::STEPS {
            step.run(&mut conn, pilothouse::activity::upkeep::Deed::Mend).unwrap();
        }
    }

    /// The one text that `query` answers.
    pub fn text(&self, query: &str) -> String {
        self.text_with(query, &[])
    }

    /// [`Console::text`] with texts for `$1`, `$2`…
    pub fn text_with(&self, query: &str, values: &[&str]) -> String {
        let query = format!("WITH q(answer) AS ({query}) SELECT answer::text AS answer FROM q");
        let mut query = diesel::sql_query(query).into_boxed();
        for value in values {
            query = query.bind::<Text, _>((*value).to_owned());
        }
        let row: Row = query.get_result(&mut *self.superuser()).unwrap();
        row.answer.unwrap_or_default()
    }

    /// How many rows there are in `rows`: a table, with its WHERE if it has one.
    pub fn count(&self, rows: &str) -> i64 {
        let count = format!("(SELECT count(*) FROM {rows})");
        diesel::select(diesel::dsl::sql::<BigInt>(&count)).get_result(&mut *self.superuser()).unwrap()
    }

    /// Whether `condition` holds.
    pub fn holds(&self, condition: &str) -> bool {
        diesel::select(diesel::dsl::sql::<Bool>(condition)).get_result(&mut *self.superuser()).unwrap()
    }

    /// An active project of `owner` without a container. Answers its id.
    pub fn project(&self, owner: &Person, name: &str) -> String {
        self.text_with(
            "INSERT INTO projects (name, user_id) VALUES ($1, $2::uuid) RETURNING id::text",
            &[name, &owner.id],
        )
    }

    /// A running container of `owner`. Answers its id.
    pub fn container(&self, owner: &Person, name: &str) -> String {
        self.text_with(
            "INSERT INTO containers (container_id, name, status, image_name, assigned_port, user_id) \
             VALUES (md5($1 || random()), $1, 'running', 'node:22', 3000, $2::uuid) RETURNING id::text",
            &[name, &owner.id],
        )
    }

    /// An active project of `owner` that runs in a container. Answers both ids.
    pub fn project_in_container(&self, owner: &Person, name: &str) -> (String, String) {
        let (project, container) = (self.project(owner, name), self.container(owner, name));
        self.sql(&format!("UPDATE projects SET container_id = '{container}' WHERE id = '{project}'"));
        (project, container)
    }

    /// A message in `container`, `seconds` after a fixed moment. Answers its id.
    pub fn message(&self, container: &str, session: &str, seconds: i64, role: &str, content: &str) -> String {
        self.text_with(
            "INSERT INTO chat_messages (container_id, session_id, role, content, created_at) \
             VALUES ($1::uuid, $2, $3, $4, timestamptz '2026-11-01 12:00Z' + $5::int * interval '1 second') \
             RETURNING id::text",
            &[container, session, role, content, &seconds.to_string()],
        )
    }

    /// A file of `size` bytes in `container`. Answers its id.
    pub fn file(&self, container: &str, path: &str, size: i64) -> String {
        self.text_with(
            "INSERT INTO file_storage (container_id, file_path, file_name, file_size, mime_type) \
             VALUES ($1::uuid, $2, right($2, 20), $3::bigint, 'text/plain') RETURNING id::text",
            &[container, path, &size.to_string()],
        )
    }

    /// A successful action of `project`, of type `kind`, at `millis`, with `references` as JSON. Answers its id.
    pub fn action(&self, project: &str, kind: &str, millis: i64, references: &str) -> String {
        self.text_with(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, \
                 action_details, status, environment, reference_ids, created_at) \
             SELECT 'action_' || gen_random_uuid(), $1, user_id::text, $2, 'Details of ' || $2, 'success', \
                 'production', $3::jsonb, $4::bigint \
             FROM projects WHERE id_text = $1 RETURNING action_id",
            &[project, kind, references, &millis.to_string()],
        )
    }
}
