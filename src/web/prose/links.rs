//! Addresses that stand in a text without being marked as links.

use super::{Element, Piece};
use crate::web::urls::external;

/// `pieces` with a link wherever their plain text holds a web address.
pub(super) fn found_in(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut in_link = false;
    for piece in pieces {
        match piece {
            Piece::Open(Element::Link(_)) => in_link = true,
            Piece::Close(Element::Link(_)) => in_link = false,
            Piece::Text(text) if !in_link && text.contains("://") => {
                split(&text, &mut out);
                continue;
            }
            _ => {}
        }
        out.push(piece);
    }
    out
}

fn split(text: &str, out: &mut Vec<Piece>) {
    let mut plain = 0;
    let mut from = 0;
    while let Some(start) = next(text, from) {
        let rest = &text[start..];
        let length = rest.find(|c: char| c.is_whitespace() || "<>\"`|".contains(c)).unwrap_or(rest.len());
        let address =
            rest[..length].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')', ']', '*', '_']);
        from = start + address.len().max(1);
        let Some(url) = external(address) else { continue };
        if plain < start {
            out.push(Piece::Text(text[plain..start].to_owned()));
        }
        let link = Element::Link(url);
        out.extend([Piece::Open(link.clone()), Piece::Text(address.to_owned()), Piece::Close(link)]);
        plain = from;
    }
    if plain < text.len() {
        out.push(Piece::Text(text[plain..].to_owned()));
    }
}

/// Where the next address begins, at or after `from`: not in the middle of a word.
fn next(text: &str, mut from: usize) -> Option<usize> {
    loop {
        let rest = text.get(from..)?;
        let found = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min()?;
        let start = from + found;
        if !text[..start].ends_with(|c: char| c.is_alphanumeric()) {
            return Some(start);
        }
        from = start + 1;
    }
}
