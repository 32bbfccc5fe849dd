//! Samples of the container engine.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::web::display::Fact;
use pilothouse::web::engine::show::{EnginePage, EnginePanel, UnknownRow};

use super::frame::shell;
use super::{HOSTILE, Sample, endless, timestamp};

impl Sample for EnginePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let empty = || Self {
            shell: shell("Container engine"),
            ..Self::new(&[], &[], Vec::new(), (DateTime::UNIX_EPOCH, Tz::UTC))
        };
        let page = |name: &str| Self {
            note: name.to_owned(),
            engines: vec![EnginePanel { name: name.to_owned(), facts: vec![Fact::mono("Id", name)] }],
            unknown: [("ab", ""), ("cd", "Ignored by ada")]
                .map(|(id, ignored)| UnknownRow {
                    id: id.repeat(32),
                    name: name.to_owned(),
                    image: name.to_owned(),
                    state: name.to_owned(),
                    seen: timestamp(),
                    ignored: ignored.to_owned(),
                })
                .to_vec(),
            unknown_note: Some(name.to_owned()),
            takers: vec![(name.to_owned(), name.to_owned())],
            ..empty()
        };
        vec![("nothing yet", empty()), ("hostile", page(HOSTILE)), ("endless", page(&endless(200)))]
    }
}
