//! Events of the projects that somebody sees, newest first: read by the timeline's indexes, out of their own table.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::events::{Event, event_columns};
use crate::db::ids::{ProjectId, UserId};

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

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(embed)]
    event: Event,
}

/// The conditions that all ways share; an absent one is no condition. A position alone bounds the walk along the index.
macro_rules! conditions {
    () => {
        "t.source = 'event' AND ($1 IS NULL OR t.kind = ANY ($1)) AND ($2 IS NULL OR t.status = ANY ($2)) \
         AND t.at >= coalesce($3, -9223372036854775807) AND t.at < coalesce($4, 9223372036854775807) \
         AND (t.at, t.id) < (coalesce($5, 9223372036854775807), coalesce($6, U&'\\+10FFFF') COLLATE \"C\")"
    };
}

/// The events that `asked` wants.
pub fn page(conn: &mut PgConnection, asked: &Asked) -> QueryResult<Feed> {
    const END: &str = concat!(
        ") SELECT t.at, ",
        event_columns!(),
        " FROM t JOIN public.\"ActivityEvent\" e ON e.id = t.id ORDER BY t.at DESC, t.id COLLATE \"C\" DESC"
    );
    const ORDER: &str = " ORDER BY t.at DESC, t.id DESC LIMIT $7";
    let start = "WITH t AS MATERIALIZED (SELECT t.at, t.id COLLATE \"default\" AS id FROM pilothouse.timeline t WHERE ";
    let rest = conditions!();
    let sql = match asked.reach {
        Reach::Project(_) => format!("{start}t.project_id = $8 AND {rest}{ORDER}{END}"),
        Reach::Owner(_) => format!("{start}t.owner_id = $8 AND {rest}{ORDER}{END}"),
        Reach::Everything => format!("{start}$8 IS NULL AND {rest}{ORDER}{END}"),
        // Project by project: sorting all of theirs would read all of theirs.
        Reach::Token => format!(
            "WITH t AS MATERIALIZED (SELECT t.at, t.id COLLATE \"default\" AS id FROM pilothouse.app_token_projects(NULL) p \
             CROSS JOIN LATERAL (SELECT t.at, t.id FROM pilothouse.timeline t WHERE $8 IS NULL AND t.project_id = p \
             AND {rest}{ORDER}) t{ORDER}{END}"
        ),
    };
    let some = |words: &Vec<String>| (!words.is_empty()).then(|| words.clone());
    let (before_at, before_id) = asked.before.clone().unzip();
    let of: Option<Uuid> = match asked.reach {
        Reach::Project(project) => Some(project.0),
        Reach::Owner(owner) => Some(owner.0),
        Reach::Token | Reach::Everything => None,
    };
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Nullable<Array<Text>>, _>(some(&asked.types))
        .bind::<Nullable<Array<Text>>, _>(some(&asked.statuses))
        .bind::<Nullable<BigInt>, _>(asked.from)
        .bind::<Nullable<BigInt>, _>(asked.until)
        .bind::<Nullable<BigInt>, _>(before_at)
        .bind::<Nullable<Text>, _>(before_id)
        .bind::<BigInt, _>(asked.limit.saturating_add(1))
        .bind::<Nullable<SqlUuid>, _>(of)
        .load(conn)?;
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let next = rows.get(limit.wrapping_sub(1)).filter(|_| rows.len() > limit);
    let next = next.map(|row| (row.at, row.event.id.clone()));
    Ok(Feed { events: rows.into_iter().take(limit).map(|row| row.event).collect(), next })
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
