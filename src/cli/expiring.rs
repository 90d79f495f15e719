//! What runs out next: what somebody has for a time, in plain text and for programs.

use jiff::Timestamp;
use serde::Serialize;

use crate::wire::board::{Board, CompactCell, Row};
use crate::wire::page::Refreshed;
use crate::wire::when::written;
use crate::wire::{Clean, HandlingKind, Laestab, ServiceKey, VERSION};

/// A cell that somebody has until a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ending<'a> {
    /// When it runs out.
    pub until: Timestamp,
    /// The school; absent for the estate.
    pub school: Option<Laestab>,
    /// Its name, or `whole estate`.
    pub name: &'a str,
    /// The service.
    pub service: &'a ServiceKey,
    /// Its displayed name.
    pub label: &'a Clean,
    /// How it is had.
    pub kind: HandlingKind,
    /// By whom.
    pub by: &'a Clean,
}

/// All of them on `board` that have not run out, the soonest first.
#[must_use]
pub fn endings(board: &Board) -> Vec<Ending<'_>> {
    let schools = board.schools.iter();
    let schools = schools.map(|s| (Row::School(s.laestab), s.name.as_str(), &s.cells));
    let rows = std::iter::once((Row::Estate, "whole estate", &board.estate)).chain(schools);
    let mut all: Vec<Ending<'_>> = rows
        .flat_map(|(row, name, cells)| {
            let cells = board.columns.iter().zip(cells);
            cells.filter_map(move |(column, cell): (_, &CompactCell)| {
                let handling = cell.handling.as_ref()?;
                Some(Ending {
                    until: handling.until.filter(|until| *until > board.as_of)?,
                    school: match row {
                        Row::Estate => None,
                        Row::School(laestab) => Some(laestab),
                    },
                    name,
                    service: &column.key,
                    label: &column.label,
                    kind: handling.kind,
                    by: &handling.by,
                })
            })
        })
        .collect();
    all.sort_by_key(|ending| ending.until);
    all
}

/// For people: a sentence each, which a screen reader can read out.
#[must_use]
pub fn expiring_text(board: &Board) -> String {
    let all = endings(board);
    if all.is_empty() {
        return "nothing runs out: nobody has anything for a time\n".to_owned();
    }
    let line = |ending: &Ending<'_>| {
        format!(
            "{}: {} / {}, {} by {}\n",
            written(ending.until),
            ending.name,
            ending.label,
            ending.kind.word(),
            ending.by
        )
    };
    all.iter().map(line).collect()
}

/// What became of asking again.
#[must_use]
pub fn refreshed_text(sum: &Refreshed) -> String {
    let Refreshed { asked, too_soon } = *sum;
    match (asked, too_soon) {
        (0, 0) => "nothing is watched there: nothing was asked".to_owned(),
        (0, _) => format!("not asked again: all {too_soon} questions were asked moments ago"),
        (_, 0) => format!("asking again now: {asked} questions"),
        _ => format!("asking again now: {asked} questions; {too_soon} were asked moments ago"),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    as_of: Timestamp,
    expiring: Vec<Ending<'a>>,
}

/// For programs.
///
/// # Errors
/// Never for these types; passed on from the encoder.
pub fn expiring_json(board: &Board) -> Result<String, serde_json::Error> {
    let document = Document { version: VERSION, as_of: board.as_of, expiring: endings(board) };
    serde_json::to_string(&document)
}
