//! Who is at the assistant's pages: a user, a visitor with a secret, or nobody yet.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use diesel::PgConnection;

use crate::app::App;
use crate::assistant::queries::Whose;
use crate::db::{Actor, SecretHash};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::{AuthedRequest, origin_of};
use crate::http::headers::Nonce;
use crate::http::{cookies, session_store};
use crate::identity::{Principal, Viewer};
use crate::web::flash::{self, Flash};
use crate::web::page::render;
use crate::web::shell::Shell;
use crate::web::urls;

/// See the module.
#[derive(Debug, Clone)]
pub struct Visit {
    pub app: web::Data<App>,
    pub request: HttpRequest,
    authed: Option<AuthedRequest>,
    guest: Option<SecretHash>,
}

/// Days that a visitor's cookie lives without a word.
const KEPT_DAYS: i64 = 30;

impl Visit {
    /// The hash of the visitor's secret, whether or not somebody is signed in as well.
    #[must_use]
    pub fn guest(&self) -> Option<&SecretHash> {
        self.guest.as_ref()
    }

    /// Whether the browser has a user's session; it may have ended.
    #[must_use]
    pub fn may_be_signed_in(&self) -> bool {
        self.authed.is_some()
    }

    /// Reads as whoever is there; nothing for nobody. A session that has ended is nobody's.
    pub async fn read<T, F>(&self, work: F) -> AppResult<(Option<Viewer>, Option<T>)>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, Whose) -> AppResult<T> + Clone + Send + 'static,
    {
        if let Some(authed) = &self.authed {
            let as_user = work.clone();
            match authed.read(move |conn, viewer| as_user(conn, Whose::User(viewer.id))).await {
                Ok((viewer, value)) => return Ok((Some(viewer), Some(value))),
                Err(AppError::SignIn) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(hash) = self.guest.clone() else { return Ok((None, None)) };
        match self.app.db.read(&Actor::Guest(hash), move |conn| work(conn, Whose::Guest)).await {
            Ok(value) => Ok((None, Some(value))),
            Err(AppError::SignIn) => Ok((None, None)),
            Err(error) => Err(error),
        }
    }

    /// [`Visit::read`] for a deed.
    pub async fn write<T, F>(&self, work: F) -> AppResult<Option<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, Whose, &Principal) -> AppResult<T> + Clone + Send + 'static,
    {
        let at = self.app.clock.now();
        if let Some(authed) = &self.authed {
            let (as_user, principal) = (work.clone(), authed.principal());
            let written =
                authed.write(move |conn, viewer| as_user(conn, Whose::User(viewer.id), &principal(viewer)));
            match written.await {
                Ok((_, value)) => return Ok(Some(value)),
                Err(AppError::SignIn) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(hash) = self.guest.clone() else { return Ok(None) };
        let principal = Principal::visitor(origin_of(&self.request), at);
        let actor = Actor::Guest(hash);
        match self.app.db.write(&actor, move |conn| work(conn, Whose::Guest, &principal)).await {
            Ok(value) => Ok(Some(value)),
            Err(AppError::SignIn) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same browser once it has a secret.
    #[must_use]
    pub fn going_on_as(mut self, hash: SecretHash) -> Self {
        (self.authed, self.guest) = (None, Some(hash));
        self
    }

    /// The frame of a page for whoever is there.
    #[must_use]
    pub fn shell(&self, viewer: Option<&Viewer>, title: &str) -> Shell {
        if let (Some(authed), Some(viewer)) = (&self.authed, viewer) {
            return authed.shell(viewer, title);
        }
        let mut shell = Shell::anonymous(title);
        shell.nonce = Nonce::of(&self.request);
        shell.flash = flash::waiting(&self.app, &self.request);
        shell
    }

    pub fn page(
        &self,
        status: actix_web::http::StatusCode,
        page: &impl askama::Template,
    ) -> AppResult<HttpResponse> {
        let mut response = render(status, page)?;
        if flash::waits(&self.app, &self.request) {
            flash::clear(&self.app, &mut response);
        }
        Ok(response)
    }

    /// Sends the browser to `location`, where `flash` is shown.
    #[must_use]
    pub fn redirect_with(&self, location: &str, flash: Flash) -> HttpResponse {
        if let Some(authed) = &self.authed {
            return authed.redirect_with(location, flash);
        }
        let mut response = urls::see_other(location);
        flash::leave(&self.app, &mut response, &flash);
        response
    }

    /// Hands out a visitor's secret.
    pub fn let_in(&self, response: &mut HttpResponse, secret: String) -> AppResult<()> {
        let name = cookies::guest_name(&self.app.config);
        let cookie = cookies::lasting(&self.app.config, name, secret, KEPT_DAYS);
        response.add_cookie(&cookie).map_err(|error| AppError::Internal(error.into()))
    }

    /// Takes the visitor's secret away.
    pub fn let_out(&self, response: &mut HttpResponse) -> AppResult<()> {
        let name = cookies::guest_name(&self.app.config);
        let mut gone = cookies::lasting(&self.app.config, name, String::new(), KEPT_DAYS);
        gone.make_removal();
        response.add_cookie(&gone).map_err(|error| AppError::Internal(error.into()))
    }
}

impl FromRequest for Visit {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Some(app) = request.app_data::<web::Data<App>>() else {
            return ready(Err(AppError::Internal(anyhow::anyhow!("the app is not mounted"))));
        };
        let authed = AuthedRequest::from_request(request, payload).into_inner().ok();
        let guest = request
            .cookie(&cookies::guest_name(&app.config))
            .filter(|cookie| session_store::is_token(cookie.value()))
            .map(|cookie| SecretHash::of(cookie.value()));
        ready(Ok(Self { app: app.clone(), request: request.clone(), authed, guest }))
    }
}
