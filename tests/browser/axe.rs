//! axe-core, put into whatever page is open.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use serde_json::Value;

use crate::browser::Browser;

/// The checker's source. Without it these tests fail: a check that nobody made is no success.
static SOURCE: LazyLock<String> = LazyLock::new(|| {
    let path = path();
    let source = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("no axe-core at {}: {error}", path.display()));
    assert!(source.contains("axe.run"), "{} is not axe-core", path.display());
    source
});

/// What `PILOTHOUSE_AXE` names, or what the script behind `bin/test` fetches.
fn path() -> PathBuf {
    const FETCH: &str =
        "set -euo pipefail; . bin/lib/machine.sh; . bin/lib/axe.sh; need_axe; printf %s \"$PILOTHOUSE_AXE\"";
    if let Some(path) = env::var_os("PILOTHOUSE_AXE") {
        return path.into();
    }
    let fetched =
        Command::new("bash").args(["-c", FETCH]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    String::from_utf8(fetched.stdout).unwrap().into()
}

/// What is wrong with the page that is open: rule, and the elements that break it.
pub async fn findings(browser: &Browser) -> Vec<String> {
    const RUN: &str = "const done = arguments[arguments.length - 1]; \
        axe.run(document, { resultTypes: ['violations'] }).then(done, (error) => done({ failed: String(error) }));";
    browser.driver.execute(SOURCE.as_str(), vec![]).await.unwrap();
    let answer = browser.driver.execute_async(RUN, vec![]).await.unwrap();
    let answer = answer.json();
    assert!(answer["failed"].is_null(), "axe: {}", answer["failed"]);
    assert!(answer["passes"].as_array().is_some_and(|rules| rules.len() > 5), "axe looked at nothing");
    let mut found = Vec::new();
    for violation in answer["violations"].as_array().expect("axe answered") {
        for node in violation["nodes"].as_array().unwrap() {
            found.push(format!(
                "{}: {} {}",
                text(&violation["id"]),
                text(&node["target"][0]),
                text(&node["failureSummary"])
            ));
        }
    }
    found
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
