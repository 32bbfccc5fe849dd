//! `GET /intake/sessions`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::tabs;
use crate::assistant::listing::{self, Asked, SessionLine};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::display::{Badge, Choice, Tab, Tone};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

#[derive(Debug, Template)]
#[template(path = "intake/sessions.html")]
pub struct IntakeSessionsPage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub q: String,
    pub states: Vec<Choice>,
    pub score: String,
    pub is_filtered: bool,
    pub rows: Vec<IntakeRow>,
    pub first: Option<String>,
    pub older: Option<String>,
}

#[derive(Debug, Clone)]
pub struct IntakeRow {
    pub session_id: String,
    pub url: String,
    pub badge: Badge,
    pub score: i32,
    pub messages: i64,
    pub referrer: String,
    pub last_activity: Option<Timestamp>,
}

/// What a session's state looks like.
#[must_use]
pub fn badge(state: &str) -> Badge {
    let (icon, tone) = match state {
        "active" => ("running", Tone::Busy),
        "claimed" => ("user", Tone::Good),
        "completed" => ("check", Tone::Good),
        _ => ("stopped", Tone::Neutral),
    };
    Badge::new(icon, state, tone)
}

impl IntakeRow {
    #[must_use]
    pub fn new(line: &SessionLine, now: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            session_id: line.session_id.clone(),
            url: format!("/intake/sessions/{}", line.id),
            badge: badge(&line.state),
            score: line.score,
            messages: line.messages,
            referrer: line.chain.clone().unwrap_or_default(),
            last_activity: line.last_activity.map(|at| Timestamp::new(at.and_utc(), now, zone)),
        }
    }
}

pub async fn index(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let asked = Asked {
        q: query.first("q").map(str::to_owned),
        state: query.first("state").map(str::to_owned),
        least_score: match query.first("score") {
            Some(text) => {
                Some(text.parse().map_err(|_| AppError::BadRequest("score is no whole number.".to_owned()))?)
            }
            None => None,
        },
        before: match query.first("before") {
            Some(text) => Some(listing::position(text).ok_or_else(|| {
                AppError::BadRequest("before is no position in this list. Begin at its top.".to_owned())
            })?),
            None => None,
        },
    };
    let now = authed.app.clock.now();
    let of_page = asked.clone();
    let (viewer, (lines, has_more)) =
        authed.read_as_admin(move |conn, _| Ok(listing::list(conn, &of_page)?)).await?;
    let way = vec![Crumb::link("Intake", "/intake"), Crumb::here("Conversations")];
    let shell = authed.shell(&viewer, "Conversations").with_breadcrumbs(way);
    let rows = lines.iter().map(|line| IntakeRow::new(line, now, viewer.zone)).collect();
    let mut page = IntakeSessionsPage::with(shell, &asked, rows);
    let kept = query.without(&["before"]);
    let address = |more: Option<String>| {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(&kept);
        text.extend_pairs(more.iter().map(|before| ("before", before)));
        format!("/intake/sessions?{}", text.finish())
    };
    page.first = asked.before.as_ref().map(|_| address(None));
    page.older = lines.last().filter(|_| has_more).map(|last| address(Some(last.position())));
    authed.page(StatusCode::OK, &page)
}

impl IntakeSessionsPage {
    #[must_use]
    pub fn with(shell: Shell, asked: &Asked, rows: Vec<IntakeRow>) -> Self {
        let state = asked.state.clone().unwrap_or_default();
        let states = std::iter::once(Choice::new("", "Any state", &state))
            .chain(listing::STATES.iter().map(|word| Choice::new(*word, *word, &state)))
            .collect();
        Self {
            shell,
            tabs: tabs("/intake/sessions"),
            q: asked.q.clone().unwrap_or_default(),
            states,
            score: asked.least_score.map(|score| score.to_string()).unwrap_or_default(),
            is_filtered: asked.q.is_some() || asked.state.is_some() || asked.least_score.is_some(),
            rows,
            first: None,
            older: None,
        }
    }
}
