//! `POST /users/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use diesel::{Connection, PgConnection};
use serde::Deserialize;

use super::fields::UserForm;
use super::role_label;
use super::show::{UserPage, sign_in_again};
use crate::activity::lookup::save_of;
use crate::db::ids::UserId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::identity::{Admin, Principal};
use crate::users::commands::{self, ChangeError, Consequences};
use crate::users::queries::{self, UserView};
use crate::web::version::{self, Difference, Seen};
use crate::web::{path, urls};

/// What the form of a user sends.
#[derive(Debug, Clone, Deserialize)]
pub struct EditForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    updated_at: String,
}

/// Changes name, address and role.
///
/// # Errors
/// 404 for anybody but an admin, and for an unknown user; 400 for an impossible `updated_at`.
pub async fn update(authed: AuthedRequest, form: Form<EditForm>) -> AppResult<HttpResponse> {
    let id = path::id(&authed.request, "id");
    let (now, principal) = (authed.app.clock.now(), authed.principal());
    let (viewer, outcome) = authed
        .write_as_admin(move |conn, admin| {
            let id = id?;
            Ok((id, change(conn, admin, &principal(admin), id, &form.0, now)?))
        })
        .await?;
    match outcome {
        (id, Ok(done)) if id == viewer.id && done.sessions_ended => Ok(sign_in_again(&authed)),
        (id, Ok(done)) => Ok(authed.redirect_with_notice(&urls::user(id), saved(done))),
        (_, Err((status, page))) => page.answer(&authed, &viewer, status),
    }
}

type Refused = (StatusCode, Box<UserPage>);

fn saved(done: Consequences) -> String {
    let mut text = "The user is saved.".to_owned();
    if done.sessions_ended {
        text.push_str(" They are signed out everywhere.");
    }
    if done.link_cancelled {
        text.push_str(" The link to set a password that waited for them is cancelled: make a new one.");
    }
    text
}

fn change(
    conn: &mut PgConnection,
    admin: &Admin,
    principal: &Principal,
    id: UserId,
    form: &EditForm,
    now: DateTime<Utc>,
) -> AppResult<Result<Consequences, Refused>> {
    let seen = Seen::parse(Some(&form.updated_at))?.or(None);
    let typed = UserForm { email: form.email.clone(), name: form.name.clone(), role: form.role.clone() };
    let stored = queries::find(conn, id)?;
    let checked = match typed.check(stored.as_ref()) {
        Ok(checked) => checked,
        Err(fields) => {
            let mut page = UserPage::load(conn, admin, id, now)?.with(*fields);
            // What was typed was typed over what the form showed, not over what is stored now.
            page.updated_at.clone_from(&form.updated_at);
            return Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, page)));
        }
    };
    // A savepoint: a refused UPDATE must not abort the transaction.
    let changed = conn.transaction(|conn| {
        commands::update(conn, principal, id, (&checked.email, &checked.name, checked.role), seen)
    });
    match changed {
        Ok(done) => Ok(Ok(done)),
        Err(ChangeError::Stale(current)) => {
            let mut fields = typed.fields();
            let save = save_of(conn, &id.to_string(), current.updated_at)?;
            fields.errors.push(version::conflict_notice("this user", save.as_ref(), admin));
            let mut page = UserPage::load(conn, admin, id, now)?.with(fields);
            page.conflict = differences(&current, &typed);
            Ok(Err((StatusCode::CONFLICT, page)))
        }
        Err(error) => {
            let fields = typed.fields().refused(error).map_err(AppError::from)?;
            let mut page = UserPage::load(conn, admin, id, now)?.with(fields);
            page.updated_at.clone_from(&form.updated_at);
            Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, page)))
        }
    }
}

fn differences(current: &UserView, typed: &UserForm) -> Vec<Difference> {
    version::differences([
        ("Name", typed.name.clone(), current.name.clone().unwrap_or_default()),
        ("E-mail", typed.email.clone(), current.email.clone()),
        ("Role", role_label(&typed.role), role_label(&current.role)),
    ])
}
