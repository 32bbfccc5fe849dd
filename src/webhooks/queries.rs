//! Reads of webhooks and their deliveries. Row-level security decides whose.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::ids::{DeliveryId, ProjectId, WebhookId};
use crate::db::schema::{deliveries, webhooks};
use crate::db::time::now;

/// Deliveries of a webhook that a page shows.
const SHOWN: i64 = 25;
/// Webhooks of a project at most.
const MOST: i64 = 50;

#[derive(Debug, Clone, Queryable)]
pub struct WebhookLine {
    pub id: WebhookId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// Until when the secret before the present one is good, if there was one.
    pub earlier_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Queryable)]
pub struct DeliveryLine {
    pub id: DeliveryId,
    /// The id that its sender gave it.
    pub guid: String,
    pub event: String,
    /// `waiting`, `done`, `ignored` or `failed`.
    pub state: String,
    pub outcome: Option<String>,
    /// Branch or tag of a push.
    pub git_ref: Option<String>,
    pub before_sha: Option<String>,
    /// Where the push before this one ended, when this one does not go on there.
    pub gap_from: Option<String>,
    pub received_at: DateTime<Utc>,
}

/// A webhook with its newest deliveries and its gaps.
pub type WithDeliveries = (WebhookLine, Vec<DeliveryLine>, Vec<DeliveryLine>);

/// A project's webhooks, each with its newest deliveries and its gaps.
pub fn of_project(conn: &mut PgConnection, project: ProjectId) -> QueryResult<Vec<WithDeliveries>> {
    let hooks: Vec<WebhookLine> = webhooks::table
        .filter(webhooks::project_id.eq(project))
        .filter(webhooks::removed_at.is_null())
        .select((webhooks::id, webhooks::name, webhooks::created_at, webhooks::earlier_until))
        .order((webhooks::created_at, webhooks::id))
        .limit(MOST)
        .load(conn)?;
    let columns = (
        deliveries::id,
        deliveries::guid,
        deliveries::event,
        deliveries::state,
        deliveries::outcome,
        deliveries::git_ref,
        deliveries::before_sha,
        deliveries::gap_from,
        deliveries::received_at,
    );
    let newest = (deliveries::received_at.desc(), deliveries::id.desc());
    hooks
        .into_iter()
        .map(|hook| {
            let of_hook = deliveries::table.filter(deliveries::webhook_id.eq(hook.id));
            let log = of_hook.select(columns).order(newest).limit(SHOWN).load(conn)?;
            let gaps = of_hook
                .filter(deliveries::gap_from.is_not_null())
                .select(columns)
                .order(newest)
                .limit(SHOWN)
                .load(conn)?;
            Ok((hook, log, gaps))
        })
        .collect()
}

/// The project of a webhook, and the sealed secrets that are good for it. For the gate.
pub fn secrets(conn: &mut PgConnection, id: WebhookId) -> QueryResult<Option<(ProjectId, Vec<Vec<u8>>)>> {
    type Row = (ProjectId, Vec<u8>, Option<Vec<u8>>, Option<bool>);
    let row: Option<Row> = webhooks::table
        .find(id)
        .filter(webhooks::removed_at.is_null())
        .select((
            webhooks::project_id,
            webhooks::secret,
            webhooks::earlier_secret,
            webhooks::earlier_until.gt(now.nullable()),
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(project, secret, earlier, is_good)| {
        let earlier = earlier.filter(|_| is_good == Some(true));
        (project, std::iter::once(secret).chain(earlier).collect())
    }))
}
