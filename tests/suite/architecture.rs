//! What the tree promises, checked by reading it.

use std::fs;
use std::path::{Path, PathBuf};

/// What each noun is made of; it knows no surface.
const NOUNS: [&str; 9] =
    ["activity", "auth", "chat", "containers", "files", "instance", "projects", "queue", "users"];
const SURFACES: [&str; 5] = ["api", "cli", "jobs", "server", "web"];

/// Files below `dir` whose name ends in `ending`, as paths from the repository's root.
fn files(dir: &str, ending: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join(dir)];
    let mut found = Vec::new();
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    assert!(!found.is_empty(), "{dir} has no {ending}");
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The lines of `dir`'s Rust files that hold one of `words`, but for the files named in `except`. An exception
/// that is none any more is a failure too.
fn lines_with(dirs: &[&str], words: &[&str], except: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut needed = Vec::new();
    for path in dirs.iter().flat_map(|dir| files(dir, ".rs")) {
        let name = path.to_str().unwrap().to_owned();
        let text = read(&path);
        let found = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let found: Vec<_> = found.filter(|line| words.iter().any(|word| line.contains(word))).collect();
        if except.contains(&name.as_str()) {
            needed.extend((!found.is_empty()).then_some(name));
        } else {
            lines.extend(found.iter().map(|line| format!("{name}: {}", line.trim())));
        }
    }
    assert_eq!(needed.len(), except.len(), "exceptions that are none: only {needed:?} need one");
    lines
}

const NONE: [String; 0] = [];

#[test]
fn times_are_read_by_one_type_that_knows_the_calendars_edge() {
    let unguarded: Vec<String> = lines_with(&["src"], &["sql_types::"], &["src/db/time.rs"])
        .into_iter()
        .filter(|line| ["Timestamp", "Date,", "Date}", "Date;"].iter().any(|word| line.contains(word)))
        .collect();
    assert_eq!(unguarded, NONE, "use those of db::time");
    assert_eq!(lines_with(&["src"], &["dsl::now", "dsl::{now", ", now, sql"], &[]), NONE);
}

#[test]
fn nouns_know_no_surface_and_no_http() {
    let dirs = NOUNS.map(|noun| format!("src/{noun}"));
    let mut dirs: Vec<&str> = dirs.iter().map(String::as_str).collect();
    dirs.extend(["src/db", "src/postgres"]);
    let imports = SURFACES.map(|surface| format!("crate::{surface}::"));
    let mut words: Vec<&str> = imports.iter().map(String::as_str).collect();
    words.extend(["actix_", "askama"]);
    // The session store is what the session middleware asks for.
    assert_eq!(lines_with(&dirs, &words, &["src/auth/session_store.rs"]), NONE);
}

#[test]
fn surfaces_do_not_import_each_other() {
    // Errors of /api are problems, whichever middleware meets them.
    assert_eq!(lines_with(&["src/web"], &["crate::api", "crate::cli"], &["src/web/error_page.rs"]), NONE);
    // Who asks, and with which query, is found out in one place.
    let shared = ["src/api/activities.rs", "src/api/routes.rs"];
    assert_eq!(lines_with(&["src/api"], &["crate::web", "crate::cli"], &shared), NONE);
    assert_eq!(lines_with(&["src/cli"], &["crate::web", "crate::api"], &[]), NONE);
}

#[test]
fn surfaces_hold_no_sql() {
    let words = [
        "schema::",
        "sql_query",
        "diesel::dsl",
        "diesel::prelude",
        "diesel::insert",
        "diesel::update",
        "batch_execute",
    ];
    assert_eq!(
        lines_with(
            &["src/web", "src/api", "src/cli", "src/jobs"],
            &words,
            &["src/cli/doctor.rs", "src/cli/database.rs"]
        ),
        NONE
    );
}

#[test]
fn rust_builds_no_html() {
    let tags = ["\"<a ", "\"<div", "\"<p", "\"<li", "\"<span", "\"<b>", "\"<!doctype", "\"</"];
    // What is left when the error page itself can't be rendered.
    assert_eq!(lines_with(&["src"], &tags, &["src/web/error_page.rs"]), NONE);
    assert_eq!(lines_with(&["src"], &["escape = \"none\"", "MarkupDisplay"], &[]), NONE);
}

#[test]
fn files_stay_small_enough_to_read() {
    const LONGEST: usize = 400;
    /// Longer ones, and the most that each may have: the schema is one list of tables.
    const LONGER: [(&str, usize); 1] = [("src/db/schema.rs", 700)];
    for path in files("src", ".rs") {
        let name = path.to_str().unwrap();
        let text = read(&path);
        let code = text.split("\n#[cfg(test)]").next().unwrap().lines().count();
        let most = LONGER.iter().find(|(longer, _)| *longer == name).map_or(LONGEST, |(_, most)| *most);
        assert!(code <= most, "{name} has {code} lines; {most} are enough");
    }
}

#[test]
fn no_module_is_a_drawer_for_everything() {
    let drawers = ["utils", "util", "helpers", "helper", "common", "manager", "misc", "lib_ext"];
    for dir in ["src", "tests"] {
        for path in files(dir, ".rs") {
            let drawer = path.components().any(|part| {
                let part = part.as_os_str().to_str().unwrap();
                drawers.contains(&part.trim_end_matches(".rs"))
            });
            assert!(!drawer, "{}", path.display());
        }
    }
}

#[test]
fn nothing_is_left_to_do_in_the_code() {
    let marks =
        [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX"].concat(), ["todo", "!("].concat()];
    let mut found = Vec::new();
    for (dir, ending) in
        [("src", ".rs"), ("tests", ".rs"), ("templates", ".html"), ("static", ".css"), ("static", ".js")]
    {
        for path in files(dir, ending) {
            let text = read(&path);
            let lines = text.lines().filter(|line| marks.iter().any(|mark| line.contains(mark.as_str())));
            found.extend(lines.map(|line| format!("{}: {line}", path.display())));
        }
    }
    assert_eq!(found, NONE);
}
