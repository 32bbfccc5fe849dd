//! What comes out of a printer.

use thirtyfour::common::print::{PrintOrientation, PrintParameters};

use crate::accessibility::lively;
use crate::browser::{Habits, browse};
use crate::support::console::PASSWORD;

/// How many pages a PDF has, by its own tree.
fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.match_indices("/Type /Page").filter(|(at, found)| !text[at + found.len()..].starts_with('s')).count()
}

#[test]
fn fifty_entries_print_on_a_few_pages_without_rail_and_filters() {
    let console = lively();
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in("admin@demo.test", PASSWORD).await;
        for (path, most) in [("/activity", 5), ("/projects", 1), ("/users", 1), ("/", 4)] {
            browser.open(path).await;
            browser.find("h1").await;
            for orientation in [PrintOrientation::Landscape, PrintOrientation::Portrait] {
                let how = PrintParameters { orientation: orientation.clone(), ..PrintParameters::default() };
                let pdf = browser.driver.print_page(how).await.unwrap();
                let pages = pages(&pdf);
                assert!((1..=most).contains(&pages), "{path} prints on {pages} pages");
            }
            browser.paper().await;
            let hidden = "return ['.rail', '.topbar', '.filter-bar', '.page-actions'].filter((css) => \
                          document.querySelector(css)?.checkVisibility())";
            assert_eq!(browser.script(hidden).await, serde_json::json!([]), "{path}");
            let width =
                "return document.querySelector('main').getBoundingClientRect().width / innerWidth > 0.95";
            assert_eq!(browser.script(width).await, true, "{path} leaves paper empty");
            browser.look(1280, "light").await;
        }
    });
}
