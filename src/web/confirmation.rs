//! The page before an act that disrupts or removes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::display::HiddenField;
use super::shell::{Crumb, Shell};
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Field;
use crate::identity::Viewer;

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
    /// What else it has to be told.
    pub asked: Option<AskedText>,
    /// What may be done along with it.
    pub offer: Option<Offer>,
    /// The button.
    pub verb: &'static str,
    /// Whether it removes something.
    pub danger: bool,
    /// Why it can't be done now.
    pub blocked: Option<String>,
    /// The way back.
    pub cancel_url: String,
}

impl ConfirmationPage {
    /// A question that nothing stands in the way of: what `verb` does, where the form goes, and the way back.
    #[must_use]
    pub fn new(
        verb: &'static str,
        title: impl Into<String>,
        text: &str,
        action: impl Into<String>,
        cancel_url: impl Into<String>,
    ) -> Self {
        Self {
            shell: Shell::anonymous(""),
            title: title.into(),
            text: text.to_owned(),
            effects: Vec::new(),
            errors: Vec::new(),
            action: action.into(),
            fields: Vec::new(),
            confirm: None,
            asked: None,
            offer: None,
            verb,
            danger: false,
            blocked: None,
            cancel_url: cancel_url.into(),
        }
    }

    /// Asks `viewer`, below what `way` leads to.
    pub fn answer(
        mut self,
        authed: &AuthedRequest,
        viewer: &Viewer,
        status: StatusCode,
        way: Vec<Crumb>,
    ) -> AppResult<HttpResponse> {
        let crumbs = way.into_iter().chain([Crumb::here(self.verb)]).collect();
        self.shell = authed.shell(viewer, &self.title).with_breadcrumbs(crumbs);
        authed.page(status, &self)
    }
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

/// A text that the act needs.
#[derive(Debug, Clone)]
pub struct AskedText {
    pub label: &'static str,
    pub name: &'static str,
    pub field: Field,
    pub hint: String,
}

/// A box that is ticked for what may be done along with the act.
#[derive(Debug, Clone)]
pub struct Offer {
    pub name: &'static str,
    pub label: String,
    pub note: String,
}
