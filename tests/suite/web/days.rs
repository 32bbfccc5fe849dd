//! A day's use of timelines: one count a day, runs, both sides of a moment, words, menus, impossible dates.

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

/// 20 November 2025, 12:00 UTC.
const NOON: i64 = 1_763_640_000_000;
const HOUR: i64 = 3_600_000;

fn ids(page: &Answer) -> Vec<String> {
    page.attributes("[data-activity]", "data-activity")
}

/// `count` actions of one type, a minute apart, the newest at noon.
fn act(console: &Console, project: &str, count: i64, kind: &str, details: &str) {
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, action_details, status, created_at) \
         SELECT '{kind}' || n, '{project}', p.user_id::text, '{kind}', {details}, 'success', {NOON} - n * 60000::bigint \
         FROM generate_series(0, {count} - 1) n, projects p WHERE p.id_text = '{project}'"
    ));
}

fn shop(console: &Console) -> (Person, String) {
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    console.sql(&format!(
        "DELETE FROM turbobackend.project_actions WHERE project_id = '{project}'; DELETE FROM \"ActivityLog\""
    ));
    (owner, project)
}

#[test]
fn a_cut_day_says_so_and_its_link_and_the_calendar_say_how_many_it_has() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    act(&console, &project, 57, "deployment", "'d' || n");
    let page = owner.get("/activity").expect(200);
    assert_eq!((ids(&page).len(), page.text(".day-head small").as_str()), (50, "50 shown · Whole day"));
    let day = page.attribute(".day-head small a", "href");
    assert_eq!(day, "/activity?from=2025-11-20&to=2025-11-20");
    let page = owner.get(&day).expect(200);
    assert_eq!(page.text(".day-head small"), "50 of 57 entries");
    let older = owner.get(&page.attribute("a[rel=next]", "href")).expect(200);
    assert_eq!((ids(&older).len(), older.text(".day-head small").as_str()), (7, "7 of 57 entries"));
    let whole = owner.get(&format!("{day}&limit=100")).expect(200);
    assert_eq!((ids(&whole).len(), whole.text(".day-head small").as_str()), (57, "57 entries"));
    // A page that ends with a day has all of it.
    console.action(&project, "deployment", NOON - 24 * HOUR, "{}");
    let page = owner.get("/activity?limit=57").expect(200);
    assert_eq!(page.text(".day-head small"), "57 entries");
}

#[test]
fn what_belongs_together_stays_on_its_day() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    console.action(&project, "github_push", NOON + 11 * HOUR, r#"{"commit_sha": "c1"}"#);
    console.action(
        &project,
        "deployment",
        NOON + 13 * HOUR,
        r#"{"commit_sha": "c1", "deployment_id": "d1"}"#,
    );
    let page = owner.get("/activity").expect(200);
    assert_eq!(page.texts(".day-head small"), ["1 entry", "1 entry"]);
}

#[test]
fn rows_that_say_the_same_are_one_and_failures_stand_by_themselves() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    act(&console, &project, 8, "chat_message_sent", "NULL");
    console.sql(
        "UPDATE turbobackend.project_actions SET status = 'failed' WHERE action_id = 'chat_message_sent4'",
    );
    let page = owner.get("/activity").expect(200);
    assert_eq!(ids(&page).len(), 8, "each keeps its row");
    assert_eq!(page.select(".day > ol > li").len(), 3, "{}", page.text("main"));
    assert_eq!(page.texts(".related > summary .more"), ["4 times since 11:57", "3 times since 11:53"]);
    assert_eq!(page.attributes(".day > ol > li[data-tone=bad]", "data-activity"), ["chat_message_sent4"]);
    assert_eq!(ids(&owner.get("/activity?limit=3").expect(200)).len(), 3, "they count towards the limit");
    assert!(page.select("details.related[open]").is_empty());
    let pointed = owner.get("/activity?at=chat_message_sent2").expect(200);
    assert_eq!(pointed.attribute("details.related[open] li#here", "data-activity"), "chat_message_sent2");
}

#[test]
fn an_own_act_shows_no_fold_for_what_the_audit_log_has_of_it_and_no_line_that_repeats_it() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    owner.post(&format!("/projects/{project}/archive"), &[]).expect(303);
    let page = owner.get("/activity?limit=2").expect(200);
    assert!(page.select("details.related").is_empty(), "{}", page.text("main"));
    assert_eq!(ids(&page).len(), 2, "it keeps its row");
    assert_eq!(page.select(".day > ol > li").len(), 1);
    act(&console, &project, 1, "deployment", "'Deployed shop-api'");
    let page = owner.get("/activity?type=deployment").expect(200);
    assert_eq!(page.select(".day > ol > li > div > p").len(), 1, "{}", page.text("main"));
}

#[test]
fn around_a_moment_stands_what_came_before_and_after_it() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    act(&console, &project, 200, "deployment", "'d' || n");
    let entry = owner.get("/activity/deployment100").expect(200);
    let around = entry.attribute(".page-actions a[href*='#']", "href");
    let page = owner.get(around.split('#').next().unwrap()).expect(200);
    let shown = ids(&page);
    assert_eq!(shown.len(), 50);
    assert_eq!((shown[0].as_str(), shown[49].as_str()), ("deployment75", "deployment124"));
    assert_eq!(page.attribute("#here", "data-activity"), "deployment100");
    assert_eq!(ids(&owner.get(&page.attribute("a[rel=prev]", "href")).expect(200))[49], "deployment74");
    assert_eq!(ids(&owner.get(&page.attribute("a[rel=next]", "href")).expect(200))[0], "deployment125");
    assert!(page.text("main").contains("Entries around 20 Nov 2025"));
}

#[test]
fn words_are_found_in_titles_and_details_and_it_says_how_far_it_looked() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    act(&console, &project, 5_100, "deployment", "'quiet'");
    console.sql(
        "UPDATE turbobackend.project_actions SET action_details = 'The 100% Größe of it' WHERE action_id IN ('deployment7', 'deployment5050')",
    );
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         VALUES ('e', '{project}', 'APR_REVIEW', 'x', 'größe of 100% files', 'COMPLETED', '2025-11-20 12:00')"
    ));
    let page = owner.get("/activity?q=100%25+gr%C3%B6%C3%9Fe").expect(200);
    assert_eq!(ids(&page), ["event:e", "deployment7"]);
    assert!(
        page.text("main").contains("Looked through the newest 5,000 entries, back to"),
        "{}",
        page.text("main")
    );
    assert_eq!(page.attribute("input[name=q][type=search]:not([id=search])", "value"), "100% größe");
    let further = page.attribute(".list-note a", "href");
    assert_eq!(ids(&owner.get(&further).expect(200)), ["deployment5050"]);
    assert!(ids(&owner.get("/activity?q=100_").expect(200)).is_empty(), "nothing stands for anything");
    let of_project = format!("/projects/{project}/activity?q=gr%C3%B6%C3%9Fe&source=event");
    assert_eq!(ids(&owner.get(&of_project).expect(200)), ["event:e"]);
    assert!(owner.get(&of_project).expect(200).text("main").contains("Looked through all entries"));
    let file = owner.post("/activity/export", &[("format", "jsonl"), ("q", "größe")]).expect(200);
    assert_eq!(file.body.lines().count(), 2);
    assert_eq!(owner.get(&format!("/activity?q={}", "x".repeat(201))).status, 400);
}

#[test]
fn an_impossible_day_keeps_the_page_and_its_filters_and_an_empty_one_is_told() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    act(&console, &project, 1, "deployment", "'d'");
    act(&console, &project, 1, "github_push", "'p'");
    for (query, sentence) in [
        ("from=2026-02-30", "“2026-02-30” is no day"),
        ("to=nonsense", "“nonsense” is no day"),
        ("jump=2026-13-01", "“2026-13-01” is no day"),
        ("from=2026-02-02&to=2026-02-01", "is after the last"),
    ] {
        for path in ["/activity".to_owned(), format!("/projects/{project}/activity")] {
            let page = owner.get(&format!("{path}?type=deployment&{query}&ref_value=")).expect(400);
            assert!(page.text("[role=alert]").contains(sentence), "{query}: {}", page.text("main"));
            assert_eq!(ids(&page), ["deployment0"], "{query}");
            assert_eq!(page.attributes("input[name=type][checked]", "value"), ["deployment"]);
        }
    }
    let jumped = owner.get("/activity?jump=2025-11-25").location().to_owned();
    let page = owner.get(&jumped).expect(200);
    assert!(
        page.text("main").contains("Nothing happened on Tuesday 25 November 2025"),
        "{}",
        page.text("main")
    );
    assert_eq!(ids(&page).len(), 2);
    let jumped = owner.get("/activity?jump=2025-11-20").location().to_owned();
    assert!(!owner.get(&jumped).expect(200).text("main").contains("Nothing happened"));
}

#[test]
fn menus_have_what_is_ticked_first_one_word_for_failure_and_say_what_is_unknown() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    for status in ["FAILURE", "error", "failed"] {
        act(&console, &project, 1, &format!("reindex_{}", status.to_lowercase()), "'why'");
        console.sql(&format!("UPDATE turbobackend.project_actions SET status = '{status}', environment = 'qa-7' WHERE action_id LIKE 'reindex_{}%'", status.to_lowercase()));
    }
    let page = owner.get("/activity?status=failed&type=deployment&type=nobody-knows").expect(200);
    assert_eq!(page.attributes("input[name=type]", "value")[..2], ["nobody-knows", "deployment"]);
    assert!(
        page.text(".filter-options").starts_with("unknown: nobody-knows"),
        "{}",
        page.text(".filter-options")
    );
    assert!(page.text(".chips").contains("unknown: nobody-knows"));
    let page = owner.get("/activity?status=failed").expect(200);
    assert_eq!(ids(&page).len(), 3);
    assert_eq!(page.texts(".day > ol > li > span"), ["failed", "failed", "failed"]);
    let statuses = page.attributes("input[name=status]", "value");
    assert!(
        statuses.contains(&"failed".to_owned())
            && !statuses.iter().any(|s| ["error", "failure", "FAILURE"].contains(&s.as_str())),
        "{statuses:?}"
    );
    let all = owner.get("/activity?list=status").expect(200);
    assert_eq!(all.attributes("input[name=status]", "value"), ["failed", "success"]);
    assert!(page.texts("label").contains(&"qa-7".to_owned()), "{:?}", page.texts("label"));
    assert!(page.texts(".presets a").contains(&"Last week (7 days)".to_owned()));
}

#[test]
fn chips_begin_with_the_deployment_stay_in_their_project_and_shorten_an_engines_id() {
    let console = Console::start();
    let (owner, project) = shop(&console);
    let other = console.project(&owner, "other");
    let engine = "6f964a7cb2c2fc41ce52bca3b6e42580b2af6054f3754abf32c915d44e182c74";
    let references = format!(
        r#"{{"app_name": "shop", "branch_name": "main", "container_id": "{engine}", "deployment_id": "d1"}}"#
    );
    let deployed = console.action(&project, "deployment", NOON, &references);
    console.action(
        &other,
        "deployment",
        NOON + HOUR,
        r#"{"app_name": "shop", "branch_name": "main", "deployment_id": "d2"}"#,
    );
    console.sql(&format!(
        "INSERT INTO turbobackend.project_deployments (deployment_id, project_id, app_name, created_at) VALUES \
         ('d1', '{project}', 'shop', {NOON}), ('d2', '{project}', 'shop', {NOON} + 86400000)"
    ));
    let page = owner.get(&format!("/projects/{project}/activity?type=deployment")).expect(200);
    let chips = page.texts(&format!("[data-activity='{deployed}'] > div > div > a"));
    assert_eq!(chips, ["deployment d1", "branch main", "container 6f964a7cb2c2", "app shop"]);
    let branch = page.attribute(&format!("[data-activity='{deployed}'] a[href*=branch_name]"), "href");
    let here = owner.get(&branch).expect(200);
    assert_eq!(ids(&here), std::slice::from_ref(&deployed));
    let everywhere =
        here.attributes("main a", "href").into_iter().find(|url| url == "/references/branch_name/main");
    assert_eq!(ids(&owner.get(&everywhere.unwrap()).expect(200)).len(), 2);
    // The app's newest deployment is another one.
    let entry = owner.get(&format!("/activity/{deployed}")).expect(200);
    assert_eq!(entry.texts(".cards h3"), ["Deployment d1"]);
    let recorded = entry.text("aside dl");
    assert!(recorded.contains("shop-api") && !recorded.contains(&project), "{recorded}");
}
