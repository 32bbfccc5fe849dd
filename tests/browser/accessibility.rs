//! Every page in light and dark, wide and narrow: axe finds nothing, no word is too small, and nothing scrolls sideways.

use pilothouse::db::{Actor, DbError, SecretHash};
use pilothouse::{auth, demo};

use crate::axe;
use crate::browser::{Browser, Habits, browse};
use crate::support::console::{Console, PASSWORD};

/// What a page is called must be known, or another one may have been looked at.
type Page = (String, &'static str);

/// A console with the demo's life in it.
pub fn lively() -> Console {
    let console = Console::start();
    let hash = auth::password::hash_blocking(PASSWORD).unwrap();
    let now = console.app.clock.now();
    let create = |conn: &mut _| demo::create(conn, now, &hash).map_err(DbError::from);
    console.app.db.write_blocking(&Actor::System, create).unwrap();
    console.sql(
        "INSERT INTO \"ActivityLog\" (id, \"activityType\", \"actorName\", \"targetType\", \"targetName\", ip, before, after) \
         VALUES ('changed', 'project.updated', 'Ada', 'project', 'shop-api', '192.0.2.7', \
                 '{\"name\": \"shop\", \"settings\": {\"port\": 1}}', '{\"name\": \"shop-api\", \"settings\": {\"port\": 2}}')",
    );
    console
}

/// Pages of somebody who is signed in, and the words that each heading holds.
fn pages(console: &Console) -> Vec<Page> {
    let one = |query: &str| console.text(query);
    let project = one("SELECT id FROM projects WHERE status = 'active' ORDER BY created_at, id LIMIT 1");
    let container = one("SELECT id FROM containers WHERE status = 'running' ORDER BY created_at, id LIMIT 1");
    // The one that somebody wrote strange things in.
    let talkative = one("SELECT id FROM projects WHERE name = 'shop-api'");
    let conversation = one(
        "SELECT session_id FROM chat_messages WHERE content LIKE '%javascript:%' ORDER BY created_at, id LIMIT 1",
    );
    let file = one("SELECT f.id FROM file_storage f JOIN projects p ON p.container_id = f.container_id \
         WHERE p.name = 'shop-api' AND file_path LIKE '%onerror%' LIMIT 1");
    let action = one("SELECT action_id FROM turbobackend.project_actions \
         WHERE project_id IN (SELECT id_text FROM projects) AND reference_ids ? 'commit_sha' ORDER BY created_at DESC, action_id LIMIT 1");
    let event = one("SELECT id FROM \"ActivityEvent\" ORDER BY \"createdAt\" DESC, id LIMIT 1");
    let commit = one(
        "SELECT value FROM turbobackend.action_references WHERE key = 'commit_sha' ORDER BY created_at DESC, value LIMIT 1",
    );
    // What is deleted, and what another program removed.
    let deleted = one("UPDATE projects SET status = 'deleted' WHERE status = 'archived' RETURNING id");
    let gone = one(
        "DELETE FROM projects WHERE id = (SELECT max(id_text)::uuid FROM projects WHERE status = 'active' \
         AND id_text <> (SELECT id_text FROM projects WHERE status = 'active' ORDER BY created_at, id LIMIT 1)) RETURNING id",
    );
    let user = one("SELECT id FROM users WHERE email = 'ada@demo.test'");
    let (draft, wireframe) = draft(console);
    let page = |path: String, heading: &'static str| (path, heading);
    vec![
        page("/".to_owned(), "Dashboard"),
        page("/projects".to_owned(), "Projects"),
        page("/projects?q=nothing-is-called-this".to_owned(), "Projects"),
        page("/projects/new".to_owned(), "New project"),
        page(format!("/projects/{project}"), ""),
        page(format!("/projects/{project}/activity"), ""),
        page(format!("/projects/{talkative}/chat"), ""),
        page(format!("/projects/{talkative}/chat?q=theme"), ""),
        page(format!("/projects/{talkative}/chat?session={conversation}"), ""),
        page(format!("/projects/{talkative}/files"), ""),
        page(format!("/projects/{talkative}/files?path=src&deleted=1"), ""),
        page(format!("/projects/{talkative}/files?file={file}"), ""),
        page(format!("/projects/{project}/settings"), ""),
        page(format!("/projects/{project}/delete"), "Delete project"),
        page(format!("/projects/{deleted}"), ""),
        page(format!("/projects/{deleted}/settings"), ""),
        page(format!("/projects/{gone}"), ""),
        page("/projects?status=deleted".to_owned(), "Projects"),
        page("/containers".to_owned(), "Containers"),
        page(format!("/containers/{container}"), ""),
        page(format!("/containers/{container}/logs"), ""),
        page(format!("/containers/{container}/figures?hours=24"), ""),
        page(format!("/containers/{container}/runs"), ""),
        page(format!("/containers/{container}/stop"), "Stop"),
        page("/activity".to_owned(), "Activity"),
        page("/activity?status=failed&from=2020-01-01".to_owned(), "Activity"),
        page(format!("/activity/{action}"), ""),
        page(format!("/events/{event}"), ""),
        page(format!("/references/commit_sha/{commit}"), "Commit"),
        page("/search?q=shop".to_owned(), ""),
        page("/search?q=nothing-is-called-this".to_owned(), "Search"),
        page("/audit".to_owned(), "Audit"),
        page("/audit/changed".to_owned(), ""),
        page("/users".to_owned(), "Users"),
        page("/users/new".to_owned(), "New user"),
        page("/operations".to_owned(), "Operations"),
        page("/start".to_owned(), "Describe your project"),
        page("/start/draft".to_owned(), "Your draft"),
        page("/start/delete".to_owned(), "Delete"),
        page("/drafts".to_owned(), "Drafts"),
        page(format!("/drafts/{draft}"), "Online shop"),
        page(format!("/wireframes/{wireframe}"), "Online shop"),
        page("/referrals".to_owned(), "Referrals"),
        page("/intake".to_owned(), "Intake"),
        page("/intake/attribution".to_owned(), "Attribution"),
        page("/intake/sessions".to_owned(), "Conversations"),
        page("/intake/crm".to_owned(), "Sales"),
        page(format!("/users/{user}"), "Ada"),
        page(format!("/users/{user}/deactivate"), "Deactivate"),
        page("/account".to_owned(), "Account"),
        page("/account/sessions".to_owned(), ""),
        page("/nothing-here".to_owned(), "Not found"),
    ]
}

/// A conversation of the admin's, its draft and its wireframe, and a funnel of them: the draft's id and the wireframe's secret.
fn draft(console: &Console) -> (String, String) {
    let secret = console.app.entropy.secret();
    console.sql(&format!(
        "INSERT INTO ai_assistant_sessions (session_id, user_id, session_data, completion_score) \
         SELECT 'as_1', id, '{{\"slots\": {{\"goal\": {{\"answer\": {{\"text\": \"To sell cakes\", \"quality\": \"full\", \"by\": \"person\"}}}}, \
             \"budget\": {{\"skipped\": true}}}}, \"turns\": [{{\"by\": \"visitor\", \"text\": \"Cakes\", \"at\": 1}}, \
             {{\"by\": \"assistant\", \"text\": \"Noted.\", \"at\": 2}}], \"asked\": \"project_type\"}}', 20 \
         FROM users WHERE email = 'admin@demo.test'; \
         INSERT INTO job_drafts (user_id, session_id, title, description, completion_score, generated_milestones) \
         SELECT user_id, session_id, 'Online shop', 'It sells cakes.', 45, '{{Design,Build}}' FROM ai_assistant_sessions; \
         INSERT INTO pilothouse.draft_files (draft_id, kind, hash, title, content) \
         SELECT id, 'wireframe', '{}', title, '[{{\"title\": \"Home\", \"parts\": [{{\"kind\": \"picture\"}}, {{\"kind\": \"button\", \"text\": \"Buy\"}}]}}]' \
         FROM job_drafts; \
         INSERT INTO pilothouse.crm_outbox (draft_id, user_id, state) SELECT id, user_id, 'parked' FROM job_drafts; \
         INSERT INTO analytics (event_type, session_id, slot_name, developer_ref, source) \
         VALUES ('session_started', 'as_1', NULL, 'ada', 'mail'), ('slot_asked', 'as_1', 'goal', 'ada', 'mail'); \
         SELECT pilothouse.keep_funnel()",
        SecretHash::of(&secret).as_str()
    ));
    (console.text("SELECT id::text FROM job_drafts"), secret)
}

/// The first tag that reaches over the right edge of a page that scrolls sideways; null on any other.
const BEYOND_THE_EDGE: &str = "
    if (document.scrollingElement.scrollWidth <= window.innerWidth) return null;
    const wide = [...(document.querySelector('main') ?? document.body).querySelectorAll('*')]
        .filter((element) => element.getBoundingClientRect().right > window.innerWidth);
    return (wide.find((element) => ![...element.children].some((child) => wide.includes(child))) ?? document.body)
        .outerHTML.slice(0, 200);";

/// The places with words that are smaller than 12 px, open or folded.
const TOO_SMALL: &str = "
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), small = new Set();
    while (words.nextNode()) {
        const place = words.currentNode.parentElement, size = parseFloat(getComputedStyle(place).fontSize);
        if (words.currentNode.data.trim() && !place.closest('script, style') && size < 12)
            small.add(`${size} px: ${place.outerHTML.slice(0, 120)}`);
    }
    return [...small].slice(0, 5);";

/// What is wrong with `pages` at `width` in `theme`.
async fn look_at(browser: &Browser, pages: &[Page], width: u32, theme: &str, wrong: &mut Vec<String>) {
    browser.look(width, theme).await;
    for (path, heading) in pages {
        browser.open(path).await;
        let h1 = browser.text("h1").await;
        let here = format!("{path} at {width} in {theme}");
        assert!(!h1.is_empty() && h1.contains(heading), "{here} is {h1:?}");
        assert_eq!(&browser.path().await, path, "{here}");
        for finding in axe::findings(browser).await {
            wrong.push(format!("{here}: {finding}"));
        }
        for small in browser.script(TOO_SMALL).await.as_array().unwrap() {
            wrong.push(format!("{here}: too small, {small}"));
        }
        let beyond = browser.script(BEYOND_THE_EDGE).await;
        if !beyond.is_null() {
            wrong.push(format!("{here}: scrolls sideways, because of {beyond}"));
        }
    }
}

fn look_everywhere(width: u32) {
    let console = lively();
    let mut wrong = Vec::new();
    browse(&console.base, Habits::default(), async |browser| {
        let before = [
            ("/login".to_owned(), "Sign in"),
            ("/start".to_owned(), "Describe"),
            ("/passwords/x".to_owned(), "no longer works"),
        ];
        let pages = pages(&console);
        for theme in ["light", "dark"] {
            look_at(&browser, &before, width, theme, &mut wrong).await;
        }
        browser.sign_in("admin@demo.test", PASSWORD).await;
        for theme in ["light", "dark"] {
            look_at(&browser, &pages, width, theme, &mut wrong).await;
        }
        assert!(wrong.is_empty(), "{} findings: {wrong:#?}", wrong.len());
    });
}

#[test]
fn a_page_with_faults_is_found_out() {
    const FAULTS: &str = "data:text/html,<html><body style='width:5000px'><h1>Faults</h1><img src=x>\
        <p style='color:%23aaa;background:%23bbb;font-size:11.9px'>pale</p><input></body></html>";
    browse("", Habits::default(), async |browser| {
        browser.look(360, "light").await;
        browser.driver.goto(FAULTS).await.unwrap();
        let found = axe::findings(&browser).await;
        for rule in ["image-alt", "color-contrast", "label", "html-has-lang"] {
            assert!(found.iter().any(|finding| finding.starts_with(rule)), "{rule} is not found: {found:#?}");
        }
        let small = browser.script(TOO_SMALL).await;
        assert_eq!(small.as_array().map(Vec::len), Some(1), "{small}");
        let beyond = browser.script(BEYOND_THE_EDGE).await;
        assert!(beyond.is_string(), "{beyond}");
        let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
        assert_eq!(browser.script(dark).await, false);
        browser.look(1280, "dark").await;
        assert_eq!(browser.script(dark).await, true);
        assert_eq!(browser.script("return window.innerWidth").await, 1280);
    });
}

#[test]
fn on_a_desk_every_page_is_without_a_finding() {
    look_everywhere(1280);
}

#[test]
fn on_a_phone_every_page_is_without_a_finding() {
    look_everywhere(360);
}
