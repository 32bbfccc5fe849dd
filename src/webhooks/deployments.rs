//! Deployments as GitHub tells of them: a row that its statuses complete, and an action when it is over.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::{Map, json};

use super::github::{sha, time};
use super::work::{Came, DETAILS, NAME, Told, Work, said};

impl Work<'_> {
    fn deployment_id(&self) -> Option<String> {
        let id = self.text(&["deployment", "id"], 40)?;
        let repository = self.text(&["repository", "full_name"], NAME).unwrap_or_default();
        Some(self.id("deploy", &[&repository, &id]))
    }

    pub(super) fn deployment(&self, conn: &mut PgConnection) -> QueryResult<Came> {
        let Some(id) = self.deployment_id() else { return Ok(Err("It names no deployment.")) };
        self.keep_deployment(conn, &id, "pending", None, None)?;
        Ok(Ok("A deployment begins.".to_owned()))
    }

    pub(super) fn deployment_status(&self, conn: &mut PgConnection) -> QueryResult<Came> {
        let Some(id) = self.deployment_id() else { return Ok(Err("It names no deployment.")) };
        let state = self.text(&["deployment_status", "state"], 50).unwrap_or_default();
        let told_at = time(self.told, &["deployment_status", "updated_at"]);
        let (status, is_end) = match state.as_str() {
            "success" => ("success", true),
            "failure" | "error" => ("failed", true),
            "in_progress" => ("running", false),
            "queued" | "pending" | "waiting" => ("pending", false),
            // A later one has taken its place: it went as it went.
            _ => return Ok(Err("This state of a deployment changes nothing here.")),
        };
        let description = self.text(&["deployment_status", "description"], DETAILS);
        let ended = is_end.then(|| told_at.unwrap_or(self.received_ms()));
        self.keep_deployment(conn, &id, status, ended, description.as_deref())?;
        let environment = self.text(&["deployment", "environment"], NAME);
        if !is_end {
            return Ok(Ok(format!("The deployment is {status}.")));
        }
        let app = self.text(&["repository", "name"], NAME).unwrap_or_else(|| "the repository".to_owned());
        let mut references =
            Map::from_iter([("deployment_id".to_owned(), json!(id)), ("app_name".to_owned(), json!(app))]);
        if let Some(sha) = sha(self.told, &["deployment", "sha"]) {
            references.insert("commit_sha".to_owned(), json!(sha));
        }
        let status_id = self.text(&["deployment_status", "id"], 40).unwrap_or_default();
        let to = environment.as_deref().unwrap_or("an environment");
        let action = Told {
            id: self.id("act_deploy", &[&id, &status_id, status]),
            kind: "deployment".to_owned(),
            status: status.to_owned(),
            details: description.unwrap_or_else(|| format!("{app} to {to}")),
            environment,
            references,
            at: told_at.unwrap_or(self.received_ms()),
        };
        let creator = self.text(&["deployment_status", "creator", "login"], NAME);
        let who = self.user(conn, None, creator)?;
        let is_new = self.act(conn, action, who)?;
        Ok(Ok(format!("{} of {app}: {status}.", said(is_new, "A deployment"))))
    }

    /// The deployment's row as it is by now. Statuses come in any order: an end is not undone, and a later end counts.
    fn keep_deployment(
        &self,
        conn: &mut PgConnection,
        id: &str,
        status: &str,
        ended: Option<i64>,
        description: Option<&str>,
    ) -> QueryResult<()> {
        let who = self.user(conn, None, self.text(&["deployment", "creator", "login"], NAME))?;
        diesel::sql_query(
            "INSERT INTO turbobackend.project_deployments AS d (deployment_id, project_id, user_id, request_id, app_name, \
                 app_url, commit_sha, status, environment, error, created_at, finished_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (deployment_id) DO UPDATE SET \
                 status = EXCLUDED.status, finished_at = EXCLUDED.finished_at, error = EXCLUDED.error, \
                 app_url = coalesce(EXCLUDED.app_url, d.app_url) \
             WHERE d.finished_at IS NULL AND (EXCLUDED.finished_at IS NOT NULL OR d.status = 'pending') \
                OR EXCLUDED.finished_at > d.finished_at",
        )
        .bind::<Text, _>(id)
        .bind::<Text, _>(self.delivery.project.to_string())
        .bind::<Nullable<Text>, _>(who)
        .bind::<Text, _>(&self.delivery.guid)
        .bind::<Nullable<Text>, _>(self.text(&["repository", "name"], NAME))
        .bind::<Nullable<Text>, _>(self.text(&["deployment_status", "environment_url"], NAME))
        .bind::<Nullable<Text>, _>(sha(self.told, &["deployment", "sha"]))
        .bind::<Text, _>(status)
        .bind::<Nullable<Text>, _>(self.text(&["deployment", "environment"], NAME))
        .bind::<Nullable<Text>, _>(description.filter(|_| status == "failed"))
        .bind::<BigInt, _>(time(self.told, &["deployment", "created_at"]).unwrap_or(self.received_ms()))
        .bind::<Nullable<BigInt>, _>(ended)
        .execute(conn)
        .map(|_| ())
    }
}
