//! Logs of a container as somebody wants to read them: the newest lines first, those around one, or those that hold a
//! word; and the lines that come while somebody waits. Whatever a container writes, what is held of it is bounded.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::kept_lines::Kept;
use super::log_lines::{LinePosition, LogLine, LogReader};
use super::model::{EngineError, EngineId, LogsWanted};
use super::{Answers, Engine, LogPiece};

/// Pieces that are looked through at most, from the newest on.
pub const MOST_LOOKED_THROUGH: u32 = 100_000;
/// Bytes that are, of those.
pub const MOST_BYTES: u64 = 50 * 1024 * 1024;
/// Bytes that are read to get at the newest.
const MOST_READ: u64 = 4 * MOST_BYTES;
/// Pieces of which even the longest are within [`MOST_BYTES`]: what is read first.
const FEW: u32 = 3_000;
/// How long a page waits for all that it reads, and for the next piece.
const PATIENCE: Duration = Duration::from_secs(15);
const NEXT_PIECE: Duration = Duration::from_secs(5);
/// Pages of logs that are read at once, and how long the next one waits.
pub(super) const READERS: usize = 4;
const TURN: Duration = Duration::from_secs(3);
/// Those who follow logs at once.
pub(super) const FOLLOWERS: usize = 200;
/// How far before the last line it is read again when somebody comes back: a line in pieces begins where its first piece is.
const OVERLAP_NANOS: i64 = 5_000_000_000;
/// Lines that wait for whoever follows.
const WAITING: usize = 500;
const HOUR_NANOS: i64 = 3_600_000_000_000;

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct LinesWanted {
    pub most: usize,
    /// Nanoseconds since 1970, inclusive.
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// A part of the line, whatever its letters' case.
    pub find: Option<String>,
    /// Of one stream alone: whether it is standard error.
    pub only: Option<bool>,
    /// The lines around this one.
    pub at: Option<LinePosition>,
    pub has_terminal: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    pub lines: Vec<LogLine>,
    /// Lines that match, among those that were looked through.
    pub matching: usize,
    pub looked_through: usize,
    /// Whether there is more before what was looked through.
    pub is_cut: bool,
    /// Where the newest line that was looked at stands: what comes later is behind it.
    pub newest: Option<LinePosition>,
}

/// What comes to those who follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    Line(Box<LogLine>),
    /// There is no more for now: the container has ended, or the engine broke off.
    Ended(Option<EngineError>),
}

impl Engine {
    /// Reads lines, within a few seconds.
    ///
    /// # Errors
    /// What the engine refused, or that it did not answer.
    pub async fn read_lines(&self, id: EngineId, wanted: LinesWanted) -> Result<Lines, EngineError> {
        let Ok(permit) = timeout(TURN, self.0.log_readers.clone().acquire_owned()).await else {
            let told = "Many logs are being read right now. Ask again in a moment.";
            return Err(EngineError::Odd(told.to_owned()));
        };
        let (send, answer) = oneshot::channel();
        let api = self.api();
        let task = async move {
            let _permit = permit;
            let mut open = |wanted: LogsWanted| api.logs(id.clone(), wanted);
            let _ = send.send(find_lines(&mut open, &wanted).await);
        };
        // Who asked may have gone: then nobody reads on.
        let task = AbortOnDrop(self.spawn(task)?);
        let answer = answer.await.unwrap_or(Err(EngineError::Silent));
        drop(task);
        answer
    }

    /// Lines behind `after`, as they come. None when as many follow logs as there is room for.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn follow_lines(
        &self,
        id: EngineId,
        after: LinePosition,
        has_terminal: bool,
    ) -> Result<Option<mpsc::Receiver<Followed>>, EngineError> {
        let Ok(permit) = self.0.log_followers.clone().try_acquire_owned() else { return Ok(None) };
        let (send, lines) = mpsc::channel(WAITING);
        let since = Some(after.nanos.saturating_sub(OVERLAP_NANOS).max(0));
        let pieces =
            self.api().logs(id, LogsWanted { since, follow: true, has_terminal, ..LogsWanted::default() });
        self.spawn(async move {
            let _permit = permit;
            let gone = send.clone();
            tokio::select! {
                () = gone.closed() => {}
                () = follow(pieces, after, &send) => {}
            }
        })?;
        Ok(Some(lines))
    }

    /// Everything that a container wrote, in pieces, as fast as they are taken.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn read_all(
        &self,
        id: EngineId,
        wanted: LogsWanted,
    ) -> Result<Option<mpsc::Receiver<Result<LogPiece, EngineError>>>, EngineError> {
        let Ok(permit) = self.0.log_followers.clone().try_acquire_owned() else { return Ok(None) };
        let (send, taken) = mpsc::channel(8);
        let mut pieces = self.api().logs(id, wanted);
        self.spawn(async move {
            let _permit = permit;
            loop {
                let piece =
                    timeout(NEXT_PIECE, pieces.next()).await.unwrap_or(Some(Err(EngineError::Silent)));
                let Some(piece) = piece else { break };
                let is_last = piece.is_err();
                if send.send(piece).await.is_err() || is_last {
                    break;
                }
            }
        })?;
        Ok(Some(taken))
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn follow(mut pieces: Answers<LogPiece>, after: LinePosition, send: &mpsc::Sender<Followed>) {
    let mut reader = LogReader::default();
    let mut error = None;
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => {
                let Some(line) = reader.take(&piece).filter(|line| line.at > after) else { continue };
                if send.send(Followed::Line(Box::new(line))).await.is_err() {
                    return;
                }
            }
            Err(told) => error = Some(told),
        }
    }
    // A container that is gone has ended its last line, whether it meant to or not.
    if error.is_none() {
        for line in reader.finish().into_iter().filter(|line| line.at > after) {
            let _ = send.send(Followed::Line(Box::new(line))).await;
        }
    }
    let _ = send.send(Followed::Ended(error)).await;
}

type Open<'a> = &'a mut (dyn FnMut(LogsWanted) -> Answers<LogPiece> + Send);

async fn find_lines(open: Open<'_>, wanted: &LinesWanted) -> Result<Lines, EngineError> {
    let deadline = Instant::now() + PATIENCE;
    let base = LogsWanted { has_terminal: wanted.has_terminal, ..LogsWanted::default() };
    if let Some(at) = wanted.at {
        return around(open, wanted, at, base, deadline).await;
    }
    if let Some(until) = wanted.until {
        return before(open, wanted, until, base, deadline).await;
    }
    let looks_at_all = wanted.find.is_some() || wanted.only.is_some() || wanted.since.is_some();
    let most = u32::try_from(wanted.most).unwrap_or(MOST_LOOKED_THROUGH);
    let mut last = if looks_at_all { FEW } else { most + 1 };
    let mut kept = Kept::new(wanted, None);
    if !read(open(LogsWanted { last: Some(last), since: wanted.since, ..base }), &mut kept, deadline).await? {
        return Err(EngineError::Odd("Too much was written to be read within a few seconds.".to_owned()));
    }
    // By what those weigh, so many more are within the bound.
    let more = u64::from(FEW) * MOST_BYTES / kept.read.max(1);
    let more = u32::try_from(more).unwrap_or(MOST_LOOKED_THROUGH).min(MOST_LOOKED_THROUGH);
    if looks_at_all && kept.pieces >= last && more > last {
        let mut further = Kept::new(wanted, None);
        let pieces = open(LogsWanted { last: Some(more), since: wanted.since, ..base });
        // What took too long leaves what was found first.
        if read(pieces, &mut further, deadline).await? {
            (kept, last) = (further, more);
        }
    }
    Ok(kept.into_lines(Some(last)))
}

/// The last lines before a moment. An engine reads its files from the beginning, so what it need not send is left out.
async fn before(
    open: Open<'_>,
    wanted: &LinesWanted,
    until: i64,
    base: LogsWanted,
    deadline: Instant,
) -> Result<Lines, EngineError> {
    let earliest = wanted.since.unwrap_or(0);
    for hours in [1, 24, i64::MAX] {
        let since = until.saturating_sub(HOUR_NANOS.saturating_mul(hours)).max(earliest);
        let mut kept = Kept::new(wanted, None);
        let pieces = open(LogsWanted { since: Some(since), until: Some(until), ..base });
        let is_whole = read(pieces, &mut kept, deadline).await?;
        if !is_whole || kept.lines.len() >= wanted.most || since == earliest {
            kept.has_lost |= !is_whole || since > earliest;
            return Ok(kept.into_lines(None));
        }
    }
    Ok(Lines::default())
}

/// The lines around one.
async fn around(
    open: Open<'_>,
    wanted: &LinesWanted,
    at: LinePosition,
    base: LogsWanted,
    deadline: Instant,
) -> Result<Lines, EngineError> {
    for hours in [1, i64::MAX] {
        let since = at.nanos.saturating_sub(HOUR_NANOS.saturating_mul(hours)).max(0);
        let mut kept = Kept::new(wanted, Some(at));
        let is_whole = read(open(LogsWanted { since: Some(since), ..base }), &mut kept, deadline).await?;
        let before = kept.lines.iter().filter(|line| line.at < at).count();
        if before >= wanted.most / 2 || since == 0 || !is_whole {
            kept.has_lost |= since > 0;
            return Ok(kept.into_lines(None));
        }
    }
    Ok(Lines::default())
}

/// Reads pieces until there are no more, or enough. False when it was too much.
async fn read(
    mut pieces: Answers<LogPiece>,
    kept: &mut Kept<'_>,
    deadline: Instant,
) -> Result<bool, EngineError> {
    let mut reader = LogReader::default();
    loop {
        let next = deadline.min(Instant::now() + NEXT_PIECE);
        match timeout_at(next, pieces.next()).await {
            Ok(Some(piece)) => {
                let piece = piece?;
                kept.pieces += 1;
                kept.read += piece.bytes.len() as u64;
                if kept.read > MOST_READ {
                    return Ok(false);
                }
                if let Some(line) = reader.take(&piece) {
                    kept.take(line);
                }
                if kept.has_enough() {
                    return Ok(true);
                }
            }
            Ok(None) => {
                for line in reader.finish() {
                    kept.take(line);
                }
                return Ok(true);
            }
            Err(_) if Instant::now() >= deadline => return Ok(false),
            Err(_) => return Err(EngineError::Silent),
        }
    }
}
