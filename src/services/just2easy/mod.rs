//! Just2easy: classroom tools, reached through WeLearn365.
//!
//! The vendor has no interface: its sign-in page is looked at, once for all schools, and its
//! status page where one is configured. One sweep takes 1 request, 2 with a status page, for any
//! number of schools.

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
    parameters: &[],
    actions: actions::ACTIONS,
    schema: describe::schema,
    configure: poll::configure,
    #[cfg(any(test, feature = "fuzzing"))]
    reads: fuzz::read,
    checks: describe::CHECKS,
};
