//! The agent as a service, the real program: against the played vendors over real HTTP and LDAP, with
//! everything that it writes looked through, and killed while it acts.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test outside the program has only the real clock"
)]

#[path = "../support/at_the_end.rs"]
mod at_the_end;
mod canaries;
mod deaths;
mod kept;
mod needles;
#[path = "../tickets/post_office.rs"]
#[expect(dead_code, reason = "the tickets' tests use the rest of it")]
mod post_office;
mod proxy;
mod read_only;
mod real;
mod reconciled;
#[path = "../support/required.rs"]
mod required;
mod rights;
#[path = "../directory/samba.rs"]
#[expect(dead_code, reason = "the directory's tests use the rest of it")]
mod samba;
#[path = "../pty/session.rs"]
#[expect(dead_code, reason = "the terminal's tests use the rest of it")]
mod session;
#[path = "../support/slow_reader.rs"]
mod slow_reader;
mod stage;
