//! One request of a signed-in person: who they are, and the transaction that their page is read in.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use diesel::PgConnection;
use std::future::{Ready, ready};

use super::{guard, session_store};
use crate::app::App;
use crate::auth::{sessions, viewer};
use crate::db::ids::SessionId;
use crate::db::{Actor, Db, DbError, SecretHash};
use crate::error::{AppError, AppResult};
use crate::identity::{Admin, Origin, Principal, Viewer};

/// A request with a session cookie whose signature holds. Whether the session still lives is known once
/// [`AuthedRequest::read`] or [`AuthedRequest::write`] has opened the transaction, in the same round trip.
#[derive(Debug, Clone)]
pub struct AuthedRequest {
    /// The process.
    pub app: web::Data<App>,
    pub request: HttpRequest,
    /// The hash of the session's token.
    pub credential: SecretHash,
}

/// Where `request` came from, for records.
#[must_use]
pub fn origin_of(request: &HttpRequest) -> Origin {
    let user_agent = request
        .headers()
        .get(header::USER_AGENT)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).replace('\0', "").chars().take(500).collect());
    Origin { request_id: Some(guard::request_id(request)), ip: guard::client_ip(request), user_agent }
}

/// The viewer whom a request found, left for the error page, which shows the same frame.
#[derive(Debug, Clone)]
pub struct SeenViewer(pub Viewer);

/// The request came with a session that is over: the sign-in page says so.
#[derive(Debug, Clone, Copy)]
pub struct SessionEnded;

impl AuthedRequest {
    /// Reads what a page shows, in one READ ONLY transaction as the viewer.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::SignIn`] without a living session.
    pub async fn read<T, F>(&self, work: F) -> AppResult<(Viewer, T)>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Viewer) -> AppResult<T> + Send + 'static,
    {
        let find = |conn: &mut PgConnection| Ok((viewer::current(conn)?, ()));
        self.read_found(find, |conn, viewer, ()| work(conn, viewer)).await
    }

    /// [`AuthedRequest::read`] with what `find` finds in the round trip that finds the viewer.
    ///
    /// # Errors
    /// What `find` and `work` answer; [`AppError::SignIn`] without a living session.
    pub async fn read_found<X, T, F, W>(&self, find: F, work: W) -> AppResult<(Viewer, T)>
    where
        X: Send + 'static,
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<(Viewer, X), DbError> + Send + 'static,
        W: FnOnce(&mut PgConnection, &Viewer, X) -> AppResult<T> + Send + 'static,
    {
        let actor = Actor::Session(self.credential.clone());
        let answer = self.app.db.read(&actor, move |conn| as_found(conn, find, work)).await;
        let (viewer, result) = self.recognise(answer)?;
        if viewer.touch_due && !self.is_of_a_page_itself() {
            self.touch(viewer.session);
        }
        Ok((viewer, result?))
    }

    /// Changes something, in one transaction as the viewer; an error rolls back everything. After a conflict
    /// with another transaction `work` is run again, so it does nothing but ask the database.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::SignIn`] without a living session; [`AppError::TooManyActs`].
    pub async fn write<T, F>(&self, work: F) -> AppResult<(Viewer, T)>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Viewer) -> AppResult<T> + Clone + Send + 'static,
    {
        let act_rate = self.app.act_rate.clone();
        let counted = move |conn: &mut PgConnection, viewer: &Viewer| {
            act_rate.count(viewer.id).map_err(|retry_after| AppError::TooManyActs { retry_after })?;
            work(conn, viewer).inspect_err(|_| act_rate.take_back(viewer.id))
        };
        self.write_uncounted(counted).await
    }

    /// [`AuthedRequest::write`] for what must be possible however much its viewer has done: leaving.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::SignIn`] without a living session.
    pub async fn write_uncounted<T, F>(&self, work: F) -> AppResult<(Viewer, T)>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Viewer) -> AppResult<T> + Clone + Send + 'static,
    {
        let actor = Actor::Session(self.credential.clone());
        let answer = self.app.db.write(&actor, move |conn| as_viewer(conn, work)).await;
        let (viewer, result) = self.recognise(answer)?;
        Ok((viewer, result?))
    }

    /// [`AuthedRequest::read`] for a page of admins; for others it does not exist.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::NotFound`] for an owner.
    pub async fn read_as_admin<T, F>(&self, work: F) -> AppResult<(Viewer, T)>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Admin) -> AppResult<T> + Send + 'static,
    {
        self.read(move |conn, viewer| work(conn, &viewer.as_admin().ok_or(AppError::NotFound)?)).await
    }

    /// [`AuthedRequest::write`] for an act of admins; for others its address does not exist.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::NotFound`] for an owner.
    pub async fn write_as_admin<T, F>(&self, work: F) -> AppResult<(Viewer, T)>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Admin) -> AppResult<T> + Clone + Send + 'static,
    {
        self.write(move |conn, viewer| work(conn, &viewer.as_admin().ok_or(AppError::NotFound)?)).await
    }

    /// The request once its session goes on under a new token, for what is left for the next page.
    #[must_use]
    pub fn going_on_as(self, credential: SecretHash) -> Self {
        Self { credential, ..self }
    }

    /// What makes a viewer of this request the principal of an act.
    pub fn principal(&self) -> impl FnOnce(&Viewer) -> Principal + Clone + Send + 'static {
        let app = self.app.clone();
        let origin = origin_of(&self.request);
        move |viewer| Principal::viewer(viewer, origin, app.clock.now())
    }

    /// What reads on while the answer is sent.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { db: self.app.db.clone(), actor: Actor::Session(self.credential.clone()) }
    }

    /// Leaves the viewer for the error page, also when their request failed; without one the cookie goes.
    /// A page that asks again by itself says so: nobody is there to be counted as active.
    #[must_use]
    pub fn is_of_a_page_itself(&self) -> bool {
        self.request.headers().contains_key("pilothouse-live") || self.request.path() == "/live"
    }

    fn recognise<T>(&self, answer: Result<(Viewer, T), Failed>) -> AppResult<(Viewer, AppResult<T>)> {
        let (viewer, result) = match answer {
            Ok((viewer, value)) => (viewer, Ok(value)),
            Err(Failed { viewer: Some(viewer), error }) => (*viewer, Err(error)),
            Err(Failed { viewer: None, error }) => {
                if matches!(error, AppError::SignIn) {
                    self.app.recent_viewers.forget(&self.credential);
                    session_store::forget(&self.request);
                    self.request.extensions_mut().insert(SessionEnded);
                } else if let Some(viewer) =
                    self.app.recent_viewers.of(&self.credential, self.app.clock.now())
                {
                    self.request.extensions_mut().insert(SeenViewer(viewer));
                }
                return Err(error);
            }
        };
        self.app.recent_viewers.remember(&self.credential, &viewer, self.app.clock.now());
        let mut extensions = self.request.extensions_mut();
        extensions.insert(guard::AskedBy(viewer.id));
        extensions.insert(SeenViewer(viewer.clone()));
        Ok((viewer, result))
    }

    /// Writes that the session was used, beside the request: nobody waits for it.
    fn touch(&self, session: SessionId) {
        let db = self.app.db.clone();
        actix_web::rt::spawn(async move {
            let touched = db
                .write(&Actor::Gate, move |conn| sessions::touch(conn, session).map_err(AppError::from))
                .await;
            if let Err(error) = touched {
                tracing::debug!(%error, "a session's last activity was not written");
            }
        });
    }
}

/// Reads on in the session of a request whose answer has begun already: each time anew as what the session is by
/// then, or not at all once it has ended.
#[derive(Debug, Clone)]
pub struct Reader {
    db: Db,
    actor: Actor,
}

impl Reader {
    /// [`AuthedRequest::read`], without a page to show an error on.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::SignIn`] once the session has ended.
    pub async fn read<T, F>(&self, work: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Viewer) -> AppResult<T> + Send + 'static,
    {
        let read = self.db.read(&self.actor, move |conn| as_viewer(conn, work)).await;
        read.map(|(_, value)| value).map_err(|failed: Failed| failed.error)
    }
}

/// A transaction that ended with an error, and whose it was, as far as that was known by then.
struct Failed {
    viewer: Option<Box<Viewer>>,
    error: AppError,
}

impl<E: Into<AppError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { viewer: None, error: error.into() }
    }
}

fn as_viewer<T, F>(conn: &mut PgConnection, work: F) -> Result<(Viewer, T), Failed>
where
    F: FnOnce(&mut PgConnection, &Viewer) -> AppResult<T>,
{
    as_found(conn, |conn| Ok((viewer::current(conn)?, ())), |conn, viewer, ()| work(conn, viewer))
}

/// Runs `work` with the viewer and what else `find` found.
fn as_found<X, T>(
    conn: &mut PgConnection,
    find: impl FnOnce(&mut PgConnection) -> Result<(Viewer, X), DbError>,
    work: impl FnOnce(&mut PgConnection, &Viewer, X) -> AppResult<T>,
) -> Result<(Viewer, T), Failed> {
    let (viewer, found) = find(conn)?;
    match work(conn, &viewer, found) {
        Ok(value) => Ok((viewer, value)),
        Err(error) => Err(Failed { viewer: Some(Box::new(viewer)), error }),
    }
}

impl FromRequest for AuthedRequest {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let authed = match (request.app_data::<web::Data<App>>(), session_store::credential(request)) {
            (Some(app), Some(credential)) => {
                Ok(Self { app: app.clone(), request: request.clone(), credential })
            }
            (Some(_), None) => Err(AppError::SignIn),
            (None, _) => Err(AppError::Internal(anyhow::anyhow!("the app is not mounted"))),
        };
        ready(authed)
    }
}
