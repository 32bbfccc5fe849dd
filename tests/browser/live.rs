//! Pages that show what happens while they are open.

use pilothouse::jobs;

use crate::browser::{Browser, Habits, MOMENT, TRIES, browse};
use crate::support::console::{Console, PASSWORD};

/// Waits until the script says true.
async fn until(browser: &Browser, what: &str, script: &str) {
    for _ in 0..TRIES {
        if browser.script(&format!("return Boolean({script})")).await == true {
            return;
        }
        tokio::time::sleep(MOMENT).await;
    }
    panic!("{what}: not seen on {}\n{}", browser.path().await, browser.driver.source().await.unwrap())
}

fn record(console: &Console, project: &str, id: &str, status: &str, minutes: u32) {
    console.sql(&format!(
        "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, status, created_at) \
         VALUES ('{id}', '{project}', 'deployment', '{status}', \
                 (extract(epoch FROM now()) * 1000)::bigint - 3600000 + {minutes} * 60000) \
         ON CONFLICT (action_id) DO UPDATE SET status = excluded.status"
    ));
}

#[test]
fn what_happens_elsewhere_comes_in_without_moving_what_is_read() {
    let console = Console::start();
    let _runner = jobs::start(console.app.clone());
    let (id, email) = console.user("owner");
    let owner = console.sign_in_as(&id);
    let project = console.project(&owner, "shop-api");
    record(&console, &project, "first", "success", 1);
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open(&format!("/projects/{project}/activity")).await;
        let row = "document.querySelector(\"[data-activity='first']\")";
        until(&browser, "the entry is there", row).await;
        browser.script(&format!("{row}.isTheSame = true")).await;
        // The stream is open once the page was asked for again.
        record(&console, &project, "first", "failed", 1);
        until(
            &browser,
            "a state changes in place",
            &format!("{row}.isTheSame && {row}.dataset.tone === 'bad'"),
        )
        .await;
        for (n, id) in ["second", "third"].into_iter().enumerate() {
            record(&console, &project, id, "success", u32::try_from(n).unwrap() + 2);
        }
        until(&browser, "news wait above", "document.querySelector('.live-news')?.textContent === '2 new'")
            .await;
        assert_eq!(browser.count("[data-activity='second']").await, 0, "nothing moved under the reader");
        browser.follow(".live-news a").await;
        assert_eq!(browser.count("[data-activity='second'], [data-activity='third']").await, 2);
        assert_eq!(browser.count(".live-news").await, 0);

        browser.open("/projects").await;
        browser.fill("main input[name=q]", "half a wor").await;
        let newcomer = console.project(&owner, "newcomer");
        record(&console, &newcomer, "fourth", "success", 4);
        until(
            &browser,
            "a list has its new row",
            "[...document.querySelectorAll('[data-project] .name')].some((cell) => cell.textContent.includes('newcomer'))",
        )
        .await;
        let typed = browser.find("main input[name=q]").await.prop("value").await.unwrap();
        assert_eq!(typed.as_deref(), Some("half a wor"), "what is typed stays");
    });
}

#[test]
fn eight_tabs_share_one_stream_and_the_ninth_page_is_there_at_once() {
    let console = Console::start();
    let _runner = jobs::start(console.app.clone());
    let (_, email) = console.user("owner");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        for _ in 0..8 {
            browser.driver.new_tab().await.unwrap();
            let tab = browser.driver.windows().await.unwrap().pop().unwrap();
            browser.driver.switch_to_window(tab).await.unwrap();
            browser.open("/activity").await;
            browser.find("h1").await;
        }
        assert!(console.app.live.count() <= 1, "{} streams", console.app.live.count());
    });
}

#[test]
fn a_page_learns_that_its_session_has_ended() {
    let console = Console::start();
    let _runner = jobs::start(console.app.clone());
    let (_, email) = console.user("owner");
    browse(&console.base, Habits::default(), async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        browser.open("/projects").await;
        browser.find("h1").await;
        for _ in 0..TRIES {
            if console.app.live.count() == 1 {
                break;
            }
            tokio::time::sleep(MOMENT).await;
        }
        console.sql("UPDATE sessions SET is_active = false");
        until(
            &browser,
            "the page says so",
            "document.querySelector('.live-state')?.textContent.includes('signed out')",
        )
        .await;
        assert_eq!(console.app.live.count(), 0);
    });
}
