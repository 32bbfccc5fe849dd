use chrono::DateTime;

use super::*;

fn parsed(query: &[(&str, &str)]) -> Result<Filter, String> {
    Filter::parse(query.iter().copied(), Tz::Europe__Berlin)
}

#[test]
fn words_include_and_exclude_and_repeat() {
    let filter =
        parsed(&[("type", "deployment"), ("type", "-github_push"), ("type", "deployment"), ("status", "")])
            .unwrap();
    assert_eq!(filter.types.only, ["deployment"]);
    assert_eq!(filter.types.not, ["github_push"]);
    assert!(filter.types.lets("deployment") && !filter.types.lets("github_push") && !filter.types.lets("x"));
    assert!(filter.statuses.is_empty() && filter.is_filtered());
    assert_eq!(filter.pairs(), [("type", "deployment".to_owned()), ("type", "-github_push".to_owned())]);
}

#[test]
fn unknown_words_are_kept_and_unknown_names_ignored() {
    let filter = parsed(&[("type", "no_such"), ("x", "1"), ("source", "moon")]).unwrap();
    assert_eq!(filter.types.only, ["no_such"]);
    assert!(Source::ALL.into_iter().all(|source| !filter.lets_source(source)));
}

#[test]
fn a_reference_is_split_at_its_first_colon() {
    let filter = parsed(&[("ref", "commit_sha:a:b/c")]).unwrap();
    assert_eq!(filter.reference, Some(Reference { key: "commit_sha".to_owned(), value: "a:b/c".to_owned() }));
    for bad in ["commit_sha", ":x", "commit_sha:", "a\0:b"] {
        assert!(parsed(&[("ref", bad)]).is_err(), "{bad}");
    }
    assert!(parsed(&[("ref", "a:1"), ("ref", "a:2")]).is_err());
}

#[test]
fn impossible_values_are_named() {
    for (name, value) in [
        ("from", "2026-02-30"),
        ("from", "20.11.2026"),
        ("to", "2026-1-1"),
        ("to", "0000-01-01"),
        ("to", "+002026-01-01"),
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "1e3"),
        ("limit", "١"),
        ("limit", "x"),
        ("before", "garbage"),
        ("after", "1.b.x"),
    ] {
        let message = parsed(&[(name, value)]).unwrap_err();
        assert!(message.contains(value), "{name}={value}: {message}");
    }
    let message = parsed(&[("from", "2026-11-21"), ("to", "2026-11-20")]).unwrap_err();
    assert!(message.contains("2026-11-21") && message.contains("2026-11-20"), "{message}");
    assert!(parsed(&[("before", "1.a.x"), ("after", "1.a.x")]).is_err());
}

#[test]
fn a_limit_above_the_most_is_clamped() {
    for (value, limit) in [("1", 1), ("100", 100), ("101", 100), ("9223372036854775808", 100), ("007", 7)] {
        assert_eq!(parsed(&[("limit", value)]).unwrap().limit, limit);
    }
}

#[test]
fn days_are_the_viewers_and_both_ends_count() {
    let filter = parsed(&[("from", "2026-03-29"), ("to", "2026-03-29")]).unwrap();
    let (from, until) = (filter.from_ms().unwrap(), filter.until_ms().unwrap());
    assert_eq!(until - from, 23 * 3_600_000, "clocks go forward on this day in Berlin");
    assert_eq!(from, "2026-03-28T23:00:00Z".parse::<DateTime<chrono::Utc>>().unwrap().timestamp_millis());
    let filter = parsed(&[("from", "2026-10-25"), ("to", "2026-10-25")]).unwrap();
    assert_eq!(filter.until_ms().unwrap() - filter.from_ms().unwrap(), 25 * 3_600_000);
}

#[test]
fn a_day_without_a_midnight_begins_at_its_first_hour() {
    let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
    let first = first_ms(day, Tz::America__Sao_Paulo);
    assert_eq!(first, "2018-11-04T03:00:00Z".parse::<DateTime<chrono::Utc>>().unwrap().timestamp_millis());
    let skipped = NaiveDate::from_ymd_opt(2011, 12, 30).unwrap();
    let next = NaiveDate::from_ymd_opt(2011, 12, 31).unwrap();
    assert_eq!(
        first_ms(skipped, Tz::Pacific__Apia),
        first_ms(next, Tz::Pacific__Apia),
        "Samoa left this day out"
    );
}

#[test]
fn the_edges_of_the_calendar_do_not_overflow() {
    let filter = parsed(&[("from", "0001-01-01"), ("to", "9999-12-31")]).unwrap();
    assert!(filter.from_ms().unwrap() < filter.until_ms().unwrap());
}

#[test]
fn a_day_begins_at_its_first_instant_whatever_the_clock_leaves_out() {
    for (zone, day, first, last) in [
        // A quarter of an hour, half of one, an hour, a whole day; and offsets with seconds.
        (Tz::Asia__Kathmandu, "1986-01-01", "1985-12-31T18:30:00Z", "1986-01-01T18:15:00Z"),
        (Tz::America__Sao_Paulo, "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        (Tz::Africa__Cairo, "2010-09-10", "2010-09-09T22:00:00Z", "2010-09-10T21:00:00Z"),
        (Tz::Australia__Lord_Howe, "2026-10-04", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"),
        (Tz::Pacific__Apia, "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        (Tz::Pacific__Apia, "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        (Tz::Africa__Monrovia, "1972-01-07", "1972-01-07T00:44:30Z", "1972-01-08T00:00:00Z"),
        (Tz::Europe__Dublin, "1900-01-01", "1900-01-01T00:25:21Z", "1900-01-02T00:25:21Z"),
        (Tz::Europe__Berlin, "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        (Tz::UTC, "9999-12-31", "9999-12-31T00:00:00Z", "+10000-01-01T00:00:00Z"),
    ] {
        let day: NaiveDate = day.parse().unwrap();
        let iso = |ms: i64| {
            DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        };
        let (from, until) = (first_ms(day, zone), first_ms(day + Days::new(1), zone));
        assert_eq!((iso(from).as_str(), iso(until).as_str()), (first, last), "{day} in {zone}");
    }
}

/// What a filter takes for a day is what its heading says: everywhere, at each change of a clock.
#[test]
fn the_filter_of_a_day_holds_what_stands_under_its_heading() {
    let mut changes = 0;
    for zone in chrono_tz::TZ_VARIANTS {
        let day: NaiveDate = "1985-12-25".parse().unwrap();
        for day in day.iter_days().take(366 * 2) {
            let (from, until) = (first_ms(day, zone), first_ms(day + Days::new(1), zone));
            changes += i32::from(until - from != 86_400_000);
            for at in [from, until - 1] {
                let shown = crate::activity::timeline::day_of(at, zone);
                // Newfoundland's clocks go back to the day before, a minute after midnight.
                let goes_back = until - from > 86_400_000 && shown == day - Days::new(1);
                assert!(from == until || shown == day || goes_back, "{day} in {zone} shows {shown}");
            }
        }
    }
    assert!(changes > 100, "{changes}");
}

#[test]
fn an_actor_is_found_in_whatever_writing_the_id_comes() {
    let id = "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c";
    for written in [
        id.to_owned(),
        id.to_uppercase(),
        format!("{{{id}}}"),
        id.replace('-', ""),
        format!(" urn:uuid:{id}"),
    ] {
        let filter = Filter::parse([("actor", written.as_str())], Tz::UTC).unwrap();
        assert_eq!(filter.actors.only, [id], "{written}");
        let without = format!("-{}", written.trim());
        assert_eq!(Filter::parse([("actor", without.as_str())], Tz::UTC).unwrap().actors.not, [id]);
    }
    assert_eq!(Filter::parse([("actor", "Nobody-1")], Tz::UTC).unwrap().actors.only, ["Nobody-1"]);
}

#[test]
fn a_filter_takes_thirty_words_and_says_so() {
    let words: Vec<String> = (0..=MOST_WORDS).map(|n| format!("w{n}")).collect();
    let asked = |count: usize| {
        let pairs: Vec<(&str, &str)> = words
            .iter()
            .take(count)
            .enumerate()
            .map(|(n, word)| (["type", "status"][n % 2], word.as_str()))
            .collect();
        parsed(&pairs)
    };
    assert!(asked(MOST_WORDS).is_ok());
    assert!(asked(MOST_WORDS + 1).unwrap_err().contains("30 values at most"));
    assert!(parsed(&["type"; 100].map(|name| (name, "same"))).is_ok());
}
