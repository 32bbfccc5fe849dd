//! Containers, and the verbs that need an engine.

use crate::support::console::{Console, Person};

fn names(person: &Person, query: &str) -> Vec<String> {
    person.get(&format!("/containers{query}")).expect(200).texts("[data-container] .name")
}

#[test]
fn an_owner_sees_their_containers_and_an_admin_sees_all() {
    let console = Console::start();
    let (ada, grace, root) = (console.owner(), console.owner(), console.admin());
    console.container(&ada, "shop-web");
    console.container(&grace, "blog-web");
    assert_eq!(names(&ada, ""), ["shop-web"]);
    assert_eq!(names(&grace, ""), ["blog-web"]);
    assert_eq!(names(&root, "?sort=name"), ["blog-web", "shop-web"]);
}

#[test]
fn the_list_is_filtered_by_text_and_status() {
    let console = Console::start();
    let owner = console.owner();
    for (name, status) in [("web", "running"), ("worker", "stopped"), ("old", "deleted"), ("odd", "zombie")] {
        let id = console.container(&owner, name);
        console.sql(&format!("UPDATE containers SET status = '{status}' WHERE id = '{id}'"));
    }
    let table = [
        ("?sort=name", vec!["odd", "web", "worker"]),
        ("?sort=name&q=w", vec!["web", "worker"]),
        ("?status=stopped", vec!["worker"]),
        ("?status=deleted", vec!["old"]),
        ("?status=zombie", vec!["odd"]),
        ("?status=nothing", vec![]),
    ];
    for (query, expected) in table {
        assert_eq!(names(&owner, query), expected, "{query}");
    }
}

#[test]
fn paging_by_name_passes_each_container_once() {
    let console = Console::start();
    let owner = console.owner();
    let odd = ["web", "Web", "Äpfel", "äpfel", "İstanbul", "ẞ", "a\tb", "%", "名前"];
    for name in odd {
        console.container(&owner, name);
    }
    for sort in ["", "&sort=name"] {
        let (mut here, mut seen) = (format!("/containers?limit=1{sort}"), Vec::new());
        loop {
            let page = owner.get(&here).expect(200);
            seen.extend(page.attributes("[data-container]", "data-container"));
            assert!(seen.len() <= odd.len(), "paging does not end: {sort}");
            let Some(next) = page.attributes("a[rel=next]", "href").pop() else { break };
            here = next;
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), odd.len(), "{sort}");
    }
}

#[test]
fn a_state_is_shown_with_when_it_was_observed_and_who_disagrees() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.container(&owner, "shop-web");
    let path = format!("/containers/{id}");
    assert!(owner.get(&path).expect(200).text(".page-title").contains("running"));

    console.sql(&format!(
        "UPDATE containers SET engine_status = 'exited', observed_at = now(), observed_from = 'unix:///x' WHERE id = '{id}'"
    ));
    let page = owner.get(&path).expect(200);
    assert!(page.text("[role=status]").contains("exited"), "{}", page.body);
    assert!(page.has(".page-title time[datetime]"));
}

#[test]
fn verbs_say_why_they_are_unavailable_and_refuse() {
    let console = Console::start();
    let owner = console.owner();
    let id = console.container(&owner, "shop-web");
    let detail = owner.get(&format!("/containers/{id}")).expect(200);
    assert_eq!(detail.attributes("button[aria-disabled=true]", "aria-describedby"), ["verbs-note"; 6]);
    for verb in ["start", "stop", "restart", "rename", "delete"] {
        let path = format!("/containers/{id}/{verb}");
        let asked = owner.get(&path).expect(200);
        assert!(asked.text("main [role=status]").contains("engine"), "{verb}");
        assert!(!asked.has("main form[method=post]"), "{verb}: no form that can't work");
        let refused = owner.post(&path, &[]).expect(503);
        assert!(
            !refused.header("retry-after").is_empty() && refused.text("main").contains("engine"),
            "{verb}"
        );
    }
    owner.get(&format!("/containers/{id}/explode")).expect(404);
    owner.post(&format!("/containers/{id}/explode"), &[]).expect(404);
    assert!(console.holds("(SELECT status = 'running' FROM containers)"));
}

#[test]
fn reported_and_observed_values_stand_apart_with_their_times() {
    let console = Console::start();
    let owner = console.owner();
    let (project, id) = console.project_in_container(&owner, "shop");
    let path = format!("/containers/{id}");
    let page = owner.get(&path).expect(200);
    assert!(page.text(".as-of").starts_with("reported "), "{}", page.text(".as-of"));
    assert!(page.text("aside").contains("No engine has been asked"));
    assert!(owner.get("/containers").expect(200).text("[data-container]").contains("reported"));
    for part in ["chat", "files"] {
        assert!(page.attributes("aside a", "href").contains(&format!("/projects/{project}/{part}")));
    }
    console.sql(&format!(
        "UPDATE containers SET engine_status = 'running', observed_at = now() - interval '2 hours', observed_from = 'unix:///x' \
         WHERE id = '{id}'"
    ));
    let page = owner.get(&path).expect(200);
    assert!(page.text(".as-of").starts_with("observed "), "{}", page.text(".as-of"));
    let panels = page.texts("aside .panel");
    assert!(
        panels[0].starts_with("Reported by workers")
            && panels[0].contains("as of")
            && panels[0].contains("3000"),
        "{panels:?}"
    );
    assert!(
        panels[1].starts_with("Observed at the engine")
            && panels[1].contains("as of")
            && panels[1].contains("unix:///x"),
        "{panels:?}"
    );
}

#[test]
fn logs_say_why_there_are_none_and_what_to_do() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let id = console.container(&owner, "shop-web");
    let path = format!("/containers/{id}/logs");
    let detail = owner.get(&format!("/containers/{id}")).expect(200);
    assert!(detail.attributes(".tabs a", "href").contains(&path));
    let page = owner.get(&path).expect(200);
    let told = page.text("main .alert[data-tone=warning]");
    assert!(told.contains("engine is not connected") || told.contains("id"), "{told}");
    assert!(page.text("main code").starts_with("docker logs --tail 200"));
    stranger.get(&path).expect(404);
    // What is no id does not get into a command.
    console.sql("UPDATE containers SET container_id = 'x; rm -rf /'");
    assert!(!owner.get(&path).expect(200).has("main code"));
}
