//! Where signing in leads.

use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use url::Url;

use crate::http::forms;
use crate::web::urls;

/// The address of the sign-in page that leads back to what `request` asked for, or to the page of the form that it sent.
#[must_use]
pub fn sign_in_location(request: &HttpRequest) -> String {
    let wanted = match *request.method() {
        Method::GET | Method::HEAD => request.uri().path_and_query().map(|wanted| wanted.as_str().to_owned()),
        _ => form_of(request).map(|page| safe_next(&page).to_owned()).filter(|page| page != "/"),
    };
    wanted.map_or_else(|| "/login".to_owned(), |wanted| urls::with_query("/login", &[("next", wanted)]))
}

/// Path and query of the page that a form was sent from.
fn form_of(request: &HttpRequest) -> Option<String> {
    let page = Url::parse(request.headers().get(header::REFERER)?.to_str().ok()?).ok()?;
    Some(page[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

/// Where a form's `next` may lead: a page of this console, else the dashboard.
#[must_use]
pub fn safe_next(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_page = !matches!(path, "/login" | "/logout");
    if is_page && next.is_ascii() && forms::is_local_path(next) { next } else { "/" }
}
