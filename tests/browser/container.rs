//! A container's life, from a form to its end, on an engine that the tests start.

use crate::browser::{Browser, Habits, browse};
use crate::support::console::{Console, PASSWORD};
use crate::support::engine::{APP, TestEngine, shared};

/// From the form to a container that runs. Answers its page.
async fn make(browser: &Browser) -> String {
    browser.open("/projects/new").await;
    browser.fill("#name", "lighthouse").await;
    browser.click("#container option[value=new]").await;
    browser.fill("#secret_variables", "LAMP=two words").await;
    browser.follow("main form [type=submit]").await;
    assert!(browser.path().await.starts_with("/events/op_"), "{}", browser.path().await);
    look_until(browser, "main", "It answers at").await;
    assert!(browser.text("main").await.contains("LAMP"));
    assert!(!browser.text("main").await.contains("two words"));
    browser.follow("main a[href^='/containers/']").await;
    look_until(browser, "header[data-state]", "running").await;
    browser.path().await
}

/// Reads the page anew until `selector` says `wanted`: also without script.
async fn look_until(browser: &Browser, selector: &str, wanted: &str) {
    let here = browser.path().await;
    for _ in 0..60 {
        if browser.text(selector).await.contains(wanted) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        browser.open(&here).await;
    }
    panic!("{selector} never says {wanted}: {}", browser.text("main").await);
}

async fn live_and_die(browser: &Browser, console: &Console, engine: &TestEngine) {
    let page = make(browser).await;
    let row = page.strip_prefix("/containers/").unwrap().to_owned();
    let of = |column: &str| console.text(&format!("SELECT {column} FROM containers WHERE id = '{row}'"));
    let (id, name) = (of("container_id"), of("name"));

    // Somebody at the machine kills its process.
    let pid = engine.told(&["inspect", "-f", "{{.State.Pid}}", &id]);
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    look_until(browser, "main", "crashed").await;
    browser.follow(".day > ol.timeline > [data-activity^='engine:'] > a").await;
    let told = browser.text("main").await;
    assert!(told.contains("137") && told.contains("up on 8080"), "{told}");

    browser.open(&page).await;
    browser.follow(&format!("form[action='{page}/start'] button")).await;
    look_until(browser, "main", "Started.").await;
    browser.open(&format!("{page}/delete")).await;
    browser.fill("#confirm", &name).await;
    browser.follow("main form [type=submit]").await;
    look_until(browser, "main", "Deleted.").await;
    assert_eq!(engine.told(&["ps", "-aq", "--filter", &format!("id={id}")]), "");
}

fn walk(habits: Habits, ports: &str) {
    let Some(engine) = shared() else { return };
    let images = format!("*={APP}");
    let console = Console::with(&[
        ("DOCKER_HOST", engine.address().as_str()),
        ("PILOTHOUSE_IMAGES", images.as_str()),
        ("PILOTHOUSE_PORTS", ports),
    ]);
    let _runner = pilothouse::jobs::start(console.app.clone());
    let (_, email) = console.user("owner");
    browse(&console.base, habits, async |browser| {
        browser.sign_in(&email, PASSWORD).await;
        live_and_die(&browser, &console, &engine).await;
    });
}

#[test]
fn a_container_is_made_crashes_is_explained_and_started_again_and_deleted() {
    walk(Habits::default(), "127.0.0.1:4200-4209");
}

#[test]
fn the_same_without_scripts() {
    walk(Habits { without_scripts: true }, "127.0.0.1:4210-4219");
}
