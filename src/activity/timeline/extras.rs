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
        " UNION ALL (SELECT 'gap', g.to_ms, 'gap', g.id::text, g.project_id, NULL, NULL, NULL, left(g.reason, 500), g.from_ms::text, \
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, g.lost, NULL, NULL \
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
    // Those next to the cursor; whoever reads them keeps what lies within the page.
    s.sql(if ask.backwards() { " ORDER BY g.to_ms LIMIT 20)" } else { " ORDER BY g.to_ms DESC LIMIT 20)" });
}

/// The users whom [`held`] names: a CTE with a column `usr`.
pub(super) const WHO: &str = "who";

/// The CTEs behind [`options`]: the words that the viewer's records hold, as a job has gathered them, and who acts in
/// them or is filtered by. The owner of many projects is offered the words of those that changed last.
pub(super) fn held(s: &mut RowStatement, scope: Scope, actors: &Words) {
    s.sql(", held AS MATERIALIZED (");
    match scope {
        Scope::Project(id) => {
            s.sql("SELECT h.what, h.word FROM pilothouse.held_words h WHERE h.project_id = ")
                .text(id.to_string());
            s.sql(" ORDER BY h.last_day DESC LIMIT 200");
        }
        Scope::Own => {
            s.sql(
                "SELECT h.what, h.word FROM (SELECT p.id_text AS id FROM public.projects p \
                 ORDER BY p.updated_at DESC NULLS LAST LIMIT 10) p CROSS JOIN LATERAL ( \
                 SELECT k.what, k.word FROM pilothouse.held_words k WHERE k.project_id = p.id LIMIT 50) h GROUP BY 1, 2",
            );
        }
        // Thousands of people may have acted somewhere: those who did last are offered.
        Scope::Everything => {
            s.sql(
                "SELECT h.what, h.word FROM (VALUES ('type', 100), ('status', 50), ('environment', 50), ('actor', 12)) \
                 w (what, most) CROSS JOIN LATERAL (SELECT k.what, k.word FROM pilothouse.held_words k \
                 WHERE k.project_id = '' AND k.what = w.what ORDER BY k.last_day DESC LIMIT w.most) h",
            );
        }
    }
    s.sql("), who AS (SELECT word AS usr FROM held WHERE what = 'actor'");
    let named: Vec<String> = actors.only.iter().chain(&actors.not).cloned().collect();
    if !named.is_empty() {
        // Who is filtered by is called by name.
        s.sql(" UNION ALL SELECT unnest(").texts(named).sql(")");
    }
    s.sql(")");
}

/// One row a word: which filter in the place of the source, the word in that of the id.
pub(super) fn options(s: &mut RowStatement) {
    s.sql(
        " UNION ALL SELECT 'option', 0, what, word, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
         NULL, NULL, NULL, NULL, NULL, NULL FROM held",
    );
}
