//! What the bytes of a commit say. Nothing is refused here: what can't be read is left out, and said so.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};
use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::bstr::ByteSlice;

/// Longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 10_000;

/// Longest name or address that is kept, in characters.
const LONGEST_NAME: usize = 500;

/// Years 1 to 9999, in epoch seconds: what other programs can show.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The lines of a commit that an import needs, as bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CommitBytes<'a> {
    parent: Option<&'a [u8]>,
    author: Option<&'a [u8]>,
    committer: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    message: &'a [u8],
}

/// Who wrote a commit. Empty where the commit does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Author {
    pub name: String,
    pub email: String,
}

impl Author {
    pub fn new(name: &str, email: &str) -> Self {
        Self { name: cut(name, LONGEST_NAME), email: cut(email, LONGEST_NAME) }
    }
}

/// What stands where a commit names its first parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    None,
    Commit(ObjectId),
    /// Something that is no object's name.
    Unreadable,
}

impl<'a> CommitBytes<'a> {
    /// Takes a commit apart. The first line of each kind counts; a parent only where parents stand.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut commit = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (line, after) = rest.split_once_str("\n").unwrap_or((rest, b""));
            rest = after;
            if line.is_empty() {
                commit.message = rest;
                break;
            }
            let (key, value) = line.split_once_str(" ").unwrap_or((line, b""));
            let place = match key {
                b"parent" if commit.author.is_none() && commit.committer.is_none() => &mut commit.parent,
                b"author" => &mut commit.author,
                b"committer" => &mut commit.committer,
                b"encoding" => &mut commit.encoding,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        commit
    }

    pub fn parent(&self) -> Parent {
        match self.parent.map(ObjectId::from_hex) {
            None => Parent::None,
            Some(Ok(id)) => Parent::Commit(id),
            Some(Err(_)) => Parent::Unreadable,
        }
    }

    /// None when the line is missing or damaged.
    pub fn author(&self) -> Option<Author> {
        let author = SignatureRef::from_bytes(self.author?).ok()?.trim();
        Some(Author::new(&self.text(author.name), &self.text(author.email)))
    }

    /// When it was committed, in epoch seconds. None when the line does not tell.
    pub fn committed_at(&self) -> Option<i64> {
        seconds(self.committer?)
    }

    /// When it was written, in epoch seconds.
    pub fn written_at(&self) -> Option<i64> {
        seconds(self.author?)
    }

    /// Whole message, cut at 10,000 characters.
    pub fn message(&self) -> String {
        // Bytes first: a message may be as large as an object.
        let bytes = &self.message[..self.message.len().min(LONGEST_MESSAGE * 4)];
        cut(&self.text(bytes), LONGEST_MESSAGE)
    }

    fn text(&self, bytes: &[u8]) -> String {
        in_encoding(self.encoding, bytes)
    }
}

/// The time at the end of a line such as `Ada <ada@demo.test> 1767603600 +0200`. The zone changes nothing.
fn seconds(line: &[u8]) -> Option<i64> {
    let word = match line.rfind_byte(b'>') {
        Some(at) => line[at + 1..].fields().next()?,
        // Damaged before the time: of the last two words, time and zone, the first.
        None => line.rsplitn_str(3, " ").nth(1)?,
    };
    let seconds = word.to_str().ok()?.parse().ok()?;
    TIMES.contains(&seconds).then_some(seconds)
}

/// What git gives as bytes, as text: invalid UTF-8 is replaced, NUL left out (PostgreSQL takes none).
pub(super) fn text(bytes: &[u8]) -> String {
    without_nul(bytes.to_str_lossy())
}

/// The first `longest` characters.
pub(super) fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// Bytes of a commit as text. Its `encoding` counts where it fits the bytes; else they are UTF-8, which is
/// what git takes those of a commit without that header for.
fn in_encoding(label: Option<&[u8]>, bytes: &[u8]) -> String {
    let is_utf8 = bytes.to_str().is_ok();
    match label.and_then(|label| encoding(label, bytes)) {
        // A label of one byte a character fits all bytes; what is UTF-8 by chance is next to nothing.
        Some(encoding) if !bytes.is_ascii() && is_utf8 && encoding.is_single_byte() => text(bytes),
        Some(encoding) => match encoding.decode_without_bom_handling(bytes) {
            (_, true) if is_utf8 => text(bytes),
            (decoded, _) => without_nul(decoded),
        },
        None => text(bytes),
    }
}

/// The encoding that a commit names. None for UTF-8, for names that nobody knows, and for UTF-16 that is none.
fn encoding(label: &[u8], bytes: &[u8]) -> Option<&'static Encoding> {
    let plain: String =
        label.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| b.to_ascii_lowercase() as char).collect();
    let found = Encoding::for_label(label)
        .or_else(|| Encoding::for_label(plain.as_bytes()))
        .or_else(|| Encoding::for_label(of_iconv(&plain)?.as_bytes()))?;
    if found == UTF_8 || found == REPLACEMENT {
        return None;
    }
    if found == UTF_16LE || found == UTF_16BE {
        // Git itself makes no such commit: bytes without a zero are some other encoding's.
        let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
        return bytes.contains(&0).then_some(marked.unwrap_or(found));
    }
    Some(found)
}

/// Names that iconv knows and the web does not.
fn of_iconv(plain: &str) -> Option<String> {
    let known = match plain {
        "eucjp" | "ujis" => "euc-jp",
        "euckr" | "cp949" | "uhc" => "euc-kr",
        "cp932" => "shift_jis",
        "cp936" | "euccn" => "gbk",
        "cp950" => "big5",
        "koi8r" => "koi8-r",
        "koi8u" => "koi8-u",
        _ => {
            let part = plain.strip_prefix("iso8859").map(|part| format!("iso-8859-{part}"));
            return part.or_else(|| Some(format!("windows-{}", plain.strip_prefix("windows")?)));
        }
    };
    Some(known.to_owned())
}

fn without_nul(text: Cow<'_, str>) -> String {
    let mut text = text.into_owned();
    text.retain(|c| c != '\0');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
    const PARENT: &str = "00000000000000000000000000000000000000aa";

    #[test]
    fn text_has_neither_nul_nor_invalid_utf8() {
        assert_eq!(text(b"a\0b\xffc"), "ab\u{FFFD}c");
    }

    #[test]
    fn bytes_are_read_in_the_encoding_that_the_commit_names() {
        for (label, bytes, expected) in [
            ("ISO-8859-1", b"R\xe9parer".as_slice(), "Réparer"),
            ("latin-1", b"R\xe9parer", "Réparer"),
            ("iso8859-15", b"10 \xa4", "10 €"),
            ("ISO-8859-2", b"\xb3\xf3d\xbc", "łódź"),
            ("windows-1252", b"\x93so\x94", "“so”"),
            ("CP1251", b"\xcf\xf0\xe8", "При"),
            ("KOI8-R", b"\xf0\xd2\xc9", "При"),
            ("koi8r", b"\xf0\xd2\xc9", "При"),
            ("Shift_JIS", b"\x93\xfa\x96{", "日本"),
            ("cp932", b"\x93\xfa\x96{", "日本"),
            ("eucJP", b"\xc6\xfc\xcb\xdc", "日本"),
            // "目录" is UTF-8 of something else by chance.
            ("GBK", b"\xc4\xbf\xc2\xbc", "目录"),
            ("UTF-16", b"\xff\xfeh\0i\0", "\u{feff}hi"),
            ("UTF-16BE", b"\0h\0i", "hi"),
            ("UTF-8", "é".as_bytes(), "é"),
            // Labels that are wrong, or that nobody knows.
            ("ISO-8859-1", "é".as_bytes(), "é"),
            ("UTF-16", b"plain", "plain"),
            ("iso-2022-kr", b"plain", "plain"),
            ("klingon", b"R\xe9", "R\u{FFFD}"),
            ("", b"R\xe9", "R\u{FFFD}"),
        ] {
            assert_eq!(in_encoding(Some(label.as_bytes()), bytes), expected, "{label}");
        }
        assert_eq!(in_encoding(None, b"R\xe9"), "R\u{FFFD}");
    }

    #[test]
    fn what_is_damaged_is_left_out_and_the_rest_read() {
        let read = |lines: &str| {
            let bytes = format!("{HEAD}{lines}");
            let commit = CommitBytes::parse(bytes.as_bytes());
            (commit.author().map(|author| author.email), commit.committed_at(), commit.message())
        };
        let ada = || Some("ada@demo.test".to_owned());
        let whole = "author Ada <ada@demo.test> 5 +0000\ncommitter Ada <ada@demo.test> 7 +0000\n\nFix\n";
        assert_eq!(read(whole), (ada(), Some(7), "Fix\n".to_owned()));
        assert_eq!(read(&whole.replace("author ", "autor ")).0, None);
        assert_eq!(read(&whole.replacen("<ada@demo.test>", "ada@demo.test", 1)).0, None);
        assert_eq!(read(&whole.replace("committer", "comitter")).1, None);
        assert_eq!(
            read(&whole.replace("<ada@demo.test> 7", "ada@demo.test 7")),
            (ada(), Some(7), "Fix\n".into())
        );
        assert_eq!(read(&whole.replace("7 +0000", "7 +9999")).1, Some(7));
        assert_eq!(read(&whole.replace("7 +0000", "-7")).1, Some(-7));
        assert_eq!(read(&whole.replace("<ada@demo.test>", "<<ada@demo.test>>")).0, ada());
        assert_eq!(
            read(&whole.replace("<ada@demo.test>", "<>")),
            (Some(String::new()), Some(7), "Fix\n".into())
        );
        for absurd in ["", "seven +0000", "9223372036854775808 +0000", "9223372036854775807 +0000"] {
            assert_eq!(read(&whole.replace("7 +0000", absurd)).1, None, "{absurd}");
        }
        assert_eq!(read(""), (None, None, String::new()));
        let signed =
            whole.replace("\n\n", "\ngpgsig -----BEGIN\n author Eve <eve@demo.test> 1 +0000\n\tx\n\n");
        assert_eq!(read(&signed), (ada(), Some(7), "Fix\n".to_owned()));
    }

    #[test]
    fn a_parent_stands_before_the_author() {
        let parent = |lines: &str| CommitBytes::parse(format!("{HEAD}{lines}").as_bytes()).parent();
        let id = ObjectId::from_hex(PARENT.as_bytes()).unwrap();
        assert_eq!(parent(&format!("parent {PARENT}\nauthor x\n")), Parent::Commit(id));
        assert_eq!(parent(&format!("author x\nparent {PARENT}\n\n")), Parent::None);
        assert_eq!(parent(&format!("author x\n\nparent {PARENT}\n")), Parent::None);
        assert_eq!(parent("parent 12\n"), Parent::Unreadable);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200), label in "[A-Za-z0-9-]{0,12}") {
            let odd = [b"author ".as_slice(), &bytes, b"\ncommitter ", &bytes, b"\nencoding ", label.as_bytes(),
                b"\nparent ", &bytes, b"\n\n", &bytes].concat();
            for bytes in [&bytes, &odd] {
                let commit = CommitBytes::parse(bytes);
                let _ = (commit.parent(), commit.author(), commit.committed_at(), commit.written_at());
                prop_assert!(!commit.message().contains('\0'));
            }
        }

        #[test]
        fn a_whole_commit_is_read_as_git_reads_it(
            name in "[^<>\n\0]{0,20}", email in "[^<>\n\0]{0,20}", time in 0i64..4_000_000_000,
            zone in "[+-]0[0-9][0-5]0", message in "[^\0]{0,60}", merged in any::<bool>(),
        ) {
            let parents = format!("parent {PARENT}\n").repeat(1 + usize::from(merged));
            let bytes = format!(
                "{HEAD}{parents}author {name} <{email}> 1 {zone}\ncommitter C <c@demo.test> {time} {zone}\n\n{message}"
            );
            let theirs = gix::objs::CommitRef::from_bytes(bytes.as_bytes(), gix::hash::Kind::Sha1).unwrap();
            let ours = CommitBytes::parse(bytes.as_bytes());
            let author = theirs.author().unwrap().trim();
            let expected = Author { name: author.name.to_string(), email: author.email.to_string() };
            prop_assert_eq!(ours.author(), Some(expected));
            prop_assert_eq!(ours.committed_at(), Some(theirs.committer().unwrap().time().unwrap().seconds));
            prop_assert_eq!(ours.message(), theirs.message.to_string());
            prop_assert_eq!(ours.parent(), Parent::Commit(theirs.parents().next().unwrap()));
        }
    }
}
