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
use crate::db::ids::UserId;
use crate::db::load::{self, Asker};
use crate::error::AppError;

/// The id of one request, in every record and log line that it leads to.
#[derive(Debug, Clone)]
struct RequestId(String);

/// Who asks, once that is known.
#[derive(Debug, Clone, Copy)]
pub struct AskedBy(pub UserId);

#[must_use]
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// `path` as logs may hold it: the address of a one-time link is a secret.
fn loggable(path: &str) -> &str {
    if path.starts_with("/passwords/") { "/passwords/…" } else { path }
}

/// Gives the request an id and a span, and writes a line of the access log. That names the route and not the path, which
/// may hold what was searched for, or a secret.
pub async fn identify<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let app = request.app_data::<web::Data<App>>().cloned();
    let id = app.as_ref().map(|app| app.entropy.uuid().simple().to_string()).unwrap_or_default();
    request.extensions_mut().insert(RequestId(id.clone()));
    let span =
        tracing::info_span!("request", %id, method = %request.method(), path = loggable(request.path()));
    let started = std::time::Instant::now();
    let mut result = next.call(request).instrument(span).await;
    let Some(app) = app else { return result };
    if app.draining.has_begun()
        && let Ok(response) = &mut result
    {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    if let Ok(response) = &result {
        let request = response.request();
        let (method, route) = (request.method().as_str(), request.match_pattern());
        app.metrics.note_request(method, route.as_deref(), response.status().as_u16(), started.elapsed());
    }
    if app.config.access_log
        && let Ok(response) = &result
    {
        let request = response.request();
        let user = request.extensions().get::<AskedBy>().map(|asked_by| asked_by.0);
        tracing::info!(
            target: "pilothouse::access",
            parent: None,
            method = request.method().as_str(),
            route = request.match_pattern(),
            status = response.status().as_u16(),
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id = id,
            user_id = user.map(tracing::field::display),
            "answered"
        );
    }
    result
}

/// Ends a handler at its deadline (a body that trickles in would hold its connection for ever), and turns its panic into a 500 instead of a dropped connection.
///
/// Wraps each route, not the router: the router needs the request for itself, and an answer needs it back.
pub async fn contain<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let kept = request.request().clone();
    let deadlines = request.app_data::<web::Data<App>>().map(|app| app.deadlines).unwrap_or_default();
    let asker = Asker {
        route: format!("{} {}", kept.method(), kept.match_pattern().unwrap_or_default()),
        request_id: request_id(&kept),
    };
    let work = AssertUnwindSafe(load::asking(asker, next.call(request))).catch_unwind();
    let error = match tokio::time::timeout(deadlines.request, work).await {
        Ok(Ok(result)) => return result.map(ServiceResponse::map_into_left_body),
        Ok(Err(_panic)) => AppError::Internal(anyhow::anyhow!("a handler panicked")),
        Err(_) => AppError::RequestTimeout,
    };
    Ok(ServiceResponse::new(kept, error.error_response()).map_into_right_body())
}

/// Where `request` came from: the peer, or what trusted proxies say in `X-Forwarded-For`, read from the
/// right up to the first address that is not theirs. What names no address ends the walk: whatever stands
/// before it was vouched for by nobody.
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
    // A line that is no text is a hop that can't be read, not one less.
    let hops: Vec<&str> = lines.flat_map(|line| line.to_str().unwrap_or("unreadable").split(',')).collect();
    for hop in hops.into_iter().rev().map(str::trim).filter(|hop| !hop.is_empty()) {
        let Some(ip) = hop_address(hop) else { break };
        client = ip;
        if !trusted(ip) {
            break;
        }
    }
    Some(client)
}

/// What proxies add to a request that they pass on.
const FORWARDING: [&str; 8] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-real-ip",
    "x-client-ip",
    "via",
];

/// Whether a program on this machine asks, and no proxy for somebody else.
#[must_use]
pub fn is_from_this_machine(request: &HttpRequest) -> bool {
    request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && !FORWARDING.iter().any(|name| request.headers().contains_key(*name))
}

/// The address in one element of `X-Forwarded-For`: IPv4 or IPv6, as it is or in brackets, with or without a port,
/// a zone or quotes.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.strip_prefix('"').map_or(Some(hop), |rest| rest.strip_suffix('"'))?.trim();
    let (address, port) = match hop.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        // One colon parts address and port; more of them are an IPv6 address.
        None if hop.matches(':').count() == 1 => hop.split_at(hop.find(':')?),
        None => (hop, ""),
    };
    if !port.is_empty() && port.strip_prefix(':')?.parse::<u16>().is_err() {
        return None;
    }
    let ip = match address.split_once('%') {
        Some((address, zone)) if !zone.is_empty() => IpAddr::V6(address.parse().ok()?),
        Some(_) => return None,
        None => address.parse().ok()?,
    };
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_port_brackets_quotes_and_zone() {
        for (hop, address) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:51234", "203.0.113.7"),
            ("[203.0.113.7]:51234", "203.0.113.7"),
            ("\"203.0.113.7:51234\"", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:443", "fe80::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
            ("::ffff:cb00:7107", "203.0.113.7"),
            // Not a port: an address of its own.
            ("2001:db8::1:443", "2001:db8::1:443"),
        ] {
            assert_eq!(hop_address(hop), Some(address.parse().unwrap()), "{hop}");
        }
        for garbage in [
            "unknown",
            "_hidden",
            "localhost",
            "203.0.113",
            "203.0.113.7.8",
            "203.0.113.07",
            "203.0.113.7:",
            "203.0.113.7:x",
            "203.0.113.7:65536",
            "203.0.113.7:-1",
            "203.0.113.7%eth0",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]443",
            "[2001:db8::1]:",
            "[]",
            "[]:443",
            "fe80::1%",
            "\"203.0.113.7",
            "\"\"",
            "for=203.0.113.7",
            "http://203.0.113.7",
            "203.0.113.7 203.0.113.8",
        ] {
            assert_eq!(hop_address(garbage), None, "{garbage}");
        }
    }
}
