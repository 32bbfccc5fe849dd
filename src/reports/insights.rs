//! How much of each kind of event there was, how it ended, and how long it took, from what [`crate::insights::rollup`] keeps.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::{Map, Value, json};

use super::feed::Reach;
use crate::activity::durations::percentile;
use crate::db::schema::rollups;
use crate::db::statement::Statement;

/// The answer of `GET /api/insights/codebase`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insights {
    pub totals: Map<String, Value>,
    pub by_status: Map<String, Value>,
    pub durations: Map<String, Value>,
    /// Up to when everything is counted; none before the first count.
    pub as_of: Option<DateTime<Utc>>,
}

/// `status` or `kind` with how many there were, or `bucket`: a type, a bucket of durations, and how many fell into it.
type Count = (Text, Text, BigInt, Nullable<BigInt>);

fn of_reach(s: &mut Statement<Count>, reach: Reach) {
    match reach {
        Reach::Project(project) => s.sql("k.scope = ").text(format!("p:{project}")),
        Reach::Owner(_) => s.sql("k.scope = ANY (ARRAY(SELECT 'p:' || p FROM pilothouse.app_projects() p))"),
        Reach::Token => {
            s.sql("k.scope = ANY (ARRAY(SELECT 'p:' || p FROM pilothouse.app_token_projects(NULL) p))")
        }
        Reach::Everything => s.sql("k.scope = '*'"),
    };
}

/// The counts that `reach` holds, from the quarter of an hour in which `from_ms` lies.
#[must_use]
pub fn counts(reach: Reach, from_ms: i64) -> Statement<Count> {
    let since = |s: &mut Statement<Count>, quarter: &'static str| {
        of_reach(s, reach);
        s.sql(" AND k.day >= DATE 'epoch' + (")
            .big(from_ms)
            .sql(" / 86400000)::integer AND k.day < '2100-01-01'");
        s.sql(" AND ((k.day - DATE 'epoch')::bigint * 86400000 + ")
            .sql(quarter)
            .sql(" * 900000) >= ")
            .big(from_ms)
            .sql(" / 900000 * 900000");
        // Operations are counted there too, and are no events that were reported.
        s.sql(
            " AND EXISTS (SELECT FROM pg_catalog.pg_enum e \
             WHERE e.enumtypid = 'public.\"ActivityEventType\"'::regtype AND e.enumlabel = k.kind)",
        );
    };
    let mut s = Statement::new();
    s.sql(
        "SELECT CASE WHEN grouping(k.kind) = 0 THEN 'kind' ELSE 'status' END, coalesce(k.kind, k.status), \
             sum(u.entries)::bigint, NULL::bigint FROM pilothouse.daily_events k \
         CROSS JOIN LATERAL unnest(k.quarters, k.entries) u (quarter, entries) WHERE ",
    );
    since(&mut s, "u.quarter");
    s.sql(
        " GROUP BY GROUPING SETS ((k.kind), (k.status)) \
         UNION ALL SELECT 'bucket', k.kind, sum(u.runs)::bigint, u.bucket::bigint FROM pilothouse.daily_events k \
         CROSS JOIN LATERAL unnest(k.timed_quarters, k.buckets, k.runs) u (quarter, bucket, runs) WHERE ",
    );
    since(&mut s, "u.quarter");
    s.sql(" GROUP BY k.kind, u.bucket ORDER BY 1, 2, 4");
    s
}

/// What there was of the events since `from_ms` that `reach` holds.
pub fn codebase(conn: &mut PgConnection, reach: Reach, from_ms: i64) -> QueryResult<Insights> {
    let rows: Vec<(String, String, i64, Option<i64>)> = counts(reach, from_ms).load(conn)?;
    let as_of: Option<Option<DateTime<Utc>>> =
        rollups::table.find("insights").select(rollups::as_of).first(conn).optional()?;
    let told = |part: &str| -> Map<String, Value> {
        let of_part = rows.iter().filter(|row| row.0 == part);
        of_part.map(|(_, word, count, _)| (word.clone(), json!(count))).collect()
    };
    let timed: Vec<_> = rows.iter().filter(|row| row.0 == "bucket").collect();
    let durations = timed.chunk_by(|a, b| a.1 == b.1).filter_map(|rows| {
        let bucket = |place: Option<i64>| place.and_then(|place| i16::try_from(place).ok());
        let took: Vec<(i16, i64)> = rows.iter().filter_map(|row| Some((bucket(row.3)?, row.2))).collect();
        let count: i64 = took.iter().map(|(_, runs)| runs).sum();
        let told = json!({ "count": count, "p50": percentile(&took, 50), "p95": percentile(&took, 95) });
        Some((rows.first()?.1.clone(), told))
    });
    Ok(Insights {
        durations: durations.collect(),
        totals: told("kind"),
        by_status: told("status"),
        as_of: as_of.flatten(),
    })
}
