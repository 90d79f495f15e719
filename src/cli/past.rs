//! Past moments on the command line: reading them, and saying that an answer is the past.

use jiff::Timestamp;

use crate::cli::complain;
use crate::wire::past::{Diff, Differs, Past, Sort};
use crate::wire::runs::Stretch;
use crate::wire::{Health, Span, london, when};

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

/// A moment in London, with its zone.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M %Z").to_string()
}

/// How long before `now`.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = u64::try_from(now.duration_since(at).as_secs()).unwrap_or_default();
    format!("{} ago", Span::from_secs(seconds).short())
}

/// A stretch in which nobody looked.
#[must_use]
pub fn nobody_looked(stretch: &Stretch) -> String {
    format!(
        "no agent ran from {} to {}: nobody looked, and nothing is known of it",
        moment(stretch.from),
        moment(stretch.until)
    )
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
    if past.not_recorded > 0 {
        out.push_str(&format!(
            "{} cells are unknown because what is kept does not tell how they stood\n",
            past.not_recorded
        ));
    }
    for text in &past.not_kept {
        out.push_str(&format!("note: {text}\n"));
    }
    out
}

/// Two moments compared, for people.
#[must_use]
pub fn diff_text(diff: &Diff) -> String {
    let mut out = format!("from {} to {}\n", moment(diff.from), moment(diff.until));
    for stretch in &diff.nobody_looked {
        out.push_str(&format!("{}\n", nobody_looked(stretch)));
    }
    for sort in Sort::ALL {
        let of: Vec<&Differs> = diff.cells.iter().filter(|d| d.sort == sort).collect();
        if !of.is_empty() {
            out.push_str(&format!("\n{} ({})\n", sort.word(), of.len()));
        }
        out.extend(of.into_iter().map(|d| format!("  {}\n", differs_line(d))));
    }
    out.push_str(&why_empty(diff));
    out
}

/// One cell that differs, in a line.
#[must_use]
pub fn differs_line(differs: &Differs) -> String {
    let Differs { sort, cell, before, after, worst, ran_out } = differs;
    let was = match (before.health, before.reason) {
        (Health::Unknown, Some(crate::wire::Reason::NotRecorded)) => "not recorded",
        (health, _) => health.word(),
    };
    let mut line = format!("{}, {}: {was} -> {}", cell.name, cell.label, after.health.word());
    if let Some(worst) = worst {
        let at = moment(worst.at);
        line.push_str(&format!("; {} meanwhile, at {at}: {}", worst.health.word(), worst.why));
    }
    if let Some(had) = ran_out {
        let until = had.until.map(|at| format!(", which ended {}", moment(at))).unwrap_or_default();
        line.push_str(&format!("; {} had it ({}{until})", had.by, had.kind.word()));
    }
    let why = match sort {
        Sort::Worse | Sort::RanOut => &after.why,
        Sort::Better => &before.why,
        Sort::Meanwhile => return line,
    };
    if !why.is_empty() {
        line.push_str(&format!("; {why}"));
    }
    if let Some(has) = after.handling.as_ref().filter(|_| after.health.is_trouble()) {
        line.push_str(&format!("; {} has it ({})", has.by, has.kind.word()));
    }
    line
}

/// What is not in the list, and why the list is empty if it is.
#[must_use]
pub fn why_empty(diff: &Diff) -> String {
    let mut out = String::new();
    if diff.cells.is_empty() {
        out.push_str("no cell of its own differs, and none was worse meanwhile\n");
    }
    for (count, what) in [
        (diff.more, "more differ and are not listed"),
        (diff.followed, "only followed from others and are not listed"),
        (diff.not_recorded, "cannot be compared: one of the moments is not recorded for them"),
    ] {
        if count > 0 {
            out.push_str(&format!("{count} {what}\n"));
        }
    }
    out
}

/// The exit code: the worst that became worse; 3 where anything could not be compared.
#[must_use]
pub fn diff_code(diff: &Diff) -> u8 {
    let worse = diff.cells.iter().filter(|d| d.sort == Sort::Worse).map(|d| d.after.health);
    let worst = worse.max().unwrap_or(Health::Ok);
    let unknown = Health::Unknown;
    let worst = if diff.not_recorded > 0 { worst.max(unknown) } else { worst };
    worst.exit_code()
}
