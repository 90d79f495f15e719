//! The whole estate at once: one agent as an administrator starts it, seven services at full depth, a
//! real Active Directory (Samba), a real mail server (dovecot), a real Secret Service (GNOME Keyring),
//! and the vendors' simulators over real HTTP. Each fault turns the cells that it should, and no other.
//!
//! Everything runs in a network namespace of this test's. Where a component is missing the test says so
//! and is skipped; `CARETAKER_REQUIRE=samba,imap,secret-service` makes that a failure.
#![cfg(test)]

#[path = "../support/at_the_end.rs"]
mod at_the_end;
mod board;
mod config;
#[path = "../support/dovecot.rs"]
mod dovecot;
mod live;
#[path = "../support/required.rs"]
mod required;
#[path = "../directory/samba.rs"]
#[expect(dead_code, reason = "the tests of the directory need more of it")]
mod samba;
#[path = "../support/secret_service.rs"]
mod secret_service;
#[path = "../support/slow_reader.rs"]
mod slow_reader;

#[test]
fn the_whole_estate_with_real_components() {
    let root = rustix::process::geteuid().is_root();
    let no_root = (!root).then(|| "a mail server in a network namespace needs root".to_owned());
    let here = [
        required::here("samba", samba::lacking()),
        required::here("imap", dovecot::lacking().or(no_root)),
        required::here("secret-service", secret_service::lacking()),
    ];
    if here == [true; 3] {
        samba::in_namespace("live::");
    }
}
