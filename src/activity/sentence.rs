//! What happened, as a sentence of parts: who, did what, to which thing.
//!
//! Parts are data. A surface turns them into links or plain text; nothing here knows of either.

use std::borrow::Cow;

use super::action_type::ActionType;
use super::status::{Outcome, Status};
use crate::audit::AuditAction;

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Who did it.
    Actor(Actor),
    /// Words.
    Text(Cow<'static, str>),
    /// A thing that may have a page.
    Link {
        /// Which thing.
        target: LinkTarget,
        /// What it is called.
        label: String,
    },
    /// Something to be shown as code: a branch, a stored word.
    Code(String),
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `users.id` as text, when a user did it.
    pub user: Option<String>,
    /// What they are called, or were.
    pub name: String,
    /// Whether there is such a user whom the viewer may see.
    pub exists: bool,
    /// Whether they are on record as acting as an admin.
    pub is_admin: bool,
}

/// A thing that a sentence names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// A project's id, as text.
    Project(String),
    /// A container's row id, as text.
    Container(String),
    /// A user's id, as text.
    User(String),
    /// A message of a project's chat.
    Message {
        /// The project's id, as text.
        project: String,
        /// The message's id, as text.
        id: String,
    },
    /// One key and value of `reference_ids`.
    Reference { key: String, value: String },
    /// The same among a project's entries: a branch is called `main` everywhere.
    ReferenceWithin { project: String, key: String, value: String },
    /// A thing without a page: gone, unknown, or of a kind that has none.
    Nowhere,
}

/// What a sentence is about besides its verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Where it leads.
    pub target: LinkTarget,
    /// What it is called.
    pub label: String,
}

fn text(words: impl Into<Cow<'static, str>>) -> Part {
    Part::Text(words.into())
}

fn link(object: &Object) -> Part {
    Part::Link { target: object.target.clone(), label: object.label.clone() }
}

/// Room for most sentences: it need not grow while it is made.
const MOST_PARTS: usize = 6;

/// "ada deployed shop to production".
#[must_use]
pub fn of_action(
    kind: &ActionType,
    status: Option<&Status>,
    environment: Option<&str>,
    branch: Option<&str>,
    actor: Actor,
    project: Option<&Object>,
) -> Vec<Part> {
    let facts = kind.facts();
    let verb = match (kind, status.map_or(Outcome::Good, Status::outcome)) {
        (ActionType::Other(_), _) => None,
        (_, Outcome::Good | Outcome::Unknown) => Some(Cow::Borrowed(facts.done)),
        (_, Outcome::Bad) => Some(Cow::Owned(format!("tried to {}", facts.tried))),
        (_, Outcome::Busy) => Some(Cow::Owned(format!("is {}", facts.doing))),
    };
    let mut parts = Vec::with_capacity(MOST_PARTS);
    parts.push(Part::Actor(actor));
    match verb {
        Some(verb) => parts.push(text(verb)),
        None => parts.extend([text("did"), Part::Code(kind.as_str().to_owned()), text("on")]),
    }
    if let (ActionType::GithubPush, Some(branch)) = (kind, branch) {
        parts.push(Part::Code(branch.to_owned()));
        parts.push(text("of"));
    }
    parts.push(project.map_or_else(|| text("no project"), link));
    if let (ActionType::Deployment, Some(environment)) = (kind, environment) {
        parts.push(text("to"));
        parts.push(text(environment.to_owned()));
    }
    parts
}

/// "Indexing the repository · shop": an event brings its own title.
#[must_use]
pub fn of_event(title: &str, project: Option<&Object>) -> Vec<Part> {
    let mut parts = Vec::with_capacity(MOST_PARTS);
    parts.push(if title.trim().is_empty() { text("An operation") } else { text(title.to_owned()) });
    if let Some(project) = project {
        parts.extend([text("in"), link(project)]);
    }
    parts
}

/// "ada created the user grace".
#[must_use]
pub fn of_act(act: &AuditAction, actor: Actor, target: Option<&Object>) -> Vec<Part> {
    let facts = act.facts();
    let mut parts = Vec::with_capacity(MOST_PARTS);
    parts.push(Part::Actor(actor));
    match act {
        AuditAction::Other(word) => parts.extend([text("did"), Part::Code(word.clone())]),
        _ => parts.push(text(facts.done)),
    }
    if let (true, Some(target)) = (facts.names_target, target) {
        if matches!(act, AuditAction::Other(_)) {
            parts.push(text("on"));
        }
        parts.push(link(target));
    }
    parts
}

/// The sentence without links: for titles, exports and logs.
#[must_use]
pub fn plain(parts: &[Part]) -> String {
    let words = parts.iter().map(|part| match part {
        Part::Actor(actor) => actor.name.as_str(),
        Part::Text(text) => text,
        Part::Code(text) | Part::Link { label: text, .. } => text,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Actor {
        Actor { user: Some("u1".to_owned()), name: "ada".to_owned(), exists: true, is_admin: false }
    }

    fn shop() -> Object {
        Object { target: LinkTarget::Project("p1".to_owned()), label: "shop".to_owned() }
    }

    #[test]
    fn the_verb_says_how_it_went() {
        let said = |status: &str| {
            let status = Status::from_stored(status);
            plain(&of_action(
                &ActionType::Deployment,
                Some(&status),
                Some("production"),
                None,
                ada(),
                Some(&shop()),
            ))
        };
        assert_eq!(said("success"), "ada deployed shop to production");
        assert_eq!(said("failed"), "ada tried to deploy shop to production");
        assert_eq!(said("running"), "ada is deploying shop to production");
        assert_eq!(said("superseded"), "ada deployed shop to production");
    }

    #[test]
    fn every_type_has_a_whole_sentence() {
        for kind in ActionType::ALL {
            let sentence = plain(&of_action(kind, None, None, None, ada(), Some(&shop())));
            assert!(sentence.starts_with("ada ") && sentence.ends_with(" shop"), "{sentence}");
            assert!(!sentence.contains("  "), "{sentence}");
        }
        for act in AuditAction::ALL {
            let sentence = plain(&of_act(act, ada(), Some(&shop())));
            assert_eq!(sentence.ends_with(" shop"), act.facts().names_target, "{sentence}");
        }
    }

    #[test]
    fn what_the_console_does_not_know_is_shown_as_it_is() {
        let kind = ActionType::Other("<script>".to_owned());
        let parts = of_action(&kind, None, None, None, ada(), None);
        assert!(parts.contains(&Part::Code("<script>".to_owned())));
        assert_eq!(plain(&parts), "ada did <script> on no project");
        assert_eq!(plain(&of_act(&AuditAction::Other("LOGIN".to_owned()), ada(), None)), "ada did LOGIN");
    }

    #[test]
    fn a_push_names_its_branch() {
        let parts = of_action(&ActionType::GithubPush, None, None, Some("main"), ada(), Some(&shop()));
        assert_eq!(plain(&parts), "ada pushed to main of shop");
    }
}
