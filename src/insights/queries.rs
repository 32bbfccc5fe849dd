//! What the counts say. Each statement reads rows of days, never the records behind them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use super::{Question, Scope};
use crate::activity::durations::percentile;
use crate::db::statement::Statement;
use crate::db::time::Timestamptz;

/// What there was of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindCount {
    /// The stored word; empty where none was told.
    pub kind: String,
    pub entries: i64,
    pub failed: i64,
    /// Entries of each day of the range.
    pub by_day: Vec<i64>,
    pub failed_by_day: Vec<i64>,
    /// How many say how long they took.
    pub timed: i64,
    /// Milliseconds that half of them, and 95 of a hundred, stay within: off by 5 % at most.
    pub p50: Option<i64>,
    pub p95: Option<i64>,
    pub slowest: Option<Slowest>,
}

/// The entry of its type that took longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slowest {
    pub source: String,
    pub id: String,
    /// As the timeline calls it.
    pub title: String,
    pub ms: i64,
}

/// How much of what happened in the range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Up to when everything is counted; None before the first count.
    pub as_of: Option<DateTime<Utc>>,
    /// Entries and failed ones, a day each.
    pub days: Vec<(NaiveDate, i64, i64)>,
    /// Entries by weekday (Monday first) and hour.
    pub hours: [[i64; 24]; 7],
    /// The most first.
    pub kinds: Vec<KindCount>,
    /// The environments that are named in the range, whatever is asked for.
    pub environments: Vec<String>,
}

/// Types that are told by themselves; more make one row, "other types", with an impossible word.
pub const MOST_KINDS: usize = 60;
/// What the rest of the types is called here: no source can hold it.
pub const REST: &str = "\u{0}rest";

/// `day`, `hour` or `bucket`; type; which of them; entries or runs; failed ones; the longest.
type Count = (Text, Text, BigInt, BigInt, BigInt, Nullable<Text>);

/// The scope's condition on `k.scope`.
pub(super) fn of_scope<R>(s: &mut Statement<R>, scope: Scope) {
    match scope {
        Scope::Everything => s.sql("k.scope = '*'"),
        Scope::Own => s.sql("k.scope = ANY (ARRAY(SELECT 'p:' || p FROM pilothouse.app_projects() p))"),
        Scope::Project(id) => s.sql("k.scope = ").text(format!("p:{id}")),
    };
}

/// The condition on `k.day`, and on `a.at` where the quarters are at hand.
pub(super) fn of_range<R>(s: &mut Statement<R>, question: &Question, has_time: bool) {
    let (first, last) = question.range.utc_days();
    s.sql(" AND k.day >= ")
        .text(first.to_string())
        .sql("::date AND k.day <= ")
        .text(last.to_string())
        .sql("::date");
    if has_time {
        let (from, until) = question.range.bounds();
        s.sql(" AND a.at >= ").big(from).sql(" AND a.at < ").big(until);
    }
}

fn of_environment<R>(s: &mut Statement<R>, question: &Question) {
    if let Some(environment) = &question.environment {
        s.sql(" AND k.environment = ").text(environment.clone());
    }
}

/// The quarter's time, and the same as if the viewer's zone were UTC.
fn local_time<R>(s: &mut Statement<R>, question: &Question, quarter: &'static str) {
    let shifts = question.range.shifts();
    s.sql(" CROSS JOIN LATERAL (SELECT (k.day - DATE 'epoch')::bigint * 86400000 + ")
        .sql(quarter)
        .sql(" * 900000 AS at) a CROSS JOIN LATERAL (SELECT a.at + (")
        .texts(shifts.iter().map(|(_, ahead)| ahead.to_string()).collect())
        .sql("::bigint[])[width_bucket(a.at, ")
        .texts(shifts.iter().map(|(since, _)| since.to_string()).collect())
        .sql("::bigint[])] AS at) l");
}

/// Counts by type and day, by hour of the week, and durations by type and bucket, ascending, with the longest of each.
#[must_use]
pub fn counts(question: &Question) -> Statement<Count> {
    let mut s = Statement::new();
    s.sql(
        "WITH fine AS (SELECT k.kind, l.at / 86400000 AS day, (l.at / 86400000 + 3) % 7 * 24 + l.at % 86400000 / 3600000 AS hour, \
             u.entries, u.failed FROM pilothouse.daily_kinds k \
         CROSS JOIN LATERAL unnest(k.quarters, k.entries, k.failed) u (quarter, entries, failed)",
    );
    local_time(&mut s, question, "u.quarter");
    s.sql(" WHERE ");
    of_scope(&mut s, question.scope);
    of_range(&mut s, question, true);
    of_environment(&mut s, question);
    s.sql(
        ") SELECT CASE WHEN grouping(hour) = 0 THEN 'hour' ELSE 'day' END, coalesce(kind, ''), coalesce(day, hour), \
             sum(entries)::bigint, sum(failed)::bigint, NULL FROM fine GROUP BY GROUPING SETS ((kind, day), (hour)) \
         UNION ALL SELECT 'bucket', k.kind, u.bucket, sum(u.runs)::bigint, 0, max(u.slowest COLLATE \"C\") \
         FROM pilothouse.daily_kinds k \
         CROSS JOIN LATERAL unnest(k.timed_quarters, k.buckets, k.runs, k.slowest) u (quarter, bucket, runs, slowest) \
         CROSS JOIN LATERAL (SELECT (k.day - DATE 'epoch')::bigint * 86400000 + u.quarter * 900000 AS at) a WHERE ",
    );
    of_scope(&mut s, question.scope);
    of_range(&mut s, question, true);
    of_environment(&mut s, question);
    s.sql(" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
    s
}

/// Up to when everything is counted, and the environments that the range names.
fn beside(conn: &mut PgConnection, question: &Question) -> QueryResult<(Option<DateTime<Utc>>, Vec<String>)> {
    let mut s = Statement::<(Nullable<Timestamptz>, Array<Text>)>::new();
    s.sql("SELECT r.as_of, ARRAY(SELECT DISTINCT k.environment FROM pilothouse.daily_kinds k WHERE ");
    of_scope(&mut s, question.scope);
    of_range(&mut s, question, false);
    s.sql(
        " AND k.environment <> '' ORDER BY 1 LIMIT 50) FROM pilothouse.rollups r WHERE r.name = 'insights'",
    );
    let found: Vec<(Option<DateTime<Utc>>, Vec<String>)> = s.load(conn)?;
    Ok(found.into_iter().next().unwrap_or_default())
}

pub fn activity(conn: &mut PgConnection, question: &Question) -> QueryResult<Activity> {
    let cells: Vec<(String, String, i64, i64, i64, Option<String>)> = counts(question).load(conn)?;
    let (as_of, environments) = beside(conn, question)?;
    let mut days: Vec<(NaiveDate, i64, i64)> =
        question.range.days().into_iter().map(|day| (day, 0, 0)).collect();
    let first = question.range.from.signed_duration_since(NaiveDate::default()).num_days();
    let mut hours = [[0; 24]; 7];
    let mut kinds: BTreeMap<String, KindCount> = BTreeMap::new();
    for (part, kind, place, entries, failed, _) in cells.iter().filter(|cell| cell.0 != "bucket") {
        if part == "hour" {
            let hour = usize::try_from(*place).unwrap_or(usize::MAX);
            if let Some(place) = hours.get_mut(hour / 24).and_then(|day| day.get_mut(hour % 24)) {
                *place += entries;
            }
            continue;
        }
        let at = usize::try_from(place - first).unwrap_or(usize::MAX);
        if let Some((_, of_day, failed_of_day)) = days.get_mut(at) {
            *of_day += entries;
            *failed_of_day += failed;
        }
        let known = kinds.entry(kind.clone()).or_insert_with_key(|kind| KindCount::none(kind, days.len()));
        known.entries += entries;
        known.failed += failed;
        for (places, more) in [(&mut known.by_day, *entries), (&mut known.failed_by_day, *failed)] {
            if let Some(place) = places.get_mut(at) {
                *place += more;
            }
        }
    }
    let mut slowest: Vec<(String, String)> = Vec::new();
    let taken: Vec<_> = cells.iter().filter(|cell| cell.0 == "bucket").collect();
    for rows in taken.chunk_by(|a, b| a.1 == b.1) {
        let Some((_, kind, .., longest)) = rows.last() else { continue };
        let Some(known) = kinds.get_mut(kind) else { continue };
        let bucket = |place: i64| i16::try_from(place).unwrap_or(i16::MAX);
        let buckets: Vec<(i16, i64)> = rows.iter().map(|row| (bucket(row.2), row.3)).collect();
        known.timed = buckets.iter().map(|(_, runs)| runs).sum();
        known.p50 = percentile(&buckets, 50);
        known.p95 = percentile(&buckets, 95);
        known.slowest = longest.as_deref().and_then(Slowest::read);
        slowest.extend(known.slowest.iter().map(|entry| (entry.source.clone(), entry.id.clone())));
    }
    let mut kinds: Vec<KindCount> = kinds.into_values().collect();
    kinds.sort_by(|a, b| b.entries.cmp(&a.entries).then_with(|| a.kind.cmp(&b.kind)));
    if kinds.len() > MOST_KINDS {
        let rest = kinds.split_off(MOST_KINDS - 1);
        kinds.push(rest.into_iter().fold(KindCount::none(REST, days.len()), KindCount::with));
    }
    name_slowest(conn, &mut kinds, slowest)?;
    Ok(Activity { as_of, days, hours, kinds, environments })
}

impl KindCount {
    /// The stored word; nothing for the rest.
    #[must_use]
    pub fn word(&self) -> &str {
        if self.kind == REST { "" } else { &self.kind }
    }

    fn none(kind: &str, days: usize) -> Self {
        Self {
            kind: kind.to_owned(),
            entries: 0,
            failed: 0,
            by_day: vec![0; days],
            failed_by_day: vec![0; days],
            timed: 0,
            p50: None,
            p95: None,
            slowest: None,
        }
    }

    /// Both together; how long they took has no meaning then.
    fn with(mut self, other: Self) -> Self {
        self.entries += other.entries;
        self.failed += other.failed;
        for (places, more) in
            [(&mut self.by_day, other.by_day), (&mut self.failed_by_day, other.failed_by_day)]
        {
            places.iter_mut().zip(more).for_each(|(place, more)| *place += more);
        }
        self
    }
}

impl Slowest {
    /// As [`super::rollup`] writes it.
    fn read(text: &str) -> Option<Self> {
        let (ms, place) = text.split_once(' ')?;
        let (source, id) = place.split_once(':')?;
        Some(Self {
            source: source.to_owned(),
            id: id.to_owned(),
            title: String::new(),
            ms: ms.parse().ok()?,
        })
    }
}

fn name_slowest(
    conn: &mut PgConnection,
    kinds: &mut [KindCount],
    places: Vec<(String, String)>,
) -> QueryResult<()> {
    if places.is_empty() {
        return Ok(());
    }
    let (sources, ids): (Vec<String>, Vec<String>) = places.into_iter().unzip();
    let mut s = Statement::<(Text, Text, Text)>::new();
    s.sql("SELECT t.source, t.id, coalesce(t.title, t.details, '') FROM unnest(")
        .texts(sources)
        .sql(", ")
        .texts(ids);
    s.sql(") p (source, id) JOIN pilothouse.timeline t ON t.source = p.source AND t.id = p.id");
    let named: Vec<(String, String, String)> = s.load(conn)?;
    for slowest in kinds.iter_mut().filter_map(|kind| kind.slowest.as_mut()) {
        let found = named.iter().find(|(source, id, _)| *source == slowest.source && *id == slowest.id);
        // It may be gone since it was counted.
        slowest.title = found.map_or_else(String::new, |(.., title)| title.clone());
    }
    for kind in kinds {
        kind.slowest = kind.slowest.take().filter(|slowest| !slowest.title.is_empty());
    }
    Ok(())
}

/// What one model cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCost {
    /// As it was told; empty where it was not.
    pub model: String,
    pub messages: i64,
    pub tokens: i64,
    pub micro_usd: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costs {
    /// Millionths of a dollar, a day each.
    pub days: Vec<(NaiveDate, i64)>,
    /// By model and day, the dearest model first; days without costs are left out.
    pub by_day: Vec<(NaiveDate, ModelCost)>,
    pub models: Vec<ModelCost>,
}

/// What models cost, whatever the environment.
pub fn costs(conn: &mut PgConnection, question: &Question) -> QueryResult<Costs> {
    let mut s = Statement::<(Text, BigInt, BigInt, BigInt, BigInt)>::new();
    s.sql(
        "SELECT k.model, l.at / 86400000, sum(u.messages)::bigint, sum(u.tokens)::bigint, sum(u.micro_usd)::bigint \
         FROM pilothouse.daily_costs k \
         CROSS JOIN LATERAL unnest(k.quarters, k.messages, k.tokens, k.micro_usd) u (quarter, messages, tokens, micro_usd)",
    );
    local_time(&mut s, question, "u.quarter");
    s.sql(" WHERE ");
    of_scope(&mut s, question.scope);
    of_range(&mut s, question, true);
    s.sql(" GROUP BY 1, 2 ORDER BY 2 DESC, 5 DESC, 1");
    let cells: Vec<(String, i64, i64, i64, i64)> = s.load(conn)?;
    let mut days: Vec<(NaiveDate, i64)> = question.range.days().into_iter().map(|day| (day, 0)).collect();
    let first = question.range.from.signed_duration_since(NaiveDate::default()).num_days();
    let (mut by_day, mut models) = (Vec::new(), BTreeMap::new());
    for (model, day, messages, tokens, micro_usd) in cells {
        let cost = ModelCost { model: model.clone(), messages, tokens, micro_usd };
        let place = usize::try_from(day - first).ok().and_then(|at| days.get_mut(at));
        if let Some((date, of_day)) = place {
            *of_day += micro_usd;
            by_day.push((*date, cost));
        }
        let sum =
            models.entry(model.clone()).or_insert(ModelCost { model, messages: 0, tokens: 0, micro_usd: 0 });
        sum.messages += messages;
        sum.tokens += tokens;
        sum.micro_usd += micro_usd;
    }
    let mut models: Vec<ModelCost> = models.into_values().collect();
    models.sort_by(|a, b| b.micro_usd.cmp(&a.micro_usd).then_with(|| a.model.cmp(&b.model)));
    Ok(Costs { days, by_day, models })
}
