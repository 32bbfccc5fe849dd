//! The timeline's entries, held against the records that they are made of.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use super::{BATCH, Deed, Walked};

pub(super) struct Source {
    word: &'static str,
    table: &'static str,
    id: &'static str,
    /// The entry that its trigger makes of a row `a`, up to when it was received and by which transaction.
    entry: &'static str,
}

pub(super) const ACTIONS: Source = Source {
    word: "action",
    table: "turbobackend.project_actions",
    id: "action_id",
    entry: "pilothouse.entry_of_action(a.action_id, a.project_id, a.user_id, a.request_id, a.action_type, a.action_details, a.status, a.environment, a.reference_ids, a.created_at",
};
pub(super) const EVENTS: Source = Source {
    word: "event",
    table: "public.\"ActivityEvent\"",
    id: "id",
    entry: "pilothouse.entry_of_event(a.id, a.\"projectId\", a.\"userId\", a.\"eventType\"::text, a.\"entityType\", a.\"entityId\", a.title, a.description, a.metadata, a.status::text, a.duration, a.\"createdAt\"",
};
pub(super) const AUDIT_ENTRIES: Source = Source {
    word: "audit",
    table: "public.\"ActivityLog\"",
    id: "id",
    entry: "pilothouse.entry_of_audit(a.id, a.\"projectId\", a.\"userId\", a.\"activityType\", a.description, coalesce(a.\"actorName\", a.\"actorEmail\"), a.\"actorRole\", a.\"targetType\", a.\"targetId\", a.\"targetName\", a.\"requestId\", a.\"createdAt\"",
};

pub(super) const OPERATIONS: Source = Source {
    word: "event",
    table: "pilothouse.operations",
    id: "id",
    entry: "pilothouse.entry_of_operation(a.id, a.verb, a.status, a.container_id, a.container_name, a.engine_container_id, a.project_id, a.owner_id, a.asked_by, a.asked_by_name, a.request_id, a.cause, a.asked_at, a.ended_at, a.answer",
};
pub(super) const OBSERVATIONS: Source = Source {
    word: "engine",
    table: "pilothouse.engine_events",
    id: "id",
    entry: "pilothouse.entry_of_engine_event(a.id, a.kind, a.container_id, a.container_name, a.project_id, a.owner_id, a.at, a.exit_code, a.operation_id, a.cause, a.request_id, a.title, a.details, a.closed_at",
};

/// Records that the timeline has not, or not as its trigger would write them.
pub(super) fn differing(conn: &mut PgConnection, source: &Source, deed: Deed) -> QueryResult<i64> {
    let Source { word, table, id, entry } = source;
    let mut total = 0;
    let (mut beyond, mut position) = (">=", String::new());
    loop {
        let walked: Walked = diesel::sql_query(format!(
            "WITH a AS MATERIALIZED (SELECT * FROM {table} WHERE {id} {beyond} $1 ORDER BY {id} LIMIT {BATCH}) \
             SELECT (SELECT max({id}) FROM a) AS last, ARRAY( \
                 SELECT a.{id}::text FROM a LEFT JOIN pilothouse.timeline t ON t.source = '{word}' AND t.id = a.{id} COLLATE \"C\" \
                 WHERE t.id IS NULL OR EXISTS (SELECT FROM {entry}, t.received_at, t.xid) e WHERE e IS DISTINCT FROM t)) AS found"
        ))
        .bind::<Text, _>(&position)
        .get_result(conn)?;
        if deed == Deed::Mend && !walked.found.is_empty() && write_anew(conn, source, &walked.found).is_err()
        {
            // One odd record costs the others nothing.
            for one in &walked.found {
                if let Err(error) = write_anew(conn, source, std::slice::from_ref(one)) {
                    tracing::warn!(id = one, %error, "a record can't be put into the timeline");
                }
            }
        }
        total += i64::try_from(walked.found.len()).unwrap_or(i64::MAX);
        let Some(last) = walked.last else { break };
        (beyond, position) = (">", last);
    }
    if deed == Deed::Mend {
        diesel::sql_query(
            "WITH filled AS (DELETE FROM pilothouse.timeline_fill WHERE source = $1) \
             DELETE FROM pilothouse.recording_gaps g WHERE g.source = $1 AND (g.entry_id IS NULL OR EXISTS ( \
                 SELECT FROM pilothouse.timeline t WHERE t.source = $1 COLLATE \"C\" AND t.id >= g.entry_id COLLATE \"C\" \
                   AND t.id <= (g.entry_id || U&'\\+10FFFF') COLLATE \"C\" AND left(t.id, 2000) = g.entry_id))",
        )
        .bind::<Text, _>(word)
        .execute(conn)?;
    }
    Ok(total)
}

/// Nobody changes these records meanwhile, and what they are by now is what counts.
fn write_anew(conn: &mut PgConnection, source: &Source, ids: &[String]) -> QueryResult<()> {
    let Source { word, table, id, entry } = source;
    conn.transaction(|conn| {
        // Whoever waits for one record holds none that a writer may wait for.
        let patience = if ids.len() > 1 { "NOWAIT" } else { "" };
        diesel::sql_query(format!("SELECT FROM {table} WHERE {id} = ANY ($1) ORDER BY {id} FOR SHARE {patience}"))
            .bind::<Array<Text>, _>(ids)
            .execute(conn)?;
        diesel::sql_query(format!(
            "WITH known AS MATERIALIZED (SELECT pilothouse.clear_entries('{word}', $1) AS received) \
             SELECT set_config('pilothouse.received', known.received::text, true) FROM known"
        ))
        .bind::<Array<Text>, _>(ids)
        .execute(conn)?;
        diesel::sql_query(format!(
            "INSERT INTO pilothouse.timeline SELECT e.* FROM {table} a CROSS JOIN LATERAL {entry}, \
                 coalesce((current_setting('pilothouse.received')::jsonb->>a.{id})::timestamptz, now()), '0') e \
             WHERE a.{id} = ANY ($1)"
        ))
        .bind::<Array<Text>, _>(ids)
        .execute(conn)?;
        Ok(())
    })
}

/// Entries whose record somebody deleted while no trigger fired.
pub(super) fn without_record(conn: &mut PgConnection, source: &Source, deed: Deed) -> QueryResult<i64> {
    let Source { word, table, id, .. } = source;
    // Operations stand among the events.
    let is_gone = format!(
        "NOT EXISTS (SELECT FROM {table} a WHERE a.{id} = t.id COLLATE \"default\") \
         AND NOT (t.id LIKE 'op\\_%' AND EXISTS (SELECT FROM pilothouse.operations o WHERE o.id = t.id COLLATE \"default\"))"
    );
    let mut total = 0;
    let (mut beyond, mut position) = (">=", String::new());
    loop {
        let walked: Walked = diesel::sql_query(format!(
            "WITH t AS MATERIALIZED (SELECT t.id FROM pilothouse.timeline t WHERE t.source = '{word}' \
                 AND t.id {beyond} $1 COLLATE \"C\" ORDER BY t.id LIMIT {BATCH}) \
             SELECT (SELECT max(t.id) FROM t) AS last, ARRAY(SELECT t.id FROM t WHERE {is_gone}) AS found"
        ))
        .bind::<Text, _>(&position)
        .get_result(conn)?;
        if deed == Deed::Mend && !walked.found.is_empty() {
            diesel::sql_query(format!(
                "SELECT pilothouse.clear_entries('{word}', ARRAY(SELECT t.id FROM unnest($1) t (id) WHERE {is_gone}))"
            ))
            .bind::<Array<Text>, _>(&walked.found)
            .execute(conn)?;
        }
        total += i64::try_from(walked.found.len()).unwrap_or(i64::MAX);
        let Some(last) = walked.last else { return Ok(total) };
        (beyond, position) = (">", last);
    }
}
