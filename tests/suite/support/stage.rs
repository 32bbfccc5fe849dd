//! Rows as workers and time would have left them, written as the database's owner.

use std::sync::Mutex;
use std::sync::PoisonError;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::db::TestDb;

/// See the module.
pub struct Stage {
    owner: Mutex<PgConnection>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct Cell {
    #[diesel(sql_type = Nullable<Text>)]
    cell: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Stage {
    /// The stage of `db`.
    pub fn new(db: &TestDb) -> Self {
        Self { owner: Mutex::new(db.connect_owner()) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
        work(&mut self.owner.lock().unwrap_or_else(PoisonError::into_inner)).unwrap()
    }

    /// Runs statements.
    pub fn execute(&self, sql: &str) {
        self.with(|conn| conn.batch_execute(sql));
    }

    /// How many rows `of` has: a table, and perhaps its WHERE.
    pub fn count(&self, of: &str) -> i64 {
        self.with(|conn| diesel::sql_query(format!("SELECT count(*) FROM {of}")).get_result::<Count>(conn))
            .count
    }

    /// The one value that `expression` has, as text; what stands behind SELECT.
    pub fn value(&self, expression: &str) -> Option<String> {
        let (what, from) = expression
            .split_once(" FROM ")
            .map_or((expression, String::new()), |(what, from)| (what, format!(" FROM {from}")));
        self.with(|conn| {
            diesel::sql_query(format!("SELECT ({what})::text AS cell{from}")).get_result::<Cell>(conn)
        })
        .cell
    }

    /// A user `NAME@example.test` without a password.
    pub fn user(&self, name: &str, role: &str) -> Uuid {
        self.inserted(&format!(
            "INSERT INTO public.users (email, name, role) VALUES ('{name}@example.test', initcap('{name}'), '{role}')"
        ))
    }

    /// Lets `user` sign in with `password`.
    pub fn set_password(&self, user: Uuid, password: &str) {
        let hash = pilothouse::auth::password::hash_blocking(password).unwrap();
        self.execute(&format!("UPDATE public.users SET password_hash = '{hash}' WHERE id = '{user}'"));
    }

    /// A session of `user` with this in its `token` column.
    pub fn session(&self, user: Uuid, token_hash: &str) -> Uuid {
        self.inserted(&format!(
            "INSERT INTO public.sessions (user_id, token, expires_at, ip_address, user_agent)
             VALUES ('{user}', '{token_hash}', now() + interval '14 days', '192.0.2.7', 'Test/1')"
        ))
    }

    /// An active project of `owner`, without a container.
    pub fn project(&self, owner: Uuid, name: &str) -> Uuid {
        self.with(|conn| {
            diesel::sql_query("INSERT INTO public.projects (name, user_id) VALUES ($1, $2) RETURNING id")
                .bind::<Text, _>(name)
                .bind::<SqlUuid, _>(owner)
                .get_result::<Id>(conn)
        })
        .id
    }

    /// A running container of `owner`.
    pub fn container(&self, owner: Uuid, name: &str) -> Uuid {
        self.with(|conn| {
            diesel::sql_query(
                "INSERT INTO public.containers (container_id, name, status, image_name, assigned_port, user_id)
                 VALUES (md5($1 || random()), $1, 'running', 'node:22', 3000, $2) RETURNING id",
            )
            .bind::<Text, _>(name)
            .bind::<SqlUuid, _>(owner)
            .get_result::<Id>(conn)
        })
        .id
    }

    /// An action of `project` at `millis`, with `references` as JSON. Answers its id.
    pub fn action(&self, project: Uuid, kind: &str, millis: i64, references: &str) -> String {
        let id = format!("action_{kind}_{millis}");
        self.with(|conn| {
            diesel::sql_query(
                "INSERT INTO turbobackend.project_actions
                 (action_id, project_id, user_id, action_type, action_details, status, environment, reference_ids, created_at)
                 VALUES ($1, $2, (SELECT user_id::text FROM public.projects WHERE id::text = $2), $3, $4, 'success',
                         'production', $5::jsonb, $6)",
            )
            .bind::<Text, _>(&id)
            .bind::<Text, _>(project.to_string())
            .bind::<Text, _>(kind)
            .bind::<Text, _>(format!("Details of {kind}"))
            .bind::<Text, _>(references)
            .bind::<BigInt, _>(millis)
            .execute(conn)
        });
        id
    }

    fn inserted(&self, insert: &str) -> Uuid {
        self.with(|conn| diesel::sql_query(format!("{insert} RETURNING id")).get_result::<Id>(conn)).id
    }
}
