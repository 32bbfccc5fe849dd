//! The timeline's pages as browsers get them: filters, positions, folds, weight and round trips.

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

/// 20 November 2025, 12:00 UTC.
const NOON: i64 = 1_763_640_000_000;
const DAY: i64 = 24 * 3_600_000;

fn ids(page: &Answer) -> Vec<String> {
    page.select("[data-activity]").iter().map(|row| row.attr("data-activity").unwrap().to_owned()).collect()
}

/// Fifty-one rows of ten types, with two to four references and details of a hundred characters.
fn furnish(console: &Console, project: &str) {
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions \
         SELECT 'act_' || left(md5(n::text), 16), '{project}', p.user_id::text, 'req_' || left(md5('r' || n), 16), \
                (ARRAY['deployment', 'github_push', 'database_created', 'endpoints_added', 'project_updated', \
                       'container_started', 'container_stopped', 'deployment', 'github_push', 'schema_changed'])[1 + n % 10], \
                left(repeat('Health check on port 4021 did not answer in time, so the release was rolled back. ', 2), 100), \
                (ARRAY['success', 'success', 'failed', 'success', 'running'])[1 + n % 5], \
                (ARRAY['production', 'staging', 'development'])[1 + n % 3], \
                (ARRAY[ \
                  jsonb_build_object('deployment_id', 'deploy_' || left(md5('d' || n), 16), 'app_name', 'shop-api'), \
                  jsonb_build_object('commit_sha', md5('c' || n) || '01234567', 'branch_name', 'main', \
                                     'github_push_id', 'push_' || left(md5('p' || n), 16)), \
                  jsonb_build_object('deployment_id', 'deploy_' || left(md5('d' || n), 16), 'app_name', 'shop-api', \
                                     'commit_sha', md5('c' || n) || '01234567', 'branch_name', 'main')])[1 + n % 3], \
                {NOON} - n * 3600000::bigint \
         FROM generate_series(1, 51) n, projects p WHERE p.id_text = '{project}'"
    ));
}

/// Sixty thousand bytes are what a page of fifty may weigh, and what styles and script may weigh together.
#[test]
fn fifty_entries_with_their_filters_weigh_sixty_kilobytes_and_styles_and_script_seventy() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop-api");
    furnish(&console, &project);
    let of_project = format!("/projects/{project}/activity");
    for (person, path) in
        [(&owner, "/activity"), (&owner, &of_project), (&admin, "/activity"), (&admin, &of_project)]
    {
        let page = person.get(path);
        assert!(ids(&page).len() >= 50, "{path} holds {}", ids(&page).len());
        let weight = page.body.len();
        assert!(weight <= 60_000, "{path} weighs {weight} bytes");
    }
    let page = owner.get("/activity");
    let links = ["link[rel=stylesheet]", "script[src]"].map(|part| {
        let address =
            page.select(part)[0].attr("href").or(page.select(part)[0].attr("src")).unwrap().to_owned();
        owner.get(&address).body.len()
    });
    assert!(links.iter().all(|weight| *weight > 1_000) && links.iter().sum::<usize>() <= 70_000, "{links:?}");
}

/// One follows a redirect of a form to the address that it means.
fn meant(person: &Person, path: &str) -> String {
    let answer = person.get(path);
    assert_eq!(answer.status, 303, "{path}");
    answer.location().to_owned()
}

#[test]
fn the_forms_own_fields_lead_to_the_address_that_they_mean() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    let commit = "4be1d07a4be1d07a4be1d07a4be1d07a4be1d07a";
    console.action(&project, "github_push", NOON, &format!(r#"{{"commit_sha": "{commit}"}}"#));
    for (form, address) in [
        ("type=deployment&hide=type&from=&to=&ref_key=&ref_value=&jump=", "/activity?type=-deployment"),
        ("type=deployment&status=failed&hide=status", "/activity?type=deployment&status=-failed"),
        ("type=deployment&ref_key=app_name&ref_value=shop", "/activity?type=deployment&ref=app_name%3Ashop"),
        ("ref_key=&ref_value=app:shop", "/activity?ref=app_name%3Ashop"),
        ("ref_key=&ref_value=nobody-knows-it", "/activity?ref=id%3Anobody-knows-it"),
        ("ref=app_name:shop&ref_key=app_name&ref_value=", "/activity"),
        ("status=failed&limit=25&jump=", "/activity?status=failed&limit=25"),
        (
            "type=github_push&from=2025-11-01&jump=2025-11-20",
            "/activity?type=github_push&before=1763683200000.a.%7E01",
        ),
    ] {
        assert_eq!(meant(&owner, &format!("/activity?{form}")), address, "{form}");
    }
    // A pasted commit is looked up, abbreviated too.
    for pasted in [commit, "4be1d07"] {
        let address = meant(&owner, &format!("/activity?ref_value={pasted}"));
        assert_eq!(address, format!("/activity?ref=commit_sha%3A{commit}"));
        assert_eq!(ids(&owner.get(&address)).len(), 1);
    }
    assert_eq!(owner.get("/activity?jump=yesterday").status, 400);
}

#[test]
fn a_jump_positions_the_list_and_leaves_nothing_out() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    let made: Vec<String> =
        (0..4).map(|back| console.action(&project, "deployment", NOON - back * DAY, "{}")).collect();
    let page = owner.get(&meant(&owner, &format!("/projects/{project}/activity?jump=2025-11-18")));
    assert_eq!(ids(&page), made[2..]);
    let newer = page.select("a[rel=prev]")[0].attr("href").unwrap().to_owned();
    assert_eq!(ids(&owner.get(&newer)), made[..2]);
    assert!(page.body.contains("Back to the newest"));
}

#[test]
fn filters_stay_while_one_pages_and_each_chip_takes_off_its_own() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    for back in 0..3 {
        console.action(&project, "deployment", NOON - back, "{}");
        console.action(&project, "github_push", NOON - back, "{}");
    }
    let filters = "type=-github_push&status=success&limit=1";
    let mut page = owner.get(&format!("/activity?{filters}"));
    for _ in 0..2 {
        assert_eq!(ids(&page).len(), 1);
        let older = page.select("a[rel=next]")[0].attr("href").unwrap().to_owned();
        assert!(older.contains(filters), "{older}");
        page = owner.get(&older);
    }
    assert!(page.select("a[rel=next]").is_empty());
    let chips: Vec<String> =
        page.select("a.chip").iter().map(|chip| chip.attr("href").unwrap().to_owned()).collect();
    assert_eq!(chips, ["/activity?status=success&limit=1", "/activity?type=-github_push&limit=1"]);
    assert_eq!(page.select(".chips .clear a")[0].attr("href"), Some("/activity?limit=1"));
    // What is left out stays a ticked box, so that the form keeps it.
    assert_eq!(page.select("input[name=type][value='-github_push'][checked]").len(), 1);
    assert_eq!(page.select("input[name=type][checked]").len(), 1);
}

#[test]
fn a_story_folds_under_its_newest_action_and_a_link_opens_it() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    let push =
        console.action(&project, "github_push", NOON, r#"{"commit_sha": "c1", "branch_name": "main"}"#);
    let deploy = console.action(
        &project,
        "deployment",
        NOON + 240_000,
        r#"{"commit_sha": "c1", "deployment_id": "d1", "branch_name": "main"}"#,
    );
    let fix = console.action(
        &project,
        "github_push",
        NOON + 1_800_000,
        r#"{"commit_sha": "c2", "branch_name": "main"}"#,
    );
    let page = owner.get("/activity");
    assert_eq!(ids(&page), [fix.as_str(), deploy.as_str(), push.as_str()]);
    let folded = page.select("ol.timeline > li details.related > ol.timeline > li");
    assert_eq!(folded.len(), 1);
    assert_eq!(folded[0].attr("data-activity"), Some(push.as_str()));
    assert!(page.select("details.related[open]").is_empty());
    // The permalink's way back: the entry is marked, and its fold is open.
    let entry = owner.get(&format!("/activity/{push}"));
    let around = entry.select(".page-actions a[href*='#']")[0].attr("href").unwrap().to_owned();
    let (path, fragment) = around.split_once('#').unwrap();
    let page = owner.get(path);
    assert_eq!(page.select(&format!("#{fragment}"))[0].attr("data-activity"), Some(push.as_str()));
    let later = owner.get(&format!("{path}&limit=100"));
    assert_eq!(later.select("details.related[open]").len(), usize::from(ids(&later).contains(&deploy)));
    // What followed stands on its page, with its distance, and its neighbours are linked.
    assert!(entry.body.contains("What followed") && entry.body.contains("4 m 0 s later"));
    assert!(entry.select("a[rel=prev]")[0].attr("href").unwrap().contains(&deploy));
}

#[test]
fn rows_stay_readable_whatever_was_written() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    let many: Vec<String> = (0..40).map(|n| format!(r#""key_{n}": "{}""#, "v".repeat(n + 1))).collect();
    let id = console.action(&project, "deployment", NOON, &format!("{{{}}}", many.join(",")));
    console.sql(&format!(
        "UPDATE turbobackend.project_actions SET action_details = repeat('x', 10000), user_id = repeat('n', 255) \
         WHERE action_id = '{id}'; \
         INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, created_at) VALUES \
         ('forgotten', '{project}', 'deployment', 'running', 1), ('odd', '{project}', '<b>', '<i>', 1763640000)"
    ));
    let page = owner.get("/activity");
    assert_eq!(ids(&page).len(), 3);
    assert!(page.body.contains("and 37 more") && page.body.contains("Show the first 2000 characters"));
    assert!(page.body.contains("no word since") && page.body.contains("time looks like seconds"));
    assert!(page.body.contains("&#60;b&#62;") && page.body.len() < 40_000);
    let entry = owner.get(&format!("/activity/{id}"));
    assert!(entry.body.contains(&"x".repeat(10_000)));
}

#[test]
fn an_owner_reads_and_filters_what_was_written_with_their_ids_in_capitals() {
    let console = Console::start();
    let owner = console.owner();
    let project = console.project(&owner, "shop-api");
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, created_at, reference_ids) \
         SELECT 'loud', upper(id_text), '{{' || upper(user_id::text) || '}}', 'deployment', {NOON}, '{{\"branch_name\": \"loud\"}}' \
         FROM projects WHERE id_text = '{project}'"
    ));
    owner.get("/activity/loud").expect(200);
    owner.get("/references/branch_name/loud").expect(200);
    let timeline = format!("/projects/{project}/activity");
    for filter in ["", "?actor=ID", "?actor=CAPITALS", "?actor=%7BCAPITALS%7D"] {
        let filter = filter.replace("ID", &owner.id).replace("CAPITALS", &owner.id.to_uppercase());
        assert_eq!(ids(&owner.get(&format!("{timeline}{filter}")).expect(200)), ["loud"], "{filter}");
    }
    assert!(
        ids(&owner.get(&format!("{timeline}?actor=-{}", owner.id.to_uppercase())).expect(200)).is_empty()
    );
}

#[test]
fn what_an_entry_refers_to_has_a_page_once_the_entry_that_no_trigger_saw_is_taken_in() {
    let console = Console::start();
    let (owner, stranger, admin) = (console.owner(), console.owner(), console.admin());
    let project = console.project(&owner, "shop-api");
    console.sql(&format!(
        "SET session_replication_role = replica; \
         INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, created_at, reference_ids) VALUES \
         ('replicated', '{project}', 'deployment', {NOON}, \
          '{{\"branch_name\": \"gro\u{308}\u{df}e/x\", \"count\": 2.50, \"done\": true, \"deployment_id\": \"d1\", \"app_name\": \"100%\"}}'); \
         INSERT INTO turbobackend.github_push_history (push_id, project_id, branch_name, commit_sha, created_at) \
         VALUES ('p1', '{project}', 'only-here', 'abc1234', 1); \
         INSERT INTO turbobackend.container_sessions (session_id, project_id, container_id, created_at) \
         VALUES ('s1', '{project}', 'engine-7', 1); \
         INSERT INTO turbobackend.project_deployments (deployment_id, project_id, app_name, commit_sha, created_at) \
         VALUES ('d1', '{project}', 'named', 'abc9999', 1); \
         SET session_replication_role = origin"
    ));
    owner.get("/activity/replicated").expect(404);
    console.rebuild_timeline();
    let page = owner.get("/activity/replicated").expect(200);
    let mut chips = page.attributes("main a[href^='/references']", "href");
    chips.sort();
    chips.dedup();
    assert!(chips.len() >= 5, "{chips:?}");
    for start in [
        "/references/github_push_id/p1",
        "/references/container_session_id/s1",
        "/references/deployment_id/d1",
    ] {
        chips.extend(owner.get(start).expect(200).attributes("main a[href^='/references']", "href"));
    }
    assert!(chips.len() >= 10, "{chips:?}");
    for chip in &chips {
        for person in [&owner, &admin] {
            person.get(chip).expect(200);
        }
        stranger.get(chip).expect(404);
    }
    for person in [&owner, &admin] {
        assert_eq!(ids(&person.get("/references/count/2.50").expect(200)), ["replicated"]);
        person.get("/references/count/3").expect(404);
        person.get("/references/branch_name/none").expect(404);
    }
}

#[test]
fn a_gap_says_whether_records_are_lost_or_kept() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let project = console.project(&owner, "shop-api");
    console.action(&project, "deployment", NOON, "{}");
    console.sql(&format!(
        "INSERT INTO pilothouse.recording_gaps (project_id, from_ms, to_ms, lost, reason, source, entry_id) VALUES \
         ('{project}', {NOON}, {NOON}, 1, 'the disk was full', NULL, NULL), ('{project}', {NOON}, {NOON}, 1, 'x', 'action', 'a'), \
         (NULL, 0, {NOON}, 0, 'x', 'event', NULL)"
    ));
    for person in [&owner, &admin] {
        let page = person.get(&format!("/projects/{project}/activity")).expect(200).text("main");
        for words in [
            "1 record was lost",
            "the disk was full",
            "is kept and could not be put",
            "are still being taken",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(!page.contains("0 records"), "{page}");
    }
}
