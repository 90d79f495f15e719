//! `caretaker bench`: speed, measured through the same code as production.

use std::path::Path;

mod board;
mod invented;
mod ledger;
mod store;
mod sweep;
mod world;

pub use board::board;
pub use ledger::ledger;
pub use store::store;
pub use sweep::sweep;
pub use world::world;

/// The median of some measurements; 0 of none.
fn median(values: Vec<f64>) -> f64 {
    percentile(values, 50)
}

/// The value below which `percent` of the measurements lie; 0 of none.
fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = values.len() * percent / 100;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Runs `work` in a folder of its own, which goes afterwards.
fn in_own_folder<T>(work: impl FnOnce(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let folder = std::env::temp_dir().join(format!("caretaker-bench-{}", std::process::id()));
    crate::sys::private_dir(&folder)?;
    let done = work(&folder);
    std::fs::remove_dir_all(&folder)?;
    done
}
