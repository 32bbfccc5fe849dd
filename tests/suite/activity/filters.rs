//! Each filter, against rows that it must find and rows that it must leave out.

use pilothouse::activity::options::{self, Options};
use pilothouse::activity::timeline::{Known, WordColumn};
use pilothouse::activity::{Filter, Scope, timeline};
use pilothouse::db::DbError;

use super::world::{NOON, World, filter, keys};

/// An address's pairs, and what they must find.
type Case<'a> = (Vec<(&'a str, &'a str)>, Vec<&'a str>);

const DAY: i64 = 24 * 3_600_000;

#[test]
fn each_filter_finds_what_it_names_in_every_scope() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    let columns = ", action_type, status, environment, user_id, reference_ids";
    let row = |kind: &str, status: &str, place: &str, refs: &str| {
        format!(", '{kind}', '{status}', '{place}', '{}', '{refs}'", ada.id)
    };
    world.action(
        "push",
        shop,
        NOON,
        columns,
        &row("github_push", "success", "development", r#"{"commit_sha": "4be1d07"}"#),
    );
    let refs = r#"{"deployment_id": "d:1/x", "commit_sha": "4be1d07"}"#;
    world.action("deploy", shop, NOON - DAY, columns, &row("deployment", "failed", "production", refs));
    world.action("odd", shop, NOON - 2 * DAY, ", action_type, status", ", 'pr_merged', 'superseded'");
    world.action("bare", shop, NOON - 3 * DAY, "", "");
    world.event("event", shop, NOON - 4 * DAY, "FAILED", "NULL");
    world.audit("audit", Some(shop), NOON - 5 * DAY, "");
    let ada_id = ada.id.to_string();
    let all = ["push", "deploy", "odd", "bare", "event:event", "audit:audit"];
    let cases: Vec<Case<'_>> = vec![
        (vec![], all.to_vec()),
        (vec![("type", "deployment")], vec!["deploy"]),
        (vec![("type", "deployment"), ("type", "pr_merged")], vec!["deploy", "odd"]),
        (vec![("type", "-deployment")], vec!["push", "odd", "bare", "event:event", "audit:audit"]),
        (vec![("type", "INDEXING_STARTED")], vec!["event:event"]),
        (vec![("type", "project.updated")], vec!["audit:audit"]),
        (vec![("type", "no_such")], vec![]),
        (vec![("type", "x' OR true --")], vec![]),
        (vec![("status", "failed")], vec!["deploy", "event:event"]),
        (vec![("status", "FAILED")], vec!["deploy", "event:event"]),
        (vec![("status", "superseded")], vec!["odd"]),
        (vec![("status", "-failed")], vec!["push", "odd", "bare", "audit:audit"]),
        (vec![("status", "no_such")], vec![]),
        (vec![("environment", "production")], vec!["deploy"]),
        (vec![("environment", "-production")], vec!["push", "odd", "bare", "event:event", "audit:audit"]),
        (vec![("actor", &ada_id)], vec!["push", "deploy"]),
        (vec![("actor", "nobody")], vec![]),
        (vec![("source", "event")], vec!["event:event"]),
        (vec![("source", "event"), ("source", "audit")], vec!["event:event", "audit:audit"]),
        (vec![("source", "-action")], vec!["event:event", "audit:audit"]),
        (vec![("source", "moon")], vec![]),
        (vec![("from", "2025-11-19")], vec!["push", "deploy"]),
        (vec![("to", "2025-11-16")], vec!["event:event", "audit:audit"]),
        (vec![("from", "2025-11-18"), ("to", "2025-11-18")], vec!["odd"]),
        (vec![("ref", "commit_sha:4be1d07")], vec!["push", "deploy"]),
        (vec![("ref", "deployment_id:d:1/x")], vec!["deploy"]),
        (vec![("ref", "deployment_id:nope")], vec![]),
        (vec![("ref", "commit_sha:4be1d07"), ("type", "deployment"), ("status", "failed")], vec!["deploy"]),
        (vec![("ref", "commit_sha:4be1d07"), ("from", "2025-11-20")], vec!["push"]),
    ];
    for (pairs, expected) in cases {
        for (person, scope) in [(&ada, Scope::Own), (&ada, Scope::Project(shop)), (&admin, Scope::Everything)]
        {
            for limit in [2, 100] {
                let pages = world.walk(person, scope, &Filter { limit, ..filter(&pairs) });
                let seen: Vec<String> = pages.iter().flat_map(|page| keys(&page.entries)).collect();
                assert_eq!(seen, expected, "{pairs:?} {scope:?} {limit}");
            }
        }
    }
}

#[test]
fn days_are_those_of_the_viewer() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    // 20 November 2025, 23:30 UTC: the 21st in Berlin.
    world.action("late", shop, NOON + 41_400_000, "", "");
    let on = |zone, day| {
        let filter = Filter::parse([("from", day), ("to", day)], zone).unwrap();
        world.page(&ada, Scope::Own, &filter).entries.len()
    };
    assert_eq!(on(chrono_tz::Tz::UTC, "2025-11-20"), 1);
    assert_eq!(on(chrono_tz::Tz::Europe__Berlin, "2025-11-20"), 0);
    assert_eq!(on(chrono_tz::Tz::Europe__Berlin, "2025-11-21"), 1);
}

#[test]
fn a_container_is_found_by_its_own_id_and_by_the_engines() {
    let mut world = World::new();
    let (ada, grace, admin) = (world.owner("ada"), world.owner("grace"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    let row = "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c";
    world.execute(&format!(
        "INSERT INTO containers (id, container_id, name, user_id) VALUES ('{row}', 'engine1', 'c', '{}')",
        ada.id
    ));
    world.action("by_row", shop, NOON, ", reference_ids", &format!(", '{{\"container_id\": \"{row}\"}}'"));
    world.action("by_engine", shop, NOON - 1, ", reference_ids", ", '{\"container_id\": \"engine1\"}'");
    for value in [row, "engine1"] {
        let wanted = format!("container_id:{value}");
        for (person, scope) in [(&ada, Scope::Own), (&ada, Scope::Project(shop)), (&admin, Scope::Everything)]
        {
            let pages = world.walk(person, scope, &Filter { limit: 1, ..filter(&[("ref", &wanted)]) });
            let seen: Vec<String> = pages.iter().flat_map(|page| keys(&page.entries)).collect();
            assert_eq!(seen, ["by_row", "by_engine"], "{value} {scope:?}");
        }
        assert!(world.page(&grace, Scope::Own, &filter(&[("ref", &wanted)])).entries.is_empty());
    }
}

#[test]
fn a_long_value_is_found_whole() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let long = "é".repeat(900);
    world.action("a", shop, NOON, ", reference_ids", &format!(", '{{\"app_name\": \"{long}\"}}'"));
    world.action("b", shop, NOON, ", reference_ids", &format!(", '{{\"app_name\": \"{long}x\"}}'"));
    let page = world.page(&ada, Scope::Own, &filter(&[("ref", &format!("app_name:{long}"))]));
    assert_eq!(keys(&page.entries), ["a"]);
    assert_eq!(page.entries[0].references[0].value, long);
}

#[test]
fn filters_offer_what_is_known_and_what_the_viewer_holds() {
    let mut world = World::new();
    let (ada, grace, admin) = (world.owner("ada"), world.owner("grace"), world.admin("root"));
    let (shop, blog) = (world.project(&ada, "shop"), world.project(&grace, "blog"));
    let columns = ", action_type, status, environment, user_id";
    world.action("a", shop, NOON, columns, &format!(", 'pr_merged', 'superseded', 'preview', '{}'", ada.id));
    world.action(
        "b",
        blog,
        NOON,
        columns,
        &format!(", 'secret_type', 'success', 'development', '{}'", grace.id),
    );
    let offered = |person: &super::world::Person, scope| {
        let options = world
            .db
            .read_blocking(&person.actor, |conn| {
                let page = timeline::page(conn, scope, &filter(&[]), &Known::default(), NOON)?;
                Options::of_page(conn, &filter(&[]), &page).map_err(DbError::from)
            })
            .unwrap();
        let types: Vec<String> =
            options.types.into_iter().flat_map(|(_, choices)| choices).map(|choice| choice.value).collect();
        let actors: Vec<String> = options.actors.into_iter().map(|choice| choice.label).collect();
        (types, options.statuses, options.environments, actors)
    };
    for scope in [Scope::Own, Scope::Project(shop)] {
        let (types, statuses, environments, actors) = offered(&ada, scope);
        assert!(types.contains(&"deployment".to_owned()) && types.contains(&"pr_merged".to_owned()));
        assert!(!types.contains(&"secret_type".to_owned()), "another owner's words stay theirs");
        assert_eq!(statuses.last().unwrap().value, "superseded");
        assert_eq!(environments.last().unwrap().label, "Preview");
        assert_eq!(actors, ["ada"]);
    }
    let (types, _, _, actors) = offered(&admin, Scope::Everything);
    assert!(types.contains(&"pr_merged".to_owned()) && types.contains(&"secret_type".to_owned()));
    assert_eq!(actors, ["ada", "grace"]);
    let held = |person: &super::world::Person, scope, column| {
        world
            .db
            .read_blocking(&person.actor, |conn| options::all(conn, scope, column).map_err(DbError::from))
            .unwrap()
            .into_iter()
            .map(|choice| choice.label)
            .collect::<Vec<_>>()
    };
    for scope in [Scope::Own, Scope::Project(shop)] {
        assert_eq!(held(&ada, scope, WordColumn::Type), ["Pr merged"]);
        assert_eq!(held(&ada, scope, WordColumn::Status), ["Success", "Superseded"]);
        assert_eq!(held(&ada, scope, WordColumn::Environment), ["Preview"]);
        assert_eq!(held(&ada, scope, WordColumn::Actor), ["ada"]);
    }
    assert_eq!(held(&ada, Scope::Project(blog), WordColumn::Type), [""; 0]);
    assert_eq!(held(&admin, Scope::Everything, WordColumn::Actor), ["ada", "grace"]);
    let holds = |word: &'static str, column| {
        world
            .db
            .read_blocking(&ada.actor, |conn| options::holds(conn, shop, column, word).map_err(DbError::from))
            .unwrap()
    };
    assert!(holds("pr_merged", WordColumn::Type) && holds("superseded", WordColumn::Status));
    assert!(!holds("secret_type", WordColumn::Type) && !holds("production", WordColumn::Environment));
}
