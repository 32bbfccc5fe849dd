//! What is kept of the moment when a container crashes.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use crate::app::App;
use crate::engine::{EngineId, LogReader, LogsWanted, ObservedContainer};

/// What an entry says of an end; as much as a timeline holds of it.
pub(super) fn details(code: i64, was_out_of_memory: bool, lines: Option<&str>) -> String {
    let mut text = format!("Exit code {code}.");
    if was_out_of_memory {
        text.push_str(" A process in it was killed for memory.");
    }
    if let Some(lines) = lines.filter(|lines| !lines.is_empty()) {
        let kept: Vec<char> = lines.chars().rev().take(1_500).collect();
        text.push_str("\nThe last lines that it wrote:\n");
        text.extend(kept.into_iter().rev());
    }
    text
}

/// Lines that are kept of a crash, and bytes.
const LAST_LINES: u32 = 20;
const MOST_BYTES: usize = 64 * 1024;

/// What a container wrote last, as far as it is to be had within a few seconds.
pub(super) fn last_lines(app: &App, id: &EngineId, seen: Option<&ObservedContainer>) -> Option<String> {
    let has_terminal = seen?.has_terminal;
    let wanted = LogsWanted { last: Some(LAST_LINES), has_terminal, ..LogsWanted::default() };
    let mut pieces = app.engine.api().logs(id.clone(), wanted);
    let (send, read) = std::sync::mpsc::channel();
    let task = app.engine.spawn(async move {
        let (mut reader, mut text) = (LogReader::default(), String::new());
        let all = async {
            while let Some(Ok(piece)) = pieces.next().await
                && text.len() < MOST_BYTES
            {
                if let Some(line) = reader.take(&piece) {
                    text.extend([&line.text(), "\n"]);
                }
            }
        };
        let _ = timeout(Duration::from_secs(3), all).await;
        for line in reader.finish() {
            text.extend([&line.text(), "\n"]);
        }
        text.truncate(text.floor_char_boundary(MOST_BYTES));
        let _ = send.send(text);
    });
    task.ok()?;
    read.recv_timeout(Duration::from_secs(5)).ok()
}
