//! The bytes of a commit, read so that one odd line costs no more than itself.
//!
//! Git checks little of what it is given to keep, and histories that were converted from other systems hold lines
//! that its own tools pass over. What can't be read is left out and told; the rest of the commit stands.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use gix::ObjectId;

/// The last second that is taken for a time, in epoch seconds: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// Who, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Signature<'a> {
    pub name: &'a [u8],
    pub email: &'a [u8],
    /// Epoch seconds.
    pub seconds: Option<i64>,
    /// Whether a name or address that should be there could not be read.
    pub damaged: bool,
}

/// A commit's parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CommitParts<'a> {
    pub tree: Option<ObjectId>,
    /// The first of its parents.
    pub parent: Option<ObjectId>,
    /// Whether there is a line of a parent that can't be read before any that can.
    pub parent_damaged: bool,
    pub author: Signature<'a>,
    pub committer: Signature<'a>,
    encoding: Option<&'static Encoding>,
    pub message: &'a [u8],
}

impl<'a> CommitParts<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut parts = Self::default();
        let (mut author, mut committer) = (None, None);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (line, after) = split_once(rest, b'\n').unwrap_or((rest, &[]));
            rest = after;
            if line.is_empty() {
                break;
            }
            // A line that continues the one before begins with a space, and has no word in front of it.
            let (word, value) = split_once(line, b' ').unwrap_or((line, &[]));
            let id = || ObjectId::from_hex(value).ok();
            match word {
                b"tree" if parts.tree.is_none() => parts.tree = id(),
                b"parent" if parts.parent.is_none() && !parts.parent_damaged => {
                    parts.parent = id();
                    parts.parent_damaged = parts.parent.is_none();
                }
                b"author" => author = author.or(Some(value)),
                b"committer" => committer = committer.or(Some(value)),
                b"encoding" => parts.encoding = parts.encoding.or_else(|| encoding(value)),
                _ => {}
            }
        }
        parts.author = signature(author);
        parts.committer = signature(committer);
        parts.message = rest;
        parts
    }

    /// When it was committed, in epoch seconds; when it was written, where that can't be read.
    pub(super) fn seconds(&self) -> Option<i64> {
        self.committer.seconds.or(self.author.seconds)
    }

    /// Whether something that grouping or a push tells could not be read.
    pub(super) fn is_damaged(&self) -> bool {
        self.author.damaged || self.committer.seconds.is_none() || self.tree.is_none() || self.parent_damaged
    }

    /// Some of the commit's `bytes` as text, by the encoding that it names, else as UTF-8. What is invalid is
    /// replaced, NUL left out (PostgreSQL takes none).
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        let (text, _) = self.encoding.unwrap_or(UTF_8).decode_without_bom_handling(bytes);
        let mut text = text.into_owned();
        text.retain(|c| c != '\0');
        text
    }
}

/// The encoding with this name, as far as a commit can be written in it.
fn encoding(label: &[u8]) -> Option<&'static Encoding> {
    let label = label.trim_ascii().to_ascii_lowercase();
    // Names that git passes on to iconv, and that the web's list of labels lacks.
    let label: &[u8] = match label.as_slice() {
        b"latin-1" | b"iso8859_1" | b"cp819" => b"latin1",
        b"iso8859_15" | b"latin-9" => b"iso-8859-15",
        b"cp932" | b"shift-jisx0213" => b"shift_jis",
        b"eucjp" | b"euc_jp" | b"ujis" => b"euc-jp",
        b"cp936" | b"euccn" | b"euc-cn" | b"euc_cn" => b"gbk",
        b"cp949" | b"euckr" | b"euc_kr" | b"uhc" => b"euc-kr",
        b"cp950" => b"big5",
        b"koi8r" => b"koi8-r",
        label => label,
    };
    // Its head is ASCII, so it can't be of those.
    Encoding::for_label(label).filter(|encoding| *encoding != UTF_16LE && *encoding != UTF_16BE)
}

/// `Name <email> 1600000000 +0200`, as far as it can be read.
fn signature(line: Option<&[u8]>) -> Signature<'_> {
    let line = line.unwrap_or_default();
    let seconds = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?;
        let seconds: i64 = text.split_ascii_whitespace().next()?.parse().ok()?;
        (seconds.abs() <= LAST_SECOND).then_some(seconds)
    };
    // The time is what follows the last bracket: names and addresses may hold further ones.
    let after = line.iter().rposition(|byte| *byte == b'>').map_or(&[][..], |at| &line[at + 1..]);
    let brackets = split_once(line, b'<').and_then(|(name, rest)| Some((name, split_once(rest, b'>')?.0)));
    let (name, email) = brackets.unwrap_or_default();
    Signature {
        name: name.trim_ascii(),
        email: email.trim_ascii(),
        seconds: seconds(after),
        damaged: brackets.is_none(),
    }
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    fn with_author(line: &str) -> Vec<u8> {
        format!("tree {ID}\nparent {ID}\n{line}\ncommitter C <c@x.test> 1600000100 +0000\n\nFix\n")
            .into_bytes()
    }

    #[test]
    fn a_commit_has_its_parts() {
        let bytes = with_author("author Ada L <ada@x.test> 1600000000 +0200");
        let commit = CommitParts::read(&bytes);
        assert_eq!(commit.tree.unwrap().to_string(), ID);
        assert_eq!(commit.parent.unwrap().to_string(), ID);
        assert_eq!((commit.author.name, commit.author.email), (&b"Ada L"[..], &b"ada@x.test"[..]));
        assert_eq!((commit.seconds(), commit.message), (Some(1_600_000_100), &b"Fix\n"[..]));
        assert!(!commit.is_damaged());
    }

    #[test]
    fn a_damaged_author_costs_no_more_than_itself() {
        for (line, name, email, damaged) in [
            ("author Ada", "", "", true),
            ("author", "", "", true),
            ("nothing", "", "", true),
            ("author Ada <ada@x.test", "", "", true),
            ("author ada@x.test> 1 +0000", "", "", true),
            ("author <> 1600000000 +0000", "", "", false),
            ("author  <ada@x.test> 1600000000 +0000", "", "ada@x.test", false),
            ("author Ada <ada@x.test>", "Ada", "ada@x.test", false),
            ("author Ada <ada@x.test> soon", "Ada", "ada@x.test", false),
            ("author Ada <ada@x.test> 99999999999999999999 +9999", "Ada", "ada@x.test", false),
            ("author Ada <ada@x.test> <old@x.test> 1600000000 +0000", "Ada", "ada@x.test", false),
            ("author Ada <a<b>c> 1600000000 +0000", "Ada", "a<b", false),
        ] {
            let bytes = with_author(line);
            let commit = CommitParts::read(&bytes);
            assert_eq!(commit.text(commit.author.name), name, "{line}");
            assert_eq!(commit.text(commit.author.email), email, "{line}");
            assert_eq!(commit.is_damaged(), damaged, "{line}");
            assert_eq!((commit.seconds(), commit.message), (Some(1_600_000_100), &b"Fix\n"[..]), "{line}");
        }
    }

    #[test]
    fn the_time_of_writing_stands_in_for_that_of_committing() {
        for committer in ["committer C <c@x.test>", "committer C <c@x.test> 253402300800 +0000", "x y"] {
            let bytes = format!("tree {ID}\nauthor A <a@x.test> 1600000000 +0000\n{committer}\n\nFix");
            let commit = CommitParts::read(bytes.as_bytes());
            assert_eq!((commit.seconds(), commit.is_damaged()), (Some(1_600_000_000), true), "{committer}");
        }
    }

    #[test]
    fn signatures_and_other_lines_of_a_head_are_passed_over() {
        let bytes = with_author(
            "author A <a@x.test> 1 +0000\ngpgsig -----BEGIN\n \n author no\n encoding koi8-r\n -----END\nx-y z\nHG:extra",
        );
        let commit = CommitParts::read(&bytes);
        assert_eq!((commit.author.email, commit.message), (&b"a@x.test"[..], &b"Fix\n"[..]));
        assert_eq!(commit.text(b"caf\xc3\xa9"), "café");
    }

    #[test]
    fn text_is_read_by_the_encoding_that_the_commit_names() {
        for (label, bytes, text) in [
            ("ISO-8859-1", &b"R\xe9parer"[..], "Réparer"),
            ("iso8859-1", b"R\xe9parer", "Réparer"),
            ("latin-1", b"R\xe9parer", "Réparer"),
            ("ISO-8859-15", b"5 \xa4", "5 €"),
            ("cp1252", b"\x80", "€"),
            ("KOI8-R", b"\xd0\xd2\xc9\xd7\xc5\xd4", "привет"),
            ("cp1251", b"\xef\xf0\xe8\xe2\xe5\xf2", "привет"),
            ("Shift_JIS", b"\x93\xfa\x96\x7b", "日本"),
            ("cp932", b"\x93\xfa\x96\x7b", "日本"),
            ("eucJP", b"\xc6\xfc\xcb\xdc", "日本"),
            ("cp936", b"\xd6\xd0\xb9\xfa", "中国"),
            ("UTF-8", "Zoë".as_bytes(), "Zoë"),
            // What is no encoding of a commit's is UTF-8, as git takes it.
            ("UTF-16", "Zoë".as_bytes(), "Zoë"),
            ("klingon", "Zoë".as_bytes(), "Zoë"),
            ("", b"a\0b\xffc", "ab\u{FFFD}c"),
        ] {
            let bytes_of = format!("tree {ID}\nencoding {label}\n\n").into_bytes();
            assert_eq!(CommitParts::read(&bytes_of).text(bytes), text, "{label}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes: Vec<u8>) {
            let commit = CommitParts::read(&bytes);
            let _ = (commit.text(commit.message), commit.seconds(), commit.is_damaged());
        }

        #[test]
        fn no_lines_are_too_odd(lines in proptest::collection::vec("(tree|parent|author|committer|encoding| )?[ <>a-f0-9\\PC]{0,60}", 0..12)) {
            let bytes = lines.join("\n").into_bytes();
            let commit = CommitParts::read(&bytes);
            let _ = (commit.text(commit.author.name), commit.seconds(), commit.is_damaged());
        }
    }
}
