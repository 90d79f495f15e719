//! Mail folders over IMAP: looked into, never changed.
//!
//! Invariant: a folder is opened with `EXAMINE` and read with `BODY.PEEK`; nothing here can mark,
//! move or delete a message, and there is no command that could.
//! Invariant: no credential is sent before the server's certificate is verified.

mod folder;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzz;
mod server;
mod settings;
mod wire;

pub use folder::{Fetched, MailFolder, Part};
pub use server::MailServer;
pub use settings::{ImapOauth, ImapSecurity, ImapSettings};
