//! What one instance at a time does for all of them.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::schema::leases;

/// Takes a lease, or renews it. Answers whether it is held from now on: nobody else has it.
pub fn hold(conn: &mut PgConnection, name: &str, holder: Uuid, length: Duration) -> QueryResult<bool> {
    let held = diesel::sql_query(
        "INSERT INTO pilothouse.leases AS l (name, holder, held_until) \
         VALUES ($1, $2, now() + $3 * interval '1 millisecond') \
         ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, held_until = EXCLUDED.held_until, \
             held_since = CASE WHEN l.holder = EXCLUDED.holder THEN l.held_since ELSE now() END \
         WHERE l.holder = EXCLUDED.holder OR l.held_until < now()",
    )
    .bind::<Text, _>(name)
    .bind::<SqlUuid, _>(holder)
    .bind::<BigInt, _>(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
    .execute(conn)?;
    Ok(held > 0)
}

/// Lets go of a lease, so that another instance need not wait for its end.
pub fn release(conn: &mut PgConnection, name: &str, holder: Uuid) -> QueryResult<()> {
    diesel::delete(leases::table.find(name).filter(leases::holder.eq(holder))).execute(conn).map(|_| ())
}
