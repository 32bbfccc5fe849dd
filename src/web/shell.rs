//! The frame around every page, as a value that the page carries.

use super::assets;
use super::flash::Flash;
use crate::db::ids::{ContainerId, ProjectId};
use crate::identity::{Role, Viewer};

/// One link of the rail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavItem {
    /// What it is called.
    pub label: &'static str,
    /// Where it leads.
    pub url: &'static str,
    /// A symbol of the sprite, without `i-`.
    pub icon: &'static str,
    /// Whether the page belongs under it.
    pub current: bool,
    /// `main`, `more` (on a phone in the menu) or `admin`.
    pub section: &'static str,
}

/// One step of the way to the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// What it is called.
    pub label: String,
    /// Where it leads; none for the page itself.
    pub url: Option<String>,
}

impl Crumb {
    /// A step that leads to `url`.
    #[must_use]
    pub fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), url: Some(url.into()) }
    }

    /// The page itself.
    #[must_use]
    pub fn here(label: impl Into<String>) -> Self {
        Self { label: label.into(), url: None }
    }
}

/// What the layouts need to know.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The page's name.
    pub title: String,
    /// `system`, `light` or `dark`.
    pub theme: &'static str,
    /// The stylesheet, named by its content.
    pub css_url: &'static str,
    /// The script, named by its content.
    pub js_url: &'static str,
    /// The icon sprite, named by its content.
    pub icons_url: &'static str,
    /// The favicon, named by its content.
    pub favicon_url: &'static str,
    /// This answer's nonce.
    pub nonce: String,
    /// The rail.
    pub nav: Vec<NavItem>,
    /// The way to the page.
    pub breadcrumbs: Vec<Crumb>,
    /// What the last act has to say.
    pub flash: Option<Flash>,
    /// Who is signed in.
    pub viewer_name: String,
    /// Their address.
    pub viewer_email: String,
    /// The first letter of their name.
    pub viewer_initial: String,
    /// Path and query of this page, to come back to.
    pub here: String,
    /// Whether they manage the instance.
    pub is_admin: bool,
    /// The zone that times are shown for.
    pub zone_name: String,
    /// What stands in the search box.
    pub search_query: String,
    /// Whether single keys act on pages.
    pub shortcuts: bool,
    /// What the page shows, and so what changes concern it: `all`, `project:ID`, `container:ID`, parted by spaces.
    pub live: String,
}

/// The rail: label, address, icon, section.
const NAV: [(&str, &str, &str, &str); 9] = [
    ("Dashboard", "/", "dashboard", "main"),
    ("Projects", "/projects", "projects", "main"),
    ("Containers", "/containers", "containers", "main"),
    ("Activity", "/activity", "activity", "main"),
    ("Insights", "/insights", "insights", "more"),
    ("Users", "/users", "users", "admin"),
    ("Audit", "/audit", "audit", "admin"),
    ("Intake", "/intake", "chat", "admin"),
    ("Operations", "/operations", "operations", "admin"),
];

impl Shell {
    /// The frame of a page at `path` for `viewer`.
    #[must_use]
    pub fn for_viewer(viewer: &Viewer, title: impl Into<String>, path: &str) -> Self {
        let is_admin = viewer.role == Role::Admin;
        let nav = NAV
            .iter()
            .filter(|(.., section)| is_admin || *section != "admin")
            .map(|(label, url, icon, section)| NavItem {
                label,
                url,
                icon,
                current: path == *url || (*url != "/" && path.starts_with(&format!("{url}/"))),
                section,
            })
            .collect();
        Self {
            theme: viewer.theme.as_str(),
            nav,
            viewer_name: viewer.display_name().to_owned(),
            viewer_email: viewer.email.clone(),
            viewer_initial: viewer
                .display_name()
                .chars()
                .next()
                .map(|c| c.to_uppercase().to_string())
                .unwrap_or_default(),
            here: path.to_owned(),
            is_admin,
            zone_name: viewer.zone.name().to_owned(),
            shortcuts: viewer.shortcuts,
            ..Self::anonymous(title)
        }
    }

    /// The frame of a page for somebody who is not signed in.
    #[must_use]
    pub fn anonymous(title: impl Into<String>) -> Self {
        let assets = assets::urls();
        Self {
            title: title.into(),
            theme: "system",
            css_url: &assets.css,
            js_url: &assets.js,
            icons_url: &assets.icons,
            favicon_url: &assets.favicon,
            nonce: String::new(),
            nav: Vec::new(),
            breadcrumbs: Vec::new(),
            flash: None,
            viewer_name: String::new(),
            viewer_email: String::new(),
            viewer_initial: String::new(),
            here: "/".to_owned(),
            is_admin: false,
            zone_name: "UTC".to_owned(),
            search_query: String::new(),
            shortcuts: false,
            live: String::new(),
        }
    }

    /// The same frame around a page that shows changes of everything as they happen.
    #[must_use]
    pub fn watching_all(self) -> Self {
        Self { live: "all".to_owned(), ..self }
    }

    #[must_use]
    pub fn watching_project(self, id: ProjectId) -> Self {
        Self { live: format!("{} project:{id}", self.live).trim_start().to_owned(), ..self }
    }

    #[must_use]
    pub fn watching_container(self, id: ContainerId) -> Self {
        Self { live: format!("{} container:{id}", self.live).trim_start().to_owned(), ..self }
    }

    /// The same frame with the way to the page.
    #[must_use]
    pub fn with_breadcrumbs(mut self, crumbs: Vec<Crumb>) -> Self {
        self.breadcrumbs = crumbs;
        self
    }
}
