//! How much happened on each day, read from what [`super::rollup`] has counted. Row-level security decides of
//! which projects.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::filter::first_ms;
use super::rollup::NAME;
use crate::db::ids::ProjectId;
use crate::db::schema::{daily_activity, daily_totals, rollups};
use crate::db::time::Day;

/// Days of somebody's zone, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub first: NaiveDate,
    pub last: NaiveDate,
    /// Whose days they are.
    pub zone: Tz,
}

/// What one day holds: as many entries as the timeline of that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// The day.
    pub date: NaiveDate,
    /// Actions, events and audit entries.
    pub entries: i64,
    /// How many of them say that they failed.
    pub failed: i64,
}

/// The days of a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daily {
    /// Up to when everything is counted; None before the first count.
    pub as_of: Option<DateTime<Utc>>,
    /// Each day of the span, also those without entries.
    pub days: Vec<DayCount>,
}

/// A UTC day as it is stored.
type Quarters = (NaiveDate, Vec<i16>, Vec<i32>, Vec<i32>);
type Row = (Option<DateTime<Utc>>, Option<Quarters>);

pub fn of_project(conn: &mut PgConnection, project: ProjectId, span: &Span) -> QueryResult<Daily> {
    let (first, last) = span.utc_days();
    let of_span = daily_activity::project_id
        .eq(project.to_string())
        .and(daily_activity::day.ge(Day(first)))
        .and(daily_activity::day.le(Day(last)));
    let rows: Vec<Row> = rollups::table
        .left_join(daily_activity::table.on(of_span))
        .filter(rollups::name.eq(NAME))
        .select((
            rollups::as_of,
            (daily_activity::day, daily_activity::quarters, daily_activity::entries, daily_activity::failed)
                .nullable(),
        ))
        .load(conn)?;
    Ok(span.sum(rows))
}

/// The days of everything there is, for admins; others see none.
pub fn of_everything(conn: &mut PgConnection, span: &Span) -> QueryResult<Daily> {
    let (first, last) = span.utc_days();
    let of_span = daily_totals::day.ge(Day(first)).and(daily_totals::day.le(Day(last)));
    let rows: Vec<Row> = rollups::table
        .left_join(daily_totals::table.on(of_span))
        .filter(rollups::name.eq(NAME))
        .select((
            rollups::as_of,
            (daily_totals::day, daily_totals::quarters, daily_totals::entries, daily_totals::failed)
                .nullable(),
        ))
        .load(conn)?;
    Ok(span.sum(rows))
}

impl Span {
    /// The last `count` days of `zone` until `now`, today with them.
    #[must_use]
    pub fn ending_today(count: u64, now: DateTime<Utc>, zone: Tz) -> Self {
        let last = now.with_timezone(&zone).date_naive();
        Self { first: last - Days::new(count.saturating_sub(1)), last, zone }
    }

    /// The span when nothing happened in it.
    #[must_use]
    pub fn without_entries(&self, as_of: Option<DateTime<Utc>>) -> Daily {
        Daily { as_of, ..self.sum(Vec::new()) }
    }

    /// The UTC days that hold a part of it.
    fn utc_days(&self) -> (NaiveDate, NaiveDate) {
        (self.first - Days::new(1), self.last + Days::new(1))
    }

    /// Quarters of UTC days as days of the zone. A day begins where the timeline's does, which for every zone
    /// since 1990 is at some quarter of an hour of UTC.
    fn sum(&self, rows: Vec<Row>) -> Daily {
        let dates: Vec<NaiveDate> = self.first.iter_days().take_while(|date| *date <= self.last).collect();
        let starts: Vec<i64> = dates.iter().map(|date| first_ms(*date, self.zone)).collect();
        let end = first_ms(self.last + Days::new(1), self.zone);
        let mut days: Vec<DayCount> =
            dates.into_iter().map(|date| DayCount { date, entries: 0, failed: 0 }).collect();
        let as_of = rows.first().and_then(|(as_of, _)| *as_of);
        for (day, quarters, entries, failed) in rows.into_iter().filter_map(|(_, quarters)| quarters) {
            let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
            for ((quarter, entries), failed) in quarters.into_iter().zip(entries).zip(failed) {
                let at = midnight + i64::from(quarter) * 900_000;
                let place = starts.partition_point(|start| *start <= at).checked_sub(1);
                if let Some(day) = place.and_then(|place| days.get_mut(place)).filter(|_| at < end) {
                    day.entries += i64::from(entries);
                    day.failed += i64::from(failed);
                }
            }
        }
        Daily { as_of, days }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn quarters_fall_into_the_days_of_whoever_looks() {
        let stored = vec![(
            None,
            Some((day("2026-03-10"), vec![0, 72, 73, 95], vec![1, 10, 100, 1000], vec![0, 1, 0, 2])),
        )];
        let sums = |zone: Tz| {
            let span = Span { first: day("2026-03-09"), last: day("2026-03-11"), zone };
            let sum = span.sum(stored.clone());
            sum.days.iter().map(|day| (day.entries, day.failed)).collect::<Vec<_>>()
        };
        assert_eq!(sums(Tz::UTC), [(0, 0), (1111, 3), (0, 0)]);
        // A day of Kathmandu begins at 18:15 UTC: the 74th quarter.
        assert_eq!(sums(Tz::Asia__Kathmandu), [(0, 0), (11, 1), (1100, 2)]);
        assert_eq!(sums(Tz::America__New_York), [(1, 0), (1110, 3), (0, 0)]);
    }

    #[test]
    fn a_span_ends_today_where_somebody_is() {
        let now = "2026-11-20T23:30:00Z".parse().unwrap();
        let span = Span::ending_today(30, now, Tz::Europe__Berlin);
        assert_eq!((span.first, span.last), (day("2026-10-23"), day("2026-11-21")));
        assert_eq!(span.sum(Vec::new()).days.len(), 30);
    }
}
