//! `POST /login`

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::PgConnection;
use serde::Deserialize;

use super::new::SignInPage;
use crate::app::App;
use crate::auth::password;
use crate::auth::sign_in::{self, Checked};
use crate::auth::throttle::Attempt;
use crate::db::SecretHash;
use crate::error::{self, AppError, AppResult};
use crate::http::authed_request::origin_of;
use crate::http::forms::Form;
use crate::http::session_store;
use crate::web::page::render;
use crate::web::sessions::safe_next;
use crate::web::urls;

/// What the form sends.
#[derive(Deserialize)]
pub struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// The same words for an unknown address, a wrong password, a deactivated account and one without a
/// password: the answer must not tell which accounts exist.
const REFUSED: &str = "The address or the password is not right.";

/// Checks the password and starts a session.
pub async fn create(
    app: web::Data<App>,
    request: HttpRequest,
    form: Form<Credentials>,
) -> AppResult<HttpResponse> {
    let Credentials { email, password, next } = form.0;
    let email = email.trim().to_owned();
    let refuse = |status: StatusCode, error: String| {
        render(status, &SignInPage::new(&request, &email, &next, vec![error]))
    };
    if email.is_empty() || password.is_empty() {
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Enter your e-mail address and your password.".to_owned(),
        );
    }
    if email.chars().count() > 255 || password.chars().count() > password::LONGEST {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, REFUSED.to_owned());
    }
    let origin = origin_of(&request);
    let attempt = Attempt::new(&email, origin.ip);
    let wait = |seconds: u64| {
        let words = format!("Too many tries. Wait {}, then try again.", error::seconds(seconds));
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, words)?;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        Ok(response)
    };
    let typed = email.clone();
    let find = move |conn: &mut PgConnection| sign_in::account(conn, &typed);
    let (verified, place) = match sign_in::check((&app.sign_ins, &app.db), attempt, find, password).await? {
        Checked::Right(verified, place) => (verified, place),
        Checked::Wrong => return refuse(StatusCode::UNPROCESSABLE_ENTITY, REFUSED.to_owned()),
        Checked::Wait(seconds) => return wait(seconds),
    };
    let token = app.entropy.secret();
    let hash = SecretHash::of(&token);
    let replaced = session_store::credential(&request);
    let at = app.clock.now();
    let has_begun = place
        .write(&app.db, move |conn| {
            sign_in::begin(conn, &verified, (origin, at), &hash, replaced.as_ref()).map_err(AppError::from)
        })
        .await?;
    if !has_begun {
        // Changed or deactivated while the password was checked.
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, REFUSED.to_owned());
    }
    session_store::hand_out(&request, &token).map_err(AppError::Internal)?;
    Ok(urls::see_other(safe_next(&next)))
}
