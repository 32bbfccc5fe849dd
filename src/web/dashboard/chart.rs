//! Activity and failures over time, as shapes with a table beside them. Both say the same numbers.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::figures::grouped;
use crate::activity::daily::{Daily, DayCount};
use crate::web::display::Tab;
use crate::web::time::Timestamp;
use crate::web::urls;

/// See `templates/dashboard/_chart.html`. Heights are pixels; places from left to right are percent, so that the
/// drawing is as wide as its place.
#[derive(Debug, Clone)]
pub struct Chart {
    /// "Activity, last 30 days".
    pub title: String,
    /// What a reader who can't see it is told: the sums, and the fullest day.
    pub description: String,
    /// Up to when everything is counted; None before the first count.
    pub as_of: Option<Timestamp>,
    /// The other lengths.
    pub ranges: Vec<Tab>,
    /// Sums: "1,234 entries".
    pub entries: String,
    /// "12 failed".
    pub failed: String,
    /// Lines across, with the numbers that they stand for.
    pub lines: Vec<Line>,
    /// Dates below.
    pub ticks: Vec<Tick>,
    pub days: Vec<ChartDay>,
    /// The zone that days are meant in.
    pub zone: String,
}

/// A line across the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its height.
    pub y: i64,
    /// What it stands for.
    pub label: String,
    /// Whether bars stand on it.
    pub is_base: bool,
}

/// A date below the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Its place, percent.
    pub x: String,
    /// "14 Nov".
    pub label: String,
}

/// One day of the drawing and of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartDay {
    /// "Thursday 19 November 2026".
    pub label: String,
    /// Both numbers: "Thursday 19 November 2026: 123 entries, 4 failed".
    pub title: String,
    /// The timeline of the day.
    pub url: String,
    pub entries: String,
    pub failed: String,
    pub bar: Bar,
    pub failed_bar: Bar,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Left edge, percent.
    pub x: String,
    /// Width, percent.
    pub width: String,
    /// Upper edge.
    pub y: i64,
    /// Height; at least a pixel for what is not nothing.
    pub height: i64,
}

/// Where bars stand, and how high they may be.
const ENTRIES: Plot = Plot { base: 124, height: 108 };
const FAILED: Plot = Plot { base: 186, height: 36 };

#[derive(Debug, Clone, Copy)]
struct Plot {
    base: i64,
    height: i64,
}

impl Plot {
    fn bar(self, (x, width): (String, String), value: i64, top: i64) -> Bar {
        let height = if value > 0 { (value * self.height / top.max(1)).max(1) } else { 0 };
        Bar { x, width, y: self.base - height, height }
    }

    fn line(self, value: i64, top: i64) -> Line {
        Line { y: self.base - value * self.height / top.max(1), label: grouped(value), is_base: value == 0 }
    }
}

/// Lengths of time that can be looked at, days.
pub const RANGES: [u64; 2] = [30, 90];

impl Chart {
    /// The last days, as seen from `now` in `zone`.
    #[must_use]
    pub fn new(daily: &Daily, now: DateTime<Utc>, zone: Tz) -> Self {
        let count = daily.days.len();
        let range = |days: u64| Tab {
            label: if days == 30 { "30 days" } else { "90 days" },
            url: if days == 30 { "/".to_owned() } else { format!("/?days={days}") },
            current: usize::try_from(days) == Ok(count),
        };
        Self {
            title: format!("Activity, last {count} days"),
            ranges: RANGES.map(range).to_vec(),
            ..Self::of("Activity by day", daily, |day| urls::with_query("/activity", &day), (now, zone))
        }
    }

    /// Any days, each of which leads to what `timeline` makes of its filter.
    #[must_use]
    pub fn of(
        title: &str,
        daily: &Daily,
        timeline: impl Fn([(&'static str, String); 2]) -> String,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let count = daily.days.len();
        let (entries, failed) =
            daily.days.iter().fold((0, 0), |(e, f), day| (e + day.entries, f + day.failed));
        let most = |of: fn(&DayCount) -> i64| daily.days.iter().map(of).max().unwrap_or(0);
        let (top, top_failed) = (round_up(most(|day| day.entries)), round_up(most(|day| day.failed)));
        let mut lines = vec![ENTRIES.line(0, top), ENTRIES.line(top, top)];
        if top % 2 == 0 {
            lines.push(ENTRIES.line(top / 2, top));
        }
        lines.extend([FAILED.line(0, top_failed), FAILED.line(top_failed, top_failed)]);
        let fullest = daily.days.iter().max_by_key(|day| day.entries).filter(|day| day.entries > 0);
        let fullest = fullest.map_or_else(String::new, |day| {
            format!(" The fullest day was {} with {}.", long(day.date), grouped(day.entries))
        });
        Self {
            title: title.to_owned(),
            description: format!(
                "Bars for each day: entries above, failed ones below. {}, {} failed.{fullest} \
                 The table below has the numbers.",
                in_words(entries),
                grouped(failed)
            ),
            as_of: daily.as_of.map(|at| Timestamp::new(at, now, zone)),
            ranges: Vec::new(),
            entries: in_words(entries),
            failed: format!("{} failed", grouped(failed)),
            lines,
            ticks: ticks(&daily.days.iter().map(|day| day.date).collect::<Vec<_>>()),
            days: daily
                .days
                .iter()
                .enumerate()
                .map(|(n, day)| {
                    let date = day.date.to_string();
                    let url = timeline([("from", date.clone()), ("to", date)]);
                    chart_day((n, count), day, url, (top, top_failed))
                })
                .collect(),
            zone: zone.name().to_owned(),
        }
    }
}

fn in_words(entries: i64) -> String {
    format!("{} {}", grouped(entries), if entries == 1 { "entry" } else { "entries" })
}

fn chart_day(
    (n, count): (usize, usize),
    day: &DayCount,
    url: String,
    (top, top_failed): (i64, i64),
) -> ChartDay {
    let place = || (percent(n * 1000 + 120, count), percent(760, count));
    let label = long(day.date);
    ChartDay {
        title: format!("{label}: {}, {} failed", in_words(day.entries), grouped(day.failed)),
        label,
        url,
        entries: grouped(day.entries),
        failed: grouped(day.failed),
        bar: ENTRIES.bar(place(), day.entries, top),
        failed_bar: FAILED.bar(place(), day.failed, top_failed),
    }
}

/// Thousandths of `count` equal parts as percent with two decimals.
pub fn percent(thousandths: usize, count: usize) -> String {
    let hundredths = thousandths * 10 / count.max(1);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// Every seventh day, or fewer of many, counted back from the last.
pub fn ticks(dates: &[NaiveDate]) -> Vec<Tick> {
    let count = dates.len();
    let step = if count > 120 {
        73
    } else if count > 40 {
        22
    } else {
        7
    };
    let places = dates.iter().enumerate().filter(|(n, _)| (count - 1 - n).is_multiple_of(step));
    places
        .map(|(n, date)| Tick { x: percent(n * 1000 + 500, count), label: date.format("%-d %b").to_string() })
        .collect()
}

pub fn long(date: NaiveDate) -> String {
    date.format("%A %-d %B %Y").to_string()
}

/// The next number that reads well on an axis: 1, 2, 4, 10, 20, 40, 60, 80, 100…
pub fn round_up(number: i64) -> i64 {
    let mut unit = 1_i64;
    while number > unit.saturating_mul(10) {
        unit = unit.saturating_mul(10);
    }
    [1, 2, 4, 6, 8, 10]
        .into_iter()
        .map(|steps| steps * unit)
        .find(|top| *top >= number)
        .unwrap_or(number)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(counts: &[(i64, i64)]) -> Chart {
        let first: NaiveDate = "2026-10-22".parse().unwrap();
        let days = first.iter_days().zip(counts);
        let days =
            days.map(|(date, (entries, failed))| DayCount { date, entries: *entries, failed: *failed });
        let daily = Daily { as_of: None, days: days.collect() };
        Chart::new(&daily, DateTime::UNIX_EPOCH, Tz::UTC)
    }

    #[test]
    fn axes_end_at_numbers_that_read_well() {
        assert_eq!([0, 1, 3, 5, 9, 11, 99, 101, 1234].map(round_up), [1, 1, 4, 6, 10, 20, 100, 200, 2000]);
    }

    #[test]
    fn what_is_little_is_seen_and_nothing_is_nothing() {
        let chart = chart(&[(0, 0), (1, 1), (100_000, 0)]);
        assert_eq!(chart.days.iter().map(|day| day.bar.height).collect::<Vec<_>>(), [0, 1, 108]);
        assert_eq!(chart.days.iter().map(|day| day.failed_bar.height).collect::<Vec<_>>(), [0, 36, 0]);
        assert_eq!(chart.days[2].title, "Saturday 24 October 2026: 100,000 entries, 0 failed");
        assert_eq!(chart.days[2].url, "/activity?from=2026-10-24&to=2026-10-24");
    }

    #[test]
    fn bars_stand_side_by_side_within_the_drawing() {
        let chart = chart(&[(1, 0); 30]);
        assert_eq!(chart.days[0].bar.x, "0.40%");
        assert_eq!(chart.days[29].bar.x, "97.06%");
        assert_eq!(chart.days[29].bar.width, "2.53%");
        assert_eq!(chart.ticks.len(), 5);
    }
}
