//! A SELECT that is put together from pieces of SQL and binds.
//!
//! For the few queries that Diesel's builder can't say. Unlike `sql_query`, what comes out is prepared once
//! a connection and then found again by its text. Pieces are `'static`: what a request brings can only
//! become a bind.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl};

use super::time::Timestamp;

#[derive(Debug, Clone)]
enum Piece {
    Sql(&'static str),
    BigInt(i64),
    Text(String),
    Texts(Vec<String>),
    Timestamp(NaiveDateTime),
}

impl Piece {
    /// The SQL type of a bind, and its value as SQL.
    fn as_literal(&self) -> Option<(&'static str, String)> {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Sql(_) => None,
            Self::BigInt(value) => Some(("bigint", value.to_string())),
            Self::Text(text) => Some(("text", quoted(text))),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                Some(("text[]", format!("ARRAY[{}]::text[]", texts.join(", "))))
            }
            Self::Timestamp(value) => Some(("timestamp", quoted(&value.to_string()))),
        }
    }
}

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

/// A statement that answers rows of the SQL type `R`: a tuple, read by position.
#[derive(Debug, Clone)]
pub struct Statement<R> {
    pieces: Vec<Piece>,
    keeping: Keeping,
    /// Whether a rare shape is kept, once that was asked.
    is_kept: OnceLock<bool>,
    row: PhantomData<R>,
}

/// Whether connections keep the statement prepared. One that they don't keep costs a second round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Always,
    /// Unless the process keeps too many such already.
    WhileFew,
}

/// Rare shapes that a process keeps. A connection keeps what it has prepared for ever, and requests combine
/// shapes freely: these are enough for what people really ask, and bound what a visitor can make servers hold.
const MOST_RARE_SHAPES: usize = 64;

fn keeps(text: &str) -> bool {
    static KEPT: LazyLock<Mutex<HashSet<u64>>> = LazyLock::new(Mutex::default);
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let hash = hasher.finish();
    kept.contains(&hash) || (kept.len() < MOST_RARE_SHAPES && kept.insert(hash))
}

impl<R> Default for Statement<R> {
    fn default() -> Self {
        Self { pieces: Vec::new(), keeping: Keeping::Always, is_kept: OnceLock::new(), row: PhantomData }
    }
}

impl<R> Statement<R> {
    /// An empty statement.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For a statement whose shape requests put together: it is kept prepared only while few such are.
    pub fn limit_statement_cache(&mut self) -> &mut Self {
        self.keeping = Keeping::WhileFew;
        self
    }

    fn is_kept(&self) -> bool {
        match self.keeping {
            Keeping::Always => true,
            Keeping::WhileFew => *self.is_kept.get_or_init(|| keeps(&self.to_text())),
        }
    }

    /// Adds a piece of SQL.
    pub fn sql(&mut self, sql: &'static str) -> &mut Self {
        self.pieces.push(Piece::Sql(sql));
        self
    }

    /// Adds a bind of type `bigint`.
    pub fn big(&mut self, value: i64) -> &mut Self {
        self.pieces.push(Piece::BigInt(value));
        self
    }

    /// Adds a bind of type `text`.
    pub fn text(&mut self, value: impl Into<String>) -> &mut Self {
        self.pieces.push(Piece::Text(value.into()));
        self
    }

    /// Adds a bind of type `text[]`.
    pub fn texts(&mut self, values: Vec<String>) -> &mut Self {
        self.pieces.push(Piece::Texts(values));
        self
    }

    /// Adds a bind of type `timestamp`.
    pub fn timestamp(&mut self, value: NaiveDateTime) -> &mut Self {
        self.pieces.push(Piece::Timestamp(value));
        self
    }

    /// How PostgreSQL reads it once it is kept prepared, whatever its values: the plan, executed, a line each, with
    /// how often each step ran and what it touched.
    pub fn explain(&self, conn: &mut PgConnection) -> QueryResult<Vec<String>> {
        let binds = || self.pieces.iter().filter_map(Piece::as_literal);
        let list = |texts: Vec<String>| {
            if texts.is_empty() { String::new() } else { format!("({})", texts.join(", ")) }
        };
        let types = list(binds().map(|(sql_type, _)| sql_type.to_owned()).collect());
        let values = list(binds().map(|(_, literal)| literal).collect());
        conn.batch_execute(&format!("PREPARE explained {types} AS {}", self.to_text()))?;
        let question = format!(
            "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE explained {values}"
        );
        let lines: Vec<PlanLine> = diesel::sql_query(question).load(conn)?;
        conn.batch_execute("DEALLOCATE explained")?;
        Ok(lines.into_iter().map(|line| line.text).collect())
    }

    /// The statement as text, with `$1` and so on for its binds.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut binds = 0_usize;
        for piece in &self.pieces {
            if let Piece::Sql(sql) = piece {
                text.push_str(sql);
            } else {
                binds += 1;
                text.push('$');
                text.push_str(&binds.to_string());
            }
        }
        text
    }
}

/// A query up to so many rows, as a part of its text: what is bound tells the planner nothing, and it would read and sort
/// all for a page.
#[derive(Debug)]
pub(crate) struct UpTo<Q> {
    query: Q,
    limit: &'static str,
}

impl<Q> UpTo<Q> {
    pub(crate) fn page_of(limit: usize, query: Q) -> Self {
        Self { query, limit: limit_of_page(limit) }
    }
}

/// For a page of up to 250 rows, and one more, or some: there are few such texts.
pub(crate) fn limit_of_page(limit: usize) -> &'static str {
    match limit {
        ..=10 => " LIMIT 11",
        11..=25 => " LIMIT 26",
        26..=50 => " LIMIT 51",
        51..=100 => " LIMIT 101",
        101..=250 => " LIMIT 251",
        _ => "",
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for UpTo<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(self.limit);
        Ok(())
    }
}

impl<Q> QueryId for UpTo<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for UpTo<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for UpTo<Q> {}

/// How PostgreSQL reads what Diesel asks once it is kept prepared, whatever its values: the plan, a line each.
pub(crate) fn plan_of<Q: QueryFragment<Pg>>(conn: &mut PgConnection, query: &Q) -> QueryResult<Vec<String>> {
    let text = diesel::debug_query::<Pg, _>(query).to_string();
    let sql = text.split(" -- binds: ").next().unwrap_or_default();
    let binds = (1..=u16::MAX).take_while(|bind| sql.contains(&format!("${bind}"))).count();
    let values = if binds == 0 { String::new() } else { format!("({})", vec!["NULL"; binds].join(", ")) };
    conn.batch_execute(&format!("PREPARE explained AS {sql}"))?;
    let lines: Vec<PlanLine> =
        diesel::sql_query(format!("EXPLAIN (COSTS OFF) EXECUTE explained {values}")).load(conn)?;
    conn.batch_execute("DEALLOCATE explained")?;
    Ok(lines.into_iter().map(|line| line.text).collect())
}

impl<R> QueryFragment<Pg> for Statement<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.is_kept() {
            out.unsafe_to_cache_prepared();
        }
        for piece in &self.pieces {
            match piece {
                Piece::Sql(sql) => out.push_sql(sql),
                Piece::BigInt(value) => out.push_bind_param::<BigInt, _>(value)?,
                Piece::Text(value) => out.push_bind_param::<Text, _>(value)?,
                Piece::Texts(values) => out.push_bind_param::<Array<Text>, _>(values)?,
                Piece::Timestamp(value) => out.push_bind_param::<Timestamp, _>(value)?,
            }
        }
        Ok(())
    }
}

impl<R> QueryId for Statement<R> {
    type QueryId = ();

    // The text differs from one value to the next, so the cache must go by the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R> Query for Statement<R> {
    type SqlType = R;
}

impl<R> RunQueryDsl<PgConnection> for Statement<R> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_binds_in_their_order() {
        let mut statement = Statement::<(Text,)>::new();
        statement.sql("SELECT 'x' WHERE 1 < ").big(7).sql(" AND 'a' = ").text("'; DROP TABLE users");
        assert_eq!(statement.to_text(), "SELECT 'x' WHERE 1 < $1 AND 'a' = $2");
        let debug = diesel::debug_query::<Pg, _>(&statement).to_string();
        assert!(debug.starts_with("SELECT 'x' WHERE 1 < $1 AND 'a' = $2 -- binds: [7, "), "{debug}");
    }
}
