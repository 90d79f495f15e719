//! The words of the design as types. No IO, no clock, no runtime: values in, values out.
//!
//! Invariant: nothing in this room reads a file, the network, the clock or the environment.

pub mod account;
pub mod action;
pub mod again;
pub mod audit;
pub mod calendar;
pub mod cell;
pub mod check;
pub mod desk;
pub mod estate;
pub mod filter;
pub mod find;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod health;
pub mod ids;
pub mod incident;
pub mod kept;
pub mod nearest;
pub mod next_step;
pub mod observation;
pub mod past;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod school;
pub mod secret;
pub mod share;
pub mod shared;
pub mod span;
pub mod statements;
pub mod text;
pub mod ticket;
pub mod training;
pub mod when;
