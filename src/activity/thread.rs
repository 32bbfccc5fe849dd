//! The thread of one record: what led to it, what followed, what shares its request or references, and its
//! neighbours. One statement, bounded wherever workers could have written without bounds.
//!
//! Behind a policy an index is only used for what is compared with a plain value or column: what has to be worked out
//! is so before it is looked up.

use chrono_tz::Tz;
use diesel::prelude::*;

use super::detail::Thread;
use super::position::Source;
use super::timeline::{Ask, Entry, Row, RowStatement, Rows, Scope, TYING, rows, shown};
use super::{Direction, Filter};

pub(super) fn thread_of(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Thread> {
    let rows: Vec<Row> = statement(entry).load(conn)?;
    Ok(sorted(entry, rows))
}

/// How PostgreSQL reads the thread of `entry`.
pub fn plan_of_thread(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Vec<String>> {
    statement(entry).explain(conn)
}

fn statement(entry: &Entry) -> RowStatement {
    let mut s = RowStatement::new();
    s.sql("WITH RECURSIVE ");
    effects(&mut s, entry);
    let mut parts = vec!["effect", "older", "newer"];
    if let Some(cause) = &entry.caused_by {
        s.sql(", ");
        causes(&mut s, cause);
        parts.push("cause");
    }
    if let Some(request) = &entry.request_id {
        s.sql(", request AS (SELECT t.* FROM pilothouse.timeline t WHERE t.request_id = ")
            .text(request.as_str());
        s.sql(" LIMIT 50)");
        parts.push("request");
    }
    if related(&mut s, entry) {
        parts.push("related");
    }
    neighbours(&mut s, entry);
    s.sql(" ");
    shown(&mut s, |s| {
        for (at, part) in parts.into_iter().enumerate() {
            s.sql(if at == 0 { "SELECT '" } else { " UNION ALL SELECT '" });
            s.sql(part).sql("' AS part, t.* FROM ").sql(part).sql(" t");
        }
    });
    s
}

fn sorted(entry: &Entry, rows: Vec<Row>) -> Thread {
    let mut parts: Vec<(String, Entry)> =
        rows.into_iter().filter_map(|row| Some((row.part.clone(), row.into_entry()?))).collect();
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

/// From the first cause down to what led to `entry` itself.
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
    let (source, id) = Source::of_key(cause);
    s.sql("up (depth, source, id) AS (SELECT 1, '")
        .sql(source.as_str())
        .sql("'::text COLLATE \"C\", ")
        .text(id);
    s.sql(
        "::text COLLATE \"C\" UNION ALL \
         SELECT up.depth + 1, split_part(t.cause, ':', 1) COLLATE \"C\", substr(t.cause, strpos(t.cause, ':') + 1) COLLATE \"C\" \
         FROM up JOIN pilothouse.timeline t ON t.source = up.source AND t.id = up.id \
         WHERE up.depth < 10 AND t.cause IS NOT NULL), \
         cause AS (SELECT DISTINCT ON (t.source, t.id) t.* FROM up JOIN pilothouse.timeline t ON t.source = up.source AND t.id = up.id)",
    );
}

fn effects(s: &mut RowStatement, entry: &Entry) {
    s.sql("down (depth, name) AS (SELECT 0, ").text(entry.cause_text()).sql(
        "::text UNION SELECT d.depth + 1, (n.source || ':' || n.id) COLLATE \"default\" FROM down d CROSS JOIN LATERAL ( \
             SELECT t.source, t.id FROM pilothouse.timeline t WHERE t.cause = d.name ORDER BY t.at LIMIT 50) n \
         WHERE d.depth < 5), \
         followed AS MATERIALIZED (SELECT DISTINCT split_part(b.name, ':', 1) COLLATE \"C\" AS source, \
             substr(b.name, strpos(b.name, ':') + 1) COLLATE \"C\" AS id FROM (SELECT d.name FROM down d LIMIT 200) b), \
         effect AS (SELECT t.* FROM followed f JOIN pilothouse.timeline t ON t.source = f.source AND t.id = f.id \
             ORDER BY t.at LIMIT 51)",
    );
}

/// What shares a reference that ties, and what shares one with that. False where there is none.
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
        ", next_tie AS MATERIALIZED (SELECT DISTINCT r.key, pilothouse.reference_text(r.value) AS value FROM sharing n \
         JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = n.id \
         CROSS JOIN LATERAL jsonb_each_text(CASE WHEN t.reference_ids LIKE '{%' THEN t.reference_ids::jsonb ELSE '{}' END) r(key, value) \
         WHERE r.key IN ('deployment_id', 'github_push_id', 'commit_sha') AND r.value <> '' LIMIT 20), ",
    );
    sharing(s, "sharing_next", "next_tie", entry.moment.ms);
    s.sql(
        ", related AS (SELECT t.* FROM (SELECT id FROM sharing UNION SELECT id FROM sharing_next) n \
         JOIN pilothouse.timeline t ON t.source = 'action' AND t.id = n.id LIMIT 60)",
    );
    true
}

/// The actions around `at` that carry one of `ties`.
fn sharing(s: &mut RowStatement, name: &'static str, ties: &'static str, at: i64) {
    s.sql(name)
        .sql(" AS MATERIALIZED (SELECT DISTINCT n.id FROM ")
        .sql(ties)
        .sql(" tie CROSS JOIN LATERAL (");
    for (compare, order) in [("<=", " DESC"), (">", "")] {
        s.sql(if order.is_empty() { " UNION ALL (" } else { "(" });
        s.sql(
            "SELECT r.action_id AS id FROM turbobackend.action_references r \
             WHERE r.key = tie.key AND r.value = tie.value AND r.created_at ",
        );
        s.sql(compare).sql(" ").big(at).sql(" ORDER BY r.created_at").sql(order);
        s.sql(", r.action_id").sql(order).sql(" LIMIT 10)");
    }
    s.sql(") n)");
}

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
        let ask = Ask { rows: Rows::ONE, ..Ask::new(scope, &filter) };
        s.sql(", ").sql(name).sql(" AS MATERIALIZED (");
        rows(s, &ask);
        s.sql(")");
    }
}
