//! Past moments on the command line: reading them, and saying that an answer is the past.

use jiff::Timestamp;

use crate::cli::complain;
use crate::wire::past::{Diff, Past, Sort};
use crate::wire::telling::{Part, ago, diff_head, diff_parts, moment, nobody_looked};
use crate::wire::{Health, when};

/// The moment that is meant; what has to be said of it goes to standard error.
///
/// # Errors
/// In words, when it means none or London's clocks never showed it.
pub fn past(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let then = when::past(text, now).map_err(|e| e.to_string())?;
    if let Some(caution) = then.caution() {
        complain(&caution);
    }
    Ok(then.at)
}

/// The lines before a past status.
#[must_use]
pub fn past_text(past: &Past) -> String {
    let mut out = format!(
        "PAST: as of {}, {}. This is not the present.\n",
        moment(past.at),
        ago(past.at, past.asked_at)
    );
    if let Some(stretch) = &past.nobody_looked {
        out.push_str(&format!("{}\n", nobody_looked(stretch)));
    }
    match past.not_recorded {
        0 => {}
        1 => out.push_str("1 cell is unknown: what is kept does not tell how it stood\n"),
        n => out.push_str(&format!(
            "{n} cells are unknown: what is kept does not tell how they stood\n"
        )),
    }
    for text in &past.not_kept {
        out.push_str(&format!("note: {text}\n"));
    }
    out
}

/// Two moments, the second now if it is left out; what has to be said of them goes to standard error.
///
/// # Errors
/// In words, when one means none.
pub fn two_moments(
    from: &str,
    until: Option<&str>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), String> {
    let Some(until) = until else { return Ok((past(from, now)?, now)) };
    let (from, until) = when::two(from, until, now).map_err(|e| e.to_string())?;
    for caution in [from.caution(), until.caution()].into_iter().flatten() {
        complain(&caution);
    }
    Ok((from.at, until.at))
}

/// Two moments compared, for people.
#[must_use]
pub fn diff_text(diff: &Diff) -> String {
    let mut out: String = diff_head(diff).into_iter().map(|line| format!("{line}\n")).collect();
    for Part { heading, lines, .. } in diff_parts(diff) {
        out.push_str(&format!("\n{heading}\n"));
        out.extend(lines.into_iter().map(|line| format!("  {line}\n")));
    }
    out
}

/// The exit code: the worst that became worse, where what could not be compared counts as unknown.
#[must_use]
pub fn diff_code(diff: &Diff) -> u8 {
    let worse = diff.cells.iter().filter(|d| d.sort == Sort::Worse).map(|d| d.after.health);
    let worst = worse.max().unwrap_or(Health::Ok);
    let unknown = Health::Unknown;
    let blind = diff.not_recorded > 0 || diff.cells.iter().any(|d| d.sort == Sort::Stands);
    let worst = if blind { worst.max(unknown) } else { worst };
    worst.exit_code()
}
