//! What the database is busy with, and how large it is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use crate::db::time::Timestamptz;
use crate::postgres::statements::{Costly, LIBRARY, costliest};

/// A table with its indexes.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct TableSize {
    #[diesel(sql_type = Text)]
    pub name: String,
    /// As PostgreSQL last estimated them; negative before it has.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Rows that are dead and wait for a vacuum.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// Bytes a day, over the last week that is known.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub growth: Option<i64>,
}

/// A session that waits for a lock.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct LockWait {
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// Who holds it.
    #[diesel(sql_type = Array<Integer>)]
    pub blocked_by: Vec<i32>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub since: Option<DateTime<Utc>>,
    /// As far as this login may read it.
    #[diesel(sql_type = Text)]
    pub statement: String,
}

/// Tables that a page shows.
const MOST: i64 = 30;

/// The largest tables, the largest first.
pub fn table_sizes(conn: &mut PgConnection) -> QueryResult<Vec<TableSize>> {
    diesel::sql_query(
        "SELECT s.name, s.rows, s.bytes, s.dead, \
             (SELECT (s.bytes - b.bytes) / greatest(current_date - b.day, 1) FROM pilothouse.table_sizes b \
              WHERE b.name = s.name AND b.day >= current_date - 7 AND b.day < current_date ORDER BY b.day LIMIT 1) AS growth \
         FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name, c.reltuples::bigint AS rows, \
                      pg_total_relation_size(c.oid) AS bytes, pg_stat_get_dead_tuples(c.oid) AS dead \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE c.relkind = 'r' AND n.nspname IN ('public', 'turbobackend', 'pilothouse')) s \
         ORDER BY s.bytes DESC, s.name LIMIT $1",
    )
    .bind::<BigInt, _>(MOST)
    .load(conn)
}

/// Keeps how large the tables are today, and forgets what is older than a year.
pub fn measure(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO pilothouse.table_sizes AS s (day, name, bytes) \
         SELECT current_date, format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r' AND n.nspname IN ('public', 'turbobackend', 'pilothouse') \
         ON CONFLICT (name, day) DO UPDATE SET bytes = EXCLUDED.bytes",
    )
    .execute(conn)?;
    diesel::sql_query("DELETE FROM pilothouse.table_sizes WHERE day < current_date - 366")
        .execute(conn)
        .map(|_| ())
}

/// Sessions that wait for others, the longest first.
pub fn lock_waits(conn: &mut PgConnection) -> QueryResult<Vec<LockWait>> {
    diesel::sql_query(
        "SELECT a.pid, pg_blocking_pids(a.pid) AS blocked_by, a.query_start AS since, left(a.query, 500) AS statement \
         FROM pg_stat_activity a WHERE a.datname = current_database() AND a.wait_event_type = 'Lock' \
         ORDER BY a.query_start LIMIT 50",
    )
    .load(conn)
}

/// The costliest statements, where the server has `pg_stat_statements` and lets this login read it.
pub fn costly_statements(conn: &mut PgConnection) -> QueryResult<Option<Vec<Costly>>> {
    let schema: Option<String> = diesel::select(diesel::dsl::sql::<Nullable<Text>>(&format!(
        "(SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
          WHERE e.extname = '{LIBRARY}')"
    )))
    .get_result(conn)?;
    let Some(schema) = schema else { return Ok(None) };
    // It may be there without being loaded.
    let read = costliest(&format!("{schema}.{LIBRARY}"), "current_database()");
    let found = conn.transaction(|conn| diesel::sql_query(read).load(conn));
    Ok(found.ok())
}

/// A server that copies this one's log.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Replica {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Bytes of the log that it has not replayed.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub behind: Option<i64>,
    /// Milliseconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub lag: Option<i64>,
}

/// The servers that copy this one's log, as far as this login may see.
pub fn replicas(conn: &mut PgConnection) -> QueryResult<Vec<Replica>> {
    diesel::sql_query(
        "SELECT coalesce(nullif(r.application_name, ''), host(r.client_addr), 'a server') AS name, coalesce(r.state, 'unknown') AS state, \
             CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint END AS behind, \
             floor(extract(epoch FROM r.replay_lag) * 1000)::bigint AS lag \
         FROM pg_stat_replication r WHERE r.application_name <> 'pg_basebackup' ORDER BY 1 LIMIT 20",
    )
    .load(conn)
}
