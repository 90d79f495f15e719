//! When each job is polled, and what becomes of its answers.

mod plan;
mod sift;
mod task;
#[cfg(test)]
mod tests;

pub(super) use task::{Scheduler, Setting, twice};
