//! The whole thread that a record belongs to: from the first cause to the last effect, page by page, oldest first.
//!
//! `pilothouse.thread_entries` has each entry that has a cause under the first cause that it goes back to, in the order of
//! time, so that a page costs the same wherever it lies and whatever shape the thread has.

use std::collections::HashSet;

use diesel::prelude::*;

use super::Direction;
use super::position::{Source, TimelineCursor};
use super::timeline::{Entry, Known, Row, RowStatement, shown, shown_beside};

/// Entries of a page.
const PAGE: usize = 50;
const ONE_PAGE_AND_ONE: &str = " LIMIT 51";

#[derive(Debug, Clone)]
pub struct WholeThread {
    /// The record that was asked for.
    pub asked: Entry,
    /// The first cause, unless it is gone or not the viewer's to see. It stands on the first page.
    pub root: Option<Entry>,
    /// The last effect; none in a thread of one.
    pub last: Option<Entry>,
    /// Oldest first. What else their requests left is folded under them.
    pub entries: Vec<Entry>,
    /// The keys of those whose cause nobody told: their references leave no doubt.
    pub inferred: HashSet<String>,
    /// Where the page before begins: use it as `before`.
    pub earlier: Option<TimelineCursor>,
    /// Where the page after begins: use it as `after`.
    pub later: Option<TimelineCursor>,
}

/// The thread of the entry with this id, if the viewer may see it.
pub fn of(
    conn: &mut PgConnection,
    known: &Known,
    source: Source,
    id: &str,
    position: Option<&(Direction, TimelineCursor)>,
) -> QueryResult<Option<WholeThread>> {
    if id.contains('\0') {
        return Ok(None);
    }
    let mut parts = read(conn, known, source, id, position)?;
    let Some(asked) = parts.asked.take() else { return Ok(None) };
    if let Some(act) = act_behind(conn, &asked)? {
        parts = read(conn, known, act.source(), act.id(), position)?;
    }
    Ok(Some(page(asked, parts, position)))
}

/// What a statement has found, by what it is of the thread.
#[derive(Default)]
struct Parts {
    asked: Option<Entry>,
    root: Option<Entry>,
    last: Option<Entry>,
    entries: Vec<Entry>,
    inferred: HashSet<String>,
    of_requests: Vec<Entry>,
}

fn read(
    conn: &mut PgConnection,
    known: &Known,
    source: Source,
    id: &str,
    position: Option<&(Direction, TimelineCursor)>,
) -> QueryResult<Parts> {
    let rows: Vec<Row> = statement(known, source, id, position).load(conn)?;
    let mut parts = Parts::default();
    for mut row in rows {
        known.complete(&mut row);
        let part = row.part.clone();
        let Some(entry) = row.into_entry() else { continue };
        match part.as_str() {
            "asked" => parts.asked = Some(entry),
            "root" => parts.root = Some(entry),
            "last" => parts.last = Some(entry),
            "request" => parts.of_requests.push(entry),
            word => {
                if word == "inferred" {
                    parts.inferred.insert(entry.key());
                }
                parts.entries.push(entry);
            }
        }
    }
    Ok(parts)
}

/// How PostgreSQL reads a page of the thread of the entry with this id.
pub fn plan_of_page(
    conn: &mut PgConnection,
    source: Source,
    id: &str,
    position: Option<&(Direction, TimelineCursor)>,
) -> QueryResult<Vec<String>> {
    statement(&Known::default(), source, id, position).explain(conn)
}

/// An audit entry has no cause of its own: it stands with what its request did.
fn act_behind(conn: &mut PgConnection, entry: &Entry) -> QueryResult<Option<Entry>> {
    let Some(request) = entry.request_id.as_deref().filter(|_| entry.source() == Source::Audit) else {
        return Ok(None);
    };
    let mut s = RowStatement::new();
    shown(&mut s, |s| {
        s.sql("(SELECT 'act' AS part, t.* FROM pilothouse.timeline t WHERE t.request_id = ").text(request);
        s.sql(" AND t.source <> 'audit' ORDER BY t.at LIMIT 1)");
    });
    let rows: Vec<Row> = s.load(conn)?;
    Ok(rows.into_iter().find_map(Row::into_entry))
}

fn statement(
    known: &Known,
    source: Source,
    id: &str,
    position: Option<&(Direction, TimelineCursor)>,
) -> RowStatement {
    let mut s = RowStatement::new();
    // Behind a policy an index is only used for plain columns: names are taken apart before they are looked up.
    s.sql("WITH RECURSIVE up (depth, root, source, id) AS ( \
             SELECT 0, n.root, split_part(n.root, ':', 1) COLLATE \"C\", substr(n.root, strpos(n.root, ':') + 1) COLLATE \"C\" \
             FROM (SELECT coalesce((SELECT e.root FROM pilothouse.thread_entries e WHERE e.source = '")
        .sql(source.as_str())
        .sql("' AND e.id = ")
        .text(id)
        .sql("), ")
        .text(format!("{}:{id}", source.as_str()))
        .sql(") AS root OFFSET 0) n \
             UNION ALL SELECT up.depth + 1, e.root, split_part(e.root, ':', 1) COLLATE \"C\", \
                 substr(e.root, strpos(e.root, ':') + 1) COLLATE \"C\" \
             FROM up JOIN pilothouse.thread_entries e ON e.source = up.source AND e.id = up.id \
             WHERE up.depth < 20 AND e.root <> up.root), \
         first AS MATERIALIZED (SELECT u.source, u.id, md5(u.root)::uuid AS thread FROM up u ORDER BY u.depth DESC LIMIT 1), \
         member AS MATERIALIZED (SELECT e.source, e.id, e.is_inferred FROM pilothouse.thread_entries e \
             WHERE e.thread = (SELECT f.thread FROM first f)");
    let order = match position {
        Some((Direction::Before, cursor)) => {
            s.sql(" AND (e.at, e.source, e.id) < (").big(cursor.ms);
            s.sql(", '").sql(cursor.source.as_str()).sql("', ").text(cursor.id.as_str()).sql(")");
            " ORDER BY e.at DESC, e.source DESC, e.id DESC"
        }
        Some((Direction::After, cursor)) => {
            s.sql(" AND (e.at, e.source, e.id) > (").big(cursor.ms);
            s.sql(", '").sql(cursor.source.as_str()).sql("', ").text(cursor.id.as_str()).sql(")");
            " ORDER BY e.at, e.source, e.id"
        }
        None => " ORDER BY e.at, e.source, e.id",
    };
    s.sql(order).sql(ONE_PAGE_AND_ONE).sql(
        "), \
         last AS MATERIALIZED (SELECT e.source, e.id FROM pilothouse.thread_entries e \
             WHERE e.thread = (SELECT f.thread FROM first f) ORDER BY e.at DESC, e.source DESC, e.id DESC LIMIT 1), \
         found AS MATERIALIZED (SELECT w.part, t.* FROM (SELECT 'root' AS part, f.source, f.id FROM first f \
                 UNION ALL SELECT CASE WHEN m.is_inferred THEN 'inferred' ELSE 'told' END, m.source, m.id FROM member m \
                 UNION ALL SELECT 'last', l.source, l.id FROM last l \
                 UNION ALL SELECT 'asked', '",
    );
    s.sql(source.as_str()).sql("', ").text(id);
    s.sql(
        " COLLATE \"C\") w \
             JOIN pilothouse.timeline t ON t.source = w.source AND t.id = w.id), \
         asked AS MATERIALIZED (SELECT DISTINCT f.request_id FROM found f \
             WHERE f.request_id IS NOT NULL AND f.part NOT IN ('asked', 'last')), \
         request AS MATERIALIZED (SELECT t.* FROM asked a CROSS JOIN LATERAL ( \
                 SELECT t.* FROM pilothouse.timeline t WHERE t.request_id = a.request_id LIMIT 10) t \
             WHERE NOT EXISTS (SELECT FROM pilothouse.thread_entries e WHERE e.source = t.source AND e.id = t.id \
                 AND e.thread = (SELECT f.thread FROM first f))) ",
    );
    shown_beside(&mut s, known, |s| {
        s.sql("SELECT t.* FROM found t UNION ALL SELECT 'request', t.* FROM request t");
    });
    s
}

fn page(asked: Entry, parts: Parts, position: Option<&(Direction, TimelineCursor)>) -> WholeThread {
    let Parts { root, last, mut entries, inferred, mut of_requests, .. } = parts;
    entries.sort_by(|a, b| a.position.cmp(&b.position));
    let has_more = entries.len() > PAGE;
    let is_backwards = matches!(position, Some((Direction::Before, _)));
    if is_backwards {
        entries.drain(..entries.len().saturating_sub(PAGE));
    } else {
        entries.truncate(PAGE);
    }
    let start = position.map(|(_, cursor)| cursor);
    let begins = entries.first().map(|entry: &Entry| &entry.position).or(start).cloned();
    let ends = entries.last().map(|entry| &entry.position).or(start).cloned();
    let is_first = if is_backwards { !has_more } else { position.is_none() };
    let is_last = !is_backwards && !has_more;
    if is_first {
        // Whatever its clock says, nothing was before it. In a circle it stands among the others.
        let root = root.clone().filter(|root: &Entry| entries.iter().all(|e| e.position != root.position));
        entries.splice(0..0, root);
    }
    if entries.is_empty() && is_first {
        entries.push(asked.clone());
    }
    of_requests.sort_by(|a, b| b.position.cmp(&a.position));
    for other in of_requests {
        let is_there = entries.iter().any(|entry| entry.position == other.position);
        let home = entries.iter_mut().find(|entry| entry.request_id == other.request_id);
        if let (false, Some(home)) = (is_there, home) {
            home.folded.push(other);
        }
    }
    WholeThread {
        asked,
        root,
        last,
        entries,
        inferred,
        earlier: begins.filter(|_| !is_first),
        later: ends.filter(|_| !is_last),
    }
}
