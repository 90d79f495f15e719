//! Accounts in plain text.

use crate::wire::account::{FoundAccounts, ShownAccount};
use crate::wire::{CloudView, Kind, MailView, london};

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Estate => "estate",
        Kind::School => "school",
        Kind::Pupil => "pupil",
        Kind::Staff => "staff",
        Kind::Governor => "governor",
        Kind::Other => "of no known kind",
    }
}

fn lock_word(disabled: bool, locked_out: bool) -> &'static str {
    match (disabled, locked_out) {
        (false, false) => "open",
        (true, false) => "DISABLED",
        (false, true) => "LOCKED OUT",
        (true, true) => "DISABLED and LOCKED OUT",
    }
}

/// What a search found, a line each.
#[must_use]
pub fn found_text(page: &FoundAccounts) -> String {
    let mut out = String::new();
    for hit in &page.found.hits {
        out.push_str(&format!(
            "{}   {:<20} {:<9} {:<24} {}\n",
            hit.guid,
            hit.label,
            word(hit.kind),
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
    let page = &shown.page;
    let mut out = format!("{}\n\n", page.says);
    let time = |at: jiff::Timestamp| {
        at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M").to_string()
    };
    let mut line = |name: &str, value: &str| out.push_str(&format!("  {name:<13} {value}\n"));
    line("account", &format!("{}   {}", page.label, page.name));
    line("id", page.guid.as_str());
    line("where", &format!("{} {}   {}", page.school, page.folder, word(page.kind)));
    line("directory", lock_word(page.disabled, page.locked_out));
    if let Some(at) = page.locked_at {
        let until = page.unlocks_at.map_or("somebody clears it".to_owned(), time);
        line("locked out", &format!("{} until {until}", time(at)));
    }
    if let Some(at) = page.ends_at {
        line("last day", &format!("{}{}", time(at), if page.ended { "   ENDED" } else { "" }));
    }
    let set = page
        .password_set_at
        .map_or("must be changed first".to_owned(), |at| format!("set {}", time(at)));
    line("password", &set);
    line("signed in", &page.signed_in_at.map_or("never, in the domain".to_owned(), time));
    match &page.cloud {
        CloudView::NotKnown { why } => line("Microsoft 365", &format!("NOT KNOWN: {why}")),
        CloudView::NotThere => line("Microsoft 365", "has no such account"),
        CloudView::Known { id, enabled, last_sync, errors } => {
            let open = if *enabled { "open" } else { "BLOCKED" };
            line("Microsoft 365", &format!("{open}   {id}"));
            line("last sync", &last_sync.map_or("never".to_owned(), time));
            for error in errors {
                line("sync error", error.as_str());
            }
        }
    }
    line(
        "Purple Mash",
        match page.mail {
            MailView::Fits => "the mail address fits",
            MailView::Missing => "NO MAIL ADDRESS in the directory",
            MailView::Differs => "DIFFERENT MAIL ADDRESSES in the directory and in Microsoft 365",
            MailView::NotKnown => "not known",
        },
    );
    if let Some(why) = &page.protected {
        line("actions", why.as_str());
    }
    for (n, stop) in (1..).zip(&page.stops) {
        line(&format!("stops {n}"), stop.as_str());
    }
    line("read from", &format!("{} at {}", page.by, time(page.read_at)));
    out
}
