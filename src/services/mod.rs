//! One folder for each service; nothing here knows two of them.
//!
//! Adding a service: a folder (`describe`, `poll`, `actions`, `tests`, `examples`), one line here,
//! and a file in `simulators` that plays its vendor.

pub mod declared;
mod service;

mod future_digital;
mod just2easy;
mod purple_mash;
mod smoothwall;

pub use service::{
    Build, CheckTuning, Configured, Context, Parameter, Service, ServiceError, tuned,
};

/// Every built-in service, in the order of the board's columns.
pub static SERVICES: &[Service] =
    &[future_digital::SERVICE, smoothwall::SERVICE, just2easy::SERVICE, purple_mash::SERVICE];
