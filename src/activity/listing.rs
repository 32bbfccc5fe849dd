//! A project's actions for programs: plain rows, newest first, by position or by offset.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::filter::Words;
use super::position::{Source, TimelineCursor};
use super::timeline::{Scope, WordColumn, scope, words};
use crate::db::batch::{self, weight_of_json};
use crate::db::ids::ProjectId;
use crate::db::schema::projects;
use crate::db::statement::Statement;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Stored types; all when empty.
    pub types: Vec<String>,
    /// Stored statuses; all when empty.
    pub statuses: Vec<String>,
    /// Stored environments; all when empty.
    pub environments: Vec<String>,
    /// First millisecond.
    pub since: Option<i64>,
    /// First millisecond that is too late.
    pub until: Option<i64>,
    /// Rows at most.
    pub limit: i64,
    /// Where to go on.
    pub start: Start,
}

/// Where a list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After this many rows, which are read and thrown away.
    Offset(i64),
    After(TimelineCursor),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// One JSON object a row, written by PostgreSQL: what `reference_ids` holds comes out as it went in.
    pub rows: Vec<String>,
    /// Where the next rows begin, if there are more.
    pub next: Option<TimelineCursor>,
}

/// Whether the viewer sees such a project.
pub fn project_exists(conn: &mut PgConnection, project: ProjectId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(projects::table.find(project))).get_result(conn)
}

/// The actions of `project` that the viewer may see and `listing` asks for.
pub fn actions(conn: &mut PgConnection, project: ProjectId, listing: &Listing) -> QueryResult<Listed> {
    let offset = match listing.start {
        Start::Offset(offset) => offset,
        Start::After(_) => 0,
    };
    let mut s = Statement::<(BigInt, Text, Nullable<Text>)>::new();
    if !(listing.types.is_empty() && listing.statuses.is_empty() && listing.environments.is_empty()) {
        s.limit_statement_cache();
    }
    // What rows weigh is known without reading them: as many are written out as an answer may hold, but one at least.
    s.sql("WITH x AS MATERIALIZED (");
    select(&mut s, project, listing);
    s.sql(" ORDER BY t.at DESC, t.source DESC, t.id DESC LIMIT ").big(listing.limit.saturating_add(1));
    s.sql(" OFFSET ").big(offset);
    s.sql(concat!(
        "), weighed AS (SELECT x.at, x.id, row_number() OVER w AS n, sum((SELECT coalesce(octet_length(a.action_details), 0) + ",
        weight_of_json!("a.reference_ids"),
        " FROM turbobackend.project_actions a WHERE a.action_id = x.id)) OVER w AS total FROM x \
         WINDOW w AS (ORDER BY x.at DESC, x.id DESC ROWS UNBOUNDED PRECEDING)) \
         SELECT w.at, w.id, CASE WHEN w.n = 1 OR w.total <= "
    ));
    s.big(batch::MOST_BYTES);
    s.sql(
        " THEN (SELECT json_build_object('action_id', a.action_id, 'project_id', a.project_id, \
         'user_id', a.user_id, 'request_id', a.request_id, 'action_type', a.action_type, \
         'action_details', a.action_details, 'status', a.status, 'environment', a.environment, \
         'reference_ids', a.reference_ids, 'created_at', a.created_at)::text \
         FROM turbobackend.project_actions a WHERE a.action_id = w.id) END FROM weighed w ORDER BY w.n",
    );
    let read: Vec<(i64, String, Option<String>)> = s.load(conn)?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let found = read.len();
    let rows: Vec<(i64, String, String)> =
        read.into_iter().take(limit).map_while(|(ms, id, json)| Some((ms, id, json?))).collect();
    let last = rows.last().filter(|_| rows.len() < found);
    let next = last.map(|(ms, id, _)| TimelineCursor { ms: *ms, source: Source::Action, id: id.clone() });
    Ok(Listed { rows: rows.into_iter().map(|(_, _, json)| json).collect(), next })
}

fn select(s: &mut Statement<(BigInt, Text, Nullable<Text>)>, project: ProjectId, listing: &Listing) {
    // Compared with a column of another collation, so that its index is found.
    s.sql("SELECT t.at, t.id COLLATE \"default\" AS id FROM pilothouse.timeline t WHERE ");
    scope(s, Scope::Project(project));
    s.sql(" AND t.source = 'action'");
    if let Some(since) = listing.since {
        s.sql(" AND t.at >= ").big(since);
    }
    if let Some(until) = listing.until {
        s.sql(" AND t.at < ").big(until);
    }
    if let Start::After(cursor) = &listing.start {
        s.sql(" AND (t.at, t.source, t.id) < (")
            .big(cursor.ms)
            .sql(", 'action', ")
            .text(cursor.id.as_str())
            .sql(")");
    }
    for (column, asked) in [
        (WordColumn::Type, &listing.types),
        (WordColumn::Status, &listing.statuses),
        (WordColumn::Environment, &listing.environments),
    ] {
        let only = asked.iter().map(|word| column.stored(word)).collect();
        words(s, column, &Words { only, not: Vec::new() }, None);
    }
}
