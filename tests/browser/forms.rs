//! Forms, as hands and eyes meet them.

use crate::browser::{Browser, Habits, browse};
use crate::support::console::{Console, PASSWORD};

async fn focused(browser: &Browser) -> String {
    browser
        .script("return document.activeElement.id || document.activeElement.tagName")
        .await
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_first_field_has_the_focus_and_after_a_refusal_the_first_that_is_wrong() {
    for without_scripts in [false, true] {
        let console = Console::start();
        let (_, email) = console.user("admin");
        browse(&console.base, Habits { without_scripts }, async |browser| {
            browser.open("/login").await;
            assert_eq!(focused(&browser).await, "email");
            browser.sign_in(&email, PASSWORD).await;
            for (path, field) in [("/projects/new", "name"), ("/users/new", "email"), ("/search", "q")] {
                browser.open(path).await;
                assert_eq!(focused(&browser).await, field, "{path}");
            }

            browser.open("/projects/new").await;
            browser.fill("#name", "shop").await;
            // More than a description may have.
            browser.script("document.querySelector('#description').value = 'x'.repeat(6000)").await;
            browser.follow("main form [type=submit]").await;
            assert_eq!(browser.driver.title().await.unwrap(), "Error: New project · Pilothouse");
            assert_eq!(focused(&browser).await, "description");

            browser.open("/users/new").await;
            browser.fill("#email", "nobody").await;
            browser.follow("main form [type=submit]").await;
            assert!(browser.driver.title().await.unwrap().starts_with("Error: "));
            assert_eq!(focused(&browser).await, "email");

            browser.open("/account").await;
            browser.fill("#current_password", "not the password at all").await;
            browser.fill("#password", "short").await;
            browser.follow("form[action='/account/password'] button").await;
            assert!(browser.driver.title().await.unwrap().starts_with("Error: "));
            assert_eq!(focused(&browser).await, "password");
        });
    }
}

#[test]
fn what_is_done_to_a_row_is_seen_without_pointing_at_it() {
    let console = Console::start();
    let (id, email) = console.user("owner");
    let other = console.sign_in_as(&id);
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open("/account/sessions").await;
        let row = format!("[data-session='{}']", other.session);
        let seen = format!(
            "return document.querySelector(\"{row} button\").checkVisibility({{ opacityProperty: true, visibilityProperty: true }})"
        );
        assert_eq!(browser.script(&seen).await, true);
        browser.follow(&format!("{row} button")).await;
        assert_eq!(browser.count(&row).await, 0);
    });
    assert!(!other.is_signed_in());
}

#[test]
fn a_session_that_has_ended_leads_back_to_where_one_was() {
    let console = Console::start();
    let (_, email) = console.user("owner");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open("/projects/new").await;
        console.sql("UPDATE sessions SET is_active = false");
        browser.fill("#name", "shop").await;
        browser.follow("main form [type=submit]").await;
        assert!(browser.text("[role=status]").await.contains("session has ended"));
        browser.fill("#email", &email).await;
        browser.fill("#password", PASSWORD).await;
        browser.follow("button[type=submit]").await;
        assert_eq!(browser.path().await, "/projects/new");
        browser.open("/projects").await;
        assert!(!browser.text("body").await.contains("session has ended"));
    });
}
