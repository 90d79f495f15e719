//! Reads any bytes as a domain controller's messages, for fuzzing.

use super::failure::SignIn;
use super::wire::{Asked, Reader, cookie, extended, look, message_length};

/// As a stream of messages, and as the pieces of one.
pub(in crate::transport) fn messages(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(length)) = message_length(rest) {
        let Some((message, after)) = rest.split_at_checked(length) else { break };
        for asked in [0, 1, 2, 3].map(Asked::of) {
            drop(look(message, asked));
        }
        drop(extended(message));
        rest = after;
    }
    drop(cookie(bytes));
    let mut reader = Reader::new(bytes);
    while let Ok(Some(_)) = reader.next() {}
    drop(SignIn::of(&String::from_utf8_lossy(bytes)));
}
