//! What classes hold, and how much of it is due, in one statement.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::Class;
use super::due::{Place, place, shown_time};
use crate::db::time::{Instant, Timestamptz};

/// What a class holds, and what of it is due.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    /// Rows of its table, as PostgreSQL last estimated them; negative before it has.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Of its table, with the indexes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// How old the oldest row is that a rule can concern.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
    /// Counted up to a bound.
    #[diesel(sql_type = BigInt)]
    pub due: i64,
}

fn table(class: Class) -> &'static str {
    match class {
        Class::Chat => "public.chat_messages",
        Class::Files => "public.file_storage",
        Class::Containers => "public.containers",
        Class::Projects => "public.projects",
        Class::Users => "public.users",
        Class::Sessions => "public.sessions",
        Class::Deliveries => "pilothouse.deliveries",
        Class::Guests => "public.ai_assistant_sessions",
        Class::Actions => "turbobackend.project_actions",
        Class::Events => "public.\"ActivityEvent\"",
        Class::Observations => "pilothouse.engine_events",
        Class::Audit => "public.\"ActivityLog\"",
    }
}

/// How the classes stand at `at`, in one statement, in the order that they are given in.
pub(super) fn overview(
    conn: &mut PgConnection,
    rules: &[(Class, Option<i32>)],
    time: DateTime<Utc>,
    most: i64,
) -> QueryResult<Vec<Standing>> {
    let parts: Vec<String> = rules
        .iter()
        .enumerate()
        .map(|(n, &(class, days))| {
            let Place { from, at, at_type, cutoff, and, .. } = place(class);
            let due = days.map_or("0::bigint".to_owned(), |days| {
                let until = cutoff.replace("$1", &format!("($1 - interval '{days} days')"));
                format!(
                    "(SELECT count(*) FROM (SELECT FROM {from} WHERE {at} < {until} AND {and} LIMIT $2) o)"
                )
            });
            let oldest = shown_time(at_type);
            let table = table(class);
            format!(
                "SELECT {n} AS n, c.reltuples::bigint AS rows, pg_total_relation_size(c.oid) AS bytes, \
                 (SELECT {oldest} FROM (SELECT {at} AS at FROM {from} WHERE {and} ORDER BY {at} LIMIT 1) o) AS oldest, \
                 {due} AS due FROM pg_class c WHERE c.oid = '{table}'::regclass"
            )
        })
        .collect();
    let all = parts.join(" UNION ALL ");
    diesel::sql_query(format!(
        "SELECT rows, bytes, oldest, due FROM ({all}) s WHERE $1 IS NOT NULL ORDER BY n"
    ))
    .bind::<Timestamptz, _>(Instant(time))
    .bind::<BigInt, _>(most)
    .load(conn)
}
