//! Smoothwall: the web filter of the broadband contract, one shared appliance or several.
//!
//! The vendor has no interface. Whether an appliance *filters* is proved from a place behind it: an
//! agreed address must be blocked and a plain one must pass; and the appliances' alerts are read
//! from a mailbox or a syslog file. One sweep takes 2 requests an appliance, for any number of
//! schools; alerts take one visit to a mail server, or none. No visited address and no user name is
//! ever kept.

mod actions;
mod alerts;
mod describe;
mod filtering;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod inbox;
mod message;
mod poll;
mod syslog;
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
