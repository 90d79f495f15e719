//! What is handed over, in plain text and as Markdown for a mail.

use crate::cli::markdown::plain;
use crate::wire::past::Handover;
use crate::wire::telling::{Part, handover_head, handover_parts};

/// For people at a terminal.
#[must_use]
pub fn handover_text(page: &Handover) -> String {
    let mut out = format!("Handover for {}\n", page.by);
    out.extend(handover_head(page).into_iter().map(|line| format!("{line}\n")));
    for Part { heading, lines, none } in handover_parts(page) {
        out.push_str(&format!("\n{heading}\n"));
        if lines.is_empty() {
            out.push_str(&format!("  {none}\n"));
        }
        out.extend(lines.into_iter().map(|line| format!("  {line}\n")));
    }
    out
}

/// As Markdown, for a mail or a ticket. What came from outside is escaped.
#[must_use]
pub fn handover_markdown(page: &Handover) -> String {
    let mut out = format!("# Handover for {}\n\n", plain(page.by.as_str()));
    out.extend(handover_head(page).into_iter().map(|line| format!("- {}\n", plain(&line))));
    for Part { heading, lines, none } in handover_parts(page) {
        out.push_str(&format!("\n## {heading}\n\n"));
        if lines.is_empty() {
            out.push_str(&format!("{none}\n"));
        }
        out.extend(lines.into_iter().map(|line| format!("- {}\n", plain(&line))));
    }
    out
}
