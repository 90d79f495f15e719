//! Purple Mash (2Simple): learning resources for primary schools, reached through WeLearn365.
//!
//! The vendor has no management interface: each school's portal page is looked at. One sweep takes
//! 1 request a school that has a portal name, and for the estate 1 for the sign-in page and 1 for
//! the vendor's status page where these are configured. The quick-login links (`/ql/`) work in
//! school hours only and are never probed.

mod actions;
mod describe;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
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
    #[cfg(any(test, feature = "fuzzing"))]
    reads: fuzz::read,
    checks: describe::CHECKS,
};
