//! `GET|POST /projects/{id}/webhooks`, `POST /projects/{id}/webhooks/{hook}/{rotate|remove|test}`,
//! `POST /projects/{id}/webhooks/{hook}/deliveries/{delivery}/redo`
//!
//! A secret is in the answer to the form that makes it and nowhere else.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde::Deserialize;

use super::head::ProjectHead;
use super::project_id;
use crate::db::ids::{DeliveryId, ProjectId, WebhookId};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::identity::Viewer;
use crate::projects::queries;
use crate::secret::Secret;
use crate::web::display::{Badge, Tone};
use crate::web::path::NoId;
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::users::link::base;
use crate::web::{path, urls};
use crate::webhooks::queries::{DeliveryLine, WebhookLine};
use crate::webhooks::{self, Sealer, WebhookError, WebhookName, commands};

/// A project's webhooks.
#[derive(Debug, Template)]
#[template(path = "projects/webhooks.html")]
pub struct WebhooksPage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    /// What is wrong with the form that was sent.
    pub errors: Vec<String>,
    /// The form that adds one.
    pub url: String,
    pub name_field: Field,
    /// The secret that was just made, this once, and the webhook that it is for.
    pub made: Option<MadeSecret>,
    pub hooks: Vec<Hook>,
}

/// A secret on its way to whoever copies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSecret {
    pub name: String,
    pub address: String,
    pub secret: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub id: String,
    pub name: String,
    /// Where its deliveries go.
    pub address: String,
    pub created: Timestamp,
    /// Until when the secret before the present one is good.
    pub earlier_until: Option<Timestamp>,
    pub rotate_url: String,
    pub remove_url: String,
    pub test_url: String,
    pub gaps: Vec<GapRow>,
    pub deliveries: Vec<DeliveryRow>,
}

/// Pushes that were not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapRow {
    /// Branch or tag.
    pub name: String,
    pub from: String,
    pub to: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    pub id: String,
    pub guid: String,
    pub event: String,
    pub badge: Badge,
    pub outcome: String,
    pub at: Timestamp,
    pub redo_url: String,
}

type Held = Vec<(WebhookLine, Vec<DeliveryLine>, Vec<DeliveryLine>)>;

/// The project and its webhooks.
struct Found {
    project: queries::ProjectView,
    hooks: Held,
}

fn find(conn: &mut PgConnection, id: ProjectId) -> AppResult<Found> {
    let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
    Ok(Found { hooks: webhooks::queries::of_project(conn, id)?, project })
}

/// What the form sends.
#[derive(Clone, Deserialize)]
pub struct NewWebhook {
    #[serde(default)]
    name: String,
}

/// Lists a project's webhooks and what came to them.
pub async fn index(authed: AuthedRequest, id: Path<String>) -> AppResult<HttpResponse> {
    let id = project_id(&id)?;
    let (viewer, found) = authed.read(move |conn, _| find(conn, id)).await?;
    WebhooksPage::of(&authed, &viewer, &found).answer(&authed, StatusCode::OK)
}

/// Adds a webhook, and shows its secret this once.
pub async fn create(
    authed: AuthedRequest,
    id: Path<String>,
    form: Form<NewWebhook>,
) -> AppResult<HttpResponse> {
    let id = project_id(&id)?;
    let typed = form.0.name;
    let principal = authed.principal();
    let (secret, sealed) = new_secret(&authed)?;
    let sent = typed.clone();
    let (viewer, (found, added)) = authed
        .write(move |conn, viewer| {
            if queries::find(conn, id)?.is_none() {
                return Err(AppError::NotFound);
            }
            let added = match WebhookName::parse(&sent) {
                Ok(name) => {
                    let hook =
                        commands::add(conn, &principal(viewer), id, &name, &sealed).map_err(refused)?;
                    Ok((hook, name.as_str().to_owned()))
                }
                Err(problem) => Err(problem),
            };
            Ok((find(conn, id)?, added))
        })
        .await?;
    let mut page = WebhooksPage::of(&authed, &viewer, &found);
    match added {
        Ok((hook, name)) => page.show(&authed, hook, name, &secret),
        Err(problem) => {
            page.errors = vec!["No webhook was added. Check the marked field.".to_owned()];
            page.name_field = Field { value: typed, errors: vec![problem] };
            return page.answer(&authed, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
    page.answer(&authed, StatusCode::OK)
}

/// Gives a webhook another secret, and shows it this once.
pub async fn rotate(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (id, hook) = ids(&authed);
    let principal = authed.principal();
    let (secret, sealed) = new_secret(&authed)?;
    let (viewer, (found, hook, name)) = authed
        .write(move |conn, viewer| {
            let (id, hook) = (id?, hook?);
            let name = commands::rotate(conn, &principal(viewer), id, hook, &sealed).map_err(refused)?;
            Ok((find(conn, id)?, hook, name))
        })
        .await?;
    let mut page = WebhooksPage::of(&authed, &viewer, &found);
    page.show(&authed, hook, name, &secret);
    page.answer(&authed, StatusCode::OK)
}

/// Ends a webhook.
pub async fn remove(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (id, hook) = ids(&authed);
    let principal = authed.principal();
    let (_, (id, name)) = authed
        .write(move |conn, viewer| {
            let id = id?;
            Ok((id, commands::remove(conn, &principal(viewer), id, hook?).map_err(refused)?))
        })
        .await?;
    let notice = format!("{name} is removed. What comes to its address is refused.");
    Ok(authed.redirect_with_notice(&urls::project_part(id, "webhooks"), notice))
}

/// Delivers a ping from here.
pub async fn test(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (id, hook) = ids(&authed);
    let (principal, delivery) = (authed.principal(), DeliveryId(authed.app.entropy.uuid()));
    let (_, id) = authed
        .write(move |conn, viewer| {
            let id = id?;
            commands::test(conn, &principal(viewer), id, hook?, delivery).map_err(refused)?;
            Ok(id)
        })
        .await?;
    let notice = "A test delivery is on its way. It stands in the log below.";
    Ok(authed.redirect_with_notice(&urls::project_part(id, "webhooks"), notice))
}

/// Has a delivery worked off once more.
pub async fn redo(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (id, hook) = ids(&authed);
    let delivery = path::id::<DeliveryId>(&authed.request, "delivery");
    let principal = authed.principal();
    let (_, id) = authed
        .write(move |conn, viewer| {
            let id = id?;
            commands::redo(conn, &principal(viewer), id, hook?, delivery?).map_err(refused)?;
            Ok(id)
        })
        .await?;
    let notice = "The delivery is worked off again. What is there already stays as it is.";
    Ok(authed.redirect_with_notice(&urls::project_part(id, "webhooks"), notice))
}

fn ids(authed: &AuthedRequest) -> (Result<ProjectId, NoId>, Result<WebhookId, NoId>) {
    (path::id(&authed.request, "id"), path::id(&authed.request, "hook"))
}

fn new_secret(authed: &AuthedRequest) -> AppResult<(Secret, Vec<u8>)> {
    let secret = commands::new_secret(authed.app.entropy);
    let kept = Sealer::of(authed.app.config.secret_key.as_ref())
        .seal(&secret, commands::SEALED_FOR)
        .map_err(|error| AppError::Internal(error.into()))?;
    Ok((secret, kept))
}

fn refused(error: WebhookError) -> AppError {
    match error {
        WebhookError::NotFound => AppError::NotFound,
        WebhookError::Query(error) => error.into(),
    }
}

impl WebhooksPage {
    fn of(authed: &AuthedRequest, viewer: &Viewer, found: &Found) -> Self {
        let (now, base) = (authed.app.clock.now(), base(authed));
        let head = ProjectHead::new(&found.project, "settings", now, viewer.zone);
        let project = found.project.id;
        let crumbs = head.crumbs(Some("Webhooks"));
        let shell = authed.shell(viewer, format!("Webhooks of {}", head.name)).with_breadcrumbs(crumbs);
        let hooks =
            found.hooks.iter().map(|held| Hook::new(project, held, &base, now, viewer.zone)).collect();
        Self {
            shell,
            url: urls::project_part(project, "webhooks"),
            project: head,
            errors: Vec::new(),
            name_field: Field::of(""),
            made: None,
            hooks,
        }
    }

    fn show(&mut self, authed: &AuthedRequest, hook: WebhookId, name: String, secret: &Secret) {
        let address = address(&base(authed), hook);
        self.made = Some(MadeSecret { name, address, secret: secret.reveal().to_owned() });
    }

    fn answer(self, authed: &AuthedRequest, status: StatusCode) -> AppResult<HttpResponse> {
        authed.page(status, &self)
    }
}

fn address(base: &str, hook: WebhookId) -> String {
    format!("{base}/webhooks/github/{hook}")
}

impl Hook {
    #[must_use]
    pub fn new(
        project: ProjectId,
        (hook, deliveries, gaps): &(WebhookLine, Vec<DeliveryLine>, Vec<DeliveryLine>),
        base: &str,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Self {
        let part = |act: &str| urls::project_part(project, &format!("webhooks/{}/{act}", hook.id));
        let time = |at: DateTime<Utc>| Timestamp::new(at, now, zone);
        let short = |sha: &str| sha.chars().take(12).collect::<String>();
        let gap = |line: &DeliveryLine| GapRow {
            name: line.git_ref.clone().unwrap_or_default(),
            from: short(line.gap_from.as_deref().unwrap_or_default()),
            to: short(line.before_sha.as_deref().unwrap_or_default()),
            at: time(line.received_at),
        };
        let delivery = |line: &DeliveryLine| {
            let (icon, tone) = match line.state.as_str() {
                "done" => ("success", Tone::Good),
                "waiting" => ("pending", Tone::Busy),
                "failed" => ("failed", Tone::Bad),
                _ => ("stopped", Tone::Neutral),
            };
            DeliveryRow {
                id: line.id.to_string(),
                guid: line.guid.clone(),
                event: line.event.clone(),
                badge: Badge::new(icon, line.state.as_str(), tone),
                outcome: line.outcome.clone().unwrap_or_default(),
                at: time(line.received_at),
                redo_url: part(&format!("deliveries/{}/redo", line.id)),
            }
        };
        Self {
            id: hook.id.to_string(),
            name: hook.name.clone(),
            address: address(base, hook.id),
            created: time(hook.created_at),
            earlier_until: hook.earlier_until.filter(|until| *until > now).map(time),
            rotate_url: part("rotate"),
            remove_url: part("remove"),
            test_url: part("test"),
            gaps: gaps.iter().map(gap).collect(),
            deliveries: deliveries.iter().map(delivery).collect(),
        }
    }
}
