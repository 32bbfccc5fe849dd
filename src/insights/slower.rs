//! What runs now, held against how long its like usually takes in its project.

use std::collections::HashMap;

use chrono::{DateTime, Days, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text};

use super::percentile;
use crate::activity::Source;
use crate::activity::timeline::Entry;
use crate::db::statement::Statement;

/// Runs of its type that a project must have had before one is called slow.
pub const ENOUGH: i64 = 20;
/// Days whose runs tell what is usual.
const DAYS: u64 = 90;

/// How long 95 of a hundred stay within, milliseconds, by project and type; only where there are enough of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usual(HashMap<(String, String), i64>);

impl Usual {
    /// What is usual for those of `entries` that go on.
    pub fn of(conn: &mut PgConnection, entries: &[Entry], now: DateTime<Utc>) -> QueryResult<Self> {
        let (scopes, kinds): (Vec<String>, Vec<String>) =
            entries.iter().filter_map(place).map(|(project, kind)| (format!("p:{project}"), kind)).unzip();
        if scopes.is_empty() {
            return Ok(Self::default());
        }
        let mut s = Statement::<(Text, Text, SmallInt, BigInt)>::new();
        s.sql("SELECT substr(k.scope, 3), k.kind, u.bucket, sum(u.runs)::bigint FROM (SELECT DISTINCT * FROM unnest(")
            .texts(scopes)
            .sql(", ")
            .texts(kinds)
            .sql(") x (scope, kind)) p JOIN pilothouse.daily_kinds k ON k.scope = p.scope AND k.kind = p.kind AND k.day >= ")
            .text((now.date_naive() - Days::new(DAYS)).to_string())
            .sql(
                "::date CROSS JOIN LATERAL unnest(k.buckets, k.runs) u (bucket, runs) \
                 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            );
        let rows: Vec<(String, String, i16, i64)> = s.load(conn)?;
        let by_place = rows.chunk_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1));
        let usual = by_place.filter_map(|rows| {
            let buckets: Vec<(i16, i64)> = rows.iter().map(|(.., bucket, runs)| (*bucket, *runs)).collect();
            let (project, kind, ..) = rows.first()?;
            let runs: i64 = buckets.iter().map(|(_, runs)| runs).sum();
            Some(((project.clone(), kind.clone()), percentile(&buckets, 95).filter(|_| runs >= ENOUGH)?))
        });
        Ok(Self(usual.collect()))
    }

    /// What `entry` has gone past, if it takes longer than usual.
    #[must_use]
    pub fn passed_by(&self, entry: &Entry, now: DateTime<Utc>) -> Option<i64> {
        let usual = *self.0.get(&place(entry)?)?;
        (now.timestamp_millis() - entry.moment.ms > usual).then_some(usual)
    }
}

fn place(entry: &Entry) -> Option<(String, String)> {
    let project = entry.project.as_ref().filter(|_| entry.source() == Source::Event)?;
    Some((project.id.clone(), entry.kind.as_str().to_owned()))
}
