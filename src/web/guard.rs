//! What surrounds every request: its id, its deadline, and what happens when a handler panics.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web};
use futures_util::FutureExt;
use tracing::Instrument;

use crate::app::App;
use crate::error::AppError;

/// The id of one request, in every record and log line that it leads to.
#[derive(Debug, Clone)]
struct RequestId(String);

/// The id of `request`.
#[must_use]
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// `path` as logs may hold it: the address of a one-time link is a secret.
fn loggable(path: &str) -> &str {
    if path.starts_with("/passwords/") { "/passwords/…" } else { path }
}

/// Gives the request an id and a span, and logs how it was answered.
///
/// # Errors
/// Whatever the inner service answers.
pub async fn identify<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = request
        .app_data::<web::Data<App>>()
        .map(|app| app.entropy.uuid().simple().to_string())
        .unwrap_or_default();
    request.extensions_mut().insert(RequestId(id.clone()));
    let draining = request.app_data::<web::Data<App>>().map(|app| app.draining.clone()).unwrap_or_default();
    let span =
        tracing::info_span!("request", %id, method = %request.method(), path = loggable(request.path()));
    let started = std::time::Instant::now();
    let mut result = next.call(request).instrument(span.clone()).await;
    if draining.has_begun()
        && let Ok(response) = &mut result
    {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let status = match &result {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::debug!(status = status.as_u16(), millis, "answered"));
    result
}

/// Ends a handler at its deadline (a body that trickles in would hold its connection for ever), and turns its panic into a 500 instead of a dropped connection.
///
/// Wraps each route, not the router: the router needs the request for itself, and an answer needs it back.
///
/// # Errors
/// Whatever the inner service answers.
pub async fn contain<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let kept = request.request().clone();
    let deadlines = request.app_data::<web::Data<App>>().map(|app| app.deadlines).unwrap_or_default();
    let work = AssertUnwindSafe(next.call(request)).catch_unwind();
    let error = match tokio::time::timeout(deadlines.request, work).await {
        Ok(Ok(result)) => return result.map(ServiceResponse::map_into_left_body),
        Ok(Err(_panic)) => AppError::Internal(anyhow::anyhow!("a handler panicked")),
        Err(_) => AppError::RequestTimeout,
    };
    Ok(ServiceResponse::new(kept, error.error_response()).map_into_right_body())
}

/// Where `request` came from: the peer, or what trusted proxies say in `X-Forwarded-For`, read from the
/// right up to the first address that is not theirs.
#[must_use]
pub fn client_ip(request: &HttpRequest) -> Option<IpAddr> {
    // An IPv4 client of an IPv6 socket is an IPv4 client: else all of them would be one network.
    let peer = request.peer_addr()?.ip().to_canonical();
    let app = request.app_data::<web::Data<App>>()?;
    let trusted = |ip: IpAddr| app.config.trusted_proxies.iter().any(|network| network.contains(ip));
    if !trusted(peer) {
        return Some(peer);
    }
    let mut client = peer;
    let lines = request.headers().get_all("x-forwarded-for");
    let hops: Vec<&str> = lines.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).collect();
    for hop in hops.into_iter().rev() {
        let Ok(ip) = hop.trim().parse::<IpAddr>() else { break };
        let ip = ip.to_canonical();
        client = ip;
        if !trusted(ip) {
            break;
        }
    }
    Some(client)
}
