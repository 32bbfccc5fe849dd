//! What each table holds, as numbers that another cluster can be compared with.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::{Deserialize, Serialize};

/// How many rows, and the sum of their hashes, in whatever order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, QueryableByName)]
pub struct TableSum {
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    #[diesel(sql_type = Text)]
    pub sum: String,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let tables: Vec<Named> = diesel::sql_query(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_catalog.pg_tables \
         WHERE schemaname IN ('public', 'turbobackend', 'pilothouse') ORDER BY 1",
    )
    .load(conn)?;
    Ok(tables.into_iter().map(|table| table.name).collect())
}

/// Lets nobody write for a moment: until this transaction ends.
pub(super) fn hold_still(conn: &mut PgConnection) -> QueryResult<()> {
    let names = names(conn)?;
    conn.batch_execute(&format!("LOCK TABLE {} IN SHARE MODE", names.join(", ")))
}

/// Reads all tables, as this transaction sees them.
pub(super) fn sums(conn: &mut PgConnection) -> QueryResult<BTreeMap<String, TableSum>> {
    // A row's text must be the same here and there.
    conn.batch_execute(
        "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; \
         SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0",
    )?;
    let mut sums = BTreeMap::new();
    for name in names(conn)? {
        let sum = diesel::sql_query(format!(
            "SELECT count(*) AS rows, coalesce(sum(pg_catalog.hashtextextended(t::text, 0)::numeric), 0)::text AS sum \
             FROM {name} t"
        ))
        .get_result(conn)?;
        sums.insert(name, sum);
    }
    Ok(sums)
}
