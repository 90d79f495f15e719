//! One folder for each service; nothing here knows two of them.
//!
//! Adding a service: a folder (`describe`, `poll`, `actions`, `tests`, `examples`), one line here,
//! and a file in `simulators` that plays its vendor.

mod answer;
#[cfg(test)]
mod contract;
mod groupcall;
mod redstor;
mod service;
mod token;
mod welearn365;

pub use service::{
    Build, CheckTuning, Configured, Context, Parameter, Service, ServiceError, check_id,
    only_known, tuned,
};

/// Every built-in service, in the order of the board's columns.
pub static SERVICES: &[Service] = &[welearn365::SERVICE, groupcall::SERVICE, redstor::SERVICE];
