//! WeLearn365: Microsoft 365 of the whole tenant, seen through Microsoft Graph.
//!
//! Requests for all schools together: one each minute for service health (which answers
//! `service_health` and `sign_in`; a second one while a trouble is not explained), one each 5 minutes
//! for the directory sync, one token each hour. Where they are configured: one each 6 hours for
//! licences; one for each school with a site each 15 minutes; for provisioning one for each 999
//! accounts once a day, and one an hour for what changed.
//!
//! Microsoft's limits for one app in one tenant, and what is kept of them: service announcements 800
//! an hour and 240 a minute (600 and 180, counted by `budget`); directory 8,000 resource units in ten
//! seconds (at most 500 calls of one to three, by the transport's rate for one origin); SharePoint
//! counts one unit for a site and allows at least 1,200 a minute (900, counted by `budget`).

mod accounts;
mod actions;
mod assertion;
mod audits;
mod budget;
mod describe;
mod dn;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod graph;
mod health;
mod licences;
mod login;
mod odata;
mod page;
mod picture;
mod poll;
mod provisioning;
mod sites;
mod sync;
#[cfg(test)]
mod tests;
mod words;

use crate::services::{Parameter, Service};

/// The service's row.
pub const SERVICE: Service = Service {
    key: describe::KEY,
    label: "WeLearn365",
    code: "WL",
    parameters: &[
        Parameter {
            name: "site",
            help: "the school's SharePoint site: https://tenant.sharepoint.com/sites/ashbrook",
        },
        Parameter {
            name: "ou",
            help: "the school's OU in the Active Directory: OU=Ashbrook,OU=Schools,DC=example,DC=org",
        },
    ],
    actions: actions::ACTIONS,
    schema: |generator| generator.subschema_for::<describe::Settings>(),
    configure: describe::configure,
    #[cfg(any(test, feature = "fuzzing"))]
    reads: fuzz::read,
    checks: describe::CHECKS,
};
