//! A year of a project's activity as a calendar: a week a column, a mark a day, the larger the more happened.
//!
//! Size tells the steps apart as well as colour does, so that nobody has to compare shades.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::activity::daily::{Daily, DayCount, Span};
use crate::web::time::Timestamp;
use crate::web::urls;

/// Columns.
const WEEKS: u64 = 53;
/// As wide as the name of a month.
const LEAST_WEEKS: u64 = 3;
/// From one day to the next, pixels.
const PITCH: u64 = 17;
/// Steps of the scale above nothing.
const STEPS: usize = 4;

/// See `templates/projects/_heat_map.html`.
#[derive(Debug, Clone)]
pub struct HeatMap {
    /// Up to when everything is counted; None before the first count.
    pub as_of: Option<Timestamp>,
    /// "1,234 entries in the last year, 12 failed".
    pub summary: String,
    /// The zone that days are meant in.
    pub zone: String,
    /// Days with entries, the oldest first.
    pub cells: Vec<Cell>,
    /// The outline of the days that there are: an SVG path.
    pub outline: String,
    /// How wide the drawing is, pixels.
    pub width: u64,
    /// Months above the columns.
    pub months: Vec<MonthLabel>,
    /// What the marks mean, from the smallest on.
    pub legend: Vec<Step>,
    /// The same by month, the newest first.
    pub table: Vec<MonthRow>,
}

/// One day with entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its number within the map.
    pub number: u64,
    /// Its place, pixels.
    pub x: u64,
    /// See `x`.
    pub y: u64,
    /// 1 to 4.
    pub step: usize,
    /// The timeline of the day.
    pub url: String,
    /// "12 entries on Thursday 19 November 2026, 2 failed".
    pub label: String,
}

/// A month above its first whole week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthLabel {
    /// Its place, pixels.
    pub x: u64,
    /// "Nov".
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// 1 to 4.
    pub step: usize,
    /// "4–8".
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRow {
    /// "November 2026".
    pub label: String,
    /// The timeline of the month.
    pub url: String,
    pub entries: i64,
    pub failed: i64,
    pub active_days: usize,
}

impl HeatMap {
    /// The days that a map drawn at `now` in `zone` needs: whole weeks from Monday on, until today.
    #[must_use]
    pub fn span(now: DateTime<Utc>, zone: Tz) -> Span {
        let today = Span::ending_today(1, now, zone).last;
        let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
        Span { first: monday - Days::new((WEEKS - 1) * 7), last: today, zone }
    }

    /// The map of `daily`, whose entries are at `timeline_url`.
    #[must_use]
    pub fn new(daily: &Daily, timeline_url: &str, now: DateTime<Utc>, zone: Tz) -> Self {
        let days = since_first_month(&daily.days);
        let count = u64::try_from(days.len()).unwrap_or(0);
        let bounds = bounds(days);
        let sum = |of: fn(&DayCount) -> i64| days.iter().map(of).sum::<i64>();
        let (entries, failed) = (sum(|day| day.entries), sum(|day| day.failed));
        let numbered = || (0_u64..).zip(days);
        let cells = numbered().filter(|(_, day)| day.entries > 0).map(|(number, day)| Cell {
            number,
            x: number / 7 * PITCH,
            y: number % 7 * PITCH,
            step: bounds.iter().filter(|bound| day.entries >= **bound).count(),
            url: days_url(timeline_url, day.date, day.date),
            label: label(day),
        });
        Self {
            as_of: daily.as_of.map(|at| Timestamp::new(at, now, zone)),
            summary: match failed {
                0 => format!("{}, none failed", counted(entries)),
                failed => format!("{}, {failed} failed", counted(entries)),
            },
            zone: zone.name().to_owned(),
            cells: cells.collect(),
            outline: outline(count),
            width: count.div_ceil(7).max(LEAST_WEEKS) * PITCH,
            months: months(numbered(), count.div_ceil(7)),
            legend: legend(&bounds),
            table: table(days, timeline_url),
        }
    }
}

/// The days from the first week of the first month on in which anything happened: what was before it says nothing.
fn since_first_month(days: &[DayCount]) -> &[DayCount] {
    let Some(first) = days.iter().find(|day| day.entries > 0) else { return days };
    let month = first.date.with_day(1).unwrap_or(first.date);
    let begins = days.iter().position(|day| day.date >= month).unwrap_or(0);
    days.get(begins / 7 * 7..).unwrap_or(days)
}

fn counted(entries: i64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

fn label(day: &DayCount) -> String {
    let date = day.date.format("%A %-d %B %Y");
    match day.failed {
        0 => format!("{} on {date}", counted(day.entries)),
        failed => format!("{} on {date}, {failed} failed", counted(day.entries)),
    }
}

fn days_url(timeline_url: &str, from: NaiveDate, to: NaiveDate) -> String {
    urls::with_query(timeline_url, &[("from", from.to_string()), ("to", to.to_string())])
}

/// Where each step begins: at one entry, and at the quarters of what the active days hold, so that a single busy
/// day does not make all the others look idle. Fewer steps where the days are alike.
fn bounds(days: &[DayCount]) -> Vec<i64> {
    let mut counts: Vec<i64> = days.iter().map(|day| day.entries).filter(|entries| *entries > 0).collect();
    counts.sort_unstable();
    let mut bounds = vec![1];
    for step in 1..STEPS {
        let at = counts.get(counts.len() * step / STEPS).copied().unwrap_or(1);
        if bounds.last().is_some_and(|last| at > *last) {
            bounds.push(at);
        }
    }
    bounds
}

fn legend(bounds: &[i64]) -> Vec<Step> {
    let ends = bounds.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
    bounds
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(n, (from, to))| Step {
            step: n + 1,
            label: match to {
                Some(to) if to == *from => from.to_string(),
                Some(to) => format!("{from}–{to}"),
                None => format!("{from} or more"),
            },
        })
        .collect()
}

/// Whole weeks as one shape, the last one down to today.
fn outline(days: u64) -> String {
    let (width, rest) = (days / 7 * PITCH, days % 7 * PITCH);
    let whole = 7 * PITCH;
    if rest == 0 {
        return format!("M0 0h{width}v{whole}h-{width}z");
    }
    format!("M0 0h{}v{rest}h-{PITCH}v{}h-{width}z", width + PITCH, whole - rest)
}

/// Each month above the first week that it begins; not where it would touch the one before.
fn months<'a>(days: impl Iterator<Item = (u64, &'a DayCount)>, weeks: u64) -> Vec<MonthLabel> {
    let mut labels: Vec<MonthLabel> = Vec::new();
    for (number, day) in days.filter(|(_, day)| day.date.day() == 1) {
        // A month that begins within a week is named above the next one.
        let x = number.div_ceil(7) * PITCH;
        if x < (weeks.max(2) - 1) * PITCH && labels.last().is_none_or(|last| x >= last.x + 3 * PITCH) {
            labels.push(MonthLabel { x, label: day.date.format("%b").to_string() });
        }
    }
    labels
}

fn table(days: &[DayCount], timeline_url: &str) -> Vec<MonthRow> {
    let mut rows: Vec<MonthRow> = days
        .chunk_by(|a, b| (a.date.year(), a.date.month()) == (b.date.year(), b.date.month()))
        .filter_map(|month| {
            let (first, last) = (month.first()?, month.last()?);
            Some(MonthRow {
                label: first.date.format("%B %Y").to_string(),
                url: days_url(timeline_url, first.date, last.date),
                entries: month.iter().map(|day| day.entries).sum(),
                failed: month.iter().map(|day| day.failed).sum(),
                active_days: month.iter().filter(|day| day.entries > 0).count(),
            })
        })
        .collect();
    rows.reverse();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(counts: &[i64]) -> Vec<DayCount> {
        let first: NaiveDate = "2025-11-17".parse().unwrap();
        first
            .iter_days()
            .zip(counts)
            .map(|(date, entries)| DayCount { date, entries: *entries, failed: 0 })
            .collect()
    }

    #[test]
    fn a_map_has_whole_weeks_until_today() {
        let now = "2026-11-21T02:00:00Z".parse().unwrap();
        let span = HeatMap::span(now, Tz::UTC);
        assert_eq!(
            (span.first.to_string(), span.last.to_string()),
            ("2025-11-17".into(), "2026-11-21".into())
        );
        assert_eq!(span.first.weekday(), chrono::Weekday::Mon);
        // Somewhere it is still Friday.
        assert_eq!(HeatMap::span(now, Tz::America__New_York).last.to_string(), "2026-11-20");
        let map = HeatMap::new(&span.without_entries(None), "/x", now, Tz::UTC);
        assert!(map.cells.is_empty() && map.months.len() >= 11, "{:?}", map.months);
        assert_eq!(map.outline, "M0 0h901v102h-17v17h-884z");
        assert_eq!(map.table.len(), 13);
    }

    #[test]
    fn a_map_begins_with_the_first_month_that_has_anything() {
        let now = "2026-11-21T02:00:00Z".parse().unwrap();
        let mut daily = HeatMap::span(now, Tz::UTC).without_entries(Some(now));
        let at = daily.days.iter().position(|day| day.date.to_string() == "2026-10-14").unwrap();
        daily.days[at].entries = 3;
        let map = HeatMap::new(&daily, "/x", now, Tz::UTC);
        // Thursday the first of October lies in the week of Monday 28 September.
        assert_eq!(map.table.last().map(|row| row.label.as_str()), Some("September 2026"));
        assert_eq!((map.width, map.cells[0].x, map.cells[0].y), (8 * PITCH, 2 * PITCH, 2 * PITCH));
        assert_eq!(map.months.iter().map(|month| month.label.as_str()).collect::<Vec<_>>(), ["Oct", "Nov"]);
    }

    #[test]
    fn steps_begin_at_quarters_and_say_where() {
        assert_eq!(bounds(&days(&[0, 1, 2, 3, 4, 5, 6, 7, 8])), [1, 3, 5, 7]);
        assert_eq!(bounds(&days(&[])), [1]);
        assert_eq!(bounds(&days(&[5, 5, 5, 5, 5])), [1, 5]);
        let labels: Vec<_> = legend(&[1, 2, 5, 7]).into_iter().map(|step| step.label).collect();
        assert_eq!(labels, ["1", "2–4", "5–6", "7 or more"]);
    }

    #[test]
    fn a_day_is_named_with_what_it_holds() {
        let mut day = days(&[12])[0];
        assert_eq!(label(&day), "12 entries on Monday 17 November 2025");
        (day.entries, day.failed) = (1, 1);
        assert_eq!(label(&day), "1 entry on Monday 17 November 2025, 1 failed");
        assert_eq!(
            days_url("/projects/p/activity", day.date, day.date),
            "/projects/p/activity?from=2025-11-17&to=2025-11-17"
        );
    }
}
