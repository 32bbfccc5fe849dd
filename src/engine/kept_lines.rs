//! Of the lines that are read, those that a page will show.

use std::collections::VecDeque;

use super::log_lines::{LinePosition, LogLine};
use super::logs::{Lines, LinesWanted, MOST_BYTES};

/// Bytes of lines that one page holds.
const MOST_OF_A_PAGE: usize = 600 * 1024;

/// The lines that a page will show, while more are read.
pub(super) struct Kept<'a> {
    wanted: &'a LinesWanted,
    needle: Vec<char>,
    around: Option<LinePosition>,
    pub(super) lines: VecDeque<LogLine>,
    weight: usize,
    after: usize,
    /// Where in what was read each line that matches stands, so that those too far back are not counted.
    matches: VecDeque<u64>,
    looked: VecDeque<u64>,
    pub(super) pieces: u32,
    pub(super) read: u64,
    pub(super) has_lost: bool,
    first: Option<LinePosition>,
    newest: Option<LinePosition>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(wanted: &'a LinesWanted, around: Option<LinePosition>) -> Self {
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

    pub(super) fn take(&mut self, line: LogLine) {
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
    pub(super) fn has_enough(&self) -> bool {
        self.around.is_some() && self.after >= self.wanted.most / 2
    }

    pub(super) fn into_lines(mut self, asked: Option<u32>) -> Lines {
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
