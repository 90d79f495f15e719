//! One folder for each service; nothing here knows two of them.
//!
//! Adding a service: a folder (`describe`, `poll`, `actions`, `tests`, `examples`), one line here,
//! and a file in `simulators` that plays its vendor.

mod accounts;
mod answer;
mod checks;
#[cfg(test)]
mod contract;
mod declared;
mod ending;
mod errand;
pub mod expiry;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod hand_off;
mod late;
mod raise_ticket;
mod rights;
mod service;
mod sync_by_hand;
mod token;

mod future_digital;
mod groupcall;
mod just2easy;
mod purple_mash;
mod redstor;
mod smoothwall;
mod welearn365;

use std::sync::Arc;

use crate::ports::act::Act;

pub use declared::connector::{
    ConnectorError, ConnectorSettings, Connectors, Plan as ConnectorPlan, join,
    schema as connector_schema,
};
pub use declared::jq::serve as serve_jq;
pub use ending::{Ending, Known, Looked, Stage, look_into};
pub use late::LateKnown;
pub use service::{
    Brought, Build, CheckTuning, Configured, Context, Hands, Parameter, Service, ServiceError,
    check_id, only_known, tuned,
};

/// Actions of the desk itself.
pub static DESK_ACTIONS: &[crate::model::action::ActionSpec] = &[raise_ticket::SPEC];

/// The desk's own hands: tickets, where the configuration says where they go.
#[must_use]
pub fn desk_hands(context: &Context) -> Vec<Arc<dyn Act>> {
    let raise = context.tickets.as_ref().map(|tickets| {
        Arc::new(raise_ticket::RaiseTicket {
            tickets: Arc::clone(tickets),
            known: Arc::clone(&context.known),
            estate: Arc::clone(&context.estate),
        }) as Arc<dyn Act>
    });
    raise.into_iter().collect()
}

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
