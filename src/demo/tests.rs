use std::collections::{HashMap, HashSet};

use super::*;

fn moments() -> Vec<DateTime<Utc>> {
    ["2026-11-20T15:04:05.678Z", "2026-11-22T00:00:00Z", "2027-01-04T03:00:00Z", "2028-02-29T23:59:59.999Z"]
        .map(|text| text.parse().unwrap())
        .to_vec()
}

#[test]
fn the_same_moment_tells_the_same_life() {
    for now in moments() {
        assert_eq!(life(now, "hash"), life(now, "hash"));
    }
}

#[test]
fn there_is_enough_of_it() {
    for now in moments() {
        let rows = life(now, "hash");
        let actions = rows.actions.len();
        assert!((1500..=3000).contains(&actions), "{actions} actions at {now}");
        let types: HashSet<_> = rows.actions.iter().map(|action| action.action_type.as_str()).collect();
        for known in [
            "project_created",
            "database_created",
            "endpoints_added",
            "queries_executed",
            "deployment",
            "github_push",
        ] {
            assert!(types.contains(known), "{known}");
        }
        assert_eq!(rows.events.iter().filter(|event| event.status == "IN_PROGRESS").count(), 2);
        assert_eq!((rows.users.len(), rows.projects.len(), rows.containers.len()), (3, 9, 8));
        let states: HashSet<_> = rows.containers.iter().map(|container| container.status).collect();
        assert_eq!(states, HashSet::from(["running", "created", "stopped"]));
    }
}

#[test]
fn every_reference_that_names_a_record_finds_it() {
    let rows = life(moments()[0], "hash");
    let pushes: HashSet<_> = rows.pushes.iter().map(|row| (&row.project_id, row.push_id.as_str())).collect();
    let deployments: HashSet<_> =
        rows.deployments.iter().map(|row| (&row.project_id, row.deployment_id.as_str())).collect();
    let sessions: HashSet<_> =
        rows.sessions.iter().map(|row| (&row.project_id, row.session_id.as_str())).collect();
    let databases: HashSet<_> =
        rows.databases.iter().map(|row| (&row.project_id, row.database_id.as_str())).collect();
    let containers: HashSet<_> = rows.containers.iter().map(|row| row.container_id.as_str()).collect();
    let commits: HashSet<_> =
        rows.pushes.iter().map(|row| (&row.project_id, row.commit_sha.as_str())).collect();
    let mut seen = HashMap::<&str, usize>::new();
    for action in &rows.actions {
        for (key, value) in action.reference_ids.as_object().unwrap() {
            let here = (&action.project_id, value.as_str().unwrap_or_default());
            let found = match key.as_str() {
                "github_push_id" => pushes.contains(&here),
                "deployment_id" => deployments.contains(&here),
                "container_session_id" => sessions.contains(&here),
                "database_id" => databases.contains(&here),
                "container_id" => containers.contains(here.1),
                "commit_sha" => commits.contains(&here),
                _ => continue,
            };
            assert!(found, "{key} {value}");
            *seen.entry(key).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
    let actions: HashSet<_> = rows.actions.iter().map(|action| action.action_id.as_str()).collect();
    for event in &rows.events {
        if let Some(cause) = event.metadata["caused_by"].as_str() {
            assert!(actions.contains(cause), "{event:?}");
        }
    }
}

#[test]
fn every_cause_is_an_earlier_action_of_the_same_project() {
    for now in moments() {
        let rows = life(now, "hash");
        let actions: HashMap<_, _> =
            rows.actions.iter().map(|action| (action.action_id.as_str(), action)).collect();
        assert_eq!(actions.len(), rows.actions.len(), "ids are unique");
        let mut caused = 0;
        for action in &rows.actions {
            if let Some(cause) = action.reference_ids.get("caused_by").and_then(|cause| cause.as_str()) {
                // What mends a crash follows it.
                let crash = cause.strip_prefix("engine:").map(|id| {
                    let crash = rows.engine_events.iter().find(|event| event.id == id).unwrap();
                    crash.cause.strip_prefix("action:").unwrap()
                });
                let cause = actions[crash.unwrap_or(cause)];
                assert!(cause.created_at < action.created_at, "{action:?} {cause:?}");
                assert_eq!(cause.project_id, action.project_id);
                caused += 1;
            }
        }
        assert!(caused > 500, "{caused}");
    }
}

#[test]
fn every_failed_deployment_but_odd_ones_leads_to_a_good_one() {
    let rows = life(moments()[0], "hash");
    let mut failures = 0;
    for failed in rows.deployments.iter().filter(|row| row.status == "failed") {
        failures += 1;
        assert!(
            rows.deployments.iter().any(|row| row.project_id == failed.project_id
                && row.app_name == failed.app_name
                && row.status == "success"
                && row.created_at > failed.finished_at),
            "{failed:?}"
        );
    }
    assert!(failures > 20, "{failures}");
}

#[test]
fn every_deployment_is_led_to_by_the_push_of_its_commit() {
    for now in moments() {
        let rows = life(now, "hash");
        let actions: HashMap<_, _> =
            rows.actions.iter().map(|action| (action.action_id.as_str(), action)).collect();
        let mut deployments = 0;
        for action in rows.actions.iter().filter(|action| action.reference_ids.get("deployment_id").is_some())
        {
            deployments += 1;
            let commit = &action.reference_ids["commit_sha"];
            let mut here = action;
            loop {
                let cause = here.reference_ids.get("caused_by").and_then(|cause| cause.as_str());
                here = actions[cause.unwrap_or_else(|| panic!("nothing led to {action:?}"))];
                if here.action_type == "github_push" {
                    assert_eq!(&here.reference_ids["commit_sha"], commit, "{action:?}");
                    break;
                }
            }
        }
        assert!(deployments > 300, "{deployments}");
    }
}

#[test]
fn a_failed_deployment_causes_the_push_that_repairs_it() {
    let rows = life(moments()[0], "hash");
    for failed in
        rows.actions.iter().filter(|action| action.action_type == "deployment" && action.status == "failed")
    {
        let repair = rows.actions.iter().find(|action| {
            action.reference_ids.get("caused_by").is_some_and(|cause| cause == failed.action_id.as_str())
        });
        assert!(repair.is_some_and(|action| action.action_type == "github_push"), "{failed:?}");
    }
}

#[test]
fn a_message_leads_to_code_and_code_to_files() {
    let rows = life(moments()[0], "hash");
    let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap().timestamp_millis();
    let messages: HashMap<_, _> = rows.messages.iter().map(|row| (row.id.as_str(), row)).collect();
    let container: HashMap<_, _> =
        rows.projects.iter().map(|row| (row.id.as_str(), row.container_id.clone())).collect();
    let mut asked = 0;
    for action in &rows.actions {
        let Some(id) = action.reference_ids.get("chat_message_id").and_then(|id| id.as_str()) else {
            continue;
        };
        let prompt = messages[id];
        asked += 1;
        assert_eq!(
            (prompt.role, &Some(prompt.container_id.clone())),
            ("user", &container[action.project_id.as_str()])
        );
        assert!(time(&prompt.created_at) <= action.created_at, "{action:?}");
    }
    assert!(asked > 200, "{asked}");
    for cost in &rows.costs {
        let answer = messages[cost.message_id.as_str()];
        assert_eq!(
            (answer.role, answer.metadata["request_id"].as_str()),
            ("assistant", Some(cost.request_id.as_str()))
        );
    }
    // A file is as old as the first push that names it, and was changed by the last.
    for file in &rows.files {
        let mut pushes: Vec<i64> = rows
            .pushes
            .iter()
            .filter(|push| push.branch_name == "main" && push.files.contains(&file.file_path))
            .filter(|push| container[push.project_id.as_str()].as_ref() == Some(&file.container_id))
            .map(|push| push.created_at)
            .collect();
        pushes.sort_unstable();
        assert_eq!(pushes.first(), Some(&time(&file.created_at)), "{file:?}");
        assert_eq!(pushes.last(), Some(&time(&file.updated_at)), "{file:?}");
        assert!(file.file_name.chars().count() <= 255 && file.file_size > 0);
    }
    assert!(rows.files.iter().filter(|file| file.is_deleted).count() > 4);
}

#[test]
fn there_are_conversations_of_every_kind() {
    let rows = life(moments()[0], "hash");
    let mut lengths: HashMap<(&str, &str), usize> = HashMap::new();
    for message in &rows.messages {
        *lengths.entry((&message.container_id, &message.session_id)).or_default() += 1;
    }
    assert!(lengths.values().any(|length| *length > 200), "none is long");
    assert!(lengths.keys().any(|(_, session)| session.is_empty()), "all have a name");
    assert!(lengths.len() > 100, "{}", lengths.len());
    let containers: HashSet<_> = lengths.keys().map(|(container, _)| container).collect();
    assert!(containers.len() >= 7, "{containers:?}");
    let roles: HashSet<_> = rows.messages.iter().map(|row| row.role).collect();
    assert_eq!(roles, HashSet::from(["user", "assistant", "system", "tool"]));
    for part in ["```ts", "| File |", "## Steps", "](javascript:", "![", "<script>"] {
        assert!(rows.messages.iter().any(|row| row.content.contains(part)), "{part}");
    }
    assert!(rows.messages.iter().filter(|row| row.attachments[0]["url"].is_string()).count() > 20);
}

#[test]
fn nothing_lies_in_the_future_or_before_its_project() {
    for now in moments() {
        let rows = life(now, "hash");
        let limit = now.timestamp_millis();
        let text = serde_json::to_string(&(
            (&rows.users, &rows.containers, &rows.projects, &rows.messages, &rows.files),
            (&rows.events, &rows.audit),
        ))
        .unwrap();
        let mut times = 0;
        for quoted in text.split('"') {
            if let Ok(time) = quoted.parse::<DateTime<Utc>>() {
                assert!(time.timestamp_millis() <= limit, "{time} is after {now}");
                times += 1;
            }
        }
        assert!(times > 3000, "{times}");
        let millis = (rows.actions.iter().map(|row| row.created_at))
            .chain(rows.pushes.iter().map(|row| row.created_at))
            .chain(rows.deployments.iter().map(|row| row.finished_at))
            .chain(rows.sessions.iter().map(|row| row.ended_at.unwrap_or(row.created_at)))
            .chain(rows.databases.iter().map(|row| row.created_at))
            .chain(rows.costs.iter().map(|row| row.created_at));
        for time in millis {
            assert!(time <= limit, "{time} is after {now}");
        }
        let born: HashMap<_, _> = rows
            .projects
            .iter()
            .map(|row| (row.id.as_str(), row.created_at.parse::<DateTime<Utc>>().unwrap().timestamp_millis()))
            .collect();
        for action in &rows.actions {
            let first = born.get(action.project_id.as_str()).copied().unwrap_or_default();
            assert!(action.created_at >= first, "{action:?}");
        }
    }
}

#[test]
fn ids_do_not_depend_on_the_moment() {
    for now in moments() {
        let rows = life(now, "hash");
        let shop = &rows.projects[0];
        // bin/bench-import names it.
        assert_eq!(
            (shop.name.as_str(), shop.id.as_str()),
            ("shop-api", "356a69bd-2249-499b-be83-fdcf64c709c4")
        );
    }
}
