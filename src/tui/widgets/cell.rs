//! A cell of the board: letter first, then age, then marks. Colour comes second and may be missing.

use jiff::Timestamp;

use crate::tui::theme::Role;
use crate::tui::times;
use crate::wire::board::{Column, CompactCell, is_same_as_estate, letter};
use crate::wire::{HandlingKind, Health};

/// How a cell is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its letters.
    pub text: String,
    /// Its role.
    pub role: Role,
    /// Strength of its tint: 0 none, 4 nobody had it for days.
    pub strength: u8,
}

/// How the cell of a row in `column` is drawn in at most `room` columns. `is_known` is false when
/// the line to the agent is gone: then what was well is unknown.
#[must_use]
pub fn look(
    cell: &CompactCell,
    column: &Column,
    columns: &[Column],
    (now, is_known): (Timestamp, bool),
    room: u16,
) -> Look {
    let plain = |text: &str, role| Look { text: text.to_owned(), role, strength: 0 };
    match cell.health {
        Health::NotSubscribed => return plain("-", Role::NotTaken),
        Health::Ok if !is_known => return plain("U", Role::Unknown),
        Health::Ok => return plain(if cell.quiet { "_" } else { "." }, Role::Ok),
        Health::Warning | Health::Unknown | Health::Critical => {}
    }
    let mark = match cell.handling.as_ref().map(|h| h.kind) {
        Some(HandlingKind::Claimed) => "@",
        Some(HandlingKind::Acknowledged | HandlingKind::AcknowledgedAsIs) => "a",
        Some(HandlingKind::Downtime) => "z",
        None => "",
    };
    let flapping = if cell.flapping { "~" } else { "" };
    if let Some(cause) = &cell.follows_from {
        let text = if is_same_as_estate(cell, column) {
            format!("\"{flapping}{mark}")
        } else {
            let cause = columns.iter().find(|c| c.key == cause.service);
            let code = cause.map_or("?", |c| c.code.as_str());
            let code = if mark.is_empty() { code.to_owned() } else { code.to_lowercase() };
            format!("^{code}{flapping}{mark}")
        };
        return Look { text, role: Role::Follows, strength: 0 };
    }
    let is_handled = !mark.is_empty();
    let letter = letter(cell.health, is_handled);
    let age = cell.since.map(|s| times::age(times::at_second(s), now)).unwrap_or_default();
    let marks = format!("{flapping}{mark}");
    // With two marks, or without room, the age gives way.
    let fits = letter.len() + age.len() + marks.len() <= usize::from(room) && marks.len() < 2;
    let text = if fits { format!("{letter}{age}{marks}") } else { format!("{letter}{marks}") };
    if is_handled {
        return Look { text, role: Role::Handled, strength: 0 };
    }
    Look { text, role: role_of(cell.health), strength: strength(cell.since, now) }
}

fn role_of(health: Health) -> Role {
    match health {
        Health::Critical => Role::Critical,
        Health::Unknown => Role::Unknown,
        Health::Warning => Role::Warning,
        Health::Ok => Role::Ok,
        Health::NotSubscribed => Role::NotTaken,
    }
}

/// The longer nobody has it, the stronger: an hour, a day, three days.
fn strength(since: Option<i64>, now: Timestamp) -> u8 {
    match since.map_or(0, |s| times::age_s(times::at_second(s), now)) {
        0..3_600 => 1,
        3_600..86_400 => 2,
        86_400..259_200 => 3,
        _ => 4,
    }
}

/// The state in a word, for pages: upper case where nobody has it.
#[must_use]
pub fn state_word(health: Health, follows: bool, handled: bool, quiet: bool) -> (String, Role) {
    if follows && health.is_trouble() {
        return ("follows".to_owned(), Role::Follows);
    }
    let word = match health {
        Health::NotSubscribed => "not taken",
        Health::Ok if quiet => "no school",
        other => other.word(),
    };
    match (health.is_trouble(), handled) {
        (true, false) => (word.to_uppercase(), role_of(health)),
        (true, true) => (word.to_owned(), Role::Handled),
        (false, _) => (word.to_owned(), role_of(health)),
    }
}
