//! What is kept of the moment when a container crashes.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use crate::app::App;
use crate::engine::{EngineId, LogsWanted, ObservedContainer};

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
    // A terminal's output has no frames, and its lines no bound.
    if seen.is_none_or(|seen| seen.has_terminal) {
        return None;
    }
    let mut pieces =
        app.engine.api().logs(id.clone(), LogsWanted { last: Some(LAST_LINES), since: None, follow: false });
    let (send, read) = std::sync::mpsc::channel();
    let task = app.engine.spawn(async move {
        let mut bytes = Vec::new();
        let all = async {
            while let Some(Ok(piece)) = pieces.next().await {
                // Behind the time and a space.
                let from = piece.bytes.iter().position(|byte| *byte == b' ').map_or(0, |at| at + 1);
                bytes.extend_from_slice(piece.bytes.get(from..).unwrap_or_default());
                if bytes.len() >= MOST_BYTES {
                    break;
                }
            }
        };
        let _ = timeout(Duration::from_secs(3), all).await;
        bytes.truncate(MOST_BYTES);
        let _ = send.send(bytes);
    });
    task.ok()?;
    let bytes = read.recv_timeout(Duration::from_secs(5)).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}"))
}
