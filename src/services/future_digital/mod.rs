//! Desktop monitoring ("digital safeguarding"): how many of a school's Windows PCs check in.
//!
//! The vendor has no interface: a file of stations is dropped for all schools, and one sweep takes
//! no request, but for the sign-in page and a mailbox where these are set. Only coverage is read: no capture, phrase, user name, address or domain is
//! ever kept. A device that checks in shows that the client runs, not that monitoring works.

mod actions;
mod alert_mail;
mod describe;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod history;
mod poll;
mod stations;
#[cfg(test)]
mod tests;

use crate::services::Service;

/// The row of the services' table.
pub const SERVICE: Service = Service {
    key: describe::KEY,
    label: describe::LABEL,
    code: describe::CODE,
    parameters: describe::PARAMETERS,
    actions: actions::ACTIONS,
    schema: describe::schema,
    configure: poll::configure,
    #[cfg(any(test, feature = "fuzzing"))]
    reads: fuzz::read,
    checks: describe::CHECKS,
};
