//! WeLearn365: Microsoft 365 of the whole tenant, seen through Microsoft Graph.
//!
//! Requests for all schools together: one each minute for service health (which answers
//! `service_health` and `sign_in`), one each 5 minutes for the directory sync, one token each hour;
//! where `site_check` is on, one for each school with a site each 15 minutes. Microsoft allows the
//! health call 800 times an hour; this asks 60.

mod accounts;
mod actions;
mod body;
mod describe;
mod login;
mod poll;
#[cfg(test)]
mod tests;

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
    checks: describe::CHECKS,
};
