//! Events of the projects that somebody sees, newest first: read by the timeline's indexes, out of their own table.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::events::{Event, EventSql, event_columns};
use crate::db::ids::{ProjectId, UserId};
use crate::db::statement::{Statement, limit_of_page};

/// How to look. Row-level security decides what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Project(ProjectId),
    /// All projects of an owner.
    Owner(UserId),
    /// The projects of a token.
    Token,
    Everything,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub reach: Reach,
    pub types: Vec<String>,
    pub statuses: Vec<String>,
    /// First millisecond.
    pub from: Option<i64>,
    /// First millisecond that is too late.
    pub until: Option<i64>,
    /// Events older than this position.
    pub before: Option<(i64, String)>,
    pub limit: i64,
}

#[derive(Debug, Clone)]
pub struct Feed {
    pub events: Vec<Event>,
    /// Where the next ones begin, if there are more.
    pub next: Option<(i64, String)>,
}

/// The events that `asked` wants.
pub fn page(conn: &mut PgConnection, asked: &Asked) -> QueryResult<Feed> {
    let rows: Vec<(i64, Event)> = statement(asked).load(conn)?;
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let next = rows.get(limit.wrapping_sub(1)).filter(|_| rows.len() > limit);
    let next = next.map(|(at, event)| (*at, event.id.clone()));
    Ok(Feed { events: rows.into_iter().take(limit).map(|(_, event)| event).collect(), next })
}

fn statement(asked: &Asked) -> Statement<(BigInt, EventSql)> {
    const ORDER: &str = " ORDER BY t.at DESC, t.id DESC";
    let limit = limit_of_page(usize::try_from(asked.limit).unwrap_or(usize::MAX));
    let mut s = Statement::new();
    s.limit_statement_cache();
    s.sql("WITH t AS MATERIALIZED (SELECT t.at, t.id COLLATE \"default\" AS id FROM ");
    match asked.reach {
        Reach::Project(ProjectId(id)) => {
            s.sql("pilothouse.timeline t WHERE t.project_id = ").text(id.to_string()).sql("::uuid AND ");
        }
        Reach::Owner(UserId(id)) => {
            s.sql("pilothouse.timeline t WHERE t.owner_id = ").text(id.to_string()).sql("::uuid AND ");
        }
        Reach::Everything => {
            s.sql("pilothouse.timeline t WHERE ");
        }
        // Project by project: sorting all of theirs would read all of theirs.
        Reach::Token => {
            s.sql(
                "pilothouse.app_token_projects(NULL) p CROSS JOIN LATERAL (SELECT t.at, t.id \
                 FROM pilothouse.timeline t WHERE t.project_id = p AND ",
            );
        }
    }
    // Operations stand among the events, and are none that were reported.
    s.sql(
        "t.source = 'event' AND (t.id NOT LIKE 'op\\_%' \
         OR EXISTS (SELECT FROM public.\"ActivityEvent\" e WHERE e.id = t.id COLLATE \"default\"))",
    );
    if !asked.types.is_empty() {
        s.sql(" AND t.kind = ANY (").texts(asked.types.clone()).sql(")");
    }
    if !asked.statuses.is_empty() {
        s.sql(" AND t.status = ANY (").texts(asked.statuses.clone()).sql(")");
    }
    if let Some(from) = asked.from {
        s.sql(" AND t.at >= ").big(from);
    }
    if let Some(until) = asked.until {
        s.sql(" AND t.at < ").big(until);
    }
    if let Some((at, id)) = &asked.before {
        s.sql(" AND (t.at, t.id) < (").big(*at).sql(", ").text(id.as_str()).sql(" COLLATE \"C\")");
    }
    s.sql(ORDER).sql(limit);
    if asked.reach == Reach::Token {
        s.sql(") t").sql(ORDER).sql(limit);
    }
    s.sql(concat!(
        ") SELECT t.at, ",
        event_columns!(),
        " FROM t JOIN public.\"ActivityEvent\" e ON e.id = t.id ORDER BY t.at DESC, t.id COLLATE \"C\" DESC"
    ));
    s
}

#[derive(QueryableByName)]
struct Sees {
    #[diesel(sql_type = Bool)]
    sees: bool,
}

/// Whether the actor sees an event of this type: other programs' types are found by their rows.
pub fn holds_type(conn: &mut PgConnection, word: &str) -> QueryResult<bool> {
    let row: Sees = diesel::sql_query(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_enum e WHERE e.enumtypid = 'public.\"ActivityEventType\"'::regtype \
         AND e.enumlabel = $1) AS sees",
    )
    .bind::<Text, _>(word)
    .get_result(conn)?;
    Ok(row.sees)
}
