//! The dashboard and a project's year: what they say, to whom, and that their numbers agree.

use pilothouse::activity::rollup;

use crate::support::console::{Console, Person};

/// Milliseconds of the database's clock, `hours` ago.
fn hours_ago(console: &Console, hours: i64) -> i64 {
    console.app.clock.now().timestamp_millis() - hours * 3_600_000
}

fn keep(console: &Console) {
    rollup::keep(&console.app.db).unwrap();
}

/// Ends a visit of `who` `hours` ago, an hour after it began.
fn visit(console: &Console, who: &Person, hours: i64) {
    console.sql(&format!(
        "INSERT INTO sessions (user_id, token, expires_at, created_at, last_activity, is_active) \
         VALUES ('{}', md5(random()::text), now() + interval '1 day', now() - interval '{} hours', \
                 now() - interval '{hours} hours', false)",
        who.id,
        hours + 1
    ));
}

#[test]
fn an_empty_console_says_the_first_step() {
    let console = Console::start();
    let page = console.owner().get("/");
    for words in [
        "No projects yet",
        "Create a project",
        "Latest activity",
        "Nothing is running.",
        "Nothing has happened yet.",
    ] {
        assert!(page.text("main").contains(words), "{words}");
    }
    let page = console.admin().get("/");
    assert!(page.text("main").contains("Nothing is counted yet."), "no count, no zeros");
    keep(&console);
    let page = console.admin().get("/");
    assert!(page.body.contains("Activity, last 30 days") && page.body.contains("0 entries"));
}

#[test]
fn an_owner_sees_their_projects_with_state_age_and_last_activity() {
    let console = Console::start();
    let (ada, bob) = (console.owner(), console.owner());
    let shop = console.project(&ada, "shop-api");
    let container = console.container(&ada, "shop-api-web");
    console.sql(&format!(
        "UPDATE projects SET container_id = '{container}' WHERE id = '{shop}'; \
         UPDATE containers SET observed_at = now() - interval '3 minutes' WHERE id = '{container}'"
    ));
    console.project(&bob, "not-hers");
    console.action(&shop, "deployment", hours_ago(&console, 30 * 24), "{}");
    // A worker whose clock is wrong makes nothing the last activity.
    console.action(&shop, "deployment", 1_900_000_000_000, "{}");
    console.action(&shop, "deployment", i64::MAX, "{}");
    let page = ada.get("/");
    let rows = page.texts("tr[data-project]");
    assert_eq!(rows.len(), 1, "{rows:?}");
    for words in ["shop-api", "running", "as of", "3 minutes ago"] {
        assert!(rows[0].contains(words), "{words}: {}", rows[0]);
    }
    for year in ["2030", "9999"] {
        assert!(!rows[0].contains(year), "{}", rows[0]);
    }
    let timeline = ada.get("/activity").text("main");
    assert!(timeline.contains("dated in the future"), "it stands where it was received, marked: {timeline}");
    assert!(timeline.contains("implausible time"), "{timeline}");
}

#[test]
fn what_is_new_since_the_last_visit_is_told_and_counted() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop-api");
    console.action(&shop, "deployment", hours_ago(&console, 50), "{}");
    assert!(ada.get("/").body.contains("Latest activity"), "somebody new was never here before");
    visit(&console, &ada, 10);
    let page = ada.get("/");
    assert!(page.body.contains("Since your last visit,") && page.body.contains("Nothing new."));
    assert_eq!(
        page.attributes("main .timeline li[data-activity]", "data-activity").len(),
        1,
        "what happened before is shown"
    );
    for hours in 1..4 {
        console.action(&shop, "github_push", hours_ago(&console, hours), "{}");
    }
    console.sql(
        "UPDATE turbobackend.project_actions SET status = 'failed' WHERE action_id = \
         (SELECT action_id FROM turbobackend.project_actions ORDER BY created_at DESC LIMIT 1)",
    );
    let page = ada.get("/");
    assert!(page.body.contains("3 entries, 1 failed."), "{}", page.body);
    assert_eq!(
        page.attributes("main .timeline li[data-activity]", "data-activity").len(),
        3,
        "what is old is not shown"
    );
    // A second device that is still used has seen everything up to this session's beginning, not later.
    console.sql(&format!(
        "UPDATE sessions SET last_activity = now(), is_active = true WHERE user_id = '{0}' AND id <> '{1}'; \
         UPDATE sessions SET created_at = now() - interval '2 hours 30 minutes' WHERE id = '{1}'",
        ada.id, ada.session
    ));
    assert!(ada.get("/").body.contains("2 entries, 1 failed."));
    // One that began later is none of the past.
    let phone = console.sign_in_as(&ada.id);
    phone.get("/");
    assert!(ada.get("/").body.contains("2 entries, 1 failed."));
}

#[test]
fn more_than_can_be_read_is_called_more() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop-api");
    visit(&console, &ada, 20);
    for n in 0..130 {
        console.action(&shop, "github_push", hours_ago(&console, 1) - n * 1000, "{}");
    }
    let page = ada.get("/");
    assert!(page.body.contains("More than 100 entries; none of the latest 100 failed."), "{}", page.body);
    assert_eq!(page.attributes("main .timeline li[data-activity]", "data-activity").len(), 12);
    assert!(page.body.contains("All of them"));
}

#[test]
fn the_chart_says_what_its_table_and_the_timeline_say() {
    let console = Console::start();
    let (admin, ada) = (console.admin(), console.owner());
    let shop = console.project(&ada, "shop-api");
    console.sql(&format!("UPDATE users SET time_zone = 'Asia/Kathmandu' WHERE id = '{}'", admin.id));
    for n in 0..40 {
        console.action(&shop, "github_push", hours_ago(&console, 30) - n * 600_000, "{}");
    }
    console.sql("UPDATE turbobackend.project_actions SET status = 'error' WHERE ctid IN (SELECT ctid FROM turbobackend.project_actions LIMIT 7)");
    keep(&console);
    let page = admin.get("/?days=90");
    let rows = page.texts(".chart-table tbody tr");
    assert_eq!(rows.len(), 90);
    assert_eq!(page.attributes(".chart-days a", "href").len(), 90);
    let description = page.text("#chart-description");
    assert!(description.contains("40 entries, 7 failed."), "{description}");
    let days = page.attributes(".chart-table tbody a", "href");
    let (entries, failed) =
        (page.texts(".chart-table td:nth-child(2)"), page.texts(".chart-table td:nth-child(3)"));
    for ((url, row), entries) in days.iter().zip(&rows).zip(&entries).filter(|(_, entries)| *entries != "0") {
        let day = admin.get(&format!("{url}&limit=100"));
        assert_eq!(day.attributes("li[data-activity]", "data-activity").len().to_string(), *entries, "{row}");
    }
    let sum = |numbers: &[String]| numbers.iter().map(|number| number.parse::<i64>().unwrap()).sum::<i64>();
    assert_eq!((sum(&entries), sum(&failed)), (40, 7));
    assert!(!ada.get("/").has(".chart"), "an owner has no chart of the instance");
}

#[test]
fn figures_count_what_is_there_by_state() {
    let console = Console::start();
    let (admin, ada) = (console.admin(), console.owner());
    for name in ["one", "two", "three"] {
        console.container(&ada, name);
        console.project(&ada, name);
    }
    console.sql(
        "UPDATE containers SET status = 'deleted' WHERE name = 'one'; UPDATE projects SET status = 'archived' WHERE name = 'two'; \
         INSERT INTO users (email, is_active) VALUES ('gone@people.test', false)",
    );
    let page = admin.get("/");
    assert_eq!(page.texts(".figures dt"), ["Users", "Projects", "Containers"]);
    let parts = page.texts(".figures dd");
    for (part, words) in parts.iter().zip([
        ["2", "1 admin", "1 owner", "1 deactivated"],
        ["3", "2 active", "1 archived", ""],
        ["2", "2 running", "1 deleted", ""],
    ]) {
        assert!(
            part.starts_with(words[0]) && words.iter().all(|word| part.contains(word)),
            "{part}: {words:?}"
        );
    }
    assert!(!ada.get("/").has(".figures"));
}

#[test]
fn a_year_links_each_day_to_as_many_entries_as_it_tells() {
    let console = Console::start();
    let (ada, bob) = (console.owner(), console.owner());
    let shop = console.project(&ada, "shop-api");
    let path = format!("/projects/{shop}");
    assert!(ada.get(&path).text("main").contains("Nothing is counted yet."));
    keep(&console);
    assert!(ada.get(&path).text("main").contains("Nothing happened here in the last year."));
    console.sql(&format!("UPDATE users SET time_zone = 'America/St_Johns' WHERE id = '{}'", ada.id));
    for hours in [2, 3, 26, 100, 101, 102, 24 * 200, 24 * 500] {
        console.action(&shop, "github_push", hours_ago(&console, hours), "{}");
    }
    console.sql(&format!(
        "INSERT INTO \"ActivityEvent\" (\"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") \
         VALUES ('{shop}', 'APR_REVIEW', 'x', 'x', 'FAILED', timezone('UTC', now() - interval '26 hours')); \
         INSERT INTO \"ActivityLog\" (\"projectId\", \"activityType\", \"createdAt\") \
         VALUES ('{shop}', 'project.updated', timezone('UTC', now() - interval '100 hours'))"
    ));
    keep(&console);
    let page = ada.get(&path);
    let days = page.attributes(".heat a[data-day]", "href");
    let names = page.texts(".heat a[data-day] title");
    assert!((4..=7).contains(&days.len()), "{names:?}");
    let mut sum = 0;
    for (url, name) in days.iter().zip(&names) {
        let entries =
            ada.get(&format!("{url}&limit=100")).attributes("li[data-activity]", "data-activity").len();
        let told = if entries == 1 { "1 entry on ".to_owned() } else { format!("{entries} entries on ") };
        assert!(name.starts_with(&told), "{name}: {entries}");
        sum += entries;
    }
    assert_eq!(sum, 9, "all but the one of the year before");
    assert!(names.iter().any(|name| name.ends_with(", 1 failed")), "{names:?}");
    assert!(page.text(".heat figcaption").contains("America/St_Johns"));
    let months: i64 =
        page.texts(".heat td:nth-child(2)").iter().map(|number| number.parse::<i64>().unwrap()).sum();
    assert_eq!(months, 9);
    assert!(console.admin().get(&path).has(".heat a[data-day]"), "an admin sees an owner's year");
    bob.get(&path).expect(404);
}

#[test]
fn each_failure_says_why_and_leads_to_those_of_the_same_days() {
    let console = Console::start();
    let ada = console.owner();
    let shop = console.project(&ada, "shop-api");
    for (status, why) in [("FAILURE", "exit code 1: no SMTP_URL"), ("error", "the disk is full")] {
        let id = console.action(&shop, "deployment", hours_ago(&console, 2), "{}");
        console.sql(&format!(
            "UPDATE turbobackend.project_actions SET status = '{status}', action_details = '{why}' WHERE action_id = '{id}'"
        ));
    }
    let old = console.action(&shop, "deployment", hours_ago(&console, 24 * 9), "{}");
    console
        .sql(&format!("UPDATE turbobackend.project_actions SET status = 'failed' WHERE action_id = '{old}'"));
    let page = ada.get("/").expect(200);
    let mut reasons = page.texts("aside .opens .reason");
    reasons.sort();
    assert_eq!(reasons, ["exit code 1: no SMTP_URL", "the disk is full"]);
    let all = page.attributes("aside a", "href").into_iter().find(|url| url.contains("status=")).unwrap();
    assert!(all.starts_with("/activity?status=failed&from="), "{all}");
    assert_eq!(ada.get(&all).expect(200).attributes("ol.timeline [data-activity]", "data-activity").len(), 2);
    let presets = ada.get("/activity?status=failed").expect(200).attributes(".presets a", "href");
    assert!(presets.contains(&all["/activity".len()..].to_owned()), "{all}: {presets:?}");
}

#[test]
fn tokens_that_end_soon_or_that_nobody_uses_are_on_their_makers_dashboard() {
    let console = Console::start();
    let (ada, grace) = (console.owner(), console.owner());
    let make = |person: &Person, name: &str, made: &str, ends: &str, used: &str| {
        console.sql(&format!(
            "INSERT INTO pilothouse.api_tokens (hash, name, created_by, scopes, created_at, expires_at, last_used_at) \
             VALUES ('{name}', '{name}', '{}', '{{read}}', now() - interval '{made}', now() + {ends}, now() - {used})",
            person.id
        ));
    };
    make(&ada, "ends", "1 day", "interval '13 days'", "interval '1 hour'");
    make(&ada, "later", "1 day", "interval '15 days'", "interval '1 hour'");
    make(&ada, "over", "99 days", "interval '-1 day'", "interval '91 days'");
    make(&ada, "idle", "99 days", "NULL::interval", "interval '91 days'");
    make(&ada, "unused", "91 days", "NULL::interval", "NULL::interval");
    make(&ada, "new", "1 day", "NULL::interval", "NULL::interval");
    make(&grace, "hers", "1 day", "interval '1 day'", "NULL::interval");
    let page = ada.get("/").expect(200);
    let told: Vec<String> = page.texts("[data-tone=warning] bdi");
    assert_eq!(told, ["ends", "idle", "unused"]);
    assert!(page.body.contains("never used") && page.body.contains("last used"));
    assert_eq!(grace.get("/").expect(200).texts("[data-tone=warning] bdi"), ["hers"]);
}
