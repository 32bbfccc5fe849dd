//! What containers used: samples that the observer takes, and how long they are kept.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Text, Uuid as SqlUuid};

use crate::db::ids::ContainerId;
use crate::db::schema::samples;
use crate::db::time::Instant;
use crate::engine::Figures;

/// How long samples are kept.
const KEPT_DAYS: i32 = 366;
/// Samples of this age and older are thinned out: of each step the first is kept. Up to where a run looks for more to thin
/// out; what is older has been.
const THINNED: [(&str, &str, &str); 2] =
    [("25 hours", "5 minutes", "9 days"), ("8 days", "1 hour", "30 days")];
/// Samples that one statement deletes.
const BATCH: i64 = 10_000;

/// What running containers used at `at`.
pub fn keep(
    conn: &mut PgConnection,
    at: DateTime<Utc>,
    figures: &[(ContainerId, Figures)],
) -> QueryResult<usize> {
    let whole = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
    let rows: Vec<_> = figures
        .iter()
        .map(|(container, figures)| {
            (
                samples::container_id.eq(*container),
                samples::at.eq(Instant(at)),
                samples::cpu.eq(figures.cpu),
                samples::memory.eq(whole(figures.memory)),
                samples::memory_limit.eq(whole(figures.memory_limit)),
                samples::received.eq(figures.received),
                samples::sent.eq(figures.sent),
                samples::read.eq(figures.read),
                samples::written.eq(figures.written),
                samples::processes.eq(figures.processes.and_then(|count| i32::try_from(count).ok())),
            )
        })
        .collect();
    let mut written = 0;
    // A statement takes 65,535 values.
    for part in rows.chunks(1_000) {
        written += diesel::insert_into(samples::table).values(part).on_conflict_do_nothing().execute(conn)?;
    }
    Ok(written)
}

/// A sample, or the mean of those of a step.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Sample {
    /// Epoch milliseconds: the step's beginning.
    #[diesel(sql_type = BigInt)]
    pub at: i64,
    #[diesel(sql_type = Nullable<Double>)]
    pub cpu: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub memory: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub memory_limit: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub received: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub sent: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub read: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub written: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub processes: Option<f64>,
}

/// The means of steps of `step_ms` from `from` (epoch milliseconds) on, the oldest first; steps without a sample are
/// left out.
pub fn means(
    conn: &mut PgConnection,
    container: ContainerId,
    from: i64,
    step_ms: i64,
) -> QueryResult<Vec<Sample>> {
    diesel::sql_query(
        "SELECT $2 + g.step * $3 AS at, avg(g.cpu)::float8 AS cpu, avg(g.memory)::float8 AS memory, \
             max(g.memory_limit)::float8 AS memory_limit, avg(g.received)::float8 AS received, avg(g.sent)::float8 AS sent, \
             avg(g.read)::float8 AS read, avg(g.written)::float8 AS written, avg(g.processes)::float8 AS processes \
         FROM (SELECT s.*, div(floor(date_part('epoch', s.at) * 1000)::numeric - $2, $3)::bigint AS step FROM pilothouse.samples s \
               WHERE s.container_id = $1 AND s.at >= to_timestamp($2 / 1000.0) AND s.at < now() + interval '1 hour') g \
         GROUP BY g.step ORDER BY g.step",
    )
    .bind::<SqlUuid, _>(container.0)
    .bind::<BigInt, _>(from)
    .bind::<BigInt, _>(step_ms)
    .load(conn)
}

/// The newest sample, if it is not older than a moment.
pub fn newest(
    conn: &mut PgConnection,
    container: ContainerId,
    since: DateTime<Utc>,
) -> QueryResult<Option<Sample>> {
    let found = diesel::sql_query(
        "SELECT floor(date_part('epoch', s.at) * 1000)::bigint AS at, s.cpu, s.memory::float8 AS memory, \
             s.memory_limit::float8 AS memory_limit, s.received, s.sent, s.read, s.written, s.processes::float8 AS processes \
         FROM pilothouse.samples s WHERE s.container_id = $1 AND s.at >= to_timestamp($2 / 1000.0) AND s.at < now() + interval '1 hour' ORDER BY s.at DESC LIMIT 1",
    )
    .bind::<SqlUuid, _>(container.0)
    .bind::<BigInt, _>(since.timestamp_millis())
    .load(conn)?;
    Ok(found.into_iter().next())
}

/// Deletes some of the samples that nobody looks at any more. Answers whether there may be more.
pub fn prune(conn: &mut PgConnection) -> QueryResult<bool> {
    let mut deleted = diesel::sql_query(
        "DELETE FROM pilothouse.samples s USING ( \
             SELECT o.container_id, o.at FROM pilothouse.samples o WHERE o.at < now() - make_interval(days => $1) LIMIT $2) gone \
         WHERE s.container_id = gone.container_id AND s.at = gone.at",
    )
    .bind::<Integer, _>(KEPT_DAYS)
    .bind::<BigInt, _>(BATCH)
    .execute(conn)?;
    for (age, step, until) in THINNED {
        deleted += diesel::sql_query(
            "DELETE FROM pilothouse.samples s USING ( \
                 SELECT o.container_id, o.at FROM pilothouse.samples o \
                 WHERE o.at < now() - $1::interval AND o.at > now() - $3::interval AND EXISTS ( \
                     SELECT FROM pilothouse.samples e WHERE e.container_id = o.container_id AND e.at < o.at \
                         AND e.at >= date_bin($2::interval, o.at, TIMESTAMPTZ 'epoch')) \
                 LIMIT $4) gone \
             WHERE s.container_id = gone.container_id AND s.at = gone.at",
        )
        .bind::<Text, _>(age)
        .bind::<Text, _>(step)
        .bind::<Text, _>(until)
        .bind::<BigInt, _>(BATCH)
        .execute(conn)?;
    }
    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted >= BATCH))
}
