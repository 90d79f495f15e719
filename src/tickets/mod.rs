//! Tickets to people outside: put into the desk's words, and handed over as files, by mail or to a
//! ticket system.
//!
//! Invariant: what is handed over carries the idempotency key, and nothing is handed over twice.
//! Invariant: a value is put into a template, a header, a path or a body as a value, whatever it holds.

mod api;
mod fields;
mod folder;
mod form;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod office;
mod post;
mod settings;
mod template;

pub use office::{Means, Office};
pub use settings::{
    ApiCreate, ApiMethod, ApiSearch, ApiSettings, FolderSettings, MailSettings, SignIn,
    TicketSettings, Wrong,
};
