//! Users, projects and rows that the tests of the record set up, as workers would.

use std::time::Duration;

use chrono_tz::Tz;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use pilothouse::activity::timeline::Known;
use pilothouse::activity::upkeep::{Deed, STEPS};
use pilothouse::activity::{Entry, Filter, Scope, TimelinePage, timeline};
use pilothouse::db::ids::{ProjectId, UserId};
use pilothouse::db::{Actor, ConnectOptions, Db, DbError, SecretHash};
use pilothouse::identity::{Origin, Principal};
use uuid::Uuid;

use crate::support::db::TestDb;

/// 20 November 2025, 12:00 UTC.
pub const NOON: i64 = 1_763_640_000_000;

pub struct World {
    pub db: Db,
    pub conn: PgConnection,
    /// Last, so that it goes when nobody is connected.
    test: TestDb,
}

pub struct Person {
    pub id: UserId,
    pub actor: Actor,
    admin: bool,
}

impl World {
    pub fn new() -> Self {
        let test = TestDb::new();
        let options = ConnectOptions {
            url: test.url(),
            size: 3,
            budget: Duration::from_secs(20),
            behind_pooler: false,
        };
        Self { db: Db::new(&options), conn: test.connect_owner(), test }
    }

    pub fn execute(&mut self, sql: &str) {
        self.conn.batch_execute(sql).unwrap();
    }

    /// Another connection of the tables' owner.
    pub fn connect(&self) -> PgConnection {
        self.test.connect_owner()
    }

    pub fn count(&mut self, sql: &str) -> i64 {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(sql)).get_result(&mut self.conn).unwrap()
    }

    pub fn owner(&mut self, name: &str) -> Person {
        self.person(name, false)
    }

    pub fn admin(&mut self, name: &str) -> Person {
        self.person(name, true)
    }

    fn person(&mut self, name: &str, admin: bool) -> Person {
        let (id, token) = (Uuid::new_v4(), format!("token of {name}"));
        let hash = SecretHash::of(&token);
        let role = if admin { "admin" } else { "owner" };
        self.execute(&format!(
            "INSERT INTO users (id, email, name, role) VALUES ('{id}', '{name}@demo.test', '{name}', '{role}'); \
             INSERT INTO sessions (user_id, token, expires_at) VALUES ('{id}', '{}', now() + interval '1 day')",
            hash.as_str()
        ));
        Person { id: UserId(id), actor: Actor::Session(hash), admin }
    }

    pub fn project(&mut self, owner: &Person, name: &str) -> ProjectId {
        let id = Uuid::new_v4();
        self.execute(&format!(
            "INSERT INTO projects (id, name, user_id) VALUES ('{id}', '{name}', '{}')",
            owner.id
        ));
        ProjectId(id)
    }

    /// `columns` and `values` as SQL, beside id, project and time.
    pub fn action(
        &mut self,
        id: &str,
        project: impl std::fmt::Display,
        at: i64,
        columns: &str,
        values: &str,
    ) {
        self.execute(&format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, created_at{columns}) \
             VALUES ('{id}', '{project}', {at}{values})"
        ));
    }

    pub fn event(&mut self, id: &str, project: ProjectId, at: i64, status: &str, metadata: &str) {
        self.execute(&format!(
            "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, metadata, \"createdAt\") \
             VALUES ('{id}', '{project}', 'INDEXING_STARTED', 'indexing', 'Indexing', '{status}', {metadata}, \
             timestamp 'epoch' + {at} * interval '1 millisecond')"
        ));
    }

    pub fn audit(&mut self, id: &str, project: Option<ProjectId>, at: i64, request: &str) {
        let project = project.map_or("NULL".to_owned(), |project| format!("'{project}'"));
        self.execute(&format!(
            "INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", \"createdAt\", \"requestId\", \"actorName\") \
             VALUES ('{id}', {project}, 'project.updated', timestamp 'epoch' + {at} * interval '1 millisecond', \
             NULLIF('{request}', ''), 'Ada')"
        ));
    }

    /// What `pilothouse timeline rebuild` does.
    pub fn rebuild_timeline(&mut self) {
        for step in STEPS {
            step.run(&mut self.conn, Deed::Mend).unwrap();
        }
    }

    pub fn page(&self, person: &Person, scope: Scope, filter: &Filter) -> TimelinePage {
        self.db
            .read_blocking(&person.actor, |conn| {
                timeline::page(conn, scope, filter, &Known::default(), NOON).map_err(DbError::from)
            })
            .unwrap()
    }

    /// Every page from the newest to the oldest, `limit` entries each.
    pub fn walk(&self, person: &Person, scope: Scope, filter: &Filter) -> Vec<TimelinePage> {
        let mut pages = vec![self.page(person, scope, filter)];
        while let Some(older) = pages.last().unwrap().older.clone() {
            let position = Some((pilothouse::activity::Direction::Before, older));
            pages.push(self.page(person, scope, &Filter { position, ..filter.clone() }));
            assert!(pages.len() < 2_000, "paging does not end");
        }
        pages
    }
}

impl Person {
    pub fn principal(&self, request: &str) -> Principal {
        Principal {
            user: Some(self.id),
            name: "Ada".to_owned(),
            is_admin: self.admin,
            origin: Origin { request_id: Some(request.to_owned()), ..Origin::default() },
            at: chrono::DateTime::from_timestamp_millis(NOON).unwrap(),
        }
    }
}

pub fn filter(pairs: &[(&str, &str)]) -> Filter {
    Filter::parse(pairs.iter().copied(), Tz::UTC).unwrap()
}

/// Keys in their order, folded ones after what they stand under.
pub fn keys(entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .flat_map(|entry| std::iter::once(entry.key()).chain(entry.folded.iter().map(Entry::key)))
        .collect()
}
