//! The one task that owns the World.
//!
//! Everything that happens goes through one bounded, ordered queue; [`crate::engine::step`] judges
//! it; what changed goes to the store and into a shared view. Whoever reads the board reads the
//! view, so that a reader of 24,000 schools does not hold up an event. What needs sentences and
//! evidence is asked of the task itself, in small pieces.
//!
//! Invariant: no reader has a queue. A reader is a revision: what changed since is in the view.

mod answers;
mod handle;
mod incidents;
mod reader;
mod runs;
mod task;
#[cfg(test)]
mod tests;
mod view;

pub use crate::engine::incidents::{Order, OrderError, Said};
pub use answers::{Narrow, Stand};
pub use handle::{Hub, HubGone};
pub use incidents::members_of;
pub use reader::Reader;
pub use task::Held;
pub use view::Snapshot;
