//! `POST /users/{id}/sessions/{sid}/revoke`, `POST /users/{id}/sessions/revoke`

use actix_web::HttpResponse;

use super::show::sign_in_again;
use crate::auth::sessions;
use crate::db::ids::{SessionId, UserId};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::web::display::counted;
use crate::web::{path, urls};

/// Ends one session of a user. One that has ended already stays so.
///
/// # Errors
/// 404 for anybody but an admin, and for a session that is not that user's.
pub async fn revoke(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let user = path::id::<UserId>(&authed.request, "id");
    let session = path::id::<SessionId>(&authed.request, "sid");
    let principal = authed.principal();
    let (viewer, (user, session)) = authed
        .write_as_admin(move |conn, admin| {
            let (session, user) = (session?, user?);
            let theirs = sessions::revoke(conn, &principal(admin), user, session)?;
            if theirs { Ok((user, session)) } else { Err(AppError::NotFound) }
        })
        .await?;
    if session == viewer.session {
        return Ok(sign_in_again(&authed));
    }
    Ok(authed.redirect_with_notice(&urls::user(user), "The session has ended."))
}

/// Ends every session of a user; of the admin's own, all but this one.
pub async fn revoke_all(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let user = path::id::<UserId>(&authed.request, "id");
    let principal = authed.principal();
    let (_, (user, ended)) = authed
        .write_as_admin(move |conn, admin| {
            let (user, principal) = (user?, principal(admin));
            let ended = if user == admin.id {
                sessions::revoke_others(conn, &principal, user, admin.session)?
            } else {
                sessions::revoke_all(conn, &principal, user)?.ok_or(AppError::NotFound)?
            };
            Ok((user, ended))
        })
        .await?;
    let notice = match ended {
        0 => "There was no session to end.".to_owned(),
        _ => format!("Ended {}.", counted(ended, "session", "sessions")),
    };
    Ok(authed.redirect_with_notice(&urls::user(user), notice))
}
