//! The page before an act that disrupts or removes something.

use askama::Template;

use super::sample::{HOSTILE, Sample, endless};
use super::shell::Shell;

/// One thing that the act does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// How many, ready to show; empty for a plain line.
    pub count: String,
    /// What happens to them.
    pub text: String,
}

impl Effect {
    /// `count` things to which `text` happens.
    #[must_use]
    pub fn counted(count: impl ToString, text: impl Into<String>) -> Self {
        Self { count: count.to_string(), text: text.into() }
    }

    /// Something that is not counted.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { count: String::new(), text: text.into() }
    }
}

/// A name that has to be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmName {
    /// The name.
    pub name: String,
    /// What the field is called.
    pub label: String,
    /// What is wrong with what was typed.
    pub errors: Vec<String>,
}

/// See the module.
#[derive(Debug, Clone, Template)]
#[template(path = "confirmations/show.html")]
pub struct ConfirmationPage {
    /// The frame.
    pub shell: Shell,
    /// The question.
    pub title: String,
    /// What the act does, in a sentence or two.
    pub text: String,
    /// What goes and what stays.
    pub effects: Vec<Effect>,
    /// Why the act was refused.
    pub errors: Vec<String>,
    /// Where the form goes.
    pub action: String,
    /// What an edit must have seen; empty when nothing can be lost.
    pub updated_at: String,
    /// The name to type, for acts that can't be taken back.
    pub confirm: Option<ConfirmName>,
    /// The button.
    pub verb: String,
    /// Whether the act removes something.
    pub danger: bool,
    /// Why it can't be done now: no form then.
    pub blocked: Option<String>,
    /// Where "Cancel" leads.
    pub cancel_url: String,
}

impl ConfirmationPage {
    /// A question with nothing but a button.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        text: impl Into<String>,
        verb: &str,
        action: &str,
        cancel_url: &str,
    ) -> Self {
        let title = title.into();
        Self {
            shell: Shell::anonymous(title.clone()),
            title,
            text: text.into(),
            effects: Vec::new(),
            errors: Vec::new(),
            action: action.to_owned(),
            updated_at: String::new(),
            confirm: None,
            verb: verb.to_owned(),
            danger: false,
            blocked: None,
            cancel_url: cancel_url.to_owned(),
        }
    }
}

impl Sample for ConfirmationPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str| Self {
            shell: Shell::sample("Confirm"),
            effects: vec![Effect::counted(14, "files"), Effect::plain("Workers keep reporting.")],
            danger: true,
            ..Self::new(
                format!("Delete {name}?"),
                "It can be restored for a while.",
                "Delete",
                "/x/delete",
                "/x",
            )
        };
        let confirm = |name: &str| {
            Some(ConfirmName {
                name: name.to_owned(),
                label: "Name".to_owned(),
                errors: vec!["Type the name.".to_owned()],
            })
        };
        vec![
            ("plain", page("ada")),
            ("blocked", Self { blocked: Some("This is the last admin.".to_owned()), ..page("ada") }),
            (
                "hostile",
                Self { confirm: confirm(HOSTILE), errors: vec![HOSTILE.to_owned()], ..page(HOSTILE) },
            ),
            ("endless", Self { confirm: confirm(&endless(200)), ..page(&endless(200)) }),
        ]
    }
}
