//! One conversation.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;

use super::index::title;
use super::message::MessageCard;
use super::say::Composer;
use super::{person, speakers};
use crate::activity::lookup;
use crate::chat::conversations::{self, COUNTED, Conversation};
use crate::chat::messages::{self, Message};
use crate::db::cursor::{Page, PageStart, TimePosition};
use crate::db::ids::ProjectId;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::projects::queries;
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::{Link, Meta, Pager, beginning, counted, grouped, visible};
use crate::web::projects::head::ProjectHead;
use crate::web::projects::project_id;
use crate::web::prose::{Element, Piece};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::{lists, urls};

#[derive(Debug, Template)]
#[template(path = "chat/show.html")]
pub struct ConversationPage {
    /// The frame.
    pub shell: Shell,
    /// The head of all the project's pages.
    pub project: ProjectHead,
    /// The project's conversations.
    pub chat_url: String,
    /// Its first words.
    pub title: String,
    /// Its name, how much there is, who speaks, since when.
    pub meta: Vec<Meta>,
    /// The messages, oldest first.
    pub messages: Vec<MessageCard>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// Whether the answer to the last message is being written.
    pub is_waiting: bool,
    /// Where its owner goes on.
    pub composer: Option<Composer>,
}

/// An answer that has not come by then is not waited for.
const WAITS: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// Shows the conversation.
///
/// # Errors
/// 404 for a project, conversation or message that the viewer can't see; 400 for a position that makes no sense.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let (asked, now) = (query.clone(), authed.app.clock.now());
    let (viewer, (project, conversation, (page, before), led_to)) = authed
        .read(move |conn, _| {
            let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let container = project.container.as_ref().ok_or(AppError::NotFound)?.id;
            let limit = lists::limit(&asked)?;
            let mut from = lists::from_time(&asked)?;
            let session = match asked.first("message") {
                Some(message) => {
                    let message = message.parse().map_err(|_| AppError::NotFound)?;
                    let (session, position) =
                        messages::place(conn, container, message)?.ok_or(AppError::NotFound)?;
                    from = PageStart::Beyond(position.just_before());
                    session
                }
                None => asked
                    .0
                    .iter()
                    .find(|(key, _)| key == "session")
                    .map(|(_, session)| session.clone())
                    .ok_or(AppError::NotFound)?,
            };
            let conversation = conversations::find(conn, container, &session)?.ok_or(AppError::NotFound)?;
            let mut page = messages::page(conn, container, &session, &from, limit)?;
            if let (Some(_), Some(first)) = (asked.first("message"), page.rows.first()) {
                let before = PageStart::Back(first.position);
                page.has_previous = !messages::page(conn, container, &session, &before, 1)?.rows.is_empty();
            }
            // A page that was read backwards from the end has nothing behind it.
            page.has_next &= page.rows.last().is_none_or(|row| row.position != conversation.last);
            let before = match page.rows.first() {
                Some(first) if page.has_previous => {
                    messages::before(conn, container, &session, &first.position)?
                }
                _ => 0,
            };
            let led_to = led_to(conn, id, &page)?;
            Ok((project, conversation, (page, before), led_to))
        })
        .await?;
    let presenter = TimelinePresenter::of(&viewer, now);
    let head = ProjectHead::new(&project, "chat", now, viewer.zone);
    let path = urls::project_part(id, "chat");
    let title = title(&conversation.first_words);
    let person = person(&project);
    let mut crumbs = head.crumbs(Some("Chat"));
    if let Some(chat) = crumbs.last_mut() {
        chat.url = Some(path.clone());
    }
    crumbs.push(Crumb::here(title.clone()));
    let composer = Composer::of(&*authed.app.assistant, &viewer, &project, &conversation.session);
    let is_waiting = composer.is_some()
        && !page.has_next
        && page.rows.last().is_some_and(|last| last.role == "user" && now - last.position.at < WAITS);
    let page = ConversationPage {
        is_waiting,
        composer,
        shell: authed
            .shell(&viewer, format!("{title} · Chat of {}", project.name))
            .watching_project(id)
            .with_breadcrumbs(crumbs),
        project: head,
        pager: pager(&path, &conversation, &query, &page, before),
        chat_url: path,
        meta: meta(&conversation, &person, &presenter),
        title,
        messages: page
            .rows
            .iter()
            .map(|message| {
                let led_to = led_to.iter().find(|(request, _)| Some(request.as_str()) == message.request());
                MessageCard {
                    led_to: led_to.map(|(_, link)| link.clone()).filter(|_| message.role == "assistant"),
                    ..MessageCard::new(message, (id, &person), (now, viewer.zone))
                }
            })
            .collect(),
    };
    authed.page(StatusCode::OK, &page)
}

/// The first action of each request that the messages belong to.
fn led_to(
    conn: &mut diesel::PgConnection,
    project: ProjectId,
    page: &Page<Message>,
) -> AppResult<Vec<(String, Link)>> {
    let requests: Vec<String> = page.rows.iter().filter_map(|row| row.request().map(str::to_owned)).collect();
    let found = lookup::first_of_requests(conn, project, &requests)?;
    Ok(found
        .into_iter()
        .map(|(request, action, details)| {
            let details = details.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| action.clone());
            let label = match beginning(&details, 100) {
                (start, true) => format!("{start}…"),
                (start, false) => start.to_owned(),
            };
            (request, Link::new(label, urls::action(&action)))
        })
        .collect())
}

fn meta(conversation: &Conversation, person: &str, presenter: &TimelinePresenter) -> Vec<Meta> {
    let count = match conversation.messages {
        many if many > COUNTED => format!("more than {} messages", grouped(COUNTED)),
        few => counted(usize::try_from(few).unwrap_or_default(), "message", "messages"),
    };
    let time = |at| Timestamp::new(at, presenter.now, presenter.zone).precise;
    let name = match conversation.session.trim() {
        "" => "no conversation named".to_owned(),
        _ => format!("conversation {}", visible(&conversation.session)),
    };
    vec![
        Meta::text(count),
        Meta::text(speakers(&conversation.roles, person)),
        Meta::text(format!("{} to {}", time(conversation.began_at), time(conversation.last.at))),
        Meta::text(name),
    ]
}

/// Which messages these are, of how many, and where the others are.
fn pager(path: &str, conversation: &Conversation, query: &Query, page: &Page<Message>, before: i64) -> Pager {
    let link = |position: Option<(&str, TimePosition)>| {
        // A name may be blank, and is part of the address all the same.
        let mut pairs = vec![("session".to_owned(), conversation.session.clone())];
        pairs.extend(query.without(&["session", "message", "before", "after"]));
        pairs.extend(position.map(|(name, at)| (name.to_owned(), at.listed().to_string())));
        urls::with_query(path, &pairs)
    };
    let (first, last) = (page.rows.first(), page.rows.last());
    let whole = [page.has_previous, page.has_next] == [false; 2];
    let count = i64::try_from(page.rows.len()).unwrap_or_default();
    let all = match conversation.messages {
        many if many > COUNTED => format!("more than {}", grouped(COUNTED)),
        few => grouped(few),
    };
    Pager {
        shown: match before {
            _ if whole => counted(page.rows.len(), "message", "messages"),
            many if many > COUNTED => format!("{} of {all} messages", grouped(count)),
            before => format!("{}–{} of {all} messages", grouped(before + 1), grouped(before + count)),
        },
        first: page.has_previous.then(|| link(None)),
        newer: first.filter(|_| page.has_previous).map(|row| link(Some(("after", row.position)))),
        older: last.filter(|_| page.has_next).map(|row| link(Some(("before", row.position)))),
        last: page.has_next.then(|| link(Some(("after", conversation.last.just_behind())))),
    }
}
