//! Server-sent events: an answer that goes on for as long as its client listens.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Bytes;
use futures_util::stream::{self, Stream, StreamExt};

/// How often a stream says that it lives, when it has nothing else to say: proxies cut what is silent for long.
const HEARTBEAT: Duration = Duration::from_secs(15);
pub const MEDIA_TYPE: &str = "text/event-stream";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: &'static str,
    /// What a client that comes back says it had last. One line.
    pub id: Option<String>,
    pub data: String,
}

impl Event {
    fn bytes(&self) -> Bytes {
        let mut text = format!("event: {}\n", self.name);
        if let Some(id) = &self.id {
            text.extend(["id: ", id, "\n"]);
        }
        // A carriage return ends a line too.
        for line in self.data.split(['\n', '\r']) {
            text.extend(["data: ", line, "\n"]);
        }
        text.push('\n');
        text.into()
    }
}

/// `events` as they come. Who loses the stream comes back after `retry`.
pub fn answer(retry: Duration, events: impl Stream<Item = Event> + 'static) -> HttpResponse {
    let hello = Bytes::from(format!("retry: {}\n\n", retry.as_millis()));
    let beating = stream::unfold(Box::pin(events), |mut events| async move {
        let piece = match tokio::time::timeout(HEARTBEAT, events.next()).await {
            Ok(Some(event)) => event.bytes(),
            Ok(None) => return None,
            Err(_) => Bytes::from_static(b":\n\n"),
        };
        Some((piece, events))
    });
    head().streaming(stream::iter([hello]).chain(beating).map(Ok::<_, Infallible>))
}

/// The head of such an answer, for HEAD: nothing is opened.
pub fn head() -> actix_web::HttpResponseBuilder {
    let mut head = HttpResponse::Ok();
    head.content_type(MEDIA_TYPE)
        // Packing would hold events back until there are enough of them.
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("x-accel-buffering", "no"));
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_however_many_lines_it_has() {
        let event = Event { name: "line", id: Some("7.1".to_owned()), data: "a\nb\rc".to_owned() };
        assert_eq!(event.bytes(), "event: line\nid: 7.1\ndata: a\ndata: b\ndata: c\n\n");
    }
}
