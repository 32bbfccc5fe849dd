//! One value of an export, and how the two formats write it.

use std::io;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::{AppError, AppResult};
use crate::identity::is_deceptive;
use crate::web::time::instant;

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a line of names and every cell in quotes.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Words, whoever wrote them.
    Text(String),
    /// A number: stays one, negative ones too.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// An instant, written in UTC.
    Time(DateTime<Utc>),
    /// JSON: stays JSON in JSON Lines.
    Json(Value),
}

impl Cell {
    /// A text, or nothing.
    pub fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.into()))
    }

    /// An instant, or nothing.
    #[must_use]
    pub fn time(at: Option<DateTime<Utc>>) -> Self {
        at.map_or(Self::Empty, Self::Time)
    }

    /// Epoch milliseconds; out of range becomes the epoch's edge.
    #[must_use]
    pub fn millis(ms: i64) -> Self {
        Self::Time(instant(ms))
    }

    /// A number, or nothing.
    #[must_use]
    pub fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }

    /// JSON, or nothing.
    #[must_use]
    pub fn json(json: Option<Value>) -> Self {
        json.filter(|json| !json.is_null()).map_or(Self::Empty, Self::Json)
    }

    /// JSON as it is stored in a text; what is none stays a text.
    #[must_use]
    pub fn stored_json(text: Option<&str>) -> Self {
        match text.map(|text| (text, serde_json::from_str(text))) {
            None => Self::Empty,
            Some((_, Ok(json))) => Self::json(Some(json)),
            Some((text, Err(_))) => Self::Text(text.to_owned()),
        }
    }

    fn csv(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => harmless(text),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(at) => iso(*at),
            Self::Json(json) => harmless(&json.to_string()),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Time(at) => serializer.serialize_str(&iso(*at)),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Where some reader may begin another cell: not all of them respect quotes.
const SPLITS: [char; 10] = [';', '|', '\t', '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// A spreadsheet runs a cell that begins like a formula. An apostrophe in front makes it text; so it does behind each
/// character at which a reader may split the cell. Numbers stay numbers.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    let begins_oddly = text.starts_with(['\t', '\r', '\n']);
    if (begins_oddly || begins_a_formula(text)) && !is_number(text) {
        safe.push('\'');
    }
    for (at, part) in text.split_inclusive(SPLITS).enumerate() {
        let alone = part.strip_suffix(SPLITS).unwrap_or(part);
        if at > 0 && begins_a_formula(alone) && !is_number(alone) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    safe
}

/// Whether the first thing that `text` shows begins a formula. The full-width and small forms count, because some
/// spreadsheets take them for the plain ones, and some readers drop quotes, blanks and what can't be seen.
fn begins_a_formula(text: &str) -> bool {
    let is_passed_over =
        |c: char| c.is_whitespace() || is_deceptive(c) || matches!(c, '"' | '\u{ad}' | '\u{180e}');
    let first = text.trim_start_matches(is_passed_over).chars().next();
    first.is_some_and(|first| "=+-@＝＋－＠﹦﹢﹣﹫".contains(first))
}

/// `-5`, `+49 30 1234`: no spreadsheet computes these. `-5+3` and `+1-555-1234` it would.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || " .,".contains(c))
}

/// Escapes what some readers of lines take for the end of one; otherwise as compact as JSON can be.
struct OneLine;

impl serde_json::ser::Formatter for OneLine {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        for part in fragment.split_inclusive(['\u{85}', '\u{2028}', '\u{2029}']) {
            let end = part.chars().next_back().filter(|c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'));
            let plain = end.map_or(part, |end| &part[..part.len() - end.len_utf8()]);
            writer.write_all(plain.as_bytes())?;
            if let Some(end) = end {
                write!(writer, "\\u{:04x}", u32::from(end))?;
            }
        }
        Ok(())
    }
}

impl Format {
    /// Reads `format` of a form.
    ///
    /// # Errors
    /// What to send instead.
    pub fn of(text: Option<&str>) -> Result<Self, String> {
        match text {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl") => Ok(Self::JsonLines),
            Some(_) => Err("There is no such format. Send format=csv or format=jsonl.".to_owned()),
            None => Err("Say in which format: format=csv or format=jsonl.".to_owned()),
        }
    }

    /// The word in forms and file names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// For the answer's head.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }

    /// What stands before the rows.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn head(self, columns: &[&str]) -> AppResult<Vec<u8>> {
        match self {
            // By a byte-order mark spreadsheets know UTF-8.
            Self::Csv => Ok([UTF8_MARK, &csv_lines([columns])?].concat()),
            Self::JsonLines => Ok(Vec::new()),
        }
    }

    /// `rows`, a cell for each of `columns`.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn rows(self, columns: &[&str], rows: &[Vec<Cell>]) -> AppResult<Vec<u8>> {
        match self {
            Self::Csv => csv_lines(rows.iter().map(|row| row.iter().map(Cell::csv).collect::<Vec<_>>())),
            Self::JsonLines => {
                let mut bytes = Vec::new();
                for row in rows {
                    let mut line = serde_json::Serializer::with_formatter(&mut bytes, OneLine);
                    line.collect_map(columns.iter().zip(row)).map_err(internal)?;
                    bytes.push(b'\n');
                }
                Ok(bytes)
            }
        }
    }
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

fn csv_lines<R>(rows: impl IntoIterator<Item = R>) -> AppResult<Vec<u8>>
where
    R: IntoIterator<Item: AsRef<[u8]>>,
{
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .quote_style(csv::QuoteStyle::Always)
        .from_writer(Vec::new());
    for row in rows {
        // Fails when a row has more or fewer cells than the one before: a file never has both.
        writer.write_record(row).map_err(internal)?;
    }
    writer.into_inner().map_err(|error| AppError::Internal(error.into_error().into()))
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> AppError {
    AppError::Internal(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv_of(cell: Cell) -> String {
        let bytes = Format::Csv.rows(&["a", "b"], &[vec![cell, Cell::Number(1)]]).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
        reader.records().next().unwrap().unwrap()[0].to_owned()
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe() {
        for formula in [
            "=HYPERLINK(\"http://evil.example\")",
            "+A1",
            "-A1",
            "-5+3",
            "+1-555-1234",
            "-5\n+3",
            "- 5",
            "--5",
            "+",
            "-5e3",
            "-٥",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "﹦1",
            " =1",
            " -5",
            "\u{a0}=1",
            "\u{200b}=1",
            "\u{feff}=1",
            "\u{ad}=1",
            "\"=1\"",
        ] {
            assert!(csv_of(Cell::Text(formula.to_owned())).starts_with('\''), "{formula:?}");
        }
        assert_eq!(csv_of(Cell::Text("=1".to_owned())), "'=1");
    }

    #[test]
    fn a_cell_that_some_reader_splits_has_an_apostrophe_behind_each_place() {
        for (text, written) in [
            ("a;=1", "a;'=1"),
            ("a\t=1\t+A1", "a\t'=1\t'+A1"),
            ("a\r\n=1", "a\r\n'=1"),
            ("a|@x", "a|'@x"),
            ("a\u{2028}=1", "a\u{2028}'=1"),
            ("\t=1", "'\t'=1"),
            ("a; =1", "a;' =1"),
            ("a;\"=1", "a;'\"=1"),
            ("=1;=2", "'=1;'=2"),
            ("1;-5;+49 30 1234;x", "1;-5;+49 30 1234;x"),
            ("1;-5+3", "1;'-5+3"),
            ("-5;=1", "'-5;'=1"),
        ] {
            assert_eq!(csv_of(Cell::Text(text.to_owned())), written, "{text:?}");
        }
    }

    #[test]
    fn other_cells_come_back_as_they_were() {
        for plain in [
            "",
            "shop-api",
            "a=1",
            "1-2",
            "\"quoted\", and more",
            "two\r\nlines",
            "漢字",
            "'",
            "-5",
            "+5",
            "-1,234.50",
            "+49 30 1234",
            "a;b",
            "a, -b",
        ] {
            assert_eq!(csv_of(Cell::Text(plain.to_owned())), plain);
        }
        assert_eq!(csv_of(Cell::Number(-5)), "-5");
        assert_eq!(csv_of(Cell::Json(serde_json::json!(-1))), "-1");
        assert_eq!(csv_of(Cell::millis(1_763_640_000_007)), "2025-11-20T12:00:00.007Z");
        assert_eq!(csv_of(Cell::Empty), "");
    }

    #[test]
    fn csv_says_that_it_is_utf8_and_quotes_every_cell() {
        let head = Format::Csv.head(&["id", "name"]).unwrap();
        assert_eq!(String::from_utf8(head).unwrap(), "\u{feff}\"id\",\"name\"\r\n");
        let rows =
            [vec![Cell::Empty, Cell::Text("a \"b\"".to_owned())], vec![Cell::Number(-5), Cell::Flag(true)]];
        let rows = Format::Csv.rows(&["id", "name"], &rows).unwrap();
        assert_eq!(String::from_utf8(rows).unwrap(), "\"\",\"a \"\"b\"\"\"\r\n\"-5\",\"true\"\r\n");
        assert!(Format::JsonLines.head(&["id"]).unwrap().is_empty());
    }

    #[test]
    fn a_line_of_json_is_one_line_for_every_reader_and_loses_nothing() {
        let text = "a\u{2028}b\u{2029}\u{85}c\n\r\u{b}\u{c}\u{1c}é\u{2027}";
        let cells = vec![Cell::Text(text.to_owned()), Cell::Json(serde_json::json!({ text: [text] }))];
        let bytes = Format::JsonLines.rows(&["a", "b"], &[cells]).unwrap();
        let line = String::from_utf8(bytes).unwrap();
        let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{85}', '\u{2028}', '\u{2029}'];
        assert_eq!(line.matches(ends).count(), 1, "{line:?}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&read["a"], &read["b"][text][0]), (&Value::from(text), &Value::from(text)));
        assert!(line.contains("\\u2028b\\u2029\\u0085c") && line.contains('é'), "{line}");
    }

    #[test]
    fn json_stays_json_in_a_line_of_its_own() {
        let cells = vec![
            Cell::stored_json(Some(r#"{"cost": 1.10, "b": [1]}"#)),
            Cell::stored_json(Some("no json")),
            Cell::Text("=1\n".to_owned()),
            Cell::Empty,
            Cell::Flag(true),
        ];
        let bytes = Format::JsonLines.rows(&["z", "y", "x", "w", "v"], &[cells]).unwrap();
        let line =
            "{\"z\":{\"cost\":1.10,\"b\":[1]},\"y\":\"no json\",\"x\":\"=1\\n\",\"w\":null,\"v\":true}\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), line);
    }

    #[test]
    fn an_unknown_format_is_told_what_there_is() {
        for wrong in [None, Some("xlsx"), Some("CSV")] {
            assert!(Format::of(wrong).unwrap_err().contains("format=csv or format=jsonl"));
        }
    }
}
