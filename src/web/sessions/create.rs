//! `POST /login`

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::new::SignInPage;
use crate::activity::Principal;
use crate::app::App;
use crate::auth::throttle::{self, Admission, Attempt};
use crate::auth::{password, session_store, sign_in};
use crate::db::{Actor, SecretHash};
use crate::error::{AppError, AppResult};
use crate::web::forms::Form;
use crate::web::urls;
use crate::web::visit::{origin_of, render, safe_next};

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
///
/// # Errors
/// When the database can't be asked; refusals are pages.
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
    let typed = email.clone();
    let asked = attempt.clone();
    let (admission, account) = app
        .db
        .write(&Actor::Gate, move |conn| {
            Ok::<_, AppError>((throttle::admit(conn, &asked)?, sign_in::account(conn, &typed)?))
        })
        .await?;
    if let Admission::Wait(seconds) = admission {
        let mut response = refuse(
            StatusCode::TOO_MANY_REQUESTS,
            format!("Too many tries. Wait {seconds} seconds, then try again."),
        )?;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        return Ok(response);
    }
    let hash = account.as_ref().and_then(sign_in::Account::usable_hash);
    let right = password::verify(hash, password).await.map_err(AppError::Internal)?;
    let Some(account) = account.filter(|_| right) else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, REFUSED.to_owned());
    };
    let token = app.entropy.secret();
    let hash = SecretHash::of(&token);
    let replaced = session_store::credential(&request);
    let principal = Principal::account(&account, origin, &app);
    app.db
        .write(&Actor::Gate, move |conn| {
            throttle::forget(conn, &attempt)?;
            sign_in::begin(conn, &account, &principal, &hash, replaced.as_ref()).map_err(AppError::from)
        })
        .await?;
    session_store::hand_out(&request, &token).map_err(AppError::Internal)?;
    Ok(urls::see_other(safe_next(&next)))
}
