//! One box that finds everything: by name, and by whatever id somebody pastes.

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

const SHA: &str = "4be1d07c9a0f4be1d07c9a0f4be1d07c9a0f4be1";

fn search(person: &Person, text: &str) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
    person.get(&format!("/search?{query}"))
}

/// Where the search for `text` leads at once.
#[track_caller]
fn lands(person: &Person, text: &str) -> String {
    search(person, text).expect(303).location().to_owned()
}

fn hits(answer: &Answer) -> Vec<String> {
    answer.attributes("main .list .name a", "href")
}

#[test]
fn names_are_found_wherever_they_hold_the_text() {
    let console = Console::start();
    let (owner, other, admin) = (console.owner(), console.owner(), console.admin());
    let shop = console.project(&owner, "Shop-API");
    let old = console.project(&owner, "old shop");
    console.project(&other, "shop of another");
    let container = console.container(&owner, "shop-web");
    console.sql(&format!("UPDATE projects SET status = 'deleted' WHERE id = '{old}'"));

    let found = search(&owner, "shop").expect(200);
    assert_eq!(
        hits(&found),
        [format!("/projects/{shop}"), format!("/projects/{old}"), format!("/containers/{container}")]
    );
    assert_eq!(found.texts("main h2"), ["Projects", "Containers"]);
    assert!(found.text("main").contains("deleted"), "the deleted are told apart");
    assert_eq!(lands(&owner, "shop-api"), format!("/projects/{shop}"), "found alone, opened at once");
    assert_eq!(hits(&search(&admin, "shop").expect(200)).len(), 4);

    for wild in ["%", "_", "100%", "sho_-", "\\", "'", "*"] {
        let nothing = search(&owner, wild).expect(200);
        assert!(hits(&nothing).is_empty(), "{wild}");
        assert!(nothing.text("main").contains("Looked through"));
    }
}

#[test]
fn users_are_found_by_admins_only() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    assert_eq!(lands(&admin, &owner.email.to_uppercase()), format!("/users/{}", owner.id));
    assert_eq!(lands(&admin, &owner.id), format!("/users/{}", owner.id));
    assert_eq!(lands(&owner, &owner.email), "/account", "oneself");
    for foreign in [&admin.email, &admin.id] {
        assert!(hits(&search(&owner, foreign).expect(200)).is_empty());
    }
    assert!(
        !search(&owner, "zzz").text("main").contains("users")
            && search(&admin, "zzz").text("main").contains("users")
    );
}

#[test]
fn a_pasted_id_lands_on_what_it_means_and_tells_a_stranger_nothing() {
    let console = Console::start();
    let (owner, stranger, admin) = (console.owner(), console.owner(), console.admin());
    let project = console.project(&owner, "shop-api");
    let container = console.container(&owner, "shop-web");
    let engine = "0123456789abcdef".repeat(4);
    console.sql(&format!("UPDATE containers SET container_id = '{engine}'"));
    let refers = format!(
        r#"{{"commit_sha": "{SHA}", "deployment_id": "deploy_8f2c", "github_push_id": "push_91ac",
            "container_id": "{engine}", "container_session_id": "cs_1", "database_id": "db_7"}}"#
    );
    let action = console.action(&project, "deployment", 1_763_640_000_000, &refers);
    console.sql(&format!(
        "UPDATE turbobackend.project_actions SET request_id = 'req-123'; \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status) \
             VALUES ('event-1', '{project}', 'APR_REVIEW', 'x', 'x', 'COMPLETED'); \
         INSERT INTO turbobackend.github_push_history (push_id, project_id, commit_sha) \
             VALUES ('push_only', '{project}', 'feedfacefeedface')"
    ));
    let commit = format!("/references/commit_sha/{SHA}");
    let table = [
        (SHA, commit.as_str()),
        (&SHA[..7], &commit),
        (&SHA[..20].to_uppercase(), &commit),
        ("deploy_8f2c", "/references/deployment_id/deploy_8f2c"),
        (" push_91ac ", "/references/github_push_id/push_91ac"),
        ("push_only", "/references/github_push_id/push_only"),
        ("cs_1", "/references/container_session_id/cs_1"),
        ("db_7", "/references/database_id/db_7"),
        (&action, &format!("/activity/{action}")),
        ("event-1", "/events/event-1"),
        ("req-123", &format!("/activity/{action}")),
        (&project, &format!("/projects/{project}")),
        (&project.to_uppercase(), &format!("/projects/{project}")),
        (&container, &format!("/containers/{container}")),
        (&engine, &format!("/containers/{container}")),
        (&engine[..12], &format!("/containers/{container}")),
        (
            &format!("{}/projects/{project}/activity?status=failed", console.base),
            &format!("/projects/{project}/activity?status=failed"),
        ),
    ];
    for (text, expected) in table {
        for person in [&owner, &admin] {
            assert_eq!(lands(person, text), expected, "{text}");
        }
        if !text.starts_with("http") {
            assert!(hits(&search(&stranger, text).expect(200)).is_empty(), "{text}");
        }
    }
    for nothing in
        [&SHA[..6], "deploy_8f2", "https://evil.test/projects", "//evil.test", "javascript:alert(1)"]
    {
        search(&owner, nothing).expect(200);
    }
    let own_search = format!("{}/search?q=x", console.base);
    search(&owner, &own_search).expect(200);
}

#[test]
fn what_is_left_of_a_project_is_found_by_its_id() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let project = console.project(&owner, "shop-api");
    console.action(&project, "deployment", 1_763_640_000_000, r#"{"deployment_id": "deploy_gone"}"#);
    console.sql("DELETE FROM projects");

    assert_eq!(lands(&owner, &project), format!("/projects/{project}"));
    assert_eq!(lands(&owner, "deploy_gone"), "/references/deployment_id/deploy_gone");
    assert!(hits(&search(&stranger, "deploy_gone").expect(200)).is_empty());
}

#[test]
fn what_several_things_share_is_listed_by_kind_and_bounded() {
    let console = Console::start();
    let (owner, admin) = (console.owner(), console.admin());
    for n in 0..15 {
        console.project(&owner, &format!("main {n}"));
    }
    let project = console.project(&owner, "other");
    for n in 0..3 {
        console.action(&project, "github_push", 1_763_640_000_000 + n, r#"{"branch_name": "main"}"#);
    }
    console.sql("UPDATE turbobackend.project_actions SET request_id = 'shared-request'");
    for person in [&owner, &admin] {
        let found = search(person, "main").expect(200);
        assert_eq!(hits(&found).len(), 11, "ten projects and a branch");
        assert!(found.has("main a[href='/projects?q=main']"));
        assert!(hits(&found).contains(&"/references/branch_name/main".to_owned()));
        assert_eq!(hits(&search(person, "shared-request").expect(200)).len(), 3);
    }
}

#[test]
fn files_are_found_by_their_path_and_an_empty_answer_says_where_to_look_on() {
    let console = Console::start();
    let (owner, stranger) = (console.owner(), console.owner());
    let project = console.project(&owner, "shop-api");
    let container = console.text(&format!(
        "INSERT INTO containers (name, container_id, user_id) VALUES ('web', 'engine-1', '{}') RETURNING id",
        owner.id
    ));
    console.sql(&format!(
        "UPDATE projects SET container_id = '{container}' WHERE id = '{project}'; \
         INSERT INTO file_storage (container_id, file_path, file_name, is_deleted) VALUES \
         ('{container}', 'src/lantern_room/keeper.ts', 'keeper.ts', false), ('{container}', 'src/lantern/oil.ts', 'oil.ts', NULL), \
         ('{container}', 'src/lantern/gone.ts', 'gone.ts', true)"
    ));
    let page = owner.get("/search?q=lantern").expect(200);
    assert!(page.has("tbody"), "{}", page.text("main"));
    assert_eq!(page.texts("tbody .name a"), ["src/lantern/oil.ts", "src/lantern_room/keeper.ts"]);
    let only = owner.get("/search?q=lantern_room").location().to_owned();
    assert!(owner.get(&only).expect(200).text("main").contains("keeper.ts"), "{only}");
    let page = stranger.get("/search?q=lantern").expect(200);
    assert!(page.text("main").contains("Nothing found"));
    assert_eq!(page.attributes(".empty a", "href"), ["/activity?q=lantern"]);
    let page = owner.get("/search?q=nowhere+at+all").expect(200);
    let ways = page.attributes(".empty a", "href");
    assert_eq!(
        ways,
        ["/activity?q=nowhere+at+all".to_owned(), format!("/projects/{project}/files?q=nowhere+at+all")]
    );
    for way in ways {
        owner.get(&way).expect(200);
    }
}
