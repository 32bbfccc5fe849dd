//! `GET /containers/{id}/logs/download`

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Path};
use futures_util::stream;

use super::question::Question;
use super::{Unread, find, source_of, unread};
use crate::engine::{LogPiece, LogsWanted};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::logs::{LogView, Stream};

/// All that the container wrote, as it wrote it, behind the times; as fast as the client takes it.
///
/// # Errors
/// 503 without an engine, 409 where it has no logs of the container; 400 and 404 as the page.
pub async fn download(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let (viewer, container, is_adopted) = find(&authed, &path).await?;
    let now = authed.app.clock.now();
    let question =
        Question::read(&query, LogView::default(), now, viewer.zone).map_err(AppError::BadRequest)?;
    let source = source_of(&authed, &container, is_adopted).await?;
    let wanted = LogsWanted {
        since: question.since,
        until: question.until,
        has_terminal: source.has_terminal,
        ..LogsWanted::default()
    };
    let name: String =
        container.name.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).collect();
    let file = format!("{}-{}.log", name.trim_start_matches('.'), now.format("%Y%m%dT%H%M%SZ"));
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")))
        .insert_header((CACHE_CONTROL, "no-store"));
    if authed.request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let read = authed.app.engine.read_all(source.id, wanted).map_err(|error| unread(&error))?;
    let mut pieces =
        read.ok_or_else(|| Unread::Away("As many logs are read as there is room for.".to_owned()))?;
    // What fails at once still gets a page.
    let first = match pieces.recv().await {
        Some(piece) => Some(piece.map_err(|error| unread(&error))?),
        None => None,
    };
    let only = question.view.stream;
    let begin = (first, pieces, Joined::default());
    let body = stream::unfold(begin, move |(first, mut pieces, mut joined)| async move {
        let piece = match first {
            Some(piece) => Some(Ok(piece)),
            None => pieces.recv().await,
        }?;
        let bytes = piece.map(|piece| joined.take(&piece, only)).map_err(|error| {
            tracing::warn!(%error, "a download of logs was broken off");
            AppError::NoEngine(error.to_string())
        });
        Some((bytes, (None, pieces, joined)))
    });
    Ok(answer.streaming(body))
}

/// Keeps what one stream wrote out of the other's lines.
#[derive(Debug, Default)]
struct Joined {
    /// The stream whose line has not ended.
    open: Option<bool>,
}

impl Joined {
    fn take(&mut self, piece: &LogPiece, only: Option<Stream>) -> Bytes {
        if only.is_some_and(|only| (only == Stream::Error) != piece.is_error) {
            return Bytes::new();
        }
        let goes_on = self.open == Some(piece.is_error);
        let mut bytes = Vec::with_capacity(piece.bytes.len() + 1);
        if self.open.is_some() && !goes_on {
            bytes.push(b'\n');
        }
        let part = if goes_on { without_time(&piece.bytes) } else { &piece.bytes };
        bytes.extend_from_slice(part);
        self.open = (!part.ends_with(b"\n")).then_some(piece.is_error);
        bytes.into()
    }
}

/// The rest of a line that has its time already.
fn without_time(bytes: &[u8]) -> &[u8] {
    let space = bytes.iter().take(40).position(|byte| *byte == b' ');
    let time = space.and_then(|at| std::str::from_utf8(bytes.get(..at)?).ok());
    match (space, time) {
        (Some(at), Some(time)) if chrono::DateTime::parse_from_rfc3339(time).is_ok() => {
            bytes.get(at + 1..).unwrap_or_default()
        }
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_pieces_is_whole_in_the_file_and_no_stream_writes_into_the_others_lines() {
        let piece = |is_error, text: &str| LogPiece { is_error, bytes: text.as_bytes().to_vec() };
        let (mut joined, mut file) = (Joined::default(), Vec::new());
        for (is_error, text) in [
            (false, "2026-11-27T10:00:00Z one "),
            (false, "2026-11-27T10:00:00Z line\n"),
            (true, "2026-11-27T10:00:01Z cut"),
            (false, "2026-11-27T10:00:02Z next\n"),
        ] {
            file.extend(joined.take(&piece(is_error, text), None));
        }
        assert_eq!(
            String::from_utf8(file).unwrap(),
            "2026-11-27T10:00:00Z one line\n2026-11-27T10:00:01Z cut\n2026-11-27T10:00:02Z next\n"
        );
        assert!(Joined::default().take(&piece(true, "x"), Some(Stream::Output)).is_empty());
    }
}
