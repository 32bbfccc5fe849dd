//! `GET /containers/{id}/logs/live`: lines as they come.
//!
//! An event carries lines and says where the last of them stands; who comes back says it again and gets what follows,
//! none lost and none twice. The stream goes on when the container ends or the engine is away, and says so.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, ContentType};
use actix_web::web::Path;
use chrono_tz::Tz;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::question::Question;
use super::{LineView, Unread, find, source_of};
use crate::db::ids::ContainerId;
use crate::engine::{Engine, EngineId, Followed, LinePosition, LogLine, Standing, places};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::{AuthedRequest, Reader};
use crate::http::query::Query;
use crate::http::sse::{self, Event};
use crate::live::{End, Watch};
use crate::logs::{LogView, Stream};
use crate::runtime::Clock;
use crate::web::urls;

/// Lines of one event, and bytes.
const MOST_LINES: usize = 200;
const MOST_BYTES: usize = 64 * 1024;
/// Events that wait for a slow client; then the engine waits.
const WAITING: usize = 4;
/// How often the engine is asked whether it is there: a stream of a frozen one is silent.
const LOOK: Duration = Duration::from_secs(5);
/// How often it is asked whether the container is still the viewer's to see.
const ADMIT: Duration = Duration::from_secs(30);
/// An engine that has turned its files around may tell nothing more on an old stream.
const REOPEN: Duration = Duration::from_mins(5);
/// How long until a container that has ended, or an engine that broke off, is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// # Errors
/// 503 without an engine or room, 409 where there are no logs; 400 and 404 as the page.
pub async fn stream(
    authed: Option<AuthedRequest>,
    path: Path<String>,
    query: Query,
) -> AppResult<HttpResponse> {
    let nobody =
        || HttpResponse::Unauthorized().content_type(ContentType::plaintext()).body("Sign in to continue.");
    let Some(authed) = authed else { return Ok(nobody()) };
    let (viewer, container, is_adopted) = match find(&authed, &path).await {
        Ok(found) => found,
        Err(AppError::SignIn) => return Ok(nobody()),
        Err(error) => return Err(error),
    };
    let clock = authed.app.clock.clone();
    let question =
        Question::read(&query, LogView::default(), clock.now(), viewer.zone).map_err(AppError::BadRequest)?;
    let last_event = authed.request.headers().get("Last-Event-ID").and_then(|id| id.to_str().ok());
    let after = match last_event.or_else(|| query.first("after")) {
        Some(text) => text
            .parse()
            .map_err(|_| AppError::BadRequest(format!("after={text} is not where a line stands.")))?,
        None => LinePosition { nanos: clock.now().timestamp_nanos_opt().unwrap_or_default(), ordinal: 0 },
    };
    let source = source_of(&authed, &container, is_adopted).await?;
    if authed.request.method() == Method::HEAD {
        return Ok(sse::head().finish());
    }
    let Ok(watch) = authed.app.live.watch(&viewer, authed.credential.clone()) else {
        return Ok(HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, 10)).finish());
    };
    let room = || Unread::Away("As many logs are followed as there is room for.".to_owned());
    let engine = authed.app.engine.clone();
    let lines = engine
        .follow_lines(source.id.clone(), after, source.has_terminal)
        .map_err(|error| super::unread(&error))?
        .ok_or_else(room)?;
    let (send, events) = mpsc::channel(WAITING);
    let follower = Follower {
        engine,
        reader: authed.reader(),
        clock,
        container: container.id,
        source: source.id,
        has_terminal: source.has_terminal,
        after,
        only: question.view.stream,
        find: question.find,
        zone: viewer.zone,
        state: "",
        send,
    };
    actix_web::rt::spawn(follower.run(watch, lines));
    let retry = Duration::from_secs_f64(1.0 + 3.0 * authed.app.entropy.fraction());
    Ok(sse::answer(
        retry,
        stream::unfold(events, |mut events| async move {
            let event = events.recv().await?;
            Some((event, events))
        }),
    ))
}

struct Follower {
    engine: Engine,
    reader: Reader,
    clock: Clock,
    container: ContainerId,
    source: EngineId,
    has_terminal: bool,
    after: LinePosition,
    only: Option<Stream>,
    find: Option<String>,
    zone: Tz,
    /// Why no lines come, as it was told; empty while they may.
    state: &'static str,
    send: mpsc::Sender<Event>,
}

/// Why lines stopped coming.
enum Stop {
    /// The client has gone, or may not go on.
    Over,
    /// They may come again.
    Pause(&'static str),
    Reopen,
}

impl Follower {
    async fn run(mut self, watch: Watch, lines: mpsc::Receiver<Followed>) {
        let mut lines = Some(lines);
        let mut admitted = Instant::now();
        self.say("hello", String::new()).await;
        loop {
            let stop = match lines.take() {
                Some(lines) => self.pass_on(&watch, lines, &mut admitted).await,
                None => Stop::Reopen,
            };
            match stop {
                Stop::Over => return,
                Stop::Pause(state) => {
                    if self.state != state {
                        self.state = state;
                        self.say("state", state.to_owned()).await;
                    }
                    if !self.wait(&watch, &mut admitted).await {
                        return;
                    }
                }
                Stop::Reopen => {}
            }
            let open = self.engine.follow_lines(self.source.clone(), self.after, self.has_terminal);
            lines = open.ok().flatten();
            if lines.is_none() && !self.wait(&watch, &mut admitted).await {
                return;
            }
        }
    }

    /// Sends lines on until they stop.
    async fn pass_on(
        &mut self,
        watch: &Watch,
        mut lines: mpsc::Receiver<Followed>,
        admitted: &mut Instant,
    ) -> Stop {
        let opened = Instant::now();
        let mut look = tokio::time::interval_at(opened + LOOK, LOOK);
        let send = self.send.clone();
        loop {
            tokio::select! {
                () = send.closed() => return Stop::Over,
                end = watch.next() => if !self.goes_on(end).await { return Stop::Over },
                _ = look.tick() => {
                    if !self.is_admitted(admitted).await { return Stop::Over }
                    if let Standing::Away { .. } = self.engine.standing().await {
                        return Stop::Pause("away");
                    }
                    if opened.elapsed() > REOPEN { return Stop::Reopen }
                }
                followed = lines.recv() => match followed {
                    Some(Followed::Line(line)) => {
                        if let Some(stop) = self.send_lines(*line, &mut lines).await { return stop }
                    }
                    Some(Followed::Ended(error)) => return ended(error.is_some()),
                    None => return ended(true),
                },
            }
        }
    }

    /// Sends a line, and those that wait behind it.
    async fn send_lines(&mut self, first: LogLine, lines: &mut mpsc::Receiver<Followed>) -> Option<Stop> {
        let (mut views, mut bytes, mut stop) = (Vec::new(), 0, None);
        let mut next = Some(first);
        let url = urls::container_part(self.container, "logs");
        while let Some(line) = next.take() {
            self.after = line.at;
            if self.is_wanted(&line) {
                bytes += line.weight();
                views.push(LineView::new(&line, &url, self.find.as_deref(), self.clock.now(), self.zone));
            }
            if views.len() >= MOST_LINES || bytes >= MOST_BYTES {
                break;
            }
            match lines.try_recv() {
                Ok(Followed::Line(line)) => next = Some(*line),
                Ok(Followed::Ended(error)) => stop = Some(ended(error.is_some())),
                Err(_) => {}
            }
        }
        let data = serde_json::to_string(&views).unwrap_or_default();
        if !views.is_empty() {
            self.state = "";
            let event = Event { name: "lines", id: Some(self.after.to_string()), data };
            if self.send.send(event).await.is_err() {
                return Some(Stop::Over);
            }
        }
        stop
    }

    fn is_wanted(&self, line: &LogLine) -> bool {
        self.only.is_none_or(|only| (only == Stream::Error) == line.is_error)
            && self.find.as_ref().is_none_or(|find| !places(&line.text(), find).is_empty())
    }

    /// Waits a while. False when there is nobody to wait for.
    async fn wait(&self, watch: &Watch, admitted: &mut Instant) -> bool {
        let until = Instant::now() + PAUSE;
        loop {
            tokio::select! {
                () = self.send.closed() => return false,
                end = watch.next() => if !self.goes_on(end).await { return false },
                () = tokio::time::sleep_until(until) => return self.is_admitted(admitted).await,
            }
        }
    }

    /// What changed elsewhere is no matter of this stream's; that its session ended is.
    async fn goes_on<T>(&self, news: Result<T, End>) -> bool {
        match news {
            Ok(_) => true,
            Err(End::SessionEnded) => {
                self.say("bye", String::new()).await;
                false
            }
            Err(End::Stopping) => false,
        }
    }

    /// Whether the container is still the viewer's to see. A database that does not answer changes nothing.
    async fn is_admitted(&self, admitted: &mut Instant) -> bool {
        if admitted.elapsed() < ADMIT {
            return true;
        }
        *admitted = Instant::now();
        let id = self.container;
        let found = self.reader.read(move |conn, _| Ok(crate::containers::queries::find(conn, id)?)).await;
        match found {
            Ok(Some(container)) => container.engine_id == self.source.as_str(),
            Ok(None) | Err(AppError::SignIn | AppError::NotFound) => {
                self.say("bye", String::new()).await;
                false
            }
            Err(_) => true,
        }
    }

    async fn say(&self, name: &'static str, data: String) {
        let _ = self.send.send(Event { name, id: None, data }).await;
    }
}

fn ended(is_broken: bool) -> Stop {
    Stop::Pause(if is_broken { "away" } else { "ended" })
}
