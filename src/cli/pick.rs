//! Which schools a command means.

use crate::wire::board::Board;
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
