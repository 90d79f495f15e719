//! Work that is handed to people outside: from the command line to where a ticket ends up, and through
//! the guard with every fault on the way.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test outside the program has only the real clock"
)]

mod api;
#[path = "../support/at_the_end.rs"]
mod at_the_end;
mod desk;
mod folder;
mod guarded;
mod mail;
mod mta;
mod post_office;
mod restore;
#[path = "../support/slow_reader.rs"]
mod slow_reader;
mod standing;
mod syncs;
