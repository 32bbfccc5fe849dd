//! Bodies of programs: read whole, within a bound, and never many large ones at once.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::AppError;

/// Bodies up to here are read whenever they come.
const SMALL: usize = 256 * 1024;
/// How long a larger one waits for the others.
const PATIENCE: Duration = Duration::from_secs(8);

/// A body that was read. A large one keeps its room until it is dropped.
#[derive(Debug)]
pub struct Body {
    pub bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

impl Body {
    /// The bytes, and what gives their room back.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, Option<OwnedSemaphorePermit>) {
        (self.bytes, self.room)
    }
}

/// Reads a body of `most` bytes at most.
///
/// # Errors
/// [`AppError::TooLarge`]; [`AppError::NotJson`] when it is packed; [`AppError::Unavailable`] when too many large ones
/// are being read.
pub async fn read(
    request: &HttpRequest,
    mut payload: web::Payload,
    most: usize,
    room: &Arc<Semaphore>,
) -> Result<Body, AppError> {
    let headers = request.headers();
    let is_plain = |value: &header::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).all(is_plain) {
        return Err(AppError::NotJson);
    }
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > most as u64) {
        return Err(AppError::TooLarge);
    }
    let (mut bytes, mut held) = (Vec::new(), None);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk
            .map_err(|_| AppError::BadRequest("The body did not arrive whole. Send it again.".to_owned()))?;
        if bytes.len() + chunk.len() > most {
            return Err(AppError::TooLarge);
        }
        if held.is_none() && bytes.len() + chunk.len() > SMALL {
            let permit = tokio::time::timeout(PATIENCE, Arc::clone(room).acquire_owned()).await;
            let busy = || AppError::Unavailable("too many large bodies are being read".to_owned());
            held = Some(permit.map_err(|_| busy())?.map_err(|_| busy())?);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { bytes, room: held })
}
