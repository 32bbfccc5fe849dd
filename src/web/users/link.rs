//! `POST /users/{id}/link`, `GET /users/{id}/link`: the one-time link to set a password, shown once.
//!
//! The secret goes from the act to the page in the encrypted flash cookie, so that it is never stored on
//! the server. The database notes that it was shown: neither a reload nor a cookie that somebody kept shows it again.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use url::Url;

use super::show::UserPage;
use crate::app::App;
use crate::auth::password_links::{self, LinkError};
use crate::db::ids::UserId;
use crate::db::{Actor, SecretHash};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::users::queries;
use crate::web::flash::{Flash, SecretLink};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::{path, urls};

/// A link that is about to be made.
#[derive(Debug)]
pub struct OneTimeLink {
    secret: String,
    base: String,
}

impl OneTimeLink {
    /// A fresh secret, with its whole address as `authed`'s browser reaches the console.
    #[must_use]
    pub fn new(authed: &AuthedRequest) -> Self {
        Self { secret: authed.app.entropy.secret(), base: base(authed) }
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }

    /// Leads to the page that shows the link for `user`.
    #[must_use]
    pub fn hand_over(self, authed: &AuthedRequest, user: UserId) -> HttpResponse {
        // Shown only by a page that does not show the link.
        let missed = "A link to set a password was made and not shown. Make a new one on the user's page.";
        let link = SecretLink { secret: self.secret, user: user.to_string(), base: self.base };
        authed.redirect_with(&urls::user_part(user, "link"), Flash::good(missed).with_link(link))
    }
}

/// Scheme, host and port of the console: as configured, else as the browser says that it reached us.
pub(in crate::web) fn base(authed: &AuthedRequest) -> String {
    base_of(&authed.app, &authed.request)
}

/// [`base`], whoever asks.
pub(in crate::web) fn base_of(app: &App, request: &HttpRequest) -> String {
    if let Some(base) = &app.config.base_url {
        return base.origin().ascii_serialization();
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = header(header::HOST).unwrap_or_default();
    // Only the Origin tells whether a proxy in front of us speaks TLS.
    let origin =
        header(header::ORIGIN).filter(|origin| origin.split_once("://").is_some_and(|(_, own)| own == host));
    let scheme = if origin.is_some_and(|origin| origin.starts_with("https:")) { "https" } else { "http" };
    Url::parse(&format!("{scheme}://{host}"))
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

/// Makes a link for a user who is there already.
pub async fn create(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let id = path::id::<UserId>(&authed.request, "id");
    let (now, principal, link) = (authed.app.clock.now(), authed.principal(), OneTimeLink::new(&authed));
    let hash = link.hash();
    let (viewer, outcome) = authed
        .write_as_admin(move |conn, admin| {
            let id = id?;
            match password_links::make(conn, &principal(admin), id, &hash) {
                Ok(()) => Ok(Ok(id)),
                Err(LinkError::Deactivated) => {
                    let mut page = UserPage::load(conn, admin, id, now)?;
                    page.errors
                        .push("A deactivated user can't use a link. Activate the user first.".to_owned());
                    Ok(Err(Box::new(page)))
                }
                Err(LinkError::NotFound) => Err(AppError::NotFound),
                Err(LinkError::Query(error)) => Err(error.into()),
            }
        })
        .await?;
    match outcome {
        Ok(id) => Ok(link.hand_over(&authed, id)),
        Err(page) => page.answer(&authed, &viewer, StatusCode::UNPROCESSABLE_ENTITY),
    }
}

/// The link, this once.
#[derive(Debug, Template)]
#[template(path = "users/link.html")]
pub struct LinkPage {
    /// The frame.
    pub shell: Shell,
    /// The user's name, else their address.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their page.
    pub user_url: String,
    /// Whether they have never signed in; else it is a reset.
    pub created: bool,
    /// The whole address.
    pub link: String,
    /// Until when it works.
    pub expires: Timestamp,
}

/// Shows the link that was just made; without one, leads to the user.
pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let id = path::id::<UserId>(&authed.request, "id");
    let now = authed.app.clock.now();
    let (viewer, user) =
        authed.read_as_admin(move |conn, _| queries::find(conn, id?)?.ok_or(AppError::NotFound)).await?;
    let (name, user_url) = (user.display_name().to_owned(), urls::user(user.id));
    let mut shell = authed.shell(&viewer, "Link to set a password").with_breadcrumbs(vec![
        Crumb::link("Users", "/users"),
        Crumb::link(&name, &user_url),
        Crumb::here("Link"),
    ]);
    let handed =
        shell.flash.take().and_then(|flash| flash.link).filter(|link| link.user == user.id.to_string());
    // A HEAD shows nothing, so it uses nothing up.
    let Some(link) = handed.filter(|_| authed.request.method() != Method::HEAD) else {
        return Ok(urls::see_other(&user_url));
    };
    let hash = SecretHash::of(&link.secret);
    let shown = authed
        .app
        .db
        .write(&Actor::Gate, move |conn| password_links::show(conn, &hash).map_err(AppError::from))
        .await?;
    let Some(expires) = shown else {
        let missed = "That link is not shown again: it was shown, or it no longer works. Make a new one if it is lost.";
        return Ok(authed.redirect_with(&user_url, Flash::bad(missed)));
    };
    let page = LinkPage {
        shell,
        created: user.last_login.is_none(),
        email: user.email.clone(),
        link: format!("{}{}", link.base, urls::password_link(&link.secret)),
        expires: Timestamp::new(expires, now, viewer.zone),
        name,
        user_url,
    };
    authed.page(StatusCode::OK, &page)
}
