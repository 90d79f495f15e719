//! Which schools a command means.

use jiff::Timestamp;

use crate::wire::board::{Board, RowFacts};
use crate::wire::filter::{Filter, FilterError};
use crate::wire::{Laestab, ServiceKey};

/// Why words do not name a school or a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickError {
    /// No school has this number or this part of a name.
    #[error("no school has the number or part of a name {0:?}; `caretaker status` lists all")]
    NoSchool(String),
    /// Not one of the services.
    #[error("no service {0:?}; there are: {1}")]
    NoService(String, String),
    /// The filter.
    #[error("the filter: {0}")]
    Filter(#[from] FilterError),
    /// No school matches; an empty answer would look like an all-clear.
    #[error("no school of {0} matches the filter {1:?}")]
    NoMatch(usize, String),
}

/// A filter in the language of the board, whose services exist.
///
/// # Errors
/// When it cannot be understood.
pub fn filter_of(board: &Board, text: &str) -> Result<Filter, FilterError> {
    let filter = Filter::parse(text)?;
    filter.check_services(|name| {
        let mut columns = board.columns.iter();
        columns.any(|c| c.key.as_str() == name || c.code.as_str().eq_ignore_ascii_case(name))
    })?;
    Ok(filter)
}

/// The schools of `board` that match at `now`, in its order.
pub fn matching<'a>(
    board: &'a Board,
    filter: &'a Filter,
    now: Timestamp,
) -> impl Iterator<Item = Laestab> + 'a {
    let columns = &board.columns;
    let fits = move |row| filter.matches(&RowFacts { row, columns, now });
    board.schools.iter().filter(move |row| fits(*row)).map(|row| row.laestab)
}

/// The schools that `words` name, and of those the ones that match `filter`, as the board shows them.
/// None for no words and no filter, which means all.
///
/// # Errors
/// When a word names no school, the filter cannot be understood, or no school matches it.
pub fn pick_filtered(
    board: &Board,
    words: &[String],
    filter: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Laestab>, PickError> {
    let named = pick(board, words)?;
    let Some(text) = filter else { return Ok(named) };
    let filter = filter_of(board, text)?;
    let found: Vec<Laestab> = matching(board, &filter, now)
        .filter(|laestab| words.is_empty() || named.contains(laestab))
        .collect();
    if found.is_empty() {
        return Err(PickError::NoMatch(board.schools.len(), text.to_owned()));
    }
    Ok(found)
}

/// The schools that `words` name: each a LAESTAB in any usual spelling, or a part of names, whatever
/// its case. None for no words at all.
///
/// # Errors
/// When a word names no school.
pub fn pick(board: &Board, words: &[String]) -> Result<Vec<Laestab>, PickError> {
    let mut out = Vec::new();
    for word in words {
        let before = out.len();
        if let Ok(laestab) = word.parse::<Laestab>() {
            out.extend(board.schools.iter().map(|s| s.laestab).filter(|l| *l == laestab));
        } else {
            let part = word.to_lowercase();
            let named =
                board.schools.iter().filter(|s| s.name.as_str().to_lowercase().contains(&part));
            out.extend(named.map(|s| s.laestab));
        }
        if out.len() == before {
            return Err(PickError::NoSchool(word.clone()));
        }
    }
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

/// The service that `word` names, by key or two-letter code.
///
/// # Errors
/// When none does.
pub fn pick_service(board: &Board, word: &str) -> Result<ServiceKey, PickError> {
    let found = board
        .columns
        .iter()
        .find(|c| c.key.as_str() == word || c.code.as_str().eq_ignore_ascii_case(word));
    found.map(|c| c.key.clone()).ok_or_else(|| {
        let all: Vec<&str> = board.columns.iter().map(|c| c.key.as_str()).collect();
        PickError::NoService(word.to_owned(), all.join(", "))
    })
}
