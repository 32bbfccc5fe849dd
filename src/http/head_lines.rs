//! Lines of a request's head end in CR LF and in nothing else.
//!
//! actix-http also takes a bare LF. A proxy that reads the same bytes otherwise would see other headers, or another
//! number of requests. So the bytes of each connection pass through [`HeadLines`] first: a bare LF in a head
//! becomes a NUL, which no parser takes, and the answer is the 400 that any unreadable head gets, in its turn. So does
//! what a head holds beyond its limit, which actix-http knows too, but only as far as it sees a head in pieces. Bodies
//! are never touched.

use std::io;

/// As much of a line as is looked at: the names and values that say how long a body is.
const LOOKED_AT: usize = 64;

/// Bytes of a head, its first line included.
const LARGEST: usize = 128 * 1024;

/// Where in its requests a connection is.
#[derive(Debug)]
enum Place {
    Head,
    /// So many bytes of a body are to come.
    Body(u64),
    /// In the line with a chunk's size.
    ChunkSize {
        size: u64,
        is_over: bool,
    },
    /// So many bytes of a chunk and its line break are to come.
    Chunk(u64),
    Trailer,
    /// No head that can be read follows.
    Spoilt,
}

/// See the module.
#[derive(Debug)]
pub struct HeadLines {
    place: Place,
    /// The beginning of the line, without its end.
    line: Vec<u8>,
    after_cr: bool,
    /// Bytes of the head, or of what stands behind the last chunk.
    size: usize,
    has_begun: bool,
    length: u64,
    is_chunked: bool,
}

impl HeadLines {
    /// The beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self {
            place: Place::Head,
            line: Vec::with_capacity(LOOKED_AT),
            after_cr: false,
            size: 0,
            has_begun: false,
            length: 0,
            is_chunked: false,
        }
    }

    /// Takes the next bytes of the connection, and makes a head unreadable that must not be read.
    ///
    /// # Errors
    /// For the same behind the last chunk of a body, which nobody answers.
    pub fn pass(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX);
            match &mut self.place {
                Place::Spoilt => return Ok(()),
                Place::Body(left) | Place::Chunk(left) => {
                    let skipped = rest.min(*left);
                    *left -= skipped;
                    at += usize::try_from(skipped).unwrap_or(bytes.len());
                    if *left == 0 {
                        let was_body = matches!(self.place, Place::Body(_));
                        self.place = if was_body { Place::Head } else { CHUNK };
                    }
                }
                Place::ChunkSize { size, is_over } => {
                    match char::from(bytes[at]).to_digit(16) {
                        Some(digit) if !*is_over => {
                            *size = size.saturating_mul(16).saturating_add(digit.into());
                        }
                        _ => *is_over = true,
                    }
                    if bytes[at] == b'\n' {
                        let whole = size.saturating_add(2);
                        self.place = if *size == 0 { Place::Trailer } else { Place::Chunk(whole) };
                    }
                    at += 1;
                }
                Place::Head | Place::Trailer => {
                    self.size += 1;
                    if (bytes[at] == b'\n' && !self.after_cr) || self.size > LARGEST {
                        if matches!(self.place, Place::Trailer) {
                            return Err(io::ErrorKind::InvalidData.into());
                        }
                        bytes[at] = 0;
                        self.place = Place::Spoilt;
                        return Ok(());
                    }
                    self.step(bytes[at]);
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'\n' => self.end_line(),
            b'\r' => {}
            _ if self.line.len() < LOOKED_AT => self.line.push(byte),
            _ => {}
        }
        self.after_cr = byte == b'\r';
    }

    fn end_line(&mut self) {
        let is_last = self.line.is_empty();
        match self.place {
            Place::Trailer if is_last => (self.place, self.size) = (Place::Head, 0),
            // An empty line before a request is passed over.
            Place::Head if is_last && self.has_begun => {
                self.place = match self.length {
                    _ if self.is_chunked => CHUNK,
                    0 => Place::Head,
                    length => Place::Body(length),
                };
                (self.size, self.has_begun, self.length, self.is_chunked) = (0, false, 0, false);
            }
            Place::Head if !is_last => {
                if self.has_begun {
                    self.read_header();
                }
                self.has_begun = true;
            }
            _ => {}
        }
        self.line.clear();
    }

    fn read_header(&mut self) {
        let Some(colon) = self.line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (&self.line[..colon], self.line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_chunked = true;
        }
    }
}

impl Default for HeadLines {
    fn default() -> Self {
        Self::new()
    }
}

const CHUNK: Place = Place::ChunkSize { size: 0, is_over: false };

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of `text` when it arrives in pieces of `size` bytes.
    fn passed(text: &str, size: usize) -> io::Result<String> {
        let mut lines = HeadLines::new();
        let mut bytes = text.as_bytes().to_vec();
        bytes.chunks_mut(size).try_for_each(|piece| lines.pass(piece))?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    const READABLE: [&str; 6] = [
        "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nHost: x\r\n\r\n\n\n\r\n\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length:\t0 \r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\n\n\n\r\nA\r\n\n23456789\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\nZ: w\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nX: content-length: 9\r\nX-Content-Length: 9\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ];

    #[test]
    fn requests_and_bodies_pass_as_they_are_in_whatever_pieces_they_come() {
        for text in READABLE {
            for size in 1..=text.len() {
                assert_eq!(passed(text, size).unwrap(), text, "{size}");
            }
        }
    }

    #[test]
    fn a_head_ends_at_its_limit_and_the_next_has_one_of_its_own() {
        let head = |bytes: usize| {
            let frame = "GET / HTTP/1.1\r\nX: \r\n\r\n".len();
            format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(bytes - frame))
        };
        let most = head(LARGEST).repeat(2);
        assert_eq!(passed(&most, 4096).unwrap(), most);
        assert!(passed(&head(LARGEST + 1), 4096).unwrap().contains('\0'));
    }

    #[test]
    fn the_first_bare_line_feed_of_a_head_becomes_unreadable() {
        for before in READABLE.iter().copied().chain([""]) {
            for head in
                ["\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: x\n", "GET / HTTP/1.1\r\nHost: x\r\n\n"]
            {
                let text = format!("{before}{head}X: y\r\n\r\n");
                let spoilt = format!("{before}{}\0X: y\r\n\r\n", head.strip_suffix('\n').unwrap());
                for size in [1, 2, 3, 7, text.len()] {
                    assert_eq!(passed(&text, size).unwrap(), spoilt, "{size}");
                }
            }
        }
        let trailer = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\nGET / HTTP/1.1\r\n\r\n";
        assert!(passed(trailer, 1).is_err());
    }
}
