//! One request of a program: by a token, or in the session of somebody who is signed in.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use diesel::PgConnection;

use super::authed_request::AuthedRequest;
use super::guard;
use super::token_rate::LetIn;
use crate::app::App;
use crate::db::ids::{ProjectId, UserId};
use crate::db::{Actor, DbError, SecretHash};
use crate::error::{AppError, AppResult};
use crate::identity::{Role, Viewer};
use crate::tokens::{self, Scope, Token};

/// Who asks. A request with an Authorization header is its token's, whatever cookie comes with it.
#[derive(Debug, Clone)]
pub enum ApiRequest {
    Session(AuthedRequest),
    Token(TokenRequest),
}

#[derive(Debug, Clone)]
pub struct TokenRequest {
    app: web::Data<App>,
    request: HttpRequest,
    credential: SecretHash,
}

/// Whose rights a request of the API has, as its transaction found out.
#[derive(Debug, Clone)]
pub enum Caller {
    Viewer(Viewer),
    Token(Token),
}

impl Caller {
    /// The user whom records name when nobody else is told; a token is no user.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Viewer(viewer) => Some(viewer.id),
            Self::Token(_) => None,
        }
    }

    /// Whether what is written may name other users: an owner speaks for themself alone.
    #[must_use]
    pub fn speaks_for_others(&self) -> bool {
        match self {
            Self::Viewer(viewer) => viewer.role == Role::Admin,
            Self::Token(_) => true,
        }
    }
}

/// The hash of the token that `request` carries, if it carries one as it should.
#[must_use]
pub fn token(request: &HttpRequest) -> Option<SecretHash> {
    let mut lines = request.headers().get_all(header::AUTHORIZATION);
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with("ph_") && token.len() <= 200)
        .then(|| SecretHash::of(token))
}

impl ApiRequest {
    /// Reads in one READ ONLY transaction as the caller; a token needs the scope `read`.
    ///
    /// # Errors
    /// What `work` answers; [`AppError::SignIn`] without a living session or token; [`AppError::Forbidden`] without
    /// the scope.
    pub async fn read<T, F>(&self, work: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Caller) -> AppResult<T> + Send + 'static,
    {
        match self {
            Self::Session(authed) => {
                let as_caller =
                    |conn: &mut PgConnection, viewer: &Viewer| work(conn, &Caller::Viewer(viewer.clone()));
                authed.read(as_caller).await.map(|(_, value)| value)
            }
            Self::Token(request) => {
                let actor = Actor::Token(request.credential.clone());
                let answer = request.app.db.read(&actor, move |conn| {
                    as_token(conn, Scope::Read, None, |conn, caller| work(conn, caller))
                });
                request.recognise(answer.await)
            }
        }
    }

    /// Writes in one transaction as the caller; a token needs `scope`, and sees `project` or gets a 404.
    ///
    /// # Errors
    /// As [`ApiRequest::read`].
    pub async fn write<T, F>(&self, scope: Scope, project: Option<ProjectId>, work: F) -> AppResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection, &Caller) -> AppResult<T> + Clone + Send + 'static,
    {
        match self {
            Self::Session(authed) => {
                let as_caller = move |conn: &mut PgConnection, viewer: &Viewer| {
                    if let Some(project) = project
                        && !crate::auth::viewer::sees_project(conn, project)?
                    {
                        return Err(AppError::NotFound);
                    }
                    work(conn, &Caller::Viewer(viewer.clone()))
                };
                authed.write(as_caller).await.map(|(_, value)| value)
            }
            Self::Token(request) => {
                let actor = Actor::Token(request.credential.clone());
                let answer = request.app.db.write(&actor, move |conn| as_token(conn, scope, project, work));
                request.recognise(answer.await)
            }
        }
    }

    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        match self {
            Self::Session(authed) => &authed.request,
            Self::Token(request) => &request.request,
        }
    }

    #[must_use]
    pub fn app(&self) -> &App {
        match self {
            Self::Session(authed) => &authed.app,
            Self::Token(request) => &request.app,
        }
    }
}

/// What a transaction of a token came to, and the token if it was let in.
struct Failed {
    token: Option<Box<Token>>,
    error: AppError,
}

impl<E: Into<AppError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { token: None, error: error.into() }
    }
}

fn as_token<T>(
    conn: &mut PgConnection,
    scope: Scope,
    project: Option<ProjectId>,
    work: impl FnOnce(&mut PgConnection, &Caller) -> AppResult<T>,
) -> Result<(Token, T), Failed> {
    let (token, sees) = tokens::current(conn, project).map_err(|error: DbError| Failed::from(error))?;
    let refused = if project.is_some() && !sees {
        Some(AppError::NotFound)
    } else if token.may(scope) {
        None
    } else {
        Some(AppError::Forbidden(format!(
            "This token may not do that: it lacks the scope {}. Make one that has it.",
            scope.as_str()
        )))
    };
    let caller = Caller::Token(token.clone());
    match refused.map_or_else(|| work(conn, &caller), Err) {
        Ok(value) => Ok((token, value)),
        Err(error) => Err(Failed { token: Some(Box::new(token)), error }),
    }
}

impl TokenRequest {
    /// Leaves what the answer tells of the token, and writes that it was used.
    fn recognise<T>(&self, answer: Result<(Token, T), Failed>) -> AppResult<T> {
        let (token, result) = match answer {
            Ok((token, value)) => (Some(token), Ok(value)),
            Err(Failed { token, error }) => (token.map(|token| *token), Err(error)),
        };
        if let Some(token) = token {
            self.request.extensions_mut().insert(LetIn(self.credential.clone()));
            if token.touch_due {
                self.touch(&token);
            }
        }
        result
    }

    /// Beside the request: nobody waits for it.
    fn touch(&self, token: &Token) {
        let (db, id, ip) = (self.app.db.clone(), token.id, guard::client_ip(&self.request));
        actix_web::rt::spawn(async move {
            let touched =
                db.write(&Actor::Gate, move |conn| tokens::touch(conn, id, ip).map_err(AppError::from));
            if let Err(error) = touched.await {
                tracing::debug!(%error, "a token's last use was not written");
            }
        });
    }
}

impl FromRequest for ApiRequest {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return ready(AuthedRequest::from_request(request, payload).into_inner().map(Self::Session));
        }
        let app = request.app_data::<web::Data<App>>().cloned();
        ready(match (app, token(request)) {
            (Some(app), Some(credential)) => {
                Ok(Self::Token(TokenRequest { app, request: request.clone(), credential }))
            }
            _ => Err(AppError::SignIn),
        })
    }
}
