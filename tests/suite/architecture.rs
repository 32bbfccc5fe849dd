//! What the tree promises, checked by reading it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// They import no other module: everything may know them.
const GROUND: [&str; 6] = ["data_dir", "identity", "runtime", "secret", "telemetry", "vocabulary"];
/// What a process is made of.
const PROCESS: [&str; 5] = ["app", "config", "db", "error", "postgres"];
/// Rows, reads, writes and rules. They know no HTTP, no surface and no whole process.
const NOUNS: &[&str] = &[
    "activity",
    "analytics",
    "assistant",
    "audit",
    "auth",
    "backups",
    "chat",
    "containers",
    "crm",
    "demo",
    "drafts",
    "figures",
    "files",
    "insights",
    "instance",
    "live",
    "logs",
    "metrics",
    "observations",
    "operations",
    "projects",
    "queue",
    "referrals",
    "reports",
    "repositories",
    "retention",
    "search",
    "tokens",
    "users",
    "webhooks",
];
/// What is asked of other programs and what they say, without a row of ours.
const ENGINE: [&str; 2] = ["engine", "outgoing"];
/// What surfaces share for the wire.
const WIRE: [&str; 1] = ["http"];
const SURFACES: [&str; 4] = ["api", "cli", "jobs", "web"];
/// It mounts the surfaces that are asked over HTTP; `cli` starts it.
const SERVER: [&str; 1] = ["server"];

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

/// The first names behind each `root` in `text`, which ends with `::`: one, or those of a group in braces.
fn names_after<'a>(text: &'a str, root: &str) -> Vec<&'a str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, _) in text.match_indices(root) {
        if text[..at].ends_with(is_word) || text[..at].ends_with("::") {
            continue;
        }
        let after = &text[at + root.len()..];
        let word = |text: &'a str| text.split(|c| !is_word(c)).next().unwrap_or_default();
        let Some(group) = after.strip_prefix('{') else {
            names.push(word(after));
            continue;
        };
        let (mut depth, mut begins) = (0, 0);
        for (at, c) in group.char_indices() {
            let ends = c == '}' && depth == 0;
            if ends || c == ',' && depth == 0 {
                names.push(word(group[begins..at].trim_start()));
                begins = at + 1;
            }
            if ends {
                break;
            }
            depth += i32::from(c == '{') - i32::from(c == '}');
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// `text` without comments and without what only tests are built of.
fn shipped(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            // Up to the end of the item: its last line begins where the attribute does.
            let is_last = |line: &str| line == "}" || line.ends_with(';') && !line.starts_with(' ');
            lines.by_ref().find(|line| is_last(line));
        } else if !line.trim_start().starts_with("//") {
            kept.extend([line, "\n"]);
        }
    }
    kept
}

/// Each module of the crate with the others that its shipped code names, and a file that does.
fn imports() -> BTreeMap<String, BTreeMap<String, String>> {
    let modules: BTreeSet<String> = modules().into_iter().collect();
    let mut imports: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for path in files("src", ".rs") {
        let name = path.to_str().unwrap();
        let inner = name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        let steps: Vec<&str> = inner.split('/').collect();
        if steps.ends_with(&["tests"]) || matches!(inner, "lib" | "main") {
            continue;
        }
        let text = shipped(&read(&path));
        let mut named = names_after(&text, "crate::");
        // So many steps up are the crate's root.
        named.extend(names_after(&text, &"super::".repeat(steps.len())));
        let of_module = imports.entry(steps[0].to_owned()).or_default();
        for other in named {
            if other != steps[0] && modules.contains(other) {
                of_module.entry(other.to_owned()).or_insert_with(|| name.to_owned());
            }
        }
    }
    imports
}

/// What lies in `src`, but for the crate's own two files.
fn modules() -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.map(|name| name.trim_end_matches(".rs").to_owned()).collect();
    names.retain(|name| name != "lib" && name != "main");
    names.sort();
    names
}

/// Imports of `modules` that `may` refuses.
fn wrong_imports(modules: &[&str], may: impl Fn(&str) -> bool) -> Vec<String> {
    let imports = imports();
    let of = |module: &&str| {
        imports
            .get(*module)
            .into_iter()
            .flatten()
            .map(|(other, file)| (other.clone(), file.clone()))
            .collect::<Vec<_>>()
    };
    let all = modules.iter().flat_map(of);
    all.filter(|(other, _)| !may(other)).map(|(other, file)| format!("{file} imports {other}")).collect()
}

#[test]
fn every_module_has_its_place() {
    let mut placed = [&GROUND[..], &PROCESS, &ENGINE, NOUNS, &WIRE, &SURFACES, &SERVER].concat();
    placed.sort_unstable();
    assert_eq!(modules(), placed);
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::a::B;\nuse crate::{\n    c::{D, E},\n    f,\n};\nlet x = crate::g::h();\n\
                use $crate::i::J;\nuse other_crate::k;\n// crate::l\n#[cfg(test)]\nmod tests {\n    use crate::m;\n}\n\
                use crate::n;\n#[cfg(test)]\nmod tests;\nuse super::super::o::P;\nuse super::q;\n";
    let text = shipped(text);
    assert_eq!(names_after(&text, "crate::"), ["a", "c", "f", "g", "i", "n"]);
    assert_eq!(names_after(&text, "super::super::"), ["o"]);
    let imports = imports();
    for (module, other) in [("web", "http"), ("web", "instance"), ("activity", "data_dir"), ("app", "config")]
    {
        assert!(imports[module].contains_key(other), "{module} imports {other}");
    }
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let imports = imports();
    let reached = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(module) = waiting.pop() {
            for other in imports.get(module).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(other.as_str()) {
                    waiting.push(other);
                }
            }
        }
        reached
    };
    let mut circles = Vec::new();
    for (module, others) in &imports {
        for (other, file) in others {
            if reached(other).contains(module.as_str()) {
                circles.push(format!("{module} -> {other} ({file}), and back again"));
            }
        }
    }
    assert_eq!(circles, NONE);
}

#[test]
fn the_ground_knows_nothing_above_it() {
    assert_eq!(wrong_imports(&GROUND, |_| false), NONE);
}

#[test]
fn the_engine_knows_no_row_and_nobody_who_asks() {
    assert_eq!(wrong_imports(&ENGINE, |other| GROUND.contains(&other)), NONE);
    assert_eq!(lines_with(&["src/engine"], &["diesel", "actix_"], &[]), NONE);
}

#[test]
fn nouns_know_no_surface_and_no_http() {
    let below = |other: &str| {
        GROUND.contains(&other)
            || NOUNS.contains(&other)
            || ENGINE.contains(&other)
            // Backups are copies of its server.
            || ["db", "postgres"].contains(&other)
    };
    assert_eq!(wrong_imports(NOUNS, below), NONE);
    let dirs: Vec<String> = NOUNS.iter().map(|noun| format!("src/{noun}")).collect();
    let mut dirs: Vec<&str> = dirs.iter().map(String::as_str).collect();
    dirs.extend(["src/db", "src/postgres", "src/identity", "src/runtime"]);
    assert_eq!(lines_with(&dirs, &["actix_", "askama"], &[]), NONE);
}

#[test]
fn surfaces_and_what_they_share_do_not_import_surfaces() {
    let is_no_surface = |other: &str| !SURFACES.contains(&other) && !SERVER.contains(&other);
    assert_eq!(wrong_imports(&["api", "http", "jobs", "web"], is_no_surface), NONE);
    // `serve` starts them.
    assert_eq!(
        wrong_imports(&["cli"], |other| is_no_surface(other) || ["jobs", "server"].contains(&other)),
        NONE
    );
}

#[test]
fn the_wire_knows_no_noun_but_who_may_come_in() {
    assert_eq!(
        wrong_imports(&WIRE, |other| !NOUNS.contains(&other) || ["auth", "tokens"].contains(&other)),
        NONE
    );
    assert_eq!(lines_with(&["src/http", "src/api"], &["askama"], &[]), NONE);
}

#[test]
fn a_viewer_comes_from_the_transaction_that_their_session_opened() {
    assert_eq!(lines_with(&["src"], &["ViewerProof::"], &["src/auth/viewer.rs"]), NONE);
}

#[test]
fn surfaces_hold_no_sql() {
    let words = [
        "db::schema",
        "sql_query",
        "diesel::dsl",
        "diesel::prelude",
        "diesel::insert",
        "diesel::update",
        "batch_execute",
    ];
    assert_eq!(
        lines_with(
            &["src/web", "src/api", "src/cli", "src/http", "src/jobs"],
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

/// What pages are tried with stands in `tests/suite/samples`, so that no build of the program carries it.
#[test]
fn the_program_holds_no_samples_of_its_pages() {
    assert_eq!(lines_with(&["src"], &["trait Sample", "impl Sample for", "fn sample"], &[]), NONE);
}

#[test]
fn files_stay_small_enough_to_read() {
    const LONGEST: usize = 400;
    /// Longer ones, and the most that each may have: the schema is one list of tables.
    const LONGER: [(&str, usize); 1] = [("src/db/schema.rs", 1400)];
    for path in files("src", ".rs") {
        let name = path.to_str().unwrap();
        let text = read(&path);
        let code = text.split("\n#[cfg(test)]").next().unwrap().lines().count();
        let most = LONGER.iter().find(|(longer, _)| *longer == name).map_or(LONGEST, |(_, most)| *most);
        assert!(code <= most, "{name} has {code} lines; {most} are enough");
    }
}

/// Cargo says nothing of a file of tests that no module names, and runs none of them.
#[test]
fn every_file_of_tests_is_run() {
    for path in files("tests/suite", ".rs") {
        let module = if path.ends_with("mod.rs") { path.parent().unwrap() } else { path.as_path() };
        let above = module.parent().unwrap();
        let above = above.join(if above.ends_with("suite") { "main.rs" } else { "mod.rs" });
        let name = module.file_stem().unwrap().to_str().unwrap();
        assert!(name == "main" || read(&above).contains(&format!("mod {name};")), "{}", path.display());
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
