//! The screens, drawn without a terminal: snapshots of letters and styles, keys, budgets, safety.
#![cfg(test)]

mod accounts;
mod acting;
mod budget;
mod columns;
mod days;
mod expiring;
mod fixture;
mod guarded;
mod guarded_snapshots;
mod hand;
mod incidents;
mod keys;
mod looked;
mod past;
mod phone;
mod pictures;
mod plain;
mod pty;
mod replay;
mod reports;
mod resize;
mod safety;
mod sizes;
mod slips;
mod snapshots;
mod statements;
mod training;
mod truth;
mod views;
mod ways;
