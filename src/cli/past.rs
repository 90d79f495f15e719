//! Past moments on the command line: reading them, and saying that an answer is the past.

use jiff::Timestamp;

use crate::cli::complain;
use crate::wire::past::Past;
use crate::wire::runs::Stretch;
use crate::wire::{Span, london, when};

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
