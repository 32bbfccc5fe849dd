use diesel::prelude::*;
use serde_json::json;

use crate::audit::{self, AuditAction, Target};
use crate::db::ids::{DeliveryId, ProjectId, WebhookId};
use crate::db::schema::{deliveries, webhooks};
use crate::db::time::now;
use crate::identity::Principal;
use crate::queue::{self, Kind, NewJob};
use crate::runtime::Entropy;
use crate::secret::Secret;

/// What a webhook's secret is sealed for: see [`super::Sealer`].
pub const SEALED_FOR: &str = "webhook";

/// A fresh secret; the whole text is the key of signatures.
#[must_use]
pub fn new_secret(entropy: Entropy) -> Secret {
    Secret::new(format!("whsec_{}", entropy.secret()))
}

/// What a webhook is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookName(String);

impl WebhookName {
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err("Give it a name of 1 to 100 characters, such as the repository's.".to_owned());
        }
        Ok(Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("no such webhook")]
    NotFound,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Adds a webhook with its sealed secret.
pub fn add(
    conn: &mut PgConnection,
    principal: &Principal,
    project: ProjectId,
    name: &WebhookName,
    sealed: &[u8],
) -> Result<WebhookId, WebhookError> {
    let id: WebhookId = diesel::insert_into(webhooks::table)
        .values((
            webhooks::project_id.eq(project),
            webhooks::name.eq(name.as_str()),
            webhooks::secret.eq(sealed),
            webhooks::created_by.eq(principal.user),
        ))
        .returning(webhooks::id)
        .get_result(conn)?;
    let target = target(id, name.as_str(), project);
    let after = json!({ "name": name.as_str() });
    audit::record_change(conn, principal, &AuditAction::WebhookAdded, &target, json!(null), after)?;
    Ok(id)
}

/// The name of a webhook of `project` that is there, locked.
fn lock(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<String, WebhookError> {
    webhooks::table
        .find(id)
        .filter(webhooks::project_id.eq(project))
        .filter(webhooks::removed_at.is_null())
        .select(webhooks::name)
        .for_update()
        .first(conn)
        .optional()?
        .ok_or(WebhookError::NotFound)
}

/// Gives a webhook another sealed secret; a trigger keeps the one before good for a day. Answers its name.
pub fn rotate(
    conn: &mut PgConnection,
    principal: &Principal,
    project: ProjectId,
    id: WebhookId,
    sealed: &[u8],
) -> Result<String, WebhookError> {
    let name = lock(conn, project, id)?;
    diesel::update(webhooks::table.find(id)).set(webhooks::secret.eq(sealed)).execute(conn)?;
    let change =
        (json!({ "secret": "replaced" }), json!({ "secret": "new", "earlier": "good for 24 hours" }));
    let act = AuditAction::WebhookSecretReplaced;
    audit::record_change(conn, principal, &act, &target(id, &name, project), change.0, change.1)?;
    Ok(name)
}

/// Ends a webhook. Answers its name.
pub fn remove(
    conn: &mut PgConnection,
    principal: &Principal,
    project: ProjectId,
    id: WebhookId,
) -> Result<String, WebhookError> {
    let name = lock(conn, project, id)?;
    diesel::update(webhooks::table.find(id)).set(webhooks::removed_at.eq(now.nullable())).execute(conn)?;
    let (before, after) = (json!({ "name": name }), json!({ "removed": true }));
    let target = target(id, &name, project);
    audit::record_change(conn, principal, &AuditAction::WebhookRemoved, &target, before, after)?;
    Ok(name)
}

/// Keeps a delivery whose signature holds, and asks for it to be worked off. Answers whether it is new. For the gate.
pub fn receive(
    conn: &mut PgConnection,
    id: DeliveryId,
    (webhook, project): (WebhookId, ProjectId),
    guid: &str,
    event: &str,
    body: &[u8],
) -> QueryResult<bool> {
    let kept = diesel::insert_into(deliveries::table)
        .values((
            deliveries::id.eq(id),
            deliveries::webhook_id.eq(webhook),
            deliveries::project_id.eq(project),
            deliveries::guid.eq(guid),
            deliveries::event.eq(event),
            deliveries::body.eq(body),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    if kept == 0 {
        return Ok(false);
    }
    queue::enqueue(conn, &NewJob::of(Kind::WorkOffDelivery).with(json!({ "delivery": id.to_string() })))?;
    Ok(true)
}

/// What a test delivery says.
const PING: &str = r#"{"zen":"Sent by Pilothouse itself, to see a delivery arrive.","hook_id":0}"#;

/// Delivers a ping from here, as GitHub would.
pub fn test(
    conn: &mut PgConnection,
    principal: &Principal,
    project: ProjectId,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<(), WebhookError> {
    let name = lock(conn, project, webhook)?;
    receive(conn, id, (webhook, project), &format!("test-{id}"), "ping", PING.as_bytes())?;
    let after = json!({ "delivery": id.to_string() });
    let target = target(webhook, &name, project);
    audit::record_change(conn, principal, &AuditAction::WebhookTested, &target, json!(null), after)?;
    Ok(())
}

/// Has a delivery worked off once more.
pub fn redo(
    conn: &mut PgConnection,
    principal: &Principal,
    project: ProjectId,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<(), WebhookError> {
    let name = lock(conn, project, webhook)?;
    let state: String = deliveries::table
        .find(id)
        .filter(deliveries::webhook_id.eq(webhook))
        .select(deliveries::state)
        .for_update()
        .first(conn)
        .optional()?
        .ok_or(WebhookError::NotFound)?;
    diesel::update(deliveries::table.find(id)).set(deliveries::state.eq("waiting")).execute(conn)?;
    queue::enqueue(conn, &NewJob::of(Kind::WorkOffDelivery).with(json!({ "delivery": id.to_string() })))?;
    let (before, after) =
        (json!({ "state": state }), json!({ "state": "waiting", "delivery": id.to_string() }));
    let target = target(webhook, &name, project);
    audit::record_change(conn, principal, &AuditAction::DeliveryWorkedAgain, &target, before, after)?;
    Ok(())
}

fn target(id: WebhookId, name: &str, project: ProjectId) -> Target {
    Target { kind: "webhook", id: id.to_string(), name: name.to_owned(), project: Some(project) }
}
