//! What our account may do with a folder of a mail server, against what watching needs, which is reading.
//!
//! Source: RFC 4314 section 2.1, read 2026-11.

use crate::model::ids::CredentialName;
use crate::model::text::Clean;
use crate::ports::watch::Rights;
use crate::services::rights::untold;

/// To look the folder up, and to read it.
const NEEDED: [(char, &str); 2] = [('l', "find the folder"), ('r', "read the messages")];
/// What each other right is for.
const BEYOND: [(char, &str); 11] = [
    ('s', "mark messages as read"),
    ('w', "mark messages otherwise"),
    ('i', "put messages into the folder"),
    ('p', "send mail to the folder"),
    ('k', "make folders below it"),
    ('c', "make folders"),
    ('x', "delete the folder"),
    ('t', "mark messages as deleted"),
    ('d', "delete messages"),
    ('e', "expunge what is marked as deleted"),
    ('a', "give these rights to others"),
];

/// `letters` as the server told them; none where it has no way to tell.
pub(super) fn judged(credential: &CredentialName, folder: &str, letters: Option<&str>) -> Rights {
    let Some(letters) = letters else {
        return untold(
            credential,
            format!(
                "what it may do with the folder `{}` cannot be told: the mail server has no MYRIGHTS \
                 (RFC 4314). Make sure there that it may only read",
                Clean::new(folder)
            ),
        );
    };
    let with = |letter: char, what: &str| format!("{what} ({letter})");
    let (has, lacks): (Vec<_>, Vec<_>) = NEEDED.iter().partition(|(l, _)| letters.contains(*l));
    let said =
        |list: Vec<&(char, &str)>| list.into_iter().map(|(l, what)| with(*l, what)).collect();
    let beyond = letters.chars().filter(|l| NEEDED.iter().all(|(needed, _)| needed != l));
    let named = |letter: char| {
        let what = BEYOND.iter().find(|(l, _)| *l == letter).map(|(_, what)| *what);
        let shown = Clean::new(&with(letter, what.unwrap_or("something that we do not know")));
        shown.to_string()
    };
    Rights {
        credential: credential.clone(),
        used: said(has),
        beyond: beyond.take(BEYOND.len() * 2).map(named).collect(),
        missing: said(lacks),
        optional: Vec::new(),
        untold: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(letters: Option<&str>) -> Rights {
        judged(&"alerts-mailbox".parse().unwrap(), "INBOX/Alerts", letters)
    }

    #[test]
    fn whatever_is_more_than_reading_is_too_much() {
        let told = of(Some("lr"));
        assert_eq!(told.used, ["find the folder (l)", "read the messages (r)"]);
        assert!(told.beyond.is_empty() && told.missing.is_empty() && told.untold.is_none());
        // Every right of the RFC, the two old ones and one of the server's own.
        let told = of(Some("lrswipkxtea"));
        assert_eq!((told.used.len(), told.beyond.len()), (2, 9), "{told:?}");
        assert_eq!(told.beyond[0], "mark messages as read (s)");
        assert_eq!(of(Some("lrcd0")).beyond[2], "something that we do not know (0)");
        // Capital letters are not the rights.
        assert_eq!(of(Some("LR")).missing.len(), 2);
        assert_eq!(of(Some("r")).missing, ["find the folder (l)"]);
        let mute = of(None);
        assert!(mute.untold.unwrap().contains("no MYRIGHTS") && mute.used.is_empty());
    }
}
