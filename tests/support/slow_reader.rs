//! The slow reader that is attached in every live test: it takes the board at the start, opens the
//! stream of changes, and reads nothing of it until the end. Then it must come to the same board.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

/// How long one read may take. Long, because machines are busy.
const LIMIT: Duration = Duration::from_secs(60);

/// A board as a client keeps it.
pub struct SlowReader {
    socket: PathBuf,
    changes: BufReader<UnixStream>,
    revision: u64,
    /// Cells by row and column.
    cells: BTreeMap<(String, u64), Value>,
    /// What the last change told of all rows together.
    totals: Value,
}

fn ask(socket: &Path, path: &str, last: Option<u64>) -> BufReader<UnixStream> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    let close = if last.is_empty() { "Connection: close\r\n" } else { "" };
    let head = format!("GET {path} HTTP/1.1\r\nHost: slow\r\n{close}{last}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert!(first.contains(" 200 "), "{path}: {first}");
    lines
}

/// The board now. Its list of schools comes in chunks.
fn board(socket: &Path) -> Value {
    let mut lines = ask(socket, "/v1/board", None);
    let mut line = String::from("x");
    let mut chunked = false;
    while !line.trim().is_empty() {
        line.clear();
        lines.read_line(&mut line).unwrap();
        chunked |= line.to_lowercase().starts_with("transfer-encoding: chunked");
    }
    let mut body = Vec::new();
    while chunked {
        line.clear();
        lines.read_line(&mut line).unwrap();
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let start = body.len();
        body.resize(start + size, 0);
        lines.read_exact(&mut body[start..]).unwrap();
        lines.read_line(&mut line).unwrap();
        chunked = size > 0;
    }
    if body.is_empty() {
        lines.read_to_end(&mut body).unwrap();
    }
    serde_json::from_slice(&body).unwrap()
}

fn cells(board: &Value) -> BTreeMap<(String, u64), Value> {
    let schools = board["schools"].as_array().unwrap().iter();
    let schools = schools.map(|s| (s["laestab"].as_str().unwrap().to_owned(), &s["cells"]));
    let rows = schools.chain([("estate".to_owned(), &board["estate"])]);
    rows.flat_map(|(row, cells)| {
        let cells = cells.as_array().unwrap().iter();
        (0..).zip(cells).map(move |(column, cell)| ((row.clone(), column), cell.clone()))
    })
    .collect()
}

fn totals(of: &Value) -> Value {
    json!([of["summary"], of["schools_summary"], of["split"]])
}

/// The totals counted from the cells, by the words of their meaning.
fn counted(cells: &BTreeMap<(String, u64), Value>) -> Value {
    let health = ["ok", "warning", "critical", "unknown", "not_subscribed"];
    let parts = ["critical", "unknown", "warning", "unasked", "somebody", "follows", "ok"];
    let zero = |names: &[&str]| names.iter().map(|n| ((*n).to_owned(), 0)).collect();
    let mut all: [BTreeMap<String, u64>; 3] = [zero(&health), zero(&health), zero(&parts)];
    all[2].insert("not_subscribed".to_owned(), 0);
    let mut rows: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for ((row, _), cell) in cells.iter().filter(|((row, _), _)| row != "estate") {
        rows.entry(row).or_default().push(cell);
    }
    let mut count = |which: usize, name: &str| *all[which].get_mut(name).unwrap() += 1;
    for row in rows.values() {
        let of = |c: &Value| c["h"].as_str().unwrap().to_owned();
        row.iter().for_each(|c| count(0, &of(c)));
        let worst = ["critical", "unknown", "warning", "ok", "not_subscribed"];
        count(1, worst.iter().find(|w| row.iter().any(|c| of(c) == **w)).unwrap());
        let part = |c: &&Value| match (of(c).as_str(), &c["follows_from"], &c["handling"]) {
            (well @ ("ok" | "not_subscribed"), ..) => well.to_owned(),
            (_, Value::Object(_), _) => "follows".to_owned(),
            (_, _, Value::Object(_)) => "somebody".to_owned(),
            ("unknown", ..) if c["r"] == "never_seen" && c["s"].is_null() => "unasked".to_owned(),
            (own, ..) => own.to_owned(),
        };
        let first = parts.iter().find(|p| row.iter().any(|c| part(c) == **p));
        count(2, first.unwrap_or(&"not_subscribed"));
    }
    json!(all)
}

impl SlowReader {
    /// Attaches. Everything it does, it does on the thread of the test.
    pub fn attach(socket: &Path) -> Self {
        let board = board(socket);
        let revision = board["revision"].as_u64().unwrap();
        Self {
            socket: socket.to_owned(),
            changes: ask(socket, "/v1/changes", Some(revision)),
            revision,
            cells: cells(&board),
            totals: totals(&board),
        }
    }

    /// Reads what was told meanwhile, and must come to the board as it stands.
    pub fn ends_with_the_board(mut self) {
        loop {
            let board = board(&self.socket);
            let goal = board["revision"].as_u64().unwrap();
            while self.revision < goal {
                self.read_event();
            }
            // Changed again meanwhile: another look.
            if self.revision > goal {
                continue;
            }
            assert_eq!(self.cells, cells(&board), "the slow reader's board is another");
            assert_eq!(self.totals, totals(&board), "and its totals");
            assert_eq!(self.totals, counted(&self.cells), "totals are what is counted");
            return;
        }
    }

    fn read_event(&mut self) {
        let (mut id, mut change) = (None, Value::Null);
        loop {
            let mut line = String::new();
            if self.changes.read_line(&mut line).unwrap() == 0 {
                // Let go because it did not read: it goes on where it was.
                self.changes = ask(&self.socket, "/v1/changes", Some(self.revision));
                return;
            }
            if let Some(text) = line.strip_prefix("id:") {
                id = Some(text.trim().parse().unwrap());
            } else if let Some(text) = line.strip_prefix("data:") {
                change = serde_json::from_str(text).unwrap();
            } else if line.trim().is_empty() && !change.is_null() {
                break;
            }
        }
        self.revision = id.unwrap_or(self.revision);
        match change["kind"].as_str().unwrap() {
            "cells" => {
                for changed in change["cells"].as_array().unwrap() {
                    let row = changed["row"]["school"].as_str().unwrap_or("estate").to_owned();
                    let column = changed["column"].as_u64().unwrap();
                    self.cells.insert((row, column), changed["cell"].clone());
                }
                self.totals = totals(&change);
            }
            "beat" | "bye" => {}
            // Schools or services are others now.
            "reset" => *self = Self::attach(&self.socket),
            other => panic!("the agent said {other}"),
        }
    }
}
