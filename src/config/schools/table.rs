//! A CSV file as rows with line numbers: Windows-1252 or UTF-8, quotes, ragged rows and all.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use crate::config::schools::{Finding, Severity, TableError};
use crate::model::nearest::nearest;
use crate::model::text::Clean;

/// The whole register of England has about 60 MB.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The bytes of `path`.
///
/// # Errors
/// When it cannot be read or is too large.
pub fn bytes_of(path: &Path) -> Result<Vec<u8>, TableError> {
    let refuse = |text: String| TableError { file: path.to_owned(), line: 1, text };
    let unreadable = |e: std::io::Error| refuse(format!("cannot be read: {e}"));
    // A pipe would make us wait for its writer.
    let about = path.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(refuse("is not a file".into()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len().min(MAX_BYTES)).unwrap_or(0));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(refuse(format!("is larger than {} MiB", MAX_BYTES / 1024 / 1024)));
    }
    Ok(bytes)
}

/// The text of `bytes`: UTF-8 if they are that, else Windows-1252, in which the register ships.
fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("this is UTF-16 text; save it as CSV UTF-8");
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err("this is a workbook or a ZIP file; save it as CSV UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    })
}

/// A table whose header was read.
pub struct Table<'a> {
    file: &'a Path,
    text: Cow<'a, str>,
    header: Vec<String>,
    body: Start,
}

#[derive(Debug, Clone, Copy)]
struct Start {
    byte: usize,
    line: u64,
}

/// One row that has as many cells as the header.
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    cells: StringRecord,
}

/// Position of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(usize);

impl Row {
    /// The trimmed text of a cell; empty if the table has no such column.
    pub fn text(&self, column: Option<Column>) -> &str {
        column.and_then(|Column(i)| self.cells.get(i)).unwrap_or_default().trim()
    }

    /// The text of a cell, cleaned.
    pub fn clean(&self, column: Option<Column>) -> Clean {
        Clean::new(self.text(column))
    }
}

impl<'a> Table<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the bytes are not a CSV file with a header in which every name stands once.
    pub fn open(file: &'a Path, bytes: &'a [u8]) -> Result<Self, TableError> {
        let refuse = |line: u64, text: &str| TableError {
            file: file.to_owned(),
            line,
            text: text.to_owned(),
        };
        let text = text_of(bytes).map_err(|why| refuse(1, why))?;
        let start = Start { byte: 0, line: 1 };
        let mut records = Records::of(&text, start);
        let Some(row) = records.next() else {
            return Err(refuse(1, "is empty; its first line must name the columns"));
        };
        let body = records.at;
        let header: Vec<String> =
            row.cells.iter().map(|name| Clean::new(name).as_str().to_owned()).collect();
        if let [only] = header.as_slice()
            && only.contains([';', '\t'])
        {
            return Err(refuse(
                row.line,
                "its columns are not separated by commas; save it as CSV",
            ));
        }
        for (i, name) in header.iter().enumerate() {
            let twice = header.iter().take(i).any(|other| other.eq_ignore_ascii_case(name));
            if twice && !name.is_empty() {
                return Err(refuse(row.line, &format!("two columns are named {name}; remove one")));
            }
        }
        Ok(Self { file, text, header, body })
    }

    /// A column by name, in any case.
    pub fn column(&self, name: &str) -> Option<Column> {
        self.header.iter().position(|h| h.eq_ignore_ascii_case(name)).map(Column)
    }

    /// A column that must be there.
    ///
    /// # Errors
    /// Names the column and the nearest one that is there.
    pub fn needed(&self, name: &str) -> Result<Column, TableError> {
        self.column(name).ok_or_else(|| {
            let there = nearest(name, self.header.iter().map(String::as_str));
            let hint = there.map(|n| format!("; the nearest is {n}")).unwrap_or_default();
            self.error(format!("column {name} is missing{hint}"))
        })
    }

    /// Refuses columns that are not `known`.
    ///
    /// # Errors
    /// Names the first unknown column and the nearest known one.
    pub fn refuse_unknown<'k>(
        &self,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> Result<(), TableError> {
        for name in self.header.iter().filter(|name| !name.is_empty()) {
            if !known.clone().any(|k| k.eq_ignore_ascii_case(name)) {
                let hint = match nearest(name, known.clone()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("known are {}", known.collect::<Vec<_>>().join(", ")),
                };
                return Err(self.error(format!("unknown column {name}; {hint}")));
            }
        }
        Ok(())
    }

    /// An error about the whole table.
    pub fn error(&self, text: String) -> TableError {
        TableError { file: self.file.to_owned(), line: 1, text }
    }

    /// Something about one row.
    pub fn finding(&self, severity: Severity, line: u64, column: &str, text: String) -> Finding {
        let column = (!column.is_empty()).then(|| column.to_owned());
        Finding { severity, file: self.file.to_owned(), line, column, text }
    }

    /// Calls `each` with every row that can be read; what cannot is among the findings. Rows
    /// without any text are passed over.
    pub fn rows(&self, findings: &mut Vec<Finding>, mut each: impl FnMut(&Row, &mut Vec<Finding>)) {
        let mut records = Records::of(&self.text, self.body);
        while let Some(row) = records.next() {
            let raw = self.text.get(row.byte..records.at.byte).unwrap_or_default();
            let begin = row.byte;
            let row = Row { line: row.line, cells: row.cells };
            let ragged = row.cells.len() != self.header.len();
            // An open quote swallows the rows after it: give up its line only, not theirs.
            let several = raw.trim_end_matches(['\r', '\n']).contains('\n');
            let open = several && !well_quoted(raw);
            if row.cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if open {
                let text = "a quote is opened and not closed; mend the row";
                findings.push(self.finding(Severity::Error, row.line, "", text.into()));
                records = Records::of(&self.text, self.line_after(begin, row.line));
            } else if ragged {
                let text = format!(
                    "has {} cells, the header {}; a comma may be missing, or one too many (put a \
                     text with a comma in quotes)",
                    row.cells.len(),
                    self.header.len()
                );
                findings.push(self.finding(Severity::Error, row.line, "", text));
            } else if let Some(i) = row.cells.iter().position(|cell| cell.contains('\0')) {
                let column = self.header.get(i).map_or("", String::as_str);
                let text = "holds a NUL byte; the file is damaged here, export it again";
                findings.push(self.finding(Severity::Error, row.line, column, text.into()));
            } else {
                each(&row, findings);
            }
        }
    }

    fn line_after(&self, byte: usize, line: u64) -> Start {
        let rest = self.text.get(byte..).unwrap_or_default();
        let byte = rest.find('\n').map_or(self.text.len(), |n| byte + n + 1);
        Start { byte, line: line + 1 }
    }
}

/// Whether every quote opens at the start of a cell and closes at its end (RFC 4180, section 2).
fn well_quoted(record: &str) -> bool {
    #[derive(PartialEq)]
    enum In {
        Start,
        Plain,
        Quotes,
        Closed,
    }
    let mut state = In::Start;
    for c in record.chars() {
        state = match (state, c) {
            (In::Start | In::Closed, '"') => In::Quotes,
            (In::Quotes, '"') => In::Closed,
            (In::Quotes, _) => In::Quotes,
            (In::Start | In::Plain | In::Closed, ',' | '\r' | '\n') => In::Start,
            (In::Plain, '"') | (In::Closed, _) => return false,
            (In::Start | In::Plain, _) => In::Plain,
        };
    }
    state != In::Quotes
}

struct Record {
    byte: usize,
    line: u64,
    cells: StringRecord,
}

/// The records of a text with their places, which the reader alone does not tell rightly: it passes
/// over empty lines without counting them.
struct Records<'t> {
    text: &'t str,
    /// Where the next record is looked for.
    at: Start,
    /// Where the reader began.
    from: usize,
    reader: csv::Reader<&'t [u8]>,
}

impl<'t> Records<'t> {
    fn of(text: &'t str, at: Start) -> Self {
        let bytes = text.as_bytes().get(at.byte..).unwrap_or_default();
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).from_reader(bytes);
        Self { text, at, from: at.byte, reader }
    }

    fn next(&mut self) -> Option<Record> {
        let rest = self.text.get(self.at.byte..)?;
        let empty = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let newlines = |text: &str| u64::try_from(text.matches('\n').count()).unwrap_or_default();
        let byte = self.at.byte + empty;
        let line = self.at.line + newlines(rest.get(..empty)?);
        let mut cells = StringRecord::new();
        if !self.reader.read_record(&mut cells).unwrap_or(false) {
            return None;
        }
        let read = usize::try_from(self.reader.position().byte()).ok()?;
        let end = (self.from + read).clamp(byte, self.text.len());
        self.at = Start { byte: end, line: line + newlines(self.text.get(byte..end)?) };
        Some(Record { byte, line, cells })
    }
}
