//! How the length of an answer is told.
//!
//! A packed page is packed whole before its head is written: head and body go out in one send, and the length is
//! known. What is streamed, or large, is packed as it is read. HTTP/1.0 knows no chunks: there the end of the
//! connection is the end of such an answer.

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Version};
use actix_web::middleware::Next;

use crate::error::AppError;

/// Bytes of an answer, before it is packed, that are held in memory at once.
const HELD: u64 = 512 * 1024;

/// An answer whose body was there as a whole before it was packed.
struct Whole;

/// Marks answers that are there as a whole. Lies within the packing.
pub async fn mark<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    if matches!(response.response().body().size(), BodySize::Sized(bytes) if bytes <= HELD) {
        response.response_mut().extensions_mut().insert(Whole);
    }
    Ok(response)
}

/// Tells the length of each answer in a way that its client knows. Lies around the packing.
///
/// # Errors
/// Whatever the inner service answers, or when a page can't be packed.
pub async fn tell<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<BoxBody, B>>, Error> {
    let knows_chunks = request.version() >= Version::HTTP_11;
    let response = next.call(request).await?;
    let is_streamed = matches!(response.response().body().size(), BodySize::Stream);
    let is_whole = response.response().extensions().get::<Whole>().is_some();
    if is_streamed && is_whole {
        let (request, response) = response.into_parts();
        let (head, body) = response.into_parts();
        let packed = to_bytes(body).await.map_err(|error| {
            let error: Box<dyn std::error::Error> = error.into();
            AppError::Internal(anyhow::anyhow!("a page could not be packed: {error}"))
        })?;
        return Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(packed)).map_into_left_body()));
    }
    let mut response = response.map_into_right_body();
    if is_streamed && !knows_chunks {
        let head = response.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}
