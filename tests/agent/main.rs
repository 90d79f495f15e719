//! The agent over a real Unix socket, with invented vendors.

#![cfg(test)]

mod changes;
mod contract;
mod guarded;
mod handling;
mod hostile;
mod incidents;
mod lifecycle;
mod past;
mod polling;
mod raw;
mod recording;
mod report;
mod routes;
#[path = "../support/slow_reader.rs"]
mod slow_reader;
mod stage;
