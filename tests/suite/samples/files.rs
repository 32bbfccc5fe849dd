//! Samples of files.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::db::cursor::Page;
use pilothouse::files::listing::Listing;
use pilothouse::http::query::Query;
use pilothouse::web::display::{ByteSize, Fact};
use pilothouse::web::files::index::{EntryRow, FilesPage};
use pilothouse::web::files::show::{ChangeRow, FilePage};
use pilothouse::web::shell::Crumb;
use pilothouse::web::urls;

use super::frame::shell;
use super::projects::project_head;
use super::{HOSTILE, Sample, endless, timestamp};

impl Sample for FilesPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |query: &[(&str, &str)]| {
            let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let query = Query(pairs.collect());
            let (shell, head) = (shell("Files"), project_head(HOSTILE));
            Self::new(shell, head, "/projects/x/files".to_owned(), &query)
        };
        let row = |name: &str, is_directory: bool| EntryRow {
            id: "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            url: "/projects/x/files?path=y".to_owned(),
            name: name.to_owned(),
            kind: name.to_owned(),
            is_directory,
            is_deleted: !is_directory,
            size: is_directory.then(|| ByteSize::new(12_400)),
            changed: Some(timestamp()),
        };
        let none = Page { rows: Vec::new(), has_previous: false, has_next: false };
        let found = Listing { page: none, files: 12, size: 4, deleted: 1, next_path: None, is_lost: false };
        let mut cut = page(&[("q", HOSTILE), ("deleted", "1"), ("path", "../../etc")]);
        cut.fill(
            &Listing { next_path: Some(HOSTILE.to_owned()), ..found.clone() },
            &Query(vec![("q".to_owned(), HOSTILE.to_owned())]),
            DateTime::UNIX_EPOCH,
            Tz::UTC,
        );
        let mut empty = page(&[("path", HOSTILE)]);
        empty.fill(&found, &Query::default(), DateTime::UNIX_EPOCH, Tz::UTC);
        vec![
            ("nothing yet", page(&[])),
            ("without a container", Self { has_container: false, ..page(&[]) }),
            ("nothing in it", empty),
            ("nothing matches", cut),
            (
                "hostile",
                Self {
                    notes: vec![HOSTILE.to_owned()],
                    entries: vec![
                        row("src", true),
                        row(HOSTILE, true),
                        row(HOSTILE, false),
                        row(&endless(300), false),
                    ],
                    ..page(&[])
                },
            ),
        ]
    }
}

impl Sample for FilePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, changes: Vec<ChangeRow>| Self {
            shell: shell("File"),
            project: project_head(HOSTILE),
            name: name.to_owned(),
            is_deleted: !changes.is_empty(),
            steps: vec![Crumb::link("Files", "/projects/x/files"), Crumb::link(name, "/projects/x/files")],
            facts: vec![Fact::mono("Path", name)],
            changes,
            content_note: HOSTILE.to_owned(),
        };
        let change = ChangeRow {
            label: HOSTILE.to_owned(),
            url: urls::reference("github_push_id", HOSTILE),
            author: HOSTILE.to_owned(),
            at: timestamp(),
        };
        vec![
            ("plain", page("README.md", Vec::new())),
            ("hostile", page(HOSTILE, vec![change])),
            ("endless", page(&endless(4000), Vec::new())),
        ]
    }
}
