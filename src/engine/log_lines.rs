//! What a container wrote, as lines that a page can show: pieces put together, colours kept as words, everything that
//! would move a terminal's cursor carried out or dropped.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use vte::{Params, Parser, Perform};

use super::LogPiece;

/// Characters of a line that are kept. A program may write 100 MB without a line's end.
pub const LONGEST_LINE: usize = 8_192;

/// Where a line stands: nanoseconds since 1970, and its number among the lines of that nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct LinePosition {
    pub nanos: i64,
    pub ordinal: u32,
}

impl fmt::Display for LinePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ordinal {
            0 => write!(f, "{}", self.nanos),
            ordinal => write!(f, "{}.{ordinal}", self.nanos),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotALine;

impl FromStr for LinePosition {
    type Err = NotALine;

    fn from_str(text: &str) -> Result<Self, NotALine> {
        let (nanos, ordinal) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_number(nanos) || !is_number(ordinal) {
            return Err(NotALine);
        }
        Ok(Self {
            nanos: nanos.parse().map_err(|_| NotALine)?,
            ordinal: ordinal.parse().map_err(|_| NotALine)?,
        })
    }
}

/// The sixteen colours that every terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Black,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    White,
}

impl Colour {
    const ALL: [Self; 8] = [
        Self::Black,
        Self::Red,
        Self::Green,
        Self::Yellow,
        Self::Blue,
        Self::Magenta,
        Self::Cyan,
        Self::White,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Red => "red",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Blue => "blue",
            Self::Magenta => "magenta",
            Self::Cyan => "cyan",
            Self::White => "white",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextStyle {
    pub colour: Option<Colour>,
    pub is_bold: bool,
    pub is_faint: bool,
}

/// Characters of one style in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub style: TextStyle,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: LinePosition,
    pub is_error: bool,
    pub spans: Vec<Span>,
    /// Bytes that are left out of a line that is too long.
    pub left_out: usize,
}

impl LogLine {
    #[must_use]
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Bytes that it takes in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.spans.iter().map(|span| span.text.len() + size_of::<Span>()).sum::<usize>() + size_of::<Self>()
    }
}

/// Puts pieces together. Standard output and standard error are told apart, because a line of one may come in two
/// pieces with a line of the other between them.
#[derive(Debug, Default)]
pub struct LogReader {
    out: Unfinished,
    err: Unfinished,
    last: Option<LinePosition>,
}

#[derive(Debug, Default)]
struct Unfinished {
    nanos: Option<i64>,
    bytes: Vec<u8>,
    left_out: usize,
}

/// Bytes of a piece that goes on in the next one.
const FULL_PIECE: usize = 16 * 1024;
/// Bytes of a line that are kept until it ends: escapes take room as well.
const MOST_BYTES: usize = 4 * LONGEST_LINE;

impl LogReader {
    /// The line that `piece` ends, if it ends one. Positions only grow: a line that was begun before another one and
    /// ended after it stands behind that one. Those of one nanosecond have numbers, the same however often they are
    /// read from its beginning.
    pub fn take(&mut self, piece: &LogPiece) -> Option<LogLine> {
        let (nanos, rest) = timed(&piece.bytes);
        let (rest, ends) = match rest.strip_suffix(b"\n") {
            Some(rest) => (rest, true),
            // Cut short, it was not cut by the engine: who wrote it has ended, and the next run writes a line of its own.
            None => (rest, rest.len() < FULL_PIECE),
        };
        let held = if piece.is_error { &mut self.err } else { &mut self.out };
        if held.nanos.is_none() {
            held.nanos = nanos;
        }
        let room = MOST_BYTES.saturating_sub(held.bytes.len()).min(rest.len());
        held.bytes.extend_from_slice(&rest[..room]);
        held.left_out += rest.len() - room;
        ends.then(|| self.end(piece.is_error))
    }

    /// What was begun and not ended, when there is no more.
    pub fn finish(&mut self) -> Vec<LogLine> {
        [false, true]
            .into_iter()
            .filter(|is_error| {
                let held = if *is_error { &self.err } else { &self.out };
                held.nanos.is_some() || !held.bytes.is_empty()
            })
            .collect::<Vec<_>>()
            .into_iter()
            .map(|is_error| self.end(is_error))
            .collect()
    }

    fn end(&mut self, is_error: bool) -> LogLine {
        let held = std::mem::take(if is_error { &mut self.err } else { &mut self.out });
        let last = self.last.unwrap_or_default();
        let nanos = held.nanos.unwrap_or(last.nanos).max(last.nanos);
        let ordinal = if self.last.is_some_and(|last| last.nanos == nanos) { last.ordinal + 1 } else { 0 };
        let at = LinePosition { nanos, ordinal };
        self.last = Some(at);
        let (spans, cut) = spans(&held.bytes);
        LogLine { at, is_error, spans, left_out: held.left_out + cut }
    }
}

/// The time before the first space, and what follows.
fn timed(bytes: &[u8]) -> (Option<i64>, &[u8]) {
    let space = bytes.iter().take(40).position(|b| *b == b' ');
    let parsed = space.and_then(|space| {
        let time = std::str::from_utf8(&bytes[..space]).ok()?;
        let nanos = DateTime::parse_from_rfc3339(time).ok()?.timestamp_nanos_opt()?;
        Some((nanos, &bytes[space + 1..]))
    });
    match parsed {
        Some((nanos, rest)) => (Some(nanos), rest),
        None => (None, bytes),
    }
}

/// The characters of a line by style, and how many bytes were left out.
fn spans(bytes: &[u8]) -> (Vec<Span>, usize) {
    let mut screen = Screen::default();
    Parser::new().advance(&mut screen, bytes);
    let mut spans: Vec<Span> = Vec::new();
    for (c, style) in screen.cells {
        match spans.last_mut() {
            Some(span) if span.style == style => span.text.push(c),
            _ => spans.push(Span { text: c.to_string(), style }),
        }
    }
    (spans, screen.left_out)
}

/// One line of a terminal.
#[derive(Debug, Default)]
struct Screen {
    cells: Vec<(char, TextStyle)>,
    column: usize,
    style: TextStyle,
    left_out: usize,
}

impl Screen {
    fn set_style(&mut self, params: &Params) {
        let mut codes = params.iter().map(|group| group[0]);
        while let Some(code) = codes.next() {
            let colour = |base: u16| Colour::ALL.get(usize::from(code - base)).copied();
            match code {
                0 => self.style = TextStyle::default(),
                1 => self.style.is_bold = true,
                2 => self.style.is_faint = true,
                22 => (self.style.is_bold, self.style.is_faint) = (false, false),
                30..=37 => self.style.colour = colour(30),
                90..=97 => self.style.colour = colour(90),
                39 => self.style.colour = None,
                // One of 256 (`38;5;n`) or any (`38;2;r;g;b`): its numbers are no codes of their own.
                38 | 48 => {
                    let indexed = codes.next() == Some(5);
                    let first = codes.next();
                    if indexed && code == 38 {
                        self.style.colour = first
                            .and_then(|n| Colour::ALL.get(usize::from(n % 8)).copied().filter(|_| n < 16));
                    }
                    if !indexed {
                        codes.next();
                        codes.next();
                    }
                }
                _ => {}
            }
        }
    }
}

impl Perform for Screen {
    fn print(&mut self, c: char) {
        let cell = (c, self.style);
        if let Some(there) = self.cells.get_mut(self.column) {
            *there = cell;
        } else if self.cells.len() < LONGEST_LINE {
            self.cells.push(cell);
        } else {
            self.left_out += c.len_utf8();
            return;
        }
        self.column += 1;
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.saturating_sub(1),
            b'\t' => self.print('\t'),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], _: bool, action: char) {
        let first = params.iter().next().map_or(0, |group| group[0]);
        match (action, first) {
            ('m', _) => self.set_style(params),
            // Erases to the line's end, or all of it.
            ('K', 0) => self.cells.truncate(self.column),
            ('K', 2) => {
                self.cells.clear();
                self.column = 0;
            }
            ('G', _) => self.column = usize::from(first.max(1) - 1).min(self.cells.len()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> LogPiece {
        LogPiece { is_error: false, bytes: text.as_bytes().to_vec() }
    }

    fn shown(text: &str) -> String {
        let mut reader = LogReader::default();
        reader.take(&piece(&format!("2026-11-27T10:00:00.000000001Z {text}\n"))).unwrap().text()
    }

    #[test]
    fn a_line_has_its_time_and_its_number_among_those_of_one_nanosecond() {
        let mut reader = LogReader::default();
        let mut at = |text: &str| reader.take(&piece(text)).map(|line| line.at.to_string());
        assert_eq!(at("2026-11-27T10:00:00.000000001Z a\n").as_deref(), Some("1795773600000000001"));
        assert_eq!(at("2026-11-27T10:00:00.000000001Z b\n").as_deref(), Some("1795773600000000001.1"));
        assert_eq!(at("2026-11-27T10:00:00.000000001Z c\n").as_deref(), Some("1795773600000000001.2"));
        assert_eq!(at("2026-11-27T10:00:00.000000002Z d\n").as_deref(), Some("1795773600000000002"));
        for text in ["1795773600000000001", "1795773600000000001.2"] {
            assert_eq!(text.parse::<LinePosition>().unwrap().to_string(), text);
        }
        for odd in ["", ".", "1.", ".1", "-1", "1.2.3", "99999999999999999999", "a"] {
            assert_eq!(odd.parse::<LinePosition>(), Err(NotALine), "{odd}");
        }
    }

    #[test]
    fn a_line_in_pieces_is_one_though_another_stream_writes_between_them() {
        let full = "x".repeat(FULL_PIECE);
        let mut reader = LogReader::default();
        assert_eq!(reader.take(&piece(&format!("2026-11-27T10:00:00.000000001Z {full}"))), None);
        let other = LogPiece { is_error: true, bytes: b"2026-11-27T10:00:00.000000002Z oops\n".to_vec() };
        let error = reader.take(&other).unwrap();
        assert!(error.is_error);
        assert_eq!(error.text(), "oops");
        let line = reader.take(&piece("2026-11-27T10:00:00.000000001Z end\n")).unwrap();
        assert_eq!(
            (line.at.to_string().as_str(), line.left_out),
            ("1795773600000000002.1", FULL_PIECE + 3 - LONGEST_LINE)
        );
        assert_eq!(reader.take(&piece(&format!("2026-11-27T10:00:00.000000009Z {full}"))), None);
        assert_eq!(reader.finish().len(), 1);
        assert_eq!(reader.finish(), []);
    }

    #[test]
    fn a_line_that_its_program_did_not_end_does_not_swallow_the_next_runs_first() {
        let mut reader = LogReader::default();
        assert_eq!(reader.take(&piece("2026-11-27T10:00:00.000000001Z dying")).unwrap().text(), "dying");
        assert_eq!(reader.take(&piece("2026-11-27T10:00:09.000000001Z hello\n")).unwrap().text(), "hello");
    }

    #[test]
    fn a_line_without_end_takes_no_more_room_than_a_long_one() {
        let mut reader = LogReader::default();
        for _ in 0..1_000 {
            assert_eq!(
                reader.take(&piece(&format!("2026-11-27T10:00:00.000000001Z {}", "x".repeat(16_384)))),
                None
            );
        }
        assert!(reader.out.bytes.len() <= MOST_BYTES);
        let line = reader.take(&piece("2026-11-27T10:00:00.000000001Z \n")).unwrap();
        assert_eq!(line.text().len(), LONGEST_LINE);
        assert_eq!(line.left_out, 1_000 * 16_384 - LONGEST_LINE);
    }

    #[test]
    fn colours_are_kept_and_nothing_else_of_a_terminal_is() {
        let mut reader = LogReader::default();
        let line =
            "2026-11-27T10:00:00Z \u{1b}[1;31mred\u{1b}[0m plain \u{1b}[38;2;1;31;3mrgb\u{1b}[38;5;2mgreen\n";
        let line = reader.take(&piece(line)).unwrap();
        let styles: Vec<_> =
            line.spans.iter().map(|s| (s.text.as_str(), s.style.colour, s.style.is_bold)).collect();
        assert_eq!(
            styles,
            [
                ("red", Some(Colour::Red), true),
                (" plain rgb", None, false),
                ("green", Some(Colour::Green), false)
            ]
        );
        assert_eq!(shown("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(shown("\u{1b}[2J\u{1b}[Htext\u{1b}[31"), "text");
        assert_eq!(shown("a\u{0}b\u{7}c"), "abc");
        assert_eq!(shown("<script>alert(1)</script>"), "<script>alert(1)</script>");
    }

    #[test]
    fn a_progress_bar_leaves_its_last_state() {
        assert_eq!(shown("10 %\r50 %\r100 %"), "100 %");
        assert_eq!(shown("loading…\r\u{1b}[Kdone"), "done");
        assert_eq!(shown("abc\u{8}\u{8}X"), "aXc");
        assert_eq!(shown("line\r"), "line");
    }

    #[test]
    fn what_is_no_text_is_told_as_such() {
        let mut reader = LogReader::default();
        let bytes = [b"2026-11-27T10:00:00Z ".as_slice(), &[0xff, 0xfe, b'a', b'\n']].concat();
        let line = reader.take(&LogPiece { is_error: false, bytes }).unwrap();
        assert_eq!(line.text(), "\u{fffd}\u{fffd}a");
        assert_eq!(shown("çé 日本 🚀"), "çé 日本 🚀");
    }

    #[test]
    fn a_line_without_a_time_stands_behind_the_one_before_it() {
        let mut reader = LogReader::default();
        reader.take(&piece("2026-11-27T10:00:00.000000005Z a\n"));
        let line = reader.take(&piece("no time\n")).unwrap();
        assert_eq!(
            (line.at.to_string().as_str(), line.text().as_str()),
            ("1795773600000000005.1", "no time")
        );
    }
}
