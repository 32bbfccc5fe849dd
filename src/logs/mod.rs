//! How somebody reads logs. What is read is the engine's ([`crate::engine::Engine::read_lines`]) and is kept nowhere.

use diesel::prelude::*;

use crate::db::schema::log_views;
use crate::identity::UserId;

/// How logs are shown to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogView {
    pub lines: u16,
    /// Of one stream alone.
    pub stream: Option<Stream>,
    pub has_times: bool,
    pub wraps: bool,
}

impl Default for LogView {
    fn default() -> Self {
        Self { lines: 200, stream: None, has_times: true, wraps: true }
    }
}

impl LogView {
    /// What is offered, and at most.
    pub const LINES: [u16; 5] = [100, 200, 500, 1_000, 2_000];
    pub const MOST_LINES: u16 = 2_000;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Output,
    Error,
}

impl Stream {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Output => "stdout",
            Self::Error => "stderr",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Output, Self::Error].into_iter().find(|stream| stream.as_str() == word)
    }
}

/// How `user` wants them shown.
pub fn view_of(conn: &mut PgConnection, user: UserId) -> QueryResult<LogView> {
    let kept: Option<(i32, String, bool, bool)> = log_views::table
        .find(user)
        .select((log_views::lines, log_views::stream, log_views::has_times, log_views::wraps))
        .first(conn)
        .optional()?;
    Ok(kept.map_or_else(LogView::default, |(lines, stream, has_times, wraps)| LogView {
        lines: u16::try_from(lines).unwrap_or(LogView::MOST_LINES),
        stream: Stream::from_word(&stream),
        has_times,
        wraps,
    }))
}

pub fn keep_view(conn: &mut PgConnection, user: UserId, view: LogView) -> QueryResult<()> {
    let values = (
        log_views::lines.eq(i32::from(view.lines)),
        log_views::stream.eq(view.stream.map_or("", Stream::as_str)),
        log_views::has_times.eq(view.has_times),
        log_views::wraps.eq(view.wraps),
    );
    diesel::insert_into(log_views::table)
        .values((log_views::user_id.eq(user), values))
        .on_conflict(log_views::user_id)
        .do_update()
        .set(values)
        .execute(conn)
        .map(|_| ())
}
