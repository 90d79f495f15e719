//! What others have stated about personal data, in plain text, Markdown and JSON.

use serde::Serialize;

use crate::cli::markdown::plain;
use crate::wire::statements::{NOTHING, Stated, WHOSE};
use crate::wire::{Clean, VERSION};

/// For a terminal.
#[must_use]
pub fn statements_text(all: &[Stated]) -> String {
    let mut out = format!("{WHOSE}\n");
    for stated in all {
        out.push_str(&format!("\n{}\n", stated.label));
        if stated.statements.is_empty() {
            out.push_str(&format!("  {NOTHING}\n"));
        }
        for statement in &stated.statements {
            out.push_str(&format!(
                "  {}: {}\n      said by {}\n",
                statement.topic,
                statement.in_words(),
                statement.source()
            ));
        }
    }
    out
}

/// For a document: a table for each service.
#[must_use]
pub fn statements_markdown(all: &[Stated]) -> String {
    let mut out = format!("# Statements about personal data\n\n{WHOSE}\n");
    for stated in all {
        out.push_str(&format!("\n## {}\n\n", plain(stated.label.as_str())));
        if stated.statements.is_empty() {
            out.push_str(&format!("{NOTHING}\n"));
            continue;
        }
        out.push_str("| about | what is said | by whom | where | when |\n|---|---|---|---|---|\n");
        for statement in &stated.statements {
            let when = statement.when.as_ref().map_or("no date given", Clean::as_str);
            let cells = [
                statement.topic.as_str(),
                statement.in_words(),
                statement.by.word(),
                statement.place.as_str(),
                when,
            ];
            out.push_str(&format!("| {} |\n", cells.map(plain).join(" | ")));
        }
    }
    out
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    note: &'a str,
    services: &'a [Stated],
}

/// For programs.
///
/// # Errors
/// Never for these types; passed on from the encoder.
pub fn statements_json(all: &[Stated]) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Document { version: VERSION, note: WHOSE, services: all })
}
