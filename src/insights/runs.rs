//! How long containers ran, and how often they crashed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::queries::of_range;
use super::{Question, Scope};
use crate::db::ids::ContainerId;
use crate::db::statement::Statement;

/// How a container did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRuns {
    pub id: ContainerId,
    pub name: String,
    pub begun: i64,
    pub crashed: i64,
    /// Milliseconds.
    pub up_ms: i64,
    /// For how much of the range it has been there, milliseconds.
    pub known_ms: i64,
}

/// Containers that are shown at most. Written into the statement's text.
pub const MOST: usize = 50;

type Row = (SqlUuid, Text, BigInt, BigInt, BigInt, BigInt);

/// How the containers did, those that crashed most first. What runs now counts up to `now`.
#[must_use]
pub fn statement(question: &Question, now: DateTime<Utc>) -> Statement<Row> {
    let (from, until) = question.range.bounds();
    let until = until.min(now.timestamp_millis()).max(from);
    let mut s = Statement::new();
    s.sql("WITH bounds AS MATERIALIZED (SELECT ").big(from).sql(" AS from_ms, ").big(until);
    s.sql(
        " AS until_ms), shown AS MATERIALIZED (SELECT c.id, c.name, c.container_id, c.status, \
             CASE WHEN isfinite(c.created_at) THEN floor(extract(epoch FROM c.created_at) * 1000)::bigint END AS made FROM public.containers c WHERE c.status <> 'deleted'",
    );
    match question.scope {
        Scope::Everything => {}
        Scope::Own => {
            s.sql(" AND c.user_id = pilothouse.app_user_id()");
        }
        Scope::Project(id) => {
            s.sql(" AND c.id IN (SELECT p.container_id FROM public.projects p WHERE p.id = ")
                .text(id.to_string())
                .sql("::uuid)");
        }
    }
    s.sql(
        "), known_as AS (SELECT s.id, s.container_id FROM shown s UNION \
             SELECT s.id, e.container_id FROM shown s JOIN pilothouse.engine_containers e ON e.row_id = s.id), \
         counted AS (SELECT i.id, sum(x.begun)::bigint AS begun, sum(x.crashed)::bigint AS crashed, sum(x.up)::bigint AS up, \
                 min(x.at) AS at \
             FROM bounds b CROSS JOIN known_as i JOIN pilothouse.daily_runs k ON k.container_id = i.container_id COLLATE \"C\"",
    );
    of_range(&mut s, question, false);
    s.sql(
        " CROSS JOIN LATERAL (SELECT (k.day - DATE 'epoch')::bigint * 86400000 AS midnight) m \
         CROSS JOIN LATERAL ( \
             SELECT 0 AS begun, 0 AS crashed, m.midnight AS at, \
                 greatest(0, least(m.midnight + 86400000, b.until_ms) - greatest(m.midnight, b.from_ms)) AS up WHERE k.is_whole \
             UNION ALL SELECT u.begun, u.crashed, m.midnight + u.quarter * 900000, u.up_ms \
             FROM unnest(k.quarters, k.up_ms, k.begun, k.crashed) u (quarter, up_ms, begun, crashed) \
             WHERE m.midnight + u.quarter * 900000 >= b.from_ms AND m.midnight + u.quarter * 900000 < b.until_ms) x \
         GROUP BY i.id), \
         going AS (SELECT s.id, r.created_at AS at, greatest(0, b.until_ms - greatest(r.created_at, b.from_ms)) AS up \
             FROM bounds b CROSS JOIN shown s CROSS JOIN LATERAL ( \
                 SELECT x.created_at, x.ended_at FROM turbobackend.container_sessions x \
                 WHERE x.container_id = s.container_id AND x.created_at IS NOT NULL \
                 ORDER BY x.created_at DESC LIMIT 1) r \
             WHERE s.status = 'running' AND r.ended_at IS NULL) \
         SELECT s.id, s.name, coalesce(c.begun, 0), coalesce(c.crashed, 0), (coalesce(c.up, 0) + coalesce(g.up, 0))::bigint, \
             greatest(0, b.until_ms - greatest(b.from_ms, least(s.made, c.at, g.at)))::bigint \
         FROM bounds b CROSS JOIN shown s LEFT JOIN counted c ON c.id = s.id LEFT JOIN going g ON g.id = s.id \
         WHERE c.begun + c.crashed + c.up > 0 OR g.up > 0 ORDER BY 4 DESC, 5 DESC, s.name, s.id LIMIT 50",
    );
    s
}

pub fn containers(
    conn: &mut PgConnection,
    question: &Question,
    now: DateTime<Utc>,
) -> QueryResult<Vec<ContainerRuns>> {
    let rows: Vec<(Uuid, String, i64, i64, i64, i64)> = statement(question, now).load(conn)?;
    let row = |(id, name, begun, crashed, up_ms, known_ms)| ContainerRuns {
        id: ContainerId(id),
        name,
        begun,
        crashed,
        up_ms,
        known_ms,
    };
    Ok(rows.into_iter().map(row).collect())
}
