//! Logs of a container as somebody wants to read them: the newest lines first, those around one, or those that hold a
//! word; and the lines that come while somebody waits. Whatever a container writes, what is held of it is bounded.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::log_lines::{LinePosition, LogLine, LogReader};
use super::model::{EngineError, EngineId, LogsWanted};
use super::{Answers, Engine, LogPiece};

/// Pieces that are looked through at most, from the newest on.
pub const MOST_LOOKED_THROUGH: u32 = 100_000;
/// Bytes that are, of those.
pub const MOST_BYTES: u64 = 50 * 1024 * 1024;
/// Bytes that are read to get at the newest; beyond them, fewer pieces are asked for.
const MOST_READ: u64 = 4 * MOST_BYTES;
/// Pieces of which even the longest are within [`MOST_BYTES`].
const FEW: u32 = 3_000;
/// Bytes of lines that one page holds.
const MOST_OF_A_PAGE: usize = 600 * 1024;
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
    let first = if looks_at_all { MOST_LOOKED_THROUGH } else { most + 1 };
    for last in [first, FEW.min(first)] {
        let mut kept = Kept::new(wanted, None);
        let pieces = open(LogsWanted { last: Some(last), since: wanted.since, ..base });
        if read(pieces, &mut kept, deadline).await? {
            return Ok(kept.into_lines(Some(last)));
        }
    }
    Err(EngineError::Odd("Too much was written to be read within a few seconds.".to_owned()))
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

/// The lines that a page will show, while more are read.
struct Kept<'a> {
    wanted: &'a LinesWanted,
    needle: Vec<char>,
    around: Option<LinePosition>,
    lines: VecDeque<LogLine>,
    weight: usize,
    after: usize,
    /// Where in what was read each line that matches stands, so that those too far back are not counted.
    matches: VecDeque<u64>,
    looked: VecDeque<u64>,
    pieces: u32,
    read: u64,
    has_lost: bool,
    first: Option<LinePosition>,
    newest: Option<LinePosition>,
}

impl<'a> Kept<'a> {
    fn new(wanted: &'a LinesWanted, around: Option<LinePosition>) -> Self {
        Self {
            wanted,
            needle: wanted.find.as_deref().map(folded).unwrap_or_default(),
            around,
            lines: VecDeque::new(),
            weight: 0,
            after: 0,
            matches: VecDeque::new(),
            looked: VecDeque::new(),
            pieces: 0,
            read: 0,
            has_lost: false,
            first: None,
            newest: None,
        }
    }

    fn take(&mut self, line: LogLine) {
        self.first.get_or_insert(line.at);
        self.newest = Some(line.at);
        self.looked.push_back(self.read);
        let is_wanted = self.wanted.only.is_none_or(|only| only == line.is_error)
            && (self.needle.is_empty() || !hits(&line.text(), &self.needle).is_empty());
        if is_wanted || self.around == Some(line.at) {
            self.matches.push_back(self.read);
            self.weight += line.weight();
            self.after += usize::from(self.around.is_some_and(|at| line.at > at));
            self.lines.push_back(line);
        }
        while self.lines.len() > self.wanted.most || self.weight > MOST_OF_A_PAGE && self.lines.len() > 1 {
            self.drop_oldest();
        }
        // Lines far behind are as good as not looked at.
        let horizon = self.read.saturating_sub(MOST_BYTES);
        while self.matches.front().is_some_and(|at| *at < horizon) {
            self.matches.pop_front();
            if self.lines.len() > self.matches.len() {
                self.drop_oldest();
            }
        }
        while self.looked.front().is_some_and(|at| *at < horizon) {
            self.looked.pop_front();
            self.has_lost = true;
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(line) = self.lines.pop_front() {
            self.weight -= line.weight();
            self.has_lost = true;
        }
    }

    /// Whether half of the lines stand behind the one that they are around.
    fn has_enough(&self) -> bool {
        self.around.is_some() && self.after >= self.wanted.most / 2
    }

    fn into_lines(mut self, asked: Option<u32>) -> Lines {
        // The first of as many pieces as were asked for may be the end of a line, and what shares its nanosecond may
        // have another number.
        if asked.is_some_and(|asked| self.pieces >= asked) {
            self.has_lost = true;
            let first = self.first.map(|at| at.nanos);
            while self.lines.len() > 1 && self.lines.front().map(|line| line.at.nanos) == first {
                self.drop_oldest();
            }
        }
        Lines {
            lines: self.lines.into(),
            matching: self.matches.len(),
            looked_through: self.looked.len(),
            is_cut: self.has_lost,
            newest: self.newest,
        }
    }
}

/// `text` without the difference of capital and small letters, character by character.
fn folded(text: &str) -> Vec<char> {
    text.chars().map(fold).collect()
}

fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Where `needle` stands in `text`: the first character of each place that overlaps no other.
fn hits(text: &str, needle: &[char]) -> Vec<usize> {
    let (haystack, mut found, mut at) = (folded(text), Vec::new(), 0);
    while !needle.is_empty() && at + needle.len() <= haystack.len() {
        if haystack[at..].starts_with(needle) {
            found.push(at);
            at += needle.len();
        } else {
            at += 1;
        }
    }
    found
}

/// The parts of `text` that are `wanted`, as characters: from, to.
#[must_use]
pub fn places(text: &str, wanted: &str) -> Vec<(usize, usize)> {
    let needle = folded(wanted);
    hits(text, &needle).into_iter().map(|at| (at, at + needle.len())).collect()
}
