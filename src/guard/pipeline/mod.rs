//! The pipeline: plans, confirmations, approvals, and the running of what was committed.
//!
//! Invariant: a step is sent only with the proof that its intent is on disk, and only after its
//! own record says that it is about to be sent.

mod ailing;
mod arming;
mod audit;
mod continuing;
mod denials;
mod desk;
mod details;
mod history;
mod inner;
mod planning;
mod reconciling;
mod running;
mod tickets;

pub use continuing::cannot_continue;
pub use desk::{Countersign, Denied, Guard, Parts, Started, Who};
pub use planning::Planned;
pub use tickets::{Raised, acted_on};
