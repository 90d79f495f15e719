//! Groupcall: Xporter on Demand (is each school's MIS data fresh and allowed?), the IDaaS sign-in
//! page, and the XVault and CME loads from dropped files.
//!
//! No call reads two schools, and each school has its own secret and token, so nothing here can be
//! asked in bulk. Requests for 250 schools: 250 each 15 minutes for `xporter_data`, 250 each hour
//! for `authorisation`, 250 each 6 hours for `counts`, one each 5 minutes for `idaas`; a token per
//! school once a day, spread over half of it (`prove_every`; sooner if the vendor's `expires` says
//! so). The first sweep of all checks is 1,000 calls for 250 schools: one token and three questions
//! each. What is only shown `beside` an authorisation costs 250 an hour each. Dropped files cost
//! none.
//!
//! Invariant: a school's answer is judged under the school whose token asked for it.
//! Invariant: of a school's row only the establishment number is read, never the head's name.

mod actions;
mod beside;
mod body;
mod callback;
mod complaint;
mod describe;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod loads;
mod poll;
mod resync;
mod standing;
#[cfg(test)]
mod tests;

use crate::services::{Parameter, Service};

/// The service's row.
pub const SERVICE: Service = Service {
    key: describe::KEY,
    label: "Groupcall",
    code: "GC",
    parameters: &[Parameter {
        name: "credential",
        help: "name of the credential that holds the school's secret, if not `xod.<laestab>`: xod.9991001",
    }],
    actions: actions::ACTIONS,
    schema: |generator| generator.subschema_for::<describe::Settings>(),
    configure: describe::configure,
    #[cfg(any(test, feature = "fuzzing"))]
    reads: fuzz::read,
    checks: describe::CHECKS,
};
