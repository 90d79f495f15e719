//! Redstor: the backup of each school's file server, documents and SIMS data told apart.
//!
//! Two APIs, one meaning: the older Storage Platform (Basic sign-in, one list of accounts with the
//! last run of each) and RedAPI v2 (token by a signed assertion, seven days of runs). Both become
//! the same accounts, and one judge reads those.
//!
//! Requests for all schools together, each interval (60 minutes): Storage Platform one for every
//! 1,000 accounts; RedAPI two for every 100 accounts and one token. 250 schools with two accounts
//! each: 1 request, or 11.

mod actions;
mod assertion;
mod body;
mod describe;
mod judge;
mod poll;
mod said;
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
            help: "Redstor account of the file server, by name or guid; several with `;`: AVPS-SVR01",
        },
        Parameter {
            name: "sims",
            help: "Redstor account that holds the SIMS data, by name or guid; several with `;`: AVPS-SIMS01",
        },
    ],
    actions: actions::ACTIONS,
    schema: |generator| generator.subschema_for::<describe::Settings>(),
    configure: describe::configure,
    checks: describe::CHECKS,
};
