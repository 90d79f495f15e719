//! Connectors against the vendors as they are played: over TLS, with tokens, pages and limits. What
//! the board shows for each way in which a vendor goes wrong, and what a sweep of 250 schools costs.
#![cfg(test)]

mod cost;
mod desk;
mod groupcall;
mod limits;
mod redstor;
mod scenario;
