//! When kinds of jobs are due, and how their runs go.
//!
//! A schedule has one job, which comes to life again each time that it is due; while that one waits or runs, the next
//! time passes by.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;

use super::Kind;
use crate::db::ids::JobId;
use crate::db::schema::{jobs, schedules};
use crate::db::time::{Instant, Timestamptz, from_now, now};

/// Minutes after which a run that is due and has not succeeded is late.
pub const LATE: i64 = 5;
/// The key of a schedule's job.
const KEY: &str = "schedule";

/// The first time after `start` that `pattern` names.
///
/// # Errors
/// In words, when the pattern can't be read or names no time.
pub fn next_after(pattern: &str, start: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let told = |error: croner::errors::CronError| format!("the pattern {pattern:?} can't be used: {error}");
    Cron::from_str(pattern).map_err(told)?.find_next_occurrence(&start, false).map_err(told)
}

/// Sees to it that each kind with a schedule has its row, as this version of the console wants it, and is due at
/// once when it is new, unless its kind says otherwise.
pub fn keep(conn: &mut PgConnection, kinds: &[Kind]) -> QueryResult<()> {
    let time: DateTime<Utc> = diesel::select(now).get_result(conn)?;
    for (kind, pattern) in kinds.iter().filter_map(|kind| Some((kind, kind.facts()?.schedule?))) {
        let first = kind.first_after().and_then(|after| next_after(pattern, time + after).ok());
        diesel::sql_query(
            "INSERT INTO pilothouse.schedules AS s (kind, pattern, next_at) VALUES ($1, $2, $3) \
             ON CONFLICT (kind) DO UPDATE SET pattern = EXCLUDED.pattern, next_at = EXCLUDED.next_at \
             WHERE s.pattern <> EXCLUDED.pattern",
        )
        .bind::<Text, _>(kind.as_str())
        .bind::<Text, _>(pattern)
        .bind::<Timestamptz, _>(Instant(first.unwrap_or(time)))
        .execute(conn)?;
    }
    Ok(())
}

/// Enqueues what is due. Several instances may ask at once; each time is taken by one.
pub fn enqueue_due(conn: &mut PgConnection) -> QueryResult<()> {
    let due: Vec<(String, String, DateTime<Utc>)> = schedules::table
        .filter(schedules::next_at.le(now))
        .select((schedules::kind, schedules::pattern, now))
        .for_update()
        .skip_locked()
        .load(conn)?;
    for (kind, pattern, time) in due {
        let row = schedules::table.find(&kind);
        let next = match next_after(&pattern, time) {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(kind, error, "a schedule can't be followed");
                let later = from_now(1.minute());
                diesel::update(row)
                    .set((schedules::next_at.eq(later), schedules::last_error.eq(error)))
                    .execute(conn)?;
                continue;
            }
        };
        diesel::update(row)
            .set((
                schedules::due_since.eq(diesel::dsl::sql("coalesce(due_since, next_at)")),
                schedules::next_at.eq(Instant(next)),
            ))
            .execute(conn)?;
        revive(conn, &kind)?;
    }
    Ok(())
}

/// Waits for no lock of whoever works on the job: while it waits or runs, it is not asked for once more.
fn revive(conn: &mut PgConnection, kind: &str) -> QueryResult<()> {
    let revived = diesel::update(jobs::table)
        .filter(jobs::kind.eq(kind).and(jobs::key.eq(KEY)).and(jobs::state.ne("waiting")))
        .set((
            jobs::state.eq("waiting"),
            jobs::run_at.eq(now),
            jobs::attempts.eq(0),
            jobs::payload.eq(json!({})),
            jobs::ended_at.eq(diesel::dsl::sql("NULL")),
            jobs::last_error.eq(None::<String>),
        ))
        .execute(conn)?;
    if revived == 0 {
        diesel::insert_into(jobs::table)
            .values((jobs::kind.eq(kind), jobs::key.eq(KEY)))
            .on_conflict_do_nothing()
            .execute(conn)?;
    }
    Ok(())
}

/// The schedule that asked for a job, if one did.
macro_rules! schedule_of {
    ($job:expr) => {
        diesel::update(schedules::table).filter(
            schedules::kind.nullable().eq(jobs::table
                .find($job)
                .filter(jobs::key.eq(KEY))
                .select(jobs::kind)
                .single_value()),
        )
    };
}

pub(super) fn note_success(conn: &mut PgConnection, job: JobId) -> QueryResult<()> {
    schedule_of!(job)
        .set((
            schedules::due_since.eq(diesel::dsl::sql("NULL")),
            schedules::failing_since.eq(diesel::dsl::sql("NULL")),
            schedules::last_error.eq(None::<String>),
            schedules::last_success_at.eq(now.nullable()),
        ))
        .execute(conn)
        .map(|_| ())
}

pub(super) fn note_failure(conn: &mut PgConnection, job: JobId, error: &str) -> QueryResult<()> {
    schedule_of!(job)
        .set((
            schedules::failing_since.eq(diesel::dsl::sql("coalesce(failing_since, now())")),
            schedules::last_error.eq(error),
        ))
        .execute(conn)
        .map(|_| ())
}
