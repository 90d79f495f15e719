//! A training in plain text.

use crate::wire::training::TrainingPage;

/// The brief, and the hints that were asked for.
#[must_use]
pub fn brief_text(page: &TrainingPage) -> String {
    let mut out = format!("TRAINING {}: {}\n", page.name, page.title);
    for paragraph in &page.brief {
        out.push_str(&format!("\n{paragraph}\n"));
    }
    for (n, hint) in (1..).zip(&page.hints) {
        out.push_str(&format!("\nHint {n}: {hint}\n"));
    }
    let left = match page.hints_left {
        0 => "There are no more hints.".to_owned(),
        1 => "1 more hint: `caretaker training --hint`".to_owned(),
        n => format!("{n} more hints, one at a time: `caretaker training --hint`"),
    };
    out.push_str(&format!("\n{left}\n"));
    out
}

/// What was done, and when.
#[must_use]
pub fn debrief_text(page: &TrainingPage) -> String {
    let mut out = format!("DEBRIEF {}: {}\n", page.name, page.title);
    for line in page.debrief.lines() {
        out.push_str(&line);
        out.push('\n');
    }
    out
}
