//! `GET|POST /passwords/{token}`
//!
//! The token is the only proof that is asked for, so the answers tell nothing to whoever has none, and the
//! browser is told to keep the address to itself.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::audit::AuditAction;
use crate::auth::queue::Place;
use crate::auth::{password, password_links};
use crate::db::{Actor, SecretHash};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::origin_of;
use crate::http::cookies;
use crate::http::forms::Form;
use crate::http::headers::Nonce;
use crate::users::commands;
use crate::web::account::show::password_hint;
use crate::web::page::render;
use crate::web::shell::Shell;
use crate::web::urls;

/// The form behind a link, or the word that the link no longer works.
#[derive(Debug, Template)]
#[template(path = "passwords/edit.html")]
pub struct PasswordPage {
    /// The frame.
    pub shell: Shell,
    /// Where the form goes: the link itself.
    pub action: String,
    /// Whose password it is.
    pub email: String,
    /// Whether the link works.
    pub valid: bool,
    /// That nothing was set, when something is wrong.
    pub errors: Vec<String>,
    pub password_errors: Vec<String>,
    /// The rule for passwords.
    pub hint: String,
    /// Whether this browser talked with the assistant: what it described is offered after signing in.
    pub has_talked: bool,
}

#[derive(Deserialize)]
pub struct PasswordForm {
    password: String,
}

/// Shows the form while the link works.
pub async fn edit(app: web::Data<App>, request: HttpRequest) -> AppResult<HttpResponse> {
    match holder(&app, &request).await? {
        Some(email) => PasswordPage::of(&email, Vec::new()).answer(&request, StatusCode::OK),
        None => PasswordPage::spent().answer(&request, StatusCode::NOT_FOUND),
    }
}

/// Sets the password, uses the link up and ends all sessions of its user.
pub async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    form: Form<PasswordForm>,
) -> AppResult<HttpResponse> {
    let Some(email) = holder(&app, &request).await? else {
        return PasswordPage::spent().answer(&request, StatusCode::NOT_FOUND);
    };
    if let Some(problem) = password::problem(&form.0.password) {
        return PasswordPage::of(&email, vec![problem]).answer(&request, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let place = app.sign_ins.enter()?;
    let hash = place.hash(form.0.password).await?;
    if !set_password(&app, &place, &request, hash).await? {
        return PasswordPage::spent().answer(&request, StatusCode::NOT_FOUND);
    }
    let mut response = urls::see_other("/login?notice=password-set");
    keep_to_yourself(&mut response);
    Ok(response)
}

/// The hash of the token in the address; nothing when it has not the form of one.
fn token_hash(request: &HttpRequest) -> Option<SecretHash> {
    let token = request.match_info().get("token")?;
    let is_token =
        token.len() == 64 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_token.then(|| SecretHash::of(token))
}

/// The address of whoever's password the link sets, while it works.
async fn holder(app: &App, request: &HttpRequest) -> AppResult<Option<String>> {
    let Some(hash) = token_hash(request) else { return Ok(None) };
    let held = app
        .db
        .read(&Actor::Gate, move |conn| password_links::holder(conn, &hash).map_err(AppError::from))
        .await?;
    Ok(held.map(|(_, email)| email))
}

/// Answers whether the link still worked: of two requests at once, one gets it.
async fn set_password(
    app: &App,
    place: &Place,
    request: &HttpRequest,
    password_hash: String,
) -> AppResult<bool> {
    let Some(link) = token_hash(request) else { return Ok(false) };
    let (origin, at) = (origin_of(request), app.clock.now());
    place
        .write(&app.db, move |conn| {
            let Some(account) = password_links::redeem(conn, &link, origin.ip)? else { return Ok(false) };
            let principal = account.principal(origin, at);
            let person = (account.id, account.email.as_str());
            commands::set_password(conn, &principal, person, &AuditAction::PasswordSet, &password_hash)?;
            Ok(true)
        })
        .await
}

fn keep_to_yourself(response: &mut HttpResponse) {
    response.headers_mut().insert(header::REFERRER_POLICY, header::HeaderValue::from_static("strict-origin"));
}

impl PasswordPage {
    pub fn of(email: &str, password_errors: Vec<String>) -> Self {
        Self {
            shell: Shell::anonymous("Set your password"),
            action: String::new(),
            email: email.to_owned(),
            valid: true,
            errors: password_errors
                .first()
                .map(|_| "The password is not set yet.".to_owned())
                .into_iter()
                .collect(),
            password_errors,
            hint: password_hint(),
            has_talked: false,
        }
    }

    pub fn spent() -> Self {
        Self { shell: Shell::anonymous("Link no longer works"), valid: false, ..Self::of("", Vec::new()) }
    }

    fn answer(mut self, request: &HttpRequest, status: StatusCode) -> AppResult<HttpResponse> {
        self.shell.nonce = Nonce::of(request);
        let app = request.app_data::<web::Data<App>>();
        self.has_talked = app.is_some_and(|app| request.cookie(&cookies::guest_name(&app.config)).is_some());
        self.action = urls::password_link(request.match_info().get("token").unwrap_or_default());
        let mut response = render(status, &self)?;
        keep_to_yourself(&mut response);
        Ok(response)
    }
}
