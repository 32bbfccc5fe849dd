//! What changed on the timeline, in the order in which transactions were committed.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid};

use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::statement::Statement;

/// How far a reader has seen: everything of transactions before `xmin`, and what it was told since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    xmin: String,
    told: Vec<Row>,
}

/// An entry that was written, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub source: String,
    pub id: String,
    pub project: Option<ProjectId>,
    pub owner: Option<UserId>,
    pub container: Option<ContainerId>,
}

/// Entries that one answer names at most.
const MOST: usize = 1000;
/// One more tells whether there are more.
const LIMIT: &str = "1001";

impl Seen {
    pub fn now(conn: &mut PgConnection) -> QueryResult<Self> {
        read(conn, None)
    }

    /// The entries that were written since, also by transactions that began long before and were committed late. A
    /// transaction that is still open holds nobody up: what it writes is told once it is committed. None when there are
    /// more of them than one answer names: then anything may have changed.
    pub fn since(&mut self, conn: &mut PgConnection) -> QueryResult<Option<Vec<Change>>> {
        let now = read(conn, Some(&self.xmin))?;
        if now.told.len() > MOST {
            *self = now;
            return Ok(None);
        }
        let told: HashSet<(&str, &str, &str)> = self.told.iter().map(Row::key).collect();
        let news = now.told.iter().filter(|row| !told.contains(&row.key())).map(Row::change).collect();
        *self = now;
        Ok(Some(news))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
struct Row {
    xid: String,
    source: String,
    id: String,
    project_id: Option<ProjectId>,
    owner_id: Option<UserId>,
    container_id: Option<ContainerId>,
}

type RowSql = (Text, Text, Text, Nullable<Uuid>, Nullable<Uuid>, Nullable<Uuid>);

impl Row {
    fn key(&self) -> (&str, &str, &str) {
        (&self.xid, &self.source, &self.id)
    }

    fn change(&self) -> Change {
        let (source, id) = (self.source.clone(), self.id.clone());
        Change { source, id, project: self.project_id, owner: self.owner_id, container: self.container_id }
    }
}

/// Rows and snapshot in one statement, so that both are of one moment.
fn read(conn: &mut PgConnection, xmin: Option<&str>) -> QueryResult<Seen> {
    let mut s = Statement::<(Text, Nullable<RowSql>)>::new();
    s.sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text, t.xid::text, t.source, t.id, t.project_id, t.owner_id, t.container_id");
    s.sql(
        " FROM (SELECT) one LEFT JOIN (SELECT * FROM pilothouse.timeline t WHERE t.xid > '0' AND t.xid >= ",
    );
    match xmin {
        Some(xmin) => s.text(xmin).sql("::xid8"),
        None => s.sql("pg_snapshot_xmin(pg_current_snapshot())"),
    };
    s.sql(" ORDER BY t.xid LIMIT ").sql(LIMIT).sql(") t ON true");
    let rows: Vec<(String, Option<Row>)> = s.load(conn)?;
    let xmin = rows.first().map(|(xmin, _)| xmin.clone()).unwrap_or_default();
    Ok(Seen { xmin, told: rows.into_iter().filter_map(|(_, row)| row).collect() })
}
