//! Proofs of the guard's own rules over a real ledger: what a confirmation agrees to, emergency mode,
//! arming, and an agent with one operator. Each fails when its defence is taken away.
#![cfg(test)]

mod digest;
mod hands;
mod modes;
mod refusals;
