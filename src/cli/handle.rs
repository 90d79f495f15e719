//! `caretaker handle`: which cells are meant, and what is printed of the answer.

use jiff::Timestamp;

use crate::cli::args::HandleArgs;
use crate::cli::pick::{filter_of, matching};
use crate::cli::when::moment;
use crate::cli::{PickError, pick, pick_service};
use crate::wire::again::{Again, AgainError};
use crate::wire::board::{Board, CompactCell, Row};
use crate::wire::desk::{CellName, DeskKind, Handle, Handled};
use crate::wire::filter::{Filter, FilterError};
use crate::wire::page::Page;
use crate::wire::when::{WhenError, stretch, when};
use crate::wire::{Clean, Health};

/// Why a command names nothing that can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// No school or service of that name.
    #[error(transparent)]
    Pick(#[from] PickError),
    /// The filter.
    #[error("the filter: {0}")]
    Filter(#[from] FilterError),
    /// A moment.
    #[error(transparent)]
    When(#[from] WhenError),
    /// When it comes again.
    #[error(transparent)]
    Again(#[from] AgainError),
    /// Something stands after that.
    #[error("{0:?} is not understood: the reason is told with --why")]
    Rest(String),
    /// Nothing was named.
    #[error(
        "name schools (numbers or parts of names, or `estate`), or a filter with --filter; every \
         school is --filter ''"
    )]
    Nobody,
    /// No cell matches.
    #[error("no cell matches: nothing that this could be done to")]
    Nothing,
}

/// Whether a cell is meant where no service is named.
fn is_meant(kind: DeskKind, cell: &CompactCell) -> bool {
    if kind.takes() {
        return cell.health.is_trouble() && cell.follows_from.is_none();
    }
    // What is planned does not stand on the board: the agent knows.
    cell.health != Health::NotSubscribed
}

fn named(
    board: &Board,
    words: &[String],
    filter: Option<&Filter>,
) -> Result<Vec<Row>, HandleError> {
    let (estate, words): (Vec<String>, Vec<String>) =
        words.iter().cloned().partition(|word| word == "estate");
    let mut rows: Vec<Row> = estate.iter().take(1).map(|_| Row::Estate).collect();
    let schools = pick(board, &words)?;
    if let Some(filter) = filter {
        let found = matching(board, filter, board.as_of)
            .filter(|laestab| words.is_empty() || schools.contains(laestab));
        rows.extend(found.map(Row::School));
    } else {
        rows.extend(schools.into_iter().map(Row::School));
    }
    Ok(rows)
}

/// What to ask of the agent.
///
/// # Errors
/// When words, filter or moments cannot be understood, or mean no cell.
pub fn handle(board: &Board, args: &HandleArgs, now: Timestamp) -> Result<Handle, HandleError> {
    if args.schools.is_empty() && args.filter.is_none() {
        return Err(HandleError::Nobody);
    }
    let kind = args.kind.kind();
    let filter = args.filter.as_deref().map(|text| filter_of(board, text)).transpose()?;
    let service = args.service.as_deref().map(|word| pick_service(board, word)).transpose()?;
    let again = args.until.as_deref().and_then(|text| Again::read(text, now)).transpose()?;
    let every = match again {
        Some((again, "")) => again.written(),
        Some((_, rest)) => return Err(HandleError::Rest(rest.to_owned())),
        None => String::new(),
    };
    let (from, until) = match (&args.until, args.r#for) {
        _ if !every.is_empty() => (None, None),
        (Some(text), _) => {
            let (from, until) = stretch(text, now)?;
            (from, Some(until))
        }
        (None, Some(span)) => (None, Some(when(&span.to_string(), now)?)),
        (None, None) => (None, None),
    };
    let mut cells = Vec::new();
    for row in named(board, &args.schools, filter.as_ref())? {
        let of_row = match row {
            Row::Estate => Some(&board.estate),
            Row::School(l) => board.schools.iter().find(|s| s.laestab == l).map(|s| &s.cells),
        };
        let meant = board.columns.iter().zip(of_row.into_iter().flatten());
        let meant = meant.filter(|(column, cell)| match &service {
            Some(service) => column.key == *service,
            None => is_meant(kind, cell),
        });
        cells.extend(meant.map(|(column, _)| CellName { row, service: column.key.clone() }));
    }
    if cells.is_empty() {
        return Err(HandleError::Nothing);
    }
    let filter = Clean::new(args.filter.as_deref().unwrap_or_default());
    let every = Clean::new(&every);
    Ok(Handle { kind, cells, filter, from, until, every, why: Clean::new(&args.why) })
}

/// The answer for people: what was done, and each cell to which it was not.
#[must_use]
pub fn handled_text(board: &Board, handled: &Handled) -> String {
    let say = |at: Option<Timestamp>, word: &str| {
        at.map_or(String::new(), |at| format!(" {word} {}", crate::wire::when::written(at)))
    };
    let mut out = format!(
        "{} by {}: {} {}{}{}{}\n",
        handled.kind.word(),
        handled.by,
        handled.done,
        if handled.done == 1 { "cell" } else { "cells" },
        say(handled.from, "from"),
        say(handled.until, "until"),
        handled.last.map_or(String::new(), |at| format!(
            "; {} times, the last until {}",
            handled.times,
            crate::wire::when::written(at)
        ))
    );
    if handled.taken_over > 0 {
        out.push_str(&format!("{} of them somebody else had before\n", handled.taken_over));
    }
    for left in &handled.left_out_cells {
        let name = row_name(board, left.cell.row);
        out.push_str(&format!("left out: {name}, {}: {}\n", left.cell.service, left.why));
    }
    let untold = handled
        .left_out
        .saturating_sub(u32::try_from(handled.left_out_cells.len()).unwrap_or(u32::MAX));
    if untold > 0 {
        out.push_str(&format!("and {untold} more\n"));
    }
    out
}

fn row_name(board: &Board, row: Row) -> String {
    match row {
        Row::Estate => "whole estate".to_owned(),
        Row::School(l) => {
            let school = board.schools.iter().find(|s| s.laestab == l);
            school.map_or_else(|| l.to_string(), |s| s.name.to_string())
        }
    }
}

/// What was written about a row: number, when, by whom, what, to which services, and the text.
#[must_use]
pub fn book_text(page: &Page) -> String {
    let written = page.desk.iter().filter(|line| !line.why.is_empty());
    let lines: String = written
        .map(|line| {
            let services: Vec<&str> = line.services.iter().map(|s| s.as_str()).collect();
            let (at, services) = (moment(line.at), services.join(", "));
            let kind = line.kind.word();
            format!("{}  {at}  {} {kind}, {services}: {}\n", line.id, line.by, line.why)
        })
        .collect();
    if lines.is_empty() { "nothing was written about it\n".to_owned() } else { lines }
}
