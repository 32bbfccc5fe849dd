//! How often a token may ask: the answer says how much is left, and what is over waits.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};

use super::api_request;
use crate::app::App;
use crate::db::SecretHash;
use crate::error::AppError;

/// A token that the database let in, left for the answer.
#[derive(Debug, Clone)]
pub struct LetIn(pub SecretHash);

/// Counts a request that carries a token, and tells what is left.
pub async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let rate = request.app_data::<web::Data<App>>().map(|app| app.token_rate.clone());
    let (Some(rate), Some(token)) = (rate, api_request::token(request.request())) else {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let mut counted = rate.count_known(&token);
    let mut response = match counted {
        Some(Err(retry_after)) => {
            let refusal = AppError::TooMany { retry_after }.error_response();
            request.into_response(refusal).map_into_right_body()
        }
        _ => next.call(request).await?.map_into_left_body(),
    };
    let let_in = response.request().extensions_mut().remove::<LetIn>();
    if counted.is_none() {
        counted = let_in.map(|LetIn(token)| rate.count_new(token));
    }
    if let Some(counted) = counted {
        let wait = counted.err().unwrap_or(0);
        let left = counted.unwrap_or(0);
        for (name, value) in [
            ("ratelimit-limit", u64::from(rate.a_minute)),
            ("ratelimit-remaining", u64::from(left)),
            ("ratelimit-reset", wait),
        ] {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
    Ok(response)
}
