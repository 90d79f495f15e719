//! Smoothwall: the web filter of the broadband contract, one shared appliance or several.
//!
//! The vendor has no interface. Whether an appliance *filters* is proved from a place behind it: an
//! agreed address must be blocked and a plain one must pass; and the appliances' alert mails are
//! read from a folder. One sweep takes 2 requests an appliance, for any number of schools; the
//! alerts take none. No visited address and no user name is ever kept.

mod actions;
mod alerts;
mod describe;
mod filtering;
mod message;
mod poll;
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
    checks: describe::CHECKS,
};
