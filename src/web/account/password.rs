//! `POST /account/password`
//!
//! Nobody who is signed in can read or set password hashes, so the hash is asked for and written through
//! the gate, for the user that the session proved.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use diesel::PgConnection;
use serde::Deserialize;

use super::show::AccountPage;
use crate::app::App;
use crate::auth::password;
use crate::auth::sign_in::{self, Checked};
use crate::auth::throttle::Attempt;
use crate::db::SecretHash;
use crate::error::{self, AppError, AppResult};
use crate::http::authed_request::{AuthedRequest, origin_of};
use crate::http::forms::Form;
use crate::http::session_store;
use crate::identity::Viewer;
use crate::users::commands;

#[derive(Deserialize)]
pub struct PasswordForm {
    current_password: String,
    password: String,
}

/// Changes the viewer's password and ends their other sessions. This one goes on under a new token: whoever
/// holds a copy of the old one is out.
pub async fn update(authed: AuthedRequest, form: Form<PasswordForm>) -> AppResult<HttpResponse> {
    let (viewer, ()) = authed.read(|_, _| Ok(())).await?;
    let mut page = AccountPage::of(&viewer, authed.app.clock.now());
    page.password_errors.extend(password::problem(&form.0.password));
    if page.password_errors.is_empty() {
        match change(&authed, &viewer, form.0).await? {
            Outcome::Changed(token) => {
                session_store::hand_out(&authed.request, &token).map_err(AppError::Internal)?;
                // The notice is for the session that goes on.
                let authed = authed.going_on_as(SecretHash::of(&token));
                let notice = "Your password is changed. Your other sessions have ended.";
                return Ok(authed.redirect_with_notice("/account", notice));
            }
            Outcome::WrongPassword => {
                page.current_password_errors.push("This is not your current password.".to_owned());
            }
            Outcome::Wait(seconds) => return too_many(page, &authed, &viewer, seconds),
        }
    }
    page.refuse(&authed, &viewer)
}

enum Outcome {
    /// With the token of the session that took this one's place.
    Changed(String),
    WrongPassword,
    /// Seconds.
    Wait(u64),
}

async fn change(authed: &AuthedRequest, viewer: &Viewer, form: PasswordForm) -> AppResult<Outcome> {
    let app: web::Data<App> = authed.app.clone();
    let (id, session, origin) = (viewer.id, viewer.session, origin_of(&authed.request));
    let attempt = Attempt::new(&viewer.email, origin.ip);
    let find = move |conn: &mut PgConnection| sign_in::account_of(conn, id);
    let (verified, place) =
        match sign_in::check((&app.sign_ins, &app.db), attempt, find, form.current_password).await? {
            Checked::Right(verified, place) => (verified, place),
            Checked::Wrong => return Ok(Outcome::WrongPassword),
            Checked::Wait(seconds) => return Ok(Outcome::Wait(seconds)),
        };
    let hash = place.hash(form.password).await?;
    let token = app.entropy.secret();
    let (at, renewed) = (app.clock.now(), SecretHash::of(&token));
    let changed = place
        .write(&app.db, move |conn| {
            commands::change_password(conn, &verified, (origin, at), session, &hash, &renewed)
                .map_err(AppError::from)
        })
        .await?;
    // Somebody else changed it between the check and here, or ended this session.
    Ok(if changed { Outcome::Changed(token) } else { Outcome::WrongPassword })
}

fn too_many(
    mut page: AccountPage,
    authed: &AuthedRequest,
    viewer: &Viewer,
    seconds: u64,
) -> AppResult<HttpResponse> {
    page.errors.push(format!("Too many tries. Wait {}, then try again.", error::seconds(seconds)));
    let mut response = page.answer(authed, viewer, StatusCode::TOO_MANY_REQUESTS)?;
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    Ok(response)
}
