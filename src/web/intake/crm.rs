//! `GET /intake/crm`, `POST /intake/crm/{id}/redo`: what the sales system is to be told.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::tabs;
use crate::drafts::outbox::{self, OutboxLine, RedoError};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::web::display::{Badge, Tab, Tone, in_short};
use crate::web::path;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

#[derive(Debug, Template)]
#[template(path = "intake/crm.html")]
pub struct CrmPage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    /// What has to be said of the whole: its words and tone.
    pub notice: Option<(String, &'static str)>,
    pub rows: Vec<OutboxRow>,
}

#[derive(Debug, Clone)]
pub struct OutboxRow {
    pub id: String,
    pub title: String,
    pub draft_url: String,
    pub badge: Badge,
    pub attempts: i32,
    pub error: String,
    pub changed: Timestamp,
    /// When it is tried next.
    pub next: Option<Timestamp>,
    /// What the CRM calls it.
    pub opportunity: Option<String>,
    /// Where a form lets it be tried again.
    pub redo_url: Option<String>,
}

impl OutboxRow {
    #[must_use]
    pub fn new(line: &OutboxLine, now: DateTime<Utc>, zone: Tz) -> Self {
        let (icon, word, tone) = match line.state.as_str() {
            "sent" if line.corrected_at.is_some() => ("pending", "correction waits", Tone::Busy),
            "pending" => ("pending", "waits", Tone::Busy),
            "sending" => ("pending", "sending", Tone::Busy),
            "sent" => ("success", "sent", Tone::Good),
            "dead" => ("failed", "failed", Tone::Bad),
            "parked" => ("warning", "waits for you", Tone::Warning),
            _ => ("warning", "is looked up", Tone::Warning),
        };
        let is_corrected = line.state == "sent" && line.corrected_at.is_some();
        let waits =
            (matches!(line.state.as_str(), "pending" | "unknown") || is_corrected) && line.attempts > 0;
        let is_stuck = matches!(line.state.as_str(), "unknown" | "parked" | "dead");
        Self {
            id: line.id.to_string(),
            title: line.title.clone().unwrap_or_else(|| "Untitled".to_owned()),
            draft_url: format!("/drafts/{}", line.draft),
            badge: Badge::new(icon, word, tone),
            attempts: line.attempts,
            error: in_short(line.last_error.as_deref().unwrap_or_default(), 300),
            changed: Timestamp::new(line.changed_at, now, zone),
            next: waits.then(|| Timestamp::new(line.retry_at, now, zone)),
            opportunity: line.opportunity.clone(),
            redo_url: is_stuck.then(|| format!("/intake/crm/{}/redo", line.id)),
        }
    }
}

pub async fn index(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, lines) = authed.read_as_admin(|conn, _| Ok(outbox::list(conn)?)).await?;
    let way = vec![Crumb::link("Intake", "/intake"), Crumb::here("Sales")];
    let shell = authed.shell(&viewer, "Sales").with_breadcrumbs(way);
    let rows = lines.iter().map(|line| OutboxRow::new(line, now, viewer.zone)).collect();
    authed.page(StatusCode::OK, &CrmPage::with(shell, authed.app.crm.is_some(), rows))
}

impl CrmPage {
    #[must_use]
    pub fn with(shell: Shell, is_connected: bool, rows: Vec<OutboxRow>) -> Self {
        let parked = rows.iter().filter(|row| row.badge.label == "waits for you").count();
        let notice = match parked {
            _ if !is_connected => {
                let words = "No sales system is connected. Drafts whose owners agreed wait here until PILOTHOUSE_GHL_TOKEN, \
                             PILOTHOUSE_GHL_LOCATION and PILOTHOUSE_GHL_PIPELINE are set.";
                Some((words.to_owned(), "neutral"))
            }
            0 => None,
            1 => Some((
                "One waits for you: mend what its last error says, then press Again.".to_owned(),
                "warning",
            )),
            parked => Some((
                format!("{parked} wait for you: mend what the last error says, then press Again."),
                "warning",
            )),
        };
        Self { shell, tabs: tabs("/intake/crm"), notice, rows }
    }
}

/// Lets one be tried again.
pub async fn redo(authed: AuthedRequest, _: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let id = path::id::<Uuid>(&authed.request, "id");
    let principal = authed.principal();
    authed
        .write_as_admin(move |conn, admin| {
            outbox::redo(conn, &principal(admin), id?).map_err(|error| match error {
                RedoError::NotFound => AppError::NotFound,
                RedoError::NotStuck => AppError::Conflict {
                    detail: "It waits already, or was sent. Nothing was changed.".to_owned(),
                    retry_after: None,
                },
                RedoError::Query(error) => error.into(),
            })
        })
        .await?;
    Ok(authed.redirect_with_notice("/intake/crm", "It is tried again."))
}
