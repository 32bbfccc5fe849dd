//! What a server of somebody's does towards restoring any second, and what its operator has yet to do.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

#[derive(QueryableByName)]
struct Settings {
    #[diesel(sql_type = Nullable<Text>)]
    wal_level: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    archive_mode: Option<String>,
    /// Nothing where this login may not read it.
    #[diesel(sql_type = Nullable<Bool>)]
    has_command: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    is_failing: Option<bool>,
    #[diesel(sql_type = Bool)]
    has_archived: bool,
}

/// What `doctor` says of it.
pub fn advice(conn: &mut PgConnection) -> QueryResult<String> {
    let settings: Settings = diesel::sql_query(
        "SELECT max(s.setting) FILTER (WHERE s.name = 'wal_level') AS wal_level, \
             max(s.setting) FILTER (WHERE s.name = 'archive_mode') AS archive_mode, \
             bool_or(s.setting NOT IN ('', '(disabled)')) FILTER (WHERE s.name IN ('archive_command', 'archive_library')) AS has_command, \
             (SELECT a.last_failed_time > coalesce(a.last_archived_time, '-infinity') FROM pg_stat_archiver a) AS is_failing, \
             (SELECT a.last_archived_time IS NOT NULL FROM pg_stat_archiver a) AS has_archived \
         FROM pg_settings s WHERE s.name IN ('wal_level', 'archive_mode', 'archive_command', 'archive_library')",
    )
    .get_result(conn)?;
    Ok(settings.advice())
}

impl Settings {
    fn advice(&self) -> String {
        let mut steps = Vec::new();
        if self.wal_level.as_deref() == Some("minimal") {
            steps.push("set wal_level to replica");
        }
        if self.archive_mode.as_deref().is_none_or(|mode| mode == "off") {
            steps.push("set archive_mode to on and restart that server");
        }
        if self.has_command == Some(false) {
            steps.push("give archive_command a program that copies the log away, such as pgbackrest archive-push or wal-g wal-push");
        }
        if self.is_failing == Some(true) {
            steps.push("see to its last archived file, which failed (pg_stat_archiver)");
        }
        let beside = "take a base backup each day with the same program and restore one for a try";
        if steps.is_empty() && self.has_archived {
            return format!(
                "dumps of one moment; that server archives its log, so any second can be restored there: {beside}"
            );
        }
        steps.push(beside);
        format!(
            "dumps of one moment; to restore any second, turn on your provider's point in time recovery, or on that server: {}",
            steps.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(wal_level: &str, archive_mode: &str, has_command: bool, is_failing: bool) -> String {
        Settings {
            wal_level: Some(wal_level.to_owned()),
            archive_mode: Some(archive_mode.to_owned()),
            has_command: Some(has_command),
            is_failing: Some(is_failing),
            has_archived: has_command,
        }
        .advice()
    }

    #[test]
    fn an_operator_is_told_what_is_left_to_do_and_no_more() {
        let all = settings("minimal", "off", false, false);
        for step in ["wal_level", "archive_mode", "archive_command", "base backup"] {
            assert!(all.contains(step), "{all}");
        }
        let failing = settings("replica", "on", true, true);
        assert!(failing.contains("pg_stat_archiver") && !failing.contains("archive_mode"), "{failing}");
        let done = settings("replica", "on", true, false);
        assert!(done.contains("any second can be restored there") && !done.contains("turn on"), "{done}");
    }
}
