//! One value of an export, and how the two formats write it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::error::{AppError, AppResult};
use crate::web::time::instant;

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a line of names.
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
            Self::Text(text) => harmless(text.clone()),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(at) => iso(*at),
            Self::Json(json) => harmless(json.to_string()),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => Value::String(text.clone()),
            Self::Number(number) => Value::from(*number),
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Time(at) => Value::String(iso(*at)),
            Self::Json(json) => json.clone(),
        }
    }
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A spreadsheet runs a cell that begins like a formula. An apostrophe in front makes it text; the full-width
/// forms count, because some spreadsheets take them for the plain ones.
fn harmless(text: String) -> String {
    let acts = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(acts) { format!("'{text}") } else { text }
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
            Self::Csv => csv_lines([columns]),
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
                    let object: Map<String, Value> = columns
                        .iter()
                        .zip(row)
                        .map(|(name, cell)| ((*name).to_owned(), cell.value()))
                        .collect();
                    serde_json::to_writer(&mut bytes, &object).map_err(internal)?;
                    bytes.push(b'\n');
                }
                Ok(bytes)
            }
        }
    }
}

fn csv_lines<R>(rows: impl IntoIterator<Item = R>) -> AppResult<Vec<u8>>
where
    R: IntoIterator<Item: AsRef<[u8]>>,
{
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
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
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
        ] {
            assert_eq!(csv_of(Cell::Text(formula.to_owned())), format!("'{formula}"));
        }
        assert_eq!(csv_of(Cell::Json(serde_json::json!(-1))), "'-1", "a worker's number is a worker's text");
    }

    #[test]
    fn other_cells_come_back_as_they_were() {
        for plain in
            ["", "shop-api", "a=1", "1-2", "\"quoted\", and more", "two\r\nlines", " =1", "漢字", "'"]
        {
            assert_eq!(csv_of(Cell::Text(plain.to_owned())), plain);
        }
        assert_eq!(csv_of(Cell::Number(-5)), "-5", "a number of ours is no formula");
        assert_eq!(csv_of(Cell::millis(1_763_640_000_007)), "2025-11-20T12:00:00.007Z");
        assert_eq!(csv_of(Cell::Empty), "");
    }

    #[test]
    fn lines_of_csv_end_as_the_standard_wants_them() {
        assert_eq!(Format::Csv.head(&["id", "name"]).unwrap(), b"id,name\r\n");
        let rows = [vec![Cell::Empty, Cell::Text("a,b".to_owned())]];
        assert_eq!(Format::Csv.rows(&["id", "name"], &rows).unwrap(), b",\"a,b\"\r\n");
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
