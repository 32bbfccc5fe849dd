//! `GET /activity?list=actor` and the like: all that one filter may ask for. A timeline's menu offers what is known and
//! what stands on its page; the rest is read when somebody wants it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::filters::{FilterGroup, FilterOption, group, name_of};
use crate::activity::Filter;
use crate::activity::options::Choice;
use crate::activity::timeline::WordColumn;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::Viewer;
use crate::web::display::HiddenField;
use crate::web::shell::{Crumb, Shell};
use crate::web::urls::with_query;

/// The parameter that asks for the list of a filter, by the filter's name.
pub const LIST: &str = "list";

/// See `templates/activity/choices.html`.
#[derive(Debug, Template)]
#[template(path = "activity/choices.html")]
pub struct ChoicesPage {
    /// The frame.
    pub shell: Shell,
    /// Which filter it is, with all that it may ask for.
    pub group: FilterGroup,
    /// The timeline's address.
    pub action: String,
    /// The filters that stay as they are.
    pub hidden: Vec<HiddenField>,
    /// The timeline as it is.
    pub back_url: String,
}

/// The filter whose list `query` asks for.
#[must_use]
pub fn asked(query: &Query) -> Option<WordColumn> {
    match query.first(LIST)? {
        "type" => Some(WordColumn::Type),
        "status" => Some(WordColumn::Status),
        "environment" => Some(WordColumn::Environment),
        "actor" => Some(WordColumn::Actor),
        _ => None,
    }
}

/// Shows what `column` may be asked for in the timeline at `path`, which `crumbs` lead to.
pub fn show(
    authed: &AuthedRequest,
    viewer: &Viewer,
    (path, filter): (&str, &Filter),
    column: WordColumn,
    choices: Vec<Choice>,
    mut crumbs: Vec<Crumb>,
) -> AppResult<HttpResponse> {
    let (label, name, words) = name_of(column, filter);
    let group = group(label, name, words, vec![("", choices)]);
    let hidden = filter.pairs().into_iter().filter(|(of, _)| *of != name);
    crumbs.push(Crumb::here(label));
    let page = ChoicesPage {
        shell: authed.shell(viewer, format!("{label}: filter")).with_breadcrumbs(crumbs),
        group,
        action: path.to_owned(),
        hidden: hidden.map(|(name, value)| HiddenField { name: name.to_owned(), value }).collect(),
        back_url: with_query(path, &filter.pairs()),
    };
    authed.page(StatusCode::OK, &page)
}

impl ChoicesPage {
    /// Whether there is anything to choose.
    #[must_use]
    pub fn options(&self) -> Vec<&FilterOption> {
        self.group.sections.iter().flat_map(|section| &section.options).collect()
    }
}
