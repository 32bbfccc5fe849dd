//! The page before an act that disrupts or removes.

use askama::Template;

use super::display::HiddenField;
use super::sample::{HOSTILE, Sample};
use super::shell::Shell;

/// See `templates/confirmations/show.html`.
#[derive(Debug, Template)]
#[template(path = "confirmations/show.html")]
pub struct ConfirmationPage {
    /// The frame.
    pub shell: Shell,
    /// The question.
    pub title: String,
    /// What it does, in a sentence or two.
    pub text: String,
    /// What goes with it.
    pub effects: Vec<Effect>,
    /// What is wrong.
    pub errors: Vec<String>,
    /// Where the form goes.
    pub action: String,
    /// What the form says besides.
    pub fields: Vec<HiddenField>,
    pub confirm: Option<ConfirmName>,
    /// The button.
    pub verb: String,
    /// Whether it removes something.
    pub danger: bool,
    /// Why it can't be done now.
    pub blocked: Option<String>,
    /// The way back.
    pub cancel_url: String,
}

/// One thing that goes with the act.
#[derive(Debug, Clone)]
pub struct Effect {
    /// How many; empty for a plain line.
    pub count: String,
    pub text: String,
}

impl Effect {
    #[must_use]
    pub fn line(text: impl Into<String>) -> Self {
        Self { count: String::new(), text: text.into() }
    }
}

/// A name that has to be typed, sent as `confirm`.
#[derive(Debug, Clone)]
pub struct ConfirmName {
    pub name: String,
    /// The field's label.
    pub label: String,
    /// What is wrong with what was typed.
    pub errors: Vec<String>,
}

impl Sample for ConfirmationPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |blocked: Option<String>, danger: bool| Self {
            shell: Shell::sample("Delete project"),
            title: format!("Delete {HOSTILE}"),
            text: HOSTILE.to_owned(),
            effects: vec![Effect { count: "14".to_owned(), text: HOSTILE.to_owned() }],
            errors: vec![HOSTILE.to_owned()],
            action: "/projects/x/delete".to_owned(),
            fields: vec![HiddenField { name: "id".to_owned(), value: HOSTILE.to_owned() }],
            confirm: danger.then(|| ConfirmName {
                name: HOSTILE.to_owned(),
                label: "Type the name to confirm".to_owned(),
                errors: vec![HOSTILE.to_owned()],
            }),
            verb: "Delete project".to_owned(),
            danger,
            blocked,
            cancel_url: "/projects".to_owned(),
        };
        vec![("dangerous", page(None, true)), ("blocked", page(Some(HOSTILE.to_owned()), false))]
    }
}
