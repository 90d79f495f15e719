//! Reading a recording: all of it is right, or it is refused with line and field.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    End, FORMAT, Happened, Head, LARGEST, MOST_CHANGES, RecordedCell, RecordedChange, RecordedNote,
    RecordedSchool, Recording, digest,
};
use crate::model::cell::Row;
use crate::model::health::Health;
use crate::model::ids::ServiceKey;

/// Columns of a board.
const MOST_COLUMNS: usize = 64;
/// Schools of a recording.
const MOST_SCHOOLS: u64 = 100_000;
/// What is said to whoever has a file that is not whole.
const EXPORT_AGAIN: &str = "export it again, or copy it again from where it came";

/// Why a file is no recording that can be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {why}; {remedy}", field.as_ref().map(|f| format!(", {f}")).unwrap_or_default())]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The field, where one is wrong.
    pub field: Option<String>,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub remedy: &'static str,
}

/// One line's fields, each taken once.
struct Fields {
    line: usize,
    map: Map<String, Value>,
}

impl Fields {
    fn fault(&self, field: &str, why: impl Into<String>) -> Fault {
        let field = Some(field.to_owned()).filter(|f| !f.is_empty());
        Fault { line: self.line, field, why: why.into(), remedy: EXPORT_AGAIN }
    }

    fn of(line: usize, text: &str) -> Result<Self, Fault> {
        let mut fields = Self { line, map: Map::new() };
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => fields.map = map,
            Ok(_) => return Err(fields.fault("", "it is no JSON object")),
            Err(error) => return Err(fields.fault("", format!("it is no JSON: {error}"))),
        }
        Ok(fields)
    }

    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Fault> {
        let Some(value) = self.map.remove(name) else {
            return Err(self.fault(name, "it is missing"));
        };
        serde_json::from_value(value).map_err(|e| self.fault(name, e.to_string()))
    }

    /// A list, whose broken entry is named by its place.
    fn list<T: DeserializeOwned>(&mut self, name: &str) -> Result<Vec<T>, Fault> {
        let values: Vec<Value> = self.take(name)?;
        let read = |(n, value)| {
            serde_json::from_value(value)
                .map_err(|e| self.fault(&format!("{name}[{n}]"), e.to_string()))
        };
        values.into_iter().enumerate().map(read).collect()
    }

    fn cells(&mut self, name: &str, columns: usize) -> Result<Vec<RecordedCell>, Fault> {
        let cells: Vec<RecordedCell> = self.list(name)?;
        if cells.len() != columns {
            let why = format!("there are {} cells for {columns} columns", cells.len());
            return Err(self.fault(name, why));
        }
        for (n, cell) in cells.iter().enumerate() {
            self.is_sound(&format!("{name}[{n}]"), cell)?;
        }
        Ok(cells)
    }

    fn is_sound(&self, name: &str, cell: &RecordedCell) -> Result<(), Fault> {
        if (cell.health == Health::Unknown) == cell.reason.is_some() {
            return Ok(());
        }
        Err(self.fault(
            &format!("{name}.reason"),
            "a cell has a reason when it is unknown, and only then",
        ))
    }

    /// Nothing is left.
    fn end(self) -> Result<(), Fault> {
        match self.map.keys().next() {
            Some(name) => Err(self.fault(name, "this version of the format has no such field")),
            None => Ok(()),
        }
    }
}

/// Reads a recording.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Recording, Fault> {
    let fault = |line, why: &str, remedy| Fault { line, field: None, why: why.to_owned(), remedy };
    if bytes.len() > LARGEST {
        return Err(fault(1, "the file is larger than any recording", "name another file"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        fault(line, "it is no text in UTF-8", EXPORT_AGAIN)
    })?;
    let mut lines = text.split_inclusive('\n').enumerate().map(|(n, line)| (n + 1, line));
    let head = lines.next().map_or(Err(not_ours()), |(_, line)| head(line))?;
    let columns: Vec<ServiceKey> = head.columns.iter().map(|c| c.key.clone()).collect();
    let mut all = Reading {
        known: HashMap::from([(Row::Estate, ())]),
        columns,
        last: head.from,
        recording: Recording { head, schools: Vec::new(), happened: Vec::new() },
        notes: 0,
    };
    let mut before = text.split_inclusive('\n').next().map_or(0, str::len);
    let mut seen = 1;
    for (n, line) in lines {
        seen = n;
        let mut fields = Fields::of(n, line)?;
        let kind: String = fields.take("line")?;
        match kind.as_str() {
            "school" => all.school(fields)?,
            "change" => all.change(fields)?,
            "note" => all.note(fields)?,
            "end" => {
                let whole = text.get(..before).unwrap_or_default();
                all.end(fields, whole)?;
                if text.len() > before + line.len() {
                    return Err(fault(
                        n + 1,
                        "something stands behind the last line",
                        EXPORT_AGAIN,
                    ));
                }
                return Ok(all.recording);
            }
            _ => return Err(fields.fault("line", "this version of the format has no such line")),
        }
        before += line.len();
    }
    Err(fault(seen, "it is cut short: the last line is missing", EXPORT_AGAIN))
}

fn not_ours() -> Fault {
    Fault {
        line: 1,
        field: None,
        why: "this is no recording of caretaker".to_owned(),
        remedy: "`caretaker incident export NUMBER --recording FILE` makes one",
    }
}

fn head(line: &str) -> Result<Head, Fault> {
    // One of ours that was cut in its first line says so.
    let begins = line.starts_with("{\"line\":\"recording\"");
    let mut fields =
        Fields::of(1, line).map_err(|fault| if begins { fault } else { not_ours() })?;
    if fields.map.remove("line") != Some(Value::from("recording")) {
        return Err(not_ours());
    }
    let version: u64 = fields.take("version")?;
    if version != FORMAT {
        let why = format!("its format is version {version}; this program reads version {FORMAT}");
        let remedy = "play it with the program that made it, or upgrade this one";
        return Err(Fault { remedy, ..fields.fault("version", why) });
    }
    let columns: Vec<crate::wire::board::Column> = fields.list("columns")?;
    let keys: HashSet<&ServiceKey> = columns.iter().map(|c| &c.key).collect();
    if columns.is_empty() || columns.len() > MOST_COLUMNS || keys.len() != columns.len() {
        let why = format!("a board has 1 to {MOST_COLUMNS} columns, each once");
        return Err(fields.fault("columns", why));
    }
    let head = Head {
        version,
        program: fields.take("program")?,
        made_at: fields.take("made_at")?,
        from: fields.take("from")?,
        until: fields.take("until")?,
        names: fields.take("names")?,
        demo: fields.take("demo")?,
        schools: fields.take("schools")?,
        estate: fields.cells("estate", columns.len())?,
        columns,
        incident: fields.take("incident")?,
    };
    if head.from > head.until {
        return Err(fields.fault("until", "it ends before it begins"));
    }
    if head.schools > MOST_SCHOOLS {
        return Err(fields.fault("schools", format!("more than {MOST_SCHOOLS} schools")));
    }
    fields.end()?;
    Ok(head)
}

/// What was read so far.
struct Reading {
    recording: Recording,
    columns: Vec<ServiceKey>,
    known: HashMap<Row, ()>,
    last: Timestamp,
    notes: u64,
}

impl Reading {
    fn school(&mut self, mut fields: Fields) -> Result<(), Fault> {
        let school = RecordedSchool {
            laestab: fields.take("laestab")?,
            name: fields.take("name")?,
            phase: fields.take("phase")?,
            town: fields.take("town")?,
            set_up: fields.take("set_up")?,
            cells: fields.cells("cells", self.columns.len())?,
        };
        if !self.recording.happened.is_empty() {
            return Err(fields.fault("line", "schools stand before what happened"));
        }
        if self.known.insert(Row::School(school.laestab), ()).is_some() {
            return Err(fields.fault("laestab", "this school stands there twice"));
        }
        if self.recording.schools.len() as u64 >= self.recording.head.schools {
            return Err(fields.fault("line", "there are more schools than the first line says"));
        }
        fields.end()?;
        self.recording.schools.push(school);
        Ok(())
    }

    /// The moment of a line, in order and within the recording.
    fn at(&mut self, fields: &mut Fields) -> Result<Timestamp, Fault> {
        let at: Timestamp = fields.take("at")?;
        if self.recording.happened.len() >= MOST_CHANGES {
            return Err(fields.fault("line", format!("more than {MOST_CHANGES} lines")));
        }
        if at < self.last {
            return Err(fields.fault("at", "it lies before the line above"));
        }
        if at > self.recording.head.until {
            return Err(fields.fault("at", "it lies after the end of the recording"));
        }
        self.last = at;
        Ok(at)
    }

    fn change(&mut self, mut fields: Fields) -> Result<(), Fault> {
        let at = self.at(&mut fields)?;
        let row: Row = fields.take("row")?;
        let service: ServiceKey = fields.take("service")?;
        if !self.known.contains_key(&row) {
            return Err(fields.fault("row", "the recording has no such school"));
        }
        if !self.columns.contains(&service) {
            return Err(fields.fault("service", "the recording has no such column"));
        }
        let cell: RecordedCell = fields.take("cell")?;
        fields.is_sound("cell", &cell)?;
        fields.end()?;
        let change = RecordedChange { at, row, service, cell };
        self.recording.happened.push(Happened::Change(change));
        Ok(())
    }

    fn note(&mut self, mut fields: Fields) -> Result<(), Fault> {
        let note = RecordedNote {
            at: self.at(&mut fields)?,
            kind: fields.take("kind")?,
            who: fields.take("who")?,
            what: fields.take("what")?,
            about: fields.list("about")?,
            cells: fields.take("cells")?,
        };
        fields.end()?;
        self.notes += 1;
        self.recording.happened.push(Happened::Note(note));
        Ok(())
    }

    fn end(&self, mut fields: Fields, before: &str) -> Result<(), Fault> {
        let end = End {
            changes: fields.take("changes")?,
            notes: fields.take("notes")?,
            sha256: fields.take("sha256")?,
        };
        let happened = self.recording.happened.len() as u64;
        let counts = [
            ("changes", end.changes, happened - self.notes),
            ("notes", end.notes, self.notes),
            ("schools", self.recording.head.schools, self.recording.schools.len() as u64),
        ];
        for (name, told, found) in counts {
            if told != found {
                return Err(fields.fault(name, format!("{told} are told of and {found} are there")));
            }
        }
        if end.sha256 != digest(before.as_bytes()) {
            return Err(fields.fault("sha256", "the file was changed since it was made"));
        }
        fields.end()
    }
}
