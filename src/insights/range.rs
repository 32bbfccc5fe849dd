//! Days that are looked at, and how UTC's quarters of an hour fall into the hours of whoever looks.

use chrono::{DateTime, Days, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::activity::filter::first_ms;

/// Days of somebody's zone, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub zone: Tz,
}

/// Days that are shown unless others are asked for.
pub const USUAL_DAYS: u64 = 30;
/// As many as can be looked at.
pub const MOST_DAYS: i64 = 366;

impl Range {
    /// The last `count` days until `now`.
    #[must_use]
    pub fn ending_today(count: u64, now: DateTime<Utc>, zone: Tz) -> Self {
        let to = now.with_timezone(&zone).date_naive();
        Self { from: to - Days::new(count.saturating_sub(1)), to, zone }
    }

    /// What an address asks for.
    ///
    /// # Errors
    /// A sentence for whoever wrote it.
    pub fn parse(from: Option<&str>, to: Option<&str>, now: DateTime<Utc>, zone: Tz) -> Result<Self, String> {
        let day = |name: &str, text: Option<&str>| {
            let read = |text: &str| text.trim().parse::<NaiveDate>().ok();
            let fits = |day: &NaiveDate| (1990..2100).contains(&chrono::Datelike::year(day));
            text.map(|text| {
                read(text).filter(fits).ok_or_else(|| format!("{name} is no day such as 2026-11-20."))
            })
            .transpose()
        };
        let usual = Self::ending_today(USUAL_DAYS, now, zone);
        let to = day("to", to)?;
        let from = day("from", from)?;
        let to = to.unwrap_or_else(|| usual.to.max(from.unwrap_or(usual.to)));
        let from = from.unwrap_or_else(|| to - Days::new(USUAL_DAYS - 1));
        if from > to {
            return Err("from is after to.".to_owned());
        }
        if (to - from).num_days() >= MOST_DAYS {
            return Err(format!("Between from and to are more than {MOST_DAYS} days."));
        }
        Ok(Self { from, to, zone })
    }

    #[must_use]
    pub fn days(&self) -> Vec<NaiveDate> {
        self.from.iter_days().take_while(|day| *day <= self.to).collect()
    }

    /// Its first millisecond, and the first after it.
    #[must_use]
    pub fn bounds(&self) -> (i64, i64) {
        (first_ms(self.from, self.zone), first_ms(self.to + Days::new(1), self.zone))
    }

    /// The UTC days that hold a part of it.
    #[must_use]
    pub fn utc_days(&self) -> (NaiveDate, NaiveDate) {
        (self.from - Days::new(1), self.to + Days::new(1))
    }

    /// Since when the zone is how far ahead of UTC, both in milliseconds, the first before the range.
    #[must_use]
    pub fn shifts(&self) -> Vec<(i64, i64)> {
        let (from, until) = self.bounds();
        let ahead = |ms: i64| {
            let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
            i64::from(self.zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) * 1000
        };
        let quarter = TimeDelta::minutes(15).num_milliseconds();
        let mut shifts = vec![(i64::MIN, ahead(from))];
        let mut at = from;
        while at < until {
            if shifts.last().is_none_or(|(_, before)| *before != ahead(at)) {
                shifts.push((at, ahead(at)));
            }
            at += quarter;
        }
        shifts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-20T23:30:00Z".parse().unwrap()
    }

    #[test]
    fn an_address_names_days_of_whoever_looks() {
        let range = Range::parse(None, None, now(), Tz::Europe__Berlin).unwrap();
        assert_eq!(
            (range.from.to_string(), range.to.to_string()),
            ("2026-10-23".into(), "2026-11-21".into())
        );
        let range = Range::parse(Some("2026-01-01"), Some("2026-01-31"), now(), Tz::UTC).unwrap();
        assert_eq!(range.days().len(), 31);
        for (from, to) in [("x", "2026-01-01"), ("2026-02-01", "2026-01-01"), ("2020-01-01", "2026-01-01")] {
            assert!(Range::parse(Some(from), Some(to), now(), Tz::UTC).is_err(), "{from} to {to}");
        }
        assert!(Range::parse(Some("-9000-01-01"), None, now(), Tz::UTC).is_err());
    }

    #[test]
    fn hours_are_those_of_summer_and_winter() {
        let range = Range::parse(Some("2026-10-24"), Some("2026-10-26"), now(), Tz::Europe__Berlin).unwrap();
        let changes: Vec<i64> = range.shifts().iter().map(|(_, ahead)| ahead / 3_600_000).collect();
        assert_eq!(changes, [2, 1]);
        let at = DateTime::from_timestamp_millis(range.shifts()[1].0).unwrap();
        assert_eq!(at.to_rfc3339(), "2026-10-25T01:00:00+00:00");
        assert_eq!(Range::ending_today(3, now(), Tz::UTC).shifts(), [(i64::MIN, 0)]);
    }
}
