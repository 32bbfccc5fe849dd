//! `POST /users/{id}/sessions/{sid}/revoke`

use actix_web::HttpResponse;

use super::show::sign_in_again;
use crate::activity::{Act, Target, audit};
use crate::auth::sessions;
use crate::db::ids::{SessionId, UserId};
use crate::error::{AppError, AppResult};
use crate::users::queries;
use crate::web::visit::Visit;
use crate::web::{path, urls};

/// Ends one session of a user. One that has ended already stays so.
///
/// # Errors
/// 404 for anybody but an admin, and for a session that is not that user's.
pub async fn revoke(visit: Visit) -> AppResult<HttpResponse> {
    let user = path::id::<UserId>(&visit.request, "id");
    let session = path::id::<SessionId>(&visit.request, "sid");
    let principal = visit.principal();
    let (viewer, (user, session)) = visit
        .write_as_admin(move |conn, admin| {
            let (session, user) = (session?, queries::find(conn, user?)?.ok_or(AppError::NotFound)?);
            if sessions::end(conn, user.id, session)? {
                let target = Target::session(session, &user.email);
                audit::record(conn, &principal(admin), &Act::SessionRevoked, &target)?;
            } else if !sessions::belongs(conn, user.id, session)? {
                return Err(AppError::NotFound);
            }
            Ok((user.id, session))
        })
        .await?;
    if session == viewer.session {
        return Ok(sign_in_again(&visit));
    }
    Ok(visit.redirect_with_notice(&urls::user(user), "The session has ended."))
}
