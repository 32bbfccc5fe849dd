//! Samples of search.

use pilothouse::web::display::Link;
use pilothouse::web::search::show::{Group, Hit, SearchPage};

use super::frame::shell;
use super::{HOSTILE, Sample};

impl Sample for SearchPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |q: &str, groups: Vec<Group>| Self {
            shell: shell("Search"),
            q: q.to_owned(),
            groups,
            searched: vec!["names of projects"],
            elsewhere: vec![Link::new("Words of entries", "/activity?q=x")],
        };
        let hit = Hit { label: HOSTILE.to_owned(), note: HOSTILE.to_owned(), url: "/projects/x".to_owned() };
        let group = Group {
            title: "Projects",
            note_title: "Owner",
            hits: vec![hit],
            more_url: Some("/projects".to_owned()),
        };
        vec![
            ("nothing asked", page("", Vec::new())),
            ("nothing found", page(HOSTILE, Vec::new())),
            ("hostile", page(HOSTILE, vec![group])),
        ]
    }
}
