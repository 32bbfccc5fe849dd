//! Events that were reported here and are never heard of again: nothing runs for ever.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::activity::silence::{MINUTES, USUAL_MINUTES};

/// Events that one transaction ends.
const BATCH: i64 = 200;

/// Ends a batch of events that went silent as failed, and says so in them. What a worker wrote by SQL is its own.
/// Answers how many there were.
pub fn end_batch(conn: &mut PgConnection) -> QueryResult<usize> {
    diesel::sql_query(
        "WITH lost AS (SELECT e.id, coalesce(r.minutes, $3) AS minutes FROM public.\"ActivityEvent\" e \
             JOIN pilothouse.reports o ON o.source = 'event' AND o.id = e.id \
             LEFT JOIN unnest($1, $2) r (kind, minutes) ON r.kind = e.\"eventType\"::text \
             WHERE e.status = 'IN_PROGRESS' \
               AND greatest(e.\"updatedAt\", timezone('UTC', o.received_at)) < timezone('UTC', now()) - coalesce(r.minutes, $3) * interval '1 minute' \
             LIMIT $4 FOR UPDATE OF e SKIP LOCKED) \
         UPDATE public.\"ActivityEvent\" e SET status = 'FAILED', \"updatedAt\" = timezone('UTC', now()), \
             metadata = CASE WHEN jsonb_typeof(e.metadata) = 'object' THEN e.metadata ELSE '{}' END \
                 || jsonb_build_object('timed_out', true, 'silent_minutes', l.minutes), \
             description = concat_ws(' ', nullif(e.description, ''), 'Timed out: nothing was heard of it for ' || l.minutes || ' minutes.'), \
             duration = coalesce(e.duration, least(2147483647, greatest(0, \
                 extract(epoch FROM timezone('UTC', now()) - e.\"createdAt\") * 1000))::integer) \
         FROM lost l WHERE l.id = e.id",
    )
    .bind::<Array<Text>, _>(MINUTES.map(|(kind, _)| kind).to_vec())
    .bind::<Array<BigInt>, _>(MINUTES.map(|(_, minutes)| minutes).to_vec())
    .bind::<BigInt, _>(USUAL_MINUTES)
    .bind::<BigInt, _>(BATCH)
    .execute(conn)
}
