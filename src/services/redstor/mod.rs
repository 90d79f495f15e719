//! Redstor: the backup of each school's file server, documents and SIMS data told apart.
//!
//! Two APIs, one meaning: the older Storage Platform (Basic sign-in, one list of accounts with the
//! last run of each) and RedAPI v2 (token by a signed assertion, seven days of runs). Both become
//! the same accounts, and one judge reads those.
//!
//! Requests for all schools together, each interval (60 minutes): Storage Platform one for every
//! 1,000 accounts; RedAPI two for every 100 accounts, a token an hour, and each six hours one for
//! our company and one for every 100 customers. 250 schools with two accounts each: 1 request, or
//! 11 and each six hours 4 more. An account in trouble costs one more for each of its last runs, at
//! most 20 a sweep.

mod account;
mod actions;
mod assertion;
mod describe;
mod doors;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod judge;
mod poll;
mod redapi;
mod restore;
mod said;
mod storage;
#[cfg(test)]
mod tests;

use crate::services::{Parameter, Service};

/// The service's row.
pub const SERVICE: Service = Service {
    key: describe::KEY,
    label: "Redstor Backup",
    code: "RS",
    parameters: &[
        Parameter {
            name: "documents",
            help: "Redstor account of the file server, by name, guid, or group\\name; several with `;`: AVPS-SVR01",
        },
        Parameter {
            name: "sims",
            help: "Redstor account that holds the SIMS data, by name, guid, or group\\name; several with `;`: AVPS-SIMS01",
        },
    ],
    actions: actions::ACTIONS,
    schema: |generator| generator.subschema_for::<describe::Settings>(),
    configure: describe::configure,
    #[cfg(any(test, feature = "fuzzing"))]
    reads: fuzz::read,
    checks: describe::CHECKS,
};
