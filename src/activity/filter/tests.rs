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
    assert_eq!(
        from,
        "2026-03-28T23:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis()
    );
    let filter = parsed(&[("from", "2026-10-25"), ("to", "2026-10-25")]).unwrap();
    assert_eq!(filter.until_ms().unwrap() - filter.from_ms().unwrap(), 25 * 3_600_000);
}

#[test]
fn a_day_without_a_midnight_begins_at_its_first_hour() {
    let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
    let first = first_ms(day, Tz::America__Sao_Paulo);
    assert_eq!(
        first,
        "2018-11-04T03:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis()
    );
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
