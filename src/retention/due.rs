//! Which rows of a class are older than its rule, and how they are deleted.
//!
//! Rows are walked along an index, the oldest first, from a position that the last batch ended at: rows that a hold
//! keeps are passed over once a run and not once a batch.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use super::Class;
use crate::db::time::{Instant, Timestamptz};

/// Where the rows of a class are, told to PostgreSQL. The cutoff is `$1`.
pub(super) struct Place {
    /// The table as `t`, with what has to be joined.
    pub(super) from: &'static str,
    /// When its time began, as `at_type`.
    pub(super) at: &'static str,
    pub(super) at_type: &'static str,
    /// The cutoff as `at_type`.
    pub(super) cutoff: &'static str,
    pub(super) id: &'static str,
    pub(super) id_type: &'static str,
    /// What else holds of a row that goes.
    pub(super) and: &'static str,
    /// What an admin is told of a row.
    pub(super) shown: &'static str,
}

/// Before every position, by type.
fn start(sql_type: &str) -> &'static str {
    match sql_type {
        "bigint" => "0",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "text" => "",
        _ => "-infinity",
    }
}

const FREE_CONTAINER: &str =
    "(t.container_id IS NULL OR t.container_id NOT IN (SELECT h FROM pilothouse.held_containers() h))";
const TIMELINE: Place = Place {
    from: "pilothouse.timeline t",
    at: "t.at",
    at_type: "bigint",
    cutoff: "floor(extract(epoch FROM $1) * 1000)::bigint",
    id: "t.id",
    id_type: "text",
    and: "",
    // What has no time of its own stands at the epoch, and nobody knows how old it is.
    shown: "coalesce(t.title, t.kind) || coalesce(', ' || (SELECT p.name FROM public.projects p WHERE p.id = t.project_id), '')",
};

pub(super) fn place(class: Class) -> Place {
    let by_time = |from, at, and, shown| Place {
        from,
        at,
        at_type: "timestamptz",
        cutoff: "$1",
        id: "t.id",
        id_type: "uuid",
        and,
        shown,
    };
    match class {
        Class::Chat => by_time(
            "public.chat_messages t",
            "t.created_at",
            FREE_CONTAINER,
            "coalesce((SELECT c.name FROM public.containers c WHERE c.id = t.container_id), 'no container')",
        ),
        Class::Files => by_time(
            "pilothouse.deletions d JOIN public.file_storage t ON t.id = d.id AND t.is_deleted",
            "d.at",
            "d.kind = 'file' AND (t.container_id IS NULL OR t.container_id NOT IN (SELECT h FROM pilothouse.held_containers() h))",
            "t.file_path",
        ),
        Class::Containers => by_time(
            "pilothouse.deletions d JOIN public.containers t ON t.id = d.id AND t.status = 'deleted'",
            "d.at",
            "d.kind = 'container' AND t.id NOT IN (SELECT h FROM pilothouse.held_containers() h)",
            "t.name",
        ),
        Class::Projects => by_time(
            "pilothouse.deletions d JOIN public.projects t ON t.id = d.id AND t.status = 'deleted'",
            "d.at",
            "d.kind = 'project' AND t.id NOT IN (SELECT h FROM pilothouse.held_projects() h)",
            "t.name",
        ),
        Class::Users => by_time(
            "pilothouse.deletions d JOIN public.users t ON t.id = d.id AND t.is_active IS FALSE",
            "d.at",
            "d.kind = 'user' AND t.id NOT IN (SELECT h FROM pilothouse.held_users() h) \
             AND NOT EXISTS (SELECT FROM public.projects p WHERE p.user_id = t.id) \
             AND NOT EXISTS (SELECT FROM public.containers c WHERE c.user_id = t.id)",
            "t.email",
        ),
        Class::Sessions => by_time(
            "public.sessions t",
            "CASE WHEN t.is_active IS NOT TRUE THEN least(coalesce(t.last_activity, t.created_at), t.expires_at) \
             ELSE t.expires_at END",
            "(t.is_active IS NOT TRUE OR t.expires_at < now()) \
             AND (t.user_id IS NULL OR t.user_id NOT IN (SELECT h FROM pilothouse.held_users() h))",
            "coalesce((SELECT u.email FROM public.users u WHERE u.id = t.user_id), 'nobody')",
        ),
        Class::Deliveries => by_time(
            "pilothouse.deliveries t",
            "t.received_at",
            "t.project_id NOT IN (SELECT h FROM pilothouse.held_projects() h)",
            "t.event",
        ),
        Class::Guests => Place {
            at_type: "timestamp",
            cutoff: "timezone('UTC', $1)",
            ..by_time(
                "public.ai_assistant_sessions t",
                "coalesce(t.last_activity_at, t.created_at)",
                "t.user_id IS NULL",
                "t.session_id",
            )
        },
        Class::Actions => Place {
            and: "t.source = 'action' AND t.at > 0 \
                  AND (t.project_id IS NULL OR t.project_id NOT IN (SELECT h FROM pilothouse.held_projects() h))",
            ..TIMELINE
        },
        Class::Events => Place {
            and: "t.source = 'event' AND t.id NOT LIKE 'op\\_%' AND t.at > 0 AND t.outcome IS DISTINCT FROM 'busy' \
                  AND (t.project_id IS NULL OR t.project_id NOT IN (SELECT h FROM pilothouse.held_projects() h))",
            ..TIMELINE
        },
        Class::Observations => Place {
            and: "t.source = 'engine' AND t.at > 0 \
                  AND (t.project_id IS NULL OR t.project_id NOT IN (SELECT h FROM pilothouse.held_projects() h)) \
                  AND (t.container_id IS NULL OR t.container_id NOT IN (SELECT h FROM pilothouse.held_containers() h))",
            ..TIMELINE
        },
        Class::Audit => Place {
            and: "t.source = 'audit' AND t.at > 0 \
                  AND (t.project_id IS NULL OR t.project_id NOT IN (SELECT h FROM pilothouse.held_projects() h)) \
                  AND (t.actor IS NULL OR t.actor NOT IN (SELECT h::text FROM pilothouse.held_users() h))",
            ..TIMELINE
        },
    }
}

/// Up to where a run has come in a class.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(super) struct Position {
    #[diesel(sql_type = Text)]
    at: String,
    #[diesel(sql_type = Text)]
    pub(super) id: String,
}

impl Position {
    pub(super) fn start_of(class: Class) -> Self {
        let place = place(class);
        Self { at: start(place.at_type).to_owned(), id: start(place.id_type).to_owned() }
    }
}

/// The next rows behind `from` that are older than `cutoff`, `most` of them.
pub(super) fn next(
    conn: &mut PgConnection,
    class: Class,
    cutoff: DateTime<Utc>,
    from: &Position,
    most: i64,
) -> QueryResult<Vec<Position>> {
    let Place { from: table, at, at_type, cutoff: until, id, id_type, and, .. } = place(class);
    diesel::sql_query(format!(
        "SELECT ({at})::text AS at, {id}::text AS id FROM {table} \
         WHERE {at} < {until} AND ({at}, {id}) > ($2::{at_type}, $3::{id_type}) AND {and} ORDER BY {at}, {id} LIMIT $4"
    ))
    .bind::<Timestamptz, _>(Instant(cutoff))
    .bind::<Text, _>(&from.at)
    .bind::<Text, _>(&from.id)
    .bind::<BigInt, _>(most)
    .load(conn)
}

/// A row that a rule would delete, as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct DueRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = Text)]
    pub name: String,
}

/// The oldest rows that are older than `cutoff`, by name.
pub(super) fn shown(
    conn: &mut PgConnection,
    class: Class,
    cutoff: DateTime<Utc>,
    most: i64,
) -> QueryResult<Vec<DueRow>> {
    let Place { from, at, at_type, cutoff: until, id, and, shown, .. } = place(class);
    let time = shown_time(at_type);
    diesel::sql_query(format!(
        "SELECT {time} AS at, id, left(name, 200) AS name FROM (SELECT {at} AS at, {id}::text AS id, {shown} AS name \
         FROM {from} WHERE {at} < {until} AND {and} ORDER BY {at}, {id} LIMIT $2) o ORDER BY o.at, o.id"
    ))
    .bind::<Timestamptz, _>(Instant(cutoff))
    .bind::<BigInt, _>(most)
    .load(conn)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many rows are older than `cutoff`, counted up to `most`.
pub(super) fn count(
    conn: &mut PgConnection,
    class: Class,
    cutoff: DateTime<Utc>,
    most: i64,
) -> QueryResult<i64> {
    let Place { from, at, cutoff: until, and, .. } = place(class);
    let counted: Counted = diesel::sql_query(format!(
        "SELECT count(*) AS n FROM (SELECT FROM {from} WHERE {at} < {until} AND {and} LIMIT $2) o"
    ))
    .bind::<Timestamptz, _>(Instant(cutoff))
    .bind::<BigInt, _>(most)
    .get_result(conn)?;
    Ok(counted.n)
}

/// A class's own time as one that pages show.
pub(super) fn shown_time(at_type: &str) -> &'static str {
    match at_type {
        "bigint" => "to_timestamp(at / 1000.0)",
        "timestamp" => "timezone('UTC', at)",
        _ => "at",
    }
}

/// A statement with the ids of a batch as `$1`, and what it deletes of.
pub(super) type Deletion = (Class, &'static str);

/// What goes before the rows of a class, a part at a time, so that nothing is locked for long: `$1` are the ids of one
/// batch, `$2` how many rows.
pub(super) fn belongings(class: Class) -> &'static [Deletion] {
    match class {
        Class::Containers => &[
            (
                Class::Chat,
                "DELETE FROM public.chat_messages WHERE id = ANY (ARRAY( \
                     SELECT id FROM public.chat_messages WHERE container_id = ANY ($1::uuid[]) LIMIT $2))",
            ),
            (
                Class::Files,
                "DELETE FROM public.file_storage WHERE id = ANY (ARRAY( \
                     SELECT id FROM public.file_storage WHERE container_id = ANY ($1::uuid[]) LIMIT $2))",
            ),
        ],
        Class::Projects => &[
            (
                Class::Events,
                "DELETE FROM public.\"ActivityEvent\" WHERE id = ANY (ARRAY( \
                     SELECT id FROM public.\"ActivityEvent\" WHERE \"projectId\" = ANY ($1) LIMIT $2))",
            ),
            (
                Class::Deliveries,
                "DELETE FROM pilothouse.deliveries WHERE id = ANY (ARRAY( \
                     SELECT id FROM pilothouse.deliveries WHERE project_id = ANY ($1::uuid[]) LIMIT $2))",
            ),
        ],
        _ => &[],
    }
}

/// What is done in the transaction of a batch: `$1` are its ids. The first deletes what is counted.
fn statements(class: Class) -> &'static [&'static str] {
    match class {
        Class::Chat => &["DELETE FROM public.chat_messages WHERE id = ANY ($1::uuid[])"],
        Class::Files => &["DELETE FROM public.file_storage WHERE id = ANY ($1::uuid[])"],
        Class::Containers => &["DELETE FROM public.containers WHERE id = ANY ($1::uuid[])"],
        Class::Projects => &["DELETE FROM public.projects WHERE id = ANY ($1::uuid[])"],
        Class::Users => &["DELETE FROM public.users WHERE id = ANY ($1::uuid[])"],
        Class::Sessions => &["DELETE FROM public.sessions WHERE id = ANY ($1::uuid[])"],
        Class::Deliveries => &["DELETE FROM pilothouse.deliveries WHERE id = ANY ($1::uuid[])"],
        Class::Guests => &["DELETE FROM public.ai_assistant_sessions WHERE id = ANY ($1::uuid[])"],
        Class::Actions => &[
            "DELETE FROM turbobackend.project_actions WHERE action_id = ANY ($1)",
            "DELETE FROM pilothouse.reports WHERE source = 'action' AND id = ANY ($1)",
        ],
        Class::Events => &[
            "DELETE FROM public.\"ActivityEvent\" WHERE id = ANY ($1)",
            "DELETE FROM pilothouse.reports WHERE source = 'event' AND id = ANY ($1)",
        ],
        Class::Observations => &["DELETE FROM pilothouse.engine_events WHERE id = ANY ($1)"],
        Class::Audit => &["DELETE FROM public.\"ActivityLog\" WHERE id = ANY ($1)"],
    }
}

/// What has to be done before rows are deleted, so that they take along nothing that stays.
fn preparations(class: Class) -> &'static [&'static str] {
    match class {
        Class::Containers => {
            &["UPDATE public.projects SET container_id = NULL WHERE container_id = ANY ($1::uuid[])"]
        }
        Class::Guests => &[
            "DELETE FROM public.job_drafts WHERE user_id IS NULL AND public_status = 'draft' AND session_id = ANY ( \
                 SELECT s.session_id FROM public.ai_assistant_sessions s WHERE s.id = ANY ($1::uuid[]))",
        ],
        _ => &[],
    }
}

/// Deletes these rows of `class`. Answers how many there were.
pub(super) fn delete(conn: &mut PgConnection, class: Class, ids: &[String]) -> QueryResult<usize> {
    let mut run =
        |statement: &str| diesel::sql_query(statement).bind::<Array<Text>, _>(ids).execute(&mut *conn);
    for preparation in preparations(class) {
        run(preparation)?;
    }
    let mut deleted = None;
    for statement in statements(class) {
        let rows = run(statement)?;
        deleted.get_or_insert(rows);
    }
    if class == Class::Guests {
        for table in ["guests", "claim_links"] {
            diesel::sql_query(format!("DELETE FROM pilothouse.{table} WHERE expires_at < now()"))
                .execute(conn)?;
        }
    }
    Ok(deleted.unwrap_or(0))
}
