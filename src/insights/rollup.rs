//! Counts what insights show: a project's day again when its entries or costs changed, a container's when its runs did.
//!
//! [`crate::activity::rollup`] hands on the days that it has counted, triggers mark those of costs and runs
//! (`pilothouse.insight_marks`, `run_marks`). The marks are taken first and the rows read after, in one transaction, so
//! that what a statement misses has left a mark that it missed too. Once a day every day that is known is marked.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::activity::rollup::is_recount_due;
use crate::db::schema::rollups;
use crate::db::statement::Statement;
use crate::db::time::{Date, now};
use crate::db::{Actor, Db, DbError};

pub(super) const NAME: &str = "insights";
/// Marks that one transaction takes of each kind. Written into the statements' texts.
const BATCH: usize = 1_000;

enum Step {
    Elsewhere,
    More,
    Complete,
}

/// Counts what has changed, until that is done or `is_to_stop`. One instance at a time does.
///
/// # Errors
/// When the database can't be asked; the marks stay.
pub fn keep(db: &Db, is_to_stop: impl Fn() -> bool) -> Result<(), DbError> {
    while !is_to_stop() {
        match db.write_blocking(&Actor::System, |conn| step(conn).map_err(DbError::from))? {
            Step::More => {}
            Step::Elsewhere | Step::Complete => break,
        }
    }
    Ok(())
}

fn step(conn: &mut PgConnection) -> QueryResult<Step> {
    // "insights" in ASCII tells the console's locks apart.
    let is_ours: bool = diesel::select(sql::<Bool>("pg_try_advisory_xact_lock(x'696e736967687473'::bigint)"))
        .get_result(conn)?;
    if !is_ours {
        return Ok(Step::Elsewhere);
    }
    // What the activity's count has not handed on is not counted here either.
    let handed_on_at: Option<DateTime<Utc>> =
        rollups::table.find("activity").select(rollups::as_of).first(conn)?;
    if is_recount_due(conn, NAME)? {
        mark_everything(conn)?;
        diesel::update(rollups::table.find(NAME))
            .set(rollups::recounted_at.eq(now.nullable()))
            .execute(conn)?;
    }
    let (places, days) = take_marks(conn)?;
    if !places.is_empty() {
        count_kinds(conn, &places)?;
        count_events(conn, &places)?;
        count_costs(conn, &places)?;
        let everything: Vec<Place> = days.iter().map(|day| ("*".to_owned(), *day)).collect();
        sum_kinds(conn, &everything)?;
        sum_events(conn, &everything)?;
        sum_costs(conn, &everything)?;
    }
    let taken = count_runs(conn)?;
    if places.len() >= BATCH || taken >= BATCH {
        return Ok(Step::More);
    }
    if handed_on_at.is_some() {
        diesel::update(rollups::table.find(NAME).filter(rollups::as_of.is_distinct_from(handed_on_at)))
            .set(rollups::as_of.eq(handed_on_at))
            .execute(conn)?;
    }
    Ok(Step::Complete)
}

fn mark_everything(conn: &mut PgConnection) -> QueryResult<()> {
    let within = "created_at >= 631152000000 AND created_at < 4102444800000";
    diesel::sql_query(format!(
        "INSERT INTO pilothouse.insight_marks (project_id, day) \
         SELECT project_id, day FROM pilothouse.daily_activity \
         UNION SELECT substr(scope, 3), day FROM pilothouse.daily_kinds WHERE scope <> '*' \
         UNION SELECT substr(scope, 3), day FROM pilothouse.daily_events WHERE scope <> '*' \
         UNION SELECT substr(scope, 3), day FROM pilothouse.daily_costs WHERE scope <> '*' \
         UNION SELECT coalesce(project_id, ''), DATE 'epoch' + (created_at / 86400000)::integer \
             FROM turbobackend.message_cost_tracker WHERE {within}"
    ))
    .execute(conn)?;
    diesel::sql_query(format!(
        "INSERT INTO pilothouse.run_marks (container_id, day) \
         SELECT container_id, day FROM pilothouse.daily_runs \
         UNION SELECT r.container_id, DATE 'epoch' + d.day FROM (SELECT container_id, created_at, coalesce(ended_at, \
                 lead(created_at) OVER (PARTITION BY container_id ORDER BY created_at, session_id), created_at) AS until \
             FROM turbobackend.container_sessions WHERE container_id IS NOT NULL AND {within}) r \
             CROSS JOIN LATERAL generate_series((r.created_at / 86400000)::integer, \
                 greatest(r.created_at / 86400000, least(r.until / 86400000, r.created_at / 86400000 + 366, 47481))::integer) d(day)"
    ))
    .execute(conn)
    .map(|_| ())
}

/// A scope and a day.
type Place = (String, NaiveDate);

/// Scopes and days that are to be counted again, as often as they were marked, and the days by themselves.
fn take_marks(conn: &mut PgConnection) -> QueryResult<(Vec<Place>, Vec<NaiveDate>)> {
    let mut s = Statement::<(diesel::sql_types::Text, Date)>::new();
    s.sql(
        "DELETE FROM pilothouse.insight_marks WHERE ctid = ANY (ARRAY( \
             SELECT ctid FROM pilothouse.insight_marks LIMIT 1000)) RETURNING 'p:' || project_id, day",
    );
    let places: Vec<Place> = s.load(conn)?;
    let mut days: Vec<NaiveDate> = places.iter().map(|(_, day)| *day).collect();
    days.sort_unstable();
    days.dedup();
    Ok((places, days))
}

/// Begins a statement with the places that it counts: scope and day, once each.
fn begin<R>(places: &[Place]) -> Statement<R> {
    let mut s = Statement::new();
    s.sql(
        "WITH place AS MATERIALIZED (SELECT DISTINCT x.scope COLLATE \"C\" AS scope, substr(x.scope, 3) AS project_id, \
             x.day::date AS day, (x.day::date - DATE 'epoch')::bigint * 86400000 AS from_ms FROM unnest(",
    )
    .texts(places.iter().map(|(scope, _)| scope.clone()).collect())
    .sql(", ")
    .texts(places.iter().map(|(_, day)| day.to_string()).collect())
    .sql(") x(scope, day) WHERE x.day::date >= '1990-01-01' AND x.day::date < '2100-01-01'), ");
    s
}

/// What comes after `fine` (scope, day, kind, environment, quarter, n, failed, bucket, runs, slowest): it becomes rows.
const WRITE_KINDS: &str = "\
    counted AS MATERIALIZED (SELECT q.scope, q.day, q.kind, q.environment, q.quarters, q.entries, q.failed, \
        coalesce(t.quarters, '{}') AS timed_quarters, coalesce(t.buckets, '{}') AS buckets, coalesce(t.runs, '{}') AS runs, \
        coalesce(t.slowest, '{}') AS slowest \
    FROM (SELECT scope, day, kind, environment, array_agg(quarter ORDER BY quarter) AS quarters, \
              array_agg(n ORDER BY quarter) AS entries, array_agg(failed ORDER BY quarter) AS failed \
          FROM (SELECT scope, day, kind, environment, quarter, sum(n)::integer AS n, sum(failed)::integer AS failed \
                FROM fine GROUP BY 1, 2, 3, 4, 5) by_quarter GROUP BY 1, 2, 3, 4) q \
    LEFT JOIN (SELECT scope, day, kind, environment, array_agg(quarter ORDER BY quarter, bucket) AS quarters, \
              array_agg(bucket ORDER BY quarter, bucket) AS buckets, array_agg(runs ORDER BY quarter, bucket) AS runs, \
              array_agg(slowest ORDER BY quarter, bucket) AS slowest \
          FROM (SELECT scope, day, kind, environment, quarter, bucket, sum(runs)::integer AS runs, max(slowest) AS slowest \
                FROM fine WHERE bucket IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6) by_bucket GROUP BY 1, 2, 3, 4) t \
    ON (t.scope, t.day, t.kind, t.environment) = (q.scope, q.day, q.kind, q.environment)), \
    gone AS (DELETE FROM pilothouse.daily_kinds k USING place p WHERE k.scope = p.scope AND k.day = p.day AND NOT EXISTS ( \
        SELECT FROM counted c WHERE (c.scope, c.day, c.kind, c.environment) = (k.scope, k.day, k.kind, k.environment))), \
    kept AS (INSERT INTO pilothouse.daily_kinds AS k (scope, day, kind, environment, quarters, entries, failed, timed_quarters, \
            buckets, runs, slowest) SELECT * FROM counted \
        ON CONFLICT (scope, day, kind, environment) DO UPDATE SET quarters = EXCLUDED.quarters, entries = EXCLUDED.entries, \
            failed = EXCLUDED.failed, timed_quarters = EXCLUDED.timed_quarters, buckets = EXCLUDED.buckets, \
            runs = EXCLUDED.runs, slowest = EXCLUDED.slowest \
        WHERE (k.quarters, k.entries, k.failed, k.timed_quarters, k.buckets, k.runs, k.slowest) IS DISTINCT FROM \
            (EXCLUDED.quarters, EXCLUDED.entries, EXCLUDED.failed, EXCLUDED.timed_quarters, EXCLUDED.buckets, \
             EXCLUDED.runs, EXCLUDED.slowest)) \
    SELECT count(*) FROM place";

fn run(conn: &mut PgConnection, mut s: Statement<(BigInt,)>, end: &'static str) -> QueryResult<()> {
    s.sql(end);
    s.load::<(i64,)>(conn).map(|_| ())
}

/// The power of 1.1 that a duration reaches; see [`crate::activity::durations`].
const BUCKET: &str =
    "CASE WHEN t.duration >= 0 THEN floor(ln(t.duration::float8 + 1) / ln(1.1::float8))::smallint END";

/// Entries without a project of ours are found by their own branch: no index answers for both.
const OF_PROJECT: [&str; 2] = [
    "t.project_id = pilothouse.uuid_of(p.project_id)",
    "t.project_id IS NULL AND coalesce(t.project_text, '') = p.project_id AND pilothouse.uuid_of(p.project_id) IS NULL",
];

fn count_kinds(conn: &mut PgConnection, places: &[Place]) -> QueryResult<()> {
    let mut s = begin(places);
    s.sql(
        "fine AS MATERIALIZED (SELECT p.scope, p.day, r.kind, r.environment, r.quarter, r.bucket, r.n, r.failed, \
             CASE WHEN r.bucket IS NOT NULL THEN r.n END AS runs, r.slowest \
         FROM place p CROSS JOIN LATERAL (SELECT kind, environment, quarter, bucket, count(*)::integer AS n, \
             (count(*) FILTER (WHERE bad))::integer AS failed, max(took) AS slowest FROM (",
    );
    for (at, of) in OF_PROJECT.into_iter().enumerate() {
        s.sql(if at == 0 { "" } else { " UNION ALL " });
        s.sql(
            "SELECT coalesce(t.kind, '') COLLATE \"C\" AS kind, \
                 coalesce(pilothouse.word_text(t.environment), '') COLLATE \"C\" AS environment, \
                 ((t.at - p.from_ms) / 900000)::smallint AS quarter, t.outcome = 'bad' AS bad, ",
        )
        .sql(BUCKET);
        s.sql(
            " AS bucket, CASE WHEN t.duration >= 0 THEN lpad(t.duration::text, 19, '0') || ' ' || t.source || ':' || t.id END COLLATE \"C\" AS took \
             FROM pilothouse.timeline t WHERE ",
        );
        s.sql(of).sql(" AND t.at >= p.from_ms AND t.at < p.from_ms + 86400000");
    }
    s.sql(") rows GROUP BY 1, 2, 3, 4) r), ");
    run(conn, s, WRITE_KINDS)
}

fn sum_kinds(conn: &mut PgConnection, places: &[Place]) -> QueryResult<()> {
    let mut s = begin(places);
    s.sql(
        "fine AS MATERIALIZED (SELECT p.scope, p.day, k.kind, k.environment, u.quarter, u.n, u.failed, NULL::smallint AS bucket, \
             NULL::integer AS runs, NULL::text COLLATE \"C\" AS slowest \
         FROM place p JOIN pilothouse.daily_kinds k ON k.day = p.day AND k.scope <> '*' \
         CROSS JOIN LATERAL unnest(k.quarters, k.entries, k.failed) u (quarter, n, failed) \
         UNION ALL SELECT p.scope, p.day, k.kind, k.environment, u.quarter, 0, 0, u.bucket, u.runs, u.slowest \
         FROM place p JOIN pilothouse.daily_kinds k ON k.day = p.day AND k.scope <> '*' \
         CROSS JOIN LATERAL unnest(k.timed_quarters, k.buckets, k.runs, k.slowest) u (quarter, bucket, runs, slowest)), ",
    );
    run(conn, s, WRITE_KINDS)
}

/// What comes after `fine` (scope, day, kind, status, quarter, n, bucket, runs).
const WRITE_EVENTS: &str = "\
    counted AS MATERIALIZED (SELECT q.scope, q.day, q.kind, q.status, q.quarters, q.entries, \
        coalesce(t.quarters, '{}') AS timed_quarters, coalesce(t.buckets, '{}') AS buckets, coalesce(t.runs, '{}') AS runs \
    FROM (SELECT scope, day, kind, status, array_agg(quarter ORDER BY quarter) AS quarters, array_agg(n ORDER BY quarter) AS entries \
          FROM (SELECT scope, day, kind, status, quarter, sum(n)::integer AS n FROM fine GROUP BY 1, 2, 3, 4, 5) by_quarter \
          GROUP BY 1, 2, 3, 4) q \
    LEFT JOIN (SELECT scope, day, kind, status, array_agg(quarter ORDER BY quarter, bucket) AS quarters, \
              array_agg(bucket ORDER BY quarter, bucket) AS buckets, array_agg(runs ORDER BY quarter, bucket) AS runs \
          FROM (SELECT scope, day, kind, status, quarter, bucket, sum(runs)::integer AS runs \
                FROM fine WHERE bucket IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6) by_bucket GROUP BY 1, 2, 3, 4) t \
    ON (t.scope, t.day, t.kind, t.status) = (q.scope, q.day, q.kind, q.status)), \
    gone AS (DELETE FROM pilothouse.daily_events k USING place p WHERE k.scope = p.scope AND k.day = p.day AND NOT EXISTS ( \
        SELECT FROM counted c WHERE (c.scope, c.day, c.kind, c.status) = (k.scope, k.day, k.kind, k.status))), \
    kept AS (INSERT INTO pilothouse.daily_events AS k (scope, day, kind, status, quarters, entries, timed_quarters, buckets, runs) \
            SELECT * FROM counted \
        ON CONFLICT (scope, day, kind, status) DO UPDATE SET quarters = EXCLUDED.quarters, entries = EXCLUDED.entries, \
            timed_quarters = EXCLUDED.timed_quarters, buckets = EXCLUDED.buckets, runs = EXCLUDED.runs \
        WHERE (k.quarters, k.entries, k.timed_quarters, k.buckets, k.runs) IS DISTINCT FROM \
            (EXCLUDED.quarters, EXCLUDED.entries, EXCLUDED.timed_quarters, EXCLUDED.buckets, EXCLUDED.runs)) \
    SELECT count(*) FROM place";

fn count_events(conn: &mut PgConnection, places: &[Place]) -> QueryResult<()> {
    let mut s = begin(places);
    s.sql("fine AS MATERIALIZED (SELECT r.*, CASE WHEN r.bucket IS NOT NULL THEN r.n END AS runs FROM (");
    for (at, of) in OF_PROJECT.into_iter().enumerate() {
        s.sql(if at == 0 { "" } else { " UNION ALL " });
        s.sql(
            "SELECT p.scope, p.day, coalesce(t.kind, '') COLLATE \"C\" AS kind, \
                 coalesce(pilothouse.word_text(t.status), '') COLLATE \"C\" AS status, \
                 ((t.at - p.from_ms) / 900000)::smallint AS quarter, 1 AS n, ",
        )
        .sql(BUCKET);
        s.sql(
            " AS bucket FROM place p JOIN pilothouse.timeline t ON t.source = 'event' \
                 AND t.at >= p.from_ms AND t.at < p.from_ms + 86400000 AND ",
        );
        s.sql(of);
    }
    s.sql(") r), ");
    run(conn, s, WRITE_EVENTS)
}

fn sum_events(conn: &mut PgConnection, places: &[Place]) -> QueryResult<()> {
    let mut s = begin(places);
    s.sql(
        "fine AS MATERIALIZED (SELECT p.scope, p.day, k.kind, k.status, u.quarter, u.n, NULL::smallint AS bucket, NULL::integer AS runs \
         FROM place p JOIN pilothouse.daily_events k ON k.day = p.day AND k.scope <> '*' \
         CROSS JOIN LATERAL unnest(k.quarters, k.entries) u (quarter, n) \
         UNION ALL SELECT p.scope, p.day, k.kind, k.status, u.quarter, 0, u.bucket, u.runs \
         FROM place p JOIN pilothouse.daily_events k ON k.day = p.day AND k.scope <> '*' \
         CROSS JOIN LATERAL unnest(k.timed_quarters, k.buckets, k.runs) u (quarter, bucket, runs)), ",
    );
    run(conn, s, WRITE_EVENTS)
}

/// What comes after `fine` (scope, day, model, quarter, messages, tokens, `micro_usd`).
const WRITE_COSTS: &str = "\
    counted AS MATERIALIZED (SELECT scope, day, model, array_agg(quarter ORDER BY quarter) AS quarters, \
        array_agg(messages ORDER BY quarter) AS messages, array_agg(tokens ORDER BY quarter) AS tokens, \
        array_agg(micro_usd ORDER BY quarter) AS micro_usd \
    FROM (SELECT scope, day, model, quarter, sum(messages)::integer AS messages, sum(tokens)::bigint AS tokens, \
              sum(micro_usd)::bigint AS micro_usd FROM fine GROUP BY 1, 2, 3, 4) by_quarter GROUP BY 1, 2, 3), \
    gone AS (DELETE FROM pilothouse.daily_costs k USING place p WHERE k.scope = p.scope AND k.day = p.day AND NOT EXISTS ( \
        SELECT FROM counted c WHERE (c.scope, c.day, c.model) = (k.scope, k.day, k.model))), \
    kept AS (INSERT INTO pilothouse.daily_costs AS k (scope, day, model, quarters, messages, tokens, micro_usd) \
        SELECT * FROM counted ON CONFLICT (scope, day, model) DO UPDATE SET quarters = EXCLUDED.quarters, \
            messages = EXCLUDED.messages, tokens = EXCLUDED.tokens, micro_usd = EXCLUDED.micro_usd \
        WHERE (k.quarters, k.messages, k.tokens, k.micro_usd) IS DISTINCT FROM \
            (EXCLUDED.quarters, EXCLUDED.messages, EXCLUDED.tokens, EXCLUDED.micro_usd)) \
    SELECT count(*) FROM place";

fn count_costs(conn: &mut PgConnection, places: &[Place]) -> QueryResult<()> {
    let mut s = begin(places);
    s.sql("fine AS MATERIALIZED (");
    for (at, of) in
        ["c.project_id = p.project_id", "p.project_id = '' AND c.project_id IS NULL"].into_iter().enumerate()
    {
        s.sql(if at == 0 { "" } else { " UNION ALL " });
        // Absurd numbers of a program must not stop the count.
        s.sql(
            "SELECT p.scope, p.day, coalesce(nullif(pilothouse.word_text(c.model), ''), '') COLLATE \"C\" AS model, \
                 ((c.created_at - p.from_ms) / 900000)::smallint AS quarter, 1 AS messages, \
                 least(greatest(coalesce(c.input_tokens, 0), 0), 1000000000) \
                     + least(greatest(coalesce(c.output_tokens, 0), 0), 1000000000) AS tokens, \
                 CASE WHEN c.cost_usd = 'NaN' THEN 0 ELSE round(coalesce(c.cost_usd, 0) * 1000000) END AS micro_usd \
             FROM place p JOIN turbobackend.message_cost_tracker c ON c.created_at >= p.from_ms AND c.created_at < p.from_ms + 86400000 AND ",
        );
        s.sql(of);
    }
    s.sql("), ");
    run(conn, s, WRITE_COSTS)
}

fn sum_costs(conn: &mut PgConnection, places: &[Place]) -> QueryResult<()> {
    let mut s = begin(places);
    s.sql(
        "fine AS MATERIALIZED (SELECT p.scope, p.day, k.model, u.quarter, u.messages, u.tokens, u.micro_usd \
         FROM place p JOIN pilothouse.daily_costs k ON k.day = p.day AND k.scope <> '*' \
         CROSS JOIN LATERAL unnest(k.quarters, k.messages, k.tokens, k.micro_usd) u (quarter, messages, tokens, micro_usd)), ",
    );
    run(conn, s, WRITE_COSTS)
}

/// Counts marked days of containers again; answers how many marks there were.
fn count_runs(conn: &mut PgConnection) -> QueryResult<usize> {
    let mut s = Statement::<(diesel::sql_types::Text, Date)>::new();
    s.sql(
        "DELETE FROM pilothouse.run_marks WHERE ctid = ANY (ARRAY( \
             SELECT ctid FROM pilothouse.run_marks LIMIT 1000)) RETURNING container_id, day",
    );
    let places: Vec<(String, NaiveDate)> = s.load(conn)?;
    if places.is_empty() {
        return Ok(0);
    }
    let mut s = Statement::<(BigInt,)>::new();
    s.sql("WITH place AS MATERIALIZED (SELECT DISTINCT x.container_id, x.day::date AS day FROM unnest(")
        .texts(places.iter().map(|(container, _)| container.clone()).collect())
        .sql(", ")
        .texts(places.iter().map(|(_, day)| day.to_string()).collect());
    s.sql(
        ") x(container_id, day)), \
         counted AS MATERIALIZED (SELECT p.container_id, p.day, c.* FROM place p CROSS JOIN LATERAL ( \
             SELECT count(*) = 96 AND sum(r.up_ms) = 86400000 AND sum(r.begun + r.crashed) = 0 AS is_whole, \
                    array_agg(r.quarter ORDER BY r.quarter) AS quarters, array_agg(r.up_ms ORDER BY r.quarter) AS up_ms, \
                    array_agg(r.begun ORDER BY r.quarter) AS begun, array_agg(r.crashed ORDER BY r.quarter) AS crashed \
             FROM pilothouse.runs_of_day(p.container_id, p.day) r) c), \
         gone AS (DELETE FROM pilothouse.daily_runs k USING counted c \
             WHERE c.quarters IS NULL AND k.container_id = c.container_id AND k.day = c.day), \
         kept AS (INSERT INTO pilothouse.daily_runs AS k (container_id, day, is_whole, quarters, up_ms, begun, crashed) \
             SELECT c.container_id, c.day, c.is_whole, \
                 CASE WHEN c.is_whole THEN '{}' ELSE c.quarters END, CASE WHEN c.is_whole THEN '{}' ELSE c.up_ms END, \
                 CASE WHEN c.is_whole THEN '{}' ELSE c.begun END, CASE WHEN c.is_whole THEN '{}' ELSE c.crashed END \
             FROM counted c WHERE c.quarters IS NOT NULL \
             ON CONFLICT (container_id, day) DO UPDATE SET is_whole = EXCLUDED.is_whole, quarters = EXCLUDED.quarters, \
                 up_ms = EXCLUDED.up_ms, begun = EXCLUDED.begun, crashed = EXCLUDED.crashed \
             WHERE (k.is_whole, k.quarters, k.up_ms, k.begun, k.crashed) IS DISTINCT FROM \
                 (EXCLUDED.is_whole, EXCLUDED.quarters, EXCLUDED.up_ms, EXCLUDED.begun, EXCLUDED.crashed)) \
         SELECT count(*) FROM place",
    );
    s.load::<(i64,)>(conn)?;
    Ok(places.len())
}
