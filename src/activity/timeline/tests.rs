use chrono_tz::Tz;

use super::*;
use crate::activity::position::Source;
use crate::activity::sentence::{LinkTarget, Part};

fn row(source: &str, ms: i64, id: &str, request: Option<&str>) -> Row {
    Row {
        part: "page".to_owned(),
        source: source.to_owned(),
        id: id.to_owned(),
        at: ms,
        told_at: None,
        project: Some("p".to_owned()),
        kind: Some("deployment".to_owned()),
        status: None,
        environment: None,
        user: Some("u".to_owned()),
        actor_name: None,
        actor_role: None,
        request: request.map(str::to_owned),
        cause: None,
        title: None,
        details: None,
        references: None,
        target_kind: None,
        target_id: None,
        target_name: None,
        duration: None,
        progress: None,
        project_name: None,
        project_exists: false,
        project_is_gone: false,
        user_name: None,
        user_exists: false,
        runs: false,
        has_gaps: false,
    }
}

fn page_of(rows: Vec<Row>, filter: &Filter) -> TimelinePage {
    let page = cut(rows.into_iter().filter_map(Row::into_entry).collect(), filter);
    TimelinePage { entries: fold::related(page.entries, filter.zone), ..page }
}

#[test]
fn a_row_says_what_its_project_and_its_actor_are_called() {
    let mut named = row("action", 0, "a", None);
    (named.project_name, named.project_is_gone) = (Some("shop".to_owned()), true);
    (named.user_name, named.user_exists) = (Some("ada@example.org".to_owned()), true);
    let page = page_of(vec![named], &Filter::none(Tz::UTC));
    let project = page.entries[0].project.clone().unwrap();
    assert_eq!((project.name.as_str(), project.state), ("shop", ProjectState::Gone));
    assert_eq!(
        (page.entries[0].actor.name.as_str(), page.entries[0].actor.exists),
        ("ada@example.org", true)
    );
}

#[test]
fn a_source_of_a_later_version_is_left_out() {
    let page =
        page_of(vec![row("satellite", 2, "s", None), row("action", 1, "a", None)], &Filter::none(Tz::UTC));
    assert_eq!(keys(&page.entries), ["a"]);
}

#[test]
fn a_bare_cause_is_an_actions_and_long_words_are_told_apart_by_their_hash() {
    let mut caused = row("event", 1, "e", None);
    caused.cause = Some("action:act_1".to_owned());
    assert_eq!(caused.into_entry().unwrap().caused_by.as_deref(), Some("act_1"));
    let word_text = |word: &str| WordColumn::Type.stored(word);
    assert_eq!(word_text("deployment"), "deployment");
    let (one, other) = (word_text(&"x".repeat(501)), word_text(&"x".repeat(502)));
    assert_ne!(one, other);
    assert!(one.len() < 200 && one.starts_with("xxx"), "{one}");
}

#[test]
fn failed_is_every_word_for_it_and_other_statuses_are_themselves() {
    let words = |only: &[&str]| {
        status_words(&Words { only: only.iter().map(|w| (*w).to_owned()).collect(), not: Vec::new() }).only
    };
    assert_eq!(words(&["FAILED"]), ["error", "failed", "failure"]);
    assert_eq!(words(&["Completed", "error"]), ["completed", "error"]);
}

fn keys(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(Entry::key).collect()
}

#[test]
fn what_belongs_to_one_request_stands_under_its_action() {
    let mut named = row("audit", 30, "l1", Some("r1"));
    named.actor_name = Some("Grace".to_owned());
    let rows = vec![
        row("event", 40, "e1", Some("r1")),
        named,
        row("action", 20, "a1", Some("r1")),
        row("audit", 10, "l2", None),
    ];
    let page = page_of(rows, &Filter::none(Tz::UTC));
    assert_eq!(keys(&page.entries), ["a1", "audit:l2"]);
    assert_eq!(keys(&page.entries[0].folded), ["event:e1", "audit:l1"]);
    assert_eq!(
        page.entries[0].actor.name, "Grace",
        "the audit entry knows the name that the viewer can't look up"
    );
    assert_eq!(page.days(Tz::UTC)[0].shown, 4);
}

#[test]
fn one_row_too_many_tells_of_more_and_folded_ones_count() {
    let rows =
        vec![row("audit", 4, "l", Some("r")), row("action", 3, "a", Some("r")), row("action", 2, "b", None)];
    let page = page_of(rows, &Filter { limit: 2, ..Filter::none(Tz::UTC) });
    assert_eq!(keys(&page.entries), ["a"]);
    assert_eq!(page.older.map(|cursor| cursor.to_string()).as_deref(), Some("3.a.a"));
    assert_eq!(page.newer, None);
}

#[test]
fn a_page_read_upwards_keeps_the_rows_next_to_its_cursor() {
    let start = "1.a.z".parse().unwrap();
    let filter = Filter { limit: 2, position: Some((Direction::After, start)), ..Filter::none(Tz::UTC) };
    let page = page_of(
        vec![row("action", 2, "b", None), row("action", 3, "c", None), row("action", 4, "d", None)],
        &filter,
    );
    assert_eq!(keys(&page.entries), ["c", "b"]);
    assert_eq!(page.newer.map(|cursor| cursor.to_string()).as_deref(), Some("3.a.c"));
    assert_eq!(page.older.map(|cursor| cursor.to_string()).as_deref(), Some("2.a.b"));
}

#[test]
fn days_are_those_of_the_viewer() {
    let evening = 1_763_675_400_000; // 20 November 2025, 21:50 UTC
    let page = page_of(vec![row("action", evening, "a", None)], &Filter::none(Tz::UTC));
    assert_eq!(page.days(Tz::UTC)[0].date.to_string(), "2025-11-20");
    assert_eq!(page.days(Tz::Asia__Tokyo)[0].date.to_string(), "2025-11-21");
}

#[test]
fn odd_times_are_kept_and_marked() {
    let oddity = |ms| Moment::of(ms, None, Source::Action).oddity;
    assert_eq!(oddity(0), Some(Oddity::Missing));
    assert_eq!(oddity(1_763_675_400), Some(Oddity::LooksLikeSeconds));
    assert_eq!(oddity(1_763_675_400_000), None);
    let told = Moment::of(1_763_675_400_000, Some(1_795_000_000_000), Source::Action);
    assert_eq!((told.ms, told.oddity), (1_763_675_400_000, Some(Oddity::Ahead)));
    for ms in [i64::MIN, -1, 1, 100_000_000_000, 4_102_444_800_000, i64::MAX] {
        assert_eq!(oddity(ms), Some(Oddity::Implausible), "{ms}");
        assert_eq!(Moment::of(ms, None, Source::Action).ms, ms);
    }
}

#[test]
fn a_project_that_nobody_knows_has_no_link() {
    let page = page_of(vec![row("action", 1, "a", None)], &Filter::none(Tz::UTC));
    let project = page.entries[0].project.clone().unwrap();
    assert_eq!((project.name.as_str(), project.state), ("p", ProjectState::Unknown));
    assert!(
        page.entries[0].sentence.contains(&Part::Link { target: LinkTarget::Nowhere, label: "p".to_owned() })
    );
}

fn referring(mut row: Row, references: &str) -> Row {
    row.references = Some(references.to_owned());
    row
}

#[test]
fn a_push_its_deployment_and_its_session_are_one_story_and_the_next_push_is_another() {
    let rows = vec![
        referring(row("action", 50, "fix", None), r#"{"commit_sha": "c2", "branch_name": "main"}"#),
        referring(row("action", 40, "session", None), r#"{"deployment_id": "d1"}"#),
        referring(row("action", 30, "deploy", None), r#"{"deployment_id": "d1", "commit_sha": "c1"}"#),
        row("audit", 20, "other", None),
        referring(row("action", 10, "push", None), r#"{"commit_sha": "c1", "branch_name": "main"}"#),
    ];
    let page = page_of(rows, &Filter::none(Tz::UTC));
    assert_eq!(keys(&page.entries), ["fix", "session", "audit:other"]);
    assert_eq!(keys(&page.entries[1].folded), ["deploy", "push"]);
    assert_eq!(keys(&page.into_unfolded()), ["fix", "session", "deploy", "audit:other", "push"]);
}

/// Twelve hours of the same day lie before it.
const NOON: i64 = 12 * 3_600_000;

#[test]
fn a_story_never_takes_a_whole_project_a_long_time_or_another_project() {
    let tied = |count: i64, apart: i64| {
        let rows = (0..count).map(|n| {
            referring(row("action", NOON - n * apart, &format!("a{n:02}"), None), r#"{"database_id": "db"}"#)
        });
        page_of(rows.collect(), &Filter::none(Tz::UTC)).entries.len()
    };
    assert_eq!(tied(3, 1), 1);
    assert_eq!(tied(30, 1), 30, "what everything carries ties nothing");
    assert_eq!(tied(3, 11 * 3_600_000), 2, "a day of the viewer at most");
    let mut chain: Vec<Row> = (0..40)
        .map(|n| {
            let references = format!(r#"{{"deployment_id": "d{n}", "commit_sha": "d{}"}}"#, n / 2);
            referring(row("action", -n, &format!("a{n:02}"), Some(&format!("r{}", n / 3))), &references)
        })
        .collect();
    let page = page_of(chain.clone(), &Filter::none(Tz::UTC));
    assert!(page.entries.iter().all(|entry| entry.folded.len() < 10));
    assert!(page.entries.is_sorted_by(|a, b| a.position > b.position), "headings read newest first");
    chain.truncate(2);
    chain[1].project = Some("another".to_owned());
    chain[1].request = None;
    chain[0].references = chain[1].references.clone();
    assert_eq!(page_of(chain, &Filter::none(Tz::UTC)).entries.len(), 2);
}
