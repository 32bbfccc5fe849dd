//! A database that stops while somebody works.

use diesel::prelude::*;
use pilothouse::auth::password;
use pilothouse::db::migrations;
use pilothouse::postgres::{CONSOLE_LOGIN, Cluster, ClusterConfig};

use crate::browser::{Browser, Habits, browse};
use crate::support::console::{Console, PASSWORD};
use crate::support::db::new_directory;

const EMAIL: &str = "ada@people.test";
const WORDS: &str = "Keeps the ships\noff the <b>rocks</b>";

/// A cluster that only this test stops, with one user in it.
fn cluster(config: &ClusterConfig) -> Cluster {
    let cluster = Cluster::start(config).unwrap();
    migrations::run(&cluster.owner_url(), CONSOLE_LOGIN).unwrap();
    let mut superuser = PgConnection::establish(&cluster.owner_url()).unwrap();
    let hash = password::hash_blocking(PASSWORD).unwrap();
    let user = format!(
        "INSERT INTO users (email, name, role, password_hash) VALUES ('{EMAIL}', 'Ada', 'owner', '{hash}')"
    );
    diesel::sql_query(user).execute(&mut superuser).unwrap();
    cluster
}

/// The words in the field `css`, as they would be sent.
async fn value(browser: &Browser, css: &str) -> String {
    browser.find(css).await.prop("value").await.unwrap().unwrap()
}

fn work_through_an_outage(habits: Habits) {
    let config = ClusterConfig::new(new_directory()).throwaway();
    let mut running = Some(cluster(&config));
    let console = Console::looking_at(&running.as_ref().unwrap().console_url());
    browse(&console.base, habits, async |browser| {
        browser.sign_in(EMAIL, PASSWORD).await;
        browser.open("/projects/new").await;
        browser.fill("#name", "lighthouse").await;
        browser.fill("#description", WORDS).await;
        running.take().unwrap().stop();

        for _ in 0..2 {
            browser.follow("main form [type=submit]").await;
            assert_eq!(browser.text("h1").await, "Unavailable right now");
            assert_eq!(browser.text("header .avatar").await, "A", "whose frame it is");
            browser.find("nav[aria-label=Main] a[href='/projects']").await;
            assert_eq!(browser.text("main dd.keep-lines:nth-of-type(2)").await, WORDS);
        }
        browser.open("/projects/new").await;
        assert_eq!(browser.text("h1").await, "Unavailable right now");
        browser.find("nav[aria-label=Main]").await;

        running = Some(Cluster::start(&config).unwrap());
        let mut tries = 0;
        while browser.text("h1").await != "New project" {
            tries += 1;
            assert!(tries < 100, "the page stays away");
            browser.follow("main .button-row a").await;
        }
        if habits.without_scripts {
            browser.fill("#name", "lighthouse").await;
            browser.fill("#description", WORDS).await;
        } else {
            assert_eq!(
                value(&browser, "#name").await,
                "lighthouse",
                "whoever goes back finds what they typed"
            );
            assert_eq!(value(&browser, "#description").await, WORDS);
        }

        // Once more, with "Try again" instead of going back.
        running.take().unwrap().stop();
        browser.follow("main form [type=submit]").await;
        running = Some(Cluster::start(&config).unwrap());
        tries = 0;
        while browser.text("h1").await == "Unavailable right now" {
            tries += 1;
            assert!(tries < 100, "what was typed is not taken");
            browser.follow("main form [type=submit]").await;
        }
        assert_eq!(browser.text("h1").await, "lighthouse");
        assert_eq!(browser.text("main p.keep-lines").await, WORDS);
        browser.open("/projects/new").await;
        assert_eq!(value(&browser, "#name").await, "", "what was saved is not offered again");
    });
}

#[test]
fn what_is_typed_outlives_a_database_that_stops() {
    work_through_an_outage(Habits::default());
}

#[test]
fn what_is_typed_outlives_it_without_scripts_too() {
    work_through_an_outage(Habits { without_scripts: true });
}
