//! Actions that carry a reference and came without their row in `action_references`: by replication, or out of a
//! backup whose triggers were held off. They are shown like all others, so what they refer to has a page too.

use diesel::prelude::*;

use super::lanes::{MINE, mine};
use super::tables::{ACTIONS, RowStatement, with_names};
use super::{Filter, Names, Scope, TimelinePage, from_rows};
use crate::activity::filter::Reference;
use crate::db::spelling::spellings;

/// The newest of them that a walk over a bounded number of the viewer's actions finds. For when the index knows none:
/// it is one page, which nothing follows.
///
/// # Errors
/// When the statement fails.
pub fn carrying(
    conn: &mut PgConnection,
    scope: Scope,
    reference: &Reference,
    filter: &Filter,
) -> QueryResult<TimelinePage> {
    let mut s = RowStatement::new();
    s.sql("WITH ");
    if matches!(scope, Scope::Everything) {
        s.sql("carrier AS MATERIALIZED (SELECT a.action_id FROM turbobackend.project_actions a WHERE false");
        for value in spellings(&reference.value) {
            for typed in as_json(&value) {
                s.sql(" OR a.reference_ids @> jsonb_build_object(").text(reference.key.as_str());
                s.sql("::text, ").text(typed).sql("::jsonb)");
            }
        }
        s.sql(" LIMIT 1000)");
    } else {
        mine(&mut s);
        s.sql("carrier AS MATERIALIZED (SELECT n.action_id FROM ").sql(MINE).sql(
            " m CROSS JOIN LATERAL (SELECT a.action_id, a.reference_ids FROM turbobackend.project_actions a \
             WHERE a.project_id = m.k ORDER BY a.created_at DESC, a.action_id COLLATE \"C\" DESC LIMIT 5000) n \
             WHERE n.reference_ids->>",
        );
        s.text(reference.key.as_str()).sql(" = ANY (").texts(spellings(&reference.value));
        s.sql(") AND jsonb_typeof(n.reference_ids->").text(reference.key.as_str());
        s.sql(") IN ('string', 'number', 'boolean') LIMIT 1000)");
    }
    s.sql(", page AS MATERIALIZED (SELECT 'page'::text AS part, x.* FROM (");
    ACTIONS.select_any(&mut s);
    s.sql(" WHERE a.action_id = ANY (ARRAY(SELECT action_id FROM carrier))) x ORDER BY x.at DESC, x.id COLLATE \"C\" DESC LIMIT ");
    s.big(filter.limit).sql(") ");
    with_names(&mut s, &["page"], None, None);
    let (rows, names) = Names::split_from(s.load(conn)?);
    Ok(from_rows(rows, &names, filter).1)
}

/// What a worker may have stored for a value that a page shows as this text.
fn as_json(value: &str) -> Vec<String> {
    let text = serde_json::Value::String(value.to_owned()).to_string();
    let bare = serde_json::from_str::<serde_json::Value>(value)
        .ok()
        .filter(|bare| bare.is_number() || bare.is_boolean())
        .map(|_| value.to_owned());
    std::iter::once(text).chain(bare).collect()
}
