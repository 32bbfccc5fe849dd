//! Answers an owner's message in a project's chat, out of what the console knows.

use serde::Deserialize;
use uuid::Uuid;

use super::{Context, JobError, Outcome};
use crate::assistant::answering;
use crate::assistant::explaining::Question;
use crate::assistant::provider::{BuiltIn, Provider, Usage};
use crate::chat::knowing;
use crate::chat::saying::{self, AnsweredBy};
use crate::db::{Actor, DbError};
use crate::projects::queries;

#[derive(Deserialize)]
struct Payload {
    project: String,
    message: Uuid,
    sent: String,
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let Payload { project, message, sent } = context.payload()?;
    let project = project.parse().map_err(|_| JobError::GiveUp("no id of a project".to_owned()))?;
    let (app, now) = (context.app(), context.app().clock.now());
    let provider = app.assistant.clone();
    let known = context.db().read_blocking(&Actor::System, |conn| {
        let Some(asked) = saying::unanswered(conn, message)? else { return Ok::<_, DbError>(None) };
        let Some(project) = queries::find(conn, project)? else { return Ok(None) };
        let facts = knowing::facts(conn, &project, now)?;
        Ok(Some((asked, project, facts, answering::is_spent(conn, &*provider)?)))
    })?;
    let Some((asked, view, facts, is_spent)) = known else { return Ok(Outcome::Done) };
    let question = Question { project: &view.name, text: &asked.text, facts: &facts };
    let built_in = || BuiltIn.explain(&question).unwrap_or_default();
    let mut by = AnsweredBy {
        model: "built-in".to_owned(),
        words: "Answered by the console, from its records".to_owned(),
        prices: None,
    };
    let explanation = match provider.sends_to() {
        None => built_in(),
        Some(name) => {
            let asked = if is_spent { None } else { provider.explain(&question).ok() };
            if let Some(explanation) = asked {
                by = AnsweredBy {
                    model: name.to_owned(),
                    words: format!("Answered by {name}, from the console's records"),
                    prices: app.config.outside.model.as_ref().and_then(|model| model.prices),
                };
                explanation
            } else {
                by.words = format!("{name} does not answer: answered by the console, from its records");
                built_in()
            }
        }
    };
    let owner = view.owner.as_ref().map(|owner| owner.id);
    context.db().write_blocking(&Actor::System, |conn| {
        // It was asked, whoever's answer stands.
        if explanation.usage != Usage::default() {
            answering::count(conn, explanation.usage)?;
        }
        // Somebody else's turn may have been quicker.
        if saying::unanswered(conn, message)?.is_some() {
            let told = (&explanation, facts.as_slice());
            saying::answer(conn, (view.id, owner), (message, &sent), &asked, told, &by, now)?;
        }
        Ok::<_, DbError>(())
    })?;
    Ok(Outcome::Done)
}
