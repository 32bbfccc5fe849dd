//! `GET|POST /users/{id}/deactivate`, `GET|POST /users/{id}/activate`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use diesel::{Connection, PgConnection};

use super::show::sign_in_again;
use crate::auth::{password_links, sessions};
use crate::db::ids::UserId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::identity::{Role, Viewer};
use crate::projects::queries as projects;
use crate::users::commands::{self, ChangeError};
use crate::users::queries::{self, UserView};
use crate::web::confirmation::{ConfirmationPage, Effect};
use crate::web::display::counted;
use crate::web::shell::{Crumb, Shell};
use crate::web::{path, urls};

const LAST_ADMIN: &str =
    "This is the last admin who can sign in. Without one, nobody could manage this console.";

/// Asks before a user is deactivated.
pub async fn ask_deactivate(authed: AuthedRequest) -> AppResult<HttpResponse> {
    ask(authed, false).await
}

/// Asks before a user is activated.
pub async fn ask_activate(authed: AuthedRequest) -> AppResult<HttpResponse> {
    ask(authed, true).await
}

/// Ends a user's sessions and lets nobody sign in as them.
pub async fn deactivate(authed: AuthedRequest) -> AppResult<HttpResponse> {
    set(authed, false).await
}

/// Lets a user sign in again.
pub async fn activate(authed: AuthedRequest) -> AppResult<HttpResponse> {
    set(authed, true).await
}

async fn ask(authed: AuthedRequest, active: bool) -> AppResult<HttpResponse> {
    let id = path::id::<UserId>(&authed.request, "id");
    let (viewer, (user, page)) = authed
        .read_as_admin(move |conn, admin| {
            let user = queries::find(conn, id?)?.ok_or(AppError::NotFound)?;
            let page = question(conn, admin.id, &user, active)?;
            Ok((user, page))
        })
        .await?;
    if user.is_active() == active {
        return Ok(urls::see_other(&urls::user(user.id)));
    }
    answer(&authed, &viewer, &user, page, StatusCode::OK)
}

async fn set(authed: AuthedRequest, active: bool) -> AppResult<HttpResponse> {
    let id = path::id::<UserId>(&authed.request, "id");
    let principal = authed.principal();
    let (viewer, (user, refused)) = authed
        .write_as_admin(move |conn, admin| {
            let user = queries::find(conn, id?)?.ok_or(AppError::NotFound)?;
            // A savepoint: the page of a refusal is read in the same transaction.
            match conn.transaction(|conn| commands::set_active(conn, &principal(admin), user.id, active)) {
                Ok(_) => Ok((user, None)),
                Err(ChangeError::LastAdmin) => {
                    let mut page = question(conn, admin.id, &user, active)?;
                    page.blocked = None;
                    page.errors.push(LAST_ADMIN.to_owned());
                    Ok((user, Some(page)))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await?;
    if let Some(page) = refused {
        return answer(&authed, &viewer, &user, page, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if !active && user.id == viewer.id {
        return Ok(sign_in_again(&authed));
    }
    let done = if active { "can sign in again" } else { "is deactivated and signed out everywhere" };
    Ok(authed.redirect_with_notice(&urls::user(user.id), format!("{} {done}.", user.display_name())))
}

fn question(
    conn: &mut PgConnection,
    viewer: UserId,
    user: &UserView,
    active: bool,
) -> AppResult<ConfirmationPage> {
    let mut page = ConfirmationPage {
        shell: Shell::anonymous(""),
        title: format!("Activate {}?", user.display_name()),
        text: "The user can sign in again, with the password that was last set.".to_owned(),
        effects: Vec::new(),
        errors: Vec::new(),
        action: urls::user_part(user.id, "activate"),
        fields: Vec::new(),
        confirm: None,
        verb: "Activate user".to_owned(),
        danger: false,
        blocked: None,
        cancel_url: urls::user(user.id),
    };
    if active {
        return Ok(page);
    }
    if user.id == viewer {
        "Deactivate your own account?".clone_into(&mut page.title);
        "This is you. You are signed out at once, and can't sign in again until another admin activates you."
            .clone_into(&mut page.text);
        "Deactivate myself".clone_into(&mut page.verb);
    } else {
        page.title = format!("Deactivate {}?", user.display_name());
        "Nobody can sign in as this user until an admin activates it again.".clone_into(&mut page.text);
        "Deactivate user".clone_into(&mut page.verb);
    }
    page.action = urls::user_part(user.id, "deactivate");
    page.danger = true;
    page.effects = effects(conn, user.id)?;
    let is_admin = Role::from_stored(&user.role) == Role::Admin;
    if is_admin && !queries::another_admin_can_sign_in(conn, user.id)? {
        page.blocked = Some(LAST_ADMIN.to_owned());
        page.effects.clear();
    }
    Ok(page)
}

fn effects(conn: &mut PgConnection, user: UserId) -> AppResult<Vec<Effect>> {
    let living = sessions::living(conn, user)?.len();
    let owned = usize::try_from(projects::count_of(conn, user)?).unwrap_or(usize::MAX);
    let link = password_links::waiting(conn, user)?;
    let mut effects =
        vec![Effect::line(format!("{} at once", counted(living, "session ends", "sessions end")))];
    effects.extend(link.map(|_| Effect::line("The link to set a password stops working")));
    if owned > 0 {
        let stay = counted(owned, "project stays", "projects stay");
        effects.push(Effect::line(format!("{stay}, and workers keep reporting")));
    }
    Ok(effects)
}

fn answer(
    authed: &AuthedRequest,
    viewer: &Viewer,
    user: &UserView,
    mut page: ConfirmationPage,
    status: StatusCode,
) -> AppResult<HttpResponse> {
    page.shell = authed.shell(viewer, &page.title).with_breadcrumbs(vec![
        Crumb::link("Users", "/users"),
        Crumb::link(user.display_name(), urls::user(user.id)),
        Crumb::here(&page.verb),
    ]);
    authed.page(status, &page)
}
