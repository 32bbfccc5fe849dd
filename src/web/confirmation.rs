//! The page before an act that disrupts or removes.

use askama::Template;

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
