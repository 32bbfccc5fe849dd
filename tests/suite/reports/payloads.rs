//! What GitHub sends in all its variants: small files in its own form, and those that `PILOTHOUSE_GITHUB_PAYLOADS` names.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::webhooks::{Hook, hook};

fn payload(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/suite/reports/github/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn deliver(hook: &Hook, name: &str) -> String {
    hook.deliver(name, name.split('.').next().unwrap(), &payload(name))
}

#[test]
fn each_variant_becomes_what_it_means() {
    let hook = hook();
    for (name, came) in [
        ("push.new-branch", "done: A push to the branch feature/x."),
        ("push.new-tag", "done: A push to the tag v1.0."),
        ("push.forced", "done: A push to the branch main."),
        ("push.no-username", "done: A push to the branch main."),
        ("push.no-commits", "done: A push to the branch main."),
        ("push.organization", "done: A push to the branch main."),
        ("push.deleted-branch", "done: A push to the branch feature/x."),
        ("push.deleted-tag", "done: A push to the tag v1.0."),
        ("ping.organization", "done: It arrived: the webhook works."),
        // Its end comes first.
        ("deployment_status.success", "done: A deployment of hello: success."),
        ("deployment_status.in-progress", "done: The deployment is running."),
        ("deployment", "done: A deployment begins."),
        ("workflow_run.completed", "done: A workflow run (CI): success."),
        ("pull_request.opened", "done: Pull request #2 was opened."),
        ("release.published", "done: Release v1.0 was published."),
        ("star.created", "ignored: Events of this kind are not taken."),
    ] {
        assert_eq!(deliver(&hook, name), came, "{name}");
    }
    let told = hook.console.text(
        "SELECT string_agg(action_type || ': ' || action_details, '|' ORDER BY created_at, action_type, action_details) \
         FROM turbobackend.project_actions",
    );
    let expected = [
        "branch_deleted: Deleted the branch feature/x",
        "github_push: 0 commits to main",
        "github_push: 1 commit to main: Say hello",
        "github_push: 1 commit to main: Say hello",
        "github_push: Forced 1 commit to main: Say hello",
        "github_push: New branch feature/x: Say hello",
        "github_push: New tag v1.0",
        "tag_deleted: Deleted the tag v1.0",
        "deployment: hello to production",
        "workflow_run: CI: success",
        "pull_request_opened: #2 Say more",
        "release_published: Release v1.0",
    ];
    assert_eq!(told.split('|').collect::<Vec<_>>(), expected);
    let deployments =
        "SELECT string_agg(status || ' ' || finished_at, ' ') FROM turbobackend.project_deployments";
    assert_eq!(hook.console.text(deployments), "success 1763640180000");
    // The run and the deployment of the commit that was pushed last stand in its thread.
    assert_eq!(
        hook.console.count("pilothouse.thread_entries WHERE is_inferred"),
        3,
        "and the pull request's"
    );
}

#[test]
fn whatever_github_sends_is_worked_off() {
    let hook = hook();
    let mut files: Vec<PathBuf> = Vec::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/reports/github");
    for dir in
        [Some(own), std::env::var_os("PILOTHOUSE_GITHUB_PAYLOADS").map(PathBuf::from)].into_iter().flatten()
    {
        files.extend(std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()));
    }
    assert!(files.len() >= 16);
    for (n, file) in files.iter().enumerate() {
        let text = std::fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        hook.send(&format!("d{n}"), name.split('.').next().unwrap(), &text).expect(202);
        hook.work();
        let state = hook
            .console
            .text(&format!("SELECT state || ': ' || outcome FROM pilothouse.deliveries WHERE guid = 'd{n}'"));
        let is_none = state.starts_with("ignored: Events of this kind") && name.starts_with("star");
        assert!(state.starts_with("done: ") || is_none, "{name}: {state}");
    }
    hook.ada.get(&format!("/projects/{}/activity", hook.project)).expect(200);
    hook.ada.get(&format!("/projects/{}/webhooks", hook.project)).expect(200);
}
