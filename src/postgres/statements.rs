//! Which statements take the server's time. `pg_stat_statements` counts them for the whole server; the extension is in the
//! database `postgres`, so that no dump of the console's own has it and no restore needs it.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Text};

use super::cluster::{CONSOLE_LOGIN, Cluster, DATABASE};
use super::error::ClusterError;

/// The extension and its library.
pub const LIBRARY: &str = "pg_stat_statements";

/// A statement and what it has cost since the server began to count.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Costly {
    #[diesel(sql_type = BigInt)]
    pub calls: i64,
    #[diesel(sql_type = Double)]
    pub total_ms: f64,
    #[diesel(sql_type = Double)]
    pub mean_ms: f64,
    /// With numbers in the place of its values.
    #[diesel(sql_type = Text)]
    pub statement: String,
}

/// The query for the costliest statements of `database`, an expression, out of the extension's `view`. Without those that
/// read and write no rows, in which values may stand, and those that this login may not see.
#[must_use]
pub fn costliest(view: &str, database: &str) -> String {
    format!(
        "SELECT sum(s.calls)::bigint AS calls, sum(s.total_exec_time)::float8 AS total_ms, \
             (sum(s.total_exec_time) / greatest(sum(s.calls), 1)::float8)::float8 AS mean_ms, left(s.query, 2000) AS statement \
         FROM {view} s JOIN pg_catalog.pg_database d ON d.oid = s.dbid WHERE d.datname = {database} \
             AND s.query ~* '^\\s*(select|insert|update|delete|merge|with)\\M' \
         GROUP BY left(s.query, 2000) ORDER BY total_ms DESC LIMIT 20"
    )
}

/// Lets the console's login read what was counted, where the library is loaded. Nobody else reaches this server.
pub(super) fn prepare(conn: &mut PgConnection) -> QueryResult<()> {
    let is_loaded = format!("current_setting('shared_preload_libraries') LIKE '%{LIBRARY}%'");
    if !diesel::select(diesel::dsl::sql::<Bool>(&is_loaded)).get_result(conn)? {
        return Ok(());
    }
    let read = costliest("public.pg_stat_statements", &format!("'{DATABASE}'"));
    conn.batch_execute(&format!(
        "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS {LIBRARY} WITH SCHEMA public; \
         CREATE OR REPLACE FUNCTION public.costly_statements() \
             RETURNS TABLE (calls bigint, total_ms float8, mean_ms float8, statement text) \
             LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $${read}$$"
    ))
}

/// The costliest statements of the server in `data_dir`, the costliest first.
///
/// # Errors
/// When the server can't be reached, or does not count.
#[expect(clippy::disallowed_methods, reason = "the pool knows the console's database alone")]
pub fn of_embedded(data_dir: &Path) -> Result<Vec<Costly>, ClusterError> {
    let conn = &mut PgConnection::establish(&Cluster::attach(data_dir)?.url(CONSOLE_LOGIN, "postgres"))?;
    conn.batch_execute("SET statement_timeout = '1s'")?;
    Ok(diesel::sql_query("SELECT * FROM public.costly_statements()").load(conn)?)
}
