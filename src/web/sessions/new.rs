//! `GET /login`

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::error::AppResult;
use crate::http::headers::Nonce;
use crate::http::query::Query;
use crate::http::{cookies, session_store};
use crate::web::flash;
use crate::web::page::render;
use crate::web::referrer;
use crate::web::sessions::safe_next;
use crate::web::shell::Shell;

#[derive(Debug, Template)]
#[template(path = "sessions/new.html")]
pub struct SignInPage {
    /// The frame.
    pub shell: Shell,
    /// The address as typed.
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    /// What went wrong.
    pub errors: Vec<String>,
    /// What just happened elsewhere.
    pub hint: Option<String>,
}

impl SignInPage {
    /// The form as it answers `request`.
    #[must_use]
    pub fn new(request: &HttpRequest, email: &str, next: &str, errors: Vec<String>) -> Self {
        let mut shell = Shell::anonymous("Sign in");
        shell.nonce = Nonce::of(request);
        Self { shell, email: email.to_owned(), next: safe_next(next).to_owned(), errors, hint: None }
    }
}

/// Shows the form, without asking the database: it renders while the database is down, too.
pub async fn show(app: web::Data<App>, request: HttpRequest, query: Query) -> AppResult<HttpResponse> {
    // Whoever talked with the assistant before is offered to take that along.
    let has_talked = request.cookie(&cookies::guest_name(&app.config)).is_some();
    let usual = if has_talked { "/start/claim" } else { "/" };
    let mut page = SignInPage::new(&request, "", query.first("next").unwrap_or(usual), Vec::new());
    if query.first("notice") == Some("password-set") {
        page.hint = Some("Your password is set. Sign in with it.".to_owned());
    } else if query.first("notice") == Some("signed-out") && session_store::credential(&request).is_none() {
        page.hint = Some("You are signed out.".to_owned());
    }
    page.shell.flash = flash::waiting(&app, &request);
    let mut response = render(StatusCode::OK, &page)?;
    if flash::waits(&app, &request) {
        flash::clear(&app, &mut response);
    }
    referrer::keep(&app, &request, &query, &mut response);
    Ok(response)
}
