//! `caretaker bench`: speed, measured through the same code as production.

mod invented;
mod store;
mod sweep;
mod world;

pub use store::store;
pub use sweep::sweep;
pub use world::world;

/// The median of some measurements; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
