//! Answers that are read while they are sent: each piece in a transaction of its own as the session that asked, and only
//! when the client has taken what came before. A slow reader holds one piece and no connection, and a session that
//! ends ends the answer. A piece that fails breaks the answer off, so that half of it never looks whole.

use std::sync::Arc;

use actix_web::web::Bytes;
use diesel::PgConnection;
use futures_util::stream::{self, Stream, StreamExt};

use crate::error::AppResult;
use crate::http::authed_request::Reader;
use crate::identity::Viewer;

/// `head`, and what `read` reads from `next` on; it says where to go on itself, until there is nothing more.
pub fn body<P, R>(
    reader: Reader,
    head: Bytes,
    next: Option<P>,
    read: R,
) -> impl Stream<Item = AppResult<Bytes>> + 'static
where
    P: Send + 'static,
    R: Fn(&mut PgConnection, &Viewer, P) -> AppResult<(Bytes, Option<P>)> + Send + Sync + 'static,
{
    let rest = stream::try_unfold((reader, Arc::new(read), next), |(reader, read, next)| async move {
        let Some(position) = next else { return Ok(None) };
        let again = Arc::clone(&read);
        let piece = reader.read(move |conn, viewer| again(conn, viewer, position)).await;
        let (bytes, next) = piece.inspect_err(|error| tracing::warn!(%error, "an answer was broken off"))?;
        Ok(Some((bytes, (reader, read, next))))
    });
    stream::iter([Ok(head)]).chain(rest)
}
