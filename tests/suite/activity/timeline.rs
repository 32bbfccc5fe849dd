//! Who sees what in the timeline, in which order, page by page.

use pilothouse::activity::{Direction, Filter, Oddity, ProjectState, Scope};

use super::world::{NOON, World, filter, keys};

/// Rows of all sources, many at the same millisecond, over `projects` projects.
fn crowd(world: &mut World, projects: &[pilothouse::db::ids::ProjectId]) -> Vec<(i64, String, String)> {
    let mut rows = Vec::new();
    for number in 0..40_i64 {
        let project = projects[usize::try_from(number).unwrap() % projects.len()];
        let at = NOON - number / 7 * 1000;
        let id = format!("id{:02}", 97 - number * 7 % 41);
        world.action(&id, project, at, "", "");
        rows.push((at, "action".to_owned(), id.clone()));
        if number % 2 == 0 {
            world.event(&id, project, at, "COMPLETED", "NULL");
            rows.push((at, "event".to_owned(), format!("event:{id}")));
        }
        if number % 3 == 0 {
            world.audit(&id, Some(project), at, "");
            rows.push((at, "audit".to_owned(), format!("audit:{id}")));
        }
    }
    rows.sort();
    rows.reverse();
    rows
}

#[test]
fn every_row_comes_once_in_one_order_whoever_looks_and_however_large_the_page() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let projects = [world.project(&ada, "shop"), world.project(&ada, "blog"), world.project(&ada, "api")];
    let expected: Vec<String> = crowd(&mut world, &projects).into_iter().map(|row| row.2).collect();
    for (person, scope) in [(&ada, Scope::Own), (&admin, Scope::Everything), (&ada, Scope::Everything)] {
        for limit in [1, 3, 7, 100] {
            let filter = Filter { limit, ..filter(&[]) };
            let pages = world.walk(person, scope, &filter);
            let seen: Vec<String> = pages.iter().flat_map(|page| keys(&page.entries)).collect();
            assert_eq!(seen, expected, "limit {limit}, {scope:?}");
        }
    }
}

#[test]
fn reading_upwards_shows_the_same_pages() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let projects = [world.project(&ada, "shop"), world.project(&ada, "blog")];
    let expected: Vec<String> = crowd(&mut world, &projects).into_iter().map(|row| row.2).collect();
    for (person, scope) in [(&ada, Scope::Own), (&admin, Scope::Everything)] {
        let filter = Filter { limit: 6, ..filter(&[]) };
        let mut page = world.walk(person, scope, &filter).pop().unwrap();
        let mut seen = keys(&page.entries);
        while let Some(newer) = page.newer.clone() {
            let position = Some((Direction::After, newer));
            page = world.page(person, scope, &Filter { position, ..filter.clone() });
            assert!(page.older.is_some(), "where one came from can be gone back to");
            let mut upper = keys(&page.entries);
            upper.extend(seen);
            seen = upper;
        }
        assert_eq!(seen, expected, "{scope:?}");
    }
}

#[test]
fn an_owner_sees_only_what_belongs_to_them_and_admins_see_unknown_projects_marked() {
    let mut world = World::new();
    let (ada, grace, admin) = (world.owner("ada"), world.owner("grace"), world.admin("root"));
    let (shop, blog) = (world.project(&ada, "shop"), world.project(&grace, "blog"));
    world.action("mine", shop, NOON, "", "");
    world.action("hers", blog, NOON, "", "");
    world.action("nobodys", "no-such-project", NOON, "", "");
    world.execute(
        "INSERT INTO turbobackend.project_actions (action_id, created_at) VALUES ('homeless', 1763640000000)",
    );
    world.audit("sign-in", None, NOON, "");
    world.event("hers", blog, NOON, "COMPLETED", "NULL");
    for scope in [Scope::Own, Scope::Everything] {
        assert_eq!(keys(&world.page(&ada, scope, &filter(&[])).entries), ["mine"]);
        assert_eq!(keys(&world.page(&grace, scope, &filter(&[])).entries), ["event:hers", "hers"]);
    }
    assert_eq!(keys(&world.page(&ada, Scope::Project(blog), &filter(&[])).entries), [""; 0]);
    let page = world.page(&admin, Scope::Everything, &filter(&[]));
    assert_eq!(keys(&page.entries), ["event:hers", "audit:sign-in", "nobodys", "mine", "homeless", "hers"]);
    let state =
        |key: &str| page.entries.iter().find(|e| e.key() == key).unwrap().project.as_ref().map(|p| p.state);
    assert_eq!(state("nobodys"), Some(ProjectState::Unknown));
    assert_eq!(state("mine"), Some(ProjectState::Exists));
    assert_eq!(state("homeless"), None);
}

#[test]
fn the_record_of_a_deleted_project_keeps_its_name_for_its_owner() {
    let mut world = World::new();
    let (ada, grace) = (world.owner("ada"), world.owner("grace"));
    let shop = world.project(&ada, "shop");
    world.action("a", shop, NOON, "", "");
    world.execute(&format!("DELETE FROM projects WHERE id = '{shop}'"));
    let page = world.page(&ada, Scope::Own, &filter(&[]));
    let project = page.entries[0].project.clone().unwrap();
    assert_eq!((project.name.as_str(), project.state), ("shop", ProjectState::Gone));
    assert!(world.page(&grace, Scope::Own, &filter(&[])).entries.is_empty());
}

#[test]
fn names_come_from_users_or_from_snapshots() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    world.action("own", shop, NOON, ", user_id, action_type", &format!(", '{}', 'deployment'", ada.id));
    world.action("other", shop, NOON - 1, ", user_id", &format!(", '{}'", admin.id));
    world.action("worker", shop, NOON - 2, ", user_id", ", 'worker-7'");
    let entries = world.page(&ada, Scope::Own, &filter(&[])).entries;
    let names: Vec<&str> = entries.iter().map(|entry| entry.actor.name.as_str()).collect();
    assert_eq!(names, ["ada", "another user", "worker-7"]);
    assert_eq!(entries[0].plain(), "ada deployed shop");
    let entries = world.page(&admin, Scope::Everything, &filter(&[])).entries;
    assert_eq!(entries[1].actor.name, "root");
}

#[test]
fn audit_entries_and_events_of_a_request_fold_under_its_action() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.action("a", shop, NOON, ", request_id", ", 'r1'");
    world.audit("l", Some(shop), NOON + 5, "r1");
    world.event("e", shop, NOON + 9, "COMPLETED", "'{\"request_id\": \"r1\"}'");
    world.audit("alone", Some(shop), NOON - 5, "r2");
    let page = world.page(&ada, Scope::Own, &filter(&[]));
    assert_eq!(page.entries.len(), 2);
    assert_eq!(keys(&page.entries), ["a", "event:e", "audit:l", "audit:alone"]);
    assert_eq!(page.days(chrono_tz::Tz::UTC)[0].shown, 4);
}

#[test]
fn odd_and_missing_times_are_shown_marked_and_do_not_end_the_paging() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    for (id, at) in
        [("max", i64::MAX), ("min", i64::MIN), ("seconds", NOON / 1000), ("fine", NOON), ("before", -5)]
    {
        world.action(id, shop, at, "", "");
    }
    world.execute(&format!(
        "ALTER TABLE turbobackend.project_actions DISABLE TRIGGER USER; ALTER TABLE \"ActivityLog\" DISABLE TRIGGER USER; \
         INSERT INTO turbobackend.project_actions (action_id, project_id) VALUES ('n1', '{shop}'), ('n2', '{shop}'); \
         INSERT INTO \"ActivityLog\" (id, \"projectId\", \"activityType\", \"createdAt\") VALUES ('l', '{shop}', 'x', NULL); \
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title, status, \"createdAt\") VALUES \
         ('inf', '{shop}', 'AUTO_FIX_FAILED', 'x', 't', 'FAILED', 'infinity'), \
         ('neg', '{shop}', 'AUTO_FIX_FAILED', 'x', 't', 'FAILED', '-infinity')"
    ));
    world.rebuild_timeline();
    // What is told to be yet to come stands where it was received.
    let order = ["event:inf", "max", "fine", "seconds", "audit:l", "n2", "n1", "before", "event:neg", "min"];
    for (person, scope) in [(&ada, Scope::Own), (&ada, Scope::Project(shop)), (&admin, Scope::Everything)] {
        for limit in [1, 2, 100] {
            let pages = world.walk(person, scope, &Filter { limit, ..filter(&[]) });
            let seen: Vec<String> = pages.iter().flat_map(|page| keys(&page.entries)).collect();
            assert_eq!(seen, order, "limit {limit}, {scope:?}");
        }
    }
    let page = world.page(&ada, Scope::Own, &filter(&[]));
    let oddity = |key: &str| page.entries.iter().find(|e| e.key() == key).unwrap().moment.oddity;
    assert_eq!(oddity("n1"), Some(Oddity::Missing));
    assert_eq!(oddity("seconds"), Some(Oddity::LooksLikeSeconds));
    assert_eq!(oddity("max"), Some(Oddity::Implausible));
    assert_eq!(oddity("fine"), None);
}

#[test]
fn running_operations_are_pinned_on_the_first_page_and_forgotten_ones_are_not() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.event("runs", shop, NOON - 60_000, "IN_PROGRESS", "'{\"progress\": 40}'");
    world.event("forgotten", shop, NOON - 48 * 3_600_000, "IN_PROGRESS", "NULL");
    world.event("done", shop, NOON, "COMPLETED", "NULL");
    world.action("deploying", shop, NOON - 90_000, ", status, action_type", ", 'in_progress', 'deployment'");
    let page = world.page(&ada, Scope::Own, &Filter { limit: 2, ..filter(&[]) });
    assert_eq!(keys(&page.running), ["event:runs", "deploying"]);
    assert_eq!(page.running[0].progress, Some(40));
    assert_eq!(page.running[1].plain(), "somebody is deploying shop");
    let next = Some((Direction::Before, page.older.unwrap()));
    let second = world.page(&ada, Scope::Own, &Filter { position: next, ..filter(&[]) });
    assert!(second.running.is_empty());
    assert_eq!(keys(&second.entries), ["deploying", "event:forgotten"]);
    for (pairs, pinned) in [
        (vec![("status", "failed")], vec![]),
        (vec![("status", "running")], vec![]),
        (vec![("status", "IN_PROGRESS")], vec!["event:runs", "deploying"]),
        (vec![("source", "action")], vec!["deploying"]),
        (vec![("type", "deployment")], vec!["deploying"]),
    ] {
        assert_eq!(keys(&world.page(&ada, Scope::Own, &filter(&pairs)).running), pinned, "{pairs:?}");
    }
}

#[test]
fn gaps_are_shown_once_on_the_page_that_they_fall_into() {
    let mut world = World::new();
    let (ada, grace) = (world.owner("ada"), world.owner("grace"));
    let shop = world.project(&ada, "shop");
    for number in 0..10 {
        world.action(&format!("a{number}"), shop, NOON - number * 10, "", "");
    }
    world.execute(&format!(
        "INSERT INTO pilothouse.recording_gaps (project_id, from_ms, to_ms, lost, reason) VALUES \
         ('{shop}', {0}, {0}, 3, 'why'), ('{shop}', {1}, {1}, 1, 'first'), ('{shop}', 5, 5, 1, 'last')",
        NOON - 25,
        NOON + 1
    ));
    for limit in [1, 3, 100] {
        let pages = world.walk(&ada, Scope::Own, &Filter { limit, ..filter(&[]) });
        let gaps: Vec<(usize, i64)> = pages
            .iter()
            .enumerate()
            .flat_map(|(at, page)| page.gaps.iter().map(move |gap| (at, gap.to_ms)))
            .collect();
        let times: Vec<i64> = gaps.iter().map(|gap| gap.1).collect();
        assert_eq!(times, [NOON + 1, NOON - 25, 5], "limit {limit}");
        assert_eq!(gaps[2].0, pages.len() - 1);
    }
    let page = world.page(&ada, Scope::Own, &filter(&[]));
    assert_eq!((page.gaps[1].lost, page.gaps[1].reason.as_str()), (3, "why"));
    assert!(world.page(&grace, Scope::Own, &filter(&[])).gaps.is_empty());
    assert!(world.page(&ada, Scope::Own, &filter(&[("type", "deployment")])).gaps.is_empty());
}
