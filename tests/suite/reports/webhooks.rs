//! What GitHub delivers: signed, kept once, worked off into records, and a gap told where deliveries are missing.

use hmac::{Hmac, KeyInit, Mac};
use pilothouse::db::{Actor, DbError};
use pilothouse::runtime::hex;
use pilothouse::webhooks;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::answer::Answer;
use crate::support::console::{Console, Person};

/// A webhook of a project, and whoever delivers to it.
pub(super) struct Hook {
    pub console: Console,
    pub ada: Person,
    pub project: String,
    id: String,
    secret: String,
}

pub(super) fn hook() -> Hook {
    let console = Console::start();
    let ada = console.owner();
    let project = console.project(&ada, "shop-api");
    let page = ada.post(&format!("/projects/{project}/webhooks"), &[("name", "Hello-World")]).expect(200);
    let secret = page.attribute("input#secret", "value");
    let id = page.attribute("[data-webhook]", "data-webhook");
    assert_eq!(
        page.attribute("input#payload-url", "value"),
        format!("{}/webhooks/github/{id}", console.base)
    );
    Hook { console, ada, project, id, secret }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

impl Hook {
    fn request(&self, guid: &str, event: &str, signed: &str, body: Vec<u8>) -> RequestBuilder {
        self.console
            .anonymous()
            .request(Method::POST, &format!("/webhooks/github/{}", self.id))
            .header("x-github-event", event)
            .header("x-github-delivery", guid)
            .header("x-hub-signature-256", signed)
            .header("content-type", "application/json")
            .body(body)
    }

    pub fn send(&self, guid: &str, event: &str, body: &[u8]) -> Answer {
        let signed = signature(&self.secret, body);
        self.console.anonymous().send(self.request(guid, event, &signed, body.to_vec()))
    }

    /// Delivers `told` and works it off. Answers state and outcome.
    pub fn deliver(&self, guid: &str, event: &str, told: &Value) -> String {
        self.send(guid, event, told.to_string().as_bytes()).expect(202);
        self.work();
        self.console.text(&format!(
            "SELECT state || ': ' || outcome FROM pilothouse.deliveries WHERE guid = '{guid}'"
        ))
    }

    /// Works off what waits, as the job does.
    pub fn work(&self) {
        let ids = self.console.text(
            "SELECT string_agg(payload->>'delivery', ' ' ORDER BY created_at, id) FROM pilothouse.jobs WHERE kind = 'work_off_delivery'",
        );
        self.console.sql("DELETE FROM pilothouse.jobs WHERE kind = 'work_off_delivery'");
        for id in ids.split_whitespace() {
            let db = &self.console.app.db;
            db.write_blocking(&Actor::System, |conn| {
                let waiting = webhooks::waiting(conn, id.parse().unwrap())?.unwrap();
                webhooks::work_off(conn, &waiting).map_err(DbError::from)
            })
            .unwrap();
        }
    }
}

const ZERO: &str = "0000000000000000000000000000000000000000";

fn push(before: &str, after: &str) -> Value {
    json!({
        "ref": "refs/heads/main", "before": before, "after": after, "created": before == ZERO, "deleted": after == ZERO, "forced": false,
        "pusher": {"name": "Codertocat", "email": "cat@users.noreply.github.com"},
        "repository": {"full_name": "Codertocat/Hello-World", "name": "Hello-World", "html_url": "https://github.com/Codertocat/Hello-World", "pushed_at": 1_763_640_000},
        "commits": [{"added": ["README.md"], "removed": [], "modified": ["a.rs", "a.rs"]}],
        "head_commit": {"message": "Fix it\n\nLong story.", "author": {"name": "Cat", "email": "cat@x.test"}}
    })
}

#[test]
fn a_delivery_is_taken_when_it_is_signed_over_its_bytes_and_kept_once() {
    let hook = hook();
    assert!(hook.secret.starts_with("whsec_") && hook.secret.len() == 70, "{}", hook.secret);
    assert!(!hook.ada.get(&format!("/projects/{}/webhooks", hook.project)).body.contains("whsec_0"));
    let body = push(ZERO, "a1").to_string();
    let signed = signature(&hook.secret, body.as_bytes());
    let ask = |signed: &str, body: &str| {
        hook.console.anonymous().send(hook.request("g1", "push", signed, body.as_bytes().to_vec()))
    };
    for (wrong, sent) in [
        ("", body.as_str()),
        (&signed[..70], &body),
        (&signed.to_uppercase(), &body),
        (&signed.replace("sha256=", "sha1="), &body),
        (&signature("", body.as_bytes()), &body),
        (&signature("whsec_", body.as_bytes()), &body),
        (&signed, &body.replace("a1", "a2")),
        (&signed, &format!("{body} ")),
    ] {
        let answer = ask(wrong, sent).expect(401);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(hook.console.count("pilothouse.deliveries"), 0);
    ask(&signed, &body).expect(202);
    for _ in 0..20 {
        ask(&signed, &body).expect(200);
    }
    assert_eq!(hook.console.count("pilothouse.deliveries"), 1);
    assert_eq!(hook.console.count("pilothouse.jobs WHERE kind = 'work_off_delivery'"), 1);
    assert!(hook.console.holds("(SELECT body = convert_to(encode(body, 'escape'), 'UTF8') OR body IS NOT NULL FROM pilothouse.deliveries)"));
    for odd in ["00000000-0000-4000-8000-000000000000", "x"] {
        let request =
            hook.console.anonymous().request(Method::POST, &format!("/webhooks/github/{odd}")).body("{}");
        hook.console.anonymous().send(request.header("x-hub-signature-256", &signed)).expect(404);
    }
    let packed =
        hook.request("g2", "push", &signed, body.clone().into_bytes()).header("content-encoding", "gzip");
    hook.console.anonymous().send(packed).expect(415);
}

#[test]
fn a_secret_can_be_replaced_with_a_day_to_tell_its_sender() {
    let mut hook = hook();
    let earlier = hook.secret.clone();
    let part = |act: &str| format!("/projects/{}/webhooks/{}/{act}", hook.project, hook.id);
    let page = hook.ada.post(&part("rotate"), &[]).expect(200);
    let fresh = page.attribute("input#secret", "value");
    assert_ne!(fresh, earlier);
    let (rotate, remove) = (part("rotate"), part("remove"));
    hook.send("old", "ping", b"{}").expect(202);
    hook.secret = fresh;
    hook.send("new", "ping", b"{}").expect(202);
    hook.console.sql("UPDATE pilothouse.webhooks SET earlier_until = now()");
    hook.secret = earlier;
    hook.send("late", "ping", b"{}").expect(401);
    let stranger = hook.console.owner();
    stranger.post(&rotate, &[]).expect(404);
    hook.ada.post(&remove, &[]).expect(303);
    hook.send("gone", "ping", b"{}").expect(404);
    assert_eq!(
        hook.console.text("SELECT string_agg(\"activityType\", ' ' ORDER BY \"createdAt\") FROM \"ActivityLog\" WHERE \"targetType\" = 'webhook'"),
        "webhook.added webhook.rotated webhook.removed"
    );
    assert_eq!(
        hook.console.count("pilothouse.webhooks WHERE position('whsec' IN encode(secret, 'escape')) > 0"),
        0
    );
}

#[test]
fn a_push_becomes_a_record_and_an_action_whichever_way_it_is_delivered() {
    let hook = hook();
    assert_eq!(hook.deliver("g1", "push", &push(ZERO, "a1")), "done: A push to the branch main.");
    let row =
        |column: &str| hook.console.text(&format!("SELECT {column} FROM turbobackend.github_push_history"));
    assert_eq!(
        [
            row("branch_name"),
            row("commit_sha"),
            row("author_email"),
            row("files_changed"),
            row("user_id"),
            row("created_at")
        ],
        ["main", "a1", "cat@x.test", "2", "Codertocat", "1763640000000"]
    );
    let action = hook.console.text("SELECT reference_ids FROM turbobackend.project_actions");
    let references: Value = serde_json::from_str(&action).unwrap();
    assert_eq!(references["github_push_id"].as_str().unwrap(), row("push_id"));
    assert_eq!((&references["commit_sha"], &references["branch_name"]), (&json!("a1"), &json!("main")));
    // The same by an organisation's hook, under another id; and once more by hand.
    assert!(hook.deliver("g2", "push", &push(ZERO, "a1")).starts_with("done: Known already"));
    let delivery = hook.console.text("SELECT id::text FROM pilothouse.deliveries WHERE guid = 'g1'");
    hook.ada
        .post(&format!("/projects/{}/webhooks/{}/deliveries/{delivery}/redo", hook.project, hook.id), &[])
        .expect(303);
    hook.work();
    assert_eq!(hook.console.count("turbobackend.github_push_history"), 1);
    assert_eq!(hook.console.count("turbobackend.project_actions"), 1);
    // By its owner's address, as a form, a tag, forced, and a branch that ends.
    let mut by_owner = push("a1", "a2");
    by_owner["pusher"]["email"] = json!(hook.ada.email.to_uppercase());
    let form = format!(
        "payload={}",
        url::form_urlencoded::byte_serialize(by_owner.to_string().as_bytes()).collect::<String>()
    );
    hook.send("g3", "push", form.as_bytes()).expect(202);
    hook.work();
    assert_eq!(
        hook.console.text("SELECT user_id FROM turbobackend.github_push_history WHERE commit_sha = 'a2'"),
        hook.ada.id
    );
    let mut tag = push(ZERO, "a2");
    tag["ref"] = json!("refs/tags/v1");
    hook.deliver("g4", "push", &tag);
    let mut forced = push("a2", "b1");
    forced["forced"] = json!(true);
    hook.deliver("g5", "push", &forced);
    let mut deleted = push("b1", ZERO);
    deleted["head_commit"] = json!(null);
    deleted["commits"] = json!([]);
    hook.deliver("g6", "push", &deleted);
    assert_eq!(
        hook.console.text(
            "SELECT string_agg(action_type, ' ' ORDER BY action_type) FROM turbobackend.project_actions"
        ),
        "branch_deleted github_push github_push github_push github_push"
    );
    assert_eq!(hook.console.count("pilothouse.deliveries WHERE gap_from IS NOT NULL"), 0);
}

#[test]
fn a_deployments_statuses_come_in_any_order_and_name_the_push_that_led_to_them() {
    let hook = hook();
    hook.deliver("p", "push", &push(ZERO, "a1"));
    let status = |id: u32, state: &str, at: &str| {
        json!({
            "action": "created", "repository": {"full_name": "c/h", "name": "h"},
            "deployment": {"id": 145, "sha": "a1", "environment": "production", "created_at": "2025-11-20T12:00:01Z", "creator": {"login": "cat"}},
            "deployment_status": {"id": id, "state": state, "updated_at": at, "description": "", "creator": {"login": "cat"}}
        })
    };
    hook.deliver("d", "deployment", &json!({"deployment": status(0, "", "")["deployment"], "repository": {"full_name": "c/h", "name": "h"}}));
    hook.deliver("s2", "deployment_status", &status(2, "success", "2025-11-20T12:03:00Z"));
    hook.deliver("s1", "deployment_status", &status(1, "in_progress", "2025-11-20T12:01:00Z"));
    hook.deliver("s0", "deployment_status", &status(3, "failure", "2025-11-20T12:02:00Z"));
    assert_eq!(
        hook.console.text(
            "SELECT status || ' ' || finished_at || ' ' || commit_sha FROM turbobackend.project_deployments"
        ),
        "success 1763640180000 a1"
    );
    let push = hook
        .console
        .text("SELECT action_id FROM turbobackend.project_actions WHERE action_type = 'github_push'");
    assert_eq!(
        hook.console.text(
            "SELECT string_agg(DISTINCT cause, ' ') FROM pilothouse.timeline WHERE kind = 'deployment'"
        ),
        format!("action:{push}")
    );
    assert_eq!(
        hook.deliver("w", "workflow_run", &json!({"action": "completed", "workflow_run": {"id": 7, "conclusion": "failure", "name": "test", "head_sha": "a1", "head_branch": "main", "updated_at": "2025-11-20T12:05:00Z"}})),
        "done: A workflow run (test): failure."
    );
    hook.deliver("pr", "pull_request", &json!({"action": "closed", "pull_request": {"id": 1, "number": 2, "title": "<script>alert(1)</script>", "merged": true, "updated_at": "2025-11-20T12:06:00Z"}}));
    hook.deliver("r", "release", &json!({"action": "published", "release": {"id": 1, "tag_name": "v1", "published_at": "2025-11-20T12:07:00Z"}}));
    assert_eq!(
        hook.console.text("SELECT string_agg(action_type || '=' || status, ' ' ORDER BY created_at) FROM turbobackend.project_actions WHERE created_at > 1763640180000"),
        "workflow_run=failed pull_request_merged=success release_published=success"
    );
    let page = hook.ada.get(&format!("/projects/{}/activity", hook.project)).expect(200);
    assert!(!page.body.contains("<script>alert(1)"));
}

#[test]
fn what_is_signed_and_means_nothing_here_is_taken_and_ignored() {
    let hook = hook();
    for (guid, event, body) in [
        ("1", "push", "not JSON"),
        ("2", "push", "[]"),
        ("3", "push", "{}"),
        ("4", "nonsense", "{}"),
        ("5", "pull_request", "{\"pull_request\":{\"id\":1}}"),
        ("6", "deployment_status", "{\"deployment\":5}"),
        ("7", "workflow_run", "{\"action\":\"requested\",\"workflow_run\":{\"id\":1}}"),
        ("8", "release", "{\"action\":\"deleted\"}"),
        ("9", "push", "{\"ref\":\"\\u0000\"}"),
    ] {
        hook.send(guid, event, body.as_bytes()).expect(202);
    }
    hook.send("10", "ping", b"{}").expect(202);
    hook.work();
    assert_eq!(
        hook.console.text("SELECT string_agg(state || coalesce(outcome, '!'), '|') FROM pilothouse.deliveries WHERE state NOT IN ('ignored', 'done')"),
        ""
    );
    assert_eq!(hook.console.count("pilothouse.deliveries WHERE state = 'ignored'"), 9);
    assert_eq!(hook.console.count("turbobackend.project_actions"), 0);
    let mut odd = push(ZERO, "a1");
    odd["ref"] = json!("refs/heads/<script>");
    odd["commits"] =
        Value::Array((0..2_048).map(|n| json!({"added": [format!("f{n}")], "message": "m"})).collect());
    odd["head_commit"]["message"] = json!("m".repeat(1_000_000));
    assert!(hook.deliver("11", "push", &odd).starts_with("done"));
    assert!(hook.console.holds(
        "(SELECT length(commit_message) = 10000 AND files_changed = 2048 AND jsonb_array_length(files) = 1000 FROM turbobackend.github_push_history)"
    ));
}

#[test]
fn a_push_that_does_not_go_on_where_the_last_one_ended_is_a_gap_until_what_is_missing_comes() {
    let hook = hook();
    let page = || hook.ada.get(&format!("/projects/{}/webhooks", hook.project)).expect(200);
    hook.deliver("1", "push", &push(ZERO, "a1"));
    hook.deliver("2", "push", &push("a1", "a2"));
    assert!(!page().body.contains("gap"));
    assert!(hook.deliver("5", "push", &push("a4", "a5")).contains("a gap before it"));
    let told = page();
    assert!(told.text("[data-webhook] .alert").contains("A gap on refs/heads/main"));
    hook.deliver("6", "push", &push("a5", "a6"));
    hook.deliver("3", "push", &push("a2", "a3"));
    assert!(page().has("[data-webhook] .alert"), "half of it is missing still");
    hook.deliver("4", "push", &push("a3", "a4"));
    assert!(!page().has("[data-webhook] .alert"));
    assert!(
        !hook.deliver("7", "push", &push("a6", "a7")).contains("gap"),
        "the branch's end is where it was"
    );
}

#[test]
fn a_test_delivery_arrives_and_the_log_shows_what_came_of_each() {
    let hook = hook();
    hook.ada.post(&format!("/projects/{}/webhooks/{}/test", hook.project, hook.id), &[]).expect(303);
    hook.work();
    let page = hook.ada.get(&format!("/projects/{}/webhooks", hook.project)).expect(200);
    assert!(page.text("tr[data-delivery]").contains("It arrived"));
    let refused =
        hook.ada.post(&format!("/projects/{}/webhooks", hook.project), &[("name", " ")]).expect(422);
    assert!(refused.has("[role=alert]"));
    hook.console.owner().get(&format!("/projects/{}/webhooks", hook.project)).expect(404);
}

#[test]
fn a_large_delivery_is_taken_whole_and_one_that_github_would_not_send_is_not() {
    let hook = hook();
    let mut large = push(ZERO, "a1");
    large["padding"] = json!("x".repeat(20 * 1024 * 1024));
    hook.send("large", "push", large.to_string().as_bytes()).expect(202);
    hook.work();
    assert_eq!(hook.console.count("turbobackend.github_push_history"), 1);
    let body = vec![b' '; 25 * 1024 * 1024 + 1];
    hook.send("larger", "push", &body).expect(413);
}
