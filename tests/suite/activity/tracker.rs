//! Recording never breaks what it records, and what could not be recorded is not lost silently.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use pilothouse::activity::{ActionType, NewAction, Scope, Status, spool, tally, track};
use pilothouse::audit::{self, AuditAction, Target};
use pilothouse::db::ids::ProjectId;
use pilothouse::db::schema::{action_spool, projects};
use pilothouse::db::{Actor, ConnectOptions, Db, DbError};

use super::world::{NOON, Person, World, filter, keys};

const REFUSE: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN RAISE EXCEPTION 'the record is full'; END $$; \
    CREATE TRIGGER refuse BEFORE INSERT ON turbobackend.project_actions FOR EACH ROW EXECUTE FUNCTION refuse()";
const ALLOW: &str = "DROP TRIGGER refuse ON turbobackend.project_actions";

/// An operation that renames a project and tracks it, as a page's command does.
fn rename(
    world: &World,
    person: &Person,
    id: ProjectId,
    name: &'static str,
    fail: bool,
) -> Result<String, DbError> {
    let principal = person.principal("r1");
    world.db.write_blocking(&person.actor, |conn| {
        let action = NewAction::by(&principal, id, ActionType::ProjectUpdated, format!("to {name}"))
            .refers_to("container_id", "c1".to_owned());
        let action_id = action.id().to_owned();
        track(conn, action);
        diesel::update(projects::table.filter(projects::id.eq(id)))
            .set(projects::name.eq(name))
            .execute(conn)?;
        if fail { Err(DbError::from(DieselError::RollbackTransaction)) } else { Ok(action_id) }
    })
}

fn name_of(world: &mut World) -> String {
    projects::table.select(projects::name).first(&mut world.conn).unwrap()
}

#[test]
fn an_action_stands_in_the_timeline_with_its_references() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let id = rename(&world, &ada, shop, "store", false).unwrap();
    let page = world.page(&ada, Scope::Project(shop), &filter(&[("ref", "container_id:c1")]));
    assert_eq!(keys(&page.entries), [id]);
    let entry = &page.entries[0];
    assert_eq!(entry.plain(), "ada changed the settings of store");
    assert_eq!((entry.moment.ms, entry.request_id.as_deref()), (NOON, Some("r1")));
    assert_eq!(
        (entry.status.as_ref().map(Status::as_str), entry.environment.as_deref()),
        (Some("success"), Some("development"))
    );
}

#[test]
fn an_insert_that_fails_leaves_the_operation_alone_and_is_recorded_later_once() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.execute(REFUSE);
    let before = tally();
    let id = rename(&world, &ada, shop, "store", false).unwrap();
    assert_eq!(name_of(&mut world), "store", "the operation stands");
    assert_eq!(world.count("(SELECT count(*) FROM turbobackend.project_actions)"), 0);
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.action_spool)"), 1);
    assert!(tally().failed > before.failed && tally().spooled > before.spooled);

    let waiting = spool::retry(&world.db).unwrap();
    assert_eq!((waiting.recorded, waiting.waiting, waiting.lost), (0, 1, 0));
    world.execute(ALLOW);
    assert_eq!(spool::retry(&world.db).unwrap().recorded, 1);
    assert_eq!(spool::retry(&world.db).unwrap(), spool::Retried::default());
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.action_spool)"), 0);
    let page = world.page(&ada, Scope::Own, &filter(&[]));
    assert_eq!(keys(&page.entries), [id]);
    assert_eq!(page.entries[0].moment.ms, NOON, "the time is that of the act");
}

#[test]
fn an_action_that_could_not_be_recorded_is_kept_by_the_commit_of_its_act_and_by_nothing_later() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let principal = ada.principal("r");
    world.execute(REFUSE);
    let kept = "(SELECT count(*) FROM pilothouse.action_spool)";
    let before = tally();
    for commits in [false, true] {
        let inside: Result<(), DbError> = world.db.write_blocking(&Actor::System, |conn| {
            track(conn, NewAction::by(&principal, shop, ActionType::Deployment, String::new()));
            assert_eq!(action_spool::table.count().get_result(conn), Ok(1_i64), "before the commit");
            if commits { Ok(()) } else { Err(DieselError::RollbackTransaction.into()) }
        });
        assert_eq!(inside.is_ok(), commits);
        assert_eq!(world.count(kept), i64::from(commits));
    }
    assert!(tally().spooled > before.spooled);
}

#[test]
fn what_waits_is_recorded_in_batches_until_nothing_waits() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let principal = ada.principal("r");
    world.execute(REFUSE);
    world
        .db
        .write_blocking(&ada.actor, |conn| {
            for _ in 0..150 {
                track(conn, NewAction::by(&principal, shop, ActionType::Deployment, String::new()));
            }
            Ok::<(), DbError>(())
        })
        .unwrap();
    let refused = spool::retry(&world.db).unwrap();
    assert_eq!((refused.waiting, refused.may_go_on()), (100, false), "the next batch would fare no better");
    world.execute(ALLOW);
    let batches = [(); 2].map(|()| spool::retry(&world.db).unwrap());
    assert_eq!(batches.map(|batch| (batch.recorded, batch.may_go_on())), [(100, true), (50, false)]);
    assert_eq!(world.count("(SELECT count(*) FROM turbobackend.project_actions)"), 150);
}

#[test]
fn an_act_that_was_rolled_back_leaves_no_record_anywhere() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    assert!(rename(&world, &ada, shop, "store", true).is_err());
    world.execute(REFUSE);
    assert!(rename(&world, &ada, shop, "store", true).is_err());
    assert_eq!(name_of(&mut world), "shop");
    // Another operation on the same thread must not flush what the failed one left.
    rename(&world, &ada, shop, "store", false).unwrap();
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.action_spool)"), 1);
    world.execute(ALLOW);
    spool::retry(&world.db).unwrap();
    assert_eq!(world.count("(SELECT count(*) FROM turbobackend.project_actions)"), 1);
}

#[test]
fn what_was_recorded_already_is_not_recorded_twice() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let action = NewAction::by(&ada.principal("r"), shop, ActionType::Deployment, String::new());
    spool::keep(&world.db, &action, "first");
    spool::keep(&world.db, &action, "again");
    assert_eq!(spool::retry(&world.db).unwrap().recorded, 2);
    assert_eq!(world.count("(SELECT count(*) FROM turbobackend.project_actions)"), 1);
    assert_eq!(world.count("(SELECT count(*) FROM pilothouse.action_spool)"), 0);
}

#[test]
fn after_enough_tries_an_action_becomes_a_counted_gap() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.execute(REFUSE);
    rename(&world, &ada, shop, "store", false).unwrap();
    world.execute("INSERT INTO pilothouse.action_spool (action_id, payload) VALUES (NULL, NULL)");
    let tries: Vec<_> = (0..11).map(|_| spool::retry(&world.db).unwrap()).collect();
    assert!(tries[..9].iter().all(|retried| (retried.waiting, retried.lost) == (2, 0)), "{tries:?}");
    assert_eq!((tries[9].lost, tries[10]), (2, spool::Retried::default()));
    let page = world.page(&ada, Scope::Own, &filter(&[]));
    assert_eq!(page.gaps.len(), 1);
    assert_eq!(
        (page.gaps[0].project.clone(), page.gaps[0].to_ms, page.gaps[0].lost),
        (Some(shop.to_string()), NOON, 1)
    );
}

#[test]
fn what_a_full_database_can_put_on_no_record_is_not_done() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.execute(&REFUSE.replace("the record is full", "could not extend file: No space left on device"));
    world.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON pilothouse.action_spool FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    assert!(matches!(rename(&world, &ada, shop, "store", false), Err(DbError::Unavailable(_))));
    assert_eq!(name_of(&mut world), "shop");
    world.execute("DROP TRIGGER refuse ON pilothouse.action_spool");
    rename(&world, &ada, shop, "store", false).unwrap();
    assert_eq!(name_of(&mut world), "store", "nothing of the refusal is left on the thread");
}

#[test]
fn a_database_that_is_full_for_long_costs_no_action() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    world.execute(&REFUSE.replace("the record is full", "could not extend file: No space left on device"));
    rename(&world, &ada, shop, "store", false).unwrap();
    for _ in 0..15 {
        let retried = spool::retry(&world.db).unwrap();
        assert_eq!((retried.recorded, retried.waiting, retried.lost), (0, 1, 0));
    }
    assert_eq!(world.count("(SELECT sum(attempts) FROM pilothouse.action_spool)"), 0);
    world.execute(ALLOW);
    assert_eq!(spool::retry(&world.db).unwrap().recorded, 1);
    assert!(world.page(&ada, Scope::Own, &filter(&[])).gaps.is_empty());
}

#[test]
fn while_the_database_is_gone_a_file_keeps_the_action() {
    let mut world = World::new();
    let ada = world.owner("ada");
    let shop = world.project(&ada, "shop");
    let directory = std::env::temp_dir().join(format!("pilothouse-spool-{}", uuid::Uuid::new_v4()));
    spool::keep_files_in(directory.clone());
    let gone = Db::new(&ConnectOptions {
        url: "postgres://nobody@127.0.0.1:9/none?connect_timeout=1".to_owned(),
        size: 1,
        budget: std::time::Duration::from_millis(300),
        behind_pooler: false,
    });
    let action = NewAction::by(&ada.principal("r"), shop, ActionType::Deployment, "line\none".to_owned());
    spool::keep(&gone, &action, "gone");
    let file = directory.join("action-spool.jsonl");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);

    // The spool table can be gone while the operation's own tables are there.
    world.execute(REFUSE);
    world.execute("ALTER TABLE pilothouse.action_spool RENAME TO away");
    rename(&world, &ada, shop, "store", false).unwrap();
    assert_eq!(name_of(&mut world), "store");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    assert!(spool::read_in_file(&world.db).is_err());
    assert!(directory.join("action-spool.taken").exists(), "nothing is lost by a retry that fails");

    // A line that a crash cut off does not stand in the way, of the next one neither.
    std::fs::write(&file, "{\"action_id\": \"cut").unwrap();
    spool::keep(&gone, &action, "gone");
    world.execute(ALLOW);
    world.execute("ALTER TABLE pilothouse.away RENAME TO action_spool");
    let read_in_and_retry = || {
        spool::read_in_file(&world.db).unwrap();
        spool::retry(&world.db).unwrap().recorded
    };
    assert_eq!(read_in_and_retry(), 2);
    assert_eq!(read_in_and_retry(), 1, "what came after the cut line");
    assert_eq!(world.page(&ada, Scope::Own, &filter(&[])).entries.len(), 2);
    let left: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["action-spool.lock"], "nothing is kept any more");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn what_an_owner_may_not_record_is_not_recorded_for_them_by_a_retry() {
    let mut world = World::new();
    let (ada, grace) = (world.owner("ada"), world.owner("grace"));
    let hers = world.project(&grace, "blog");
    let principal = ada.principal("r");
    world
        .db
        .write_blocking(&ada.actor, |conn| {
            track(conn, NewAction::by(&principal, hers, ActionType::ProjectDeleted, String::new()));
            Ok::<(), DbError>(())
        })
        .unwrap();
    spool::retry(&world.db).unwrap();
    assert_eq!(world.count("(SELECT count(*) FROM turbobackend.project_actions)"), 0);
}

#[test]
fn an_audit_entry_keeps_who_did_what_to_whom() {
    let mut world = World::new();
    let (ada, admin) = (world.owner("ada"), world.admin("root"));
    let shop = world.project(&ada, "shop");
    let principal = admin.principal("r9");
    world
        .db
        .write_blocking(&admin.actor, |conn| {
            let target = Target::project(shop, "shop");
            let (before, after) = (serde_json::json!({"name": "shop"}), serde_json::json!({"name": "store"}));
            audit::record_change(conn, &principal, &AuditAction::ProjectUpdated, &target, before, after)?;
            audit::record(
                conn,
                &principal,
                &AuditAction::SignedIn,
                &Target::user(admin.id, "root@demo.test"),
            )?;
            Ok::<(), DbError>(())
        })
        .unwrap();
    let entries = world.page(&ada, Scope::Own, &filter(&[])).entries;
    assert_eq!(entries.len(), 1, "an owner reads what concerns their projects");
    assert_eq!(entries[0].plain(), "Ada changed the project shop");
    let id = entries[0].id().to_owned();
    let found = world
        .db
        .read_blocking(&admin.actor, |conn| {
            pilothouse::activity::detail::audit_entry(conn, &id).map_err(DbError::from)
        })
        .unwrap()
        .unwrap();
    assert_eq!(found.columns.before, Some(serde_json::json!({"name": "shop"})));
    let stored = |name: &str, text: &str| {
        found.detail.stored.iter().any(|column| column.name == name && column.text == text)
    };
    assert!(stored("actorEmail", "root@demo.test"));
    assert!(stored("actorRole", "admin"));
}
