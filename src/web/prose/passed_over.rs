//! What a reader of Markdown passes over without a word: definitions of addresses that no link names, and cells that a
//! table has no column for.

use std::collections::HashSet;
use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::OPTIONS;
use crate::web::urls::external;

/// Follows the reader through a text.
#[derive(Debug)]
pub(super) struct PassedOver<'a> {
    source: &'a str,
    /// Where the definitions begin that a link makes use of.
    used: HashSet<usize>,
    /// Up to where the reader has told everything.
    told: usize,
    /// Where the last cell ended.
    cell: usize,
    lines: Vec<String>,
}

impl<'a> PassedOver<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, used: used(source), told: 0, cell: 0, lines: Vec::new() }
    }

    /// The reader goes on with `event`.
    pub(super) fn before(&mut self, event: &Event<'_>, range: &Range<usize>) {
        if !matches!(event, Event::End(_)) {
            self.look(range.start);
        }
    }

    pub(super) fn after(&mut self, event: &Event<'_>, range: &Range<usize>) {
        let told = match event {
            Event::Start(Tag::FootnoteDefinition(name)) => range.start + "[^]:".len() + name.len(),
            Event::Start(_) => range.start,
            // Their ends hold what stands behind their last block.
            Event::End(
                TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item | TagEnd::FootnoteDefinition,
            ) => 0,
            _ => range.end,
        };
        self.told = self.told.max(told);
        match event {
            Event::Start(Tag::TableRow) => self.cell = range.start,
            Event::End(TagEnd::TableCell) => self.cell = range.end,
            _ => {}
        }
    }

    /// Lines that were passed over, each once.
    pub(super) fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Those that are left at the text's end.
    pub(super) fn at_end(mut self) -> Vec<String> {
        self.look(self.source.len());
        self.lines
    }

    /// What stands behind the last cell of the row at `range`.
    pub(super) fn take_cells(&self, range: &Range<usize>) -> String {
        let rest = self.source.get(self.cell..range.end).unwrap_or_default().trim();
        rest.trim_matches('|').trim().replace("\\|", "|")
    }

    /// Definitions between what was told and `end`, as they are written.
    fn look(&mut self, end: usize) {
        let Some(gap) = self.source.get(self.told..end).filter(|gap| gap.contains("]:")) else { return };
        let mut at = self.told;
        let mut is_used = true;
        for line in gap.split_inclusive('\n') {
            let text = line.trim_start_matches(is_mark);
            let start = at + line.len() - text.len();
            let before = self.source[..start].rsplit('\n').next().unwrap_or_default();
            at += line.len();
            let is_definition = text.starts_with('[') && before.chars().all(is_mark);
            if is_definition {
                is_used = self.used.contains(&start);
            }
            let text = text.trim_end();
            if is_used || text.is_empty() {
                continue;
            }
            match self.lines.last_mut() {
                // The rest of a definition.
                Some(last) if !is_definition => last.extend([" ", text]),
                _ => self.lines.push(text.to_owned()),
            }
        }
        self.told = end;
    }
}

/// What may stand before a definition: blanks, and the marks of quotations, lists and their numbers.
fn is_mark(c: char) -> bool {
    c.is_whitespace() || c.is_ascii_digit() || ">-+*.)".contains(c)
}

fn used(source: &str) -> HashSet<usize> {
    if !source.contains("]:") {
        return HashSet::new();
    }
    let names: HashSet<String> = Parser::new_ext(source, OPTIONS)
        .filter_map(|event| match event {
            // A link that leads nowhere shows no address.
            Event::Start(Tag::Link { id, dest_url, .. } | Tag::Image { id, dest_url, .. }) => {
                external(&dest_url).map(|_| id.into_string())
            }
            _ => None,
        })
        .collect();
    let parser = Parser::new_ext(source, OPTIONS);
    let definitions = parser.reference_definitions();
    names.iter().filter_map(|name| definitions.get(name)).map(|definition| definition.span.start).collect()
}
