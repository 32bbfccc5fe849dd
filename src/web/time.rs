//! Instants and lengths of time as people read them, in the zone of whoever looks.
//!
//! Written field by field: chrono reads a pattern anew at each use, and a timeline shows three times per entry.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// An instant as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// For programs: RFC 3339 in UTC.
    pub iso: String,
    /// Exact, in the viewer's zone, with the zone's name.
    pub exact: String,
    /// The same, short enough for a table: "21 Nov 2026, 00:50:04 UTC".
    pub precise: String,
    /// As people say it: "3 minutes ago", "today 14:02", "19 Nov 2025".
    pub relative: String,
}

impl Timestamp {
    #[must_use]
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> Self {
        let local = at.with_timezone(&zone);
        Self {
            iso: iso(at),
            exact: exact(&local),
            precise: precise(&local),
            relative: relative(at, now, zone),
        }
    }

    /// `millis` (epoch milliseconds) as seen from `now` in `zone`; out of range becomes the epoch's edge.
    #[must_use]
    pub fn from_millis(millis: i64, now: DateTime<Utc>, zone: Tz) -> Self {
        Self::new(instant(millis), now, zone)
    }
}

/// An instant in a list whose days have headings: the time of day is enough to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeOfDay {
    /// For programs: RFC 3339 in UTC.
    pub iso: String,
    /// Exact, in the viewer's zone: "21 Nov 2026, 00:50:04 UTC".
    pub precise: String,
    /// Hours and minutes in the viewer's zone.
    pub clock: String,
}

impl TimeOfDay {
    /// `millis` (epoch milliseconds) in `zone`; out of range becomes the calendar's edge.
    #[must_use]
    pub fn from_millis(millis: i64, zone: Tz) -> Self {
        let at = instant(millis);
        let local = at.with_timezone(&zone);
        Self { iso: iso(at), precise: precise(&local), clock: clock(local.naive_local()) }
    }

    /// Under a heading that names the day: "00:50:04 UTC".
    pub fn leave_out_day(&mut self) {
        if let Some(comma) = self.precise.find(", ") {
            self.precise.drain(..comma + 2);
        }
    }

    /// The same with seconds: "14:02:07".
    #[must_use]
    pub fn to_the_second(millis: i64, zone: Tz) -> Self {
        let mut clock = String::with_capacity(8);
        push_time(&mut clock, instant(millis).with_timezone(&zone).naive_local());
        Self { clock, ..Self::from_millis(millis, zone) }
    }
}

/// `millis` (epoch milliseconds) as an instant, clamped to the years 1 to 9999.
#[must_use]
pub fn instant(millis: i64) -> DateTime<Utc> {
    const EARLIEST: i64 = -62_135_596_800_000;
    const LATEST: i64 = 253_402_300_799_999;
    Utc.timestamp_millis_opt(millis.clamp(EARLIEST, LATEST)).single().unwrap_or_default()
}

fn relative(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let seconds = (now - at).num_seconds();
    let (here, today) = (at.with_timezone(&zone).naive_local(), now.with_timezone(&zone).naive_local());
    let days = (today.date() - here.date()).num_days();
    match seconds {
        -5..=9 => "just now".to_owned(),
        10..=59 => format!("{seconds} seconds ago"),
        60..=119 => "1 minute ago".to_owned(),
        120..=3599 => format!("{} minutes ago", seconds / 60),
        _ if days == 0 => format!("today {}", clock(here)),
        _ if days == 1 => format!("yesterday {}", clock(here)),
        _ if days == -1 => format!("tomorrow {}", clock(here)),
        _ if here.year() == today.year() => format!("{} {}", short_day(here.date()), clock(here)),
        _ => format!("{} {:04}", short_day(here.date()), here.year()),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn month(date: NaiveDate) -> &'static str {
    MONTHS.get(date.month0() as usize).copied().unwrap_or_default()
}

fn weekday(date: NaiveDate) -> &'static str {
    WEEKDAYS.get(date.weekday().num_days_from_monday() as usize).copied().unwrap_or_default()
}

fn push_digit(text: &mut String, number: u32) {
    text.push(char::from_digit(number % 10, 10).unwrap_or('0'));
}

/// The last two digits of `number`.
fn push_two(text: &mut String, number: u32) {
    push_digit(text, number / 10);
    push_digit(text, number);
}

fn push_clock(text: &mut String, at: NaiveDateTime) {
    push_two(text, at.hour());
    text.push(':');
    push_two(text, at.minute());
}

fn push_time(text: &mut String, at: NaiveDateTime) {
    push_clock(text, at);
    text.push(':');
    push_two(text, at.second());
}

/// Four digits at least: at the calendar's edge a zone can be in the year 10000, or in the year 0.
fn push_year(text: &mut String, date: NaiveDate) {
    let year = u32::try_from(date.year()).unwrap_or(0);
    if year > 9999 {
        push_digit(text, year / 10_000);
    }
    push_two(text, year / 100);
    push_two(text, year);
}

fn push_day(text: &mut String, date: NaiveDate) {
    if date.day() > 9 {
        push_digit(text, date.day() / 10);
    }
    push_digit(text, date.day());
    text.push(' ');
}

/// `at` for programs: RFC 3339 in UTC, with milliseconds.
#[must_use]
pub fn iso(at: DateTime<Utc>) -> String {
    let mut text = String::with_capacity(24);
    let at = at.naive_utc();
    push_year(&mut text, at.date());
    text.push('-');
    push_two(&mut text, at.month());
    text.push('-');
    push_two(&mut text, at.day());
    text.push('T');
    push_time(&mut text, at);
    text.push('.');
    // A leap second counts on within its second.
    let millis = at.nanosecond() / 1_000_000;
    push_digit(&mut text, millis / 100);
    push_two(&mut text, millis);
    text.push('Z');
    text
}

/// "14:02"
#[must_use]
pub fn clock(at: NaiveDateTime) -> String {
    let mut text = String::with_capacity(5);
    push_clock(&mut text, at);
    text
}

/// "19 Nov"
#[must_use]
pub fn short_day(date: NaiveDate) -> String {
    let mut text = String::with_capacity(6);
    push_day(&mut text, date);
    text.extend(month(date).get(..3));
    text
}

/// "Thursday 19 November", with the year where it is not that of `today`.
#[must_use]
pub fn long_day(date: NaiveDate, today: NaiveDate) -> String {
    let mut text = String::with_capacity(32);
    text.push_str(weekday(date));
    text.push(' ');
    push_day(&mut text, date);
    text.push_str(month(date));
    if date.year() != today.year() {
        text.push(' ');
        push_year(&mut text, date);
    }
    text
}

/// "19 Nov 2025, 14:02"
#[must_use]
pub fn short_moment(at: NaiveDateTime) -> String {
    format!("{} {:04}, {}", short_day(at.date()), at.year(), clock(at))
}

fn precise(local: &DateTime<Tz>) -> String {
    let at = local.naive_local();
    let mut text = String::with_capacity(28);
    push_day(&mut text, at.date());
    text.extend(month(at.date()).get(..3));
    push_after_month(&mut text, local);
    text
}

fn exact(local: &DateTime<Tz>) -> String {
    let at = local.naive_local();
    let mut text = String::with_capacity(48);
    text.push_str(weekday(at.date()));
    text.push(' ');
    push_day(&mut text, at.date());
    text.push_str(month(at.date()));
    push_after_month(&mut text, local);
    text
}

/// Year, time and zone.
fn push_after_month(text: &mut String, local: &DateTime<Tz>) {
    let at = local.naive_local();
    text.push(' ');
    push_year(text, at.date());
    text.push_str(", ");
    push_time(text, at);
    // Writing to a String does not fail.
    let _ = write!(text, " {}", local.offset());
}

/// `millis` as people say a length of time: "840 ms", "12 s", "2 m 11 s", "3 h 4 m".
#[must_use]
pub fn duration(millis: i64) -> String {
    let seconds = millis / 1000;
    match millis {
        ..=-1 => "—".to_owned(),
        0..=999 => format!("{millis} ms"),
        1_000..=59_999 => format!("{seconds} s"),
        60_000..=3_599_999 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap();
        let said = |millis_ago: i64| {
            Timestamp::from_millis(now.timestamp_millis() - millis_ago, now, Tz::Europe__Berlin).relative
        };
        assert_eq!(said(1_000), "just now");
        assert_eq!(said(180_000), "3 minutes ago");
        assert_eq!(said(3 * 3_600_000), "today 10:00");
        assert_eq!(said(24 * 3_600_000), "yesterday 13:00");
        assert_eq!(said(15 * 24 * 3_600_000), "5 Nov 13:00");
        assert_eq!(said(400 * 24 * 3_600_000), "16 Oct 2025");
        assert_eq!(Timestamp::from_millis(i64::MAX, now, Tz::UTC).relative, "31 Dec 9999");
    }

    #[test]
    fn times_read_as_chronos_patterns_write_them() {
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap();
        for zone in [Tz::UTC, Tz::Europe__Berlin, Tz::America__Sao_Paulo, Tz::Asia__Kathmandu] {
            // 97 days and some apart, so that each month, weekday, hour and season comes up.
            for step in 0_i64..500 {
                let millis = -900_000_000_000 + step * 8_412_345_678;
                let (at, local) = (instant(millis), instant(millis).with_timezone(&zone));
                let (shown, listed) =
                    (Timestamp::from_millis(millis, now, zone), TimeOfDay::from_millis(millis, zone));
                assert_eq!(shown.iso, at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
                assert_eq!(shown.exact, local.format("%A %-d %B %Y, %H:%M:%S %Z").to_string());
                assert_eq!(shown.precise, local.format("%-d %b %Y, %H:%M:%S %Z").to_string());
                assert_eq!((listed.iso, listed.precise), (shown.iso, shown.precise));
                assert_eq!(listed.clock, local.format("%H:%M").to_string());
                let date = local.date_naive();
                assert_eq!(short_day(date), date.format("%-d %b").to_string());
                assert_eq!(long_day(date, date), date.format("%A %-d %B").to_string());
                let other_year = date + chrono::Days::new(400);
                assert_eq!(long_day(date, other_year), date.format("%A %-d %B %Y").to_string());
            }
        }
    }

    #[test]
    fn the_edges_of_the_calendar_are_written_too() {
        assert_eq!(iso(instant(i64::MIN)), "0001-01-01T00:00:00.000Z");
        assert_eq!(iso(instant(i64::MAX)), "9999-12-31T23:59:59.999Z");
        let east = TimeOfDay::from_millis(i64::MAX, Tz::Asia__Kathmandu).precise;
        assert!(east.starts_with("1 Jan 10000, 05:44:59"), "{east}");
        let west = TimeOfDay::from_millis(i64::MIN, Tz::America__Sao_Paulo).precise;
        assert!(west.starts_with("31 Dec 0000, "), "{west}");
    }

    #[test]
    fn lengths_of_time_are_short() {
        assert_eq!(duration(131_000), "2 m 11 s");
        assert_eq!(duration(840), "840 ms");
        assert_eq!(duration(3_600_000), "1 h 0 m");
    }
}
