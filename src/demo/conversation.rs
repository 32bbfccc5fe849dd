//! What people and the builder say to each other, in Markdown as such builders write it.

use std::fmt::Write;

use serde_json::{Value, json};

use super::cast::Project;
use super::rows::{Cost, Message};
use super::words::{ASIDES, PLANS, QUESTIONS};
use super::world::{DAY, HOUR, MINUTE, SECOND, Thread, World, utc};

/// After such a pause a new conversation begins.
const LONGEST_PAUSE: i64 = 3 * HOUR;

impl World {
    /// Somebody asks for something that changes `files`, and is told how. Without a container there is nobody
    /// to ask.
    pub(super) fn talk(&mut self, thread: &mut Thread<'_>, prompt: &str, files: &[&str]) {
        if thread.project.container.is_none() {
            return;
        }
        let session = self.session(thread);
        thread.session = Some(session.clone());
        let title = format!("\u{201c}{prompt}\u{201d}");
        let attachments = self.attachments();
        thread.prompt = Some(self.say(thread, &session, "user", (prompt.to_owned(), attachments)));
        self.operation(thread, ("CHAT_MESSAGE_SENT", "chat_message"), (title, None), "COMPLETED", 40);
        let thinking = self.chance.between(3 * SECOND, 25 * SECOND);
        let received = ("CHAT_MESSAGE_RECEIVED", "chat_message");
        self.operation(thread, received, ("The assistant answered".to_owned(), None), "COMPLETED", thinking);
        let plan = self.plan(files);
        self.answer(thread, &session, plan);
    }

    /// The builder tells what became of it, where it was asked for.
    pub(super) fn tell(&mut self, thread: &Thread<'_>, text: String) {
        if let Some(session) = thread.session.clone() {
            self.say(thread, &session, "assistant", (text, json!([])));
        }
    }

    /// The conversation that goes on, or a new one after a pause or a change of mind.
    fn session(&mut self, thread: &Thread<'_>) -> String {
        let key = thread.project.key();
        let goes_on = self.chance.likely(65);
        let last = self.conversations.get(&key).filter(|(_, at)| thread.at - at < LONGEST_PAUSE && goes_on);
        let session =
            last.map_or_else(|| format!("chat_{}", &thread.request[4..12]), |(name, _)| name.clone());
        self.conversations.insert(key, (session.clone(), thread.at));
        session
    }

    /// An answer, with what it cost.
    fn answer(&mut self, thread: &Thread<'_>, session: &str, text: String) {
        let message_id = self.say(thread, session, "assistant", (text, json!([])));
        let (input, output) = (self.chance.between(2_000, 48_000), self.chance.between(200, 6_000));
        let micros = input * 3 + output * 15;
        let cost_id = self.id("cost");
        self.rows.costs.push(Cost {
            cost_id,
            project_id: thread.project.key(),
            user_id: thread.project.user(),
            request_id: thread.request.clone(),
            message_id,
            model: "builder-large",
            input_tokens: input,
            output_tokens: output,
            cost_usd: format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000),
            created_at: thread.at,
        });
    }

    /// Adds a chat message with its attachments and returns its id.
    pub(super) fn say(
        &mut self,
        thread: &Thread<'_>,
        session: &str,
        role: &'static str,
        (content, attachments): (String, Value),
    ) -> String {
        let id = self.uuid();
        if let Some(container) = &thread.project.container {
            self.rows.messages.push(Message {
                id: id.clone(),
                container_id: container.id.hyphenated().to_string(),
                session_id: session.to_owned(),
                role,
                content,
                attachments,
                created_at: utc(thread.at),
                metadata: json!({ "request_id": thread.request }),
            });
        }
        id
    }

    /// Now and then somebody shows what they mean.
    fn attachments(&mut self) -> Value {
        if !self.chance.likely(15) {
            return json!([]);
        }
        let size = self.chance.between(18_000, 2_400_000);
        let name = self.chance.pick(&["screenshot.png", "phone.jpg", "wireframe.pdf", "slow-requests.har"]);
        let media_type = match name.rsplit('.').next() {
            Some("png") => "image/png",
            Some("jpg") => "image/jpeg",
            Some("pdf") => "application/pdf",
            _ => "application/json",
        };
        let place = self.chance.hex(12);
        json!([{ "name": name, "size": size, "type": media_type, "url": format!("https://files.demo.test/{place}/{name}") }])
    }

    /// What will be done, file by file; sometimes with a table or with code.
    fn plan(&mut self, files: &[&str]) -> String {
        let mut text = self.chance.pick(&PLANS).to_owned();
        match self.chance.between(0, 3) {
            0 => {
                text.push_str("\n\n| File | What changes |\n|---|---|\n");
                for file in files {
                    let _ = writeln!(text, "| `{file}` | {} |", self.chance.pick(&ASIDES));
                }
            }
            1 => {
                text.push_str("\n\n## Steps\n\n");
                for (n, file) in (1..).zip(files) {
                    let _ = writeln!(text, "{n}. Change `{file}`: {}", self.chance.pick(&ASIDES));
                }
                text.push_str("\nI will run the tests before I push.");
            }
            2 => {
                let file = files.first().copied().unwrap_or("src/index.ts");
                let _ = write!(
                    text,
                    "\n\nThe heart of it, in `{file}`:\n\n```ts\nexport async function page(from: Key, limit = 50) {{\n  \
                     const rows = await list(from, limit + 1);\n  return {{ rows: rows.slice(0, limit), more: rows.length > limit }};\n}}\n```\n"
                );
            }
            _ => {
                text.push_str("\n\n");
                for file in files {
                    let _ = writeln!(text, "- `{file}`");
                }
            }
        }
        text
    }

    /// An afternoon of questions, which ends in one change.
    pub(super) fn long_conversation(&mut self, project: &Project) {
        let mut thread = self.thread(project, self.now - 20 * DAY - 6 * HOUR);
        let session = format!("chat_{}", &thread.request[4..12]);
        let first = "I inherited this project. Let us go through it, **one file at a time**, before we change anything.";
        thread.prompt = Some(self.say(&thread, &session, "user", (first.to_owned(), json!([]))));
        for n in 1..=104 {
            self.pass(&mut thread, 4 * SECOND, 30 * SECOND);
            let aside = self.chance.pick(&ASIDES);
            let answer = format!("Part {n}. It does one thing: {aside}. Nothing else calls it.");
            self.answer(&thread, &session, answer);
            self.pass(&mut thread, 20 * SECOND, 2 * MINUTE);
            let question = self.chance.pick(&QUESTIONS);
            self.say(&thread, &session, "user", (format!("{question} ({n})"), json!([])));
        }
        self.pass(&mut thread, 5 * SECOND, 30 * SECOND);
        let plan = self.plan(&["src/server.ts", "docs/architecture.md"]);
        self.answer(&thread, &session, plan);
        thread.session = Some(session);
        self.pass(&mut thread, MINUTE, 3 * MINUTE);
        self.push(
            &mut thread,
            "main",
            "Write down how it hangs together",
            &["src/server.ts", "docs/architecture.md"],
        );
        self.deploy(&mut thread, "staging", None);
    }
}
