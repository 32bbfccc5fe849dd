//! The thread of one record: what led to it, what followed, what shares its request or references, and its
//! neighbours. One statement, bounded wherever workers could have written without bounds.
//!
//! Behind a policy an index is only used for what is compared with a plain value or an array of such: what has to be
//! worked out (a reference's text, a list of names) is so before it is looked up.

use chrono::Duration;
use chrono_tz::Tz;
use diesel::prelude::*;

use super::detail::Thread;
use super::timeline::{
    ACTIONS, AUDIT, Ask, CAUSED_BY, EVENTS, Entry, Fetch, Names, Row, RowStatement, Scope, TYING, rows, utc,
    with_names,
};
use super::{Direction, Filter};

/// How long after its cause an event is looked for: nothing indexes the cause of an event.
const EVENT_WINDOW: Duration = Duration::days(7);
/// How far apart in time an event of the same request may lie.
const REQUEST_WINDOW: Duration = Duration::days(1);

/// What belongs to `entry`, as far as the viewer may see it.
///
/// # Errors
/// When the statement fails.
pub(super) fn thread_of(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Thread> {
    let (rows, names) = Names::split_from(statement(entry).load(conn)?);
    Ok(sorted(entry, rows, &names))
}

/// How PostgreSQL reads what belongs to `entry`: see [`plan_of_page`](super::timeline::plan_of_page).
///
/// # Errors
/// When the statement fails.
pub fn plan_of_thread(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Vec<String>> {
    statement(entry).explain(conn)
}

fn statement(entry: &Entry) -> RowStatement {
    let mut s = RowStatement::new();
    let mut parts = vec!["effect", "older", "newer"];
    s.sql("WITH RECURSIVE ");
    effects(&mut s, entry);
    if let Some(cause) = &entry.caused_by {
        s.sql(", ");
        causes(&mut s, cause);
        parts.push("cause");
    }
    if let Some(request) = &entry.request_id {
        s.sql(", ");
        same_request(&mut s, entry, request);
        parts.push("request");
    }
    if related(&mut s, entry) {
        parts.push("related");
    }
    neighbours(&mut s, entry);
    s.sql(" ");
    with_names(&mut s, &parts, None, None);
    s
}

/// Each record goes to the first list that claims it.
fn sorted(entry: &Entry, rows: Vec<Row>, names: &Names) -> Thread {
    let mut parts: Vec<(String, Entry)> =
        rows.into_iter().filter_map(|row| Some((row.part.clone(), row.into_entry(names)?))).collect();
    parts.sort_by(|(_, a), (_, b)| a.position.cmp(&b.position));
    let mut next = |part: &str| {
        let at = parts.iter().position(|(of, _)| of == part)?;
        Some(parts.remove(at).1)
    };
    let (older, newer) = (next("older"), next("newer"));
    let causes = chain(entry, &of(&parts, "cause").collect::<Vec<_>>());
    let mut thread = Thread { causes, older, newer, ..Thread::default() };
    let mut told: Vec<_> = thread.causes.iter().map(|cause| cause.position.clone()).collect();
    told.push(entry.position.clone());
    for (part, list) in [
        ("effect", &mut thread.effects),
        ("request", &mut thread.same_request),
        ("related", &mut thread.related),
    ] {
        for other in of(&parts, part) {
            if !told.contains(&other.position) {
                told.push(other.position.clone());
                list.push(other.clone());
            }
        }
    }
    thread
}

fn of<'a>(parts: &'a [(String, Entry)], part: &'static str) -> impl Iterator<Item = &'a Entry> {
    parts.iter().filter(move |(of, _)| of == part).map(|(_, entry)| entry)
}

/// The causes in the order of what led to what: a record may name any text as its cause, even itself.
fn chain(entry: &Entry, causes: &[&Entry]) -> Vec<Entry> {
    let mut chain: Vec<Entry> = Vec::new();
    let mut next = entry.caused_by.clone();
    while let Some(name) = next.take() {
        let Some(cause) = causes.iter().find(|cause| cause.key() == name) else { break };
        if cause.position == entry.position || chain.iter().any(|known| known.position == cause.position) {
            break;
        }
        next.clone_from(&cause.caused_by);
        chain.push((*cause).clone());
    }
    chain.reverse();
    chain
}

fn causes(s: &mut RowStatement, cause: &str) {
    s.sql("up(depth, name) AS (SELECT 1, ").text(cause).sql(
        " UNION ALL SELECT up.depth + 1, CASE \
         WHEN up.name LIKE 'event:%' THEN (SELECT e.metadata->>'caused_by' FROM public.\"ActivityEvent\" e WHERE e.id = k.id) \
         WHEN up.name LIKE 'audit:%' THEN NULL \
         ELSE (SELECT a.reference_ids->>'caused_by' FROM turbobackend.project_actions a WHERE a.action_id = up.name) END \
         FROM up CROSS JOIN LATERAL (SELECT substr(up.name, 7) AS id OFFSET 0) k WHERE up.depth < 10 AND up.name <> ''), cause AS (SELECT 'cause'::text AS part, x.* FROM ((",
    );
    ACTIONS.select_any(s);
    s.sql(" WHERE a.action_id = ANY(ARRAY(SELECT name FROM up))) UNION ALL (");
    EVENTS.select_any(s);
    s.sql(" WHERE e.id = ANY(ARRAY(SELECT substr(name, 7) FROM up WHERE name LIKE 'event:%'))) UNION ALL (");
    AUDIT.select_any(s);
    s.sql(" WHERE l.id = ANY(ARRAY(SELECT substr(name, 7) FROM up WHERE name LIKE 'audit:%')))) x)");
}

/// What names the record as its cause, then what names that: five steps, two hundred names, fifty records.
fn effects(s: &mut RowStatement, entry: &Entry) {
    s.sql("caused_event AS MATERIALIZED (SELECT 'event:' || e.id AS name, e.metadata->>'caused_by' AS cause FROM public.\"ActivityEvent\" e WHERE ");
    if let Some(project) = &entry.project {
        s.sql("e.\"projectId\" = ").text(project.id.as_str()).sql(" AND e.\"createdAt\" >= ");
        s.timestamp(utc(entry.moment.ms)).sql(" AND e.\"createdAt\" < ");
        s.timestamp(utc(entry.moment.ms.saturating_add(EVENT_WINDOW.num_milliseconds())));
        s.sql(" AND e.metadata->>'caused_by' <> '' ORDER BY e.\"createdAt\" LIMIT 500");
    } else {
        s.sql("false");
    }
    s.sql("), down(depth, name) AS (SELECT 0, ").text(entry.key()).sql(
        " UNION SELECT d.depth + 1, n.name FROM down d \
         CROSS JOIN LATERAL (SELECT DISTINCT w, pilothouse.reference_text(w) AS v FROM unnest(ARRAY[d.name, regexp_replace(d.name, '^event:', '')]) w) called \
         CROSS JOIN LATERAL (\
         (SELECT r.action_id COLLATE \"default\" AS name FROM turbobackend.action_references r WHERE r.key = ",
    );
    s.text(CAUSED_BY).sql(
        " AND r.value = called.v ORDER BY r.created_at, r.action_id LIMIT 50) \
         UNION ALL (SELECT c.name FROM caused_event c WHERE c.cause = called.w LIMIT 50)) n WHERE d.depth < 5), \
         followed AS MATERIALIZED (SELECT DISTINCT name FROM (SELECT name FROM down LIMIT 200) bounded), \
         effect AS (SELECT 'effect'::text AS part, x.* FROM ((",
    );
    ACTIONS.select_any(s);
    s.sql(" WHERE a.action_id = ANY(ARRAY(SELECT name FROM followed))) UNION ALL (");
    EVENTS.select_any(s);
    s.sql(" WHERE e.id = ANY(ARRAY(SELECT substr(name, 7) FROM followed WHERE name LIKE 'event:%')))) x ORDER BY x.at LIMIT 51)");
}

fn same_request(s: &mut RowStatement, entry: &Entry, request: &str) {
    s.sql("request AS (SELECT 'request'::text AS part, x.* FROM ((");
    ACTIONS.select_any(s);
    s.sql(" WHERE a.request_id = ").text(request).sql(" LIMIT 50) UNION ALL (");
    AUDIT.select_any(s);
    s.sql(" WHERE l.\"requestId\" = ").text(request).sql(" LIMIT 50)");
    if let Some(project) = &entry.project {
        let window = REQUEST_WINDOW.num_milliseconds();
        s.sql(" UNION ALL (");
        EVENTS.select_any(s);
        s.sql(" WHERE e.\"projectId\" = ").text(project.id.as_str());
        s.sql(" AND e.\"createdAt\" >= ").timestamp(utc(entry.moment.ms.saturating_sub(window)));
        s.sql(" AND e.\"createdAt\" < ").timestamp(utc(entry.moment.ms.saturating_add(window)));
        s.sql(" AND coalesce(e.metadata->>'request_id', e.metadata->>'requestId') = ").text(request);
        s.sql(" LIMIT 50)");
    }
    s.sql(") x LIMIT 50)");
}

/// Two steps along the references that tie: whoever shares one, and whoever shares one with those. Of each tie
/// the nearest in time, before and after, since a database may be named for years. Answers whether there is any.
fn related(s: &mut RowStatement, entry: &Entry) -> bool {
    let tying = || entry.references.iter().filter(|reference| TYING.contains(&reference.key.as_str()));
    if tying().next().is_none() {
        return false;
    }
    s.sql(", tie AS MATERIALIZED (SELECT key, pilothouse.reference_text(value) AS value FROM unnest(");
    s.texts(tying().map(|reference| reference.key.clone()).collect()).sql(", ");
    s.texts(tying().map(|reference| reference.value.clone()).collect()).sql(") t(key, value)), ");
    sharing(s, "sharing", "tie", entry.moment.ms);
    s.sql(
        ", next_tie AS MATERIALIZED (SELECT DISTINCT r.key, pilothouse.reference_text(r.value) AS value FROM sharing JOIN turbobackend.project_actions a USING (action_id) \
         CROSS JOIN LATERAL jsonb_each_text(CASE WHEN jsonb_typeof(a.reference_ids) = 'object' THEN a.reference_ids \
         ELSE '{}'::jsonb END) r(key, value) \
         WHERE r.key IN ('deployment_id', 'github_push_id', 'commit_sha') AND r.value <> '' LIMIT 20), ",
    );
    sharing(s, "sharing_next", "next_tie", entry.moment.ms);
    s.sql(", related AS (SELECT 'related'::text AS part, x.* FROM (");
    ACTIONS.select_any(s);
    s.sql(" WHERE a.action_id = ANY(ARRAY(SELECT action_id FROM sharing UNION SELECT action_id FROM sharing_next))) x LIMIT 60)");
    true
}

fn sharing(s: &mut RowStatement, name: &'static str, ties: &'static str, at: i64) {
    s.sql(name).sql(" AS (SELECT DISTINCT n.action_id FROM ").sql(ties).sql(" t CROSS JOIN LATERAL (");
    for (compare, order) in [("<=", " DESC"), (">", "")] {
        s.sql(if order.is_empty() { " UNION ALL (" } else { "(" });
        s.sql(
            "SELECT r.action_id COLLATE \"default\" AS action_id FROM turbobackend.action_references r \
             WHERE r.key = t.key AND r.value = t.value AND r.created_at ",
        );
        s.sql(compare).sql(" ").big(at).sql(" ORDER BY r.created_at").sql(order);
        s.sql(", r.action_id COLLATE \"C\"").sql(order).sql(" LIMIT 10)");
    }
    s.sql(") n)");
}

/// The record before and the one after, in the same project where there is one.
fn neighbours(s: &mut RowStatement, entry: &Entry) {
    let project = entry.project.as_ref().and_then(|project| project.id.parse().ok());
    let scope = project.map_or(Scope::Everything, Scope::Project);
    for (name, direction) in [("older", Direction::Before), ("newer", Direction::After)] {
        let mut filter = Filter::none(Tz::UTC);
        // Without a project, records of one table are neighbours: an audit entry's are audit entries.
        if project.is_none() {
            filter.sources.only = vec![entry.source().as_str().to_owned()];
        }
        filter.position = Some((direction, entry.position.clone()));
        let ask = Ask {
            scope: &scope,
            filter: &filter,
            from_ms: None,
            until_ms: None,
            fetch: Fetch::NEXT,
            running: false,
        };
        s.sql(", ").sql(name).sql(" AS MATERIALIZED (");
        rows(s, name, &ask);
        s.sql(")");
    }
}
