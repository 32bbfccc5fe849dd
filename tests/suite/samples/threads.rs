//! Samples of threads, and of how programs use the console.

use pilothouse::web::api::show::{ApiPage, STEPS};
use pilothouse::web::display::{Link, Pager};
use pilothouse::web::threads::show::ThreadPage;

use super::frame::shell;
use super::timelines;
use super::{HOSTILE, Sample, timestamp};

impl Sample for ThreadPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let link = |text: &str| Some(Link::new(text, "/activity/x"));
        let whole = Self {
            shell: shell("Thread"),
            began: timestamp(),
            length: HOSTILE.to_owned(),
            first: link(HOSTILE),
            last: link(HOSTILE),
            asked: link(HOSTILE),
            days: timelines::days(),
            pager: Pager {
                newer: Some("/threads/x?before=1".to_owned()),
                older: Some("/threads/x?after=1".to_owned()),
                ..Pager::default()
            },
            zone: "Europe/Berlin".to_owned(),
        };
        let beyond = Self {
            shell: shell("Thread"),
            began: timestamp(),
            length: String::new(),
            first: None,
            last: None,
            asked: None,
            days: Vec::new(),
            pager: Pager::default(),
            zone: "UTC".to_owned(),
        };
        vec![("hostile", whole), ("beyond its end", beyond)]
    }
}

impl Sample for ApiPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |connect: &str, has_project| Self {
            shell: shell("API"),
            connect: connect.to_owned(),
            has_project,
            steps: &STEPS,
        };
        vec![("without a project", page("PROJECT=''", false)), ("hostile", page(HOSTILE, true))]
    }
}
