//! What people come for, done by a browser.

use thirtyfour::prelude::*;

use crate::axe;
use crate::browser::{Browser, Habits, MOMENT, TRIES, browse};
use crate::support::console::{Console, PASSWORD};

/// From signing in to the page of what a push refers to.
async fn from_sign_in_to_a_reference(browser: &Browser, email: &str) {
    browser.open("/projects").await;
    assert_eq!(browser.path().await, "/login?next=%2Fprojects");
    browser.fill("#email", email).await;
    browser.fill("#password", "not the password").await;
    browser.follow("button[type=submit]").await;
    assert!(browser.text("[role=alert]").await.contains("not right"));
    browser.fill("#password", PASSWORD).await;
    browser.follow("button[type=submit]").await;
    browser.find("main a[href='/projects/new']").await;
    assert_eq!(browser.path().await, "/projects", "back to what was asked for");

    browser.follow("main a[href='/projects/new']").await;
    browser.fill("#name", "lighthouse").await;
    browser.fill("#description", "Keeps the ships off the rocks").await;
    browser.follow("main form [type=submit]").await;
    assert_eq!(browser.text("h1").await, "lighthouse");
    assert!(browser.text("main [role=status]").await.contains("lighthouse"));
    let project = browser.path().await;

    browser.follow("nav[aria-label=Main] a[href='/projects']").await;
    assert_eq!(browser.text("[data-project] .name").await, "lighthouse");
    browser.follow("[data-project] .name a").await;
    assert_eq!(browser.path().await, project);

    browser.follow(&format!("main a[href='{project}/activity']")).await;
    let entry = browser.text(".day > ol.timeline > [data-activity]").await;
    assert!(entry.contains("created") && entry.contains("lighthouse"), "{entry}");
    browser.follow(".day > ol.timeline > [data-activity] > a").await;
    assert!(browser.path().await.starts_with("/activity/"), "{}", browser.path().await);
    assert!(browser.text("h1").await.contains("created"), "{}", browser.text("h1").await);
}

/// Follows the chip of a push's commit.
async fn along_a_reference(browser: &Browser, project: &str, push: &str) {
    browser.open(&format!("/projects/{project}/activity")).await;
    // The deployment is of the same commit: the push stands under it.
    browser.click("details.related > summary").await;
    let chip = format!("[data-activity='{push}'] div > div > a[href$='/4be1d07c']");
    browser.follow(&chip).await;
    assert_eq!(browser.path().await, "/references/commit_sha/4be1d07c");
    assert!(browser.text("h1").await.contains("4be1d07c"));
    assert_eq!(browser.count("ol.timeline [data-activity]").await, 2, "the push and the deployment");
}

/// Deletes the project, finds it among the deleted ones, and takes that back.
async fn through_deletion_and_back(browser: &Browser, project: &str, name: &str) {
    let page = format!("/projects/{project}");
    browser.open(&format!("{page}/delete")).await;
    browser.fill("#confirm", name).await;
    browser.follow("main form [type=submit]").await;
    assert!(browser.text("main [role=status]").await.contains("deleted"));
    browser.open("/projects?status=deleted").await;
    browser.follow(&format!("[data-project] a[href='{page}']")).await;
    assert_eq!(browser.text("h1").await, name, "the record of a deleted project stays readable");
    browser.open(&format!("{page}/restore")).await;
    browser.follow("main form [type=submit]").await;
    assert_eq!(browser.path().await, page);
    assert!(browser.text("main [role=status]").await.contains("restored"));
}

fn walk(habits: Habits) {
    let console = Console::start();
    let (id, email) = console.user("owner");
    let owner = console.sign_in_as(&id);
    let project = console.project(&owner, "shop-api");
    let push = console.action(
        &project,
        "github_push",
        1_763_640_000_000,
        r#"{"commit_sha": "4be1d07c", "branch_name": "main"}"#,
    );
    console.action(
        &project,
        "deployment",
        1_763_640_060_000,
        r#"{"commit_sha": "4be1d07c", "deployment_id": "deploy_1"}"#,
    );
    browse(&console.base, habits, async |browser| {
        from_sign_in_to_a_reference(&browser, &email).await;
        along_a_reference(&browser, &project, &push).await;
        through_deletion_and_back(&browser, &project, "shop-api").await;
    });
    assert_eq!(console.count("sessions WHERE is_active"), 2, "the cookie was taken and sent back");
}

#[test]
fn a_project_is_created_found_and_followed_to_what_happened() {
    walk(Habits::default());
}

#[test]
fn the_same_works_without_scripts() {
    let habits = Habits { without_scripts: true };
    browse("", habits, async |browser| {
        let page =
            "data:text/html,<h1>off</h1><script>document.querySelector('h1').textContent = 'on'</script>";
        browser.driver.goto(page).await.unwrap();
        assert_eq!(browser.text("h1").await, "off", "this browser runs scripts");
    });
    walk(habits);
}

#[test]
fn signing_out_leaves_nothing_to_go_back_to() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open("/account").await;
        assert_eq!(browser.text("h1").await, "Account");
        sign_out(&browser).await;
        assert!(browser.text("main").await.contains("signed out"));
        browser.driver.back().await.unwrap();
        browser.find("#email").await;
        assert!(browser.path().await.starts_with("/login"), "{}", browser.path().await);
    });
}

async fn sign_out(browser: &Browser) {
    browser.click("header summary").await;
    browser.follow("header form[action='/logout'] button").await;
}

#[test]
fn an_admin_lets_somebody_in_and_out_again_and_it_is_on_record() {
    let console = Console::start();
    let (_, admin) = console.user("admin");
    let (email, password) = ("mary@example.test", "seven quiet lanterns at noon");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&admin, PASSWORD).await;
        browser.open("/users/new").await;
        browser.fill("#email", email).await;
        browser.fill("#name", "Mary Jackson").await;
        browser.follow("main form [type=submit]").await;
        let link = browser.find("#link").await.prop("value").await.unwrap().unwrap();
        sign_out(&browser).await;

        browser.driver.goto(&link).await.unwrap();
        browser.fill("#password", password).await;
        browser.follow("main form [type=submit]").await;
        browser.sign_in(email, password).await;
        browser.open("/users").await;
        assert_eq!(browser.text("h1").await, "Not found", "users are for admins");
        sign_out(&browser).await;

        browser.sign_in(&admin, PASSWORD).await;
        browser.open("/users?q=mary").await;
        browser.follow("[data-user] .name a").await;
        assert_eq!(browser.text("h1").await, "Mary Jackson");
        browser.follow("main a[href$='/deactivate']").await;
        browser.follow("main form [type=submit]").await;
        browser.open("/audit").await;
        let newest = browser.text("ol.timeline > [data-activity]").await;
        assert!(newest.contains("deactivated") && newest.contains(email), "{newest}");
        sign_out(&browser).await;

        browser.open("/login").await;
        browser.fill("#email", email).await;
        browser.fill("#password", password).await;
        browser.follow("button[type=submit]").await;
        assert!(browser.text("[role=alert]").await.contains("not right"));
    });
}

#[test]
fn no_page_breaks_its_own_policy() {
    let console = Console::start();
    let (_, email) = console.user("admin");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        for path in
            ["/", "/projects", "/projects/new", "/containers", "/activity", "/users", "/account", "/nothing"]
        {
            browser.open(path).await;
            browser.find("h1").await;
        }
        let broken = async || {
            let said = browser.driver.get_log("browser").await.unwrap();
            let lines = said.into_iter().map(|line| line.message);
            lines.filter(|line| line.contains("Content Security Policy")).collect::<Vec<_>>()
        };
        let none: [String; 0] = [];
        assert_eq!(broken().await, none);
        browser.script("document.body.setAttribute('style', 'color: red')").await;
        assert_eq!(broken().await.len(), 1, "the browser tells of what it refuses");
    });
}

#[test]
fn the_keyboard_reaches_what_is_there_and_the_skip_link_comes_first() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open("/projects").await;
        browser.find("main h1").await;
        let focused = async || {
            let said = browser
                .script(
                    "const e = document.activeElement; return e.getAttribute('href') ?? e.name ?? e.tagName",
                )
                .await;
            said.as_str().unwrap_or_default().to_owned()
        };
        browser.press(Key::Tab).await;
        assert_eq!(focused().await, "#main");
        assert!(browser.find("a.skip").await.is_displayed().await.unwrap());
        let mut reached = Vec::new();
        for _ in 0..30 {
            browser.press(Key::Tab).await;
            reached.push(focused().await);
        }
        for wanted in ["/", "/projects", "/containers", "/activity", "q", "/projects/new", "status", "sort"] {
            assert!(reached.iter().any(|name| name == wanted), "{wanted} is not reached: {reached:?}");
        }
        browser.open("/projects").await;
        browser.find("main h1").await;
        browser.press(Key::Tab).await;
        browser.press(Key::Enter).await;
        assert_eq!(browser.script("return document.activeElement.id").await, "main");
    });
}

#[test]
fn single_keys_walk_lists_go_places_and_can_be_switched_off() {
    let console = Console::start();
    let (id, email) = console.user("admin");
    let admin = console.sign_in_as(&id);
    for name in ["one", "two", "three"] {
        console.project(&admin, name);
    }
    browse(&console.base, Habits::default(), async |browser| {
        let keys = async |text: &str| {
            for key in text.chars() {
                browser.driver.action_chain().send_keys(key.to_string()).perform().await.unwrap();
            }
        };
        // A key that leads to another page: wait until it is there.
        let arrives = async |path: &str| {
            for _ in 0..TRIES {
                if browser.path().await == path {
                    browser.find("h1").await;
                    return;
                }
                tokio::time::sleep(MOMENT).await;
            }
            panic!("{} is not {path}", browser.path().await);
        };
        let focused = async || browser.script("return document.activeElement.textContent.trim()").await;

        browser.sign_in(&email, PASSWORD).await;
        browser.open("/projects?sort=name&limit=2").await;
        browser.find("dialog#keys").await;
        keys("j").await;
        assert_eq!(focused().await, "one");
        keys("jj").await;
        assert_eq!(focused().await, "three", "the last row stays");
        keys("k").await;
        assert_eq!(focused().await, "one");
        keys("]").await;
        browser.find("a[rel=prev]").await;
        assert_eq!(browser.text("[data-project] .name").await, "two");
        keys("[").await;
        browser.find("a[rel=next]").await;
        keys("jo").await;
        browser.find("nav.tabs").await;
        assert_eq!(browser.text("h1").await, "one");
        keys("u").await;
        arrives("/projects").await;
        keys("f").await;
        assert_eq!(browser.script("return document.activeElement.id").await, "q");
        keys("jgd").await;
        assert_eq!(
            browser.script("return document.activeElement.value").await,
            "jgd",
            "a field takes what is typed"
        );
        browser.press(Key::Escape).await;
        keys("/").await;
        assert_eq!(browser.script("return document.activeElement.id").await, "search");
        browser.press(Key::Escape).await;
        keys("gu").await;
        arrives("/users").await;
        keys("n").await;
        arrives("/users/new").await;
        browser.open("/activity").await;
        keys("go").await;
        arrives("/operations").await;
        keys("gd").await;
        arrives("/").await;

        keys("?").await;
        browser.find("dialog#keys[open]").await;
        assert!(browser.text("dialog#keys").await.contains("previous row"));
        let none: Vec<String> = Vec::new();
        assert_eq!(axe::findings(&browser).await, none);
        keys("gp").await;
        assert_eq!(browser.path().await, "/", "the page below waits");
        browser.press(Key::Escape).await;
        assert_eq!(browser.count("dialog#keys[open]").await, 0);

        browser.open("/account").await;
        browser.click("[name=keyboard_shortcuts][value=false]").await;
        browser.follow("form[action='/account/preferences'] button.button-primary").await;
        browser.open("/projects").await;
        browser.find("[data-project]").await;
        keys("j/?gu").await;
        assert_eq!(browser.count("dialog").await, 0);
        assert_eq!(browser.script("return document.activeElement.tagName").await, "BODY");
        assert_eq!(browser.path().await, "/projects");
    });
}
