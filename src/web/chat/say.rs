//! `POST /projects/{id}/chat`: an owner writes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use crate::assistant::provider::Provider;
use crate::chat::saying::{self, LONGEST_MESSAGE, NewMessage};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::identity::Viewer;
use crate::projects::queries::{self, ProjectView};
use crate::web::projects::head::ProjectHead;
use crate::web::projects::project_id;
use crate::web::shell::Shell;
use crate::web::urls;

/// The form under a chat, for the owner of its project.
#[derive(Debug, Clone, Default)]
pub struct Composer {
    pub action: String,
    /// The conversation that it goes on; empty for a new one.
    pub session: String,
    pub text: Field,
    pub links: Field,
    /// Who answers, and what goes where.
    pub hint: String,
}

impl Composer {
    /// Nothing for whoever does not own the project, or when it has no container.
    #[must_use]
    pub fn of(
        provider: &dyn Provider,
        viewer: &Viewer,
        project: &ProjectView,
        session: &str,
    ) -> Option<Self> {
        let is_own = project.owner.as_ref().is_some_and(|owner| owner.id == viewer.id);
        if !is_own || project.container.is_none() || project.is_deleted() {
            return None;
        }
        let hint = match provider.sends_to() {
            Some(name) => format!(
                "{name} answers: your message and what the console has on record of the project go there. When it does \
                 not answer, the console does."
            ),
            None => "The console answers, from what it has on record of the project. Your message goes to nobody else."
                .to_owned(),
        };
        let (action, session) = (urls::project_part(project.id, "chat"), session.to_owned());
        Some(Self { action, session, hint, ..Self::default() })
    }
}

#[derive(Deserialize)]
pub struct MessageForm {
    #[serde(default)]
    text: String,
    /// Addresses, a line each.
    #[serde(default)]
    links: String,
    #[serde(default)]
    session: String,
}

/// A message that was not taken.
#[derive(Debug, Template)]
#[template(path = "chat/refused.html")]
pub struct RefusedMessagePage {
    /// The frame.
    pub shell: Shell,
    pub project: ProjectHead,
    pub errors: Vec<String>,
    pub composer: Composer,
}

/// Sends the message.
///
/// # Errors
/// 404 for a project that is not the viewer's own, or that has no container.
pub async fn create(
    authed: AuthedRequest,
    path: Path<String>,
    form: Form<MessageForm>,
) -> AppResult<HttpResponse> {
    let id = project_id(&path)?;
    let MessageForm { text, links, session } = form.0;
    let read = NewMessage::read(&text, &links, &session);
    let principal = authed.principal();
    let provider = authed.app.assistant.clone();
    let (viewer, (project, composer, said)) = authed
        .write(move |conn, viewer| {
            let project = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let composer = Composer::of(&*provider, viewer, &project, &session).ok_or(AppError::NotFound)?;
            let container = project.container.as_ref().ok_or(AppError::NotFound)?.id;
            let said = match read {
                Ok(message) => Ok(saying::say(conn, &principal(viewer), id, container, &message)?),
                Err(refused) => Err(refused),
            };
            Ok((project, composer, said))
        })
        .await?;
    let refused = match said {
        Ok((_, message)) => {
            let location = urls::message(&urls::project_part(id, "chat"), message);
            return Ok(authed.redirect_with_notice(&location, "Sent. The answer is being written."));
        }
        Err(refused) => refused,
    };
    let field = |value: String, error: Option<String>| Field { value, errors: error.into_iter().collect() };
    let composer = Composer {
        text: field(text.chars().take(2 * LONGEST_MESSAGE).collect(), refused.text),
        links: field(links.chars().take(20_000).collect(), refused.links),
        ..composer
    };
    let head = ProjectHead::new(&project, "chat", authed.app.clock.now(), viewer.zone);
    let shell = authed
        .shell(&viewer, format!("Chat of {}", project.name))
        .with_breadcrumbs(head.crumbs(Some("Chat")));
    let errors = vec!["The message was not sent. See what is marked below.".to_owned()];
    let page = RefusedMessagePage { shell, project: head, errors, composer };
    authed.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
