//! The steps that stories are made of: talking, writing code, pushing, deploying, asking a database.

use serde_json::json;

use super::rows::{Database, Deployment, Push};
use super::words::{ENDPOINTS, FAILURES, TABLES, Wish};
use super::world::{MINUTE, SECOND, Thread, World};

impl World {
    pub(super) fn write_code(&mut self, thread: &mut Thread<'_>, wish: &Wish) {
        let duration = self.chance.between(20 * SECOND, 4 * MINUTE);
        let files = format!("{} files", wish.files.len());
        let title = format!("Writing code: {}", wish.commit);
        self.operation(
            thread,
            ("APR_CODE_GENERATION", "apr_session"),
            (title, Some(files)),
            "COMPLETED",
            duration,
        );
        if self.chance.likely(25) {
            let duration = self.chance.between(10 * SECOND, 90 * SECOND);
            let status = if self.chance.likely(88) { "COMPLETED" } else { "FAILED" };
            let title = format!("Writing tests: {}", wish.commit);
            self.operation(thread, ("TEST_GENERATION", "apr_session"), (title, None), status, duration);
        }
    }

    /// New endpoints were part of it.
    pub(super) fn add_endpoints(&mut self, thread: &mut Thread<'_>) {
        let endpoint = self.chance.pick(&ENDPOINTS);
        self.act(
            thread,
            ("endpoints_added", format!("Added endpoint {endpoint}")),
            ("success", "development"),
            json!({ "branch_name": "main" }),
        );
        self.pass(thread, 5 * SECOND, MINUTE);
    }

    pub(super) fn push(
        &mut self,
        thread: &mut Thread<'_>,
        branch: &'static str,
        commit: &str,
        files: &[&str],
    ) {
        thread.commit = self.chance.hex(40);
        let (push_id, project) = (self.id("push"), thread.project);
        let repo_url = format!("https://git.demo.test/{}/{}", slug_of(project.owner.email), project.slug);
        let noun = if files.len() == 1 { "file" } else { "files" };
        self.rows.pushes.push(Push {
            push_id: push_id.clone(),
            project_id: project.key(),
            user_id: project.user(),
            request_id: thread.request.clone(),
            repo_url,
            branch_name: branch,
            commit_sha: thread.commit.clone(),
            commit_message: commit.to_owned(),
            author_name: project.owner.name,
            author_email: project.owner.email,
            files_changed: files.len(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            created_at: thread.at,
        });
        let mut references =
            json!({ "github_push_id": push_id, "commit_sha": thread.commit, "branch_name": branch });
        if let Some(prompt) = &thread.prompt {
            references["chat_message_id"] = json!(prompt);
        }
        let details = format!("Pushed 1 commit ({} {noun}) to {branch}: {commit}", files.len());
        self.act(thread, ("github_push", details), ("success", "development"), references);
        self.tell(thread, format!("Pushed `{}` to **{branch}**: {commit}", &thread.commit[..7]));
        self.pass(thread, 4 * SECOND, 40 * SECOND);
    }

    /// The newest commit is deployed; `failure` says why it does not work.
    pub(super) fn deploy(
        &mut self,
        thread: &mut Thread<'_>,
        environment: &'static str,
        failure: Option<&'static str>,
    ) {
        let (deployment_id, created_at) = (self.id("deploy"), thread.at);
        self.pass(thread, 35 * SECOND, 5 * MINUTE);
        let app_name = match environment {
            "production" => thread.project.slug.to_owned(),
            other => format!("{}-{other}", thread.project.slug),
        };
        let app_url = format!("https://{app_name}.apps.demo.test");
        let status = if failure.is_some() { "failed" } else { "success" };
        let details = match failure {
            None => format!("Deployed to {environment}: {app_url}"),
            Some(reason) => format!("Deployment to {environment} failed: {reason}"),
        };
        let told = match failure {
            None => format!("It is on {environment}: <{app_url}>"),
            Some(reason) => format!("The deployment to {environment} failed:\n\n```\n{reason}\n```"),
        };
        self.rows.deployments.push(Deployment {
            deployment_id: deployment_id.clone(),
            project_id: thread.project.key(),
            user_id: thread.project.user(),
            request_id: thread.request.clone(),
            app_name: app_name.clone(),
            app_url,
            commit_sha: thread.commit.clone(),
            status,
            environment,
            error: failure,
            created_at,
            finished_at: thread.at,
        });
        let mut references =
            json!({ "deployment_id": deployment_id, "app_name": app_name, "commit_sha": thread.commit });
        // What is in production runs in the project's own container.
        if let Some(container) = thread.project.container.as_ref().filter(|_| environment == "production") {
            references["container_id"] = json!(container.engine_id);
        }
        self.act(thread, ("deployment", details), (status, environment), references);
        self.tell(thread, told);
        self.pass(thread, 5 * SECOND, 50 * SECOND);
    }

    /// A deployment that fails, and what comes of it: a repair that works, or one that a person finishes.
    pub(super) fn deploy_and_repair(&mut self, thread: &mut Thread<'_>, environment: &'static str) {
        let (reason, repair) = self.chance.pick(&FAILURES);
        self.deploy(thread, environment, Some(reason));
        let fixed = self.chance.likely(80);
        let duration = self.chance.between(30 * SECOND, 3 * MINUTE);
        let started = (format!("Looking into: {reason}"), None);
        self.operation(thread, ("AUTO_FIX_STARTED", "deployment"), started, "COMPLETED", duration);
        let duration = self.chance.between(10 * SECOND, MINUTE);
        if fixed {
            let done = (format!("Repaired: {repair}"), Some(reason.to_owned()));
            self.operation(thread, ("AUTO_FIX_COMPLETED", "deployment"), done, "COMPLETED", duration);
        } else {
            let gave_up = ("No repair was found".to_owned(), Some(reason.to_owned()));
            self.operation(thread, ("AUTO_FIX_FAILED", "deployment"), gave_up, "FAILED", duration);
            // A person takes over, in a request of their own that still answers to the failure.
            thread.request = self.id("req");
            self.pass(thread, 6 * MINUTE, 40 * MINUTE);
            let files = ["Dockerfile", "src/server.ts"];
            self.talk(thread, &format!("The deployment failed: {reason}. Please fix it."), &files);
        }
        self.push(thread, "main", repair, &["Dockerfile", "src/server.ts"]);
        self.deploy(thread, environment, None);
    }

    /// The project gets a database.
    pub(super) fn create_database(&mut self, thread: &mut Thread<'_>) {
        let database_id = self.id("db");
        let first = self.chance.pick(&TABLES);
        let tables: Vec<&str> =
            TABLES.iter().copied().filter(|name| *name == first || self.chance.likely(35)).collect();
        let database_name = format!("{}_{}", thread.project.slug.replace('-', "_"), &database_id[3..7]);
        let details = format!("Database '{database_name}' created with {} tables", tables.len());
        self.rows.databases.push(Database {
            database_id: database_id.clone(),
            project_id: thread.project.key(),
            user_id: thread.project.user(),
            request_id: thread.request.clone(),
            database_name: database_name.clone(),
            schema_design: json!({ "tables": tables.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>() }),
            status: "active",
            created_at: thread.at,
        });
        let references = json!({ "database_id": database_id, "database_name": database_name });
        self.act(thread, ("database_created", details), ("success", "development"), references);
        self.pass(thread, 5 * SECOND, MINUTE);
    }

    /// Queries run on one of the project's databases, if it has one by then.
    pub(super) fn run_queries(&mut self, thread: &mut Thread<'_>) {
        let own = thread.project.key();
        let known: Vec<usize> = (0..self.rows.databases.len())
            .filter(|n| {
                self.rows.databases[*n].project_id == own && self.rows.databases[*n].created_at < thread.at
            })
            .collect();
        if known.is_empty() {
            return;
        }
        let database = &self.rows.databases[self.chance.pick(&known)];
        let references =
            json!({ "database_id": database.database_id, "database_name": database.database_name });
        let (table, count) = (self.chance.pick(&TABLES), self.chance.between(2, 9));
        let (status, details) = if self.chance.likely(93) {
            ("success", format!("Executed {count} queries on {table}"))
        } else {
            ("failed", format!("Query on {table} failed: canceling statement due to statement timeout"))
        };
        self.act(thread, ("queries_executed", details), (status, "development"), references);
        self.pass(thread, 3 * SECOND, MINUTE);
    }
}

fn slug_of(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
}
