//! What a runner does with jobs: find, claim, renew, settle.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;
use uuid::Uuid;

use super::{Kind, schedules};
use crate::db::ids::JobId;
use crate::db::schema::jobs;
use crate::db::statement::Statement;
use crate::db::time::{from_now, now};

/// How long a claim holds unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(45);
const LEASE_SECONDS: i64 = LEASE.as_secs().cast_signed();

/// How often a job is begun without getting anywhere before it counts as failed: more than half an hour.
pub const MOST_ATTEMPTS: i32 = 12;
/// The longest pause before it is tried again.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// A job that is one's own until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    pub id: JobId,
    /// What it does.
    pub kind: Kind,
    /// What it was told, or what it kept when it last got on.
    pub payload: Value,
    /// How often it was begun since it last got on, this time included.
    pub attempts: i32,
    /// Whether an earlier holder never said what came of it.
    pub was_abandoned: bool,
    claim: Uuid,
}

/// What came of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Done,
    /// There is more to do, from here, after a pause.
    Continue {
        /// What the next turn is told.
        payload: Value,
        /// How long it may wait.
        pause: Duration,
    },
    /// It did not work; it is tried again unless it was tried too often.
    Retry {
        /// Why.
        error: String,
        /// Between 0 and 1: so that jobs that failed together don't come back together.
        jitter: f64,
    },
    /// It did not work, and never will.
    GiveUp {
        /// Why.
        error: String,
    },
}

/// The claim is somebody else's by now, or nobody's: nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job's lease was lost")]
pub struct LeaseLost;

/// How a turn was put on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    AsTold,
    /// As failed for good.
    GivenUp,
    /// Not at all: see [`LeaseLost`].
    Lost,
}

/// Which of `kinds` have a job that can be claimed.
pub fn due_kinds(conn: &mut PgConnection, kinds: &[Kind]) -> QueryResult<Vec<Kind>> {
    let mut s = Statement::<(Text,)>::new();
    s.sql("SELECT k FROM unnest(").texts(kinds.iter().map(|kind| kind.as_str().to_owned()).collect());
    s.sql(
        ") k WHERE EXISTS (SELECT FROM pilothouse.jobs j WHERE j.kind = k AND j.state = 'waiting' \
           AND j.run_at <= now() AND (j.claimed_until IS NULL OR j.claimed_until <= now()))",
    );
    let due: Vec<(String,)> = s.load(conn)?;
    Ok(due.iter().map(|(kind,)| Kind::from_stored(kind)).collect())
}

/// Claims the job of `kind` that has been due the longest, under the name `claim`.
pub fn claim(conn: &mut PgConnection, kind: &Kind, claim: Uuid) -> QueryResult<Option<ClaimedJob>> {
    loop {
        let found: Option<(JobId, Value, i32, Option<Uuid>)> = jobs::table
            .filter(jobs::kind.eq(kind.as_str()).and(is_in!("waiting")).and(jobs::run_at.le(now)))
            .filter(jobs::claimed_until.is_null().or(jobs::claimed_until.le(now.nullable())))
            .order((jobs::run_at.asc(), jobs::id.asc()))
            .select((jobs::id, jobs::payload, jobs::attempts, jobs::claim))
            .for_update()
            .skip_locked()
            .first(conn)
            .optional()?;
        let Some((id, payload, attempts, earlier)) = found else { return Ok(None) };
        if attempts >= MOST_ATTEMPTS {
            let error =
                format!("it was begun {attempts} times, and whoever began it never said what came of it");
            write_failure(conn, id, kind, &error)?;
            continue;
        }
        diesel::update(jobs::table.find(id))
            .set((
                jobs::claim.eq(claim),
                jobs::claimed_until.eq(from_now(LEASE_SECONDS.seconds()).nullable()),
                jobs::attempts.eq(jobs::attempts + 1),
            ))
            .execute(conn)?;
        let was_abandoned = earlier.is_some();
        let kind = kind.clone();
        return Ok(Some(ClaimedJob { id, kind, payload, attempts: attempts + 1, was_abandoned, claim }));
    }
}

/// Moves the ends of these leases. Answers the jobs whose lease was not lost.
///
/// A row that the job itself has locked is passed over: nobody else can claim it meanwhile.
pub fn renew(conn: &mut PgConnection, held: &[&ClaimedJob]) -> QueryResult<Vec<JobId>> {
    let claims: Vec<Uuid> = held.iter().map(|job| job.claim).collect();
    let own = jobs::id.eq_any(held.iter().map(|job| job.id)).and(jobs::claim.eq_any(claims));
    let free: Vec<JobId> =
        jobs::table.filter(own.clone()).select(jobs::id).for_update().skip_locked().load(conn)?;
    diesel::update(jobs::table.filter(jobs::id.eq_any(free)))
        .set(jobs::claimed_until.eq(from_now(LEASE_SECONDS.seconds()).nullable()))
        .execute(conn)?;
    jobs::table.filter(own).select(jobs::id).load(conn)
}

/// Keeps how far a job has come, in the transaction of the step that brought it there. The job is not settled by it,
/// and its attempts begin anew.
///
/// # Errors
/// [`LeaseLost`]: the step must be rolled back, because another instance may be doing it.
pub fn keep_progress<E>(conn: &mut PgConnection, job: &ClaimedJob, payload: &Value) -> Result<(), E>
where
    E: From<diesel::result::Error> + From<LeaseLost>,
{
    let kept = diesel::update(jobs::table.find(job.id))
        .filter(jobs::claim.eq(job.claim))
        .set((
            jobs::payload.eq(payload),
            jobs::attempts.eq(1),
            jobs::claimed_until.eq(from_now(LEASE_SECONDS.seconds()).nullable()),
        ))
        .execute(conn)?;
    if kept == 0 { Err(LeaseLost.into()) } else { Ok(()) }
}

/// Puts on record what came of a turn, and lets go of the job.
pub fn settle(conn: &mut PgConnection, job: &ClaimedJob, end: &End) -> QueryResult<Settled> {
    // Not the claim's: whoever got on meanwhile begins to count anew.
    let attempts: Option<i32> = jobs::table
        .find(job.id)
        .filter(jobs::claim.eq(job.claim))
        .select(jobs::attempts)
        .for_update()
        .first(conn)
        .optional()?;
    let Some(attempts) = attempts else { return Ok(Settled::Lost) };
    let row = jobs::table.find(job.id);
    let released = (jobs::claim.eq(None::<Uuid>), jobs::claimed_until.eq(diesel::dsl::sql("NULL")));
    match end {
        End::Done => {
            diesel::update(row)
                .set((released, jobs::state.eq("done"), jobs::ended_at.eq(now.nullable())))
                .execute(conn)?;
            schedules::note_success(conn, job.id)?;
        }
        End::Continue { payload, pause } => {
            let run_at = from_now(milliseconds(*pause).milliseconds());
            diesel::update(row)
                .set((released, jobs::payload.eq(payload), jobs::attempts.eq(0), jobs::run_at.eq(run_at)))
                .execute(conn)?;
        }
        End::Retry { error, jitter } if attempts < MOST_ATTEMPTS => {
            let run_at = from_now(milliseconds(pause_after(attempts, *jitter)).milliseconds());
            diesel::update(row)
                .set((released, jobs::last_error.eq(error), jobs::run_at.eq(run_at)))
                .execute(conn)?;
            schedules::note_failure(conn, job.id, error)?;
        }
        End::Retry { error, .. } | End::GiveUp { error } => {
            write_failure(conn, job.id, &job.kind, error)?;
            return Ok(Settled::GivenUp);
        }
    }
    Ok(Settled::AsTold)
}

/// [`settle`] for a turn that may hold its row locked: then nothing is written, and its lease runs out.
///
/// # Errors
/// The database's, also when the row is locked.
pub fn settle_without_waiting(conn: &mut PgConnection, job: &ClaimedJob, end: &End) -> QueryResult<Settled> {
    conn.batch_execute("SET LOCAL lock_timeout = '200ms'")?;
    settle(conn, job, end)
}

fn write_failure(conn: &mut PgConnection, id: JobId, kind: &Kind, error: &str) -> QueryResult<()> {
    tracing::error!(job = %id, kind = kind.as_str(), error, "a job has failed for good");
    diesel::update(jobs::table.find(id))
        .set((
            jobs::claim.eq(None::<Uuid>),
            jobs::claimed_until.eq(diesel::dsl::sql("NULL")),
            jobs::state.eq("failed"),
            jobs::ended_at.eq(now.nullable()),
            jobs::last_error.eq(error),
        ))
        .execute(conn)?;
    schedules::note_failure(conn, id, error)
}

/// 1, 2, 4, 8 seconds and on, and up to a quarter more.
fn pause_after(attempts: i32, jitter: f64) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    Duration::from_secs(1 << doublings).min(LONGEST_PAUSE).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0)
}

fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// Deletes a batch of jobs that ended long ago: a week after they were done, three months after they failed. Answers
/// whether there may be more.
pub fn prune(conn: &mut PgConnection) -> QueryResult<bool> {
    const BATCH: usize = 5_000;
    let deleted = diesel::sql_query(
        "DELETE FROM pilothouse.jobs WHERE id = ANY (ARRAY( \
             SELECT id FROM pilothouse.jobs WHERE state = 'done' AND ended_at < now() - interval '7 days' \
             UNION ALL SELECT id FROM pilothouse.jobs WHERE state = 'failed' AND ended_at < now() - interval '90 days' \
             LIMIT 5000))",
    )
    .execute(conn)?;
    Ok(deleted >= BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_differ() {
        let seconds = |attempts| pause_after(attempts, 0.0).as_secs();
        assert_eq!([1, 2, 3, 4, 12, i32::MAX].map(seconds), [1, 2, 4, 8, 600, 600]);
        assert_eq!(pause_after(3, 1.0), Duration::from_secs(5));
    }
}
