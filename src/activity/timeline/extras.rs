//! What a page shows besides its entries, as further rows of its statement: the gaps of the record, and the
//! words of the viewer's own history that filters offer.

use super::Scope;
use super::query::Ask;
use super::tables::RowStatement;
use crate::activity::filter::{Filter, Words};
use crate::activity::position::Direction;

/// Gaps concern everything that happened, so a page that shows a selection leaves them out.
pub(super) fn shows_gaps(filter: &Filter) -> bool {
    let words = [&filter.types, &filter.statuses, &filter.environments, &filter.actors, &filter.sources];
    words.iter().all(|words| words.is_empty()) && filter.reference.is_none() && filter.target.is_none()
}

/// The gaps of the record within the page, in the same round trip.
pub(super) fn gaps(s: &mut RowStatement, ask: &Ask<'_>) {
    s.sql(
        " UNION ALL (SELECT 'gap'::text, g.to_ms, 'gap', g.id::text, g.project_id, NULL, NULL, NULL, g.reason, g.from_ms::text, \
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, g.lost, NULL, NULL, false, false, NULL, NULL, false, NULL \
         FROM pilothouse.recording_gaps g WHERE true",
    );
    if let Scope::Project(id) = ask.scope {
        s.sql(" AND (g.project_id = ").text(id.to_string()).sql(" OR g.project_id IS NULL)");
    }
    if let Some(from) = ask.from_ms {
        s.sql(" AND g.to_ms >= ").big(from);
    }
    if let Some(until) = ask.until_ms {
        s.sql(" AND g.to_ms < ").big(until);
    }
    match &ask.filter.position {
        Some((Direction::Before, cursor)) => {
            s.sql(" AND g.to_ms < ").big(cursor.ms);
        }
        Some((Direction::After, cursor)) => {
            s.sql(" AND g.to_ms >= ").big(cursor.ms);
        }
        None => {}
    }
    let (compare, extreme) = if ask.backwards() { (" <= ", "max(at)") } else { (" >= ", "min(at)") };
    let open = if ask.backwards() { "9223372036854775807" } else { "'-9223372036854775808'::bigint" };
    s.sql(" AND g.to_ms")
        .sql(compare)
        .sql("(SELECT CASE WHEN count(*) >= ")
        .sql(ask.fetch.rows)
        .sql(" THEN ");
    s.sql(extreme).sql(" ELSE ").sql(open).sql(" END FROM page) ORDER BY g.to_ms DESC LIMIT 20)");
}

/// The CTEs behind [`options`]: the words of the newest actions, and where the viewer sees everything each type
/// and status that there is, by stepping through their indexes.
pub(super) fn present(s: &mut RowStatement, scope: Scope, actors: &Words) {
    let columns = "SELECT a.action_type, a.status, a.environment, a.user_id, a.created_at FROM turbobackend.project_actions a";
    let newest = " ORDER BY a.created_at DESC, a.action_id COLLATE \"C\" DESC";
    s.sql(", recent AS MATERIALIZED (");
    match scope {
        Scope::Everything => {
            s.sql(columns).sql(newest).sql(" LIMIT 200");
        }
        Scope::Project(id) => {
            s.sql(columns).sql(" WHERE a.project_id = ").text(id.to_string()).sql(newest).sql(" LIMIT 200");
        }
        Scope::Own => {
            s.sql("SELECT r.* FROM public.projects p CROSS JOIN LATERAL (").sql(columns);
            s.sql(" WHERE a.project_id = p.id_text").sql(newest);
            s.sql(" LIMIT (SELECT greatest(1, 200 / greatest(count(*), 1)) FROM public.projects)) r");
        }
    }
    s.sql(
        "), type_of AS (SELECT DISTINCT action_type::text AS word FROM recent), \
         status_of AS (SELECT DISTINCT status::text AS word FROM recent), ",
    );
    if scope == Scope::Everything {
        s.sql(EVERY_TYPE_AND_STATUS);
    } else {
        s.sql("every_type AS (SELECT NULL::text AS word WHERE false), every_status AS (SELECT NULL::text AS word WHERE false), ");
    }
    s.sql(
        "actor_of AS (SELECT word FROM (SELECT user_id::text AS word FROM recent WHERE user_id <> '' \
         GROUP BY user_id ORDER BY max(created_at) DESC LIMIT 12) latest",
    );
    let named: Vec<String> = actors.only.iter().chain(&actors.not).cloned().collect();
    if !named.is_empty() {
        // Who is filtered by is called by name.
        s.sql(" UNION SELECT unnest(").texts(named).sql(")");
    }
    s.sql(")");
}

/// From each word straight to the next one of the index, however many rows hold it.
const EVERY_TYPE_AND_STATUS: &str = "every_type AS (\
     (SELECT a.action_type::text AS word FROM turbobackend.project_actions a \
       WHERE a.action_type IS NOT NULL ORDER BY a.action_type LIMIT 1) \
     UNION ALL SELECT (SELECT a.action_type::text FROM turbobackend.project_actions a \
       WHERE a.action_type > t.word ORDER BY a.action_type LIMIT 1) FROM every_type t WHERE t.word IS NOT NULL), \
     every_status AS (\
     (SELECT a.status::text AS word FROM turbobackend.project_actions a \
       WHERE a.status IS NOT NULL ORDER BY a.status LIMIT 1) \
     UNION ALL SELECT (SELECT a.status::text FROM turbobackend.project_actions a \
       WHERE a.status > t.word ORDER BY a.status LIMIT 1) FROM every_status t WHERE t.word IS NOT NULL), ";

/// One row a word: which filter in the place of the source, the word in that of the id.
pub(super) fn options(s: &mut RowStatement) {
    s.sql(
        " UNION ALL (SELECT 'option'::text, 0::bigint, o.what, o.word, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
         NULL, NULL, NULL, NULL, coalesce(u.name, tu.name)::text, NULL, NULL, NULL, NULL, false, false, NULL, \
         u.email::text, false, NULL \
         FROM ((SELECT 'type'::text AS what, word FROM (SELECT word FROM type_of UNION SELECT word FROM every_type) t LIMIT 100) \
         UNION ALL (SELECT 'status', word FROM (SELECT word FROM status_of UNION SELECT word FROM every_status) t LIMIT 100) \
         UNION ALL (SELECT DISTINCT 'environment', environment::text FROM recent LIMIT 100) \
         UNION ALL (SELECT 'actor', word FROM actor_of)) o \
         LEFT JOIN public.users u ON o.what = 'actor' AND u.id_text = o.word \
         LEFT JOIN pilothouse.tombstones tu ON o.what = 'actor' AND tu.kind = 'user' AND tu.id = o.word \
         WHERE o.word <> '')",
    );
}
