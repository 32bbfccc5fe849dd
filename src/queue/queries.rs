//! How duties and jobs stand, for admins and for whoever watches over the process.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::IntervalDsl;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::Kind;
use super::schedules::LATE;
use crate::db::cursor::{Page, PageStart, TimePosition, keyset};
use crate::db::ids::JobId;
use crate::db::schema::{jobs, schedules};
use crate::db::time::{Instant, Timestamptz, ago};

/// What a kind of job with a schedule owes, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// What is to be done.
    pub kind: Kind,
    /// When it is due next; nothing when no instance has taken it up yet.
    pub next_at: Option<DateTime<Utc>>,
    /// Since when a run is due that has not succeeded.
    pub due_since: Option<DateTime<Utc>>,
    /// When it last succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Since when it fails.
    pub failing_since: Option<DateTime<Utc>>,
    /// Why.
    pub last_error: Option<String>,
    /// Whether an instance is at it.
    pub is_running: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DutyState {
    /// Its last run succeeded, and the next one is not late.
    Good,
    /// An instance is at it.
    Running,
    /// Its last run failed.
    Failing,
    /// It is due for long, and nobody does it.
    Dead,
}

impl Duty {
    /// How it stands at `at`.
    #[must_use]
    pub fn state(&self, at: DateTime<Utc>) -> DutyState {
        let due_since = self.due_since.or(self.next_at);
        let is_late = due_since.is_none_or(|due| at - due > TimeDelta::minutes(LATE));
        if self.failing_since.is_some() {
            DutyState::Failing
        } else if self.is_running {
            DutyState::Running
        } else if is_late {
            DutyState::Dead
        } else {
            DutyState::Good
        }
    }
}

type DutyRow = (
    String,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<String>,
);

/// All duties: those that this version knows, in its order, and then those of others.
pub fn duties(conn: &mut PgConnection) -> QueryResult<Vec<Duty>> {
    let rows: Vec<DutyRow> = schedules::table
        .select((
            schedules::kind,
            schedules::next_at,
            schedules::due_since,
            schedules::last_success_at,
            schedules::failing_since,
            schedules::last_error,
        ))
        .order(schedules::kind)
        .load(conn)?;
    let at_work: Vec<String> = jobs::table
        .filter(is_in!("waiting").and(jobs::kind.eq_any(rows.iter().map(|row| &row.0))))
        .filter(jobs::claimed_until.gt(crate::db::time::now.nullable()))
        .select(jobs::kind)
        .load(conn)?;
    let mut found: Vec<Duty> = rows
        .into_iter()
        .map(|(kind, next_at, due_since, last_success_at, failing_since, last_error)| Duty {
            is_running: at_work.contains(&kind),
            kind: Kind::from_stored(&kind),
            next_at: Some(next_at),
            due_since,
            last_success_at,
            failing_since,
            last_error,
        })
        .collect();
    let mut all = Vec::new();
    for kind in Kind::ALL.iter().filter(|kind| kind.facts().is_some_and(|facts| facts.schedule.is_some())) {
        let place = found.iter().position(|duty| duty.kind == *kind);
        all.push(place.map_or_else(|| Duty::unknown(kind.clone()), |place| found.remove(place)));
    }
    all.extend(found);
    Ok(all)
}

impl Duty {
    fn unknown(kind: Kind) -> Self {
        Self {
            kind,
            next_at: None,
            due_since: None,
            last_success_at: None,
            failing_since: None,
            last_error: None,
            is_running: false,
        }
    }
}

/// The duties that have been due for long, whether they fail or nobody does them, each in a sentence.
pub fn late_duties(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let since = diesel::dsl::sql::<Timestamptz>("coalesce(due_since, next_at)");
    let late: Vec<(String, DateTime<Utc>)> = schedules::table
        .select((schedules::kind, since.clone()))
        .filter(since.lt(ago(LATE.minutes())))
        .order(schedules::kind)
        .load(conn)?;
    Ok(late.into_iter().map(|(kind, since)| format!("{kind}: due since {}", since.to_rfc3339())).collect())
}

/// How many jobs of a kind wait.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Waiting {
    /// What they do.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Those that an instance works on.
    #[diesel(sql_type = BigInt)]
    pub running: i64,
    #[diesel(sql_type = BigInt)]
    pub due: i64,
    /// Those whose time has not come.
    #[diesel(sql_type = BigInt)]
    pub later: i64,
    /// Those that did not work the last time.
    #[diesel(sql_type = BigInt)]
    pub failing: i64,
    /// Since when the oldest of them is due.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub due_since: Option<DateTime<Utc>>,
}

/// Jobs that [`waiting`] counts at most.
pub const MOST_COUNTED: i64 = 50_000;

/// The jobs that wait or run, counted a kind.
pub fn waiting(conn: &mut PgConnection) -> QueryResult<Vec<Waiting>> {
    diesel::sql_query(
        "SELECT kind, count(*) FILTER (WHERE claimed_until > now()) AS running, \
             count(*) FILTER (WHERE run_at <= now() AND claimed_until > now() IS NOT TRUE) AS due, \
             count(*) FILTER (WHERE run_at > now() AND claimed_until > now() IS NOT TRUE) AS later, \
             count(*) FILTER (WHERE last_error IS NOT NULL) AS failing, \
             min(run_at) FILTER (WHERE run_at <= now() AND claimed_until > now() IS NOT TRUE) AS due_since \
         FROM (SELECT kind, run_at, claimed_until, last_error FROM pilothouse.jobs WHERE state = 'waiting' \
               ORDER BY kind, run_at, id LIMIT $1) j GROUP BY kind ORDER BY kind",
    )
    .bind::<BigInt, _>(MOST_COUNTED)
    .load(conn)
}

/// A job that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct FailedJob {
    pub id: JobId,
    /// The stored word of what it does.
    pub kind: String,
    /// How often it was begun.
    pub attempts: i32,
    /// Why it failed.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was given up.
    pub ended_at: Option<DateTime<Utc>>,
}

impl FailedJob {
    /// Where it stands in the list.
    #[must_use]
    pub fn position(&self) -> TimePosition {
        TimePosition { at: self.ended_at.unwrap_or_default(), id: self.id.0 }
    }
}

/// A page of the jobs that were given up, the newest first.
pub fn failed(
    conn: &mut PgConnection,
    from: &PageStart<TimePosition>,
    limit: usize,
) -> QueryResult<Page<FailedJob>> {
    let query = jobs::table
        .filter(is_in!("failed").and(jobs::ended_at.is_not_null()))
        .select(FailedJob::as_select())
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .into_boxed::<Pg>();
    let ended_at = jobs::ended_at.assume_not_null();
    let query = keyset!(query, from, descending ended_at, jobs::id, JobId, at => Instant(at.at));
    Ok(Page::of(query.load(conn)?, limit, from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duty_that_nobody_does_is_never_good() {
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let duty = Duty { next_at: Some(at(10)), ..Duty::unknown(Kind::RollUpActivity) };
        assert_eq!(Duty::unknown(Kind::RollUpActivity).state(at(0)), DutyState::Dead, "no row");
        assert_eq!(duty.state(at(9)), DutyState::Good);
        assert_eq!(duty.state(at(16)), DutyState::Dead, "nobody asked for it");
        let asked = Duty { due_since: Some(at(1)), ..duty.clone() };
        assert_eq!(asked.state(at(7)), DutyState::Dead, "asked for, and nobody does it");
        assert_eq!(Duty { is_running: true, ..asked.clone() }.state(at(7)), DutyState::Running);
        let failing = Duty { failing_since: Some(at(1)), is_running: true, ..asked };
        assert_eq!(failing.state(at(2)), DutyState::Failing);
    }
}
