//! What triggers keep of other rows, held against those rows.
//!
//! Rows also arrive while no trigger fires: by logical replication, by a restore with `--disable-triggers`, by whoever
//! sets `session_replication_role`. A [`Step`] finds what is not as the triggers would have it, and mends it, batch by
//! batch, beside people who write. A new trigger that keeps something of rows that others write brings its step.
//!
//! All of it is done as the owner of the tables: no request role may write here.

mod entries;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use entries::{ACTIONS, AUDIT_ENTRIES, EVENTS, OBSERVATIONS, OPERATIONS, differing, without_record};

/// What a step does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Counts it.
    Look,
    /// Puts it right.
    Mend,
}

/// One thing that triggers keep.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// What is wrong with what it counts, to follow the number.
    pub finds: &'static str,
    run: fn(&mut PgConnection, Deed) -> QueryResult<i64>,
}

impl Step {
    /// How many rows were not as they should be.
    ///
    /// # Errors
    /// The database's. What was mended before stays so.
    pub fn run(&self, conn: &mut PgConnection, deed: Deed) -> QueryResult<i64> {
        (self.run)(conn, deed)
    }
}

/// All of them, in the order in which they are mended.
pub const STEPS: [Step; 14] = [
    Step {
        finds: "actions that the timeline lacks or shows otherwise",
        run: |c, deed| differing(c, &ACTIONS, deed),
    },
    Step {
        finds: "events that the timeline lacks or shows otherwise",
        run: |c, deed| differing(c, &EVENTS, deed),
    },
    Step {
        finds: "audit entries that the timeline lacks or shows otherwise",
        run: |c, deed| differing(c, &AUDIT_ENTRIES, deed),
    },
    Step {
        finds: "entries of the timeline whose action is gone",
        run: |c, deed| without_record(c, &ACTIONS, deed),
    },
    Step {
        finds: "entries of the timeline whose event is gone",
        run: |c, deed| without_record(c, &EVENTS, deed),
    },
    Step {
        finds: "entries of the timeline whose audit entry is gone",
        run: |c, deed| without_record(c, &AUDIT_ENTRIES, deed),
    },
    Step { finds: "actions whose references are not found by their pages", run: missing_references },
    Step { finds: "references of actions that no longer have them", run: stale_references },
    Step {
        finds: "entries that seem to be written by transactions to come, of another cluster",
        run: transactions_to_come,
    },
    Step { finds: "users, projects or containers that are there and marked as deleted", run: tombstones },
    Step {
        finds: "operations that the timeline lacks or shows otherwise",
        run: |c, deed| differing(c, &OPERATIONS, deed),
    },
    Step {
        finds: "observations that the timeline lacks or shows otherwise",
        run: |c, deed| differing(c, &OBSERVATIONS, deed),
    },
    Step {
        finds: "entries of the timeline whose observation is gone",
        run: |c, deed| without_record(c, &OBSERVATIONS, deed),
    },
    Step { finds: "entries that are not in the thread of their cause", run: untied },
];

/// Rows that one statement looks at, and one transaction mends.
const BATCH: i64 = 5_000;

/// Where the timeline has an action `a`, and the references there.
const AT: &str = "coalesce((SELECT t.at FROM pilothouse.timeline t WHERE t.source = 'action' AND t.id = a.action_id COLLATE \"C\"), \
     a.created_at, 0)";

/// Whether an action `a` lacks one of its rows in `action_references`.
fn lacks() -> String {
    format!(
        "EXISTS (SELECT FROM pilothouse.reference_pairs(a.reference_ids) p WHERE NOT EXISTS ( \
         SELECT FROM turbobackend.action_references r WHERE r.key = p.key AND r.value = p.value \
           AND r.created_at = {AT} AND r.action_id = a.action_id COLLATE \"C\" \
           AND r.project_id IS NOT DISTINCT FROM a.project_id))"
    )
}

#[derive(QueryableByName)]
struct Walked {
    /// Where the next batch begins; none at the end.
    #[diesel(sql_type = Nullable<Text>)]
    last: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    found: Vec<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn missing_references(conn: &mut PgConnection, deed: Deed) -> QueryResult<i64> {
    let mut total = 0;
    let (mut beyond, mut position) = (">=", String::new());
    loop {
        let walked: Walked = diesel::sql_query(format!(
            "WITH a AS MATERIALIZED (SELECT action_id, project_id, created_at, reference_ids \
                 FROM turbobackend.project_actions WHERE action_id {beyond} $1 ORDER BY action_id LIMIT {BATCH}) \
             SELECT (SELECT max(action_id) FROM a) AS last, \
                 ARRAY(SELECT action_id::text FROM a WHERE reference_ids IS NOT NULL AND {}) AS found",
            lacks()
        ))
        .bind::<Text, _>(&position)
        .get_result(conn)?;
        if deed == Deed::Mend && !walked.found.is_empty() {
            // Nobody changes these actions meanwhile, and what they are by now is what counts.
            diesel::sql_query(format!(
                "WITH a AS MATERIALIZED (SELECT action_id, project_id, created_at, reference_ids \
                     FROM turbobackend.project_actions WHERE action_id = ANY ($1) FOR SHARE) \
                 INSERT INTO turbobackend.action_references (key, value, created_at, action_id, project_id) \
                 SELECT p.key, p.value, {AT}, a.action_id, a.project_id \
                 FROM a CROSS JOIN LATERAL pilothouse.reference_pairs(a.reference_ids) p \
                 ON CONFLICT (key, value, created_at, action_id) DO UPDATE SET project_id = EXCLUDED.project_id"
            ))
            .bind::<Array<Text>, _>(&walked.found)
            .execute(conn)?;
        }
        total += i64::try_from(walked.found.len()).unwrap_or(i64::MAX);
        let Some(last) = walked.last else { return Ok(total) };
        (beyond, position) = (">", last);
    }
}

/// Whether there is no action that a row `r` of `action_references` tells of.
fn is_stale() -> String {
    format!(
        "NOT EXISTS (SELECT FROM turbobackend.project_actions a \
         CROSS JOIN LATERAL pilothouse.reference_pairs(a.reference_ids) p \
         WHERE a.action_id = r.action_id COLLATE \"default\" AND {AT} = r.created_at \
           AND p.key = r.key AND p.value = r.value AND a.project_id IS NOT DISTINCT FROM r.project_id)"
    )
}

#[derive(QueryableByName)]
struct WalkedReferences {
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    created_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    action_id: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    found: Vec<String>,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn stale_references(conn: &mut PgConnection, deed: Deed) -> QueryResult<i64> {
    let mut total = 0;
    let (mut key, mut value, mut created_at, mut action_id) =
        (String::new(), String::new(), i64::MIN, String::new());
    let mut beyond = ">=";
    loop {
        let walked: WalkedReferences = diesel::sql_query(format!(
            "WITH r AS MATERIALIZED (SELECT * FROM turbobackend.action_references \
                 WHERE (key, value, created_at, action_id) {beyond} ($1, $2, $3, $4) \
                 ORDER BY key, value, created_at, action_id LIMIT {BATCH}), \
             stale AS MATERIALIZED (SELECT r.action_id FROM r WHERE {}) \
             SELECT l.key, l.value, l.created_at, l.action_id::text AS action_id, \
                 ARRAY(SELECT DISTINCT action_id::text FROM stale) AS found, (SELECT count(*) FROM stale) AS rows \
             FROM (SELECT 1) one LEFT JOIN \
                 (SELECT * FROM r ORDER BY key DESC, value DESC, created_at DESC, action_id DESC LIMIT 1) l ON true",
            is_stale()
        ))
        .bind::<Text, _>(&key)
        .bind::<Text, _>(&value)
        .bind::<BigInt, _>(created_at)
        .bind::<Text, _>(&action_id)
        .get_result(conn)?;
        let next = (walked.key, walked.value, walked.created_at, walked.action_id);
        let (Some(last_key), Some(last_value), Some(last_at), Some(last_id)) = next else { return Ok(total) };
        if deed == Deed::Mend && !walked.found.is_empty() {
            conn.transaction(|conn| {
                // Nobody gives these actions a reference back while theirs are taken away.
                diesel::sql_query(
                    "SELECT FROM turbobackend.project_actions WHERE action_id = ANY ($1) ORDER BY action_id FOR SHARE",
                )
                .bind::<Array<Text>, _>(&walked.found)
                .execute(conn)?;
                diesel::sql_query(format!(
                    "DELETE FROM turbobackend.action_references r \
                     WHERE (r.key, r.value, r.created_at, r.action_id) {beyond} ($1, $2, $3, $4) \
                       AND (r.key, r.value, r.created_at, r.action_id) <= ($5, $6, $7, $8) \
                       AND r.action_id = ANY ($9) AND {}",
                    is_stale()
                ))
                .bind::<Text, _>(&key)
                .bind::<Text, _>(&value)
                .bind::<BigInt, _>(created_at)
                .bind::<Text, _>(&action_id)
                .bind::<Text, _>(&last_key)
                .bind::<Text, _>(&last_value)
                .bind::<BigInt, _>(last_at)
                .bind::<Text, _>(&last_id)
                .bind::<Array<Text>, _>(&walked.found)
                .execute(conn)
            })?;
        }
        total += walked.rows;
        (key, value, created_at, action_id) = (last_key, last_value, last_at, last_id);
        beyond = ">";
    }
}

/// A row that came back without its trigger: its former owner would go on seeing its record.
fn tombstones(conn: &mut PgConnection, deed: Deed) -> QueryResult<i64> {
    const ARE_THERE: &str = "FROM pilothouse.tombstones t WHERE CASE t.kind \
         WHEN 'user' THEN EXISTS (SELECT FROM public.users u WHERE u.id_text = t.id) \
         WHEN 'project' THEN EXISTS (SELECT FROM public.projects p WHERE p.id_text = t.id) \
         WHEN 'container' THEN t.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' \
             AND EXISTS (SELECT FROM public.containers c \
                         WHERE c.id = CASE WHEN t.id ~ '^[0-9a-f-]{36}$' THEN t.id::uuid END) \
         ELSE false END";
    let statement = match deed {
        Deed::Look => format!("SELECT count(*) AS rows {ARE_THERE}"),
        Deed::Mend => {
            format!("WITH gone AS (DELETE {ARE_THERE} RETURNING t.kind) SELECT count(*) AS rows FROM gone")
        }
    };
    diesel::sql_query(statement).get_result(conn).map(|count: Count| count.rows)
}

/// A restored row bears a transaction of the cluster that it comes from: here that one may be yet to come.
fn transactions_to_come(conn: &mut PgConnection, deed: Deed) -> QueryResult<i64> {
    const THEIRS: &str = "t.xid >= pg_snapshot_xmax(pg_current_snapshot())";
    let statement = match deed {
        Deed::Look => format!("SELECT count(*) AS rows FROM pilothouse.timeline t WHERE {THEIRS}"),
        Deed::Mend => format!(
            "WITH set AS (UPDATE pilothouse.timeline t SET xid = '0' WHERE {THEIRS} RETURNING t.id) SELECT count(*) AS rows FROM set"
        ),
    };
    diesel::sql_query(statement).get_result(conn).map(|count: Count| count.rows)
}

/// An entry with a cause that stands in no thread, or in one at another time or for another cause.
fn untied(conn: &mut PgConnection, deed: Deed) -> QueryResult<i64> {
    const UNTIED: &str = "pilothouse.timeline t WHERE t.cause IS NOT NULL AND NOT EXISTS ( \
         SELECT FROM pilothouse.thread_entries e WHERE e.source = t.source AND e.id = t.id AND e.cause = t.cause AND e.at = t.at)";
    let statement = match deed {
        Deed::Look => format!("SELECT count(*) AS rows FROM {UNTIED}"),
        // Causes first, so that few have to move again.
        Deed::Mend => format!(
            "SELECT count(pilothouse.tie_to_cause(u.source, u.id, u.at, u.cause, \
                 coalesce(u.reference_ids LIKE '%\"cause_inferred\": true%', false))) AS rows \
             FROM (SELECT t.* FROM {UNTIED} ORDER BY t.at, t.source, t.id) u"
        ),
    };
    diesel::sql_query(statement).get_result(conn).map(|count: Count| count.rows)
}

/// Has everything counted again, by the job that counts: no row says whether a mark was left for it.
pub fn recount(conn: &mut PgConnection) -> QueryResult<()> {
    let rollup = super::rollup::NAME;
    diesel::sql_query("UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = $1")
        .bind::<Text, _>(rollup)
        .execute(conn)
        .map(|_| ())
}

/// Actions that [`glance`] looks at: the newest, and those at the table's end, which is where rows arrive.
const NEWEST: i64 = 20_000;
const LAST_PAGES: i64 = 1_000;

/// How many of the actions that are likely to have come lately the timeline lacks, in a bounded time.
pub fn glance(conn: &mut PgConnection) -> QueryResult<i64> {
    diesel::sql_query(format!(
        "SELECT count(*) AS rows FROM ( \
             SELECT n.* FROM (SELECT * FROM turbobackend.project_actions WHERE created_at IS NOT NULL \
                 ORDER BY created_at DESC, action_id COLLATE \"C\" DESC LIMIT {NEWEST}) n \
             UNION SELECT e.* FROM turbobackend.project_actions e WHERE e.ctid >= ( \
                 SELECT format('(%s,0)', greatest(0, \
                     pg_relation_size('turbobackend.project_actions') / current_setting('block_size')::bigint \
                     - {LAST_PAGES}))::tid)) a \
         WHERE NOT EXISTS (SELECT FROM pilothouse.timeline t WHERE t.source = 'action' AND t.id = a.action_id COLLATE \"C\") \
            OR (a.reference_ids IS NOT NULL AND {})",
        lacks()
    ))
    .get_result(conn)
    .map(|count: Count| count.rows)
}

/// Actions and audit entries that came without a time. They stand at the beginning of 1970: when they happened is
/// nothing that could be made up.
pub fn undated(conn: &mut PgConnection) -> QueryResult<i64> {
    diesel::sql_query(
        "SELECT (SELECT count(*) FROM (SELECT FROM turbobackend.project_actions WHERE created_at IS NULL LIMIT 1000) a) \
              + (SELECT count(*) FROM (SELECT FROM public.\"ActivityLog\" WHERE \"createdAt\" IS NULL LIMIT 1000) l) AS rows",
    )
    .get_result(conn)
    .map(|count: Count| count.rows)
}
