//! What a container writes, as the engine sends it: asked for past bollard, and read with bounds.
//!
//! The framing is what the container's configuration says, never guessed: a terminal's output is one stream of bytes,
//! anything else comes in frames that say of which stream they are. Whatever is sent, a piece is at most [`MOST`] bytes.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::model::{EngineError, EngineId, LogPiece, LogsWanted};

/// Bytes of a piece at most: what engines cut a line into, and the time before it.
const MOST: usize = 17 * 1024;
/// How long the engine may take to begin.
const HEAD: Duration = Duration::from_secs(5);
/// What is read of a refusal.
const LONGEST_REFUSAL: usize = 8 * 1024;

/// Asks the engine at `address`, which speaks `version`.
pub(super) fn open(
    address: String,
    version: String,
    id: EngineId,
    wanted: LogsWanted,
) -> BoxStream<'static, Result<LogPiece, EngineError>> {
    let asked = async move {
        let path = format!("/v{version}/containers/{id}/logs?{}", query(&wanted));
        let answer = timeout(HEAD, ask(&address, &path)).await.unwrap_or(Err(EngineError::Silent));
        match answer {
            Ok(answer) => pieces(answer, Splitter::of(wanted.has_terminal)),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    };
    stream::once(asked).flatten().boxed()
}

fn query(wanted: &LogsWanted) -> String {
    // Times also where nobody wants them: they say where a line stands.
    let mut query = "stdout=1&stderr=1&timestamps=1".to_owned();
    if wanted.follow {
        query.push_str("&follow=1");
    }
    match wanted.last {
        Some(last) => _ = write!(query, "&tail={last}"),
        None => query.push_str("&tail=all"),
    }
    for (name, nanos) in [("since", wanted.since), ("until", wanted.until)] {
        if let Some(nanos) = nanos.map(|nanos| nanos.max(0)) {
            let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
            let _ = write!(query, "&{name}={seconds}.{rest:09}");
        }
    }
    query
}

/// A body, and what keeps its connection open.
struct Answer {
    body: Incoming,
    _sender: http1::SendRequest<Empty<Bytes>>,
}

async fn ask(address: &str, path: &str) -> Result<Answer, EngineError> {
    let (scheme, place) = address.split_once("://").unwrap_or_default();
    let nobody = |_| EngineError::Absent(format!("Nobody answers at {place}."));
    match scheme {
        "unix" => send(UnixStream::connect(place).await.map_err(nobody)?, path).await,
        "tcp" | "http" => {
            let host = place.rsplit_once('@').map_or(place, |(_, host)| host).trim_end_matches('/');
            send(TcpStream::connect(host).await.map_err(nobody)?, path).await
        }
        _ => Err(EngineError::Absent("DOCKER_HOST names an engine that can't be spoken to.".to_owned())),
    }
}

async fn send(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
) -> Result<Answer, EngineError> {
    let odd = |error: hyper::Error| EngineError::Odd(format!("The engine's answer can't be read: {error}."));
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(odd)?;
    // It ends with the answer, or when nobody reads that any more.
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("Host", "engine")
        .body(Empty::<Bytes>::new())
        .map_err(|error| EngineError::Odd(error.to_string()))?;
    let answer: Response<Incoming> = sender.send_request(request).await.map_err(odd)?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    if status == 200 {
        return Ok(Answer { body, _sender: sender });
    }
    let mut text = Vec::new();
    while text.len() < LONGEST_REFUSAL
        && let Some(Ok(frame)) = body.frame().await
    {
        text.extend(frame.into_data().unwrap_or_default());
    }
    let message = serde_json::from_slice::<serde_json::Value>(&text).ok();
    let message = message.as_ref().and_then(|json| json.get("message")?.as_str()).map(str::to_owned);
    Err(EngineError::refused(status, &message.unwrap_or_else(|| String::from_utf8_lossy(&text).into_owned())))
}

fn pieces(answer: Answer, splitter: Splitter) -> BoxStream<'static, Result<LogPiece, EngineError>> {
    let begin = (Some(answer), splitter, VecDeque::new());
    stream::unfold(begin, |(mut answer, mut splitter, mut ready)| async move {
        loop {
            if let Some(piece) = ready.pop_front() {
                return Some((piece, (answer, splitter, ready)));
            }
            let open = answer.as_mut()?;
            match open.body.frame().await {
                Some(Ok(frame)) => {
                    let bytes = frame.into_data().unwrap_or_default();
                    if let Err(error) = splitter.take(&bytes, &mut |piece| ready.push_back(Ok(piece))) {
                        ready.push_back(Err(error));
                        answer = None;
                    }
                }
                Some(Err(_)) => {
                    ready.extend(splitter.finish().map(Ok));
                    let told = "The engine broke off its answer.".to_owned();
                    ready.push_back(Err(EngineError::Odd(told)));
                    answer = None;
                }
                None => {
                    ready.extend(splitter.finish().map(Ok));
                    answer = None;
                }
            }
        }
    })
    .boxed()
}

/// Cuts what is sent into pieces.
#[derive(Debug)]
struct Splitter {
    has_frames: bool,
    /// Of a frame's head what is there.
    head: Vec<u8>,
    /// Of which stream the frame is, and how much of it is still to come.
    kind: u8,
    left: usize,
    held: Vec<u8>,
}

impl Splitter {
    fn of(has_terminal: bool) -> Self {
        Self { has_frames: !has_terminal, head: Vec::new(), kind: 1, left: 0, held: Vec::new() }
    }

    fn take(&mut self, mut bytes: &[u8], put: &mut impl FnMut(LogPiece)) -> Result<(), EngineError> {
        while !bytes.is_empty() {
            if self.has_frames && self.left == 0 {
                let needed = (8 - self.head.len()).min(bytes.len());
                let (begun, rest) = bytes.split_at(needed);
                self.head.extend_from_slice(begun);
                bytes = rest;
                let &[kind, _, _, _, a, b, c, d] = self.head.as_slice() else { continue };
                self.head.clear();
                if kind > 3 {
                    return Err(EngineError::Odd("The engine's answer has no frames.".to_owned()));
                }
                (self.kind, self.left) = (kind, u32::from_be_bytes([a, b, c, d]) as usize);
                continue;
            }
            let room = MOST - self.held.len();
            let end = bytes.iter().take(room).position(|byte| *byte == b'\n').filter(|_| !self.has_frames);
            let length = end.map_or(room.min(bytes.len()), |at| at + 1);
            let length = if self.has_frames { length.min(self.left) } else { length };
            let (part, rest) = bytes.split_at(length);
            self.held.extend_from_slice(part);
            bytes = rest;
            self.left = self.left.saturating_sub(length);
            let is_whole = if self.has_frames { self.left == 0 } else { end.is_some() };
            if is_whole || self.held.len() == MOST {
                self.put(put)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, put: &mut impl FnMut(LogPiece)) -> Result<(), EngineError> {
        let bytes = std::mem::take(&mut self.held);
        // What went wrong after the answer had begun.
        if self.has_frames && self.kind == 3 {
            return Err(EngineError::refused(500, &String::from_utf8_lossy(&bytes)));
        }
        put(LogPiece { is_error: self.has_frames && self.kind == 2, bytes });
        Ok(())
    }

    /// What came of a piece that did not come to its end.
    fn finish(&mut self) -> Option<LogPiece> {
        let bytes = std::mem::take(&mut self.held);
        (!bytes.is_empty() && self.kind != 3)
            .then_some(LogPiece { is_error: self.has_frames && self.kind == 2, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[kind, 0, 0, 0], &length[..], text].concat()
    }

    fn split(has_terminal: bool, parts: &[&[u8]]) -> (Vec<LogPiece>, Option<EngineError>) {
        let (mut splitter, mut pieces) = (Splitter::of(has_terminal), Vec::new());
        for part in parts {
            if let Err(error) = splitter.take(part, &mut |piece| pieces.push(piece)) {
                return (pieces, Some(error));
            }
        }
        pieces.extend(splitter.finish());
        (pieces, None)
    }

    #[test]
    fn frames_are_put_together_wherever_the_answer_is_cut() {
        let sent = [frame(1, b"out\n"), frame(2, b"err\n"), frame(1, b""), frame(1, b"more\n")].concat();
        let whole = split(false, &[&sent]);
        let bytes: Vec<&[u8]> = sent.chunks(1).collect();
        assert_eq!(split(false, &bytes), whole);
        let told: Vec<_> =
            whole.0.iter().map(|p| (p.is_error, String::from_utf8_lossy(&p.bytes).into_owned())).collect();
        assert_eq!(
            told,
            [(false, "out\n".to_owned()), (true, "err\n".to_owned()), (false, "more\n".to_owned())]
        );
    }

    #[test]
    fn a_terminal_has_no_frames_whatever_its_lines_begin_with() {
        let (pieces, error) = split(true, &[b"\x01\0\0\0\0\0\0\x04abc\r\nsec", b"ond\n"]);
        assert_eq!(error, None);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[1].bytes, b"second\n");
    }

    #[test]
    fn no_frame_and_no_line_is_held_in_memory_as_a_whole() {
        let endless = vec![b'x'; 10 * MOST + 5];
        let head = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        for (has_terminal, sent) in [(true, endless.clone()), (false, [&head[..], &endless].concat())] {
            let (pieces, error) = split(has_terminal, &[&sent]);
            assert_eq!((pieces.len(), error), (11, None));
            assert!(pieces.iter().all(|piece| piece.bytes.len() <= MOST));
        }
    }

    #[test]
    fn what_is_no_frame_is_said_and_so_is_what_went_wrong() {
        let (_, error) = split(false, &[b"HTTP is not this"]);
        assert!(matches!(error, Some(EngineError::Odd(_))));
        let (pieces, error) = split(false, &[&[frame(1, b"a\n"), frame(3, b"disk is gone")].concat()]);
        assert_eq!((pieces.len(), error), (1, Some(EngineError::refused(500, "disk is gone"))));
    }

    #[test]
    fn times_are_asked_for_to_the_nanosecond() {
        let wanted =
            LogsWanted { last: Some(5), since: Some(1_000_000_007), follow: true, ..LogsWanted::default() };
        assert_eq!(query(&wanted), "stdout=1&stderr=1&timestamps=1&follow=1&tail=5&since=1.000000007");
    }
}
