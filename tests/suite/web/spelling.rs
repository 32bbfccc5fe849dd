//! A text that Unicode spells in two ways is found in either, whichever of them is looked for.

use url::form_urlencoded::byte_serialize;

use crate::support::console::Console;

const COMPOSED: &str = "gr\u{f6}\u{df}e";
const DECOMPOSED: &str = "gro\u{308}\u{df}e";

fn sent(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[test]
fn names_paths_words_and_references_are_found_in_either_spelling() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    let (home, container) = console.project_in_container(&owner, "home");
    for (n, text) in [COMPOSED, DECOMPOSED].into_iter().enumerate() {
        let project = console.project(&owner, &format!("{text} project"));
        console.container(&owner, &format!("my {text}"));
        console.sql(&format!("INSERT INTO users (email, name) VALUES ('{text}@x.test', 'user {n}')"));
        console.file(&container, &format!("src/{text}.ts"), 7);
        console.message(&container, "talk", n.try_into().unwrap(), "user", &format!("say {text} {n}"));
        console.action(&project, "deployment", 1_763_640_000_000, &format!(r#"{{"branch_name": "{text}"}}"#));
    }
    // Old rows, beyond those that are looked through.
    for text in [COMPOSED, DECOMPOSED] {
        let (capitals, text) = (sent(&text.replace('g', "G")), sent(text));
        let rows = |path: &str| admin.get(path).expect(200).texts("main tbody tr").len();
        for wanted in [&text, &capitals] {
            assert_eq!(rows(&format!("/projects?q={wanted}")), 2, "{wanted}");
            assert_eq!(rows(&format!("/containers?q={wanted}")), 2, "{wanted}");
            assert_eq!(rows(&format!("/users?q={wanted}")), 2, "{wanted}");
            assert_eq!(rows(&format!("/projects/{home}/files?q={wanted}")), 2, "{wanted}");
            let found = owner.get(&format!("/search?q={wanted}")).expect(200).text("main");
            assert_eq!(found.matches(" project").count(), 2, "{wanted}: {found}");
        }
        let hits = owner.get(&format!("/projects/{home}/chat?q={text}")).expect(200);
        assert_eq!(hits.texts("main mark").len(), 2, "{}", hits.body);
        for who in [&owner, &admin] {
            let page = who.get(&format!("/references/branch_name/{text}")).expect(200);
            assert_eq!(page.select("[data-activity]").len(), 2, "{text}");
            let filtered = who.get(&format!("/activity?ref=branch_name%3A{text}")).expect(200);
            assert_eq!(filtered.select("[data-activity]").len(), 2, "{text}");
        }
        let found = owner.get(&format!("/search?q={text}")).expect(200);
        assert!(found.body.contains("branch"), "{}", found.body);
    }
}

#[test]
fn a_file_finds_the_pushes_that_spell_its_path_in_the_other_way() {
    let console = Console::start();
    let owner = console.owner();
    let (project, container) = console.project_in_container(&owner, "home");
    let file = console.file(&container, &format!("src/{COMPOSED}.ts"), 7);
    console.sql(&format!(
        "INSERT INTO turbobackend.github_push_history (push_id, project_id, commit_message, files, created_at) VALUES \
         ('p1', '{project}', 'First words', '[\"src/{DECOMPOSED}.ts\"]', 1), \
         ('p2', '{project}', 'Second words', '[{{\"path\": \"src/{DECOMPOSED}.ts\"}}]', 2)"
    ));
    let page = owner.get(&format!("/projects/{project}/files?file={file}")).expect(200).text("main");
    assert!(page.contains("First words") && page.contains("Second words"), "{page}");
}

#[test]
fn a_name_is_stored_composed_and_an_address_that_looks_like_anothers_is_refused() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    owner.post("/projects", &[("name", DECOMPOSED), ("type", "rust")]).expect(303);
    assert_eq!(console.text("SELECT name FROM projects"), COMPOSED);
    console.sql(&format!("INSERT INTO users (email) VALUES ('{DECOMPOSED}@x.test')"));
    let refused =
        admin.post("/users", &[("email", &format!("{COMPOSED}@x.test")), ("name", ""), ("role", "owner")]);
    assert!(refused.expect(422).text("#email-error").contains("look alike"));
    // What a worker named in the one spelling is deleted by typing it in the other.
    let project = console.project(&owner, DECOMPOSED);
    owner.post(&format!("/projects/{project}/delete"), &[("confirm", COMPOSED)]).expect(303);
}
