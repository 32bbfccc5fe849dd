//! Deadlines on each connection, for what actix-http leaves open: the heads of later requests, the rest of a
//! body that nobody reads, and clients that don't take their answers.
//!
//! [`TimedStream`] lies between the socket and actix-http. The middleware [`occupy`] tells it when a request is
//! being answered. Outside of that, the client has the idle time and the time for a head to send the next
//! whole head. While an answer waits to be taken, each byte that is taken gives it the stall time again, if as many
//! are taken in that time as `least_a_second` asks for. A body has its deadline in [`super::guard::contain`].

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, Sleep, sleep, sleep_until};

use super::connection_slots::Slot;
use super::head_lines::HeadLines;
use super::headers::bare_answer;
use super::held::Lease;
use super::sse;
use crate::app::Deadlines;

/// Bytes of an answer that the system holds for a client. Small, so that a client that reads at all frees a
/// part of it well within the stall time, and so that many who don't read cost little.
const SEND_BUFFER: usize = 128 * 1024;

/// What a connection is doing.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Nobody has asked for anything since then.
    Waiting(Instant),
    /// A request is being answered.
    Answering,
    /// The answer is made, but not all of it has been taken.
    Sending,
}

/// One connection, as [`TimedStream`] and [`occupy`] share it.
#[derive(Debug)]
pub struct Connection {
    phase: Cell<Phase>,
    slot: Slot,
    /// Whether bytes came since the last answer.
    heard: Cell<bool>,
    /// Whether the answer goes on for as long as somebody listens.
    is_endless: Cell<bool>,
    /// Answers whose bytes wait in the buffer.
    waiting: RefCell<Vec<Lease>>,
}

impl Connection {
    /// Counts an answer until all that is in the buffer has been taken.
    pub fn keep(&self, lease: Lease) {
        self.waiting.borrow_mut().push(lease);
    }
}

impl Connection {
    fn enter(&self, phase: Phase) {
        match phase {
            Phase::Waiting(_) => self.slot.waits(),
            Phase::Answering | Phase::Sending => self.slot.is_busy(),
        }
        self.phase.set(phase);
    }
}

/// How fast a client takes what there is.
#[derive(Default)]
struct Pace {
    waited: Duration,
    /// Since when it is being waited for.
    since: Option<Instant>,
    taken: u64,
}

/// A socket that gives up on a client that is too slow.
pub struct TimedStream {
    socket: TcpStream,
    connection: Rc<Connection>,
    deadlines: Deadlines,
    /// Runs out when the next head is overdue.
    silence: Option<Pin<Box<Sleep>>>,
    /// Runs out when no byte of an answer was taken for too long.
    stall: Option<Pin<Box<Sleep>>>,
    pace: Pace,
    /// An answer of our own in place of a bare one, as far as it is not sent.
    substitute: Vec<u8>,
    head_lines: HeadLines,
}

impl fmt::Debug for TimedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedStream").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl TimedStream {
    /// Watches over `socket`, which has `place`.
    #[must_use]
    pub fn new(socket: TcpStream, deadlines: Deadlines, slot: Slot) -> Self {
        // An answer that goes out in two sends waits for no acknowledgement in between.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its small packets back");
        }
        if let Err(error) = socket2::SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "a connection keeps the system's send buffer");
        }
        Self {
            socket,
            connection: Rc::new(Connection {
                phase: Cell::new(Phase::Waiting(Instant::now())),
                slot,
                heard: Cell::new(false),
                is_endless: Cell::new(false),
                waiting: RefCell::default(),
            }),
            deadlines,
            silence: None,
            stall: None,
            pace: Pace::default(),
            substitute: Vec::new(),
            head_lines: HeadLines::new(),
        }
    }

    /// What [`occupy`] needs to find.
    #[must_use]
    pub fn connection(&self) -> Rc<Connection> {
        self.connection.clone()
    }

    /// Fails when the next head is overdue, or somebody else needs the place; else wakes the task when that happens.
    fn check_silence(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Phase::Waiting(since) = self.connection.phase.get() else { return Ok(()) };
        if self.connection.slot.poll_sent_away(cx).is_ready() {
            return Err(self.give_up("503 Service Unavailable"));
        }
        let due = since + self.deadlines.idle + self.deadlines.head;
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep_until(due)));
        // It may still run for an earlier request: then it is set anew when it has run out.
        while silence.as_mut().poll(cx).is_ready() {
            if due <= Instant::now() {
                return Err(self.give_up("408 Request Timeout"));
            }
            silence.as_mut().reset(due);
        }
        Ok(())
    }

    /// Tells whoever has begun a request with `status` that it is not waited for.
    fn give_up(&self, status: &str) -> io::Error {
        if self.connection.heard.get() {
            let _ = self.socket.try_write(&bare_answer(status));
        }
        io::ErrorKind::TimedOut.into()
    }

    /// Waits for the client to take something, but not for ever.
    fn check_stall(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let stall = self.deadlines.stall;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(stall)));
        stall.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.socket).poll_write(cx, bytes);
        if sent.is_pending() {
            self.check_pace()?;
            return self.check_stall(cx);
        }
        self.stall = None;
        if let Some(since) = self.pace.since.take() {
            self.pace.waited += since.elapsed();
        }
        if let Poll::Ready(Ok(bytes)) = &sent {
            self.pace.taken += *bytes as u64;
        }
        sent
    }

    /// Fails when the client has taken too little while it was waited for as long as the stall time.
    fn check_pace(&mut self) -> io::Result<()> {
        let since = *self.pace.since.get_or_insert_with(Instant::now);
        let waited = self.pace.waited + since.elapsed();
        if waited < self.deadlines.stall {
            return Ok(());
        }
        if self.pace.taken < self.deadlines.least_a_second * waited.as_secs() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.pace = Pace { since: Some(Instant::now()), ..Pace::default() };
        Ok(())
    }

    /// actix-http answers a head that it can't read, or that is late, by itself and without a single header
    /// of ours. Such an answer comes while nothing is being answered, and is a head alone.
    fn is_bare_answer(&self, bytes: &[u8]) -> bool {
        matches!(self.connection.phase.get(), Phase::Waiting(_))
            && bytes.starts_with(b"HTTP/1.")
            && matches!(bytes.get(8..10), Some(b" 4" | b" 5"))
            && bytes.ends_with(b"\r\n\r\n")
    }
}

/// The status line's code and reason. A 500 of actix-http means chunks that belong to no request.
fn status_of(answer: &[u8]) -> String {
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let status = String::from_utf8_lossy(line.get(9..).unwrap_or_default()).into_owned();
    if status.starts_with('4') { status } else { "400 Bad Request".to_owned() }
}

impl AsyncRead for TimedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.connection.heard.set(true);
            this.head_lines.pass(&mut buf.filled_mut()[before..])?;
        } else if read.is_ready() && this.connection.is_endless.get() {
            // Whoever ends their side of it has gone; its heartbeats would tell much later. Other answers are awaited still.
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if read.is_pending() {
            this.check_silence(cx)?;
        }
        read
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.substitute.is_empty() {
            if !this.is_bare_answer(bytes) {
                return this.send(cx, bytes);
            }
            this.substitute = bare_answer(&status_of(bytes));
        }
        while !this.substitute.is_empty() {
            let rest = std::mem::take(&mut this.substitute);
            let sent = this.send(cx, &rest);
            let taken = if let Poll::Ready(Ok(taken)) = sent { taken } else { 0 };
            this.substitute = rest[taken..].to_vec();
            if taken == 0 {
                return sent;
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.socket).poll_flush(cx);
        if flushed.is_ready() {
            this.connection.waiting.take();
            if matches!(this.connection.phase.get(), Phase::Sending) {
                this.pace = Pace::default();
                this.connection.enter(Phase::Waiting(Instant::now()));
            }
            // Here too: after an answer, nothing else may ask to be woken.
            this.check_silence(cx)?;
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

/// Says that a request is being answered, as long as it lives.
#[derive(Debug)]
struct Occupied(Rc<Connection>);

impl Occupied {
    fn new(connection: Rc<Connection>) -> Self {
        connection.enter(Phase::Answering);
        Self(connection)
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.enter(Phase::Sending);
        self.0.heard.set(false);
        self.0.is_endless.set(false);
    }
}

/// Bytes of a body that are handed on at once: actix-http copies them into the connection's buffer, and that keeps the
/// room that the largest took.
const PIECE: usize = 64 * 1024;

/// A body that keeps its connection occupied until its end.
#[derive(Debug)]
pub struct OccupyingBody {
    body: BoxBody,
    /// What was made and is not handed on.
    rest: Bytes,
    _occupied: Option<Occupied>,
}

impl MessageBody for OccupyingBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

/// Tells the connection that a request is being answered, until the last byte of the answer is made.
pub async fn occupy<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<OccupyingBody>, Error> {
    let occupied = request.request().conn_data::<Rc<Connection>>().cloned().map(Occupied::new);
    let response = next.call(request).await?;
    if let Some(occupied) = &occupied {
        let kind = response.headers().get(CONTENT_TYPE);
        occupied.0.is_endless.set(kind.is_some_and(|kind| kind == sse::MEDIA_TYPE));
    }
    Ok(response.map_body(|_, body| OccupyingBody {
        body: body.boxed(),
        rest: Bytes::new(),
        _occupied: occupied,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ConnectionLimits;
    use crate::http::connection_slots::ConnectionSlots;

    #[tokio::test]
    async fn a_large_body_is_handed_on_in_pieces_and_whole() {
        let sent: Vec<u8> = (0..=250).cycle().take(PIECE * 3 + 1).collect();
        let body = BoxBody::new(Bytes::from(sent.clone()));
        let mut body = OccupyingBody { body, rest: Bytes::new(), _occupied: None };
        assert_eq!(body.size(), BodySize::Sized(sent.len() as u64));
        let mut pieces = Vec::new();
        while let Some(piece) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            pieces.push(piece.unwrap());
        }
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE, PIECE, PIECE, 1]);
        assert_eq!(pieces.concat(), sent);
    }

    #[tokio::test]
    async fn an_accepted_socket_holds_no_small_packet_back() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        assert!(!socket.nodelay().unwrap() && !client.nodelay().unwrap());
        let room = ConnectionSlots::new(ConnectionLimits { all: 1, of_one_address: 1 }, Vec::new());
        let stream = TimedStream::new(socket, Deadlines::default(), room.enter(None).unwrap());
        assert!(stream.socket.nodelay().unwrap());
    }
}
