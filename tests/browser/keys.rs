//! Every key that the help lists, on every kind of page; and rows that open what they show.

use thirtyfour::prelude::*;

use crate::accessibility::lively;
use crate::browser::{Browser, Habits, MOMENT, TRIES, browse};
use crate::support::console::{Console, PASSWORD};

/// What stands in a row has the focus.
const ROW: &str = "const rows = [...document.querySelectorAll('main :is(.list tbody tr, [data-activity], .opens, .hits > li, .message)')]; \
     const row = rows.findLast((row) => row.contains(document.activeElement));";

impl Browser {
    async fn keys(&self, text: &str) {
        for key in text.chars() {
            self.driver.action_chain().send_keys(key.to_string()).perform().await.unwrap();
        }
    }

    /// Whether `path` is reached within the time that a page may take.
    async fn is_at(&self, path: &str) -> bool {
        for _ in 0..TRIES {
            if self.path().await == path {
                self.find("h1").await;
                return true;
            }
            tokio::time::sleep(MOMENT).await;
        }
        false
    }

    async fn arrives(&self, path: &str, what: &str) {
        assert!(self.is_at(path).await, "{what} leads to {}, not to {path}", self.path().await);
    }

    async fn said(&self, script: &str) -> String {
        self.script(script).await.as_str().unwrap_or_default().to_owned()
    }
}

/// Path, whether there are rows to walk and open, and whether there is something to filter by.
fn kinds_of_pages(console: &Console) -> Vec<(String, bool, bool)> {
    let one = |query: &str| console.text(query);
    let project = one("SELECT id FROM projects WHERE name = 'shop-api'");
    let container = one("SELECT id FROM containers WHERE status = 'running' ORDER BY created_at, id LIMIT 1");
    let conversation =
        one("SELECT session_id FROM chat_messages m JOIN projects p ON p.container_id = m.container_id \
         WHERE p.name = 'shop-api' GROUP BY session_id HAVING count(*) > 2 LIMIT 1");
    let entry = one(
        "SELECT id FROM pilothouse.timeline t WHERE source = 'action' AND cause IS NOT NULL AND project_id IS NOT NULL \
         ORDER BY at DESC, id LIMIT 1",
    );
    let user = one("SELECT id FROM users WHERE email = 'ada@demo.test'");
    [
        ("/".to_owned(), true, false),
        ("/projects".to_owned(), true, true),
        ("/projects?limit=2".to_owned(), true, true),
        ("/containers".to_owned(), true, true),
        ("/users".to_owned(), true, true),
        ("/activity".to_owned(), true, true),
        ("/activity?limit=5".to_owned(), true, true),
        ("/activity?q=deployed".to_owned(), true, true),
        (format!("/projects/{project}"), true, false),
        (format!("/projects/{project}/activity"), true, true),
        (format!("/projects/{project}/chat"), true, true),
        (format!("/projects/{project}/chat?q=the"), true, true),
        (format!("/projects/{project}/chat?session={conversation}"), true, false),
        (format!("/projects/{project}/files"), true, true),
        (format!("/projects/{project}/settings"), false, false),
        (format!("/containers/{container}"), true, false),
        (format!("/activity/{entry}"), true, false),
        ("/references/branch_name/main".to_owned(), true, false),
        ("/audit".to_owned(), true, true),
        ("/audit/changed".to_owned(), false, false),
        (format!("/users/{user}"), true, false),
        ("/search?q=shop".to_owned(), true, true),
        ("/account".to_owned(), false, false),
    ]
    .into()
}

async fn press_each_key(browser: &Browser, (path, has_rows, has_filter): &(String, bool, bool)) {
    let open = async || {
        browser.open(path).await;
        browser.find("main h1").await;
        browser.find("dialog#keys").await;
    };
    let link = |key: &str| format!("const link = {key}; return link ? link.getAttribute('href') : '';");
    let focused =
        format!("{ROW} return row ? document.activeElement.getAttribute('href') ?? 'a button' : '';");

    open().await;
    browser.keys("j").await;
    let first = browser.said(&focused).await;
    assert_eq!(!first.is_empty(), *has_rows, "j on {path} reaches {first:?}");
    if *has_rows {
        let place = format!("{ROW} return rows.indexOf(row)");
        let at = async || browser.script(&place).await.as_i64().unwrap_or(-1);
        let before = at().await;
        browser.keys("j").await;
        let next = at().await;
        let is_alone = browser.script("return document.querySelectorAll('main :is(.list tbody tr, [data-activity] > a, .opens, .hits > li, .message)').length").await == 1;
        assert!(next > before || is_alone, "j on {path} goes from {before} to {next}");
        browser.keys("k").await;
        assert!(at().await == before || is_alone, "k on {path} does not go back");
        let back = browser.said(&focused).await;
        if !back.contains("a button") {
            browser.keys("o").await;
            browser.arrives(&back, &format!("o on {path}")).await;
        }
    }
    for (key, of) in [
        ("u", "[...document.querySelectorAll('.crumbs a')].at(-1)"),
        ("]", "document.querySelector('main a[rel=next]')"),
        ("[", "document.querySelector('main a[rel=prev]')"),
        ("n", "document.querySelector('.page-actions a.button-primary')"),
        ("gd", "document.querySelector('.rail a[href=\"/\"]')"),
        ("gp", "document.querySelector('.rail a[href=\"/projects\"]')"),
        ("gc", "document.querySelector('.rail a[href=\"/containers\"]')"),
        ("ga", "document.querySelector('.rail a[href=\"/activity\"]')"),
        ("gu", "document.querySelector('.rail a[href=\"/users\"]')"),
        ("go", "document.querySelector('.rail a[href=\"/operations\"]')"),
    ] {
        open().await;
        let wanted = browser.said(&link(of)).await;
        assert!(!key.starts_with('g') || !wanted.is_empty(), "{key} on {path}");
        if !wanted.is_empty() {
            browser.keys(key).await;
            if !browser.is_at(&wanted).await {
                // A key whose page went away under it is sent once more by the driver, to the next page.
                open().await;
                browser.keys(key).await;
            }
            browser.arrives(&wanted, &format!("{key} on {path}")).await;
        }
    }
    open().await;
    browser.keys("f").await;
    let filters = browser.script("const e = document.activeElement; return e.closest('.filter-bar') !== null && e.checkVisibility()").await;
    assert_eq!(filters, *has_filter, "f on {path}");
    open().await;
    browser.keys("/").await;
    assert_eq!(browser.script("return document.activeElement.id").await, "search", "/ on {path}");
    browser.press(Key::Escape).await;
    assert_eq!(browser.script("return document.activeElement.tagName").await, "BODY", "Esc on {path}");
    browser.keys("?").await;
    browser.find("dialog#keys[open]").await;
    browser.press(Key::Escape).await;
    assert_eq!(browser.count("dialog#keys[open]").await, 0, "Esc on {path}");
}

#[test]
fn every_key_works_on_every_kind_of_page() {
    let console = lively();
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in("admin@demo.test", PASSWORD).await;
        for page in &kinds_of_pages(&console) {
            press_each_key(&browser, page).await;
        }
    });
}

/// Clicks into the middle of what `css` finds, whatever lies on top there.
async fn click_at(browser: &Browser, css: &str) {
    let before = browser.find("html").await;
    let element = browser.find(css).await;
    element.scroll_into_view().await.unwrap();
    browser.driver.action_chain().move_to_element_center(&element).click().perform().await.unwrap();
    for _ in 0..TRIES {
        if before.tag_name().await.is_err() {
            browser.find("h1").await;
            return;
        }
        tokio::time::sleep(MOMENT).await;
    }
    panic!("a click on {css} leads nowhere");
}

fn rows_open(habits: Habits) {
    let console = Console::start();
    let (id, email) = console.user("owner");
    let owner = console.sign_in_as(&id);
    let project = console.project(&owner, "shop-api");
    let deployed =
        console.action(&project, "deployment", 1_763_640_000_000, r#"{"deployment_id": "deploy_1"}"#);
    browse(&console.base, habits, async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        let row = format!("[data-activity='{deployed}']");
        for (part, leads_to) in [
            (" > span", format!("/activity/{deployed}")),
            (" > a", format!("/activity/{deployed}")),
            (" > svg", format!("/activity/{deployed}")),
            (" > div", format!("/activity/{deployed}")),
            (" > div > div > a", "/references/deployment_id/deploy_1".to_owned()),
            (" > div > p > a", format!("/projects/{project}")),
        ] {
            browser.open("/activity").await;
            click_at(&browser, &format!("{row}{part}")).await;
            assert_eq!(browser.path().await, leads_to, "{part}");
        }
    });
}

#[test]
fn a_row_opens_its_entry_wherever_nothing_else_is_clicked() {
    rows_open(Habits::default());
}

#[test]
fn a_row_opens_its_entry_without_scripts_too() {
    rows_open(Habits { without_scripts: true });
}

#[test]
fn a_long_menu_is_searched_by_typing() {
    let console = lively();
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in("admin@demo.test", PASSWORD).await;
        browser.open("/activity?type=deployment").await;
        // The first is a phone's.
        browser.script("[...document.querySelectorAll('form[aria-label=Filters] > details.menu > summary')].find((s) => s.checkVisibility()).click()").await;
        let shown = "return [...document.querySelectorAll('details.menu[open] label')].filter((l) => l.checkVisibility()).map((l) => l.textContent).join()";
        let all = browser.said(shown).await;
        assert!(all.starts_with("Deployment,"), "what is ticked stands first: {all}");
        browser
            .script("[...document.querySelectorAll('.filter-find')].find((f) => f.checkVisibility()).focus()")
            .await;
        browser.driver.action_chain().send_keys("push").perform().await.unwrap();
        let found = browser.said(shown).await;
        assert_eq!(found, "Deployment,GitHub push", "of {all}");
        browser.press(Key::Enter).await;
        assert!(browser.path().await.ends_with("type=deployment"), "Enter sends nothing");
    });
}
