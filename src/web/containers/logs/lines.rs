//! Lines as a page shows them, and as its script gets them.

use std::fmt::Write;

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::engine::{LogLine, TextStyle, places};
use crate::web::display::{ByteSize, visible};
use crate::web::time::{self, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineView {
    pub at: String,
    /// The page around it.
    pub url: String,
    /// When it was written: exact, and short.
    pub exact: String,
    pub time: String,
    pub is_error: bool,
    /// Whether it is the one that the address names.
    pub is_here: bool,
    pub spans: Vec<SpanView>,
    /// What is left out of it; empty for nothing.
    pub left_out: String,
}

/// Characters of one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpanView {
    /// Classes of `static/css/containers.css`; empty for none.
    pub class: String,
    pub text: String,
    /// Whether it is what was looked for.
    pub is_hit: bool,
}

impl LineView {
    pub fn new(line: &LogLine, logs_url: &str, find: Option<&str>, now: DateTime<Utc>, zone: Tz) -> Self {
        let at = DateTime::from_timestamp_nanos(line.at.nanos);
        let local = at.with_timezone(&zone).naive_local();
        let mut time = String::with_capacity(20);
        if local.date() != now.with_timezone(&zone).date_naive() {
            time.extend([&time::short_day(local.date()), " "]);
        }
        // Writing to a String does not fail.
        let _ = write!(
            time,
            "{:02}:{:02}:{:02}.{:03}",
            local.hour(),
            local.minute(),
            local.second(),
            local.nanosecond() / 1_000_000 % 1_000
        );
        let left_out = i64::try_from(line.left_out).unwrap_or(i64::MAX);
        Self {
            at: line.at.to_string(),
            url: format!("{logs_url}?at={}#here", line.at),
            exact: Timestamp::new(at, now, zone).precise,
            time,
            is_error: line.is_error,
            is_here: false,
            spans: spans(line, find),
            left_out: if left_out > 0 {
                format!("… {} more", ByteSize::new(left_out).short)
            } else {
                String::new()
            },
        }
    }
}

fn class(style: TextStyle) -> String {
    let mut words: Vec<&str> = Vec::new();
    let colour = style.colour.map(|colour| format!("a-{}", colour.as_str()));
    words.extend(colour.as_deref());
    words.extend(style.is_bold.then_some("a-bold"));
    words.extend(style.is_faint.then_some("a-faint"));
    words.join(" ")
}

/// Without what a reader can't see; tabs stay.
fn shown(text: &str) -> String {
    text.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

fn spans(line: &LogLine, find: Option<&str>) -> Vec<SpanView> {
    let hits = find.map(|find| places(&line.text(), find)).unwrap_or_default();
    let mut hits = hits.into_iter().peekable();
    let (mut spans, mut at) = (Vec::new(), 0);
    for span in &line.spans {
        let class = class(span.style);
        let (mut text, mut was_hit) = (String::new(), false);
        for c in span.text.chars() {
            while hits.next_if(|(_, to)| *to <= at).is_some() {}
            let is_hit = hits.peek().is_some_and(|(from, _)| *from <= at);
            if is_hit != was_hit && !text.is_empty() {
                spans.push(SpanView { class: class.clone(), text: shown(&text), is_hit: was_hit });
                text.clear();
            }
            was_hit = is_hit;
            text.push(c);
            at += 1;
        }
        if !text.is_empty() {
            spans.push(SpanView { class, text: shown(&text), is_hit: was_hit });
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{LogPiece, LogReader};

    fn line(text: &str) -> LogLine {
        let bytes = format!("2026-11-27T10:00:00.123456789Z {text}\n").into_bytes();
        LogReader::default().take(&LogPiece { is_error: false, bytes }).unwrap()
    }

    #[test]
    fn what_was_looked_for_is_marked_across_colours() {
        let line = line("an \u{1b}[31mERR\u{1b}[0mor and an error\tmore");
        let now = DateTime::from_timestamp(1_795_773_600, 0).unwrap();
        let view = LineView::new(&line, "/l", Some("error"), now, Tz::UTC);
        let told: Vec<_> =
            view.spans.iter().map(|span| (span.class.as_str(), span.text.as_str(), span.is_hit)).collect();
        assert_eq!(
            told,
            [
                ("", "an ", false),
                ("a-red", "ERR", true),
                ("", "or", true),
                ("", " and an ", false),
                ("", "error", true),
                ("", "\tmore", false)
            ]
        );
        assert_eq!(
            (view.time.as_str(), view.url.as_str()),
            ("10:00:00.123", "/l?at=1795773600123456789#here")
        );
    }
}
