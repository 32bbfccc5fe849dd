//! Publishes posted drafts on the pages of a Git host, where one is configured.

use askama::Template;

use super::{Context, JobError, Outcome};
use crate::db::{Actor, DbError};
use crate::drafts::model::budget_in_words;
use crate::drafts::publishing;
use crate::drafts::queries::{self, DraftView};

/// Drafts of one turn.
const BATCH: i64 = 50;

/// A page that stands by itself, without script, styles of ours or a name of anybody.
#[derive(Debug, Template)]
#[template(path = "drafts/public.html")]
struct PublicPage {
    title: String,
    lines: Vec<String>,
    skills: String,
    milestones: Vec<String>,
    budget: String,
    timeline: String,
}

impl PublicPage {
    fn of(draft: &DraftView) -> Self {
        Self {
            title: draft.title.clone(),
            lines: draft
                .description
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(str::to_owned)
                .collect(),
            skills: draft.skills.join(", "),
            milestones: draft.milestones.clone(),
            budget: budget_in_words(&draft.budget),
            timeline: draft.timeline.clone(),
        }
    }
}

pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
    let Some(host) = &context.app().pages else { return Ok(Outcome::Done) };
    let waiting = context
        .db()
        .read_blocking(&Actor::System, |conn| queries::unpublished(conn, BATCH).map_err(DbError::from))?;
    let mut failure = None;
    for draft in waiting {
        if context.is_to_stop() {
            break;
        }
        let html = PublicPage::of(&draft).render().map_err(|error| JobError::GiveUp(error.to_string()))?;
        let published = host.publish(&format!("drafts/{}/index.html", draft.id), &html);
        context.db().write_blocking(&Actor::System, |conn| {
            match &published {
                Ok(url) => publishing::published(conn, &draft, url),
                Err(reason) => publishing::note(conn, draft.id, &reason.0),
            }
            .map_err(DbError::from)
        })?;
        failure = published.err().or(failure);
    }
    match failure {
        Some(reason) => Err(JobError::Retry(reason.0)),
        None => Ok(Outcome::Done),
    }
}
