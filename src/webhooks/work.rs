//! What was delivered becomes pushes, deployments and actions, under ids made of what happened: delivered twice, by
//! whatever way, it is there once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::github::{at, payload, sha, text, time};
use crate::db::ids::{DeliveryId, ProjectId, UserId, WebhookId};
use crate::db::schema::{action_references, deliveries, project_actions, projects, users, webhooks};
use crate::db::time::now;
use crate::runtime::hex;

/// Characters of what an entry says.
pub(super) const DETAILS: usize = 500;
pub(super) const NAME: usize = 500;

/// A delivery that is to be worked off.
#[derive(Debug, Clone, Queryable)]
pub struct Waiting {
    pub id: DeliveryId,
    pub(super) webhook: WebhookId,
    pub(super) project: ProjectId,
    pub(super) guid: String,
    event: String,
    body: Option<Vec<u8>>,
    received_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
}

/// The delivery with this id.
pub fn waiting(conn: &mut PgConnection, id: DeliveryId) -> QueryResult<Option<Waiting>> {
    deliveries::table
        .find(id)
        .select((
            deliveries::id,
            deliveries::webhook_id,
            deliveries::project_id,
            deliveries::guid,
            deliveries::event,
            deliveries::body,
            deliveries::received_at,
            deliveries::ended_at,
        ))
        .first(conn)
        .optional()
}

/// Says why a delivery could not be worked off; it is tried again.
pub fn note_failure(conn: &mut PgConnection, id: DeliveryId, reason: &str) -> QueryResult<()> {
    let reason: String = reason.chars().take(DETAILS).collect();
    finish(conn, id, "failed", &reason)
}

fn finish(conn: &mut PgConnection, id: DeliveryId, state: &str, outcome: &str) -> QueryResult<()> {
    diesel::update(deliveries::table.find(id))
        .set((
            deliveries::state.eq(state),
            deliveries::outcome.eq(outcome),
            deliveries::ended_at.eq(now.nullable()),
        ))
        .execute(conn)
        .map(|_| ())
}

/// What came of a delivery, in a sentence; or why nothing did.
pub(super) type Came = Result<String, &'static str>;

/// Makes records of a delivery, and says on it what came of it.
pub fn work_off(conn: &mut PgConnection, delivery: &Waiting) -> QueryResult<()> {
    // One delivery of a webhook at a time: each is held against the one before it.
    let is_there: Option<WebhookId> =
        webhooks::table.find(delivery.webhook).select(webhooks::id).for_update().first(conn).optional()?;
    if is_there.is_none() {
        return Ok(());
    }
    let Some(body) = delivery.body.as_deref() else {
        return finish(conn, delivery.id, "ignored", "Its body is older than 30 days and no longer kept.");
    };
    let Some(told) = payload(body) else {
        return finish(conn, delivery.id, "ignored", "The body is no JSON object.");
    };
    let work = Work { delivery, told: &told };
    let came = match delivery.event.as_str() {
        "ping" => Ok("It arrived: the webhook works.".to_owned()),
        "push" => work.push(conn)?,
        "deployment" => work.deployment(conn)?,
        "deployment_status" => work.deployment_status(conn)?,
        "workflow_run" => work.workflow_run(conn)?,
        "pull_request" => work.pull_request(conn)?,
        "release" => work.release(conn)?,
        _ => Err("Events of this kind are not taken."),
    };
    match came {
        Ok(outcome) => finish(conn, delivery.id, "done", &outcome),
        Err(reason) => finish(conn, delivery.id, "ignored", reason),
    }
}

pub(super) struct Work<'a> {
    pub delivery: &'a Waiting,
    pub told: &'a Value,
}

/// An action that a delivery tells of.
pub(super) struct Told {
    pub id: String,
    pub kind: String,
    pub status: String,
    pub environment: Option<String>,
    pub details: String,
    pub references: Map<String, Value>,
    /// Epoch milliseconds.
    pub at: i64,
}

impl Work<'_> {
    pub(super) fn text(&self, path: &[&str], longest: usize) -> Option<String> {
        text(self.told, path, longest)
    }

    pub(super) fn received_ms(&self) -> i64 {
        self.delivery.received_at.timestamp_millis()
    }

    /// The same for the same thing that happened in this project.
    pub(super) fn id(&self, prefix: &str, parts: &[&str]) -> String {
        let whole = format!("{} {}", self.delivery.project, parts.join("\n"));
        format!("{prefix}_{}", &hex(&Sha256::digest(whole.as_bytes()))[..24])
    }

    fn workflow_run(&self, conn: &mut PgConnection) -> QueryResult<Came> {
        let conclusion = self.text(&["workflow_run", "conclusion"], 50);
        let (Some(run), Some(conclusion)) = (self.text(&["workflow_run", "id"], 40), conclusion) else {
            return Ok(Err("The run is not over yet."));
        };
        let attempt = self.text(&["workflow_run", "run_attempt"], 20).unwrap_or_else(|| "1".to_owned());
        let status = match conclusion.as_str() {
            "success" => "success",
            "failure" | "timed_out" | "startup_failure" => "failed",
            other => other,
        };
        let name = self
            .text(&["workflow_run", "name"], NAME)
            .or_else(|| self.text(&["workflow", "name"], NAME))
            .unwrap_or_else(|| "A workflow".to_owned());
        let mut references = Map::from_iter([("workflow_run_id".to_owned(), json!(run))]);
        for (key, value) in [
            ("commit_sha", sha(self.told, &["workflow_run", "head_sha"])),
            ("branch_name", self.text(&["workflow_run", "head_branch"], NAME)),
        ] {
            references.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        let action = Told {
            id: self.id("act_run", &[&run, &attempt, &conclusion]),
            kind: "workflow_run".to_owned(),
            status: status.to_owned(),
            environment: None,
            details: format!("{name}: {conclusion}"),
            references,
            at: time(self.told, &["workflow_run", "updated_at"]).unwrap_or(self.received_ms()),
        };
        let who = self.user(conn, None, self.text(&["sender", "login"], NAME))?;
        let is_new = self.act(conn, action, who)?;
        Ok(Ok(format!("{} ({name}): {conclusion}.", said(is_new, "A workflow run"))))
    }

    fn pull_request(&self, conn: &mut PgConnection) -> QueryResult<Came> {
        let merged = at(self.told, &["pull_request", "merged"]) == &json!(true);
        let word = match self.text(&["action"], 50).as_deref() {
            Some("closed") if merged => "merged",
            Some("opened") => "opened",
            Some("closed") => "closed",
            Some("reopened") => "reopened",
            _ => return Ok(Err("Only opening, closing and merging a pull request are on record.")),
        };
        let Some(id) = self.text(&["pull_request", "id"], 40) else {
            return Ok(Err("It names no pull request."));
        };
        let number = self.text(&["pull_request", "number"], 20).unwrap_or_default();
        let title = self.text(&["pull_request", "title"], DETAILS).unwrap_or_default();
        let told_at = time(self.told, &["pull_request", "updated_at"]).unwrap_or(self.received_ms());
        let mut references = Map::from_iter([("pull_request".to_owned(), json!(number))]);
        for (key, value) in [
            ("commit_sha", sha(self.told, &["pull_request", "head", "sha"])),
            ("branch_name", self.text(&["pull_request", "head", "ref"], NAME)),
        ] {
            references.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        let action = Told {
            id: self.id("act_pull", &[&id, word, &told_at.to_string()]),
            kind: format!("pull_request_{word}"),
            status: "success".to_owned(),
            environment: None,
            details: format!("#{number} {title}"),
            references,
            at: told_at,
        };
        let who = self.user(conn, None, self.text(&["sender", "login"], NAME))?;
        let is_new = self.act(conn, action, who)?;
        Ok(Ok(format!("{} #{number} was {word}.", said(is_new, "Pull request"))))
    }

    fn release(&self, conn: &mut PgConnection) -> QueryResult<Came> {
        let word = self.text(&["action"], 50).unwrap_or_default();
        let (Some(id), "published") = (self.text(&["release", "id"], 40), word.as_str()) else {
            return Ok(Err("Only publishing a release is on record."));
        };
        let tag = self.text(&["release", "tag_name"], NAME).unwrap_or_default();
        let name = self.text(&["release", "name"], NAME).unwrap_or_else(|| tag.clone());
        let action = Told {
            id: self.id("act_release", &[&id]),
            kind: "release_published".to_owned(),
            status: "success".to_owned(),
            environment: None,
            details: format!("Release {name}"),
            references: Map::from_iter([("tag_name".to_owned(), json!(tag))]),
            at: time(self.told, &["release", "published_at"]).unwrap_or(self.received_ms()),
        };
        let who = self.user(conn, None, self.text(&["sender", "login"], NAME))?;
        let is_new = self.act(conn, action, who)?;
        Ok(Ok(format!("{} {name} was published.", said(is_new, "Release"))))
    }

    /// Whose deed it was: the project's owner by their e-mail address; everybody else is a name that was claimed.
    pub(super) fn user(
        &self,
        conn: &mut PgConnection,
        email: Option<String>,
        name: Option<String>,
    ) -> QueryResult<Option<String>> {
        let Some(email) = email else { return Ok(name) };
        let owner: Option<(UserId, String)> = projects::table
            .inner_join(users::table)
            .filter(projects::id.eq(self.delivery.project))
            .select((users::id, users::email))
            .first(conn)
            .optional()?;
        let owner = owner.filter(|(_, own)| own.to_lowercase() == email.to_lowercase());
        Ok(owner.map(|(id, _)| id.to_string()).or(name))
    }

    /// Records an action once, and what certainly led to it: the push of its commit. Answers whether it is new.
    pub(super) fn act(
        &self,
        conn: &mut PgConnection,
        mut told: Told,
        who: Option<String>,
    ) -> QueryResult<bool> {
        if told.kind != "github_push"
            && let Some(commit) = told.references.get("commit_sha").and_then(Value::as_str)
        {
            let push: Option<String> = action_references::table
                .inner_join(
                    project_actions::table.on(project_actions::action_id.eq(action_references::action_id)),
                )
                .filter(action_references::key.eq("commit_sha"))
                .filter(action_references::value.eq(commit))
                .filter(action_references::project_id.eq(self.delivery.project.to_string()))
                .filter(action_references::created_at.le(told.at))
                .filter(project_actions::action_type.eq("github_push"))
                .order(action_references::created_at.desc())
                .select(project_actions::action_id)
                .first(conn)
                .optional()?;
            if let Some(push) = push {
                told.references.insert("caused_by".to_owned(), json!(push));
                told.references.insert("cause_inferred".to_owned(), json!(true));
            }
        }
        let added = diesel::insert_into(project_actions::table)
            .values((
                project_actions::action_id.eq(&told.id),
                project_actions::project_id.eq(self.delivery.project.to_string()),
                project_actions::user_id.eq(who),
                project_actions::request_id.eq(&self.delivery.guid),
                project_actions::action_type.eq(&told.kind),
                project_actions::action_details.eq(told.details.chars().take(DETAILS).collect::<String>()),
                project_actions::status.eq(&told.status),
                project_actions::environment.eq(&told.environment),
                project_actions::reference_ids.eq(Value::Object(told.references)),
                project_actions::created_at.eq(told.at),
            ))
            .on_conflict_do_nothing()
            .execute(conn)?;
        Ok(added > 0)
    }
}

/// How a sentence about something begins that may have been there before.
pub(super) fn said(is_new: bool, what: &str) -> String {
    if is_new { what.to_owned() } else { format!("Known already, delivered under another id. {what}") }
}
