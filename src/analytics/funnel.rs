//! The funnel: how many sessions came to each step, how long that took, and where the others left. It reads daily counts.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use crate::db::schema::funnel_progress;
use crate::db::time::Day;

/// The steps in their order: the stored word, and what people call it.
pub const STEPS: [(&str, &str); 6] = [
    ("started", "Began a conversation"),
    ("answered", "Answered a question"),
    ("drafted", "Has a draft"),
    ("account", "Has an account"),
    ("posted", "Posted the draft"),
    ("project", "Made a project"),
];

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunnelFilter {
    /// Both inclusive, in UTC.
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub developer_ref: Option<String>,
    pub source: Option<String>,
}

/// Days that are shown unless others are asked for.
const USUAL_DAYS: i64 = 30;

impl FunnelFilter {
    /// What an address asks for, by the names of its parameters.
    ///
    /// # Errors
    /// A sentence for whoever wrote it.
    pub fn parse<'a>(value: impl Fn(&str) -> Option<&'a str>, today: NaiveDate) -> Result<Self, String> {
        let day = |name: &str| {
            let read = |text: &str| text.parse().map_err(|_| format!("{name} is no day such as 2026-11-20."));
            value(name).map(read).transpose()
        };
        let to: NaiveDate = day("to")?.unwrap_or(today);
        let from = day("from")?.unwrap_or_else(|| to - TimeDelta::days(USUAL_DAYS - 1));
        if from > to {
            return Err("from is after to.".to_owned());
        }
        let word = |name: &str| value(name).map(str::trim).map(str::to_owned);
        Ok(Self { from, to, developer_ref: word("developer_ref"), source: word("source") })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepCount {
    pub word: &'static str,
    pub label: &'static str,
    pub sessions: i64,
    /// Of those at the step before, and of all; none where there were none.
    pub rate: Option<f64>,
    pub overall: Option<f64>,
    /// Seconds since the step before, off by 5 % at most.
    pub median: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    pub steps: Vec<StepCount>,
    /// Those who have no draft, by what they were asked last; the most first.
    pub exits: Vec<(String, i64)>,
    pub as_of: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    step: String,
    #[diesel(sql_type = Integer)]
    bucket: i32,
    #[diesel(sql_type = BigInt)]
    sessions: i64,
}

pub fn read(conn: &mut PgConnection, filter: &FunnelFilter) -> QueryResult<Funnel> {
    let counted: Vec<Counted> = diesel::sql_query(
        "SELECT step, bucket, sum(sessions)::bigint AS sessions FROM pilothouse.funnel_days \
         WHERE day BETWEEN $1 AND $2 AND developer_ref = $3 AND source = $4 GROUP BY step, bucket ORDER BY step, bucket",
    )
    .bind::<crate::db::time::Date, _>(Day(filter.from))
    .bind::<crate::db::time::Date, _>(Day(filter.to))
    .bind::<Text, _>(filter.developer_ref.as_deref().unwrap_or("*"))
    .bind::<Text, _>(filter.source.as_deref().unwrap_or("*"))
    .load(conn)?;
    let as_of =
        funnel_progress::table.find("funnel").select(funnel_progress::as_of).first(conn).optional()?;
    let of = |word: &str| counted.iter().filter(move |row| row.step == word).collect::<Vec<_>>();
    let total = |rows: &[&Counted]| rows.iter().map(|row| row.sessions).sum::<i64>();
    let (mut steps, mut before, mut all) = (Vec::new(), None, None);
    for (word, label) in STEPS {
        let rows = of(word);
        let sessions = total(&rows);
        let rate = |of: Option<i64>| of.filter(|of| *of > 0).map(|of| portion(sessions, of));
        steps.push(StepCount {
            word,
            label,
            sessions,
            rate: rate(before),
            overall: rate(all),
            median: before.and_then(|_| median(&rows)),
        });
        before = Some(sessions);
        all = all.or(Some(sessions));
    }
    let mut exits: Vec<(String, i64)> = Vec::new();
    for row in counted.iter().filter(|row| row.step.starts_with("exit:")) {
        let slot = row.step.trim_start_matches("exit:");
        match exits.iter_mut().find(|(known, _)| known == slot) {
            Some((_, sessions)) => *sessions += row.sessions,
            None => exits.push((slot.to_owned(), row.sessions)),
        }
    }
    exits.sort_by(|(slot, one), (other_slot, other)| other.cmp(one).then(slot.cmp(other_slot)));
    Ok(Funnel { steps, exits, as_of: as_of.flatten() })
}

#[expect(clippy::cast_precision_loss, reason = "counts of people")]
fn portion(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

/// The middle of the bucket that half of them have reached.
fn median(rows: &[&Counted]) -> Option<f64> {
    let all: i64 = rows.iter().map(|row| row.sessions).sum();
    let mut seen = 0;
    let middle = rows.iter().find(|row| {
        seen += row.sessions;
        seen * 2 >= all
    })?;
    (all > 0).then(|| 1.1_f64.powf(f64::from(middle.bucket) + 0.5) - 1.0)
}

/// What came of one code and source.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Referred {
    #[diesel(sql_type = Text)]
    pub developer_ref: String,
    #[diesel(sql_type = Text)]
    pub source: String,
    #[diesel(sql_type = BigInt)]
    pub started: i64,
    #[diesel(sql_type = BigInt)]
    pub drafted: i64,
    #[diesel(sql_type = BigInt)]
    pub posted: i64,
    #[diesel(sql_type = BigInt)]
    pub projects: i64,
}

/// Codes and sources by how many they brought, two hundred at most.
pub fn by_referrer(conn: &mut PgConnection, filter: &FunnelFilter) -> QueryResult<Vec<Referred>> {
    diesel::sql_query(
        "SELECT developer_ref, source, \
             coalesce(sum(sessions) FILTER (WHERE step = 'started'), 0)::bigint AS started, \
             coalesce(sum(sessions) FILTER (WHERE step = 'drafted'), 0)::bigint AS drafted, \
             coalesce(sum(sessions) FILTER (WHERE step = 'posted'), 0)::bigint AS posted, \
             coalesce(sum(sessions) FILTER (WHERE step = 'project'), 0)::bigint AS projects \
         FROM pilothouse.funnel_days \
         WHERE day BETWEEN $1 AND $2 AND developer_ref <> '*' AND source <> '*' \
         GROUP BY developer_ref, source ORDER BY started DESC, developer_ref, source LIMIT 200",
    )
    .bind::<crate::db::time::Date, _>(Day(filter.from))
    .bind::<crate::db::time::Date, _>(Day(filter.to))
    .load(conn)
}

/// Counts the day again that a session began on, after or before whoever else counts.
pub fn count_again(conn: &mut PgConnection, session_id: &str) -> QueryResult<()> {
    diesel::insert_into(funnel_progress::table)
        .values(funnel_progress::name.eq("funnel"))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let held = funnel_progress::table.find("funnel").select(funnel_progress::name).for_update();
    held.first::<String>(conn)?;
    diesel::sql_query(
        "SELECT pilothouse.count_funnel_day((a.created_at AT TIME ZONE 'UTC')::date) FROM public.analytics a \
         WHERE a.session_id = $1 AND a.event_type = 'session_started' LIMIT 1",
    )
    .bind::<Text, _>(session_id)
    .execute(conn)
    .map(|_| ())
}

/// Counts what happened since the last time.
pub fn keep(conn: &mut PgConnection) -> QueryResult<usize> {
    diesel::sql_query("SELECT pilothouse.keep_funnel()").execute(conn)
}
