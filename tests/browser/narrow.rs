//! A screen of 360 px.

use serde_json::json;

use crate::browser::{Habits, browse};
use crate::support::console::{Console, PASSWORD};

const LONG: &str = "customer-portal-of-the-northern-region-and-of-all-that-lies-beyond-it-as-far-as-ships-go";

#[test]
fn there_is_one_way_up_names_take_two_lines_and_filters_can_be_read() {
    let console = Console::start();
    let (id, email) = console.user("admin");
    let admin = console.sign_in_as(&id);
    let (project, container) = console.project_in_container(&admin, LONG);
    console.message(&container, "s1", 0, "user", "Add a search field");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.look(360, "light").await;

        let ways = "return [...document.querySelectorAll('.crumbs li')].filter((li) => li.checkVisibility()) \
                    .map((li) => [li.textContent, li.scrollWidth <= li.clientWidth])";
        browser.open(&format!("/projects/{project}/chat?session=s1")).await;
        browser.find("[data-message]").await;
        assert_eq!(browser.script(ways).await, json!([["Chat", true]]));
        browser.open(&format!("/projects/{project}/chat")).await;
        browser.find("[data-conversation]").await;
        assert_eq!(browser.script(ways).await, json!([[LONG, true]]), "its whole name");
        browser.follow(".crumbs li:nth-last-child(2) a").await;
        assert_eq!(browser.path().await, format!("/projects/{project}"));
        browser.open("/projects").await;
        browser.find("[data-project]").await;
        assert_eq!(browser.script(ways).await, json!([["Projects", true]]));

        let lines = "return Math.round(document.querySelector('[data-project] .name a').getBoundingClientRect().height / 24)";
        assert_eq!(browser.script(lines).await, 2);
        for path in ["/projects", "/containers", "/users"] {
            browser.open(path).await;
            browser.find(".filter-bar").await;
            // As wide as the words that are chosen, with the arrow beside them.
            let cut = "const pen = document.createElement('canvas').getContext('2d'); \
                       return [...document.querySelectorAll('.filter-bar select')].filter((select) => { \
                           const style = getComputedStyle(select); pen.font = style.font; \
                           const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight); \
                           return pen.measureText(select.selectedOptions[0].label).width > room; \
                       }).map((select) => select.name)";
            assert_eq!(browser.script(cut).await, json!([]), "{path}");
        }
    });
}
