//! `GET /drafts`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::badge;
use crate::drafts::model::budget_in_words;
use crate::drafts::queries::{self, DraftView};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::display::Badge;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

#[derive(Debug, Template)]
#[template(path = "drafts/index.html")]
pub struct DraftsPage {
    /// The frame.
    pub shell: Shell,
    pub drafts: Vec<DraftRow>,
    pub first: Option<String>,
    pub older: Option<String>,
}

#[derive(Debug, Clone)]
pub struct DraftRow {
    pub id: i64,
    pub url: String,
    pub title: String,
    pub badge: Badge,
    pub score: u32,
    pub budget: String,
    pub timeline: String,
    pub updated: Option<Timestamp>,
}

impl DraftRow {
    #[must_use]
    pub fn new(draft: &DraftView, now: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            id: draft.id,
            url: format!("/drafts/{}", draft.id),
            title: draft.title.clone(),
            badge: badge(&draft.status),
            score: draft.score,
            budget: budget_in_words(&draft.budget),
            timeline: draft.timeline.clone(),
            updated: draft.updated_at.map(|at| Timestamp::new(at, now, zone)),
        }
    }
}

/// Lists the viewer's own drafts.
pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let before: Option<i64> = match query.first("before") {
        Some(text) => Some(text.parse().map_err(|_| {
            AppError::BadRequest("before is no position in this list. Begin at its top.".to_owned())
        })?),
        None => None,
    };
    let now = authed.app.clock.now();
    let (viewer, (drafts, has_more)) =
        authed.read(move |conn, viewer| Ok(queries::list(conn, viewer.id, before)?)).await?;
    let older = drafts.last().filter(|_| has_more).map(|last| format!("/drafts?before={}", last.id));
    let page = DraftsPage {
        shell: authed.shell(&viewer, "Drafts").with_breadcrumbs(vec![Crumb::here("Drafts")]),
        drafts: drafts.iter().map(|draft| DraftRow::new(draft, now, viewer.zone)).collect(),
        first: before.map(|_| "/drafts".to_owned()),
        older,
    };
    authed.page(StatusCode::OK, &page)
}
