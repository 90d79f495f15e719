//! The only way out of the process, over HTTP, LDAP, IMAP to mail folders and SMTP: TLS always verified,
//! redirects and referrals never followed, every read bounded in time and size, retries only where the
//! call is safe.
//!
//! Invariant: no header and no body of ours goes to an origin other than the endpoint's own.
//! Invariant: this room never knows a service.

mod client;
mod depth;
mod endpoint;
mod exchange;
mod failure;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod gate;
mod imap;
mod json;
pub mod ldap;
mod look;
mod origin;
mod reach;
mod reply;
mod request;
mod retry_after;
mod settings;
mod smtp;
mod trace;

pub use client::Transport;
pub use endpoint::Endpoint;
pub use failure::Failure;
pub use imap::{Fetched, ImapOauth, ImapSecurity, ImapSettings, MailFolder, MailServer, Part};
pub use look::{Certificate, Look};
pub use reach::{Resolved, Unreached};
pub use reply::Reply;
pub use request::Request;
pub use settings::{EndpointSettings, SetupError, TransportSettings, install_tls};
pub use smtp::{Mail, MailAddress, NotAnAddress, Posted, Postman, SmtpSecurity, SmtpSettings};
pub use trace::{Answered, Exchange, Step, Trace, shape};
