//! One folder for each service; nothing here knows two of them.
//!
//! Adding a service: a folder (`describe`, `poll`, `actions`, `tests`, `examples`), one line here,
//! and a file in `simulators` that plays its vendor.

mod answer;
mod checks;
#[cfg(test)]
mod contract;
mod declared;
mod ending;
pub mod expiry;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod rights;
mod service;
mod token;

mod future_digital;
mod groupcall;
mod just2easy;
mod purple_mash;
mod redstor;
mod smoothwall;
mod welearn365;

pub use declared::connector::{
    ConnectorError, ConnectorSettings, Connectors, Plan as ConnectorPlan, join,
    schema as connector_schema,
};
pub use declared::jq::serve as serve_jq;
pub use ending::{Ending, Known, Looked, Stage, look_into};
pub use service::{
    Brought, Build, CheckTuning, Configured, Context, Hands, Parameter, Service, ServiceError,
    check_id, only_known, tuned,
};

/// Actions of the desk itself.
pub static DESK_ACTIONS: &[crate::model::action::ActionSpec] =
    &[crate::model::action::ActionSpec {
        id: "desk.raise_ticket",
        label: "Raise a ticket",
        class: crate::model::action::Class::HandOff,
        aims_at: crate::model::action::AimsAt::Cell,
        choices: &[],
    }];

/// Every built-in service, in the order of the board's columns.
pub static SERVICES: &[Service] = &[
    welearn365::SERVICE,
    groupcall::SERVICE,
    redstor::SERVICE,
    future_digital::SERVICE,
    smoothwall::SERVICE,
    just2easy::SERVICE,
    purple_mash::SERVICE,
];
