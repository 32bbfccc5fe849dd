//! What changed on the timeline, in the order in which transactions were committed.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use crate::db::statement::Statement;

/// How far a reader has seen: everything of transactions before `xmin`, and what it was told since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    xmin: String,
    told: Vec<(String, String, String)>,
}

/// Source and id of an entry.
pub type Key = (String, String);

/// Entries that one answer names at most.
const MOST: &str = "1000";

impl Seen {
    pub fn now(conn: &mut PgConnection) -> QueryResult<Self> {
        read(conn, None)
    }

    /// The entries that were written since, also by transactions that began long before and were committed late. A
    /// transaction that is still open holds nobody up: what it writes is told once it is committed.
    pub fn since(&mut self, conn: &mut PgConnection) -> QueryResult<Vec<Key>> {
        let now = read(conn, Some(&self.xmin))?;
        let news = now.told.iter().filter(|entry| !self.told.contains(entry));
        let keys = news.map(|(_, source, id)| (source.clone(), id.clone())).collect();
        *self = now;
        Ok(keys)
    }
}

/// `xmin` of the snapshot, and an entry's transaction, source and id.
type Row = (String, Option<String>, Option<String>, Option<String>);

/// Rows and snapshot in one statement, so that both are of one moment.
fn read(conn: &mut PgConnection, xmin: Option<&str>) -> QueryResult<Seen> {
    let mut s = Statement::<(Text, Nullable<Text>, Nullable<Text>, Nullable<Text>)>::new();
    s.sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text, t.xid::text, t.source, t.id FROM (SELECT) one LEFT JOIN (");
    s.sql("SELECT t.xid, t.source, t.id FROM pilothouse.timeline t WHERE t.xid > '0' AND t.xid >= ");
    match xmin {
        Some(xmin) => s.text(xmin).sql("::xid8"),
        None => s.sql("pg_snapshot_xmin(pg_current_snapshot())"),
    };
    s.sql(" ORDER BY t.xid LIMIT ").sql(MOST).sql(") t ON true");
    let rows: Vec<Row> = s.load(conn)?;
    let xmin = rows.first().map(|row| row.0.clone()).unwrap_or_default();
    let told = rows.into_iter().filter_map(|(_, xid, source, id)| Some((xid?, source?, id?))).collect();
    Ok(Seen { xmin, told })
}
