//! A project's files.

use crate::support::console::{Console, Person};

fn names(person: &Person, path: &str) -> Vec<String> {
    person.get(path).expect(200).texts("[data-file] .name a")
}

/// Walks along the links of kind `rel`; answers the names, and the last page.
fn walk(person: &Person, start: &str, rel: &str) -> (Vec<String>, String) {
    person.walk(start, rel, |page| page.texts("[data-file] .name a"))
}

#[test]
fn another_owner_sees_no_file() {
    let console = Console::start();
    let (ada, grace, root) = (console.owner(), console.owner(), console.admin());
    let (project, container) = console.project_in_container(&ada, "shop");
    let file = console.file(&container, "src/secret.ts", 10);
    let (own, _) = console.project_in_container(&grace, "blog");
    for path in [
        format!("/projects/{project}/files"),
        format!("/projects/{project}/files?path=src"),
        format!("/projects/{project}/files?file={file}"),
        format!("/projects/{own}/files?file={file}"),
    ] {
        grace.get(&path).expect(404);
    }
    assert!(names(&grace, &format!("/projects/{own}/files?q=secret")).is_empty());
    for person in [&ada, &root] {
        assert_eq!(names(person, &format!("/projects/{project}/files?path=src")), ["secret.ts"]);
        person.get(&format!("/projects/{project}/files?file={file}")).expect(200);
    }
}

#[test]
fn a_directory_shows_its_files_and_what_its_directories_hold() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let files = format!("/projects/{project}/files");
    assert!(owner.get(&files).expect(200).text(".empty").contains("No files yet"));
    for (path, size) in [
        ("README.md", 12_400),
        ("src/app/main.ts", 100),
        ("src/app/b.ts", 900),
        ("src/index.ts", 7),
        ("src", 1),
    ] {
        console.file(&container, path, size);
    }
    let page = owner.get(&files).expect(200);
    // A file and a directory may have one name.
    assert_eq!(page.texts("[data-file] .name"), ["Directory src", "README.md", "src"]);
    let rows = page.texts("[data-file]");
    assert!(rows[0].contains("3 files") && rows[0].contains("1.0 kB"), "{rows:?}");
    assert!(rows[1].contains("12.4 kB") && rows[1].contains("text/plain"), "{rows:?}");
    assert_eq!(page.attributes("[data-file] .number", "title")[1], "12,400 bytes");
    assert!(page.text(".path-bar").contains("5 files, 13.4 kB"), "{}", page.text(".path-bar"));
    let inner = page.attribute("[data-directory] a", "href");
    assert_eq!(names(&owner, &inner), ["app", "index.ts"]);
    assert_eq!(names(&owner, &format!("{files}?path=src/app")), ["b.ts", "main.ts"]);
    assert_eq!(
        owner.get(&format!("{files}?path=src/app")).expect(200).texts(".path li"),
        ["Files", "src", "app"]
    );
    assert_eq!(names(&owner, &format!("{files}?path=src/app&sort=size")), ["b.ts", "main.ts"]);
    assert_eq!(names(&owner, &format!("{files}?q=.TS")), ["src/app/b.ts", "src/app/main.ts", "src/index.ts"]);
    assert_eq!(
        names(&owner, &format!("{files}?q=.ts&path=src&sort=size")),
        ["app/b.ts", "app/main.ts", "index.ts"]
    );
    assert!(owner.get(&format!("{files}?q=%25")).expect(200).text(".empty").contains("“%”"));
    assert!(
        owner.get(&format!("{files}?path=nothing")).expect(200).text(".empty").contains("Nothing in this")
    );
}

#[test]
fn deleted_files_are_shown_on_demand() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let files = format!("/projects/{project}/files");
    console.file(&container, "a.ts", 1);
    let gone = console.file(&container, "b.ts", 1);
    console.file(&container, "old/c.ts", 1);
    console.sql("UPDATE file_storage SET is_deleted = true WHERE file_path IN ('b.ts', 'old/c.ts')");
    let page = owner.get(&files).expect(200);
    assert_eq!(page.texts("[data-file] .name a"), ["a.ts"]);
    assert!(
        page.text(".path-bar").contains("1 file, 1 B") && page.text(".path-bar").contains("2 deleted files")
    );
    let shown = owner.get(&page.attribute(".path-bar p a", "href")).expect(200);
    assert_eq!(shown.texts("[data-file] .name a"), ["old", "a.ts", "b.ts"]);
    assert_eq!(shown.select(".tag").len(), 2);
    // On into a directory, deleted files stay shown.
    assert_eq!(names(&owner, &shown.attribute("[data-directory] a", "href")), ["c.ts"]);
    assert!(owner.get(&format!("{files}?file={gone}")).expect(200).text("h2").contains("deleted"));
}

#[test]
fn hostile_paths_are_only_names() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let files = format!("/projects/{project}/files");
    let long = format!("long/{}", "m".repeat(3_990));
    let paths = [
        "../../etc/passwd",
        "/srv/x",
        "a//b",
        "a\\b",
        "\u{202e}gpj.exe",
        "line\nbreak\ttab",
        "<img src=x onerror=alert(1)>",
        "=HYPERLINK(\"http://evil\")",
        "🦀/🛥️.rs",
        "%2e%2e/x",
        "?path=x&y#z",
        "trailing/",
        "",
        "  ",
        &long,
    ];
    for path in paths {
        console.file(&container, path, 1);
    }
    // Every file is reached by following directories, and its page tells its path.
    let (mut waiting, mut seen) = (vec![files.clone()], 0);
    while let Some(here) = waiting.pop() {
        let page = owner.get(&here).expect(200);
        assert!(!page.has("main :is(img, script)"), "{here}");
        for address in page.attributes("[data-file] .name a", "href") {
            assert!(address.starts_with(&format!("{files}?")), "{address}");
            if address.contains("?file=") {
                assert!(owner.get(&address).expect(200).text(".facts").contains("Path"), "{address}");
                seen += 1;
            } else {
                waiting.push(address);
            }
        }
        assert!(waiting.len() < 50);
    }
    assert_eq!(seen, paths.len());
    let page = owner.get(&files).expect(200);
    assert!(page.text("main").contains("\\u{202e}gpj.exe") && page.text("main").contains("line\\u{a}break"));
    assert_eq!(names(&owner, &format!("{files}?path=../../etc")), ["passwd"]);
    for odd in ["path=%00", "q=%00", "path=%FF", "from=%00"] {
        owner.get(&format!("{files}?{odd}")).expect(400);
    }
    owner.get(&format!("{files}?path={}", "x".repeat(4_000))).expect(200);
}

#[test]
fn a_directory_of_many_files_is_paged_without_gap_or_overlap() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    console.sql(&format!(
        "INSERT INTO file_storage (container_id, file_path, file_name, file_size, updated_at) \
         SELECT '{container}', CASE WHEN n % 10 = 0 THEN 'd' || n || '/x' ELSE 'F' || n % 61 || '.ts' END, 'x', n % 7, \
                CASE WHEN n % 5 = 0 THEN NULL WHEN n = 3 THEN 'infinity' ELSE timestamptz '2026-11-01' END \
         FROM generate_series(1, 150) n"
    ));
    for sort in ["", "&sort=changed", "&sort=size", "&q=x", "&q=.ts&sort=size"] {
        let expected = if sort.contains("q=x") {
            15
        } else if sort.contains("q=.ts") {
            135
        } else {
            150
        };
        for limit in [1, 13, 100] {
            if limit == 1 && !sort.is_empty() {
                continue;
            }
            let start = format!("/projects/{project}/files?limit={limit}{sort}");
            let (forth, last) = walk(&owner, &start, "next");
            assert_eq!(forth.len(), expected, "{sort} by {limit}");
            let (mut back, _) = walk(&owner, &last, "prev");
            back.reverse();
            assert_eq!(back, forth, "{sort} by {limit}");
        }
    }
    let nil = "00000000-0000-0000-0000-000000000000";
    for odd in ["before=x", &format!("before={nil}.file"), &format!("after={nil}.file"), "limit=0"] {
        owner.get(&format!("/projects/{project}/files?{odd}")).expect(400);
    }
}

#[test]
fn more_files_than_one_look_takes_in_are_looked_at_one_look_after_the_other() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    // The first look ends in the middle of a directory that is larger than a look, the second among files.
    console.sql(&format!(
        "INSERT INTO file_storage (container_id, file_path, file_name, file_size) \
         SELECT '{container}', 'a/' || n, 'x', 1 FROM generate_series(1, 10500) n; \
         INSERT INTO file_storage (container_id, file_path, file_name, file_size) \
         SELECT '{container}', 'b' || n, 'x', 1 FROM generate_series(1, 60) n"
    ));
    let files = format!("/projects/{project}/files?limit=100");
    let page = owner.get(&files).expect(200);
    assert_eq!(page.texts("[data-file] .name a"), ["a"]);
    assert!(page.text("main").contains("more than 10,000 files"), "{}", page.text("main"));
    let next = page.attributes("main p > a", "href").pop().unwrap();
    let page = owner.get(&next).expect(200);
    assert_eq!(page.texts("[data-file] .name a").len(), 60);
    assert!(!page.text("main").contains("more than"));

    let page = owner.get(&format!("{files}&path=a")).expect(200);
    let next = page.attributes("main p > a", "href").pop().unwrap();
    let (first, _) = walk(&owner, &format!("{files}&path=a"), "next");
    let (second, _) = walk(&owner, &next, "next");
    let mut all: Vec<_> = first.into_iter().chain(second).collect();
    assert_eq!(all.len(), 10_500);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 10_500);
}

#[test]
fn a_file_tells_which_pushes_changed_it() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    let file = console.file(&container, "src/a.ts", -5);
    console.sql(&format!(
        "INSERT INTO turbobackend.github_push_history (push_id, project_id, commit_message, author_name, files, created_at) \
         VALUES ('push_1', '{project}', 'Add <b>a</b>', 'Ada', '[\"src/a.ts\", \"b\"]', 1763680000000), \
                ('push_2', '{project}', 'Other', 'Ada', '[\"b\"]', 1763680000001), \
                ('push_3', '{project}', NULL, NULL, '[{{\"path\": \"src/a.ts\"}}]', NULL)"
    ));
    let page = owner.get(&format!("/projects/{project}/files?file={file}")).expect(200);
    assert_eq!(page.attributes(".lines a", "href").len(), 2);
    assert!(page.text(".lines").contains("Add <b>a</b> by Ada"), "{}", page.text(".lines"));
    assert!(page.text(".facts").contains("-5 bytes"), "{}", page.text(".facts"));
    owner.get(&format!("/projects/{project}/files?file=x")).expect(404);
}

#[test]
fn files_stay_readable_when_a_project_is_archived_or_deleted() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "shop");
    console.file(&container, "a.ts", 1);
    for status in ["archived", "deleted"] {
        console.sql(&format!("UPDATE projects SET status = '{status}' WHERE id = '{project}'"));
        assert_eq!(names(&owner, &format!("/projects/{project}/files")), ["a.ts"]);
    }
    let bare = console.project(&owner, "bare");
    assert!(owner.get(&format!("/projects/{bare}/files")).expect(200).text(".empty").contains("has none"));
}
