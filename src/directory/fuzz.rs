//! Reads any bytes as names and values of a directory, for fuzzing. Nothing of it may panic.

use std::hint::black_box;

use super::dn::{Dn, above};
use super::value::{Flags, Guid, Sid, Ticks, generalised_time, number, span, truth};

/// As a distinguished name. One that is read can be written and read again, and is within itself and
/// within the one above it.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn dn(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(name) = Dn::parse(&text) else { return };
    assert!(name.is_within(&name), "a name is within itself");
    // Escapes may make it longer than what is read.
    if let Ok(again) = Dn::parse(&name.to_string()) {
        assert_eq!(again.key(), name.key(), "it is written as another name");
    }
    assert_eq!(name.keys().next().as_deref(), Some(name.key().as_str()));
    if let Some(Ok(parent)) = above(&text).map(Dn::parse) {
        assert!(name.is_within(&parent), "{} is above {}", parent.key(), name.key());
    }
}

/// As each kind of value.
pub fn value(bytes: &[u8]) {
    black_box((number(bytes), span(bytes), generalised_time(bytes), truth(bytes)));
    black_box((Flags::read(bytes), Guid::read(bytes).map(Guid::filter)));
    black_box(Ticks::read(bytes).map(|ticks| (ticks.is_never(), ticks.at())));
    black_box(Sid::read(bytes).map(|sid| (sid.of_domain(), sid.built_in())));
}
