//! Keeps what heat maps and charts show: entries of the timeline, counted a project and UTC day.
//!
//! Triggers mark each day of a project whose rows changed, in the transaction that changed them. [`keep`] takes
//! the marks and counts those days again, so that a late row, an import and a purge come out right, whatever
//! time they bear; a mark too many is harmless. Once a day everything is counted, which mends what no trigger
//! saw: a restored backup, a trigger that failed. Times that no calendar page can show (before 1990, after
//! 2100) are not counted. The days that were counted are handed on to those who count more of them
//! (`pilothouse.insight_marks`).

use chrono::NaiveDate;
use diesel::dsl::{IntervalDsl, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::rollups;
use crate::db::statement::Statement;
use crate::db::time::{Date, ago, now};
use crate::db::{Actor, Db, DbError};

/// The row of [`rollups`] that this module keeps.
pub(super) const NAME: &str = "activity";
/// Marks that one transaction takes. Written into the statement's text.
const BATCH: i64 = 5_000;

/// What one transaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Another instance is at it.
    Elsewhere,
    /// There may be more marks.
    More,
    /// Everything is counted that was there when it began.
    Complete,
}

/// What a run of [`keep`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Another instance counts at this moment.
    Elsewhere,
    /// The rollup is complete up to when the last transaction began.
    Complete,
}

/// Counts what has changed. One instance at a time does; the others leave it alone.
///
/// # Errors
/// When the database can't be asked; the marks stay.
pub fn keep(db: &Db) -> Result<Kept, DbError> {
    loop {
        match db.write_blocking(&Actor::System, |conn| step(conn).map_err(DbError::from))? {
            Step::Elsewhere => return Ok(Kept::Elsewhere),
            Step::More => {}
            Step::Complete => return Ok(Kept::Complete),
        }
    }
}

/// Whether all of the rollup `name` is to be counted anew: once a day, and after a clock that was ahead.
pub fn is_recount_due(conn: &mut PgConnection, name: &str) -> QueryResult<bool> {
    let yesterday = ago(1.day()).nullable();
    rollups::table
        .find(name)
        .select(
            rollups::recounted_at
                .is_null()
                .or(rollups::recounted_at.lt(yesterday))
                .or(rollups::recounted_at.gt(now.nullable()))
                .assume_not_null(),
        )
        .first(conn)
}

fn step(conn: &mut PgConnection) -> QueryResult<Step> {
    // "pilothou" and "rollup00" in ASCII tell the console's locks apart.
    let is_ours: bool = diesel::select(sql::<Bool>("pg_try_advisory_xact_lock(x'726f6c6c75703030'::bigint)"))
        .get_result(conn)?;
    if !is_ours {
        return Ok(Step::Elsewhere);
    }
    if is_recount_due(conn, NAME)? {
        recount_everything(conn)?;
        diesel::update(rollups::table.find(NAME))
            .set((rollups::recounted_at.eq(now.nullable()), rollups::as_of.eq(now.nullable())))
            .execute(conn)?;
        return Ok(Step::Complete);
    }
    let (taken, days, projects) = recount_marked(conn)?;
    if taken > 0 {
        sum_up(conn, &days)?;
        diesel::select(mend_project_activity(Some(projects))).execute(conn)?;
    }
    if taken >= BATCH {
        return Ok(Step::More);
    }
    // An idle console need not write every few seconds that nothing has changed.
    let minute_ago = ago(1.minute()).nullable();
    let is_old = rollups::as_of.is_null().or(rollups::as_of.lt(minute_ago)).assume_not_null();
    diesel::update(rollups::table.find(NAME).filter(is_old.or(sql::<Bool>(if taken > 0 {
        "true"
    } else {
        "false"
    }))))
    .set(rollups::as_of.eq(now.nullable()))
    .execute(conn)?;
    Ok(Step::Complete)
}

diesel::define_sql_function! {
    /// Looks up when something last happened in these projects, or in all.
    #[sql_name = "pilothouse.mend_project_activity"]
    fn mend_project_activity(only_of: Nullable<Array<SqlUuid>>);
}

/// Counts the days of a batch of marks again. Answers how many marks there were, their days, and their projects.
///
/// One statement, so that marks and rows are seen by one snapshot: a row that it misses left a mark that it
/// misses too.
fn recount_marked(conn: &mut PgConnection) -> QueryResult<(i64, Vec<NaiveDate>, Vec<Uuid>)> {
    let mut s = Statement::<(Date, BigInt, Array<SqlUuid>)>::new();
    s.sql(
        "WITH taken AS (DELETE FROM pilothouse.recount_marks WHERE ctid = ANY (ARRAY( \
             SELECT ctid FROM pilothouse.recount_marks LIMIT 5000)) RETURNING project_id, day), \
         place AS MATERIALIZED (SELECT project_id, day, count(*) AS marks, \
             (day - DATE 'epoch')::bigint * 86400000 AS from_ms FROM taken \
             WHERE day >= '1990-01-01' AND day < '2100-01-01' GROUP BY 1, 2), \
         counted AS MATERIALIZED (SELECT p.project_id, p.day, c.quarters, c.entries, c.failed \
             FROM place p CROSS JOIN LATERAL ( \
             SELECT array_agg(quarter ORDER BY quarter) AS quarters, array_agg(entries ORDER BY quarter) AS entries, \
                    array_agg(failed ORDER BY quarter) AS failed \
             FROM (SELECT quarter, count(*)::integer AS entries, (count(*) FILTER (WHERE bad))::integer AS failed FROM (",
    );
    // Entries without a project of ours are found by their own branch: no index answers for both.
    for (at, of) in [
        "t.project_id = pilothouse.uuid_of(p.project_id)",
        "t.project_id IS NULL AND coalesce(t.project_text, '') = p.project_id AND pilothouse.uuid_of(p.project_id) IS NULL",
    ]
    .into_iter()
    .enumerate()
    {
        s.sql(if at == 0 { "" } else { " UNION ALL " });
        s.sql("SELECT ((t.at - p.from_ms) / 900000)::smallint AS quarter, t.outcome = 'bad' AS bad FROM pilothouse.timeline t WHERE ");
        s.sql(of).sql(" AND t.at >= p.from_ms AND t.at < p.from_ms + 86400000");
    }
    s.sql(
        ") rows GROUP BY quarter) quarters) c), \
         gone AS (DELETE FROM pilothouse.daily_activity d USING counted c \
             WHERE c.quarters IS NULL AND d.project_id = c.project_id AND d.day = c.day), \
         kept AS (INSERT INTO pilothouse.daily_activity AS d (project_id, day, quarters, entries, failed) \
             SELECT * FROM counted WHERE quarters IS NOT NULL \
             ON CONFLICT (project_id, day) DO UPDATE SET quarters = EXCLUDED.quarters, \
                 entries = EXCLUDED.entries, failed = EXCLUDED.failed \
             WHERE (d.quarters, d.entries, d.failed) \
                 IS DISTINCT FROM (EXCLUDED.quarters, EXCLUDED.entries, EXCLUDED.failed)), \
         handed_on AS (INSERT INTO pilothouse.insight_marks (project_id, day) SELECT project_id, day FROM place) \
         SELECT day, sum(marks)::bigint, array_remove(array_agg(pilothouse.uuid_of(project_id)), NULL) FROM place GROUP BY day",
    );
    let days: Vec<(NaiveDate, i64, Vec<Uuid>)> = s.load(conn)?;
    let mut projects: Vec<Uuid> = days.iter().flat_map(|(.., projects)| projects.clone()).collect();
    projects.sort_unstable();
    projects.dedup();
    Ok((
        days.iter().map(|(_, marks, _)| marks).sum(),
        days.into_iter().map(|(day, ..)| day).collect(),
        projects,
    ))
}

/// Sums the projects of these days.
fn sum_up(conn: &mut PgConnection, days: &[NaiveDate]) -> QueryResult<()> {
    let mut s = Statement::<(Date,)>::new();
    s.sql("WITH place AS MATERIALIZED (SELECT unnest(")
        .texts(days.iter().map(NaiveDate::to_string).collect());
    s.sql(
        ")::date AS day), \
         summed AS MATERIALIZED (SELECT p.day, q.quarters, q.entries, q.failed FROM place p CROSS JOIN LATERAL ( \
             SELECT array_agg(quarter ORDER BY quarter) AS quarters, array_agg(entries ORDER BY quarter) AS entries, \
                    array_agg(failed ORDER BY quarter) AS failed \
             FROM (SELECT u.quarter, sum(u.entries)::integer AS entries, sum(u.failed)::integer AS failed \
                   FROM pilothouse.daily_activity d \
                   CROSS JOIN LATERAL unnest(d.quarters, d.entries, d.failed) u (quarter, entries, failed) \
                   WHERE d.day = p.day GROUP BY 1) quarters) q), \
         gone AS (DELETE FROM pilothouse.daily_totals t USING summed s WHERE s.quarters IS NULL AND t.day = s.day) \
         INSERT INTO pilothouse.daily_totals (day, quarters, entries, failed) \
         SELECT * FROM summed WHERE quarters IS NOT NULL \
         ON CONFLICT (day) DO UPDATE SET quarters = EXCLUDED.quarters, entries = EXCLUDED.entries, \
             failed = EXCLUDED.failed RETURNING day",
    );
    s.load::<(NaiveDate,)>(conn).map(|_| ())
}

/// Counts all there is, and writes what differs. The marks of this snapshot are spent with it.
fn recount_everything(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query("SET LOCAL work_mem = '64MB'").execute(conn)?;
    let mut s = Statement::<(Date,)>::new();
    s.sql(
        "WITH taken AS (DELETE FROM pilothouse.recount_marks RETURNING project_id, day), part AS ( \
         SELECT coalesce(t.project_id::text, t.project_text, '') AS project_id, (t.at / 86400000)::integer AS day, \
             (t.at % 86400000 / 900000)::smallint AS quarter, count(*) AS entries, \
             count(*) FILTER (WHERE t.outcome = 'bad') AS failed FROM pilothouse.timeline t \
         WHERE t.at >= 631152000000 AND t.at < 4102444800000 GROUP BY 1, 2, 3), \
         counted AS MATERIALIZED (SELECT project_id, DATE 'epoch' + day AS day, \
             array_agg(quarter ORDER BY quarter) AS quarters, array_agg(entries ORDER BY quarter) AS entries, \
             array_agg(failed ORDER BY quarter) AS failed \
             FROM (SELECT project_id, day, quarter, sum(entries)::integer AS entries, sum(failed)::integer AS failed \
                   FROM part GROUP BY 1, 2, 3) quarters GROUP BY 1, 2), \
         gone AS (DELETE FROM pilothouse.daily_activity d WHERE NOT EXISTS ( \
             SELECT FROM counted c WHERE c.project_id = d.project_id AND c.day = d.day) RETURNING d.project_id, d.day), \
         kept AS (INSERT INTO pilothouse.daily_activity AS d (project_id, day, quarters, entries, failed) \
             SELECT * FROM counted ON CONFLICT (project_id, day) DO UPDATE SET quarters = EXCLUDED.quarters, \
                 entries = EXCLUDED.entries, failed = EXCLUDED.failed \
             WHERE (d.quarters, d.entries, d.failed) \
                 IS DISTINCT FROM (EXCLUDED.quarters, EXCLUDED.entries, EXCLUDED.failed) RETURNING d.project_id, d.day), \
         handed_on AS (INSERT INTO pilothouse.insight_marks (project_id, day) SELECT project_id, day FROM taken \
             UNION SELECT project_id, day FROM kept UNION SELECT project_id, day FROM gone) \
         SELECT day FROM kept UNION SELECT day FROM gone",
    );
    let changed: Vec<(NaiveDate,)> = s.load(conn)?;
    let days: Vec<NaiveDate> = changed.into_iter().map(|(day,)| day).collect();
    sum_up(conn, &days)?;
    diesel::select(mend_project_activity(None::<Vec<Uuid>>)).execute(conn).map(|_| ())
}
