//! What an instance and its database say of themselves at one moment.

use std::sync::atomic::AtomicU64;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Labels;
use crate::db::load::Waits;
use crate::db::time::Timestamptz;
use crate::queue::instance::{Errand, ErrandRecord};
use crate::queue::queries::{self, Duty, Waiting};

type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;

/// How old things are, by the database.
#[derive(Debug, Clone, Default, PartialEq, QueryableByName)]
pub struct Ages {
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub backup: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub proof: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub archive: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    pub archive_waiting: i64,
    #[diesel(sql_type = BigInt)]
    pub failed_jobs: i64,
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    #[diesel(sql_type = BigInt)]
    pub waiting_for_locks: i64,
    #[diesel(sql_type = Text)]
    pub version: String,
}

/// Everything that is read when somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Nothing while the database can't be asked.
    pub of_database: Option<OfDatabase>,
    pub errands: Vec<(Errand, ErrandRecord)>,
    /// Connections of the pool, and those that nobody uses.
    pub connections: (u32, u32),
    pub waits: Waits,
    pub streams: usize,
    /// By this machine's clock.
    pub now: DateTime<Utc>,
}

/// How copies in a bucket stand.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct BucketAges {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Timestamptz)]
    pub newest: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub failing_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub struct OfDatabase {
    pub ages: Ages,
    pub buckets: Vec<BucketAges>,
    pub duties: Vec<Duty>,
    pub waiting: Vec<Waiting>,
}

/// Reads what the database knows.
pub fn read(conn: &mut PgConnection) -> QueryResult<OfDatabase> {
    let ages = diesel::sql_query(
        "SELECT now() AS at, \
             (SELECT max(b.began_at) FROM pilothouse.backups b WHERE b.state <> 'failed' AND b.began_at <= now()) AS backup, \
             (SELECT max(b.proven_at) FROM pilothouse.backups b WHERE b.state <> 'failed' AND b.proven_at <= now()) AS proof, \
             (SELECT a.archived_until FROM pilothouse.archives a ORDER BY a.as_of DESC LIMIT 1) AS archive, \
             (SELECT coalesce(sum(a.waiting), 0)::bigint FROM pilothouse.archives a) AS archive_waiting, \
             (SELECT count(*) FROM (SELECT FROM pilothouse.jobs j WHERE j.state = 'failed' LIMIT 10000) f) AS failed_jobs, \
             pg_database_size(current_database()) AS bytes, \
             (SELECT count(*) FROM pg_stat_activity s WHERE s.datname = current_database() AND s.wait_event_type = 'Lock') AS waiting_for_locks, \
             current_setting('server_version') AS version",
    )
    .get_result(conn)?;
    let buckets = diesel::sql_query(
        "SELECT b.name, b.failing_since, coalesce((SELECT max(c.made_at) FROM pilothouse.copies c \
             WHERE c.bucket = b.name AND c.state IN ('copied', 'verified') AND c.made_at <= now()), b.since) AS newest \
         FROM pilothouse.buckets b ORDER BY b.name",
    )
    .load(conn)?;
    Ok(OfDatabase { ages, buckets, duties: queries::duties(conn)?, waiting: queries::waiting(conn)? })
}

/// Seconds since `at`.
fn age(now: DateTime<Utc>, at: DateTime<Utc>) -> f64 {
    (now - at).max(TimeDelta::zero()).as_seconds_f64()
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn number(count: i64) -> f64 {
    count as f64
}

impl Figures {
    /// As Prometheus reads them.
    #[expect(clippy::too_many_lines, reason = "one gauge after the other")]
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        let mut gauges = |name: &str, help: &str, values: Vec<(Labels, f64)>| {
            let family = Gauges::default();
            for (labels, value) in values {
                family.get_or_create(&labels).set(value);
            }
            registry.register(name, help, family);
        };
        let one = |value: f64| vec![(Vec::new(), value)];
        let optional = |value: Option<f64>| value.into_iter().map(|value| (Vec::new(), value)).collect();
        let (all, idle) = self.connections;
        gauges(
            "pilothouse_database_up",
            "Whether the database could be asked",
            one(f64::from(u8::from(self.of_database.is_some()))),
        );
        gauges(
            "pilothouse_pool_connections",
            "Connections of this instance to the database",
            vec![
                (vec![("state", "busy".to_owned())], f64::from(all.saturating_sub(idle))),
                (vec![("state", "idle".to_owned())], f64::from(idle)),
            ],
        );
        gauges(
            "pilothouse_pool_waiting",
            "Requests of this instance that wait for a connection",
            one(f64::from(u32::try_from(self.waits.waiting).unwrap_or(u32::MAX))),
        );
        gauges(
            "pilothouse_pool_longest_wait_seconds",
            "The longest that a request of this instance waited for a connection",
            one(self.waits.longest.as_secs_f64()),
        );
        gauges(
            "pilothouse_streams",
            "Browsers that are told what changes",
            one(number(i64::try_from(self.streams).unwrap_or(i64::MAX))),
        );
        gauges(
            "pilothouse_errand_age_seconds",
            "Since what this instance does for itself last went well",
            self.errands
                .iter()
                .map(|(errand, record)| {
                    let last = record.last_success_at.unwrap_or(record.since);
                    (vec![("errand", errand.as_str().to_owned())], age(self.now, last))
                })
                .collect(),
        );
        let Some(OfDatabase { ages, buckets, duties, waiting }) = &self.of_database else { return registry };
        let now = ages.at;
        // Another version's kinds are any text, and few.
        let kinds = |duty: &Duty| vec![("duty", duty.kind.as_str().to_owned())];
        gauges(
            "pilothouse_duty_age_seconds",
            "Since a duty of all instances last went well",
            duties.iter().filter_map(|duty| Some((kinds(duty), age(now, duty.last_success_at?)))).collect(),
        );
        gauges(
            "pilothouse_duty_overdue_seconds",
            "Since a duty is due that has not gone well",
            duties
                .iter()
                .map(|duty| (kinds(duty), duty.due_since.map_or(0.0, |due| age(now, due))))
                .collect(),
        );
        gauges(
            "pilothouse_jobs",
            "Jobs that wait or run",
            waiting
                .iter()
                .flat_map(|row| {
                    [("running", row.running), ("due", row.due), ("later", row.later)].map(
                        |(state, count)| {
                            (vec![("kind", row.kind.clone()), ("state", state.to_owned())], number(count))
                        },
                    )
                })
                .collect(),
        );
        gauges("pilothouse_jobs_failed", "Jobs that were given up", one(number(ages.failed_jobs)));
        gauges("pilothouse_database_size_bytes", "Size of the database", one(number(ages.bytes)));
        gauges(
            "pilothouse_database_lock_waits",
            "Sessions that wait for a lock",
            one(number(ages.waiting_for_locks)),
        );
        gauges(
            "pilothouse_backup_age_seconds",
            "Since the newest backup began that did not fail",
            optional(ages.backup.map(|at| age(now, at))),
        );
        gauges(
            "pilothouse_backup_proof_age_seconds",
            "Since a backup was last restored and compared",
            optional(ages.proof.map(|at| age(now, at))),
        );
        // As many as the configuration names.
        let of_buckets = |value: &dyn Fn(&BucketAges) -> f64| -> Vec<(Labels, f64)> {
            buckets.iter().map(|bucket| (vec![("bucket", bucket.name.clone())], value(bucket))).collect()
        };
        gauges(
            "pilothouse_backup_copy_age_seconds",
            "Since the newest backup began that a bucket has, or since the bucket is known",
            of_buckets(&|bucket| age(now, bucket.newest)),
        );
        gauges(
            "pilothouse_bucket_failing_seconds",
            "Since copying to a bucket fails",
            of_buckets(&|bucket| bucket.failing_since.map_or(0.0, |since| age(now, since))),
        );
        gauges(
            "pilothouse_archive_lag_seconds",
            "Since the log of the embedded database was last archived",
            optional(ages.archive.map(|at| age(now, at))),
        );
        gauges(
            "pilothouse_archive_waiting_files",
            "Files of the log that wait for the archive",
            one(number(ages.archive_waiting)),
        );
        registry
    }
}
