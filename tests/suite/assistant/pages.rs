//! Posted drafts as pages at a Git host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::start::{SENTENCE, say};
use crate::support::console::{Console, until};
use crate::support::outside::{Outside, Told};

#[test]
fn a_posted_draft_is_published_and_published_again_when_it_is_changed() {
    // Files by their paths, and whether the token is taken.
    let files = Arc::new(Mutex::new(BTreeMap::<String, Value>::new()));
    let opens = Arc::new(Mutex::new(false));
    let (kept, when) = (Arc::clone(&files), Arc::clone(&opens));
    let host = Outside::answering(move |asked| {
        if !*when.lock().unwrap() {
            return Told::Json(401, json!({ "message": "Bad credentials" }));
        }
        let mut kept = kept.lock().unwrap();
        if asked.path == "/repos/ada/pages/pages" {
            return Told::Json(200, json!({ "html_url": "https://ada.example.org/pages/" }));
        }
        let file = asked.path.strip_prefix("/repos/ada/pages/contents/").unwrap();
        match (asked.method.as_str(), kept.get(file)) {
            ("GET", None) => Told::Json(404, json!({})),
            ("GET", Some(present)) => Told::Json(200, present.clone()),
            (_, present) => {
                let version = present.map_or(Value::Null, |present| present["sha"].clone());
                if asked.body["sha"] != version {
                    return Told::Json(409, json!({}));
                }
                let sha = format!("v{}", asked.body["content"].as_str().unwrap().len());
                kept.insert(file.to_owned(), json!({ "sha": sha, "content": asked.body["content"] }));
                Told::Json(201, json!({}))
            }
        }
    });
    let repository = format!("{}/repos/ada/pages", host.base);
    let console = Console::with(&[
        ("PILOTHOUSE_PAGES_REPO", &repository),
        ("PILOTHOUSE_PAGES_TOKEN", "ghp_test"),
        ("PILOTHOUSE_PRIVATE_TARGETS", "127.0.0.0/8"),
    ]);
    let owner = console.owner();
    say(&owner, SENTENCE).expect(303);
    say(&owner, "search and <b>reviews</b> too").expect(303);
    let path = format!("/drafts/{}", console.text("SELECT max(id)::text FROM job_drafts"));
    assert!(!owner.get(&path).expect(200).text("main").contains("Public page"), "it is not posted");
    owner.post(&format!("{path}/post"), &[("consent", "yes")]).expect(303);
    assert!(owner.get(&path).text("main").contains("It is being published."));
    let _runner = pilothouse::jobs::start(console.app.clone());
    let run = |what: &str, holds: &dyn Fn() -> bool| {
        console.sql("INSERT INTO pilothouse.jobs (kind) VALUES ('publish_drafts')");
        until(what, holds);
    };

    run("the reason is told", &|| {
        console.count("job_drafts WHERE page_note LIKE '%does not take the token%'") == 1
    });
    let page = owner.get(&path).expect(200);
    assert!(
        page.text("main").contains("does not take the token")
            && !page.has("a[href^='https://ada.example.org']")
    );

    *opens.lock().unwrap() = true;
    let published = "job_drafts WHERE github_pages_url IS NOT NULL AND page_note IS NULL";
    run("it is published", &|| console.count(published) == 1);
    let url = owner.get(&path).expect(200).attribute("a[href^='https://ada.example.org']", "href");
    assert_eq!(url, format!("https://ada.example.org/pages{path}/"));

    let (title, version) =
        ("Cakes & <i>more</i>", owner.get(&path).attribute("input[name=updated_at]", "value"));
    let typed = [("title", title), ("description", "Cakes."), ("updated_at", &version)];
    owner.post(&path, &typed).expect(303);
    run("it is published again", &|| console.count(published) == 1 && files.lock().unwrap().len() == 1);
    let puts: Vec<_> = host.asked().into_iter().filter(|asked| asked.method == "PUT").collect();
    assert_eq!(puts.len(), 2);
    assert!(puts[0].head.to_lowercase().contains("authorization: bearer ghp_test"));
    let html = console.text(&format!(
        "SELECT convert_from(decode('{}', 'base64'), 'UTF8')",
        puts[1].body["content"].as_str().unwrap()
    ));
    assert!(
        html.contains("Cakes &#38; &#60;i&#62;more") || html.contains("Cakes &amp; &lt;i&gt;more"),
        "{html}"
    );
    assert!(!html.contains("<script") && !html.contains("<i>"));

    // Where no host is connected, the reason is told.
    let alone = Console::start();
    let owner = alone.owner();
    say(&owner, SENTENCE).expect(303);
    alone.sql("UPDATE job_drafts SET posted_at = now(), public_status = 'posted'");
    let page = owner.get(&format!("/drafts/{}", alone.text("SELECT max(id)::text FROM job_drafts")));
    assert!(page.expect(200).text("main").contains("no Git host is connected"));
}
