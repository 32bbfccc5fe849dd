//! Answers that are made but not taken: each lies in memory until its reader has it, however slow that is. So what
//! waits is counted, for a session and in all, and beyond a bound a page is refused instead of kept.

use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes};
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError};

use super::connection::Connection;
use super::{guard, session_store, sse};
use crate::db::batch;
use crate::error::AppError;

/// Smaller answers are not counted: the system holds them for a client (see [`super::connection`]).
const SMALL: u64 = 128 * 1024;
/// Bytes that wait for the reader of one session at most.
const MOST_OF_ONE: u64 = 16 * 1024 * 1024;
/// Bytes that wait in all.
const MOST_OF_ALL: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, Default)]
pub struct Held(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    all: u64,
    /// By session, or by address where there is none.
    each: HashMap<String, u64>,
}

/// An answer's part in what waits, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    held: Held,
    holder: String,
    bytes: u64,
}

impl Held {
    /// Counts `bytes` for `holder`; not if that is more than may wait, unless they `must`.
    fn lease(&self, holder: String, bytes: u64, must: bool) -> Option<Lease> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = waiting.each.get(&holder).copied().unwrap_or(0);
        // Whoever has nothing waiting gets an answer of any size: it is made already.
        let fits = one == 0 || one + bytes <= MOST_OF_ONE;
        let fits = fits && (waiting.all == 0 || waiting.all + bytes <= MOST_OF_ALL);
        if !fits && !must {
            return None;
        }
        waiting.all += bytes;
        waiting.each.insert(holder.clone(), one + bytes);
        Some(Lease { held: self.clone(), holder, bytes })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut waiting = self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.all = waiting.all.saturating_sub(self.bytes);
        if let Some(one) = waiting.each.get_mut(&self.holder) {
            *one = one.saturating_sub(self.bytes);
            if *one == 0 {
                waiting.each.remove(&self.holder);
            }
        }
    }
}

/// A body that is counted until its connection has sent all of it.
#[derive(Debug)]
pub struct CountedBody<B> {
    body: B,
    lease: Option<Lease>,
    connection: Option<Rc<Connection>>,
}

impl<B> Drop for CountedBody<B> {
    fn drop(&mut self) {
        // What was made of it lies in the connection's buffer now.
        if let (Some(lease), Some(connection)) = (self.lease.take(), &self.connection) {
            connection.keep(lease);
        }
    }
}

impl<B: MessageBody + Unpin> MessageBody for CountedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

/// Counts what is answered until it is taken. Only what was looked at is refused: a change stands already.
pub async fn count<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<BoxBody, CountedBody<BoxBody>>>, Error> {
    let response = next.call(request).await?;
    let asked = response.request();
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) if bytes > SMALL => bytes,
        // Events are told as they come: none lies here.
        BodySize::Stream if is_event_stream(response.response()) => {
            return Ok(response.map_into_boxed_body().map_into_left_body());
        }
        // A stream has one batch in memory.
        BodySize::Stream => batch::MOST_BYTES.unsigned_abs(),
        _ => return Ok(response.map_into_boxed_body().map_into_left_body()),
    };
    let Some(held) = asked.app_data::<web::Data<Held>>() else {
        return Ok(response.map_into_boxed_body().map_into_left_body());
    };
    let must = asked.method() != Method::GET;
    let Some(lease) = held.lease(holder(asked), bytes, must) else {
        let (request, _) = response.into_parts();
        return Ok(ServiceResponse::new(request, AppError::Untaken.error_response()).map_into_left_body());
    };
    let connection = asked.conn_data::<Rc<Connection>>().cloned();
    let lease = Some(lease);
    Ok(response
        .map_body(|_, body| CountedBody { body: body.boxed(), lease, connection })
        .map_into_right_body())
}

fn is_event_stream<B>(response: &HttpResponse<B>) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    media_type.is_some_and(|media_type| media_type == sse::MEDIA_TYPE)
}

fn holder(request: &HttpRequest) -> String {
    let session = session_store::credential(request).map(|hash| hash.as_str().to_owned());
    session.or_else(|| guard::client_ip(request).map(|ip| ip.to_string())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn what_waits_for_one_and_for_all_is_bounded_and_given_back() {
        let held = Held::default();
        let ask = |who: &str, mib: u64, must: bool| held.lease(who.to_owned(), mib * MIB, must);
        let first = ask("ada", 10, false).unwrap();
        assert!(ask("ada", 10, false).is_none(), "more than one may have");
        let others: Vec<Lease> = (0..5).map(|n| ask(&n.to_string(), 10, false).unwrap()).collect();
        assert!(ask("grace", 10, false).is_none(), "more than all may have");
        let export = ask("grace", 10, true);
        assert!(export.is_some(), "a change is not refused after it is made");
        drop((first, others, export));
        let huge = ask("ada", 100, false);
        assert!(huge.is_some() && ask("ada", 1, false).is_none(), "one answer passes, whatever its size");
        drop(huge);
        let waiting = held.0.lock().unwrap();
        assert!(waiting.all == 0 && waiting.each.is_empty());
    }
}
