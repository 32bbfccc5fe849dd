//! The conversations of a project, or the messages that hold a text.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::excerpt::Excerpt;
use super::say::Composer;
use super::{called, person, speakers};
use crate::chat::Role;
use crate::chat::conversations::{self, COUNTED, Conversation};
use crate::chat::search::{self, Found, Hit};
use crate::containers::queries::projects_in;
use crate::db::cursor::{PageStart, TimePosition};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::projects::queries;
use crate::web::display::{Pager, beginning, counted, grouped, visible};
use crate::web::lists::{self, ListPage};
use crate::web::projects::head::ProjectHead;
use crate::web::projects::project_id;
use crate::web::prose::Prose;
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::urls;

/// A project's chat.
#[derive(Debug, Template)]
#[template(path = "chat/index.html")]
pub struct ChatPage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    pub list: ListPage,
    /// Whether there is a container to talk to.
    pub has_container: bool,
    pub composer: Option<Composer>,
    /// Who else is heard here, or what is not listed.
    pub notes: Vec<String>,
    pub conversations: Vec<ConversationRow>,
    /// The messages that hold what was searched for.
    pub hits: Vec<HitRow>,
}

#[derive(Debug, Clone)]
pub struct ConversationRow {
    pub session: String,
    /// Its page.
    pub url: String,
    /// How it begins.
    pub title: String,
    /// Whether its messages name no conversation.
    pub is_nameless: bool,
    pub messages: String,
    /// Who speaks.
    pub roles: String,
    pub began: Timestamp,
    /// When something was last said.
    pub last: Timestamp,
}

impl ConversationRow {
    fn new(path: &str, conversation: &Conversation, person: &str, (now, zone): (DateTime<Utc>, Tz)) -> Self {
        let count = conversation.messages;
        Self {
            url: urls::with_query(path, &[("session", conversation.session.as_str())]),
            session: conversation.session.clone(),
            title: title(&conversation.first_words),
            is_nameless: conversation.session.trim().is_empty(),
            messages: if count > COUNTED {
                format!("more than {} messages", grouped(COUNTED))
            } else {
                counted(usize::try_from(count).unwrap_or_default(), "message", "messages")
            },
            roles: speakers(&conversation.roles, person),
            began: Timestamp::new(conversation.began_at, now, zone),
            last: Timestamp::new(conversation.last.at, now, zone),
        }
    }
}

/// What a conversation is called: its first words.
pub(super) fn title(first_words: &str) -> String {
    let words = visible(&Prose::new(first_words).words());
    match beginning(&words, 120) {
        ("", _) => "Without words".to_owned(),
        (start, true) => format!("{start}…"),
        (start, false) => start.to_owned(),
    }
}

/// One message that holds what was searched for.
#[derive(Debug, Clone)]
pub struct HitRow {
    pub id: String,
    /// Where it stands in its conversation.
    pub url: String,
    /// What its conversation is called.
    pub title: String,
    /// Who says it.
    pub role: String,
    /// When.
    pub at: Timestamp,
    /// The words around it.
    pub excerpt: Excerpt,
}

impl HitRow {
    fn new(
        (path, wanted): (&str, &str),
        hit: &Hit,
        (person, first_words): (&str, &str),
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        Self {
            id: hit.id.to_string(),
            url: urls::message(path, hit.id),
            title: title(first_words),
            role: called(&Role::from_stored(&hit.role), person).to_owned(),
            at: Timestamp::new(hit.at, now, zone),
            excerpt: Excerpt::new(&visible(&Prose::new(&hit.content).words()), wanted),
        }
    }
}

/// Which rows the page shows.
enum Rows {
    Conversations(conversations::Conversations),
    /// With how their conversations begin, and how many were asked for.
    Hits(Found, HashMap<String, String>, usize),
    None,
}

/// Shows the list.
///
/// # Errors
/// 404 for a project that the viewer can't see; 400 for a position that makes no sense.
pub async fn index(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let (asked, now) = (query.clone(), authed.app.clock.now());
    let (viewer, (project, rows, others)) = authed
        .read(move |conn, _| {
            let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let (limit, from) = (lists::limit(&asked)?, lists::from_time(&asked)?);
            let Some(container) = project.container.as_ref().map(|container| container.id) else {
                return Ok((project, Rows::None, Vec::new()));
            };
            let rows = match asked.first("q").map(str::trim) {
                None => Rows::Conversations(conversations::page(conn, container, &from, limit)?),
                Some(text) => {
                    let older_than = match &from {
                        PageStart::Beyond(position) => Some(position),
                        PageStart::Start | PageStart::Back(_) => None,
                    };
                    let found = search::messages(conn, container, text, older_than, limit)?;
                    let mut sessions: Vec<String> =
                        found.hits.iter().map(|hit| hit.session.clone()).collect();
                    sessions.sort_unstable();
                    sessions.dedup();
                    let begin = conversations::first_words(conn, container, sessions)?;
                    Rows::Hits(found, begin, limit)
                }
            };
            let mut others = projects_in(conn, container)?;
            others.retain(|(other, _)| *other != id);
            Ok((project, rows, others))
        })
        .await?;
    let (zone, path) = (viewer.zone, urls::project_part(id, "chat"));
    let head = ProjectHead::new(&project, "chat", now, zone);
    let shell = authed
        .shell(&viewer, format!("Chat of {}", project.name))
        .watching_project(project.id)
        .with_breadcrumbs(head.crumbs(Some("Chat")));
    let mut page = ChatPage::new(shell, head, path, &query);
    page.has_container = project.container.is_some();
    let is_search = query.first("q").is_some();
    page.composer = Composer::of(&*authed.app.assistant, &viewer, &project, "").filter(|_| !is_search);
    if !others.is_empty() {
        let names: Vec<_> = others.into_iter().map(|(_, name)| name).collect();
        page.notes
            .push(format!("The same container serves {}, so this chat is theirs too.", names.join(", ")));
    }
    page.fill(rows, &query, &person(&project), (now, zone));
    authed.page(StatusCode::OK, &page)
}

impl ChatPage {
    pub fn new(shell: Shell, project: ProjectHead, action: String, query: &Query) -> Self {
        Self {
            shell,
            project,
            list: ListPage::new(action, query),
            has_container: true,
            composer: None,
            notes: Vec::new(),
            conversations: Vec::new(),
            hits: Vec::new(),
        }
    }

    fn fill(&mut self, rows: Rows, query: &Query, person: &str, (now, zone): (DateTime<Utc>, Tz)) {
        let path = self.list.action.as_str();
        match rows {
            Rows::Conversations(found) => {
                self.list.pager =
                    lists::pager(path, query, &found.page, ("conversation", "conversations"), |row| {
                        row.last.listed()
                    });
                let row = |row| ConversationRow::new(path, row, person, (now, zone));
                self.conversations = found.page.rows.iter().map(row).collect();
                if found.is_cut {
                    self.notes.push(format!(
                        "There are more than {} conversations. The others are found by searching.",
                        grouped(i64::try_from(conversations::MOST_LISTED).unwrap_or(i64::MAX))
                    ));
                }
            }
            Rows::Hits(found, begin, limit) => {
                let next = found.next.as_ref().map(TimePosition::listed).map(|position| {
                    let mut pairs = query.without(&["before", "after"]);
                    pairs.push(("before".to_owned(), position.to_string()));
                    urls::with_query(path, &pairs)
                });
                let shown = counted(found.hits.len(), "message", "messages");
                let looked_on = found.hits.len() < limit;
                self.list.pager = Pager {
                    shown: match (&found.next, looked_on) {
                        (Some(until), true) => {
                            format!("{shown} back to {}", Timestamp::new(until.at, now, zone).precise)
                        }
                        (Some(_), false) => format!("{shown} on this page"),
                        (None, _) => shown,
                    },
                    older: next,
                    ..Pager::default()
                };
                let row = |hit: &Hit| {
                    let first_words = begin.get(&hit.session).map_or("", String::as_str);
                    HitRow::new((path, self.list.q.trim()), hit, (person, first_words), (now, zone))
                };
                self.hits = found.hits.iter().map(row).collect();
            }
            Rows::None => {}
        }
    }
}
