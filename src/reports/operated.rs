//! What a token had the console do, beside what it reported: the timeline finds both by it.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid};

use crate::db::ids::TokenId;

/// Puts down `token` as the one behind an operation, and behind the entries of the record that its request left.
pub fn keep(conn: &mut PgConnection, token: TokenId, operation: &str) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO pilothouse.reports (source, id, token_id) \
         SELECT 'event', o.id, $1 FROM pilothouse.operations o WHERE o.id = $2 \
         UNION ALL SELECT 'audit', l.id, $1 FROM pilothouse.operations o \
             JOIN pilothouse.timeline l ON l.request_id = o.request_id AND l.source = 'audit' WHERE o.id = $2 \
         ON CONFLICT DO NOTHING",
    )
    .bind::<Uuid, _>(token)
    .bind::<Text, _>(operation)
    .execute(conn)
    .map(|_| ())
}
