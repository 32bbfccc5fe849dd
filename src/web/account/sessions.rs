//! `GET /account/sessions`, `POST /account/sessions/{id}/revoke`, `POST /account/sessions/revoke-others`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::auth::sessions;
use crate::db::ids::SessionId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::web::display::{Tab, counted};
use crate::web::session_rows::SessionRow;
use crate::web::shell::{Crumb, Shell};
use crate::web::users::show::sign_in_again;
use crate::web::{path, urls};

/// Where the viewer is signed in.
#[derive(Debug, Template)]
#[template(path = "account/sessions.html")]
pub struct SessionsPage {
    /// The frame.
    pub shell: Shell,
    /// Account and sessions.
    pub tabs: Vec<Tab>,
    pub sessions: Vec<SessionRow>,
    /// Whether there are any besides this one.
    pub others: bool,
}

/// Lists the viewer's sessions.
pub async fn index(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, living) = authed.read(|conn, viewer| Ok(sessions::living(conn, viewer.id)?)).await?;
    let row = |line: &sessions::SessionLine| {
        SessionRow::new(line, viewer.session, urls::revoke_own_session(line.id), now, viewer.zone)
    };
    let way = vec![Crumb::link("Account", "/account"), Crumb::here("Sessions")];
    let shell = authed.shell(&viewer, "Sessions").with_breadcrumbs(way);
    authed.page(StatusCode::OK, &SessionsPage::of(shell, living.iter().map(row).collect()))
}

/// Ends one of the viewer's sessions, and signs out when it is this one.
///
/// # Errors
/// 404 for a session that is not theirs.
pub async fn revoke(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let session = path::id::<SessionId>(&authed.request, "id");
    let principal = authed.principal();
    let (viewer, session) = authed
        .write(move |conn, viewer| {
            let session = session?;
            let theirs = sessions::revoke(conn, &principal(viewer), viewer.id, session)?;
            if theirs { Ok(session) } else { Err(AppError::NotFound) }
        })
        .await?;
    if session == viewer.session {
        return Ok(sign_in_again(&authed));
    }
    Ok(authed.redirect_with_notice("/account/sessions", "The session has ended."))
}

/// Ends all of the viewer's sessions but this one.
pub async fn revoke_others(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    let (_, ended) = authed
        .write(move |conn, viewer| {
            Ok(sessions::revoke_others(conn, &principal(viewer), viewer.id, viewer.session)?)
        })
        .await?;
    let notice = match ended {
        0 => "There was no other session.".to_owned(),
        _ => format!("Ended {}.", counted(ended, "other session", "other sessions")),
    };
    Ok(authed.redirect_with_notice("/account/sessions", notice))
}

impl SessionsPage {
    pub fn of(shell: Shell, sessions: Vec<SessionRow>) -> Self {
        let others = sessions.iter().any(|row| !row.current);
        Self { shell, tabs: super::tabs("/account/sessions"), sessions, others }
    }
}
