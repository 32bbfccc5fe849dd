//! Markdown that somebody else wrote, as pieces that `templates/components/prose.html` prints.
//!
//! Safe by construction: a piece is text, or opens or closes one of a few elements, and the template writes
//! the tags and escapes the text. There is no way to say anything else, so no HTML is ever let through. HTML
//! in the Markdown becomes text; a link leads only where [`external`] lets it; an image becomes a link,
//! because a page that fetched it would tell its host who reads.
//!
//! Nothing that was written is lost: footnotes stand where they were written, and so do addresses that no link names
//! and cells that a table has no column for.
//!
//! Pieces come in a flat list, so depth costs no stack. They are balanced: what is opened is closed in order.

mod links;
mod passed_over;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use self::passed_over::PassedOver;
use super::urls::external;

/// What can be opened and closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    Paragraph,
    /// A heading of this level of the page, 4 to 6: a message stands under a heading of level 3.
    Heading(u8),
    /// A quotation.
    Quote,
    Bullets,
    /// A list that counts from this number.
    Numbers(u64),
    Item,
    Table,
    Row,
    /// A cell that names its column.
    Head,
    Cell,
    Emphasis,
    Strong,
    Struck,
    /// A link to this address, which [`external`] has let through.
    Link(String),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// Code within a line.
    Code(String),
    /// A block of code, with its language if it names one.
    Block(String, String),
    /// The end of a line.
    Break,
    /// A line across.
    Rule,
    Open(Element),
    /// Its end.
    Close(Element),
}

/// A text that is ready to be printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prose {
    /// Its parts.
    pub pieces: Vec<Piece>,
    /// Whether parts are missing because there were too many.
    pub is_cut: bool,
}

/// Lists, quotations and emphasis nest no deeper; what stands deeper is shown at this depth.
const DEEPEST: usize = 12;
/// A text has no more parts: a few characters can make a table of many thousand cells.
const MOST_PIECES: usize = 12_000;
/// What is read besides the common kind. What is not asked for is shown as the text that it is.
const OPTIONS: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_FOOTNOTES);
/// The level of the heading that a text stands under.
const ABOVE: u8 = 3;

impl Prose {
    /// Reads `markdown`: the common kind with tables, footnotes and struck-out text; lines end where they were ended.
    #[must_use]
    pub fn new(markdown: &str) -> Self {
        let mut builder = Builder::default();
        let mut is_cut = false;
        let mut source = PassedOver::new(markdown);
        for (event, range) in Parser::new_ext(markdown, OPTIONS).into_offset_iter() {
            if builder.pieces.len() >= MOST_PIECES {
                is_cut = true;
                break;
            }
            source.before(&event, &range);
            if builder.takes_a_block(&event) {
                builder.lines(source.take_lines());
            }
            if event == Event::End(TagEnd::TableRow) {
                builder.cell(&source.take_cells(&range));
            }
            source.after(&event, &range);
            builder.take(event);
        }
        while !builder.open.is_empty() {
            builder.end();
        }
        if !is_cut {
            builder.lines(source.at_end());
        }
        Self { pieces: links::found_in(builder.pieces), is_cut }
    }

    /// The words alone, on one line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) | Piece::Code(text) | Piece::Block(_, text) => words.push_str(text),
                Piece::Close(Element::Emphasis | Element::Strong | Element::Struck | Element::Link(_))
                | Piece::Open(_) => {}
                Piece::Break | Piece::Rule | Piece::Close(_) => words.push(' '),
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// An element that is open. Without one, only its contents are kept.
#[derive(Debug)]
struct Frame {
    element: Option<Element>,
    /// Where it was opened.
    at: usize,
    has_text: bool,
    /// Whether its lines are code: they are kept until its end.
    code: Option<(String, String)>,
}

#[derive(Debug, Default)]
struct Builder {
    pieces: Vec<Piece>,
    open: Vec<Frame>,
    /// How many of the open elements are written.
    depth: usize,
    /// The level of the last heading that was written.
    last_heading: Option<u8>,
    /// The name of a footnote that has begun, until it is written.
    note: Option<String>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => {
                if tag == TagEnd::FootnoteDefinition {
                    self.name_note();
                }
                self.end();
            }
            Event::Text(text) => match self.open.last_mut().and_then(|frame| frame.code.as_mut()) {
                Some((_, code)) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => {
                self.mark_text(&text);
                self.pieces.push(Piece::Code(text.into_string()));
            }
            Event::Html(lines) => {
                if self.open.last().is_some_and(|frame| frame.has_text) {
                    self.pieces.push(Piece::Break);
                }
                self.text(lines.trim_end_matches(['\r', '\n']));
            }
            Event::InlineHtml(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]")),
            Event::SoftBreak | Event::HardBreak => self.pieces.push(Piece::Break),
            Event::Rule => self.pieces.push(Piece::Rule),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let is_paragraph = tag == Tag::Paragraph;
        if !is_paragraph {
            self.name_note();
        }
        let shallow = self.depth < DEEPEST;
        let mut code = None;
        let element = match tag {
            Tag::Heading { level, .. } => Some(Element::Heading(self.level(level))),
            Tag::BlockQuote(_) => shallow.then_some(Element::Quote),
            Tag::CodeBlock(kind) => {
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default(),
                    CodeBlockKind::Indented => "",
                };
                code = Some((language.to_owned(), String::new()));
                None
            }
            Tag::List(None) => shallow.then_some(Element::Bullets),
            Tag::List(Some(first)) => shallow.then_some(Element::Numbers(first)),
            Tag::Item => {
                let in_list = self.open.last().is_some_and(|frame| frame.element.is_some());
                if !in_list {
                    self.pieces.push(Piece::Break);
                }
                in_list.then_some(Element::Item)
            }
            Tag::Table(_) => Some(Element::Table),
            Tag::TableHead | Tag::TableRow => Some(Element::Row),
            Tag::TableCell => {
                let before_row = self.open.last().and_then(|row| self.pieces.get(..row.at)?.last());
                let is_first_row = before_row == Some(&Piece::Open(Element::Table));
                Some(if is_first_row { Element::Head } else { Element::Cell })
            }
            Tag::Emphasis => shallow.then_some(Element::Emphasis),
            Tag::Strong => shallow.then_some(Element::Strong),
            Tag::Strikethrough => shallow.then_some(Element::Struck),
            Tag::Link { dest_url, .. } => self.link(&dest_url),
            Tag::Image { dest_url, .. } => {
                // No word of its own: an image without a description says where it is.
                self.push_text("Image: ");
                self.link(&dest_url)
            }
            Tag::FootnoteDefinition(name) => {
                self.note = Some(name.into_string());
                None
            }
            _ => Some(Element::Paragraph),
        };
        if let Some(element) = &element {
            self.depth += 1;
            self.pieces.push(Piece::Open(element.clone()));
        }
        let at = self.pieces.len().saturating_sub(usize::from(element.is_some()));
        self.open.push(Frame { element, at, has_text: false, code });
        if is_paragraph && let Some(name) = self.note.take() {
            self.text(&format!("[{name}] "));
        }
    }

    /// The name of a footnote by itself, when no paragraph begins with it.
    fn name_note(&mut self) {
        if let Some(name) = self.note.take() {
            self.lines(vec![format!("[{name}]")]);
        }
    }

    /// Whether a paragraph may be written before `event`.
    fn takes_a_block(&self, event: &Event<'_>) -> bool {
        let begins = !matches!(
            event,
            Event::End(_) | Event::Start(Tag::Item | Tag::TableHead | Tag::TableRow | Tag::TableCell)
        );
        begins
            && self.open.last().is_none_or(|frame| {
                frame.code.is_none() && matches!(frame.element, None | Some(Element::Quote | Element::Item))
            })
    }

    /// A paragraph of `lines` as they are written.
    fn lines(&mut self, lines: Vec<String>) {
        let mut lines = lines.into_iter().take(MOST_PIECES / 2);
        let Some(first) = lines.next() else { return };
        self.pieces.extend([Piece::Open(Element::Paragraph), Piece::Code(first)]);
        self.pieces.extend(lines.flat_map(|line| [Piece::Break, Piece::Code(line)]));
        self.pieces.push(Piece::Close(Element::Paragraph));
    }

    /// A cell more than the table has columns.
    fn cell(&mut self, text: &str) {
        if !text.is_empty() {
            let text = Piece::Text(text.to_owned());
            self.pieces.extend([Piece::Open(Element::Cell), text, Piece::Close(Element::Cell)]);
        }
    }

    /// Links don't nest, and lead nowhere unless that is safe.
    fn link(&self, address: &str) -> Option<Element> {
        let in_link = self.open.iter().any(|frame| matches!(frame.element, Some(Element::Link(_))));
        if in_link { None } else { external(address).map(Element::Link) }
    }

    /// A page's headings go down one level at a time, whatever its texts do.
    fn level(&self, level: HeadingLevel) -> u8 {
        let wanted = match level {
            HeadingLevel::H1 => 4,
            HeadingLevel::H2 => 5,
            _ => 6,
        };
        self.last_heading.unwrap_or(ABOVE).saturating_add(1).min(wanted)
    }

    fn end(&mut self) {
        let Some(Frame { element, at, has_text, code }) = self.open.pop() else { return };
        if let Some((language, code)) = code {
            self.mark_text("code");
            self.pieces.push(Piece::Block(language, code));
        }
        if let Some(outer) = self.open.last_mut() {
            outer.has_text |= has_text;
        }
        let Some(mut element) = element else { return };
        self.depth -= 1;
        match &element {
            // An empty heading is none, and a link without a word says where it leads.
            Element::Heading(_) if !has_text => return self.pieces.truncate(at),
            Element::Heading(level) => self.last_heading = Some(*level),
            Element::Link(address) if !has_text => {
                let address = address.clone();
                self.text(&address);
            }
            Element::Head if !has_text => {
                element = Element::Cell;
                if let Some(opened) = self.pieces.get_mut(at) {
                    *opened = Piece::Open(Element::Cell);
                }
            }
            _ => {}
        }
        self.pieces.push(Piece::Close(element));
    }

    fn text(&mut self, text: &str) {
        self.mark_text(text);
        self.push_text(text);
    }

    fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn mark_text(&mut self, text: &str) {
        if let Some(frame) = self.open.last_mut() {
            frame.has_text |= !text.trim().is_empty();
        }
    }
}
