//! `GET /api`: how programs report and read, with commands to paste

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::db::cursor::PageStart;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::projects::plain;
use crate::web::shell::{Crumb, Shell};
use crate::web::users::link::base;

#[derive(Debug, Template)]
#[template(path = "api/show.html")]
pub struct ApiPage {
    /// The frame.
    pub shell: Shell,
    /// The first command: where, in which project, with which token.
    pub connect: String,
    /// Whether it names a project.
    pub has_project: bool,
    pub steps: &'static [Step],
}

/// Something to do, and the command that does it.
#[derive(Debug)]
pub struct Step {
    pub title: &'static str,
    pub text: &'static str,
    pub command: &'static str,
}

pub const STEPS: [Step; 6] = [
    Step {
        title: "Report an activity",
        text: "Any type will do; known ones read better. The references lead to what is behind it.",
        command: r#"PUSH="push-$(date +%s)-$$"
curl -sS --fail-with-body "$PILOTHOUSE/api/projects/$PROJECT/activities" \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $PUSH" \
  -d '{"action_id": "'"$PUSH"'", "action_type": "github_push",
       "action_details": "1 commit to main: Say hello",
       "reference_ids": {"commit_sha": "4be1d07c", "branch_name": "main"}}'"#,
    },
    Step {
        title: "Report many at once",
        text: "Up to 1,000, all of them or none. The second says what led to it.",
        command: r#"curl -sS --fail-with-body "$PILOTHOUSE/api/projects/$PROJECT/activities" \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"activities": [
        {"action_id": "'"$PUSH"'-test", "action_type": "workflow_run", "status": "success",
         "reference_ids": {"commit_sha": "4be1d07c", "caused_by": "'"action:$PUSH"'"}},
        {"action_id": "'"$PUSH"'-live", "action_type": "deployment", "environment": "production",
         "reference_ids": {"commit_sha": "4be1d07c", "caused_by": "'"action:$PUSH-test"'"}}]}'"#,
    },
    Step {
        title: "Report something that takes its time",
        text: "An event begins, goes on and ends. Whoever looks sees it move.",
        command: r#"EVENT="index-$PUSH"
curl -sS --fail-with-body "$PILOTHOUSE/api/projects/$PROJECT/events" \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"id": "'"$EVENT"'", "eventType": "INDEXING_STARTED", "title": "Indexing the code",
       "metadata": {"caused_by": "'"action:$PUSH"'"}}'
curl -sS --fail-with-body -X PATCH "$PILOTHOUSE/api/events/$EVENT" \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"progress": 40, "stage": "reading files"}'
curl -sS --fail-with-body -X PATCH "$PILOTHOUSE/api/events/$EVENT" \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"progress": 100, "status": "COMPLETED"}'"#,
    },
    Step {
        title: "Write the record behind a reference",
        text: "Pushes, deployments, databases, sessions and costs. What is there under the same id is brought up to date.",
        command: r#"curl -sS --fail-with-body "$PILOTHOUSE/api/projects/$PROJECT/deployments" \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"deployment_id": "'"$PUSH"'-live", "app_name": "shop", "commit_sha": "4be1d07c",
       "status": "success", "environment": "production"}'"#,
    },
    Step {
        title: "Read what happened",
        text: "A project's activities, and the events of all that the token sees; both newest first.",
        command: r#"curl -sS --fail-with-body -G "$PILOTHOUSE/api/projects/$PROJECT/activities" \
  -H "Authorization: Bearer $TOKEN" -d limit=5 -d action_type=deployment
curl -sS --fail-with-body -G "$PILOTHOUSE/api/activity/feed" \
  -H "Authorization: Bearer $TOKEN" -d limit=5 -d status=COMPLETED"#,
    },
    Step {
        title: "Count",
        text: "How many events, how they ended and how long they took.",
        command: r#"curl -sS --fail-with-body -G "$PILOTHOUSE/api/insights/codebase" \
  -H "Authorization: Bearer $TOKEN" -d days=7"#,
    },
];

/// Shows it, with the project that the viewer changed last.
pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (viewer, page) = authed.read(|conn, _| Ok(plain::page(conn, None, &PageStart::Start, 1)?)).await?;
    let project = page.rows.first().map(|project| project.id.to_string());
    let connect = format!(
        "PILOTHOUSE='{}'\nPROJECT='{}'\nprintf 'Token: '; read -r TOKEN",
        base(&authed),
        project.as_deref().unwrap_or_default()
    );
    let shell = authed.shell(&viewer, "API").with_breadcrumbs(vec![Crumb::here("API")]);
    let page = ApiPage { shell, connect, has_project: project.is_some(), steps: &STEPS };
    authed.page(StatusCode::OK, &page)
}
