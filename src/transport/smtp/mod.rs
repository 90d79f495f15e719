//! Mail out: one message to one server, and exactly how far it came.
//!
//! The dialogue is lettre's, the connection is ours: STARTTLS is agreed before lettre sees a byte, so
//! that nothing that was said in the clear is taken for an answer afterwards.
//!
//! Invariant: nothing but the greeting and the wish for TLS is ever said in the clear.

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzz;
mod postman;
mod settings;
mod stream;

pub use postman::{Mail, MailAddress, NotAnAddress, Posted, Postman};
pub use settings::{SmtpSecurity, SmtpSettings};
