//! `GET /intake`, `GET /intake/attribution`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::tabs;
use crate::analytics::funnel::{self, Funnel, FunnelFilter, Referred};
use crate::assistant::slots::Slot;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::display::{Tab, grouped};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

#[derive(Debug, Template)]
#[template(path = "intake/funnel.html")]
pub struct FunnelPage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub from: String,
    pub to: String,
    pub developer_ref: String,
    pub source: String,
    pub steps: Vec<StepRow>,
    /// Height of the drawing.
    pub height: usize,
    /// What it shows, in a sentence.
    pub description: String,
    pub exits: Vec<(String, String)>,
    pub as_of: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct StepRow {
    pub word: &'static str,
    pub label: &'static str,
    pub sessions: String,
    pub rate: String,
    pub overall: String,
    pub median: String,
    /// Of the bar: its top, and its width in percent.
    pub y: usize,
    pub width: String,
    pub text_y: usize,
}

/// Pixels from one bar to the next.
const ROW: usize = 44;

pub async fn show(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let read = FunnelFilter::parse(|name| query.first(name), now.date_naive());
    let (viewer, (filter, funnel)) = authed
        .read_as_admin(move |conn, _| {
            let filter = read.map_err(AppError::BadRequest)?;
            let funnel = funnel::read(conn, &filter)?;
            Ok((filter, funnel))
        })
        .await?;
    let as_of = funnel.as_of.map(|at| Timestamp::new(at, now, viewer.zone));
    let shell = authed.shell(&viewer, "Intake").with_breadcrumbs(vec![Crumb::here("Intake")]);
    authed.page(StatusCode::OK, &FunnelPage::with(shell, &filter, &funnel, as_of))
}

/// "40 seconds", "3 minutes", "2 hours", "5 days"
fn lasted(seconds: f64) -> String {
    let steps = [(86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"), (1.0, "second")];
    let (unit, name) = steps.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1.0, "second"));
    let count = (seconds / unit).round();
    format!("{count:.0} {name}{}", if (count - 1.0).abs() < 0.5 { "" } else { "s" })
}

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "—".to_owned(), |rate| format!("{:.1} %", rate * 100.0))
}

impl FunnelPage {
    #[must_use]
    pub fn with(shell: Shell, filter: &FunnelFilter, funnel: &Funnel, as_of: Option<Timestamp>) -> Self {
        let most = funnel.steps.first().map_or(0, |step| step.sessions);
        let steps = funnel.steps.iter().enumerate().map(|(at, step)| StepRow {
            word: step.word,
            label: step.label,
            sessions: grouped(step.sessions),
            rate: percent(step.rate),
            overall: percent(step.overall),
            median: step.median.map_or_else(|| "—".to_owned(), lasted),
            y: at * ROW + 20,
            width: if most == 0 { "0".to_owned() } else { format!("{}%", step.sessions * 100 / most) },
            text_y: at * ROW + 14,
        });
        let steps: Vec<StepRow> = steps.collect();
        let told = steps.iter().map(|step| format!("{}: {}", step.label.to_lowercase(), step.sessions));
        let exits = funnel.exits.iter().map(|(slot, sessions)| {
            let label = Slot::from_stored(slot).map_or("After the last question", |slot| slot.facts().label);
            (label.to_owned(), grouped(*sessions))
        });
        Self {
            shell,
            tabs: tabs("/intake"),
            from: filter.from.to_string(),
            to: filter.to.to_string(),
            developer_ref: filter.developer_ref.clone().unwrap_or_default(),
            source: filter.source.clone().unwrap_or_default(),
            height: steps.len() * ROW,
            description: told.collect::<Vec<_>>().join(", "),
            exits: exits.collect(),
            steps,
            as_of,
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "intake/attribution.html")]
pub struct AttributionPage {
    /// The frame.
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub from: String,
    pub to: String,
    pub rows: Vec<Referred>,
}

/// What came of each code and source.
pub async fn attribution(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let read = FunnelFilter::parse(|name| query.first(name), authed.app.clock.now().date_naive());
    let (viewer, (filter, rows)) = authed
        .read_as_admin(move |conn, _| {
            let filter = read.map_err(AppError::BadRequest)?;
            let rows = funnel::by_referrer(conn, &filter)?;
            Ok((filter, rows))
        })
        .await?;
    let way = vec![Crumb::link("Intake", "/intake"), Crumb::here("Attribution")];
    let page = AttributionPage {
        shell: authed.shell(&viewer, "Attribution").with_breadcrumbs(way),
        tabs: tabs("/intake/attribution"),
        from: filter.from.to_string(),
        to: filter.to.to_string(),
        rows,
    };
    authed.page(StatusCode::OK, &page)
}
