//! Pushes as GitHub tells of them: a row, an action, and where each stands among those of its branch.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text};
use serde_json::{Map, Value, json};

use super::gaps::{self, Step};
use super::github::{at, branch_or_tag, sha, time};
use super::work::{Came, NAME, Told, Work, said};

/// Characters of a message that a record holds.
const MESSAGE: usize = 10_000;
/// Files of a push that are listed.
const FILES: usize = 1_000;

impl Work<'_> {
    pub(super) fn push(&self, conn: &mut PgConnection) -> QueryResult<Came> {
        let Some(git_ref) = self.text(&["ref"], NAME) else { return Ok(Err("It names no branch or tag.")) };
        let (before, after) = (sha(self.told, &["before"]), sha(self.told, &["after"]));
        let missed = if self.delivery.ended_at.is_none() {
            let step = Step { git_ref: &git_ref, before: before.as_deref(), after: after.as_deref() };
            gaps::note(conn, self.delivery.webhook, self.delivery.id, &step)?
        } else {
            None
        };
        let (name, is_tag) = branch_or_tag(&git_ref);
        let repository = self.text(&["repository", "full_name"], NAME).unwrap_or_default();
        let place = [
            &repository,
            git_ref.as_str(),
            before.as_deref().unwrap_or("-"),
            after.as_deref().unwrap_or("-"),
        ];
        let push_id = self.id("push", &place);
        let pushed_at = time(self.told, &["repository", "pushed_at"]).unwrap_or(self.received_ms());
        let who =
            self.user(conn, self.text(&["pusher", "email"], NAME), self.text(&["pusher", "name"], NAME))?;
        let message = self.text(&["head_commit", "message"], MESSAGE);
        let commits = at(self.told, &["commits"]).as_array().map_or(0, Vec::len);
        let mut references = Map::new();
        references.insert(if is_tag { "tag_name" } else { "branch_name" }.to_owned(), json!(name));
        let thing = if is_tag { "tag" } else { "branch" };
        let (kind, details) = match &after {
            None => (format!("{thing}_deleted"), format!("Deleted the {thing} {name}")),
            Some(after) => {
                references.insert("github_push_id".to_owned(), json!(push_id));
                references.insert("commit_sha".to_owned(), json!(after));
                let files = self.files();
                self.keep_push(
                    conn,
                    &push_id,
                    (!is_tag).then_some(name),
                    after,
                    who.as_deref(),
                    &files,
                    pushed_at,
                )?;
                let how = if at(self.told, &["forced"]) == &json!(true) { "Forced " } else { "" };
                let what = match (before.is_none(), is_tag, commits) {
                    (true, ..) | (_, true, _) => format!("{how}New {thing} {name}"),
                    (_, _, 1) => format!("{how}1 commit to {name}"),
                    (_, _, n) => format!("{how}{n} commits to {name}"),
                };
                let first = message.as_deref().and_then(|message| message.lines().next());
                let details = first.map_or_else(|| what.clone(), |line| format!("{what}: {line}"));
                ("github_push".to_owned(), details)
            }
        };
        let action = Told {
            id: format!("act_{push_id}"),
            kind,
            status: "success".to_owned(),
            environment: None,
            details,
            references,
            at: pushed_at,
        };
        let is_new = self.act(conn, action, who)?;
        let gap = missed.map(|last| format!(" There is a gap before it: the last push ended at {last}."));
        Ok(Ok(format!("{} {thing} {name}.{}", said(is_new, "A push to the"), gap.unwrap_or_default())))
    }

    /// Path and what became of it, of each file that the commits name.
    fn files(&self) -> BTreeMap<String, &'static str> {
        let mut files = BTreeMap::new();
        for commit in at(self.told, &["commits"]).as_array().into_iter().flatten() {
            for (list, word) in [("added", "added"), ("modified", "modified"), ("removed", "removed")] {
                for path in at(commit, &[list]).as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let path: String = path.chars().filter(|c| *c != '\0').take(1_000).collect();
                    files.insert(path, word);
                }
            }
        }
        files
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row")]
    fn keep_push(
        &self,
        conn: &mut PgConnection,
        push_id: &str,
        branch: Option<&str>,
        after: &str,
        who: Option<&str>,
        files: &BTreeMap<String, &'static str>,
        pushed_at: i64,
    ) -> QueryResult<()> {
        let listed: Vec<Value> = files
            .iter()
            .take(FILES)
            .map(|(path, status)| json!({ "path": path, "status": status }))
            .collect();
        diesel::sql_query(
            "INSERT INTO turbobackend.github_push_history (push_id, project_id, user_id, request_id, repo_url, branch_name, \
                 commit_sha, commit_message, author_name, author_email, files_changed, files, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
        )
        .bind::<Text, _>(push_id)
        .bind::<Text, _>(self.delivery.project.to_string())
        .bind::<Nullable<Text>, _>(who)
        .bind::<Text, _>(&self.delivery.guid)
        .bind::<Nullable<Text>, _>(self.text(&["repository", "html_url"], NAME))
        .bind::<Nullable<Text>, _>(branch)
        .bind::<Text, _>(after)
        .bind::<Nullable<Text>, _>(self.text(&["head_commit", "message"], MESSAGE))
        .bind::<Nullable<Text>, _>(self.text(&["head_commit", "author", "name"], NAME))
        .bind::<Nullable<Text>, _>(self.text(&["head_commit", "author", "email"], NAME))
        .bind::<diesel::sql_types::Integer, _>(i32::try_from(files.len()).unwrap_or(i32::MAX))
        .bind::<Jsonb, _>(Value::Array(listed))
        .bind::<BigInt, _>(pushed_at)
        .execute(conn)
        .map(|_| ())
    }
}
