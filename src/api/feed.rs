//! `GET /api/activity/feed`, `GET /api/insights/codebase`: events across projects.

use actix_web::HttpResponse;
use chrono::{SecondsFormat, TimeDelta};
use diesel::PgConnection;
use serde_json::json;

use super::activities::instant;
use super::answers::{self, Paging};
use crate::activity::filter::quoted;
use crate::auth::viewer::sees_project;
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::api_request::{ApiRequest, Caller};
use crate::http::query::Query;
use crate::identity::Role;
use crate::reports::events::{STATUSES, known_types};
use crate::reports::feed::{self, Asked, Reach};
use crate::reports::insights;

const MOST_DAYS: i64 = 366;
const USUAL_DAYS: i64 = 30;

/// All that `caller` may see, or one project of it.
fn reach(conn: &mut PgConnection, caller: &Caller, project: Option<&str>) -> AppResult<Reach> {
    if let Some(text) = project {
        let project: ProjectId = text.parse().map_err(|_| AppError::NotFound)?;
        return if sees_project(conn, project)? {
            Ok(Reach::Project(project))
        } else {
            Err(AppError::NotFound)
        };
    }
    Ok(match caller {
        Caller::Viewer(viewer) if viewer.role == Role::Admin => Reach::Everything,
        Caller::Viewer(viewer) => Reach::Owner(viewer.id),
        Caller::Token(token) if token.all_projects => Reach::Everything,
        Caller::Token(_) => Reach::Token,
    })
}

fn asked(query: &Query, paging: &Paging) -> Result<Asked, String> {
    let time = |name: &str| query.first(name).map(|value| instant(name, value)).transpose();
    let (from, until) = (time("from")?, time("to")?);
    if from.zip(until).is_some_and(|(from, until)| from > until) {
        return Err("from is after to.".to_owned());
    }
    let words = |name: &str| query.all(name).map(str::to_owned).collect::<Vec<_>>();
    let statuses = words("status");
    if let Some(unknown) = statuses.iter().find(|status| !STATUSES.contains(&status.as_str())) {
        return Err(format!("{} is no status. Known are: {}.", quoted(unknown), STATUSES.join(", ")));
    }
    let before = paging.position()?;
    Ok(Asked {
        reach: Reach::Everything,
        types: words("eventType"),
        statuses,
        from,
        until,
        before,
        limit: paging.limit,
    })
}

/// Events, newest first.
pub async fn index(request: ApiRequest, query: Query) -> AppResult<HttpResponse> {
    let project = query.first("projectId").map(str::to_owned);
    let read = Paging::of(&query).and_then(|paging| asked(&query, &paging));
    let (limit, found) = request
        .read(move |conn, caller| {
            let mut asked = read.map_err(AppError::BadRequest)?;
            asked.reach = reach(conn, caller, project.as_deref())?;
            for word in &asked.types {
                if !feed::holds_type(conn, word)? {
                    let known = known_types(conn)?.join(", ");
                    let message = format!("{} is no eventType here. Known are: {known}.", quoted(word));
                    return Err(AppError::BadRequest(message));
                }
            }
            Ok((asked.limit, feed::page(conn, &asked)?))
        })
        .await?;
    let rows: Vec<String> = found.events.iter().map(|event| event.to_json().to_string()).collect();
    answers::list("events", &rows, limit, found.next.map(answers::cursor).as_deref())
}

/// What there was, how it ended and how long it took.
pub async fn insights(request: ApiRequest, query: Query) -> AppResult<HttpResponse> {
    let project = query.first("projectId").map(str::to_owned);
    let days = query.first("days").map_or(Ok(USUAL_DAYS), |text| {
        let days = text.parse::<i64>().ok().filter(|days| (1..=MOST_DAYS).contains(days));
        days.ok_or_else(|| format!("{} is no number of days. Give 1 to {MOST_DAYS}.", quoted(text)))
    });
    let now = request.app().clock.now();
    let found = request
        .read(move |conn, caller| {
            let days = days.map_err(AppError::BadRequest)?;
            let reach = reach(conn, caller, project.as_deref())?;
            let from = now - TimeDelta::days(days);
            Ok(insights::codebase(conn, reach, from.timestamp_millis())?)
        })
        .await?;
    let body = json!({
        "totals": found.totals, "byStatus": found.by_status, "durations": found.durations,
        "asOf": found.as_of.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
    });
    Ok(HttpResponse::Ok().content_type("application/json").body(body.to_string()))
}
