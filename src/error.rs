//! What can go wrong for a caller, in few kinds with one exact mapping to HTTP.
//!
//! An error carries what a person may know. Causes are logged once, where the answer is made
//! ([`crate::web::error_page`] for pages, [`crate::http::problem`] for JSON), and never shown.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use diesel::result::Error as DieselError;

use crate::auth::queue::{Busy, QueueError};
use crate::db::DbError;

/// The answer of everything that can fail in a request.
pub type AppResult<T> = Result<T, AppError>;

/// What is wrong with one field of what a program sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldProblem {
    /// Where it stands, such as `activities[3].status`.
    pub field: String,
    /// What to do about it.
    pub detail: String,
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// It does not exist, or not for this viewer.
    #[error("not found")]
    NotFound,
    /// The viewer has to sign in first.
    #[error("sign in first")]
    SignIn,
    /// A delivery's signature is missing or wrong.
    #[error("not signed with the webhook's secret")]
    Unsigned,
    /// The request came from another site, or without proof that it did not.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// The request makes no sense; the text says what to do instead.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Fields of what a program sent can't be taken, and with them none of the rest.
    #[error("{} fields can't be taken", .0.len())]
    Fields(Vec<FieldProblem>),
    /// It is at odds with what there is already, or with the same request on its way.
    #[error("conflict: {detail}")]
    Conflict {
        detail: String,
        /// Seconds, when trying again makes sense.
        retry_after: Option<u64>,
    },
    /// A key that was used for another request.
    #[error("unprocessable: {0}")]
    Unprocessable(String),
    /// The body is no JSON by its own words.
    #[error("not JSON")]
    NotJson,
    /// The body is of a type that this address does not take.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// The body is larger than this address takes.
    #[error("the body is too large")]
    TooLarge,
    /// The method does not exist here.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The client took too long to send its request.
    #[error("the request took too long to arrive")]
    RequestTimeout,
    #[error("too many requests; retry in {retry_after} s")]
    TooMany {
        /// Seconds.
        retry_after: u64,
    },
    /// Too many changes by one user within a minute.
    #[error("too many changes; retry in {retry_after} s")]
    TooManyActs {
        /// Seconds.
        retry_after: u64,
    },
    /// Too many exports within a minute.
    #[error("too many exports; retry in {retry_after} s")]
    TooManyExports {
        /// How many may be started.
        most: usize,
        /// Seconds.
        retry_after: u64,
    },
    /// Too many passwords are being checked or set.
    #[error("too many passwords are being checked")]
    Busy,
    /// Too many answers wait for somebody to take them.
    #[error("too many answers are not taken")]
    Untaken,
    /// Something that the console depends on is not there; the text is for the log.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The container engine is not connected; the text is for the page.
    #[error("no engine: {0}")]
    NoEngine(String),
    /// The database did not say in time whether it kept a change.
    #[error("it is not certain whether a change was committed")]
    Uncertain,
    /// The database takes no writes at present.
    #[error("the database is read-only")]
    ReadOnly,
    /// A defect. The cause is logged; the page names only the request's id.
    #[error("internal: {0}")]
    Internal(anyhow::Error),
}

impl AppError {
    /// The status that this kind of error answers with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignIn | Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Fields(_) | Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::UnsupportedMediaType | Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany { .. } | Self::TooManyActs { .. } | Self::TooManyExports { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Busy
            | Self::Untaken
            | Self::Unavailable(_)
            | Self::ReadOnly
            | Self::Uncertain
            | Self::NoEngine(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which a retry makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after }
            | Self::TooManyActs { retry_after }
            | Self::TooManyExports { retry_after, .. } => Some(*retry_after),
            Self::Conflict { retry_after, .. } => *retry_after,
            Self::Unavailable(_) | Self::ReadOnly | Self::Uncertain => Some(1),
            Self::Busy => Some(2),
            Self::Untaken | Self::NoEngine(_) => Some(5),
            _ => None,
        }
    }

    /// What the person may read: what happened, and what to do.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::NotFound => "There is nothing at this address, or it is not yours to see.".to_owned(),
            Self::SignIn => "Sign in to continue.".to_owned(),
            Self::Unsigned => {
                "X-Hub-Signature-256 does not sign this body with the webhook's secret.".to_owned()
            }
            Self::NoEngine(reason) => reason.clone(),
            Self::Forbidden(message) | Self::BadRequest(message) | Self::Unprocessable(message) => {
                message.clone()
            }
            Self::Conflict { detail, .. } => detail.clone(),
            Self::Fields(problems) => match problems.first() {
                Some(FieldProblem { field, detail }) if problems.len() == 1 => {
                    format!("{field}: {detail} Nothing of the request was kept.")
                }
                _ => format!("{} fields can't be taken. Nothing of the request was kept.", problems.len()),
            },
            Self::NotJson => {
                "Send the body as application/json, as it is: neither packed nor as a form.".to_owned()
            }
            Self::UnsupportedMediaType => "Send the form as application/x-www-form-urlencoded.".to_owned(),
            Self::TooLarge => "What was sent is larger than this address takes.".to_owned(),
            Self::MethodNotAllowed => "This address does not take that method.".to_owned(),
            Self::RequestTimeout => "The request took too long to arrive. Send it again.".to_owned(),
            Self::TooMany { retry_after } => {
                format!("Too many tries. Wait {} and try again.", seconds(*retry_after))
            }
            Self::TooManyActs { retry_after } => format!(
                "You have changed more within a minute than people do. This change was not made, and what you typed \
                 is kept. Wait {} and send it again.",
                seconds(*retry_after)
            ),
            Self::TooManyExports { most, retry_after } => format!(
                "You have started {most} exports within a minute, which is the most. Those go on. \
                 Wait {}, go back and export again.",
                seconds(*retry_after)
            ),
            Self::Busy => {
                "Too many passwords are being checked right now. Nothing was changed. Try again in a moment."
                    .to_owned()
            }
            Self::Unavailable(_) => {
                "The database can't be reached right now. Nothing was changed. Try again in a moment."
                    .to_owned()
            }
            Self::Untaken => {
                "Too many large answers wait for somebody to read them. Let those arrive, then ask again."
                    .to_owned()
            }
            Self::Uncertain => {
                "The database did not answer in time, and it is not certain whether your change was saved. \
                 Look before you try again."
                    .to_owned()
            }
            Self::ReadOnly => {
                "The database takes no changes right now. Reading works; try again in a moment.".to_owned()
            }
            Self::Internal(_) => "Something in the console failed. The log has the cause.".to_owned(),
        }
    }
}

/// "1 second", "40 seconds".
#[must_use]
pub fn seconds(count: u64) -> String {
    if count == 1 { "1 second".to_owned() } else { format!("{count} seconds") }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NoSession | DbError::NoToken | DbError::NoGuest => Self::SignIn,
            DbError::Unavailable(reason) => Self::Unavailable(reason),
            DbError::ReadOnly => Self::ReadOnly,
            DbError::Uncertain => Self::Uncertain,
            DbError::Query(error) => Self::Internal(error.into()),
        }
    }
}

impl From<Busy> for AppError {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

impl From<QueueError> for AppError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Busy(busy) => busy.into(),
            QueueError::Hash(error) => Self::Internal(error),
            QueueError::Database(error) => error.into(),
        }
    }
}

impl From<DieselError> for AppError {
    fn from(error: DieselError) -> Self {
        DbError::from(error).into()
    }
}

/// What an answer was made from; a middleware of the surface turns it into a page or a problem.
#[derive(Debug, Clone)]
pub struct ErrorInfo {
    pub status: StatusCode,
    /// What the person may read.
    pub detail: String,
    /// Field by field, for programs.
    pub fields: Vec<FieldProblem>,
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status();
        // A crowd at the sign-in is no defect, and may not fill the log.
        if status.is_server_error() && !matches!(self, Self::Busy) {
            tracing::error!(cause = format!("{self:#}"), "a request failed");
        }
        let mut builder = HttpResponse::build(status);
        if let Some(seconds) = self.retry_after() {
            builder.insert_header(("Retry-After", seconds.to_string()));
        }
        let mut response = builder.finish();
        response.extensions_mut().insert(ErrorInfo {
            status,
            detail: self.detail(),
            fields: if let Self::Fields(problems) = self { problems.clone() } else { Vec::new() },
        });
        response
    }
}
