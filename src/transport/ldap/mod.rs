//! The way out over LDAP, to the domain controllers of an Active Directory: TLS always verified, never
//! plain, several controllers in order, pointers to other servers never followed, every answer
//! bounded in time and size and looked at before the LDAP library sees it. One entry at a time can be
//! changed, all of a change or nothing.
//!
//! Invariant: no password leaves before the controller's certificate and name are verified.
//! Invariant: a password that was refused is not tried again and again: that would lock the account.

mod change;
mod controllers;
mod entry;
mod failure;
mod filter;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzz;
mod line;
mod session;
mod settings;
mod wire;

pub use change::{Change, Written};
pub use controllers::{Controllers, Route};
pub use entry::{Entry, Part};
pub use failure::{LdapFailure, SignIn};
pub use filter::{Filter, escape_dn};
pub use session::{Found, Scope, Search, Session, Take};
pub use settings::{LdapSettings, MOST_CONTROLLERS};
