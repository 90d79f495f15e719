//! Accounts in plain text.

use crate::wire::account::{FoundAccounts, ShownAccount};
use crate::wire::{lock_word, whose};

/// What a search found, a line each.
#[must_use]
pub fn found_text(page: &FoundAccounts) -> String {
    let mut out = String::new();
    for hit in &page.found.hits {
        out.push_str(&format!(
            "{}   {:<20} {:<9} {:<24} {}\n",
            hit.guid,
            hit.label,
            whose(hit.kind),
            hit.folder,
            lock_word(hit.disabled, hit.locked_out)
        ));
    }
    match (page.found.hits.len(), page.found.more) {
        (0, _) => out.push_str("no account of this school fits\n"),
        (_, true) => out.push_str("and more: type a longer part\n"),
        (_, false) => {}
    }
    out
}

/// How an account stands.
#[must_use]
pub fn page_text(shown: &ShownAccount) -> String {
    let mut out = format!("{}\n\n", shown.page.says);
    for (label, text) in shown.page.rows() {
        out.push_str(&format!("  {label:<13} {text}\n"));
    }
    out
}
