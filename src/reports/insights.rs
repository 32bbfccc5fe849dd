//! How much of each kind of event there was, how it ended, and how long it took: counted along the timeline's indexes.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Uuid as SqlUuid};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::feed::Reach;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Double)]
    p50: f64,
    #[diesel(sql_type = Double)]
    p95: f64,
}

/// The answer of `GET /api/insights/codebase`, without its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Insights {
    pub totals: Map<String, Value>,
    pub by_status: Map<String, Value>,
    pub durations: Map<String, Value>,
}

/// Counts the events since `from_ms` that `reach` holds.
pub fn codebase(conn: &mut PgConnection, reach: Reach, from_ms: i64) -> QueryResult<Insights> {
    let scope = match reach {
        Reach::Project(_) => "t.project_id = $2",
        Reach::Owner(_) => "t.owner_id = $2",
        Reach::Token => {
            "$2 IS NULL AND t.project_id IN (SELECT p FROM pilothouse.app_token_projects(NULL) p)"
        }
        Reach::Everything => "$2 IS NULL",
    };
    let of: Option<Uuid> = match reach {
        Reach::Project(project) => Some(project.0),
        Reach::Owner(owner) => Some(owner.0),
        Reach::Token | Reach::Everything => None,
    };
    let counted: Vec<Counted> = diesel::sql_query(format!(
        "SELECT coalesce(t.kind, '') AS kind, coalesce(t.status, '') AS status, count(*) AS count \
         FROM pilothouse.timeline t WHERE t.source = 'event' AND {scope} AND t.at >= $1 GROUP BY 1, 2 ORDER BY 1, 2"
    ))
    .bind::<BigInt, _>(from_ms)
    .bind::<Nullable<SqlUuid>, _>(of)
    .load(conn)?;
    let taken: Vec<Taken> = diesel::sql_query(format!(
        "SELECT coalesce(t.kind, '') AS kind, count(*) AS count, \
             percentile_disc(0.5) WITHIN GROUP (ORDER BY t.duration)::float8 AS p50, \
             percentile_disc(0.95) WITHIN GROUP (ORDER BY t.duration)::float8 AS p95 \
         FROM pilothouse.timeline t WHERE t.source = 'event' AND {scope} AND t.at >= $1 AND t.duration IS NOT NULL \
         GROUP BY 1 ORDER BY 1"
    ))
    .bind::<BigInt, _>(from_ms)
    .bind::<Nullable<SqlUuid>, _>(of)
    .load(conn)?;
    let add = |map: &mut Map<String, Value>, key: &str, more: i64| {
        let held = map.get(key).and_then(Value::as_i64).unwrap_or(0);
        map.insert(key.to_owned(), json!(held + more));
    };
    let (mut totals, mut by_status) = (Map::new(), Map::new());
    for row in &counted {
        add(&mut totals, &row.kind, row.count);
        add(&mut by_status, &row.status, row.count);
    }
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of an integer column")]
    let durations = taken
        .into_iter()
        .map(|row| (row.kind, json!({ "count": row.count, "p50": row.p50 as i64, "p95": row.p95 as i64 })))
        .collect();
    Ok(Insights { totals, by_status, durations })
}
