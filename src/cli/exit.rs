//! Exit codes.

use crate::wire::status::Status;
use crate::wire::{Health, ServiceKey};

/// Exit codes that are not a health (those are 0 ok, 1 warning, 2 critical, 3 unknown).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Done.
    Done = 0,
    /// An export of the audit does not verify.
    Unverified = 2,
    /// Not settled in time.
    Unsettled = 3,
    /// Done to nothing that was named.
    Rejected = 11,
    /// An action was denied, or not confirmed.
    ActionDenied = 14,
    /// A plan waits for a second person.
    Waits = 15,
    /// The command line cannot be understood.
    Usage = 64,
    /// No agent answers.
    NoAgent = 69,
    /// The program itself failed.
    Software = 70,
    /// Not allowed.
    Denied = 77,
    /// The configuration cannot be used.
    Config = 78,
}

/// The exit code of the worst that was asked for. Soft cells do not count; handled and following
/// ones do. The estate counts when all schools were asked for.
#[must_use]
pub fn status_code(status: &Status, whole: bool, service: Option<&ServiceKey>) -> u8 {
    let asked = |key: &ServiceKey| service.is_none_or(|s| s == key);
    let cells = status
        .schools
        .iter()
        .flat_map(|s| s.cells.iter())
        .filter(|(key, cell)| asked(key) && !cell.soft)
        .map(|(_, cell)| cell.health);
    let estate =
        status.estate.iter().filter(|e| whole && asked(&e.service) && !e.soft).map(|e| e.health);
    cells.chain(estate).max().unwrap_or(Health::NotSubscribed).exit_code()
}
