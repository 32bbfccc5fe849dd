//! Where signing in leads.

use actix_web::HttpRequest;
use actix_web::http::Method;

use crate::http::forms;
use crate::web::urls;

/// The address of the sign-in page that leads back to what `request` asked for.
#[must_use]
pub fn sign_in_location(request: &HttpRequest) -> String {
    match *request.method() {
        Method::GET | Method::HEAD => {
            let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
            urls::with_query("/login", &[("next", wanted)])
        }
        // What a form sent is gone: there is no page to come back to.
        _ => "/login".to_owned(),
    }
}

/// Where a form's `next` may lead: a page of this console, else the dashboard.
#[must_use]
pub fn safe_next(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_page = !matches!(path, "/login" | "/logout");
    if is_page && next.is_ascii() && forms::is_local_path(next) { next } else { "/" }
}
