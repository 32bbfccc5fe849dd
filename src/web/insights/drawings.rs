//! Shapes of insights. Each has a table beside it that says the same.

use std::fmt::Write as _;

use chrono::NaiveDate;

use crate::web::dashboard::chart::{self, Tick};
use crate::web::display::grouped;

/// Columns that a small shape has at most.
const MOST_COLUMNS: usize = 60;
const SMALL_HEIGHT: i64 = 20;

/// Bars in a drawing that is stretched to its place: see `viewBox` in `templates/insights/_kinds.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Small {
    /// An SVG path.
    pub path: String,
    pub columns: usize,
}

impl Small {
    #[must_use]
    pub fn new(values: &[i64]) -> Self {
        let width = values.len().div_ceil(MOST_COLUMNS).max(1);
        let sums: Vec<i64> = values.chunks(width).map(|days| days.iter().sum()).collect();
        let most = sums.iter().copied().max().unwrap_or(0).max(1);
        let mut path = String::new();
        for (x, sum) in sums.iter().enumerate().filter(|(_, sum)| **sum > 0) {
            let height = (sum * SMALL_HEIGHT / most).max(1);
            let _ = write!(path, "M{x} {SMALL_HEIGHT}v-{height}h.8v{height}z");
        }
        Self { path, columns: sums.len() }
    }
}

/// Activity by hour and weekday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    /// "Most happens on Tuesday at 14:00: 123 entries."
    pub description: String,
    pub days: Vec<WeekDay>,
    /// The hours of the table, "00:00" first.
    pub hours: Vec<WeekHour>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeekDay {
    /// "Mon"
    pub label: &'static str,
    /// Of its name, pixels.
    pub text_y: usize,
    /// Hours in which something happened.
    pub cells: Vec<HourCell>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCell {
    /// Left edge, percent.
    pub x: String,
    pub y: usize,
    pub height: usize,
    /// 1 to 4.
    pub step: usize,
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeekHour {
    pub label: String,
    /// The day's short name and its entries.
    pub days: Vec<(&'static str, String)>,
}

const DAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];
/// From one day to the next, pixels.
const PITCH: usize = 20;

impl Week {
    #[must_use]
    pub fn new(hours: &[[i64; 24]; 7]) -> Self {
        let most = hours.iter().flatten().copied().max().unwrap_or(0).max(1);
        let mut busiest = (0, String::new());
        let days = hours.iter().zip(DAYS).enumerate().map(|(row, (counts, (label, name)))| {
            let cells = counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(hour, count)| {
                let title = format!("{name} at {hour:02}:00: {}", entries(*count));
                if *count > busiest.0 {
                    busiest = (*count, title.clone());
                }
                let step = usize::try_from((count * 4 + most - 1) / most).unwrap_or(4).clamp(1, 4);
                HourCell {
                    x: chart::percent(hour * 1000 + 60, 24),
                    y: row * PITCH + (4 - step) * 2,
                    height: step * 4,
                    step,
                    title,
                }
            });
            WeekDay { label, text_y: row * PITCH + 12, cells: cells.collect() }
        });
        let days: Vec<WeekDay> = days.collect();
        let hours = (0..24).map(|hour| WeekHour {
            label: format!("{hour:02}:00"),
            days: hours
                .iter()
                .zip(DAYS)
                .map(|(counts, (label, _))| (label, grouped(counts.get(hour).copied().unwrap_or(0))))
                .collect(),
        });
        Self { description: format!("The busiest hour is {}.", busiest.1), days, hours: hours.collect() }
    }
}

fn entries(count: i64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "entry" } else { "entries" })
}

/// What models cost by day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostChart {
    pub description: String,
    pub lines: Vec<(i64, String)>,
    pub ticks: Vec<Tick>,
    pub days: Vec<CostDay>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostDay {
    pub label: String,
    pub cost: String,
    pub x: String,
    pub width: String,
    pub y: i64,
    pub height: i64,
}

const COST_HEIGHT: i64 = 108;
const COST_BASE: i64 = 124;

impl CostChart {
    #[must_use]
    pub fn new(days: &[(NaiveDate, i64)]) -> Self {
        let count = days.len();
        let most = chart::round_up(days.iter().map(|(_, cost)| *cost).max().unwrap_or(0));
        let dearest = days.iter().max_by_key(|(_, cost)| *cost);
        let line = |value: i64| (COST_BASE - value * COST_HEIGHT / most, dollars(value));
        let day = |(n, (date, cost)): (usize, &(NaiveDate, i64))| {
            let height = if *cost > 0 { (cost.saturating_mul(COST_HEIGHT) / most).max(1) } else { 0 };
            CostDay {
                label: chart::long(*date),
                cost: dollars(*cost),
                x: chart::percent(n * 1000 + 120, count),
                width: chart::percent(760, count),
                y: COST_BASE - height,
                height,
            }
        };
        Self {
            description: dearest.map_or_else(String::new, |(date, cost)| {
                format!("Bars for each day. The dearest was {} with {}.", chart::long(*date), dollars(*cost))
            }),
            lines: vec![line(0), line(most)],
            ticks: chart::ticks(&days.iter().map(|(date, _)| *date).collect::<Vec<_>>()),
            days: days.iter().enumerate().map(day).collect(),
        }
    }
}

/// "$12.34"; little is told to the hundredth of a cent.
#[must_use]
pub fn dollars(micro: i64) -> String {
    let sign = if micro < 0 { "−" } else { "" };
    let micro = micro.unsigned_abs();
    if micro > 0 && micro < 100_000 {
        return format!("{sign}$0.{:04}", micro.div_ceil(100));
    }
    let cents = (micro + 5_000) / 10_000;
    let whole = grouped(i64::try_from(cents / 100).unwrap_or(i64::MAX));
    format!("{sign}${whole}.{:02}", cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_said_as_people_say_them() {
        for (micro, said) in [
            (0, "$0.00"),
            (1, "$0.0001"),
            (12_300, "$0.0123"),
            (1_234_567_890, "$1,234.57"),
            (-2_500_000, "−$2.50"),
        ] {
            assert_eq!(dollars(micro), said);
        }
    }

    #[test]
    fn a_year_is_drawn_in_few_columns_and_little_is_seen() {
        let mut days = vec![0; 365];
        days[0] = 1;
        days[364] = 100_000;
        let small = Small::new(&days);
        assert_eq!(small.columns, 53);
        assert_eq!(small.path, "M0 20v-1h.8v1zM52 20v-20h.8v20z");
        assert_eq!(Small::new(&[0, 0]).path, "");
    }

    #[test]
    fn the_busiest_hour_is_named_and_fills_its_place() {
        let mut hours = [[0; 24]; 7];
        hours[1][14] = 8;
        hours[6][23] = 1;
        let week = Week::new(&hours);
        assert_eq!(week.description, "The busiest hour is Tuesday at 14:00: 8 entries.");
        assert_eq!((week.days[1].cells[0].step, week.days[6].cells[0].step), (4, 1));
        assert_eq!(week.hours[23].days[6], ("Sun", "1".to_owned()));
    }
}
