//! The words that actions hold, a project: what its filters offer. No index holds the longest ones, and nobody filters
//! by them. A word that has gone from a project stays until
//! everything is counted again.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::statement::Statement;

/// CTEs that gather the words of the CTE `place`: projects, days and `from_ms`, when each day begins.
pub(super) fn gather_of_places<R>(s: &mut Statement<R>) {
    s.sql("said AS MATERIALIZED (SELECT r.project_id, v.what, v.word, max(r.day) AS day FROM (");
    // Rows without a project are found by their own branch: no index answers for both.
    for (at, of) in
        ["a.project_id = p.project_id", "a.project_id IS NULL AND p.project_id = ''"].into_iter().enumerate()
    {
        s.sql(if at == 0 { "" } else { " UNION ALL " });
        s.sql("SELECT p.project_id, p.day, a.action_type, a.status, a.environment, a.user_id FROM place p ");
        s.sql("JOIN turbobackend.project_actions a ON ").sql(of);
        s.sql(" AND a.created_at >= p.from_ms AND a.created_at < p.from_ms + 86400000");
    }
    s.sql(
        ") r CROSS JOIN LATERAL (VALUES ('type', r.action_type), ('status', r.status), \
             ('environment', r.environment), ('actor', r.user_id)) v (what, word) \
             WHERE v.word <> '' AND octet_length(v.word) <= 1000 GROUP BY 1, 2, 3), \
         words AS (INSERT INTO pilothouse.held_words AS h (project_id, what, word, last_day) \
             SELECT project_id, what, word, day FROM said WHERE project_id <> '' \
             UNION ALL SELECT '', what, word, max(day) FROM said GROUP BY 2, 3 \
             ON CONFLICT (project_id, what, word) DO UPDATE SET last_day = EXCLUDED.last_day \
             WHERE h.last_day < EXCLUDED.last_day)",
    );
}

/// Gathers all words there are, and writes what differs.
pub(super) fn gather_everything(conn: &mut PgConnection) -> QueryResult<()> {
    let mut s = Statement::<(Text,)>::new();
    s.sql(
        "WITH said AS MATERIALIZED (SELECT coalesce(a.project_id, '') AS project_id, \
             CASE 0 WHEN grouping(a.action_type) THEN 'type' WHEN grouping(a.status) THEN 'status' \
                 WHEN grouping(a.environment) THEN 'environment' ELSE 'actor' END AS what, \
             coalesce(a.action_type, a.status, a.environment, a.user_id)::text AS word, \
             DATE 'epoch' + (max(a.created_at) / 86400000)::integer AS day \
             FROM turbobackend.project_actions a WHERE a.created_at >= 631152000000 AND a.created_at < 4102444800000 \
             GROUP BY GROUPING SETS ((a.project_id, a.action_type), (a.project_id, a.status), \
                 (a.project_id, a.environment), (a.project_id, a.user_id))), \
         there AS MATERIALIZED (SELECT project_id, what, word, day FROM said WHERE project_id <> '' AND word <> '' AND octet_length(word) <= 1000 \
             UNION ALL SELECT '', what, word, max(day) FROM said WHERE word <> '' AND octet_length(word) <= 1000 GROUP BY 2, 3), \
         gone AS (DELETE FROM pilothouse.held_words h WHERE NOT EXISTS ( \
             SELECT FROM there t WHERE (t.project_id, t.what, t.word) = (h.project_id, h.what, h.word))) \
         INSERT INTO pilothouse.held_words AS h (project_id, what, word, last_day) SELECT * FROM there \
             ON CONFLICT (project_id, what, word) DO UPDATE SET last_day = EXCLUDED.last_day \
             WHERE h.last_day <> EXCLUDED.last_day RETURNING h.word",
    );
    s.load::<(String,)>(conn).map(|_| ())
}
