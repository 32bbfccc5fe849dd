//! Carries the session token between cookie and request, without a query of its own.
//!
//! The `sessions` table is asked once, by `pilothouse.enter` in the batch that opens the request's
//! transaction, and written by the act that starts or ends a session, in that act's transaction
//! ([`crate::auth::sessions`]). So the store never writes: an update of a missing session can't bring it back,
//! and a race against a sign-out can't either.

use std::collections::HashMap;

use actix_session::SessionExt;
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;

use crate::db::SecretHash;

/// The only key of a session's state.
const TOKEN: &str = "token";

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct TokenStore;

impl SessionStore for TokenStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        // actix-session keeps every value as JSON; a token needs no escaping.
        Ok(is_token(key.as_ref())
            .then(|| HashMap::from([(TOKEN.to_owned(), format!("\"{}\"", key.as_ref()))])))
    }

    async fn save(&self, state: HashMap<String, String>, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        let token = state.get(TOKEN).map(|json| json.trim_matches('"').to_owned()).unwrap_or_default();
        SessionKey::try_from(token).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        key: SessionKey,
        _state: HashMap<String, String>,
        _ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        Ok(key)
    }

    async fn update_ttl(&self, _key: &SessionKey, _ttl: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, _key: &SessionKey) -> Result<(), anyhow::Error> {
        Ok(())
    }
}

/// Whether `text` is what a session's cookie carries.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

/// The hash of the session token that came with `request`, if its cookie's signature holds.
#[must_use]
pub fn credential(request: &HttpRequest) -> Option<SecretHash> {
    let token: String = request.get_session().get(TOKEN).ok()??;
    Some(SecretHash::of(&token))
}

/// Makes the answer carry `token` in place of whatever session the request came with.
///
/// # Errors
/// When the state can't be written, which a text of hex digits never causes.
pub fn hand_out(request: &HttpRequest, token: &str) -> anyhow::Result<()> {
    let session = request.get_session();
    session.renew();
    session.insert(TOKEN, token)?;
    Ok(())
}

/// Makes the answer remove the session cookie.
pub fn forget(request: &HttpRequest) {
    request.get_session().purge();
}
